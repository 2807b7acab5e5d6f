"""Single clicks of a period, to be taken away: every row once, a few thousand at a time.

A row says what the database holds of a click, in words: there is no token, address or user agent to
tell. Rows come day by day, in the order they were ingested. Each batch is a transaction of its
own, so a slow reader holds neither memory nor a connection; what is ingested meanwhile comes
too if its day is still ahead. Rows older than `LINKSERVICE_CLICK_RETENTION_MONTHS` are gone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal, TypeAlias

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session, aliased

from linkservice import cells
from linkservice.clicks import bulk, packing
from linkservice.clicks.calendar import moment
from linkservice.clicks.kept_rows import day_after
from linkservice.clicks.model import CLASSES, AgentName, Click, FacetValue, Mark
from linkservice.clicks.packed_model import EveryClick
from linkservice.database import Database
from linkservice.errors import Invalid, Problem
from linkservice.journeys.model import Touchpoint
from linkservice.links.model import Domain, Link
from linkservice.long_workbook import long_workbook
from linkservice.workbook import Cell
from linkservice.workspaces.access import Actor, find_ever

Format: TypeAlias = Literal["csv", "jsonl", "xlsx"]
FORMATS: tuple[Format, ...] = ("csv", "jsonl", "xlsx")

MOST_IN_WORKBOOK = 1_000_000
"""Clicks of an XLSX file: a sheet holds some more, which may come while the file is written."""

BATCH = 2000
"""Rows read at once: some 2 MB."""

COLUMNS = (
    *("time", "date", "hour", "domain", "slug", "link_id", "link_version"),
    *("touchpoint_id", "touchpoint", "source", "class", "miss", "robot", "device"),
    *("browser", "system", "country", "city", "language", "referrer", "tokenless"),
    *("new_for_link", "new_for_touchpoint", "new_for_journey"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which clicks: of the local days from `first` to `last`, both included; None is no bound.
    Of one link or touchpoint where there is one.
    """

    first: date | None = None
    last: date | None = None
    link_id: str | None = None
    touchpoint_id: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Clicks that the actor may read, as `select_clicks` found them: of the workspace's local days
    from `first` to `last` (`date.toordinal()`) those that meet the conditions.
    """

    workspace_id: int
    first: int
    last: int
    conditions: tuple[ColumnElement[bool], ...]

    def that(self, *conditions: ColumnElement[bool]) -> Selection:
        """Those of them that meet these conditions on rows of `EveryClick` as well."""
        return replace(self, conditions=(*self.conditions, *conditions))


def select_clicks(session: Session, actor: Actor, wanted: Wanted) -> Selection:
    """What is wanted, checked. Raises `NotFound` (link_id, touchpoint_id), `Forbidden`."""
    actor.require("reports:read")
    first = (wanted.first or date.min).toordinal()
    last = (wanted.last or date.max).toordinal()
    conditions = [
        EveryClick.workspace_id == actor.workspace_id,
        EveryClick.local_day.between(first, last),
    ]
    if wanted.link_id is not None:
        conditions.append(EveryClick.link_id == find_ever(session, actor, Link, wanted.link_id).id)
    if wanted.touchpoint_id is not None:
        found = find_ever(session, actor, Touchpoint, wanted.touchpoint_id)
        conditions.append(EveryClick.touchpoint_id == found.id)
    return Selection(actor.workspace_id, first, last, tuple(conditions))


def how_many(session: Session, selection: Selection) -> int:
    """How many rows there are now, for progress."""
    query = select(func.count()).select_from(EveryClick).where(*selection.conditions)
    return session.scalar(query) or 0


def require_room(session: Session, selection: Selection, form: Format) -> None:
    """Raises `Invalid` (format) for more clicks than a file of this form holds: leaving some out
    would be silent.
    """
    if form != "xlsx":
        return
    some = select(EveryClick.position).where(*selection.conditions).limit(MOST_IN_WORKBOOK + 1)
    found = session.scalar(select(func.count()).select_from(some.subquery())) or 0
    if found > MOST_IN_WORKBOOK:
        facts = {"most": MOST_IN_WORKBOOK, "allowed": "csv, jsonl"}
        raise Invalid(Problem("format", "too_many_for_workbook", facts))


def batches(database: Database, selection: Selection) -> Iterator[list[Mapping[str, cells.Cell]]]:
    """The rows by the names of `COLUMNS`, at most `BATCH` at once; none is empty."""
    day = selection.first - 1
    while True:
        with database.reading() as session:
            found = day_after(session, selection.workspace_id, day)
        if found is None or found > selection.last:
            return
        day = found
        yield from _of_day(database, selection, day)


def saved(database: Database, selection: Selection, form: Format) -> Iterator[tuple[int, bytes]]:
    """A file in pieces, each with the number of rows in it; the head has none."""
    if form == "xlsx":
        rows = (list(map(_workbook_row, batch)) for batch in batches(database, selection))
        yield from long_workbook("clicks", ["time (UTC)", *COLUMNS[1:]], rows)
    else:
        for count, text in written(database, selection, form):
            yield count, text.encode()


def written(
    database: Database, selection: Selection, form: Literal["csv", "jsonl"]
) -> Iterator[tuple[int, str]]:
    """The same of a file that is text."""
    if form == "csv":
        yield 0, cells.MARK + cells.line(COLUMNS)
    line: Callable[[Mapping[str, cells.Cell]], str] = _csv_line if form == "csv" else _json_line
    for batch in batches(database, selection):
        yield len(batch), "".join(map(line, batch))


def _of_day(
    database: Database, selection: Selection, day: int
) -> Iterator[list[Mapping[str, cells.Cell]]]:
    """A day's rows: by their key, from where the batch before ended."""
    place = 0, -1
    while True:
        with database.reading() as session:
            end = packing.end_of_some(session, selection.workspace_id, day, place)
            some = (
                select(EveryClick)
                .where(
                    *selection.conditions,
                    EveryClick.local_day == day,
                    packing.coming_after(session, place, end),
                )
                .order_by(EveryClick.segment_id, EveryClick.position)
                .limit(BATCH)
            )
            rows = session.execute(_in_full(some)).all()
        if rows:
            yield [_in_words(row) for row in rows]
        if len(rows) == BATCH:
            place = rows[-1].segment_id, rows[-1].position
        elif end is not None:
            place = end
        else:
            return


