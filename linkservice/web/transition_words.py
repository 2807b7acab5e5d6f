"""Transitions between stages in words: what is lost where, how sure that is, and what is missing.

Decided here: how a share is written and a sentence about the weakest transition sounds. Not here:
the figures (`reports/transitions`).
"""

from __future__ import annotations

from linkservice.reports.paper_table import Column, Part, Row
from linkservice.reports.transitions import Missing, Transition, TransitionReport
from linkservice.web.counted import Fact, told_besides
from linkservice.web.i18n import gettext, write_day, write_number, write_percent, write_span
from linkservice.web.page import Page


def facts(page: Page, found: TransitionReport) -> list[Fact]:
    """How transitions were counted, for “How was this counted?”."""
    filters = [
        gettext("Journey: %(journey)s", journey=found.journey),
        gettext("Suspected mail scanners are left out"),
    ]
    return [*definitions(found), *told_besides(page, found.period, filters)]


def definitions(found: TransitionReport) -> list[Fact]:
    """What the figures mean."""
    told = [
        Fact(
            gettext("From stage to stage"),
            gettext(
                "The visitors of a stage on a day, and those of them who were at the next stage on "
                "the same day, in whatever order. Today is left out: it is not over."
            )
            + (" " + counted_days(found) if found.counted_to else ""),
        ),
        Fact(
            gettext("Share"),
            gettext(
                "Its 95%% interval is that of the share drawn towards the mean of the journey's "
                "transitions, as far as these agree, and widened by how much the days differ. The "
                "weakest transition is the one that is most probably the lowest."
            ),
        ),
    ]
    if found.converted_to is not None:
        told.append(Fact(gettext("From the click to the conversion"), converted_days(found)))
    return told


def converted_days(found: TransitionReport) -> str:
    """Which clicks may have become conversions by now."""
    if found.converted_to is None:
        return ""
    return gettext(
        "Clicks up to %(day)s, as later ones may still become conversions; each conversion counts "
        "for its last click.",
        day=write_day(found.converted_to),
    )


def parts(found: TransitionReport) -> list[Part]:
    """The report on paper, as the page of its journey has it."""
    column = Column(gettext("From stage to stage"), 1.0)
    lacking = [Row((missing(each),)) for each in found.missing]
    return [
        _transitions(found),
        _conversions(found),
        Part(gettext("What is missing"), [column], lacking),
    ]


def _transitions(found: TransitionReport) -> Part:
    columns = (
        Column(gettext("From stage"), 0.24),
        Column(gettext("To stage"), 0.28),
        Column(gettext("Visitors"), 0.12, "number"),
        Column(gettext("Went on"), 0.12, "number"),
        Column(gettext("Share"), 0.08, "number"),
        Column(gettext("95%% interval"), 0.16, "number"),
    )
    rows, fine = [], transition_decimals(found)
    for place, each in enumerate(found.transitions if found.counted_to else ()):
        to = each.to_stage
        if place == found.weakest:
            to += f" ({weakest_words(found)})"
        counts = (write_number(each.visitors), write_number(each.went_on))
        rate = "–" if each.rate is None else share(each.rate, fine)
        rows.append(Row((each.from_stage, to, *counts, rate, interval(each, fine) or "–")))
    heading = gettext(
        "Visitors of each stage, and how many of them were at the next one on the same day"
    )
    return Part(heading, columns, rows)


def _conversions(found: TransitionReport) -> Part:
    columns = (
        Column(gettext("Stage"), 0.4),
        Column(gettext("Clicks with a click id"), 0.24, "number"),
        Column(gettext("Conversions"), 0.2, "number"),
        Column(gettext("Share"), 0.16, "number"),
    )
    fine = step_decimals(found)
    rows = [
        Row(
            (
                step.name,
                write_number(step.clicks),
                write_number(step.conversions or 0),
                share(step.rate or 0.0, fine),
            )
        )
        for step in (found.steps if found.converted_to else ())
        if step.clicks
    ]
    return Part(gettext("From the click to the conversion"), columns, rows)


def weakest_words(found: TransitionReport) -> str:
    """What is said beside the weakest transition."""
    if found.sure:
        return gettext("weakest transition")
    return gettext("weakest so far, may be chance")


def share(rate: float, decimals: int | None = None) -> str:
    """A share, with a decimal where it is small; in a column with as many as all of it."""
    return write_percent(rate, _decimals(rate) if decimals is None else decimals)


def _decimals(rate: float) -> int:
    return 1 if 0 < rate < 0.1 else 0


def transition_decimals(found: TransitionReport) -> int:
    """Those of the column of shares, and of that of their intervals."""
    ends = [end for each in found.transitions for end in (each.rate, each.low) if end is not None]
    return max(map(_decimals, ends), default=0)


def step_decimals(found: TransitionReport) -> int:
    """Those of the shares that stages turn into conversions."""
    return max((_decimals(step.rate or 0.0) for step in found.steps), default=0)


def interval(each: Transition, decimals: int | None = None) -> str:
    """Where the true share lies with 95 % certainty, both ends with the same decimals; in a column
    with as many as all of it.
    """
    if each.low is None or each.high is None:
        return ""
    decimals = _decimals(each.low) if decimals is None else decimals
    low, high = (write_percent(end, decimals) for end in (each.low, each.high))
    return gettext("%(low)s to %(high)s", low=low, high=high)


def finding(report: TransitionReport) -> str:
    """The one sentence of the report; empty where nothing can be compared."""
    if report.weakest is None:
        return ""
    each = report.transitions[report.weakest]
    facts = {
        "one": each.from_stage,
        "next": each.to_stage,
        "share": share(each.rate or 0.0),
        "interval": interval(each),
    }
    if report.sure:
        return gettext(
            "Customers are lost most between “%(one)s” and “%(next)s”: %(share)s of the visitors "
            "go on on the same day (95%%: %(interval)s).",
            **facts,
        )
    return gettext(
        "The fewest go on between “%(one)s” and “%(next)s”: %(share)s of the visitors on the same "
        "day (95%%: %(interval)s). That may still be chance.",
        **facts,
    )


def missing(each: Missing) -> str:
    """What is missing, and what helps."""
    names = ", ".join(gettext("“%(name)s”", name=name) for name in each.stages)
    if each.code == "stages":
        return gettext("A transition needs two stages: this journey has fewer.")
    if each.code == "days":
        return gettext(
            "No day of this period is over and counted yet. Visitors are counted by stage from the "
            "day of the update that brought this report; today counts tomorrow."
        )
    if each.code == "visitors":
        return gettext(
            "Nobody is known to have been at %(stages)s. Give its touchpoints links, or leave the "
            "stage out of the journey.",
            stages=names,
        )
    if each.code == "next_visitors":
        return gettext(
            "Nobody was at two neighbouring stages on the same day. Where days pass between two "
            "stages, click ids and conversions tell more."
        )
    return gettext(
        "Too few visitors yet to compare what follows %(stages)s: at the journey’s mean fewer than "
        "five of them would have gone on.",
        stages=names,
    )


def counted_days(report: TransitionReport) -> str:
    """Which days count."""
    if report.counted_from is None or report.counted_to is None:
        return ""
    return gettext(
        "Counted: %(days)s, by visitor and day, without suspected mail scanners; who goes on the "
        "next day is somebody else.",
        days=write_span(report.counted_from, report.counted_to),
    )
