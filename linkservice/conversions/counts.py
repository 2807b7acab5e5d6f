"""Conversions imported as sums of a day: what a shop or a till counted, of nobody in particular.

A row is the value of its day, touchpoint and source: the same row again changes nothing, another
figure replaces it. All rows or none. Not here: conversions that are reported one by one
(`recording`).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import ForUpdateArg

from linkservice.clicks.calendar import epoch_ms, local_day
from linkservice.conversions import months
from linkservice.conversions.model import LONGEST_SOURCE, ConversionCount
from linkservice.conversions.recording import LARGEST_VALUE
from linkservice.errors import Invalid, Problem
from linkservice.fields import Problems
from linkservice.journeys.model import Journey, Stage, Touchpoint
from linkservice.journeys.reach_cells import read_amount as read_number
from linkservice.journeys.reach_cells import read_day
from linkservice.journeys.reach_table import MOST_BYTES, MOST_PROBLEMS, MOST_ROWS
from linkservice.money import read_amount
from linkservice.workspaces.access import Actor, find, scoped
from linkservice.workspaces.model import Workspace
from linkservice.workspaces.trail import note

USUAL_SOURCE = "import"
MOST_CONVERSIONS = 10**9
FIRST_DAY, LAST_DAY = dt.date(2000, 1, 1), dt.date(2999, 12, 31)

_NAMES = {
    "date": ("date", "day", "datum", "tag"),
    "touchpoint": ("touchpoint", "kontaktpunkt"),
    "conversions": ("conversions", "conversion", "käufe", "anzahl"),
    "value": ("value", "wert", "umsatz", "revenue"),
}
COLUMNS = tuple(_NAMES)
_COLUMN_OF = {name: column for column, names in _NAMES.items() for name in names}


@dataclass(frozen=True, slots=True)
class NewCount:
    """The conversions of a touchpoint (outside id) on a day; `value` in the smallest unit."""

    date: dt.date
    touchpoint_id: str
    conversions: int
    value: int = 0


@dataclass(frozen=True, slots=True)
class ImportedCounts:
    """How many rows were new, had another figure before, or were there already."""

    added: int
    changed: int
    unchanged: int


def import_counts(
    session: Session, actor: Actor, counts: Sequence[NewCount], source: str, now: dt.datetime
) -> ImportedCounts:
    """Set the sums of these days and touchpoints.

    Raises `Invalid` with every wrong field, `NotFound` (touchpoint_id), `Forbidden`.
    """
    actor.require("conversions:write")
    # Of two imports at once the second waits; and the currency stays what it is meanwhile.
    workspace = session.get_one(
        Workspace, actor.workspace_id, with_for_update=ForUpdateArg(key_share=True)
    )
    latest = _latest(workspace, now)
    problems = Problems()
    source = problems.text("source", source, longest=LONGEST_SOURCE)
    _check(problems, counts, latest)
    problems.raise_if_any()
    touchpoints = {
        each: find(session, actor, Touchpoint, each, "touchpoint_id").id
        for each in dict.fromkeys(count.touchpoint_id for count in counts)
    }
    there = {
        (row.local_date, row.touchpoint_id): row
        for row in session.scalars(
            select(ConversionCount).where(
                ConversionCount.workspace_id == actor.workspace_id,
                ConversionCount.source == source,
                ConversionCount.touchpoint_id.in_(touchpoints.values()),
            )
        )
    }
    added = changed = 0
    for count in counts:
        key = count.date, touchpoints[count.touchpoint_id]
        row = there.get(key)
        if row is None:
            session.add(_row(actor, count, key[1], source, now))
            added += 1
        elif (row.conversions, row.value) != (count.conversions, count.value):
            row.conversions, row.value, row.imported_at = count.conversions, count.value, now
            changed += 1
    session.flush()
    if added or changed:
        months.reopen(session, actor.workspace_id, {count.date for count in counts})
    done = ImportedCounts(added, changed, len(counts) - added - changed)
    if added or changed:
        note(session, actor, "conversions.imported", now, name=source, added=added, changed=changed)
    return done


def read_counts(session: Session, actor: Actor, text: str, now: dt.datetime) -> list[NewCount]:
    """The rows of a table with a header: date, touchpoint, conversions and perhaps value.

    A touchpoint is named as the journeys name it, with its stage or journey before it where two
    are called the same (“Purchase / Checkout”). Raises `Invalid` with the problems of all rows.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise Invalid(Problem("table", "table_too_large", {"most": MOST_BYTES // 1_000_000}))
    columns, rows = _rows(text)
    named = _named(session, actor)
    workspace = session.get_one(Workspace, actor.workspace_id)
    latest = _latest(workspace, now)
    found: list[NewCount] = []
    problems: list[Problem] = []
    lines: dict[tuple[dt.date, str], int] = {}
    for line, cells in rows:
        row = dict(zip(columns, cells, strict=False))
        try:
            count = _count(row, line, named, workspace.currency, latest)
            before = lines.setdefault((count.date, count.touchpoint_id), line)
            if before != line:
                raise Invalid(
                    Problem(f"row {line}", "row_repeated", {"row": line, "before": before})
                )
            found.append(count)
        except Invalid as error:
            problems += error.problems
    if problems:
        raise Invalid(*problems[:MOST_PROBLEMS])
    return found


def _latest(workspace: Workspace, now: dt.datetime) -> dt.date:
    """The last day that conversions can be of: in another time zone, and by a clock that is fast,
    tomorrow has begun.
    """
    return local_day(epoch_ms(now), workspace.time_zone)[0] + dt.timedelta(days=1)


def _check(problems: Problems, counts: Sequence[NewCount], latest: dt.date) -> None:
    if not 1 <= len(counts) <= MOST_ROWS:
        problems.add("items", "how_many_rows", most=MOST_ROWS)
    seen = set()
    for number, count in enumerate(counts):
        field = f"items.{number}"
        problems.number(f"{field}.conversions", count.conversions, low=0, high=MOST_CONVERSIONS)
        problems.number(f"{field}.value", count.value, low=0, high=LARGEST_VALUE)
        if not FIRST_DAY <= count.date <= LAST_DAY:
            problems.add(f"{field}.date", "day_out_of_range", first=FIRST_DAY, last=LAST_DAY)
        elif count.date > latest:
            problems.add(f"{field}.date", "day_to_come", day=count.date)
        if (count.date, count.touchpoint_id) in seen:
            problems.add(field, "item_repeated")
        seen.add((count.date, count.touchpoint_id))


def _row(
    actor: Actor, count: NewCount, touchpoint_id: int, source: str, now: dt.datetime
) -> ConversionCount:
    return ConversionCount(
        workspace_id=actor.workspace_id,
        local_date=count.date,
        touchpoint_id=touchpoint_id,
        source=source,
        conversions=count.conversions,
        value=count.value,
        imported_at=now,
    )


def _rows(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The columns by the header, and every row that holds something, with its line."""
    text = text.removeprefix("\ufeff")
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = next((sign for sign in "\t;" if sign in first), ",")
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter, strict=True)
    try:
        read = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error:
        line = reader.line_num
        raise Invalid(Problem(f"row {line}", "bad_quotes", {"row": line, "column": ""})) from None
    rows = [(line, cells) for line, cells in read if any(cells)]
    if len(rows) < 2:
        raise Invalid(Problem("table", "table_empty"))
    columns = [_COLUMN_OF.get(cell.casefold().rstrip(":"), "") for cell in rows[0][1]]
    missing = [name for name in ("date", "touchpoint", "conversions") if name not in columns]
    if missing or "" in columns or len(set(columns)) < len(columns):
        raise Invalid(Problem("table", "count_columns", {"allowed": ", ".join(COLUMNS)}))
    if len(rows) - 1 > MOST_ROWS:
        facts = {"most": MOST_ROWS, "rows": len(rows) - 1}
        raise Invalid(Problem("table", "table_too_long", facts))
    return columns, rows[1:]


def _count(
    row: Mapping[str, str],
    line: int,
    named: Mapping[str, Sequence[str]],
    currency: str,
    latest: dt.date,
) -> NewCount:
    """The row as values. Raises `Invalid` with its first problem."""

    def wrong(column: str, code: str, **facts: object) -> Invalid:
        where = {"row": line, "column": column}
        return Invalid(Problem(f"row {line}, {column}", code, {**facts, **where}))

    day = read_day(row["date"])
    if day is None:
        raise wrong("date", "not_a_day")
    if latest < day <= LAST_DAY:
        raise wrong("date", "day_to_come", day=day)
    called = row.get("touchpoint", "")
    places = named.get(_key(called), ())
    if len(places) != 1:
        code = "ambiguous_touchpoint" if places else "unknown_touchpoint"
        raise wrong("touchpoint", code, name=called[:80])
    number = read_number(row.get("conversions", ""))
    if number is None or number.value > MOST_CONVERSIONS:
        raise wrong("conversions", "not_a_number")
    value = 0
    if row.get("value"):
        try:
            value = read_amount("value", row["value"], currency)
        except Invalid as error:
            raise wrong("value", error.problems[0].code, **error.problems[0].params) from None
        if value > LARGEST_VALUE:
            raise wrong("value", "out_of_range", low=0, high=LARGEST_VALUE)
    return NewCount(day, places[0], number.value, value)


def _named(session: Session, actor: Actor) -> Mapping[str, Sequence[str]]:
    """The touchpoints a row can mean (outside ids), by the names it may use."""
    named: dict[str, list[str]] = defaultdict(list)
    places = session.execute(
        scoped(actor, Touchpoint)
        .join(Stage, Stage.id == Touchpoint.stage_id)
        .join(Journey, Journey.id == Stage.journey_id)
        .with_only_columns(Touchpoint.id, Touchpoint.name, Stage.name, Journey.name)
        .where(Stage.deleted_at.is_(None), Journey.deleted_at.is_(None))
    )
    for touchpoint_id, name, stage, journey in places:
        for called in {name, f"{stage} / {name}", f"{journey} / {stage} / {name}"}:
            named[_key(called)].append(str(touchpoint_id))
    return named


def _key(name: str) -> str:
    return " ".join(name.casefold().split())
