"""What a line of the report on costs is called, and what is said of some of them under the table:
which have no cost, or none on some days, which have one that was shared out, what cannot be told.

Not here: the report in sentences (`cost_words`, `cost_verdicts`).
"""

from __future__ import annotations

from collections.abc import Sequence

from linkservice.reports.cost_results import CostReport, CostRow, Costs
from linkservice.web import counted, fieldwords
from linkservice.web.i18n import N_, gettext, ngettext, write_number

SHARED_SIGN = "*"
"""What stands with a cost most of which was shared out, and before the note that says so."""

MOST_NAMED = 4
"""Lines that a note names; the others are counted."""

GROUP_WORDS = {
    "touchpoint": N_("Touchpoint"),
    "channel": N_("Channel"),
    "medium": N_("Medium"),
    "campaign": N_("Campaign"),
}


def row_name(row: CostRow, group: str) -> str:
    """What the row is called, in the language of the page."""
    if row.kind == "none":
        without_campaign = group == "campaign"
        return (
            gettext("Without a campaign") if without_campaign else gettext("Without a touchpoint")
        )
    words = {"channel": fieldwords.CHANNELS, "medium": fieldwords.MEDIA}.get(row.kind, {})
    name = row.name or ""
    return gettext(words[name]) if name in words else name


def unknown(found: CostReport) -> list[str]:
    """What is said of clicks that have no column, of rows without a cost, and of conversions that
    cannot be told by campaign.
    """
    said = []
    if tokenless := _without_token(found):
        said.append(tokenless)
    if missing := sum(row.costs.cost is None for row in found.rows):
        said.append(_without_cost(missing))
    if shared := [row for row in found.rows if is_shared_out(row.costs)]:
        said.append(_shared_out(found, shared))
    if some := [row for row in found.rows if row.unpaid and row.unpaid.days]:
        said.append(_partly_paid(some))
    if found.has_untold:
        said.append(
            gettext(
                "“–” stands for conversions that cannot be told by campaign: they were imported as "
                "sums of a touchpoint that has links of several campaigns, or links without one. "
                "Nor can then be told what one cost, where a cost is entered for some of these "
                "only."
            )
        )
    if partly := partly_valued(found.totals):
        said.append(partly)
    return said


def partly_valued(costs: Costs) -> str:
    """That value and return are of some conversions only; "" where all tell what they are worth, or
    nobody asks.
    """
    with_value, conversions = costs.conversions_with_value or 0, costs.conversions or 0
    if not costs.is_valued or with_value >= conversions:
        return ""
    return gettext(
        "Not all conversions tell what they are worth: value and return are of those that do, so "
        "they are at least this high."
    )


def _without_token(found: CostReport) -> str:
    clicks = found.totals.tokenless_with_cost
    part = ngettext(
        "A cost is entered for one of them, which counts as one visitor there.",
        "A cost is entered for %(num)s of them, which count as one visitor each there.",
        clicks,
    )
    return counted.without_token(found.totals.tokenless, clicks, part)


def is_shared_out(costs: Costs) -> bool:
    """Whether most of a cost was entered elsewhere, so that `SHARED_SIGN` stands with it."""
    return bool(costs.cost) and not costs.is_own


def shared_word(costs: Costs) -> str:
    """The sign with what it means, where a verdict would be; "" of other costs."""
    return gettext("%(sign)s mostly shared out", sign=SHARED_SIGN) if is_shared_out(costs) else ""


def _shared_out(found: CostReport, shared: Sequence[CostRow]) -> str:
    """Which lines have the sign, and what it says."""
    names = [gettext("“%(name)s”", name=row_name(row, found.group)) for row in shared]
    facts = {"sign": SHARED_SIGN, "names": _some(names)}
    if found.group == "campaign":
        return gettext(
            "%(sign)s Most of this cost was entered with touchpoints and shared out by visitors: "
            "%(names)s. It costs every visitor of a touchpoint the same, so it does not tell who "
            "is dear: these lines are not judged, nor named cheapest or dearest.",
            **facts,
        )
    return gettext(
        "%(sign)s Most of this cost was entered with campaigns and shared out by visitors: "
        "%(names)s. It costs every visitor of a campaign the same, so it does not tell who is "
        "dear: these lines are not judged, nor named cheapest or dearest.",
        **facts,
    )


def _some(names: list[str]) -> str:
    """The first of them, and how many more there are."""
    if len(names) > MOST_NAMED + 1:
        names = [*names[:MOST_NAMED], ngettext("one more", "%(num)s more", len(names) - MOST_NAMED)]
    return ", ".join(names)


def unpaid_word(row: CostRow) -> str:
    """That some of its days have visitors and no cost, in a word; "" where none have."""
    if row.unpaid is None or not row.unpaid.days:
        return ""
    return ngettext("one day without a cost", "%(num)s days without a cost", row.unpaid.days)


def unpaid_words(row: CostRow) -> str:
    """The same in a sentence of its own, with what follows from it."""
    if row.unpaid is None or not row.unpaid.days:
        return ""
    said = ngettext(
        "On one day with visitors no cost is entered; these %(visitors)s count all the same.",
        "On %(num)s days with visitors no cost is entered; these %(visitors)s count all the same.",
        row.unpaid.days,
        visitors=write_number(row.unpaid.visitors),
    )
    return f"{said} {gettext(_IF_PAID)}"


def _partly_paid(rows: Sequence[CostRow]) -> str:
    """Of which lines that is so."""
    told = [
        ngettext(
            "“%(name)s” (%(visitors)s on one day)",
            "“%(name)s” (%(visitors)s on %(num)s days)",
            row.unpaid.days,
            name=row.name or "",
            visitors=write_number(row.unpaid.visitors),
        )
        for row in rows
        if row.unpaid is not None
    ]
    said = gettext(
        "Visitors of days that no cost is entered for count all the same: %(names)s.",
        names=_some(told),
    )
    return f"{said} {gettext(_IF_PAID)}"


_IF_PAID = N_(
    "If these were paid for, too, a visitor costs more than is told here: enter what is missing, "
    "or choose the days that have a cost."
)


def _without_cost(missing: int) -> str:
    return ngettext(
        "One line has no cost for these days: it may have been free, or nobody entered it. It is "
        "not ranked.",
        "%(num)s lines have no cost for these days: they may have been free, or nobody entered it. "
        "They are not ranked.",
        missing,
    )
