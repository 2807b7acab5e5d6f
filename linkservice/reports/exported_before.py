"""What a file tells of the time before: its days, and both sums side by side.

Decided here: that a file compares what its page compares, the days of the period that are over with
the same weekdays before (`trend`). Not here: the rest of the file (`exported`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from linkservice.reports.exported import Exported, Table
from linkservice.reports.results import Day, FilteredChange, plain
from linkservice.reports.trend import Trend

_FIGURES = ("clicks", "scans", "visitors")


def with_before(found: Exported, trend: Trend) -> Exported:
    """The report with the days before and the change; without either where there is nothing to
    compare with.
    """
    if trend.change is None:
        return _with(found, None, ())
    now, before = asdict(trend.change.now), asdict(trend.change.before)
    return _with(found, FilteredChange(now, before, trend.change.weeks), trend.before)


def with_change(found: Exported, change: FilteredChange | None) -> Exported:
    """The same of filtered figures, whose days before are not told."""
    return _with(found, change, ())


def _with(found: Exported, change: FilteredChange | None, days: Sequence[Day]) -> Exported:
    tables: list[Table] = []
    if change is not None:
        tables.append(_compared(change.now, change.before))
    if days:
        lines = [(day.date, day.clicks, day.scans, day.visitors) for day in days]
        tables.append(Table("days_before", ("date", *_FIGURES), lines))
    names = [table.name for table in found.tables]
    place = names.index("days") + 1
    content = {
        **found.content,
        "change": None if change is None else plain(change),
        "days_before": [plain(day) for day in days],
    }
    told = [*found.tables[:place], *tables, *found.tables[place:]]
    return replace(found, content=content, tables=told)


def _compared(now: Mapping[str, int], before: Mapping[str, int]) -> Table:
    rows = [(name, now[name], before[name]) for name in _FIGURES if name in now]
    return Table("compared", ("figure", "now", "before"), rows)
