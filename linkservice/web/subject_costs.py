"""What one touchpoint cost, in words, for its page: the figures, and what is certain of them.

Not here: the figures and verdicts (`reports/touchpoint_costs`), how each is said (`cost_words`,
`cost_verdicts`).
"""

from __future__ import annotations

from dataclasses import dataclass

from linkservice.reports.cost_judging import BYS, By, CostVerdict
from linkservice.reports.cost_results import CostReport, CostRow
from linkservice.reports.paper_table import Column, Part, Row
from linkservice.reports.touchpoint_costs import TouchpointCosts, costs_of_touchpoint
from linkservice.web import cost_verdicts, cost_words
from linkservice.web.cost_lines import unpaid_words
from linkservice.web.cost_words import finer_columns
from linkservice.web.fieldwords import signed
from linkservice.web.i18n import gettext, write_money
from linkservice.web.page import Page
from linkservice.web.periods import Chosen


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the box: its name, its value, and what it is of; with a verdict the `word` and
    `look` of that, and `sure`, how sure it is.
    """

    label: str
    value: str
    basis: str = ""
    look: str = ""
    word: str = ""
    sure: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """The figures, and the sentences on what to make of them."""

    figures: list[Figure]
    sentences: list[str]


def told_costs(page: Page, chosen: Chosen, touchpoint_id: str) -> Told | None:
    """What the touchpoint cost in these days; None where no cost is entered."""
    found = costs_within(page, chosen, touchpoint_id)
    return None if found is None else _told(found)


def costs_within(page: Page, chosen: Chosen, touchpoint_id: str) -> TouchpointCosts | None:
    """The same as figures. A shared report, which is of clicks, has none."""
    if page.guest:
        return None
    return costs_of_touchpoint(
        page.session,
        page.actor,
        touchpoint_id,
        chosen.period,
        suspects=chosen.suspects,
        now=page.now,
    )


def costs_part(told: Told) -> Part:
    """The same on paper."""
    columns = (
        Column(gettext("Figure"), 0.24),
        Column(gettext("Value"), 0.26),
        Column(gettext("What is certain"), 0.5),
    )
    rows = []
    for each in told.figures:
        sure = [signed(each.look, each.word), each.sure] if each.word else []
        value = "\n".join(filter(None, (each.value, each.basis)))
        rows.append(Row((each.label, value, "\n".join(filter(None, sure)))))
    return Part(gettext("Costs"), columns, rows, " ".join(told.sentences))


def _told(found: TouchpointCosts) -> Told:
    report, row = found.report, found.row
    spent = write_money(row.costs.cost or 0, report.currency)
    told = [Figure(gettext("Cost"), spent, cost_words.shared_words(row.costs, report))]
    told += [figure for by in BYS if (figure := _figure(report, row, by))]
    sentences = [*cost_verdicts.of_touchpoint(row, report), unpaid_words(row)]
    return Told(told, [each for each in sentences if each])


def _figure(report: CostReport, row: CostRow, by: By) -> Figure | None:
    """A figure that is known, or judged though nothing came of the cost."""
    value, verdict = getattr(row.costs, by), row.verdict_by(by)
    if value is None and verdict is None:
        return None
    label = gettext(cost_verdicts.SORT_WORDS[by])
    if by == "return_on_cost":
        text = cost_words.return_words(row.costs)
        basis = cost_words.return_basis(row.costs, report)
    else:
        finer = by in finer_columns(report)
        text = "–" if value is None else write_money(value, report.currency, finer=finer)
        basis = cost_words.basis_words(row.costs) if by == "cost_per_visitor" else ""
    if verdict is None:
        return Figure(label, text, basis)
    return Figure(
        label,
        text,
        basis,
        verdict.verdict,
        cost_verdicts.verdict_word(verdict),
        _sure(report, row, by, verdict),
    )


def _sure(report: CostReport, row: CostRow, by: By, verdict: CostVerdict) -> str:
    interval = cost_verdicts.interval_words(by, verdict, report)
    said = [
        # On a phone how certain it is would stand alone on a line.
        gettext("95%%: %(interval)s", interval=interval).replace(" ", "\u00a0"),
        cost_verdicts.peers_words(by, verdict, report),
        cost_verdicts.missing_words(row, verdict, report),
    ]
    return ", ".join(filter(None, said))
