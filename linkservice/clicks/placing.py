"""From a record to a placed click: which link, touchpoint, local day, class and place.

Not here: what is a robot (`agents`), where a network is (`place`), the tables (`rollup`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from linkservice.clicks.agents import classify, click_class
from linkservice.clicks.calendar import local_day, moment
from linkservice.clicks.event import Flag, Method, Record, Source
from linkservice.clicks.place import Places
from linkservice.clicks.rollup import PlacedClick
from linkservice.journeys.model import Stage, Touchpoint
from linkservice.links.model import Link, LinkVersion
from linkservice.workspaces.model import Workspace

_MOST_REMEMBERED = 200_000


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a link's version belongs; 0 where there is no touchpoint."""

    touchpoint_id: int
    journey_id: int


_NOWHERE = _Place(0, 0)


class Placing:
    """Places the records of one ingester; remembers what never changes.

    A link's version and a touchpoint's journey never change, time zones do and are read
    again by `refresh`.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self._of_version: dict[tuple[int, int], _Place] = {}
        self._zones: dict[int, str] = {}

    def refresh(self, session: Session) -> None:
        """Read the workspaces' time zones again: a changed one applies from now on."""
        self._zones = dict(session.execute(select(Workspace.id, Workspace.time_zone)).all())

    def learn(self, session: Session, records: Iterable[Record]) -> None:
        """Read the links and workspaces of these records that are not known yet."""
        clicks = [record.click for record in records]
        if any(click.workspace_id not in self._zones for click in clicks):
            self.refresh(session)
        wanted = {(click.link_id, click.link_version) for click in clicks if click.link_id}
        unknown = wanted - self._of_version.keys()
        if not unknown:
            return
        if len(self._of_version) > _MOST_REMEMBERED:
            self._of_version.clear()
            unknown = wanted
        self._of_version.update(_versions(session, sorted(unknown)))

    def place(self, record: Record) -> PlacedClick | None:
        """The placed click, or None when its link or workspace is not (or no longer) known."""
        click = record.click
        time_zone = self._zones.get(click.workspace_id)
        place: _Place | None = _NOWHERE
        if click.link_id:
            place = self._of_version.get((click.link_id, click.link_version))
        if time_zone is None or place is None:
            return None
        agent = classify(click.user_agent, click.hints)
        local_date, local_hour = local_day(click.time_ms, time_zone)
        return PlacedClick(
            position=record.offset,
            at=moment(click.time_ms),
            workspace_id=click.workspace_id,
            domain_id=click.domain_id,
            link_id=click.link_id,
            link_version=click.link_version,
            touchpoint_id=place.touchpoint_id,
            journey_id=place.journey_id,
            local_date=local_date,
            local_hour=local_hour,
            scan=click.source == Source.SCAN,
            click_class=click_class(
                head=click.method == Method.HEAD,
                own=bool(click.flags & Flag.OWN),
                prefetch=bool(click.flags & Flag.PREFETCH),
                agent=agent,
            ),
            miss=click.miss,
            token=click.token,
            country=self._places.country(click.network),
            device=agent.device,
            browser=agent.browser,
            system=agent.system,
            language=click.language,
            referrer=click.referrer_host,
            robot=agent.robot,
        )


def _versions(session: Session, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], _Place]:
    query = (
        select(LinkVersion.link_id, LinkVersion.version, Touchpoint.id, Stage.journey_id)
        .join(Link, Link.id == LinkVersion.link_id)
        .outerjoin(Touchpoint, Touchpoint.id == LinkVersion.touchpoint_id)
        .outerjoin(Stage, Stage.id == Touchpoint.stage_id)
    )
    found: dict[tuple[int, int], _Place] = {}
    for first in range(0, len(wanted), 500):  # below SQLite's limit of parameters
        part = wanted[first : first + 500]
        rows = session.execute(
            query.where(tuple_(LinkVersion.link_id, LinkVersion.version).in_(part))
        )
        for link_id, version, touchpoint_id, journey_id in rows:
            found[(link_id, version)] = _Place(touchpoint_id or 0, journey_id or 0)
    return found
