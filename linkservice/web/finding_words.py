"""What tables, columns and values of reports that judge are called in a workbook: costs, personas,
moments of truth, changes, transitions.

Not here: the words of reports of clicks, and how a workbook is made of both (`exports`).
"""

from __future__ import annotations

from collections.abc import Mapping

from linkservice.web.change_sentences import CHANGES
from linkservice.web.cost_badges import LACKING_WORDS, VERDICT_WORDS
from linkservice.web.fieldwords import CHANNELS, MEDIA
from linkservice.web.i18n import N_
from linkservice.web.moments import QUADRANT_WORDS
from linkservice.web.persona_words import METRIC_WORDS

TABLES = {
    "costs": N_("Costs"),
    "personas": N_("Personas"),
    "persona_totals": N_("Personas in all"),
    "reversals": N_("Turned around by the mix"),
    "moments": N_("Moments of truth"),
    "changes": N_("What changed"),
    "tide": N_("All touchpoints together"),
    "transitions": N_("From stage to stage"),
    "stages": N_("Stages"),
    "missing": N_("What is missing"),
}

HEADS = {
    "cost": N_("Cost"),
    "currency": N_("Currency"),
    "shared_cost": N_("Cost shared out"),
    "clicks_with_cost": N_("Clicks with a cost"),
    "visitors_with_cost": N_("Visitors with a cost"),
    "cost_per_click": N_("Cost per click"),
    "cost_per_visitor": N_("Cost per visitor"),
    "conversions_with_cost": N_("Conversions with a cost"),
    "cost_per_conversion": N_("Cost per conversion"),
    "conversions_with_value": N_("Conversions with a value"),
    "value_with_cost": N_("Value with a cost"),
    "return_on_cost": N_("Return"),
    "unpaid_days": N_("Days with visitors and no cost"),
    "unpaid_visitors": N_("Visitors on days without a cost"),
    "cost_per_visitor_verdict": N_("Cost per visitor: verdict"),
    "cost_per_visitor_low": N_("Cost per visitor: interval, from"),
    "cost_per_visitor_high": N_("Cost per visitor: interval, to"),
    "cost_per_visitor_peers_group": N_("Cost per visitor: peers of the same"),
    "cost_per_visitor_peers_count": N_("Cost per visitor: number of peers"),
    "cost_per_visitor_peers_median": N_("Cost per visitor: median of the peers"),
    "cost_per_visitor_more_cost_needed": N_("Cost per visitor: cost still needed"),
    "cost_per_visitor_reason": N_("Cost per visitor: why no verdict yet"),
    "cost_per_conversion_verdict": N_("Cost per conversion: verdict"),
    "cost_per_conversion_low": N_("Cost per conversion: interval, from"),
    "cost_per_conversion_high": N_("Cost per conversion: interval, to"),
    "cost_per_conversion_peers_group": N_("Cost per conversion: peers of the same"),
    "cost_per_conversion_peers_count": N_("Cost per conversion: number of peers"),
    "cost_per_conversion_peers_median": N_("Cost per conversion: median of the peers"),
    "cost_per_conversion_more_cost_needed": N_("Cost per conversion: cost still needed"),
    "cost_per_conversion_reason": N_("Cost per conversion: why no verdict yet"),
    "return_on_cost_verdict": N_("Return: verdict"),
    "return_on_cost_low": N_("Return: interval, from"),
    "return_on_cost_high": N_("Return: interval, to"),
    "return_on_cost_peers_group": N_("Return: peers of the same"),
    "return_on_cost_peers_count": N_("Return: number of peers"),
    "return_on_cost_peers_median": N_("Return: median of the peers"),
    "return_on_cost_more_cost_needed": N_("Return: cost still needed"),
    "return_on_cost_reason": N_("Return: why no verdict yet"),
    "persona_id": N_("Id of the persona"),
    "persona": N_("Persona"),
    "touchpoint_rate": N_("Altogether"),
    "standardised_rate": N_("With everybody's mix"),
    "touchpoint_clicks": N_("Clicks of the touchpoint"),
    "other_clicks": N_("Several or none"),
    "other_conversions": N_("Conversions of several or none"),
    "metric": N_("What is compared"),
    "higher_id": N_("Id of the higher one"),
    "higher": N_("Higher altogether"),
    "higher_rate": N_("Rate of the higher one"),
    "lower_id": N_("Id of the lower one"),
    "lower": N_("Lower altogether, higher with every persona"),
    "lower_rate": N_("Rate of the lower one"),
    "flagged": N_("Moment of truth"),
    "association": N_("Association"),
    "association_low": N_("Association, from"),
    "association_high": N_("Association, to"),
    "performance": N_("Times the peers"),
    "performance_low": N_("Times the peers, from"),
    "performance_high": N_("Times the peers, to"),
    "quadrant": N_("Quadrant"),
    "certain": N_("Certain"),
    "missing": N_("Missing"),
    "change": N_("How it changed"),
    "moved": N_("Touchpoints that moved this way"),
    "judged": N_("All touchpoints judged"),
    "days": N_("Usual days"),
    "expected": N_("Usual visitors"),
    "window": N_("Told by"),
    "yesterday_days": N_("Last day: usual days"),
    "yesterday_visitors": N_("Last day: visitors"),
    "yesterday_expected": N_("Last day: usual"),
    "yesterday_low": N_("Last day: interval, from"),
    "yesterday_high": N_("Last day: interval, to"),
    "three_days_days": N_("Three days: usual days"),
    "three_days_visitors": N_("Three days: visitors"),
    "three_days_expected": N_("Three days: usual"),
    "three_days_low": N_("Three days: interval, from"),
    "three_days_high": N_("Three days: interval, to"),
    "false_discovery_rate": N_("False discovery rate"),
    "days_needed": N_("Days still needed"),
    "from_id": N_("Id of the first stage"),
    "from_stage": N_("From stage"),
    "to_id": N_("Id of the next stage"),
    "to_stage": N_("To stage"),
    "went_on": N_("Went on"),
    "chance": N_("Probability to be the weakest"),
    "weakest": N_("Weakest"),
    "code": N_("What is missing"),
    "stages": N_("At which stages"),
}

