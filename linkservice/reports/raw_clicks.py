"""The single clicks a report counts, to be taken away: as many lines as its page says clicks.

Decided here: what makes a click one of a report's. It has the report's period, its subject and its
filters, it is no miss, and it is a person's (a suspected mail scanner's where the report counts
those). `all` has robots, previews, own visits and misses besides, of the same period, subject and
filters. Not here: how lines are written (`clicks/export`), which touchpoints a ranking shows
(`arranged`), since when rows are kept (`reading_back`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.clicks.export import Selection, Wanted, select_clicks
from linkservice.clicks.model import Mark
from linkservice.clicks.packed_model import EveryClick
from linkservice.journeys.model import Campaign, Journey, Stage, Touchpoint
from linkservice.reports.filters import NO_FILTERS, Filters
from linkservice.reports.link_months import named
from linkservice.reports.links import links_of
from linkservice.reports.period import choose_period
from linkservice.reports.single_clicks import facets_met, persons_of
from linkservice.workspaces.access import Actor, find
from linkservice.workspaces.model import Workspace

Rows: TypeAlias = Literal["counted", "all"]
ROWS: tuple[Rows, ...] = ("counted", "all")


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose clicks; None leaves nothing out. Of `touchpoint_ids` 0 is that of links without one."""

    link_id: str | None = None
    touchpoint_id: str | None = None
    campaign_id: str | None = None
    journey_id: str | None = None
    touchpoint_ids: Collection[int] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What clicks are asked for besides their subject; for the days see `choose_period`."""

    first: date | None
    last: date | None
    now: datetime
    filters: Filters = NO_FILTERS
    suspects: bool = False
    rows: Rows = "counted"


def report_clicks(session: Session, actor: Actor, subject: Subject, asked: Asked) -> Selection:
    """The clicks of a report on the subject. Raises `Invalid` (from, to), `NotFound` (link_id,
    touchpoint_id, campaign_id, journey_id), `Forbidden`.
    """
    actor.require("reports:read")
    time_zone = session.get_one(Workspace, actor.workspace_id).time_zone
    period = choose_period(asked.first, asked.last, time_zone, asked.now)
    wanted = Wanted(period.first, period.last, subject.link_id, subject.touchpoint_id)
    found = select_clicks(session, actor, wanted).that(*facets_met(session, asked.filters))
    if subject.campaign_id is not None:
        campaign = find(session, actor, Campaign, subject.campaign_id, "campaign_id")
        found = found.that(EveryClick.link_id.in_(named(session, links_of(campaign))))
    if subject.journey_id is not None:
        journey = find(session, actor, Journey, subject.journey_id, "journey_id")
        stages = select(Stage.id).where(Stage.journey_id == journey.id)
        placed = select(Touchpoint.id).where(Touchpoint.stage_id.in_(stages))
        found = found.that(EveryClick.touchpoint_id.in_(placed))
    if subject.touchpoint_ids is not None:
        found = found.that(EveryClick.touchpoint_id.in_(sorted(subject.touchpoint_ids)))
    if asked.rows == "all":
        return found
    counted = EveryClick.click_class.in_(persons_of(asked.suspects))
    return found.that(counted, EveryClick.flags.bitwise_and(int(Mark.MISS)) == 0)
