"""Closed days tell what their single clicks tell, whatever becomes of these afterwards."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from cast import NOW, make_home, make_link
from closed_scene import idle_until
from filtered_scene import (
    AGENTS,
    DAYS,
    FIRST,
    HALLE,
    LAST,
    Scene,
    forget_clicks,
    set_up,
    taken_back,
)
from hypothesis import given
from hypothesis import strategies as st
from people import everybody
from sqlalchemy import delete, func, select, text

from linkservice.clicks import closed_days, day_values
from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.closed_day_model import ClosedDay, ValueDay
from linkservice.clicks.event import Click, Source, encode
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.kept_rows import note_deletion
from linkservice.clicks.model import Click as ClickRow
from linkservice.clicks.packed_values import CELL, COUNTED, kinds_of, packed, unpacked
from linkservice.clicks.reclassify import reclassify
from linkservice.clicks.segment import write_segment
from linkservice.clicks.spool import node_id
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.reports import reading_back, value_days
from linkservice.reports.filtered import FilteredReport, filtered_touchpoint
from linkservice.reports.filtered_ranking import filtered_change
from linkservice.reports.filters import Filters
from linkservice.reports.results import TouchpointReport
from linkservice.workspaces.model import Workspace

LATER = NOW + timedelta(days=2)
"""All days of the scene are over by then."""

NOBODYS = {"country": "FR"}
FILTERS: Sequence[dict[str, str]] = (
    {"source": "scan"},
    {"source": "click"},
    {"country": "DE"},
    {"country": "unknown"},
    {"city": HALLE},
    {"city": "unknown"},
    {"device": "desktop"},
    {"device": "mobile"},
    {"browser": "Firefox"},
    {"system": "iOS"},
    {"language": "de"},
    {"language": "unknown"},
    {"referrer": "news.example"},
    {"referrer": "direct"},
    NOBODYS,
)


@pytest.fixture
def scene(settings: Settings, database: Database) -> Iterator[Scene]:
    for cast in everybody(settings, database):
        yield set_up(settings, database, cast)


@pytest.fixture(autouse=True)
def in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day_values, "CLICKS_AT_ONCE", 25)
    monkeypatch.setattr(closed_days, "VALUES_AT_ONCE", 10)


def close(scene: Scene, now: datetime = LATER) -> int:
    """Close all there is to close; in how many steps."""
    closing, steps = closed_days.Closing(scene.database), 0
    while closing.some(now):
        steps += 1
    return steps


def told(
    scene: Scene, filters: dict[str, str], *, suspects: bool = False, closed: bool = True
) -> TouchpointReport:
    """The ranking by clicks a day; click by click, if not `closed`."""
    with pytest.MonkeyPatch.context() as patch:
        if not closed:
            patch.setattr(value_days.ClosedDays, "have", lambda *_: False)
            patch.setattr(value_days.ClosedDays, "packed", lambda *_: [])
        return scene.ranking(metric="clicks_per_day", suspects=suspects, **filters)


def both_tell_the_same(scene: Scene, some: Sequence[dict[str, str]] = FILTERS) -> None:
    for filters in some:
        for suspects in (False, True):
            right = told(scene, filters, suspects=suspects, closed=False)
            assert told(scene, filters, suspects=suspects) == right, (filters, suspects)


def a_touchpoint_tells_the_same(scene: Scene) -> None:
    for filters in FILTERS:
        for suspects in (False, True):
            left_out_of_touchpoint(scene, filters, suspects=suspects)


def left_out_of_touchpoint(scene: Scene, filters: dict[str, str], *, suspects: bool = False) -> int:
    """Its days are those of its single clicks; how many clicks are left out because roll-ups cannot
    tell whose they are.
    """
    of = filtered_touchpoint, scene.touchpoint_id
    right = scene.ask(*of, everything=True, suspects=suspects, **filters)
    found = summed_up(scene, filters, suspects=suspects)
    assert right.is_whole
    both = zip(right.days, found.days, strict=True)
    missing = [whole.clicks - summed.clicks for whole, summed in both]
    assert min(missing) >= 0
    assert 0 <= sum(missing) <= found.undivided, (filters, suspects)
    return found.undivided


def summed_up(
    scene: Scene, filters: dict[str, str], *, suspects: bool = False, closed: bool = True
) -> FilteredReport:
    """A touchpoint's clicks, none of which is read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_back, "kept_from", lambda *_: date.max)
        if not closed:
            patch.setattr(value_days.ClosedDays, "have", lambda *_: False)
            patch.setattr(value_days.ClosedDays, "packed", lambda *_: [])
        return scene.ask(filtered_touchpoint, scene.touchpoint_id, suspects=suspects, **filters)


