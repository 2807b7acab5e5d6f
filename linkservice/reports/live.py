"""What is clicked just now: the last clicks of persons, as ingest has counted them.

Nothing personal: of a click its second, its link, how it came, and the country, device and
browser it was counted with. Not here: how a page hears of new ones (`web/views/live`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from linkservice.clicks.model import CLASSES, AgentName, Click, FacetValue, Mark, TouchpointDay
from linkservice.journeys.model import Touchpoint
from linkservice.links.model import Domain, Link
from linkservice.reports.period import day_of
from linkservice.workspaces.access import Actor
from linkservice.workspaces.model import Workspace

MOST = 50
"""Clicks of the list: more than anybody watches."""

_PERSON = CLASSES.index("person")


@dataclass(frozen=True, slots=True)
class Latest:
    """One click. `touchpoint` is the one its link had then, None where it had none; `country`
    is a code; `country`, `device` and `browser` are "" where nothing is known.
    """

    at: datetime
    link_id: str
    host: str
    slug: str
    touchpoint_id: str | None
    touchpoint: str | None
    scan: bool
    country: str
    device: str
    browser: str


def latest_clicks(
    session: Session, actor: Actor, now: datetime, limit: int = MOST
) -> Sequence[Latest]:
    """The last clicks of today and yesterday, the newest first. Raises `Forbidden`."""
    actor.require("reports:read")
    today = _today(session, actor, now).toordinal()
    country = aliased(FacetValue)
    # Those ingested last, which the index finds without reading the day; then by their time.
    last = (
        select(Click)
        .where(
            Click.workspace_id == actor.workspace_id,
            Click.local_day.between(today - 1, today),
            Click.click_class == _PERSON,
            Click.flags.bitwise_and(int(Mark.MISS)) == 0,
        )
        .order_by(Click.local_day.desc(), Click.segment_id.desc(), Click.position.desc())
        .limit(limit)
        .subquery()
    )
    of = aliased(Click, last)
    rows = session.execute(
        select(of, Link.slug, Domain.host, Touchpoint.name, country.value, AgentName)
        .join(Link, Link.id == of.link_id)
        .join(Domain, Domain.id == Link.domain_id)
        .join(AgentName, AgentName.id == of.agent_id)
        .outerjoin(Touchpoint, Touchpoint.id == of.touchpoint_id)
        .outerjoin(country, country.id == of.country_id)
        .order_by(of.time_ms.desc(), of.segment_id.desc(), of.position.desc())
    )
    return [
        Latest(
            at=datetime.fromtimestamp(click.time_ms // 1000, UTC),
            link_id=str(click.link_id),
            host=host,
            slug=slug,
            touchpoint_id=str(click.touchpoint_id) if touchpoint is not None else None,
            touchpoint=touchpoint,
            scan=bool(click.flags & Mark.SCAN),
            country=code or "",
            device=agent.device,
            browser=agent.browser,
        )
        for click, slug, host, touchpoint, code, agent in rows
    ]


def clicks_today(session: Session, actor: Actor, now: datetime) -> int:
    """Clicks counted since midnight: another number, and there is something new to show.

    Costs a millisecond, whatever the day holds. Raises `Forbidden`.
    """
    actor.require("reports:read")
    total = session.scalar(
        select(func.sum(TouchpointDay.clicks)).where(
            TouchpointDay.workspace_id == actor.workspace_id,
            TouchpointDay.local_date == _today(session, actor, now),
        )
    )
    return int(total or 0)


def _today(session: Session, actor: Actor, now: datetime) -> date:
    return day_of(now, session.get_one(Workspace, actor.workspace_id).time_zone)
