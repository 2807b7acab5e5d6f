"""What one batch of clicks adds to the roll-ups, and the statements that add it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from linkservice.clicks.model import Click, DomainDay, LinkDay, LinkFacet, LinkHour
from linkservice.database import Base, insert_into

COUNTER_OF_CLASS = {
    "robot": "robots",
    "preview": "previews",
    "prefetch": "prefetches",
    "scanner": "scanners",
    "head": "heads",
    "own": "own",
}
"""The roll-up counter of each class but `person`, who is counted as clicks and scans."""


@dataclass(slots=True)
class PlacedClick:
    """A record with its class, place and local time; `new_*` are set once tokens are known.

    `touchpoint_id` and `journey_id` are 0 where there is none.
    """

    position: int
    at: datetime
    workspace_id: int
    domain_id: int
    link_id: int
    link_version: int
    touchpoint_id: int
    journey_id: int
    local_date: date
    local_hour: int
    scan: bool
    click_class: str
    miss: bool
    token: bytes
    country: str
    device: str
    browser: str
    system: str
    language: str
    referrer: str
    robot: str
    new_for_link: bool = False
    new_for_touchpoint: bool = False
    new_for_journey: bool = False

    @property
    def counts(self) -> bool:
        """Whether it is a click: a person's request that was led to the destination."""
        return self.click_class == "person" and not self.miss

    def row(self, segment_id: int) -> dict[str, Any]:
        """The row of the table `clicks`; neither token nor address nor user agent is in it."""
        return {
            "segment_id": segment_id,
            "position": self.position,
            "at": self.at,
            "workspace_id": self.workspace_id,
            "domain_id": self.domain_id,
            "link_id": self.link_id or None,
            "link_version": self.link_version,
            "touchpoint_id": self.touchpoint_id,
            "local_date": self.local_date,
            "local_hour": self.local_hour,
            "source": "scan" if self.scan else "click",
            "class": self.click_class,
            "miss": self.miss,
            "tokenless": not self.token,
            "new_for_link": self.new_for_link,
            "new_for_touchpoint": self.new_for_touchpoint,
            "new_for_journey": self.new_for_journey,
            "country": self.country,
            "device": self.device,
            "browser": self.browser,
            "system": self.system,
            "language": self.language,
            "referrer": self.referrer,
            "robot": self.robot,
        }


class RollUps:
    """The sums of one batch, by roll-up table and key."""

    def __init__(self, clicks: Iterable[PlacedClick]) -> None:
        self._days: dict[tuple[object, ...], dict[str, int]] = {}
        self._hours: dict[tuple[object, ...], dict[str, int]] = {}
        self._facets: dict[tuple[object, ...], dict[str, int]] = {}
        self._domains: dict[tuple[object, ...], dict[str, int]] = {}
        for click in clicks:
            if click.miss:
                self._add_miss(click)
            else:
                self._add(click)

    def write(self, connection: Connection) -> None:
        """Add the sums to the tables, within the caller's transaction."""
        _upsert(connection, LinkDay, ("link_id", "local_date", "touchpoint_id"), self._days)
        _upsert(connection, LinkHour, ("link_id", "local_date", "local_hour"), self._hours)
        _upsert(connection, LinkFacet, ("link_id", "local_date", "facet", "value"), self._facets)
        _upsert(connection, DomainDay, ("domain_id", "local_date"), self._domains)

    def _add_miss(self, click: PlacedClick) -> None:
        counts = _counts(
            self._domains, (click.domain_id, click.local_date), DomainDay, click.workspace_id
        )
        counts["heads" if click.click_class == "head" else "misses"] += 1

    def _add(self, click: PlacedClick) -> None:
        key = (click.link_id, click.local_date, click.touchpoint_id)
        counts = _counts(self._days, key, LinkDay, click.workspace_id)
        if not click.counts:
            counts[COUNTER_OF_CLASS[click.click_class]] += 1
            if click.robot and click.click_class != "own":
                self._add_facet(click, "robot", click.robot)
            return
        counts["clicks"] += 1
        counts["scans"] += click.scan
        counts["visitors"] += click.new_for_link
        counts["touchpoint_visitors"] += click.new_for_touchpoint
        counts["journey_visitors"] += click.new_for_journey
        counts["tokenless"] += not click.token
        hours = _counts(self._hours, (click.link_id, click.local_date, click.local_hour), LinkHour)
        hours["clicks"] += 1
        hours["scans"] += click.scan
        self._add_facet(click, "country", click.country)
        self._add_facet(click, "device", click.device)
        self._add_facet(click, "browser", click.browser)
        self._add_facet(click, "system", click.system)
        self._add_facet(click, "language", click.language)
        self._add_facet(click, "referrer", click.referrer)

    def _add_facet(self, click: PlacedClick, facet: str, value: str) -> None:
        key = (click.link_id, click.local_date, facet, value)
        _counts(self._facets, key, LinkFacet)["clicks"] += 1


def _counts(
    sums: dict[tuple[object, ...], dict[str, int]],
    key: tuple[object, ...],
    model: type[Base],
    workspace_id: int | None = None,
) -> dict[str, int]:
    found = sums.get(key)
    if found is None:
        found = sums[key] = dict.fromkeys(_counters(model), 0)
        if workspace_id is not None:
            found["workspace_id"] = workspace_id
    return found


_COUNTERS: dict[type[Base], tuple[str, ...]] = {}


def _counters(model: type[Base]) -> tuple[str, ...]:
    """The columns of a roll-up that are summed: all but its key and its workspace."""
    if model not in _COUNTERS:
        columns = model.__table__.columns
        _COUNTERS[model] = tuple(
            column.name
            for column in columns
            if not column.primary_key and column.name != "workspace_id"
        )
    return _COUNTERS[model]


def _upsert(
    connection: Connection,
    model: type[Base],
    key_names: Sequence[str],
    sums: Mapping[tuple[object, ...], Mapping[str, int]],
) -> None:
    """Insert each row, or add its counters to the row with that key."""
    if not sums:
        return
    # In the order of the key: two ingesters on one PostgreSQL then never lock crosswise.
    rows = [
        {**dict(zip(key_names, key, strict=True)), **sums[key]} for key in sorted(sums, key=_order)
    ]
    columns = model.__table__.c
    statement = insert_into(model, connection)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(key_names),
            set_={name: columns[name] + statement.excluded[name] for name in _counters(model)},
        ),
        rows,
    )


def _order(key: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(str(part) for part in key)


def write_rows(connection: Connection, segment_id: int, clicks: Iterable[PlacedClick]) -> None:
    """Insert the click rows, within the caller's transaction."""
    rows = [click.row(segment_id) for click in clicks]
    if rows:
        connection.execute(Click.__table__.insert(), rows)  # type: ignore[attr-defined]  # a Table, typed as FromClause
