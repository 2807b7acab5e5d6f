"""Moments of truth in words: quadrants, what is said of a touchpoint, what is missing.

Not here: which quadrant is whose (`reports/moments`), how they are drawn (`drawn_moments`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from linkservice.reports.moments import (
    LEAST_DAYS,
    LEAST_DAYS_WITH,
    LEAST_TOUCHPOINTS,
    QUADRANTS,
    Beside,
    Missing,
    Moment,
    MomentsReport,
    Outcome,
    Quadrant,
)
from linkservice.web.comparisons import comparison
from linkservice.web.counted import Fact
from linkservice.web.i18n import N_, gettext, ngettext, write_number, write_span
from linkservice.web.verdicts import other_side_sentence

QUADRANT_WORDS: dict[Quadrant, str] = {
    "strengthen": N_("Strengthen first"),
    "keep_up": N_("Keep up"),
    "can_wait": N_("Can wait"),
    "good_enough": N_("Good enough"),
}
_NOTES: dict[Quadrant, str] = {
    "strengthen": N_("Goes along with the outcome more than others, but does worse than peers."),
    "keep_up": N_("Goes along with the outcome more than others, and does as well or better."),
    "can_wait": N_("Does worse than its peers, but goes along with the outcome less than others."),
    "good_enough": N_("Does as well or better, but goes along with the outcome less than others."),
}
OUTCOME_WORDS: dict[Outcome, str] = {
    "conversions": N_("the conversions of the journey"),
    "visitors": N_("the visitors of the journey's other touchpoints"),
}
_NO_VERDICT = {
    "too_early": N_("too early to compare its rate"),
    "no_reach": N_("no reach, so no rate"),
    "no_peers": N_("nobody to compare its rate with"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A touchpoint with its number in the chart and what is said of it."""

    number: int
    moment: Moment
    quadrant: Quadrant
    sentence: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A quadrant in words with its touchpoints: the certain ones, and those that lean there."""

    key: Quadrant
    title: str
    note: str
    certain: Sequence[Told]
    leaning: Sequence[Told]


def told(report: MomentsReport) -> list[Told]:
    """The touchpoints that have a quadrant, numbered as they come."""
    found: list[Told] = []
    for moment in report.touchpoints:
        if moment.quadrant is not None:
            found.append(Told(len(found) + 1, moment, moment.quadrant, _sentence(moment)))
    return found


def placed(told: Sequence[Told]) -> list[Placed]:
    """All four quadrants, also those that hold nothing, the one to begin with first."""
    found = []
    for key in QUADRANTS:
        members = [each for each in told if each.quadrant == key]
        certain = [each for each in members if each.moment.certain]
        leaning = [each for each in members if not each.moment.certain]
        title, note = gettext(QUADRANT_WORDS[key]), gettext(_NOTES[key])
        found.append(Placed(key, title, note, certain, leaning))
    return found


def unplaced(report: MomentsReport) -> list[tuple[Moment, str]]:
    """The touchpoints without a quadrant, and what each lacks."""
    return [
        (each, "; ".join(_lack(why, each, report) for why in each.missing))
        for each in report.touchpoints
        if each.quadrant is None
    ]


def title(report: MomentsReport) -> str:
    """What the chart shows."""
    if any(each.certain for each in report.touchpoints):
        return gettext("What matters, and how it does")
    return gettext("What matters, and how it does: all of this may be chance")


def finding(report: MomentsReport, beside: Beside | None = None) -> str:
    """`advice`, with what `against` it is to be said."""
    return " ".join(filter(None, [advice(report), against(report, beside)]))


def against(report: MomentsReport, beside: Beside | None) -> str:
    """What the value of those to be strengthened first says against that; mostly nothing."""
    said = []
    first = [each for each in report.touchpoints if each.certain and each.quadrant == "strengthen"]
    for each in first:
        contrary = beside.by_value.get(each.id) if beside else None
        if beside and contrary:
            sentence = other_side_sentence(contrary, beside.currency)
            if len(first) > 1:
                sentence = gettext("“%(name)s”: %(sentence)s", name=each.name, sentence=sentence)
            said.append(sentence)
    return " ".join(said)


_STRENGTHEN = N_(
    "Strengthen “%(name)s” first: it goes along with %(outcome)s more than the others, but in "
    "visitors brings %(rate)s."
)
"""Few visitors may be worth much, which may stand right beside it: it says what is counted."""
_STRENGTHEN_CONVERTING = N_(
    "Strengthen “%(name)s” first: it goes along with %(outcome)s more than the others, but in "
    "conversions brings %(rate)s."
)


def advice(report: MomentsReport) -> str:
    """The report in one sentence: what to strengthen first, or that chance could explain it all;
    empty where importance cannot be told.
    """
    if report.dividing is None or not report.touchpoints:
        return ""
    certain = [each for each in report.touchpoints if each.certain]
    first = [each for each in certain if each.quadrant == "strengthen"]
    if len(first) == 1:
        converting = report.metric == "conversions_per_click"
        message = _STRENGTHEN_CONVERTING if converting else _STRENGTHEN
        return gettext(
            message,
            name=first[0].name,
            outcome=outcome_words(report),
            rate=_rate(first[0]),
        )
    if first:
        return gettext(
            "Strengthen %(names)s first: they go along with %(outcome)s more than the others, but "
            "do worse than their peers.",
            names=_names(first),
            outcome=outcome_words(report),
        )
    if certain:
        return ngettext(
            "Nothing has to be strengthened first, as far as can be told. Only %(names)s is "
            "certain of its quadrant; all else may be chance.",
            "Nothing has to be strengthened first, as far as can be told. Only %(names)s are "
            "certain of their quadrants; all else may be chance.",
            len(certain),
            names=_names(certain),
        )
    return gettext(
        "All of this may be chance: no touchpoint certainly matters more or less than the others "
        "while it does better or worse than its peers. More days or more visitors will tell."
    )


def importance_note(report: MomentsReport) -> str:
    """Which days importance looks at, which are not those of the period."""
    return ngettext(
        "Importance looks at one day (%(span)s), performance at the period.",
        "Importance looks at %(num)s days (%(span)s), performance at the period.",
        report.days,
        span=write_span(report.since, report.until),
    )


def facts(report: MomentsReport) -> list[Fact]:
    """How importance and performance were found, for “How was this counted?”."""
    return [
        Fact(
            gettext("Importance"),
            gettext(
                "How far its daily visitors go along with %(outcome)s, on %(days)s days "
                "(%(span)s): a correlation without weekdays and trend, drawn "
                "towards the mean of the journey, with a 95%% interval. The dividing line is "
                "that mean. It is association, not cause.",
                outcome=outcome_words(report),
                days=write_number(report.days),
                span=write_span(report.since, report.until),
            ),
        ),
        Fact(
            gettext("Performance"),
            gettext(
                "Its rate, divided by the mean of its peers, as the ranking has them. The "
                "dividing line is a tenth below the peers, as for verdicts."
            ),
        ),
        Fact(
            gettext("Certain"),
            gettext(
                "Where the interval of importance lies on one side of the line and the verdict is "
                "best or worst. Others lean to their quadrant: chance could explain it."
            ),
        ),
    ]


def _rate(each: Moment) -> str:
    return comparison(each.performance or 0.0, gettext("comparable touchpoints"))


def _names(moments: Sequence[Moment]) -> str:
    return ", ".join(gettext("“%(name)s”", name=each.name) for each in moments)


def _sentence(each: Moment) -> str:
    rate = _rate(each)
    return gettext(
        "%(rate)s; association %(middle)s (95%%: %(low)s to %(high)s).",
        rate=rate[:1].upper() + rate[1:],
        middle=two_digits(each.association),
        low=two_digits(each.association_low),
        high=two_digits(each.association_high),
    )


def two_digits(value: float | None) -> str:
    """An association, or how many times the peers' rate one has."""
    # Nought has no sign.
    return write_number(round(value or 0.0, 2) + 0.0, 2)


def outcome_words(report: MomentsReport) -> str:
    """What importance goes along with."""
    return gettext(OUTCOME_WORDS[report.outcome])


def _lack(why: Missing, each: Moment, report: MomentsReport) -> str:
    if why == "days":
        more = LEAST_DAYS - report.days
        return ngettext("one more day of clicks", "%(num)s more days of clicks", more)
    if why == "visitors":
        least = write_number(LEAST_DAYS_WITH)
        return gettext("visitors on at least %(days)s days", days=least)
    if why == "outcome":
        least = write_number(LEAST_DAYS_WITH)
        return gettext("visitors of other touchpoints on at least %(days)s days", days=least)
    if why == "touchpoints":
        least = write_number(LEAST_TOUCHPOINTS)
        return gettext("%(least)s touchpoints to compare, in this journey", least=least)
    return gettext(_NO_VERDICT.get(each.verdict, _NO_VERDICT["no_peers"]))
