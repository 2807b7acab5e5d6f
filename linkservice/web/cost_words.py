"""Costs in words: how the figures came about, the table on paper.

Not here: what a line is called, and what is said under the table (`cost_lines`), the figures
(`reports/costs`), how money is written (`i18n`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from linkservice.reports.cost_judging import BYS, By
from linkservice.reports.cost_results import CostReport, CostRow, Costs
from linkservice.reports.paper_table import Column, Part, Row
from linkservice.web import counted
from linkservice.web.cost_badges import signed_badge
from linkservice.web.cost_lines import (
    GROUP_WORDS,
    SHARED_SIGN,
    is_shared_out,
    row_name,
    shared_word,
    unknown,
)
from linkservice.web.counted import Fact
from linkservice.web.i18n import gettext, is_small_money, write_money, write_number
from linkservice.web.page import Page
from linkservice.web.periods import Chosen


def finding(found: CostReport) -> str:
    """The report in a sentence."""
    totals = found.totals
    if totals.cost is None:
        return gettext("No cost is entered for these days.")
    cost = write_money(totals.cost, found.currency)
    if totals.cost_per_visitor is None:
        return gettext("%(cost)s spent, and nobody came through what it was spent on.", cost=cost)
    each = write_money(totals.cost_per_visitor, found.currency)
    said = gettext("%(cost)s spent: a visitor cost %(each)s.", cost=cost, each=each)
    return " ".join(filter(None, [said, _came_back(totals, found.currency)]))


def _came_back(totals: Costs, currency: str) -> str:
    """What the cost returned; "" where that cannot be told."""
    if totals.value_with_cost is None or totals.return_on_cost is None:
        return ""
    return gettext(
        "Conversions worth %(value)s came of it: %(times)s the cost.",
        value=write_money(totals.value_with_cost, currency),
        times=times(totals.return_on_cost),
    )


def times(ratio: float, decimals: int | None = None) -> str:
    """A ratio as ``3.8 ×``, ``0.42 ×`` or ``12 ×``; in a column with as many decimals as all of
    it.
    """
    return f"{write_number(ratio, times_decimals(ratio) if decimals is None else decimals)}\u00a0×"


def times_decimals(ratio: float) -> int:
    """So many that two digits are told; of what is near nought two."""
    return 0 if ratio >= 10 else 1 if ratio >= 1 else 2


def return_decimals(found: CostReport) -> int:
    """Those of the column of returns: as many as the lowest above nought needs."""
    returns = (each.return_on_cost for each in _all(found))
    return max((times_decimals(ratio) for ratio in returns if ratio), default=0)


def compared(found: CostReport) -> str:
    """Who is cheapest and dearest by visitors, and who returns least and most, of what is paid for
    by itself; "" where there are not two.
    """
    own = [row for row in found.rows if row.costs.is_own]
    return " ".join(filter(None, [_cheapest_and_dearest(found, own), _least_and_most(found, own)]))


def _cheapest_and_dearest(found: CostReport, own: Sequence[CostRow]) -> str:
    paid = [(row.costs.cost_per_visitor, row) for row in own if row.costs.cost_per_visitor]
    if len(paid) < 2:
        return ""
    paid.sort(key=lambda each: each[0])
    (least, cheapest), (most, dearest) = paid[0], paid[-1]
    return gettext(
        "Of what is paid for, visitors are cheapest through “%(cheapest)s” (%(least)s each) and "
        "dearest through “%(dearest)s” (%(most)s each).",
        cheapest=row_name(cheapest, found.group),
        least=write_money(least, found.currency),
        dearest=row_name(dearest, found.group),
        most=write_money(most, found.currency),
    )


def _least_and_most(found: CostReport, own: Sequence[CostRow]) -> str:
    """Dear visitors may be worth it: who returns least and most."""
    back = [(row.costs.return_on_cost, row) for row in own]
    told = sorted(((ratio, row) for ratio, row in back if ratio is not None), key=lambda of: of[0])
    if len(told) < 2 or told[0][0] == told[-1][0]:
        return ""
    (least, lowest), (most, highest) = told[0], told[-1]
    return gettext(
        "The return is lowest through “%(lowest)s” (%(least)s the cost) and highest through "
        "“%(highest)s” (%(most)s).",
        lowest=row_name(lowest, found.group),
        least=times(least),
        highest=row_name(highest, found.group),
        most=times(most),
    )


def facts(page: Page, chosen: Chosen, found: CostReport) -> list[Fact]:
    """How costs were counted, for “How was this counted?”."""
    filters = [line_words(found.group), counted.scanner_words(chosen)]
    return [*_definitions(found), *counted.told_besides(page, found.period, filters)]


def line_words(group: str) -> str:
    """What a line of the report is."""
    return gettext("What a line is: %(group)s", group=gettext(GROUP_WORDS[group]))


def _definitions(found: CostReport) -> Iterator[Fact]:
    yield counted.clicks()
    yield counted.visitors()
    yield from cost_facts(found, ranked=found.sort == BYS[0] and not found.upwards)
    if found.totals.conversions:
        yield counted.conversions()


def cost_facts(found: CostReport, *, ranked: bool = False) -> Iterator[Fact]:
    """What is said of costs alone, for reports that tell clicks and visitors themselves.
    `ranked`: rows stand in the order of the cost per visitor.
    """
    yield Fact(
        gettext("Cost"),
        gettext(
            "An amount with a first and a last day is spread evenly over its days; what falls into "
            "the period, up to today, counts. What was spent on a campaign is shared out among its "
            "touchpoints by their visitors, so it cannot tell which of them is dear: enter what a "
            "touchpoint cost by itself with the touchpoint. A cost of several days is for these "
            "days, one of a single day for whoever comes from then on; visitors of other days "
            "count all the same, and the page says how many they are."
        ),
    )
    order = gettext("The cheapest visitors stand first.") if ranked else ""
    of_clicks = gettext(
        "Cost per click and per visitor are of those clicks alone for which a cost is entered; "
        "clicks without a token (from browsers that ask not to be followed) count as one visitor "
        "each."
    )
    yield Fact(gettext("Cost per visitor"), " ".join(filter(None, (order, of_clicks))))
    if any(row.verdicts for row in found.rows):
        yield Fact(
            gettext("What is certain"),
            gettext(
                "Touchpoints at least half of whose cost was entered with them are compared with "
                "others that are paid for, of the same stage and kind where there are three, else "
                "of the stage, the journey or all. What was spent is known; how many came for it "
                "is partly chance, and restless days count as that. All verdicts of the page are "
                "corrected together: among touchpoints that are equally dear one is called "
                "costly or cheap in at most 6.5%% of reports, by any of the figures. A cost counts "
                "on the days it was entered for: where visitors come long after it, choose days "
                "that hold both."
            ),
        )
        yield Fact(
            gettext("Others that are paid for"),
            gettext(
                "The figure of the others is their median: half of them are cheaper, half are "
                "dearer. So one that is very cheap or very dear makes nobody else look dear or "
                "cheap. Each counts alike, however much was spent on it; only of what little was "
                "spent on hardly anything is known, and it counts as little."
            ),
        )
    if found.is_valued:
        yield Fact(
            gettext("Value and return"),
            gettext(
                "What the conversions are worth that tell it, all in the workspace's currency, and "
                "how many times the cost that is: value ÷ cost, of those conversions alone for "
                "which a cost is entered. “–” stands for what is not told; a value of 0 says that "
                "nobody bought."
            ),
        )


def parts(found: CostReport) -> list[Part]:
    """The table as its page has it, with its total; values in a table of their own, which are too
    wide for one.
    """
    if not found.rows:
        return []
    told = [_spent(found)]
    if found.is_valued:
        told.append(_worth(found))
    return told


def _spent(found: CostReport) -> Part:
    converting = bool(found.totals.conversions)
    heads = [
        gettext("Clicks"),
        gettext("Visitors"),
        gettext("Cost"),
        gettext("Cost per click"),
        gettext("Cost per visitor"),
    ]
    # Cost and cost per visitor say beside the amount what it is made of.
    first, shares = 0.28, [0.1, 0.1, 0.19, 0.14, 0.19]
    if converting:
        heads += [gettext("Conversions"), gettext("Cost per conversion")]
        first, shares = 0.22, [0.075, 0.08, 0.15, 0.11, 0.155, 0.1, 0.11]
    finer = finer_columns(found)
    told = [_cells(costs, found, converting, finer) for costs in _all(found)]
    note = "" if found.is_valued else " ".join(unknown(found))
    # The verdict by the return stands with the returns, where these have a table.
    spent = found.is_valued and found.sort == "return_on_cost"
    lines = _lines(found, told, "cost_per_visitor" if spent else found.sort)
    return Part(gettext("Costs"), _columns(found, first, heads, shares), lines, note)


def _worth(found: CostReport) -> Part:
    heads = [
        gettext("Cost"),
        gettext("Conversions"),
        gettext("Cost per conversion"),
        gettext("Value"),
        gettext("Return"),
    ]
    columns = _columns(found, 0.25, heads, [0.13, 0.13, 0.15, 0.18, 0.16])
    told = []
    finer = "cost_per_conversion" in finer_columns(found)
    fine = return_decimals(found)
    for costs in _all(found):
        conversions = "–" if costs.conversions is None else write_number(costs.conversions)
        each = _money(costs.cost_per_conversion, found, finer=finer)
        spent = _money(costs.cost, found), conversions, each
        value = _below(_money(costs.value, found), valued_words(costs))
        back = _below(return_words(costs, fine), return_basis(costs, found))
        told.append([*spent, value, back])
    note = " ".join(unknown(found))
    lines = _lines(found, told, "return_on_cost")
    return Part(gettext("Value and return"), columns, lines, note)


def _below(figure: str, basis: str) -> str:
    """A figure with what it is made of in a line below it."""
    return "\n".join(filter(None, (figure, basis)))


def _all(found: CostReport) -> list[Costs]:
    """Of the rows, and in all."""
    return [*(row.costs for row in found.rows), found.totals]


def _columns(
    found: CostReport, first: float, heads: Sequence[str], shares: Sequence[float]
) -> list[Column]:
    numbers = [Column(head, share, "number") for head, share in zip(heads, shares, strict=True)]
    return [Column(gettext(GROUP_WORDS[found.group]), first), *numbers]


def _lines(found: CostReport, told: Sequence[Sequence[str]], by: By) -> list[Row]:
    """What is told of every row, with the verdict by this figure, and last in all."""
    rows = [
        Row((row_name(row, found.group), *cells), _place(row, found), verdict=_verdict(row, by))
        for row, cells in zip(found.rows, told, strict=False)
    ]
    return [*rows, Row((gettext("Total"), *told[-1]))]


def _verdict(row: CostRow, by: By) -> str:
    """What is said of it by this figure, or why nothing is; "" of all others."""
    verdict = row.verdict_by(by)
    if verdict is None:
        return shared_word(row.costs)
    return signed_badge(row, by, verdict)


def several_journeys(found: CostReport) -> bool:
    """Whether it takes the journey to know a stage."""
    return len({row.journey for row in found.rows if row.journey}) > 1


def _place(row: CostRow, found: CostReport) -> str:
    if row.stage:
        return f"{row.stage} · {row.journey}" if several_journeys(found) else row.stage
    if row.kind == "campaign" and found.group != "campaign":
        return gettext("Campaign that brought nobody in these days")
    return ""


def shared_words(costs: Costs, found: CostReport) -> str:
    """What of a cost was entered elsewhere; "" where nothing was."""
    if not costs.shared_cost:
        return ""
    amount = write_money(costs.shared_cost, found.currency)
    if found.group == "campaign":
        return gettext("of this, %(amount)s of touchpoints", amount=amount)
    return gettext("of this, %(amount)s of campaigns", amount=amount)


def basis_words(costs: Costs) -> str:
    """Of how many of the clicks a cost is told; "" where it is of all or of none."""
    if costs.cost_per_visitor is None or costs.clicks_with_cost >= costs.clicks:
        return ""
    return gettext(
        "of %(with_cost)s of %(clicks)s clicks",
        with_cost=write_number(costs.clicks_with_cost),
        clicks=write_number(costs.clicks),
    )


def valued_words(costs: Costs) -> str:
    """Of how many of the conversions a value is told; "" where it is of all or of none."""
    with_value, conversions = costs.conversions_with_value or 0, costs.conversions or 0
    if costs.value is None or with_value >= conversions:
        return ""
    return gettext(
        "of %(with_value)s of %(conversions)s conversions",
        with_value=write_number(with_value),
        conversions=write_number(conversions),
    )


def return_words(costs: Costs, decimals: int | None = None) -> str:
    """How many times the cost came back; in a column with as many decimals as all of it."""
    return "–" if costs.return_on_cost is None else times(costs.return_on_cost, decimals)


def return_basis(costs: Costs, found: CostReport) -> str:
    """What of the value a cost was entered for; "" where it is all of it, or there is no return."""
    part = costs.value_with_cost
    if part is None or costs.return_on_cost is None or part == costs.value:
        return ""
    return gettext("counting %(value)s with a cost", value=write_money(part, found.currency))


def finer_columns(found: CostReport) -> frozenset[str]:
    """Which costs per click, visitor or conversion are small money in any line: in these columns
    every other amount below one of the currency has as many decimals.
    """
    return frozenset(name for name, amount in found.lowest.items() if is_small_money(amount))


def _money(amount: float | None, found: CostReport, *, finer: bool = False) -> str:
    return "–" if amount is None else write_money(amount, found.currency, finer=finer)


def _cells(costs: Costs, found: CostReport, converting: bool, finer: frozenset[str]) -> list[str]:
    def ratio(name: str, more: str = "") -> str:
        told = _money(getattr(costs, name), found, finer=name in finer)
        # Of all together nobody asks whether they are dear.
        if name == "cost_per_visitor" and is_shared_out(costs) and costs is not found.totals:
            told += SHARED_SIGN
        return _below(told, more)

    cells = [
        write_number(costs.clicks),
        write_number(costs.visitors),
        _below(_money(costs.cost, found), shared_words(costs, found)),
        ratio("cost_per_click"),
        ratio("cost_per_visitor", basis_words(costs)),
    ]
    if converting:
        gained = costs.conversions
        cells += ["–" if gained is None else write_number(gained), ratio("cost_per_conversion")]
    return cells
