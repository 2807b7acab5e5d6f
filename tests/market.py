"""Ada's market: a journey whose every report has something to say, read by all, changed by none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from cast import Home, make_link
from conftest import ENGINES
from installed import installed
from people import Cast, everybody
from rollups import COUNTERS
from sqlalchemy import insert
from sqlalchemy.orm import Session

from linkservice.clicks.model import LinkDay, StageDay, TouchpointDay, TouchpointMonth
from linkservice.config import Settings
from linkservice.conversions.model import Conversion, ConversionDay
from linkservice.journeys.campaigns import create_campaign
from linkservice.journeys.costs import NewCost, Subject, add_cost
from linkservice.journeys.manage import create_journey
from linkservice.journeys.model import Stage
from linkservice.journeys.personas import create_persona, set_journey_personas
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.journeys.stages import create_stage
from linkservice.journeys.touchpoints import NewTouchpoint, create_touchpoint
from linkservice.links.manage import NewLink, create_link
from linkservice.links.model import Link
from linkservice.links.personas import set_link_personas
from linkservice.reports.period import day_of
from linkservice.workspaces.keys import create_key

FORMULA = "=1+1"
"""A touchpoint's name that a spreadsheet would run."""

DAYS = 60
STAGES = ("See", "Try", "Buy")
ORDERS = {"Poster": 7, "Window": 2}
VISITORS = {"Poster": 90, "Flyer": 41, FORMULA: 40, "Stand": 39, "Window": 12}


@dataclass(frozen=True)
class Market:
    """Three stages, five touchpoints, two personas, a campaign; today is the last of `DAYS`."""

    cast: Cast
    key: str
    today: date
    journey_id: str
    campaign_id: str
    link_id: str
    ids: dict[str, str]


@pytest.fixture(scope="module", params=ENGINES)
def market(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Market]:
    with installed(request, tmp_path_factory) as (settings, database):
        for people in everybody(settings, database):
            with database.transaction() as session:
                opened = _open(session, settings, people)
            yield opened


def _open(session: Session, settings: Settings, cast: Cast) -> Market:
    home, now = cast.home, datetime.now(UTC)
    actor, made, today = home.actor, now - timedelta(days=90), day_of(now, "Europe/Berlin")
    journey = create_journey(session, actor, "Market", made).journey
    stages = [create_stage(session, actor, str(journey.id), name, made) for name in STAGES]
    personas = [str(create_persona(session, actor, name, made).id) for name in ("Gamer", "Gran")]
    set_journey_personas(session, actor, str(journey.id), personas[:1], made)
    campaign = str(create_campaign(session, actor, "Autumn", made).id)
    ids, days = {}, _Days(home.workspace_id)
    for number, (name, visitors) in enumerate(VISITORS.items()):
        new = NewTouchpoint(str(stages[number % 3].id), name, "poster", "physical", "paid")
        ids[name] = str(create_touchpoint(session, actor, new, made).id)
        span = NewReach(today - timedelta(days=27), 28_000, "printed", today)
        add_reach(session, actor, ids[name], span, now)
        wanted = NewLink("https://example.com/", touchpoint_id=ids[name], campaign_id=campaign)
        link = create_link(session, actor, settings, wanted, made).link
        other = make_link(session, settings, home, touchpoint_id=ids[name], now=made)
        set_link_personas(session, actor, str(other.id), personas[1:], made)
        for day in range(DAYS):
            here = visitors + (number * 7 + day * day * 3) % 11 - 5
            when = today - timedelta(days=day)
            # The poster brought hardly anybody yesterday.
            here = 9 if (name, day) == ("Poster", 1) else here
            days.add(link.id, ids[name], when, here, here // 3)
            days.add(other.id, ids[name], when, 5, number)
        if name in ORDERS:
            _convert(session, home, link, ids[name], today - timedelta(days=2), ORDERS[name])
    days.write(session)
    euros = NewCost(today - timedelta(days=9), 120_050, "EUR", today)
    add_cost(session, actor, Subject("touchpoint", ids["Poster"]), euros, now)
    add_cost(session, actor, Subject("campaign", campaign), NewCost(today, 9_999, "EUR"), now)
    _cross(session, home, stages, today)
    key = create_key(session, actor, "Reader", ["reports:read"], now)
    return Market(cast, key, today, str(journey.id), campaign, str(link.id), ids)


def _cross(session: Session, home: Home, stages: list[Stage], today: date) -> None:
    """Of 80 who see 6 try, of 60 who try 30 buy."""
    one, two, three = (stage.id for stage in stages)
    there = {(one, one): 80, (two, two): 60, (three, three): 40, (one, two): 6, (two, three): 30}
    session.add_all(
        StageDay(
            workspace_id=home.workspace_id,
            local_date=today - timedelta(days=day),
            stage_id=low,
            other_id=high,
            visitors=visitors + day % 3,
        )
        for day in range(1, 29)
        for (low, high), visitors in there.items()
    )


def _convert(
    session: Session, home: Home, link: Link, touchpoint_id: str, day: date, orders: int
) -> None:
    """Orders of 19.90 each, all of them after one click."""
    noon = datetime.combine(day, time(12), UTC)
    key = {
        "workspace_id": home.workspace_id,
        "local_date": day,
        "touchpoint_id": int(touchpoint_id),
    }
    sums = {"conversions": orders, "value": orders * 1_990}
    for attribution in ("first", "last"):
        session.execute(insert(ConversionDay).values(**key, **sums, attribution=attribution))
    session.add_all(
        Conversion(
            workspace_id=home.workspace_id,
            event_id=f"{touchpoint_id}-{number}",
            occurred_at=noon,
            local_date=day,
            value=1_990,
            currency="EUR",
            first_link_id=link.id,
            first_touchpoint_id=int(touchpoint_id),
            last_link_id=link.id,
            last_touchpoint_id=int(touchpoint_id),
            last_clicked_at=noon,
            recorded_at=noon,
        )
        for number in range(orders)
    )


class _Days:
    """Days of links, written in one go with those of their touchpoints and months."""

    def __init__(self, workspace_id: int) -> None:
        self._workspace_id = workspace_id
        self._links: list[dict[str, Any]] = []
        self._sums: dict[type[Any], Counter[tuple[int, date, str]]] = {
            TouchpointDay: Counter(),
            TouchpointMonth: Counter(),
        }

    def add(self, link_id: int, touchpoint_id: str, day: date, clicks: int, scans: int) -> None:
        """Each click a new visitor."""
        visitors = ("clicks", "visitors", "touchpoint_visitors", "journey_visitors")
        counts = dict.fromkeys(COUNTERS, 0) | dict.fromkeys(visitors, clicks) | {"scans": scans}
        key = {"workspace_id": self._workspace_id, "touchpoint_id": int(touchpoint_id)}
        self._links.append({**key, "link_id": link_id, "local_date": day, **counts})
        for name, number in counts.items():
            self._sums[TouchpointDay][int(touchpoint_id), day, name] += number
            self._sums[TouchpointMonth][int(touchpoint_id), day.replace(day=1), name] += number

    def write(self, session: Session) -> None:
        session.execute(insert(LinkDay), self._links)
        for model, column in ((TouchpointDay, "local_date"), (TouchpointMonth, "month")):
            rows: dict[tuple[int, date], dict[str, Any]] = {}
            for (touchpoint_id, day, name), number in self._sums[model].items():
                key = {"workspace_id": self._workspace_id, "touchpoint_id": touchpoint_id}
                row = rows.setdefault((touchpoint_id, day), {**key, column: day})
                row[name] = number
            session.execute(insert(model), list(rows.values()))
