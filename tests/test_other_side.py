"""Verdicts that another ranking contradicts: found where they are, told wherever the verdict is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from cast import make_link
from people import Cast, everybody, text_of
from rollups import count
from test_finding_files import on_paper

from linkservice.conversions.counts import NewCount, import_counts
from linkservice.database import Database
from linkservice.journeys.manage import create_journey
from linkservice.journeys.model import Journey, Stage, Touchpoint
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.journeys.stages import create_stage
from linkservice.journeys.touchpoints import NewTouchpoint, create_touchpoint
from linkservice.reports import other_side
from linkservice.reports.conversions import Converted
from linkservice.reports.digest import digest_of
from linkservice.reports.exposure import Reached
from linkservice.reports.judging import Line, judged
from linkservice.reports.other_side import OTHER, other_sides
from linkservice.reports.period import Period
from linkservice.reports.touchpoint_sums import TouchpointSums

cast = pytest.fixture(everybody)
one_engine = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)

DAYS = 28
PERIOD = Period(date(2026, 3, 1), date(2026, 3, DAYS), "Europe/Berlin")
REACH = 1_000.0


def line(number: int, visitors: Sequence[int], value: Sequence[int], reach: float = REACH) -> Line:
    """A touchpoint of the one stage with that much reach a day; a conversion is worth 20 €."""
    orders = [each // 2_000 for each in value]
    return Line(
        Touchpoint(id=number, name=str(number), kind="digital"),
        Stage(id=1),
        Journey(id=1),
        TouchpointSums(visitors, visitors=sum(visitors)),
        Converted(orders, list(value), sum(orders), sum(value)),
        Reached([reach] * DAYS, int(reach * DAYS), "sent"),
    )


def found(lines: Sequence[Line]) -> dict[int, str]:
    verdicts = judged(lines, "visitors_per_reach", PERIOD, PERIOD.last, None)
    sides = other_sides(lines, verdicts, PERIOD, PERIOD.last)
    return {place: each.judgement.verdict for place, each in sides.items()}


def usual(number: int) -> Line:
    return line(number, [30 + number % 3] * DAYS, [4_000] * DAYS)


def test_the_worst_who_brings_the_most_value_and_the_reverse() -> None:
    poor_but_dear = line(1, [5] * DAYS, [16_000] * DAYS)
    rich_but_cheap = line(2, [90] * DAYS, [2_000, 0] * (DAYS // 2))
    plainly_worst = line(3, [5] * DAYS, [0] * DAYS)
    plainly_best = line(4, [90] * DAYS, [16_000] * DAYS)
    others = [usual(number) for number in range(5, 14)]
    assert found([poor_but_dear, rich_but_cheap, *others]) == {0: "best", 1: "worst"}
    assert found([plainly_worst, plainly_best, *others]) == {}


def test_where_no_value_is_known_nothing_more_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = [0] * DAYS
    usually = [line(number, [30] * DAYS, nothing) for number in range(2, 8)]
    without = [line(1, [5] * DAYS, nothing), *usually]
    verdicts = judged(without, "visitors_per_reach", PERIOD, PERIOD.last, None)
    assert verdicts[0].judgement.verdict == "worst"

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(other_side, "judged", never)
    assert other_sides(without, verdicts, PERIOD, PERIOD.last) == {}
    # Nor where the worst brings least.
    valued = [line(1, [5] * DAYS, [0] * DAYS), *(usual(number) for number in range(2, 8))]
    verdicts = judged(valued, "visitors_per_reach", PERIOD, PERIOD.last, None)
    assert other_sides(valued, verdicts, PERIOD, PERIOD.last) == {}


def test_what_is_passed_over_contradicts_nothing() -> None:
    """Against both rankings judged in full, of 60 seeded worlds with very different reach."""
    contradictions = 0
    for seed in range(60):
        chance = np.random.default_rng(seed)
        lines = []
        for number in range(1, 13):
            reach = float(chance.choice([40, 300, 4_000]))
            rate, buying = chance.lognormal(-3.5, 0.6), chance.lognormal(-3.0, 1.0)
            visitors = chance.poisson(rate * reach, DAYS)
            orders = chance.poisson(visitors * min(buying, 1.0))
            lines.append(line(number, visitors.tolist(), (orders * 2_000).tolist(), reach))
        one, other = (
            [each.judgement.verdict for each in judged(lines, metric, PERIOD, PERIOD.last, None)]
            for metric in ("visitors_per_reach", OTHER)
        )
        wanted = {
            place: by_value
            for place, (verdict, by_value) in enumerate(zip(one, other, strict=True))
            if {verdict, by_value} == {"best", "worst"}
        }
        assert found(lines) == wanted
        contradictions += len(wanted)
    assert contradictions > 20


def shop(cast: Cast, database: Database) -> str:
    """Five touchpoints, of which one has few visitors who buy much: its id."""
    home, today = cast.home, datetime.now(UTC).date()
    made = datetime.now(UTC) - timedelta(days=40)
    first = today - timedelta(days=20)
    with database.transaction() as session:
        journey = create_journey(session, home.actor, "Shop", made).journey
        stage = create_stage(session, home.actor, str(journey.id), "Buy", made)
        ids = []
        for number in range(5):
            new = NewTouchpoint(str(stage.id), f"Card {number}", "email", "digital", "owned")
            touchpoint = str(create_touchpoint(session, home.actor, new, made).id)
            ids.append(touchpoint)
            link = make_link(session, cast.ben.settings, home, touchpoint_id=touchpoint, now=made)
            reach = NewReach(first, 20_000, "sent", today - timedelta(days=1))
            add_reach(session, home.actor, touchpoint, reach, made)
            for day in range(20):
                clicks = 5 if number == 0 else 30
                count(session, home, link, first + timedelta(day), clicks, touchpoint_id=touchpoint)
        orders = [
            NewCount(first + timedelta(day), each, 2, 16_000 if each == ids[0] else 3_000)
            for day in range(20)
            for each in ids
        ]
        import_counts(session, home.actor, orders, "till", datetime.now(UTC))
    return ids[0]


@one_engine
def test_pages_papers_and_letters_say_both(cast: Cast, database: Database) -> None:
    card = shop(cast, database)
    but = "By value, though, it is among the best: €160.00 per 1,000 e-mails (95%: "
    place = f"/reports/touchpoints/{card}"
    for path in ("/", place):
        page = cast.vera.get(path)
        assert but in text_of(page), path
        assert 'href="/app/reports?metric=value_per_reach"' in page.text
    for path in ("/overview/paper", f"{place}/paper"):
        assert "By value, though, it is among the best" in on_paper(cast.vera, path), path
    ranking = text_of(cast.vera.get("/reports", metric="value_per_reach"))
    assert "€160.00 per 1,000 e-mails (95%: " in ranking
    period = Period(*_last_week(), "Europe/Berlin")
    with database.reading() as session:
        told: Any = digest_of(session, cast.home.actor, period, datetime.now(UTC))
    assert told.other_sides[card].verdict == "best"
    cast.vera.done("/language", locale="de")
    assert "Beim Wert zählt dieser Touchpoint dagegen zu den besten" in text_of(cast.vera.get("/"))


def _last_week() -> tuple[date, date]:
    today = datetime.now(UTC).date()
    return today - timedelta(days=15), today - timedelta(days=2)
