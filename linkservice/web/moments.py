"""Moments of truth in words: quadrants, what is said of a touchpoint, what is missing.

Not here: which quadrant is whose (`reports/moments`), how they are drawn (`charts/quadrants`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from linkservice.reports.interval_paper import Mark, Plot
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
from linkservice.reports.paper_table import Column, Part, Row
from linkservice.reports.quadrant_paper import Quadrants
from linkservice.reports.ranking import MARGIN
from linkservice.web.charts import Chart, Names, Spot, Table, quadrants, quadrants_on_paper
from linkservice.web.comparisons import comparison
from linkservice.web.counted import Fact
from linkservice.web.fieldwords import VERDICTS
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
            outcome=_outcome(report),
            rate=_rate(first[0]),
        )
    if first:
        return gettext(
            "Strengthen %(names)s first: they go along with %(outcome)s more than the others, but "
            "do worse than their peers.",
            names=_names(first),
            outcome=_outcome(report),
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


def drawn(report: MomentsReport, told: Sequence[Told]) -> Chart:
    """The quadrants as a chart; only where the dividing line is known."""
    spots = [_spot(each) for each in told]
    lines = MARGIN, report.dividing or 0.0
    return quadrants(
        "moments", title(report), spots, lines, _chart_names(report), _table(report, told)
    )


def _chart_names(report: MomentsReport) -> Names:
    corners = tuple(gettext(QUADRANT_WORDS[key]) for key in QUADRANTS)
    return Names(
        quadrants=(corners[0], corners[1], corners[2], corners[3]),
        upwards=gettext("↑ Goes along more with %(outcome)s", outcome=_outcome(report)),
        rightwards=gettext("→ Does better than its peers (line: a tenth below them)"),
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
                outcome=_outcome(report),
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


def parts(report: MomentsReport) -> list[Part | Quadrants]:
    """The quadrants on paper: drawn, then one table each, with the intervals of importance; last
    what the others lack.
    """
    columns = (
        Column(gettext("Touchpoint"), 0.25),
        Column(gettext("Association"), 0.12, "number"),
        Column(gettext("Interval and mean of the journey"), 0.22, "plot"),
        Column(gettext("Finding"), 0.41),
    )
    every = told(report)
    scale = _scale(every, report.dividing or 0.0)
    found: list[Part | Quadrants] = []
    if report.dividing is not None and every:
        spots, lines = [_spot(each) for each in every], (MARGIN, report.dividing)
        found.append(quadrants_on_paper(title(report), spots, lines, _chart_names(report)))
    found += [
        Part(
            group.title,
            columns,
            [_row(each, scale) for each in (*group.certain, *group.leaning)],
            group.note,
        )
        for group in placed(every)
    ]
    lacking = (
        Column(gettext("Touchpoint"), 0.4),
        Column(gettext("Visitors"), 0.12, "number"),
        Column(gettext("Missing"), 0.48),
    )
    rows = [
        Row((each.name, write_number(each.visitors), lack), each.stage)
        for each, lack in unplaced(report)
    ]
    return [*found, Part(gettext("What is missing"), lacking, rows, importance_note(report))]


@dataclass(frozen=True, slots=True)
class _Scale:
    """Associations from the lowest end of an interval to the highest, and what divides them."""

    low: float
    high: float
    dividing: float

    def place(self, value: float | None) -> float:
        """As a share of the scale."""
        return ((value or 0.0) - self.low) / ((self.high - self.low) or 1.0)


def _scale(every: Sequence[Told], dividing: float) -> _Scale:
    ends = [
        end
        for each in every
        for end in (each.moment.association_low, each.moment.association_high)
        if end is not None
    ]
    return _Scale(min([dividing, *ends]), max([dividing, *ends]), dividing)


def _row(each: Told, scale: _Scale) -> Row:
    moment = each.moment
    marks: dict[str, Mark] = {"strengthen": "worst", "keep_up": "best"}
    plot = Plot(
        scale.place(moment.association),
        scale.place(moment.association_low),
        scale.place(moment.association_high),
        scale.place(scale.dividing),
        marks.get(each.quadrant, "other") if moment.certain else "other",
    )
    said = each.sentence
    if not moment.certain:
        said += " " + gettext("Leans here only: chance could explain it.")
    # First, since a long line is cut.
    place = f"{gettext('Moment of truth')} · {moment.stage}" if moment.flagged else moment.stage
    name = f"{each.number}. {moment.name}"
    return Row((name, _two_digits(moment.association), "", said), place, plot)


def _sentence(each: Moment) -> str:
    rate = _rate(each)
    return gettext(
        "%(rate)s; association %(middle)s (95%%: %(low)s to %(high)s).",
        rate=rate[:1].upper() + rate[1:],
        middle=_two_digits(each.association),
        low=_two_digits(each.association_low),
        high=_two_digits(each.association_high),
    )


def _spot(each: Told) -> Spot:
    moment = each.moment
    return Spot(
        number=each.number,
        said=f"{each.number}. {moment.name}: {each.sentence}",
        does=moment.performance or 0.0,
        does_low=moment.performance_low or 0.0,
        does_high=moment.performance_high or 0.0,
        matters=moment.association or 0.0,
        matters_low=moment.association_low or 0.0,
        matters_high=moment.association_high or 0.0,
        certain=moment.certain,
    )


def _table(report: MomentsReport, told: Sequence[Told]) -> Table:
    heads = (
        gettext("Touchpoint"),
        gettext("Quadrant"),
        gettext("Association"),
        gettext("95%% interval"),
        gettext("Times the peers"),
        gettext("95%% interval"),
        gettext("Verdict"),
    )
    rows = [
        (
            f"{each.number}. {each.moment.name}",
            gettext(QUADRANT_WORDS[each.quadrant]),
            _two_digits(each.moment.association),
            _span(each.moment.association_low, each.moment.association_high),
            _two_digits(each.moment.performance),
            _span(each.moment.performance_low, each.moment.performance_high),
            gettext(VERDICTS[each.moment.verdict]),
        )
        for each in told
    ]
    return Table(title(report), heads, rows)


def _span(low: float | None, high: float | None) -> str:
    return gettext("%(low)s to %(high)s", low=_two_digits(low), high=_two_digits(high))


def _two_digits(value: float | None) -> str:
    # Nought has no sign.
    return write_number(round(value or 0.0, 2) + 0.0, 2)


def _outcome(report: MomentsReport) -> str:
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
