"""Transitions between stages in words: what is lost where, how sure that is, and what is missing.

Decided here: how a share is written and a sentence about the weakest transition sounds. Not here:
the figures (`reports/transitions`).
"""

from __future__ import annotations

from linkservice.reports.transitions import Missing, Transition, TransitionReport
from linkservice.web.i18n import gettext, write_day, write_percent


def share(rate: float) -> str:
    """A share, with a decimal where it is small."""
    return write_percent(rate, 1 if 0 < rate < 0.1 else 0)


def interval(each: Transition) -> str:
    """Where the true share lies with 95 % certainty."""
    if each.low is None or each.high is None:
        return ""
    return gettext("%(low)s to %(high)s", low=share(each.low), high=share(each.high))


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
            "go on on the same day (95 %%: %(interval)s).",
            **facts,
        )
    return gettext(
        "The fewest go on between “%(one)s” and “%(next)s”: %(share)s of the visitors on the same "
        "day (95 %%: %(interval)s). That may still be chance.",
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
        "Counted from %(first)s to %(last)s, by visitor and day, without suspected mail scanners; "
        "who goes on the next day is somebody else.",
        first=write_day(report.counted_from),
        last=write_day(report.counted_to),
    )
