"""What groups of the ranking are called, and what is said of those that wait for a verdict.

Not here: which groups there are (`ranked`; those asked for: `reports.arranged`), how a rate is told
(`verdicts`).
"""

from __future__ import annotations

from collections.abc import Mapping

from linkservice.reports.arranged import Grouping, RowGroup
from linkservice.reports.needed import difference_is_too_small
from linkservice.reports.ranking import Verdict
from linkservice.reports.results import Metric, TouchpointRow
from linkservice.web.fieldwords import CHANNELS, KINDS, MEDIA, TOO_SMALL, VERDICTS
from linkservice.web.i18n import N_, gettext
from linkservice.web.verdicts import Measure

_WAITING_TITLES = {
    "too_early": N_("Too early to say"),
    "no_peers": N_("Nothing to compare with"),
    "no_reach": N_("Reach is missing"),
}
_WAITING_NOTES = {
    "too_early": N_("These need more reach before chance can be ruled out."),
    "no_peers": N_(
        "A verdict needs three others with the same unit of reach, or a target rate of its own."
    ),
    "no_reach": N_("Say how many were sent, printed or passed by, and these join the ranking."),
}
_BY_DAY_TITLES = {**_WAITING_TITLES, "no_reach": N_("Not live in this period")}
_BY_DAY_NOTES = {
    "too_early": N_("These need more days before chance can be ruled out."),
    "no_peers": N_("A verdict needs three others."),
    "no_reach": "",
}
_BY_CLICK_TITLES = {**_WAITING_TITLES, "no_reach": N_("No clicks in this period")}
_BY_CLICK_NOTES = {
    "too_early": N_("These need more clicks before chance can be ruled out."),
    "no_peers": N_("A verdict needs three others."),
    "no_reach": "",
}
_BY_VALUE_NOTES = {
    "too_early": N_("These need more reach or visitors before chance can be ruled out."),
    "no_peers": N_("A verdict needs three others with the same unit."),
    "no_reach": "",
}
_BY_VALUE_TITLES = {**_WAITING_TITLES, "no_reach": N_("Neither reach nor visitors in this period")}
_TREND_TITLES = {**_WAITING_TITLES, "no_reach": N_("Nothing before to compare with")}
_TREND_NOTES = {
    "too_early": N_("These need longer periods before chance can be ruled out."),
    "no_peers": N_("A verdict needs three others with the same unit."),
    "no_reach": N_("Nobody came in the period before, or these were not live in both."),
}
_WAITING_WORDS: Mapping[Metric, tuple[Mapping[str, str], Mapping[str, str]]] = {
    "visitors_per_reach": (_WAITING_TITLES, _WAITING_NOTES),
    "clicks_per_day": (_BY_DAY_TITLES, _BY_DAY_NOTES),
    "conversions_per_click": (_BY_CLICK_TITLES, _BY_CLICK_NOTES),
    "scans_per_click": (_BY_CLICK_TITLES, _BY_CLICK_NOTES),
    "value_per_reach": (_BY_VALUE_TITLES, _BY_VALUE_NOTES),
    "trend": (_TREND_TITLES, _TREND_NOTES),
}
_MISSING: Mapping[Metric, str] = {
    "clicks_per_day": N_("not live"),
    "conversions_per_click": N_("no clicks"),
    "scans_per_click": N_("no clicks"),
    "trend": N_("nothing before"),
}
"""What a touchpoint lacks that has "no_reach", where it is not reach."""


def verdict_words(row: TouchpointRow, metric: Metric) -> str:
    """The verdict, or what the touchpoint lacks, in two or three words. Where no reach that can be
    had would prove anything, it is not too early: the difference is too small.
    """
    if difference_is_too_small(row, metric):
        return gettext(TOO_SMALL)
    missing = _MISSING.get(metric) if row.verdict == "no_reach" else None
    return gettext(missing or VERDICTS[row.verdict])


def waiting_words(verdict: Verdict, metric: Metric) -> tuple[str, str]:
    """The title of those that wait for a verdict, and what would help, if anything does."""
    titles, notes = _WAITING_WORDS[metric]
    note = notes[verdict]
    return gettext(titles[verdict]), gettext(note) if note else ""


def judged_title(measure: Measure) -> str:
    """Of the judged ones that share a measure: what is counted, and per what."""
    per = measure.of()
    if measure.metric == "clicks_per_day":
        return gettext("Clicks a day")
    if measure.metric == "scans_per_click":
        return gettext("Scans %(per)s", per=per)
    if measure.metric == "conversions_per_click":
        return gettext("Conversions %(per)s", per=per)
    if measure.metric == "value_per_reach":
        return gettext("Value %(per)s", per=per)
    if measure.is_trend:
        return gettext("Against the period before: %(what)s", what=per)
    return gettext("Visitors %(per)s", per=per)


def group_title(found: RowGroup, by: Grouping) -> str:
    """What a group is called: a name that somebody gave, or the word of a language."""
    if found.membership != "one":
        return gettext((_SEVERAL if found.membership == "several" else _NONE)[by])
    name = found.name or ""
    words = _GROUP_WORDS.get(by, {})
    title = gettext(words[name]) if name in words else name
    return title[:1].upper() + title[1:]


_GROUP_WORDS: Mapping[Grouping, Mapping[str, str]] = {
    "channel": CHANNELS,
    "kind": KINDS,
    "medium": MEDIA,
}
_SEVERAL: Mapping[Grouping, str] = {
    "campaign": N_("Several campaigns"),
    "persona": N_("Several personas"),
}
_NONE: Mapping[Grouping, str] = {
    "campaign": N_("No campaign"),
    "persona": N_("No persona"),
}
