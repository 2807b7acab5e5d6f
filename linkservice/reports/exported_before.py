"""What a file tells of the time before: its days, and both sums side by side.

Decided here: that a file compares what its page compares, the days of the period that are over with
the same weekdays before (`trend`). Not here: the rest of the file (`exported`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import cast

from linkservice.money import in_main_unit
from linkservice.reports.exported import Exported
from linkservice.reports.exported_tables import Table
from linkservice.reports.results import FilteredChange, Json, plain
from linkservice.reports.trend import ConversionTrend, Trend
from linkservice.workbook import Cell

_FIGURES = ("clicks", "scans", "visitors")
_COMPARED = ("now", "before", "weeks")


def with_before(found: Exported, trend: Trend) -> Exported:
    """The report with the days before and the change; without either where there is nothing to
    compare with.
    """
    if trend.change is None:
        return with_change(found, None)
    now, before = asdict(trend.change.now), asdict(trend.change.before)
    return with_change(found, FilteredChange(now, before, trend.change.weeks, trend.before))


def with_change(found: Exported, change: FilteredChange | None) -> Exported:
    """The same of filtered figures."""
    tables: list[Table] = []
    if change is not None:
        tables.append(_compared(change.now, change.before))
        lines = [(day.date, day.clicks, day.scans, day.visitors) for day in change.days]
        tables.append(Table("days_before", ("date", *_FIGURES), lines))
    names = [table.name for table in found.tables]
    place = names.index("days") + 1
    content = {
        **found.content,
        "change": plain(change and {name: getattr(change, name) for name in _COMPARED}),
        "days_before": [plain(day) for day in change.days] if change else [],
    }
    told = [*found.tables[:place], *tables, *found.tables[place:]]
    return replace(found, content=content, tables=told)


def with_gained(found: Exported, gained: ConversionTrend, currency: str) -> Exported:
    """A report that has its change (`with_before`), with that of conversions and of their value, as
    far as its page compares them.
    """
    change = found.content["change"]
    if not isinstance(change, dict) or gained.now is None or gained.before is None:
        return found
    now, before = {"conversions": gained.now}, {"conversions": gained.before}
    lines: list[tuple[Cell, ...]] = [("conversions", gained.now, gained.before)]
    if gained.value_now is not None and gained.value_before is not None and gained.value:
        now["value"], before["value"] = gained.value_now, gained.value_before
        told = [in_main_unit(value, currency) for value in (gained.value_now, gained.value_before)]
        lines.append(("value", *told))
    both: dict[str, Json] = {
        name: {**cast(dict[str, Json], change[name]), **more}
        for name, more in (("now", now), ("before", before))
    }
    tables = [
        replace(table, rows=[*table.rows, *lines], currency=currency)
        if table.name == "compared"
        else table
        for table in found.tables
    ]
    content = {**found.content, "change": {**change, **both}}
    return replace(found, content=content, tables=tables)


def _compared(now: Mapping[str, int], before: Mapping[str, int]) -> Table:
    rows = [(name, now[name], before[name]) for name in _FIGURES if name in now]
    return Table("compared", ("figure", "now", "before"), rows)
