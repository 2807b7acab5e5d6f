"""What a file tells of the time before: its days, and both sums side by side.

Decided here: that a file compares what its page compares, the days of the period that are over with
the same weekdays before (`trend`). Not here: the rest of the file (`exported`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from linkservice.reports.exported import Exported, Table
from linkservice.reports.results import FilteredChange, plain
from linkservice.reports.trend import Trend

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


def _compared(now: Mapping[str, int], before: Mapping[str, int]) -> Table:
    rows = [(name, now[name], before[name]) for name in _FIGURES if name in now]
    return Table("compared", ("figure", "now", "before"), rows)
