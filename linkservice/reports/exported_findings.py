"""Reports that judge as files hold them: costs, personas, moments of truth, changes, transitions.

Decided here: which tables each of them has. As with reports of clicks (`exported`) a table is made
of the frozen result that the page shows and the API answers. Amounts are exact decimals of the
currency's main unit in tables (1234.50), whole numbers of its smallest unit in JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from typing import Any, cast

from linkservice.money import in_main_unit
from linkservice.reports import cost_results
from linkservice.reports.change import WindowName
from linkservice.reports.changed import ChangeReport
from linkservice.reports.cost_judging import BYS, By
from linkservice.reports.cost_results import (
    AMOUNTS,
    FIGURES,
    UNPAID,
    CostReport,
    CostRow,
    Figure,
    figures_of,
    unpaid_of,
)
from linkservice.reports.exported import Exported
from linkservice.reports.exported_tables import Table
from linkservice.reports.moments import Moment, MomentsReport
from linkservice.reports.needed import lacking
from linkservice.reports.personas import PersonaReport, PersonaShare, Reversal
from linkservice.reports.results import Json, to_json
from linkservice.reports.tide import Tide
from linkservice.reports.transitions import Step, Transition, TransitionReport
from linkservice.workbook import Cell

Filters = Mapping[str, str | None]

_WINDOWS: tuple[WindowName, ...] = ("yesterday", "three_days")
_BESIDE = ("days", "visitors", "expected", "low", "high")
_PLACE = ("kind", "id", "name", "stage", "journey", "deleted")


def of_costs(report: CostReport, filters: Filters) -> Exported:
    """What clicks and visitors cost, row by row and in all."""
    totals = figures_of(report.totals)
    rows = [(name, _amount(name, totals[name], report.currency)) for name in FIGURES]
    tables = [
        costs_table(report),
        Table("totals", ("figure", "count"), rows, currency=report.currency),
    ]
    order = "up" if report.upwards else None
    asked = {**filters, "group": report.group, "sort": report.sort, "order": order}
    return Exported(report.period, asked, cost_results.to_json(report), tables)


def with_costs(found: Exported, report: CostReport, row: CostRow) -> Exported:
    """The file of a touchpoint or campaign with what it cost: its row of the report on costs."""
    alone = replace(report, rows=[row])
    told = cost_results.to_json(alone)
    [costs] = cast(Sequence[Mapping[str, Json]], told["rows"])
    money = {name: told[name] for name in ("currency", "decimals")}
    content = {**found.content, "costs": {**money, **costs}}
    return replace(found, content=content, tables=[*found.tables, costs_table(alone)])


def costs_table(report: CostReport) -> Table:
    """A line a row of the report; of a channel or a medium the name is its word."""
    rows: list[list[Cell]] = []
    for row in report.rows:
        figures = figures_of(row.costs)
        amounts = [_amount(name, figures[name], report.currency) for name in FIGURES]
        place = [getattr(row, name) for name in _PLACE]
        verdicts = [cell for by in BYS for cell in _judged(row, by, report.currency)]
        unpaid = unpaid_of(row).values()
        rows.append([*place, report.currency, *amounts, *unpaid, *verdicts])
    meant = {"kind": "row_kind"}
    meant |= {f"{by}_{name}": name for by in BYS for name in ("peers_group", "reason")}
    if report.group in ("channel", "medium"):
        meant["name"] = report.group
    said = [f"{by}_{name}" for by in BYS for name in (*_SAID, *_NEEDED)]
    columns = (*_PLACE, "currency", *FIGURES, *UNPAID, *said)
    return Table("costs", columns, rows, meant)


_SAID = ("verdict", "low", "high", "peers_group", "peers_count", "peers_median")
_NEEDED = ("more_cost_needed", "reason")


def _judged(row: CostRow, by: By, currency: str) -> list[Cell]:
    """The verdict by one figure. Money that would prove next to nothing is not told, as on the
    page: the reason says so.
    """
    verdict = row.verdict_by(by)
    why = None if verdict is None else lacking(verdict, row.costs.cost or 0)
    more = verdict.more_cost_needed if verdict and why == "too_little_spent" else None
    needed = None if more is None else in_main_unit(more, currency)
    return [*(_said(row, by, name, currency) for name in _SAID), needed, why]


def _said(row: CostRow, by: By, name: str, currency: str) -> Cell:
    """One of `_SAID` of a verdict, money in the main unit."""
    verdict = row.verdict_by(by)
    of: object = verdict
    if verdict is not None and name.startswith("peers_"):
        of, name = verdict.peers, name.removeprefix("peers_")
    if of is None:
        return None
    value: Cell = getattr(of, name)
    money = name in ("low", "high", "median") and by in AMOUNTS
    return in_main_unit(value, currency) if money and isinstance(value, int | float) else value


def of_personas(report: PersonaReport, filters: Filters) -> Exported:
    """Scans or conversions per click by touchpoint and persona, the personas in all, and what the
    mix hides.
    """
    asked = {**filters, "metric": report.metric, "attribution": report.attribution}
    tables = [
        personas_table(report),
        _plain("persona_totals", PersonaShare, report.personas),
        _plain("reversals", Reversal, report.reversals),
    ]
    return Exported(report.period, asked, to_json(report), tables)


def personas_table(report: PersonaReport) -> Table:
    """A line for each touchpoint and persona; what all personas share stands in each of them."""
    names = {persona.id: persona.name for persona in report.personas}
    columns = (
        *("id", "name", "stage", "journey", "persona_id", "persona", "clicks", "scans"),
        *("conversions", "rate", "touchpoint_rate", "standardised_rate", "touchpoint_clicks"),
        *("other_clicks", "other_conversions"),
    )
    rows = [
        (
            *(row.id, row.name, row.stage, row.journey, cell.persona_id, names[cell.persona_id]),
            *(cell.clicks, cell.scans, cell.conversions, cell.rate),
            *(row.rate, row.standardised_rate, row.clicks),
            *(row.other_clicks, row.other_conversions),
        )
        for row in report.rows
        for cell in row.cells
    ]
    return Table("personas", columns, rows)


def of_moments(report: MomentsReport, filters: Filters) -> Exported:
    """The touchpoints of a journey by importance and performance."""
    asked = {**filters, "journey_id": report.journey_id, "metric": report.metric}
    return Exported(report.period, asked, to_json(report), [moments_table(report)])


def moments_table(report: MomentsReport) -> Table:
    """A line for each touchpoint; what it lacks for a quadrant as words in a row."""
    return _plain("moments", Moment, report.touchpoints)


def of_changes(report: ChangeReport, filters: Filters) -> Exported:
    """Every touchpoint's last days beside what is usual, and what most did together."""
    asked = {**filters, "holidays": report.holidays}
    together = [] if report.tide is None else [_plain("tide", Tide, [report.tide])]
    return Exported(report.period, asked, to_json(report), [changes_table(report), *together])


