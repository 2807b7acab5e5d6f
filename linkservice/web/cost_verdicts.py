"""Verdicts on costs in words: which touchpoint to stop paying for first, and how sure that is.

Decided here: which verdict is told. The one by the figure rows are sorted by comes first, then the
return, the cost per conversion, the cost per visitor. Nobody is told to save where it is best by a
figure that matters more, or only better than is usual: dear visitors who buy are worth their cost.
Where nothing is certain that is said, and nothing else. Not here: the verdicts
(`reports/cost_judging`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from linkservice.reports.cost_judging import BYS, By, CostVerdict
from linkservice.reports.cost_results import CostReport, CostRow, rank
from linkservice.reports.needed import lacking
from linkservice.reports.paper_table import Column, Part, Row
from linkservice.reports.ranking import PEERS_AT_LEAST
from linkservice.web import cost_words
from linkservice.web.comparisons import comparison
from linkservice.web.cost_badges import signed_badge
from linkservice.web.cost_words import finer_columns, times, times_decimals
from linkservice.web.i18n import (
    N_,
    gettext,
    is_small_money,
    write_estimate,
    write_money,
    write_number,
)

SORT_WORDS: dict[By, str] = {
    "cost_per_visitor": N_("Cost per visitor"),
    "cost_per_conversion": N_("Cost per conversion"),
    "return_on_cost": N_("Return"),
}
"""What rows can be sorted by: the heads of their columns."""

_NONE_CERTAIN = N_(
    "Of no touchpoint is it certain that it is dearer than others that are paid for: these days "
    "name none to stop paying for."
)
_KEEP = {
    "cost_per_conversion": N_(
        "Conversions through it, though, are among the cheapest (%(figure)s each): no reason to "
        "stop paying for it."
    ),
    "return_on_cost": N_(
        "Its return, though, is among the best (%(figure)s its cost): no reason to stop paying for "
        "it."
    ),
}
_BETTER = {
    "cost_per_conversion": N_(
        "Conversions through it, though, cost less than is usual (%(figure)s each): save elsewhere "
        "first."
    ),
    "return_on_cost": N_(
        "Its return, though, is above what is usual (%(figure)s its cost): save elsewhere first."
    ),
}
_SHARED_OUT = N_(
    "Most of this was spent on campaigns and shared out by visitors, so it cannot tell whether "
    "this touchpoint is dear. To know, enter what it cost by itself."
)
_BEST = {
    "cost_per_visitor": N_("Visitors are certainly cheaper than usual through %(names)s."),
    "cost_per_conversion": N_("Conversions are certainly cheaper than usual through %(names)s."),
    "return_on_cost": N_("The return is certainly higher than usual through %(names)s."),
}


def order_words(sort: By, upwards: bool) -> str:
    """What rows are sorted by."""
    facts = {"column": gettext(SORT_WORDS[sort])}
    if not upwards:
        return gettext("Sorted by: %(column)s", **facts)
    return gettext("Sorted by: %(column)s, the other way round", **facts)


def sentences(found: CostReport) -> list[str]:
    """The report in sentences, the one to act on first. Who is cheapest and dearest by bare figures
    is told only where nobody is for certain.
    """
    # A deleted touchpoint is paid for no more.
    paid = [row for row in found.rows if row.verdicts and not row.deleted]
    cheap = _cheapest(found, paid)
    bare = "" if cheap or _worst(found, paid) else cost_words.compared(found)
    return [each for each in (advice(found), cheap, bare, cost_words.finding(found)) if each]


def advice(found: CostReport) -> str:
    """Which touchpoint to stop paying for first, and which then; or that none is certain. "" where
    lines are no touchpoints, or nothing was spent.
    """
    if found.group != "touchpoint" or not found.totals.cost:
        return ""
    judged = [row for row in found.rows if row.verdicts]
    if not any(each.peers for row in judged for each in (row.verdicts or {}).values()):
        return gettext(
            "Which touchpoint to stop paying for cannot be told: it takes %(least)s with a cost of "
            "their own in these days.",
            least=write_number(PEERS_AT_LEAST + 1),
        )
    return _where_to_save(found, [row for row in judged if not row.deleted])


def of_touchpoint(row: CostRow, found: CostReport) -> list[str]:
    """What is to be known of one line by itself: that it is dear, and whether that matters; or why
    that cannot be told.
    """
    if not row.costs.is_own and row.costs.cost:
        return [gettext(_SHARED_OUT)]
    dear = [by for each, by in _worst(found, [row]) if each is row]
    if not dear:
        return []
    (by,) = dear
    return [each for each in (f"{_dear(row, by, found)}.", _spared(row, by, found)) if each]


def _spared(row: CostRow, by: By, found: CostReport) -> str:
    """Why it is worth its cost although it is worst by this figure; "" if nothing says so."""
    for words, other in ((_KEEP, _redeemed_by(row, by)), (_BETTER, _better_by(row, by))):
        if other is not None:
            figure = _figure(other, getattr(row.costs, other) or 0.0, found)
            return gettext(words[other], figure=figure)
    return ""


def _where_to_save(found: CostReport, paid: Sequence[CostRow]) -> str:
    dear = _worst(found, paid)
    needless = [(row, by) for row, by in dear if not _spared(row, by, found)]
    if needless:
        (row, by), *rest = needless
        said = gettext("%(dear)s: save there first.", dear=_dear(row, by, found))
        others = [other for other, figure in rest if figure == by]
        if not others:
            return said
        names = _names(others)
        then = gettext("Then at %(names)s: as certainly dearer than others.", names=names)
        return f"{said} {then}"
    for row, by in dear:
        return f"{_dear(row, by, found)}. {_spared(row, by, found)}"
    return gettext(_NONE_CERTAIN)


def _worst(found: CostReport, paid: Sequence[CostRow]) -> list[tuple[CostRow, By]]:
    """Who is worst, the dearest first, with the first figure that says so."""
    told: dict[str | None, tuple[CostRow, By]] = {}
    for by in (found.sort, *(each for each in reversed(BYS) if each != found.sort)):
        for _, row in sorted(
            ((rank(row, by, upwards=True), row) for row in paid), key=lambda each: each[0]
        ):
            verdict = row.verdict_by(by)
            if verdict is not None and verdict.verdict == "worst":
                told.setdefault(row.id, (row, by))
    return list(told.values())


def _redeemed_by(row: CostRow, by: By) -> By | None:
    """The figure that matters more by which the row is among the best."""
    for other in reversed(BYS[BYS.index(by) + 1 :]):
        verdict = row.verdict_by(other)
        if verdict is not None and verdict.verdict == "best":
            return other
    return None


def _better_by(row: CostRow, by: By) -> By | None:
    """The figure that matters more by which the row stands better than its peers do at the median,
    for certain or not.
    """
    for other in reversed(BYS[BYS.index(by) + 1 :]):
        verdict, figure = row.verdict_by(other), getattr(row.costs, other)
        median = verdict.peers.median if verdict is not None and verdict.peers else None
        if figure is None or median is None:
            continue
        if figure > median if other == "return_on_cost" else figure < median:
            return other
    return None


def _dear(row: CostRow, by: By, found: CostReport) -> str:
    """That it is worst by this figure, without a full stop."""
    verdict = row.verdict_by(by)
    assert verdict is not None
    median = verdict.peers.median if verdict.peers else None
    figure = getattr(row.costs, by)
    facts = {"name": row.name or "", "interval": interval_words(by, verdict, found)}
    facts["median"] = "–" if median is None else _figure(by, median, found)
    if figure is None:
        cost = write_money(row.costs.cost or 0, found.currency)
        if by == "cost_per_visitor":
            return gettext(
                "“%(name)s” cost %(cost)s and brought nobody, where others that are paid for "
                "usually cost %(median)s per visitor",
                cost=cost,
                **facts,
            )
        return gettext(
            "“%(name)s” cost %(cost)s and brought no conversion, where others that are paid for "
            "usually cost %(median)s per conversion",
            cost=cost,
            **facts,
        )
    facts["figure"] = _figure(by, figure, found)
    if by == "return_on_cost":
        return gettext(
            "“%(name)s” brings back %(figure)s its cost (95%%: %(interval)s), where others "
            "that are paid for usually bring %(median)s",
            **facts,
        )
    others = gettext("others that are paid for")
    facts["comparison"] = comparison(figure / median, others, money=True) if median else ""
    if by == "cost_per_visitor":
        return gettext(
            "“%(name)s” costs %(figure)s per visitor, %(comparison)s (95%%: %(interval)s)", **facts
        )
    return gettext(
        "“%(name)s” costs %(figure)s per conversion, %(comparison)s (95%%: %(interval)s)", **facts
    )


def _cheapest(found: CostReport, paid: Sequence[CostRow]) -> str:
    """Who is certainly best by the figure rows are sorted by."""
    best = [
        row
        for row in sorted(paid, key=lambda row: rank(row, found.sort, upwards=False))
        if (verdict := row.verdict_by(found.sort)) is not None and verdict.verdict == "best"
    ]
    return gettext(_BEST[found.sort], names=_names(best)) if best else ""


def _names(rows: Sequence[CostRow]) -> str:
    return ", ".join(gettext("“%(name)s”", name=row.name or "") for row in rows)


def interval_words(by: By, verdict: CostVerdict, found: CostReport) -> str:
    """The ends of its interval: "€2.60–€3.80"; "from €2.60" where nothing came of a cost."""
    if by == "return_on_cost":
        fine = times_decimals(verdict.low or verdict.high or 0.0)
        ends = [times(end, fine) for end in (verdict.low, verdict.high) if end is not None]
    else:
        finer = is_small_money(verdict.low)
        known = [end for end in (verdict.low, verdict.high) if end is not None]
        ends = [_figure(by, end, found, finer=finer) for end in known]
    if len(ends) == 1:
        return gettext("from %(low)s", low=ends[0])
    low, high = ends
    # What is said of both is said once: "€2.60–3.80", "2,60–3,80 €".
    return f"{_AFTER.sub('', low)}–{_BEFORE.sub('', high)}"


_BEFORE, _AFTER = re.compile(r"^\D+"), re.compile(r"\D+$")


def missing_words(row: CostRow, verdict: CostVerdict, found: CostReport) -> str:
    """How much more would have to be spent; "" where that is no help."""
    if lacking(verdict, row.costs.cost or 0) != "too_little_spent":
        return ""
    more = write_estimate(verdict.more_cost_needed or 0, found.currency)
    return gettext("about %(more)s more needed to tell", more=more)


def peers_words(by: By, verdict: CostVerdict, found: CostReport) -> str:
    """What others cost or return; "" without peers."""
    if verdict.peers is None or verdict.peers.median is None:
        return ""
    return gettext("others: %(median)s", median=_figure(by, verdict.peers.median, found))


def part(found: CostReport) -> Part | None:
    """The verdicts as a table on paper; None where nobody is judged."""
    judged = [row for row in found.rows if row.verdicts]
    shown = [by for by in BYS if any(row.verdict_by(by) for row in judged)]
    if not shown:
        return None
    width = 0.76 / len(shown)
    columns = [
        Column(gettext("Touchpoint"), 0.24),
        *(Column(gettext(SORT_WORDS[by]), width) for by in shown),
    ]
    rows = [Row((row.name or "", *(_cell(row, by, found) for by in shown))) for row in judged]
    return Part(gettext("What is certain"), columns, rows, "")


def _cell(row: CostRow, by: By, found: CostReport) -> str:
    verdict = row.verdict_by(by)
    if verdict is None:
        return "–"
    told = [
        signed_badge(row, by, verdict),
        gettext("95%%: %(interval)s", interval=interval_words(by, verdict, found)),
        peers_words(by, verdict, found),
        missing_words(row, verdict, found),
    ]
    return "\n".join(filter(None, told))


def _figure(by: By, value: float, found: CostReport, *, finer: bool = False) -> str:
    if by == "return_on_cost":
        return times(value)
    return write_money(value, found.currency, finer=finer or by in finer_columns(found))