def clicks_of(scene: Scene, first: date, filters: dict[str, str]) -> int:
    """Those from that day on, as if no single click were kept."""
    with taken_back(scene.database) as session:
        session.execute(delete(ClickRow))
        found = scene.ranking_in(session, first=first, **filters)
    assert found.filtered is not None
    assert found.filtered.single_clicks_from == first
    return found.totals.clicks


def closed(database: Database) -> list[date]:
    with database.reading() as session:
        days = session.scalars(select(ClosedDay.local_day).where(ClosedDay.closed))
        return sorted(map(date.fromordinal, days))


def come(
    scene: Scene,
    settings: Settings,
    seed: int,
    days: Sequence[date],
    clicks: int = 12,
    *,
    link: int = 0,
    version: int = 1,
) -> None:
    """More clicks of that link, or of any, on any of these days."""
    rng = random.Random(seed)
    ingest(
        scene,
        settings,
        [
            Click(
                time_ms=epoch_ms(datetime.combine(rng.choice(days), NOW.timetz())),
                link_id=link or rng.randint(1, 6),
                link_version=version,
                domain_id=scene.home.domain_id,
                workspace_id=scene.home.workspace_id,
                source=rng.choice(list(Source)),
                network=bytes((84, 150, rng.randrange(200))),
                token=rng.randbytes(16),
                user_agent=rng.choice(AGENTS),
                language="de",
            )
            for _ in range(clicks)
        ],
    )


def a_scanner_comes(scene: Scene, settings: Settings, day: date) -> None:
    """As a browser, to all links within a second."""
    begin = epoch_ms(datetime.combine(day, NOW.timetz())) - 7_200_000
    ingest(
        scene,
        settings,
        [
            Click(
                time_ms=begin + 100 * link,
                link_id=link,
                link_version=1,
                domain_id=scene.home.domain_id,
                workspace_id=scene.home.workspace_id,
                network=bytes((87, 1, 2)),
                token=b"t" * 16,
                user_agent=AGENTS[0],
            )
            for link in range(1, 7)
        ],
    )


def ingest(scene: Scene, settings: Settings, clicks: Sequence[Click]) -> None:
    name = random.Random(repr(clicks)).randbytes(8)
    write_segment(settings.spool_dir, node_id(settings.data_dir), name, map(encode, clicks))
    Ingester(settings, scene.database).run_once()


def test_closed_days_tell_what_their_clicks_tell(scene: Scene) -> None:
    before = [told(scene, filters) for filters in FILTERS]
    close(scene)
    assert closed(scene.database) == [FIRST + timedelta(days=day) for day in range(DAYS)]
    assert [told(scene, filters) for filters in FILTERS] == before
    both_tell_the_same(scene)
    assert [found.totals.clicks == 0 for found in before] == [each == NOBODYS for each in FILTERS]
    assert sum(found.totals.suspected for found in before) > 0


def test_closed_days_tell_whose_clicks_of_a_link_that_moved_are(
    scene: Scene, settings: Settings
) -> None:
    # The second link is at the touchpoint by its second version, and was nowhere before.
    come(scene, settings, 4, [FIRST + timedelta(days=1)], link=2, version=1)
    come(scene, settings, 5, [FIRST + timedelta(days=1)], link=2, version=2)
    assert left_out_of_touchpoint(scene, {"country": "DE"}) > 0
    close(scene)
    assert left_out_of_touchpoint(scene, {"country": "DE"}) == 0
    a_touchpoint_tells_the_same(scene)
    facets = summed_up(scene, {"device": "desktop"}, closed=False)
    found = summed_up(scene, {"device": "desktop"})
    assert sum(each.clicks for each in found.days) > sum(each.clicks for each in facets.days)