HEADS_OF: Mapping[str, Mapping[str, str]] = {
    "stages": {
        "clicks": N_("Clicks with a click id"),
        "conversions": N_("Conversions of these clicks"),
        "rate": N_("Share of these clicks"),
    },
}
"""What a table calls columns whose name says elsewhere something wider."""

WORDS: Mapping[str, Mapping[str, str]] = {
    "change": {str(change): word for change, word in CHANGES.items()},
    "window": {"yesterday": N_("the last day"), "three_days": N_("three days")},
    "quadrant": {str(quadrant): word for quadrant, word in QUADRANT_WORDS.items()},
    "metric": {str(metric): word for metric, word in METRIC_WORDS.items()},
    "weakest": {"weakest": N_("weakest transition")},
    "row_kind": {
        "touchpoint": N_("Touchpoint"),
        "channel": N_("Channel"),
        "medium": N_("Medium"),
        "campaign": N_("Campaign"),
        "none": N_("none"),
    },
    "channel": CHANNELS,
    "medium": MEDIA,
    "reason": {str(why): word for why, word in LACKING_WORDS.items()},
    **{f"{by}_verdict": words for by, words in VERDICT_WORDS.items()},
}
"""What enumerated values are called, by the column or by what the column is meant to hold."""

FIGURES = {
    name: HEADS[name]
    for name in (
        "cost",
        "shared_cost",
        "clicks_with_cost",
        "visitors_with_cost",
        "cost_per_click",
        "cost_per_visitor",
        "conversions_with_cost",
        "cost_per_conversion",
        "conversions_with_value",
        "value_with_cost",
        "return_on_cost",
    )
}
"""Totals that stand in a column of figures."""