def changes_table(report: ChangeReport) -> Table:
    """A line for each touchpoint, with the figures of both windows where they are judged."""
    texts = ("id", "name", "stage", "journey", "kind", "channel", "change", "window")
    numbers = ("false_discovery_rate", "days_needed")
    columns = [*texts, *(f"{window}_{each}" for window in _WINDOWS for each in _BESIDE), *numbers]
    rows: list[list[Cell]] = []
    for row in report.touchpoints:
        windows = [getattr(row, window) for window in _WINDOWS]
        beside = [
            None if each is None else getattr(each, name) for each in windows for name in _BESIDE
        ]
        told = [getattr(row, name) for name in texts]
        rows.append([*told, *beside, *(getattr(row, name) for name in numbers)])
    return Table("changes", columns, rows)


def of_transitions(report: TransitionReport, filters: Filters) -> Exported:
    """The transitions of a journey, its stages, and what is missing."""
    tables = [
        transitions_table(report),
        _plain("stages", Step, report.steps, meant={}),
        Table(
            "missing", ("code", "stages"), [(m.code, ", ".join(m.stages)) for m in report.missing]
        ),
    ]
    days = {"counted_from": report.counted_from, "counted_to": report.counted_to}
    told = {name: day.isoformat() for name, day in days.items() if day is not None}
    asked = {**filters, "journey_id": report.journey_id, **told}
    return Exported(report.period, asked, to_json(report), tables)


def transitions_table(report: TransitionReport) -> Table:
    """A line for each transition; the weakest one says so."""
    columns = [*(field.name for field in fields(Transition)), "weakest"]
    rows = [
        [*_values(each, Transition), "weakest" if place == report.weakest else ""]
        for place, each in enumerate(report.transitions)
    ]
    return Table("transitions", columns, rows)


def _plain(
    name: str, kind: type[Any], each: Sequence[object], meant: Mapping[str, str] | None = None
) -> Table:
    """The fields of a dataclass as columns, one of them a row."""
    columns = [field.name for field in fields(kind)]
    return Table(name, columns, [_values(one, kind) for one in each], meant or {})


def _values(one: object, kind: type[Any]) -> list[Cell]:
    return [_cell(getattr(one, field.name)) for field in fields(kind)]


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, str | int | float | date):
        return value
    assert isinstance(value, Sequence)
    return " ".join(map(str, value))


def _amount(name: str, value: Figure, currency: str) -> Cell:
    """Money in the main unit: entered amounts exact, what one click cost as a fraction."""
    if value is None or name not in AMOUNTS:
        return value
    return in_main_unit(value, currency)