def test_a_touchpoint_has_the_late_clicks_of_deleted_days_too(
    scene: Scene, settings: Settings
) -> None:
    close(scene)
    with scene.database.transaction() as session:
        forget_clicks(session, scene.home, FIRST + timedelta(days=5))
    before = summed_up(scene, {"language": "de"}).days
    come(scene, settings, 8, [FIRST + timedelta(days=1)], clicks=30)
    close(scene)
    found = summed_up(scene, {"language": "de"})
    late = summed_up(scene, {"language": "de"}, closed=False)
    assert [each.clicks for each in found.days][:5] == [each.clicks for each in late.days][:5]
    assert found.days[1].clicks > before[1].clicks
    assert found.days[6] == before[6]


def test_they_outlive_their_clicks(scene: Scene) -> None:
    close(scene)
    whole = told(scene, {"country": "DE"}).totals.clicks
    assert clicks_of(scene, FIRST, {"country": "DE"}) == whole > 0
    with scene.database.transaction() as session:
        forget_clicks(session, scene.home, LAST - timedelta(days=DAYS // 2))
    assert told(scene, {"country": "DE"}).totals.clicks == whole
    assert close(scene) == 0


def test_the_weeks_before_are_read_closed_too(scene: Scene) -> None:
    close(scene)
    today = LAST + timedelta(days=1)
    with taken_back(scene.database) as session:
        session.execute(delete(ClickRow))
        tomorrow = NOW + timedelta(days=1)
        found = scene.ranking_in(session, first=LAST, now=tomorrow, country="DE")
        changed = filtered_change(
            session, scene.home.actor, found, Filters(country="DE"), suspects=False, today=today
        )
    before = scene.ranking(first=FIRST, last=FIRST, country="DE").totals
    assert changed is not None
    assert changed.before["clicks"] == before.clicks > 0
    assert changed.before["visitors"] == before.visitors


def test_several_filters_and_today_are_read_click_by_click(scene: Scene) -> None:
    close(scene, NOW)
    assert closed(scene.database)[-1] == LAST - timedelta(days=1)
    both_tell_the_same(scene, [{"country": "DE"}, {"country": "DE", "device": "desktop"}])


def test_a_late_click_reopens_its_day(scene: Scene, settings: Settings) -> None:
    close(scene)
    late = FIRST + timedelta(days=2)
    come(scene, settings, 2, [late])
    assert late not in closed(scene.database)
    assert len(closed(scene.database)) == DAYS - 1
    both_tell_the_same(scene)
    a_touchpoint_tells_the_same(scene)
    assert close(scene) > 0
    assert len(closed(scene.database)) == DAYS
    both_tell_the_same(scene)
    a_touchpoint_tells_the_same(scene)


def test_a_day_that_had_no_clicks_may_get_some(scene: Scene, settings: Settings) -> None:
    early = FIRST + timedelta(days=3)
    with scene.database.transaction() as session:
        session.execute(delete(ClickRow).where(ClickRow.local_day == early.toordinal()))
    close(scene)
    assert early not in closed(scene.database)
    come(scene, settings, 3, [early])
    both_tell_the_same(scene)
    close(scene)
    assert early in closed(scene.database)
    both_tell_the_same(scene)


def test_suspected_clicks_alone_reopen_a_day(scene: Scene, settings: Settings) -> None:
    close(scene)
    before = told(scene, {"source": "click"}).totals.suspected
    a_scanner_comes(scene, settings, LAST)
    assert LAST not in closed(scene.database)
    close(scene)
    assert told(scene, {"source": "click"}).totals.suspected == before + 6
    both_tell_the_same(scene)
    a_touchpoint_tells_the_same(scene)


def test_what_is_reclassified_is_told_as_it_is_now(scene: Scene, settings: Settings) -> None:
    with scene.database.writing_connection() as connection:
        # As if the robots had been taken for persons: 1 is the place of "robot".
        connection.execute(text('UPDATE clicks SET "class" = 0 WHERE "class" = 1'))
    close(scene)
    wrong = told(scene, {"source": "click"})
    assert reclassify(settings, scene.database, lambda _now, _total: None).changed
    both_tell_the_same(scene)
    close(scene)
    both_tell_the_same(scene)
    assert told(scene, {"source": "click"}).totals.clicks < wrong.totals.clicks


def test_closing_may_be_stopped_after_each_step(scene: Scene, settings: Settings) -> None:
    closing, steps = closed_days.Closing(scene.database), 0
    some = FILTERS[::4]
    while closing.some(LATER):
        steps += 1
        if steps % 7 == 0:
            both_tell_the_same(scene, some)
        if steps % 40 == 0:
            closing = closed_days.Closing(scene.database)  # as after a restart
        if steps == 30:
            come(scene, settings, 5, [FIRST + timedelta(days=day) for day in range(DAYS)])
    assert steps > 50
    assert len(closed(scene.database)) == DAYS
    both_tell_the_same(scene)


def test_a_click_that_comes_while_its_day_is_read_is_not_missed(
    scene: Scene, settings: Settings
) -> None:
    closing = closed_days.Closing(scene.database)
    for _ in range(3):
        assert closing.some(LATER)  # begun, and read in part
    come(scene, settings, 6, [FIRST])
    while closing.some(LATER):
        pass
    assert len(closed(scene.database)) == DAYS
    both_tell_the_same(scene)


def test_two_ingesters_may_close_the_same_day(scene: Scene, settings: Settings) -> None:
    slow, quick = (closed_days.Closing(scene.database) for _ in range(2))
    for _ in range(4):
        assert slow.some(LATER)
    come(scene, settings, 7, [FIRST])
    while quick.some(LATER):
        pass
    while slow.some(LATER):  # has read the day before the click came
        pass
    assert len(closed(scene.database)) == DAYS
    both_tell_the_same(scene)


def test_a_day_waits_for_whoever_is_adding_to_it(scene: Scene) -> None:
    """One on PostgreSQL who adds to a day, and has not committed when its closing begins."""
    row = {"segment_id": 1, "position": 10**9, "time_ms": 0, "workspace_id": 1, "domain_id": 1}
    row |= {"link_id": 1, "link_version": 1, "touchpoint_id": 1, "local_day": FIRST.toordinal()}
    row |= {"agent_id": 1, "country_id": 1, "language_id": 1, "referrer_id": 1, "local_hour": 1}
    row |= {"class": 0, "flags": 1, "city_id": 0}
    closer = threading.Thread(target=close, args=(scene,))
    with scene.database.writing_connection() as connection:
        connection.execute(ClickRow.__table__.insert(), [row])
        one = np.array([1], np.int64)
        closed_days.reopen(connection, one, one * FIRST.toordinal())
        closer.start()
        time.sleep(0.3)
        assert not closed(scene.database)
    closer.join()
    assert len(closed(scene.database)) == DAYS
    both_tell_the_same(scene, [{"source": "scan"}])


def test_a_day_is_closed_an_hour_after_its_end(scene: Scene) -> None:
    first_midnight = datetime.combine(FIRST + timedelta(days=1), datetime.min.time(), UTC)
    with scene.database.transaction() as session:
        session.get_one(Workspace, scene.home.workspace_id).time_zone = "Asia/Kolkata"
    end = first_midnight - timedelta(hours=5, minutes=30)
    assert close(scene, end + timedelta(minutes=59)) == 0
    assert close(scene, end + timedelta(minutes=60)) > 0
    assert closed(scene.database) == [FIRST]


def test_days_that_lose_clicks_are_not_closed(scene: Scene) -> None:
    with scene.database.transaction() as session:
        forget_clicks(session, scene.home, FIRST + timedelta(days=1))
        note_deletion(session, scene.home.workspace_id, FIRST.toordinal() + 2)
        second = ClickRow.local_day == FIRST.toordinal() + 1
        middle = session.scalar(select(func.avg(ClickRow.position)).where(second))
        session.execute(delete(ClickRow).where(second, ClickRow.position < int(middle or 0)))
    close(scene)
    assert closed(scene.database)[0] == FIRST + timedelta(days=2)
    both_tell_the_same(scene)


def test_a_day_whose_clicks_are_deleted_while_it_is_read_is_not_closed(scene: Scene) -> None:
    closing = closed_days.Closing(scene.database)
    for _ in range(2):
        assert closing.some(LATER)  # begun, and read in part
    with scene.database.transaction() as session:
        forget_clicks(session, scene.home, FIRST + timedelta(days=1))
    while closing.some(LATER):
        pass
    assert closed(scene.database)[0] > FIRST
    both_tell_the_same(scene)


def test_a_late_click_of_a_deleted_day_leaves_the_sums_as_they_are(
    scene: Scene, settings: Settings
) -> None:
    """Two of them: or the first would be taken for the day from which on all rows are there."""
    close(scene)
    whole = told(scene, {"language": "de"})
    with scene.database.transaction() as session:
        forget_clicks(session, scene.home, FIRST + timedelta(days=5))
    come(scene, settings, 8, [FIRST + timedelta(days=1)], clicks=1)
    come(scene, settings, 9, [FIRST + timedelta(days=3)], clicks=1)
    close(scene)
    assert told(scene, {"language": "de"}) == whole
    assert len(closed(scene.database)) == DAYS
    two = scene.ranking(language="de", device="desktop").filtered
    assert two is not None
    assert two.single_clicks_from == FIRST + timedelta(days=5)


def test_days_that_were_deleted_before_they_could_be_closed_are_not_told(scene: Scene) -> None:
    with scene.database.transaction() as session:
        forget_clicks(session, scene.home, FIRST + timedelta(days=2))
    close(scene)
    found = scene.ranking(country="DE").filtered
    assert found is not None
    assert found.single_clicks_from == FIRST + timedelta(days=2)


def test_before_the_first_click_there_was_none(scene: Scene) -> None:
    """Whether or not clicks are deleted."""
    close(scene)
    early = FIRST - timedelta(days=30)
    for days in (0, 4):
        with scene.database.transaction() as session:
            forget_clicks(session, scene.home, FIRST + timedelta(days=days))
        found = scene.ranking(first=early, country="DE").filtered
        assert found is not None
        assert (found.single_clicks_from, found.is_whole) == (early, True)


def test_each_workspace_has_days_of_its_own(scene: Scene, settings: Settings) -> None:
    with scene.database.transaction() as session:
        home = make_home(session, settings, host="go.other.example")
        link = make_link(session, settings, home, "other")
        other = replace(scene, home=home)
        link_id, domain_id = link.id, home.domain_id
    click = Click(
        time_ms=epoch_ms(NOW),
        link_id=link_id,
        link_version=1,
        domain_id=domain_id,
        workspace_id=home.workspace_id,
        user_agent=AGENTS[0],
        language="de",
    )
    ingest(
        scene,
        settings,
        [replace(click, time_ms=click.time_ms - 86_400_000 * day) for day in (0, 3)],
    )
    close(scene)
    assert closed(scene.database).count(LAST) == 2
    assert closed(scene.database).count(LAST - timedelta(days=3)) == 2
    assert told(other, {"language": "de"}).totals.clicks == 2
    both_tell_the_same(other, [{"language": "de"}])
    both_tell_the_same(scene, [{"language": "de"}])


def test_an_idle_ingester_closes_days(scene: Scene, settings: Settings) -> None:
    ingester = Ingester(settings, scene.database)
    idle_until(ingester, lambda: len(closed(scene.database)) >= DAYS, seconds=20)
    assert len(closed(scene.database)) == DAYS
    with scene.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(ValueDay))
    both_tell_the_same(scene, FILTERS[::5])


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 2**40), st.integers(0, 7)),
        st.tuples(*[st.integers(0, 2**33)] * len(COUNTED)),
        max_size=20,
    )
)
def test_packed_cells_are_what_they_were(found: dict[tuple[int, int], tuple[int, ...]]) -> None:
    # Of all others than persons only the count is told.
    rows = [
        (number, kind, *(counts if kind in (0, 7) else (counts[0], 0, 0, 0, 0)))
        for (number, kind), counts in found.items()
    ]
    cells = np.array(rows, np.int64).reshape(len(rows), len(CELL))
    days, told = unpacked([(5, packed(cells)), (7, packed(cells[:1]))])
    assert days.tolist() == [5] * len(rows) + [7] * len(rows[:1])
    assert sorted(map(tuple, told[: len(rows)].tolist())) == sorted(rows)
    assert list(map(tuple, told[len(rows) :].tolist())) == rows[:1]
    assert sorted(kinds_of(packed(cells))) == sorted(cells[:, CELL.index("kind")].tolist())
