"""Verdicts on costs as badges: each says what it judges, since a touchpoint whose visitors are
costly may have the best return of all.

Decided here: what a verdict by each figure is called, and what is said where there is none yet. Not
here: the same in sentences (`cost_verdicts`), the verdicts (`reports/cost_judging`).
"""

from __future__ import annotations

from collections.abc import Mapping

from linkservice.reports.cost_judging import By, CostVerdict
from linkservice.reports.cost_results import CostRow
from linkservice.reports.needed import Lacking, lacking
from linkservice.web.fieldwords import TOO_SMALL, VERDICTS, signed
from linkservice.web.i18n import N_, gettext

_ALIKE = {**VERDICTS, "too_early": N_("no verdict yet")}

VERDICT_WORDS: dict[By, Mapping[str, str]] = {
    "cost_per_visitor": {
        **_ALIKE,
        "best": N_("cheap visitors"),
        "worst": N_("costly visitors"),
    },
    "cost_per_conversion": {
        **_ALIKE,
        "best": N_("cheap conversions"),
        "worst": N_("costly conversions"),
    },
    "return_on_cost": {
        **_ALIKE,
        "best": N_("high return"),
        "worst": N_("low return"),
    },
}

LACKING_WORDS: dict[Lacking, str] = {
    "too_little_spent": N_("too little spent yet"),
    "difference_too_small": TOO_SMALL,
}
"""Why there is no verdict yet."""


def badge_word(row: CostRow, by: By, verdict: CostVerdict) -> str:
    """The verdict by this figure; why there is none yet where that is so."""
    missing = lacking(verdict, row.costs.cost or 0)
    return gettext(LACKING_WORDS[missing] if missing else VERDICT_WORDS[by][verdict.verdict])


def signed_badge(row: CostRow, by: By, verdict: CostVerdict) -> str:
    """The same behind its sign, for paper."""
    return signed(verdict.verdict, badge_word(row, by, verdict))
