"""What one touchpoint or campaign cost, in words, for its page: the figures, and what is certain of
them, or cannot be told.

Not here: the figures and verdicts (`reports/touchpoint_costs`, `reports/campaign_costs`), how each
is said (`cost_words`, `cost_verdicts`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from linkservice.reports.campaign_costs import costs_of_campaign
from linkservice.reports.cost_judging import BYS, By, CostVerdict
from linkservice.reports.cost_results import CostReport, CostRow, Costs, CostsOfOne
from linkservice.reports.paper_table import Column, Part, Row
from linkservice.reports.touchpoint_costs import costs_of_touchpoint
from linkservice.web import cost_lines, cost_verdicts, cost_words
from linkservice.web.cost_badges import badge_word
from linkservice.web.cost_words import finer_columns
from linkservice.web.counted import Fact
from linkservice.web.fieldwords import signed
from linkservice.web.i18n import gettext, ngettext, write_money
from linkservice.web.page import Page
from linkservice.web.periods import Chosen

About: TypeAlias = Literal["touchpoint", "campaign"]
"""What has costs."""


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
    """The sentences on what to make of the figures, these, what they are made of, and how they were
    counted.
    """

    sentences: list[str]
    figures: list[Figure]
    notes: list[str]
    facts: list[Fact]


def told_costs(page: Page, chosen: Chosen, about: About, subject_id: str) -> Told | None:
    """What it cost in these days; None where no cost is entered."""
    found = costs_within(page, chosen, about, subject_id)
    return None if found is None else _told(found)


def costs_within(page: Page, chosen: Chosen, about: About, subject_id: str) -> CostsOfOne | None:
    """The same as figures. A shared report, which is of clicks, has none."""
    if page.guest:
        return None
    find = costs_of_touchpoint if about == "touchpoint" else costs_of_campaign
    return find(
        page.session,
        page.actor,
        subject_id,
        chosen.period,
        suspects=chosen.suspects,
        now=page.now,
    )


def costs_part(told: Told) -> Part:
    """The same on paper; what is certain only where anything is judged."""
    judged = any(each.word for each in told.figures)
    columns = [Column(gettext("Figure"), 0.24), Column(gettext("Value"), 0.26)]
    if judged:
        columns.append(Column(gettext("What is certain"), 0.5))
    rows = []
    for each in told.figures:
        cells = [each.label, "\n".join(filter(None, (each.value, each.basis)))]
        if judged:
            sure = [signed(each.look, each.word), each.sure] if each.word else []
            cells.append("\n".join(filter(None, sure)))
        rows.append(Row(cells))
    return Part(gettext("Costs"), columns, rows, " ".join((*told.sentences, *told.notes)))


def _told(found: CostsOfOne) -> Told:
    report, row = found.report, found.row
    spent = write_money(row.costs.cost or 0, report.currency)
    told = [Figure(gettext("Cost"), spent, cost_words.shared_words(row.costs, report))]
    told += [figure for by in BYS if (figure := _figure(report, row, by))]
    if row.kind == "touchpoint":
        said = [*cost_verdicts.of_touchpoint(row, report), cost_lines.unpaid_words(row)]
        return Told([each for each in said if each], told, [], facts_of(found))
    said = [*_came_to_nothing(report, row.costs), cost_lines.unpaid_words(row)]
    said = [each for each in said if each]
    return Told(said, told, _of_campaign(row.costs), facts_of(found))


def facts_of(found: CostsOfOne) -> list[Fact]:
    """How these costs were counted; what is certain only where that is judged."""
    return list(cost_words.cost_facts(replace(found.report, rows=[found.row])))


def _came_to_nothing(report: CostReport, costs: Costs) -> list[str]:
    """What did not come of a campaign's cost, which no figure tells."""
    if not costs.cost:
        return []
    if not costs.clicks_with_cost:
        return [gettext("Nobody came in these days through what it was spent on.")]
    if costs.conversions_with_cost == 0 and report.totals.conversions:
        return [gettext("No conversion came of it in these days.")]
    return []


def _of_campaign(costs: Costs) -> list[str]:
    """What of it is no entry of its own, who counts, and what cannot be told."""
    said = []
    if costs.shared_cost:
        said.append(
            gettext(
                "What was spent on touchpoints is shared out by visitors among the campaigns of "
                "their links."
            )
        )
    if costs.tokenless and costs.cost_per_visitor is not None:
        said.append(
            gettext(
                "Clicks that could not be assigned to a visitor count as one visitor each here."
            )
        )
    if costs.conversions_with_cost is None:
        said.append(
            gettext(
                "What a conversion cost cannot be told: some were imported as sums of a touchpoint "
                "that has links of several campaigns, or links without one."
            )
        )
    return [*said, *filter(None, [cost_lines.partly_valued(costs)])]


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
        basis = _basis(report, row, by)
    if verdict is None:
        return Figure(label, text, basis)
    return Figure(
        label,
        text,
        basis,
        verdict.verdict,
        badge_word(row, by, verdict),
        _sure(report, row, by, verdict),
    )


def _basis(report: CostReport, row: CostRow, by: By) -> str:
    """Of how many a cost is told: beside it stand fewer visitors, without those of no token, and on
    a campaign's page conversions that were reported with a click id alone.
    """
    costs = row.costs
    of_some = cost_words.basis_words(costs) if by == "cost_per_visitor" else ""
    if by == "cost_per_visitor" and costs.visitors_with_cost:
        count = costs.visitors_with_cost
        told = ngettext("counting one visitor", "counting %(num)s visitors", count)
        return ", ".join(filter(None, (told, of_some)))
    count = costs.conversions_with_cost or 0
    if report.group != "campaign" or by != "cost_per_conversion":
        return ""
    return ngettext("counting one conversion", "counting %(num)s conversions", count)


def _sure(report: CostReport, row: CostRow, by: By, verdict: CostVerdict) -> str:
    interval = cost_verdicts.interval_words(by, verdict, report)
    said = [
        # On a phone how certain it is would stand alone on a line.
        gettext("95%%: %(interval)s", interval=interval).replace(" ", "\u00a0"),
        cost_verdicts.peers_words(by, verdict, report),
        cost_verdicts.missing_words(row, verdict, report),
    ]
    return ", ".join(filter(None, said))
