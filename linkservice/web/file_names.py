"""What the file of a report is called: "touchpoints-2026-10-01-2026-10-31-land-de.xlsx".

Decided here: that a name says in the reader's language which report it is, of what, of which days
and with which filters, in letters that every computer keeps. Not here: what is in the file
(`exports`, `papers`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from linkservice.reports import personas
from linkservice.reports.conversions import ATTRIBUTIONS
from linkservice.reports.period import Period
from linkservice.reports.results import METRICS
from linkservice.web.arrangement import CHOICE_WORDS, FILTERS
from linkservice.web.counted import METRIC_WORDS
from linkservice.web.i18n import N_, gettext
from linkservice.web.value_words import (
    ATTRIBUTION_WORDS,
    FACET_WORDS,
    VALUE_WORDS,
    value_name,
)

REPORTS = {
    "overview": N_("Overview"),
    "touchpoints": N_("Touchpoints"),
    "touchpoint": N_("Touchpoint"),
    "link": N_("Link"),
    "campaign": N_("Campaign"),
    "journey": N_("Journey"),
    "transitions": N_("From stage to stage"),
    "costs": N_("Costs"),
    "personas": N_("Personas"),
    "moments": N_("Moments of truth"),
    "changes": N_("What changed"),
    "clicks": N_("Clicks"),
}
"""The reports that can be saved."""

LONGEST_SUBJECT = 40
LONGEST_MARK = 80

_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "o"})
_SHORT = {name: VALUE_WORDS[name] for name in ("source", "device")}
"""What values are called; others by their code, which is short, or by their own name, but for what
nobody told.
"""

_ALONE = ("source", "verdict", "kind", "medium", "channel")
"""Filters whose value says what they are."""


def file_name(
    about: str,
    period: Period,
    filters: Mapping[str, str | None],
    subject: str = "",
    subject_id: str = "",
) -> str:
    """Of one of `REPORTS`, without the ending; a `subject` whose name has no letter that fits is
    told by its id.
    """
    named = slug(subject, LONGEST_SUBJECT) or slug(subject_id, LONGEST_SUBJECT)
    days = period.first.isoformat(), period.last.isoformat()
    usual = personas.METRICS[0] if about == "personas" else METRICS[0]
    # A report on one journey has its name already.
    left_out = ("journey_id",) if subject or subject_id else ()
    told = {
        name: value for name, value in filters.items() if value != usual and name not in left_out
    }
    mark = slug("-".join(_marks(told)), LONGEST_MARK)
    return "-".join(filter(None, (slug(gettext(REPORTS[about])), named, *days, mark)))


def slug(text: str, longest: int = 200) -> str:
    """The text in small letters, digits and hyphens, cut after a word; "" where none fits."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    words = re.findall("[a-z0-9]+", "".join(c for c in plain if not unicodedata.combining(c)))
    found = "-".join(words)
    return found if len(found) <= longest else found[:longest].rpartition("-")[0] or found[:longest]


def _marks(filters: Mapping[str, str | None]) -> Iterator[str]:
    """What makes the report another one than that of all, in a few words each."""
    for name, value in filters.items():
        if not value:
            continue
        if name in FACET_WORDS:
            word = _SHORT.get(name, value_name)(value)
        elif name in FILTERS:
            words = CHOICE_WORDS.get(name, {})
            word = gettext(words[value]) if value in words else value
        else:
            yield from _of_another_question(name, value)
            continue
        label = gettext({**FACET_WORDS, **FILTERS}[name])
        yield word if name in _ALONE else f"{label}-{word}"


def _of_another_question(name: str, value: str) -> Iterator[str]:
    if name == "metric" and value in METRICS:
        yield gettext(METRIC_WORDS[value])
    elif name == "attribution" and value != ATTRIBUTIONS[0] and value in ATTRIBUTION_WORDS:
        yield gettext(ATTRIBUTION_WORDS[value])
    elif name in ("journey_id", "touchpoint_id", "link_id"):
        yield f"{gettext(REPORTS[name.removesuffix('_id')])}-{value}"
    elif name == "rows" and value == "all":
        yield gettext("with robots and misses")
    elif name == "scanners" and value == "include":
        yield gettext("with suspected mail scanners")