def _in_full(some: Select[EveryClick]) -> Select[tuple[object, ...]]:
    """These clicks with the words behind their numbers, which may be of what is deleted since."""
    these = some.subquery()
    of = these.c
    country, city, language, referrer = (aliased(FacetValue) for _ in range(4))
    return (
        select(
            *(of[name] for name in bulk.columns(Click)),
            Domain.host.label("domain"),
            Link.slug,
            Touchpoint.name.label("touchpoint"),
            AgentName.robot,
            AgentName.device,
            AgentName.browser,
            AgentName.system,
            country.value.label("country"),
            city.value.label("city"),
            language.value.label("language"),
            referrer.value.label("referrer"),
        )
        .select_from(these)
        .outerjoin(Domain, Domain.id == of.domain_id)
        .outerjoin(Link, Link.id == of.link_id)
        .outerjoin(Touchpoint, Touchpoint.id == of.touchpoint_id)
        .outerjoin(AgentName, AgentName.id == of.agent_id)
        .outerjoin(country, country.id == of.country_id)
        .outerjoin(city, city.id == of.city_id)
        .outerjoin(language, language.id == of.language_id)
        .outerjoin(referrer, referrer.id == of.referrer_id)
        .order_by(of.segment_id, of.position)
    )


def _in_words(row: Row[tuple[object, ...]]) -> Mapping[str, cells.Cell]:
    found = row._mapping
    flags = Mark(found["flags"])
    time = moment(found["time_ms"]).isoformat(timespec="milliseconds")
    return {
        "time": time.replace("+00:00", "Z"),
        "date": date.fromordinal(found["local_day"]).isoformat(),
        "hour": found["local_hour"],
        "domain": found["domain"],
        "slug": found["slug"],
        "link_id": _id(found["link_id"]),
        "link_version": found["link_version"],
        "touchpoint_id": _id(found["touchpoint_id"]),
        "touchpoint": found["touchpoint"],
        "source": "scan" if Mark.SCAN in flags else "click",
        "class": CLASSES[found["class"]],
        "miss": Mark.MISS in flags,
        "robot": found["robot"] or None,
        **{name: found[name] or None for name in ("device", "browser", "system")},
        **{name: found[name] or None for name in ("country", "city", "language", "referrer")},
        "tokenless": Mark.TOKENLESS in flags,
        "new_for_link": Mark.NEW_FOR_LINK in flags,
        "new_for_touchpoint": Mark.NEW_FOR_TOUCHPOINT in flags,
        "new_for_journey": Mark.NEW_FOR_JOURNEY in flags,
    }


def _id(number: int) -> str | None:
    """As the API has it; None where there is no link or touchpoint."""
    return str(number) if number else None


def _csv_line(row: Mapping[str, cells.Cell]) -> str:
    return cells.line([row[name] for name in COLUMNS])


def _workbook_row(row: Mapping[str, cells.Cell]) -> list[Cell]:
    """As spreadsheets reckon: moments and days as such."""
    time, day = datetime.fromisoformat(str(row["time"])), date.fromisoformat(str(row["date"]))
    return [time, day, *(row[name] for name in COLUMNS[2:])]


def _json_line(row: Mapping[str, cells.Cell]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
