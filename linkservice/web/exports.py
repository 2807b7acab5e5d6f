"""A report as a file: CSV and JSON by the names of the contract, a workbook in words.

Decided here: what columns, tables and values are called in a workbook. Not here: which figures
a file holds (`reports/exported`), how it is written (`cells`, `workbook`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from flask import Response

from linkservice import cells
from linkservice.reports.exported import Exported
from linkservice.reports.exported_csv import csv_lines
from linkservice.reports.exported_tables import FACET_TABLES, Table
from linkservice.web import fieldwords, finding_words
from linkservice.web.counted import Fact
from linkservice.web.i18n import N_, gettext
from linkservice.web.page import Page
from linkservice.web.value_words import (
    FACET_WORDS,
    city_name,
    country_name,
    device_name,
    language_name,
    value_name,
)
from linkservice.workbook import Cell, Sheet, workbook

FORMATS = {"xlsx": N_("Excel (XLSX)"), "csv": N_("CSV"), "json": N_("JSON")}
"""What a report can be saved as, in the order it is offered."""

USUAL_FORMAT = "xlsx"

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_TABLES = {
    "touchpoints": N_("Touchpoints"),
    "groups": N_("Groups"),
    "shown": N_("Touchpoints shown"),
    "totals": N_("Totals"),
    "days": N_("Days"),
    "days_before": N_("Days before"),
    "compared": N_("Comparison"),
    "links": N_("Links"),
    "contest": N_("Links side by side"),
    "hours": N_("Hours of the week"),
    "countries": N_("Countries"),
    "cities": N_("Cities"),
    "devices": N_("Devices"),
    "browsers": N_("Browsers"),
    "systems": N_("Systems"),
    "languages": N_("Languages"),
    "referrers": N_("Referrers"),
    "robots": N_("Robots and previews"),
    **finding_words.TABLES,
}
_HEADS = {
    "id": N_("Id"),
    "name": N_("Name"),
    "stage": N_("Stage"),
    "stage_id": N_("Id of the stage"),
    "journey": N_("Journey"),
    "journey_id": N_("Id of the journey"),
    "kind": N_("Kind"),
    "channel": N_("Channel"),
    "medium": N_("Medium"),
    "group": N_("Group"),
    "touchpoints": N_("Touchpoints"),
    "clicks": N_("Clicks"),
    "scans": N_("Scans"),
    "visitors": N_("Visitors"),
    "tokenless": N_("Clicks without a token"),
    "reach": N_("Reach"),
    "unit": N_("Unit of reach"),
    "rate": N_("Rate"),
    "per": N_("Rate per"),
    "low": N_("Interval, from"),
    "high": N_("Interval, to"),
    "verdict": N_("Verdict"),
    "peers_group": N_("Peers of the same"),
    "peers_count": N_("Number of peers"),
    "peers_mean": N_("Mean of the peers"),
    "more_reach_needed": N_("Reach still needed"),
    "exceeds_reach": N_("More visitors than reach"),
    "deleted": N_("deleted"),
    "conversions": N_("Conversions"),
    "figure": N_("Figure"),
    "count": N_("Count"),
    "date": N_("Day"),
    "now": N_("Full days"),
    "before": N_("Before"),
    "domain": N_("Domain"),
    "slug": N_("Slug"),
    "title": N_("Title"),
    "weekday": N_("Weekday (1 is Monday)"),
    "hour": N_("Hour"),
    "value": N_("Value"),
    "first_day": N_("First day"),
    "last_day": N_("Last day"),
    "more_visitors_needed": N_("Visitors still needed"),
    "share": N_("Share of visitors"),
    "entry": N_("Entry"),
    "note": N_("Note"),
    **finding_words.HEADS,
}
_FIGURES = {
    **{name: _HEADS[name] for name in ("clicks", "scans", "visitors", "tokenless")},
    **{name: _HEADS[name] for name in ("touchpoints", "reach", "unit", "rate", "per")},
    "journey_visitors": N_("Visitors of journeys"),
    "robots": N_("Robots"),
    "previews": N_("Link previews"),
    "prefetches": N_("Prefetches"),
    "scanners": N_("Mail scanners"),
    "suspected": N_("Suspected mail scanners"),
    "heads": N_("HEAD requests"),
    "own": N_("Own visits"),
    "misses": N_("Misses"),
    "unrecorded": N_("Unrecorded clicks"),
    "conversions": N_("Conversions"),
    "value": N_("Value"),
    **finding_words.FIGURES,
}
_MONEY = (
    *("value", "cost", "shared_cost"),
    *("cost_per_click", "cost_per_visitor", "cost_per_conversion", "value_with_cost"),
)
"""Figures that are told with their currency."""
_GROUPS = {
    "stage_and_kind": N_("stage and kind"),
    "stage": N_("stage"),
    "journey": N_("journey"),
    "workspace": N_("workspace"),
    "target": N_("target rate"),
}
_WORDS: Mapping[str, Mapping[str, str]] = {
    **finding_words.WORDS,
    "verdict": {**fieldwords.VERDICTS, "difference_too_small": fieldwords.TOO_SMALL},
    "unit": fieldwords.UNITS,
    "per": {
        **fieldwords.UNITS,
        "visitor": N_("Visitor"),
        "day": N_("Day"),
        "click": N_("Click"),
    },
    "kind": fieldwords.KINDS,
    "channel": fieldwords.CHANNELS,
    "medium": fieldwords.MEDIA,
    "group": {"several": N_("several"), "none": N_("none")},
    "peers_group": _GROUPS,
    "figure": _FIGURES,
}
"""What enumerated values of a column are called; others stand as they are."""

_ENTRIES = {
    "countries": FACET_WORDS["country"],
    "cities": FACET_WORDS["city"],
    "devices": FACET_WORDS["device"],
    "browsers": FACET_WORDS["browser"],
    "systems": FACET_WORDS["system"],
    "languages": FACET_WORDS["language"],
    "referrers": FACET_WORDS["referrer"],
    "robots": N_("Name"),
}
"""What one line of a table of a facet is."""

_NAMES: dict[str, Callable[[str], str]] = {
    "countries": country_name,
    "cities": city_name,
    "devices": device_name,
    "languages": language_name,
}


def saved(
    page: Page, found: Exported, facts: Sequence[Fact], form: str, name: str, *, one_table: bool
) -> Response:
    """The report as a file of one of `FORMATS`; a CSV of `one_table` has only the first, which a
    line of another kind would break. One of several has how it was counted as a table of its own.
    """
    if form == "csv":
        how = Table("counted", ("term", "text"), [(fact.term, fact.text) for fact in facts])
        tables = found.tables[:1] if one_table else [*found.tables, how]
        data = cells.table(csv_lines(tables, found.stamp))
        return page.file(data, "text/csv", f"{name}.csv")
    if form == "json":
        return page.file(_json(found, facts), "application/json", f"{name}.json")
    sheets = sheets_of(found.tables)
    sheets.append(
        Sheet(
            gettext("How this was counted"),
            (gettext("What"), gettext("How")),
            [(fact.term, fact.text) for fact in facts],
        )
    )
    return page.file(workbook(sheets, title=name, made_by=facts[-1].text), XLSX, f"{name}.xlsx")


def sheets_of(tables: Iterable[Table]) -> list[Sheet]:
    """The tables in words."""
    return [_sheet(table) for table in tables]


def _json(found: Exported, facts: Sequence[Fact]) -> bytes:
    content = {
        **found.content,
        "filters": dict(found.filters),
        "counted": [{"term": fact.term, "text": fact.text} for fact in facts],
    }
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def _sheet(table: Table) -> Sheet:
    name = gettext(_TABLES[table.name]) if table.name in _TABLES else table.name
    heads = [_head(column, table.currency, table.name) for column in table.columns]
    if table.name in FACET_TABLES:
        called = _NAMES.get(table.name, value_name)
        rows = [(value, called(str(value)), clicks) for value, clicks in table.rows]
        return Sheet(name, (_head("entry"), gettext(_ENTRIES[table.name]), _head("clicks")), rows)
    holding = [table.meant.get(column, column) for column in table.columns]
    rows_in_words = [
        [
            _worded(meant, table.finer.get((number, column), cell), table.currency)
            for column, meant, cell in zip(table.columns, holding, row, strict=True)
        ]
        for number, row in enumerate(table.rows)
    ]
    return Sheet(name, heads, rows_in_words)


def _head(column: str, currency: str = "", table: str = "") -> str:
    heads = {**_HEADS, **finding_words.HEADS_OF.get(table, {})}
    head = gettext(heads[column]) if column in heads else column
    return _with_currency(head, column, currency)


def _worded(meant: str, cell: Cell, currency: str) -> Cell:
    """A cell by what its column holds."""
    words = _WORDS.get(meant, {})
    if not isinstance(cell, str) or cell not in words:
        return cell
    word = gettext(words[cell])
    return _with_currency(word, cell, currency) if meant == "figure" else word


def _with_currency(word: str, name: str, currency: str) -> str:
    return f"{word} ({currency})" if currency and name in _MONEY else word
