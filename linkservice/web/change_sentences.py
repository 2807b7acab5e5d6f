"""What changed, in words: "41 visitors on November 25–27, where 80 are usual".

Not here: what a change is (`reports/change`), and when it was general (`reports/tide`). The
sentences say what came and what was usual, and leave "good" and "bad" to the reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from linkservice.reports.change import Change
from linkservice.reports.changed import EARLIEST, Beside, ChangeReport, ChangeRow, change_report
from linkservice.reports.paper_table import Column, Part, Row
from linkservice.reports.period import day_of
from linkservice.reports.tide import Tide
from linkservice.web.comparisons import comparison
from linkservice.web.counted import Fact, scanner_words, told_besides, visitors
from linkservice.web.fieldwords import signed
from linkservice.web.i18n import N_, gettext, ngettext, spoken, write_day, write_number, write_span
from linkservice.web.page import Page
from linkservice.web.periods import Chosen
from linkservice.web.regions import region_name
from linkservice.workspaces.public_holidays import FreeDay, free_days

CHANGES: dict[Change, str] = {
    "below": N_("unusually few"),
    "above": N_("unusually many"),
    "as_usual": N_("as usual"),
    "too_early": N_("too early to say"),
    "no_link": N_("no active link"),
    "left_out": N_("only holidays"),
}
LOOKS: dict[Change, str] = {
    "below": "worst",
    "above": "best",
    "as_usual": "as_expected",
    "too_early": "too_early",
    "no_link": "no_reach",
    "left_out": "no_reach",
}
"""Which verdict a change looks like."""


@dataclass(frozen=True, slots=True)
class Told:
    """A touchpoint's change as a page shows it."""

    row: ChangeRow
    word: str
    look: str
    sentence: str


def changed_within(page: Page, chosen: Chosen) -> ChangeReport:
    """What changed on the last full days of the period: of one that is long over, what changed
    then, and nothing of today.
    """
    over = day_of(page.now, page.time_zone) - timedelta(1)
    last = max(min(chosen.period.last, over), EARLIEST)
    return change_report(
        page.session, page.actor, last=last, suspects=chosen.suspects, now=page.now
    )


def heading(report: ChangeReport) -> str:
    """What stands above the changes: which days they are of."""
    days = write_span(report.period.first, report.period.last)
    return gettext("What changed: %(days)s", days=days)


def tide_sentences(report: ChangeReport) -> list[str]:
    """What most touchpoints did together, and what that leaves open of the single ones; nothing
    where they did not.
    """
    tide = report.tide
    if tide is None:
        return []
    facts = {
        "comparison": _of_usual(tide),
        "visitors": write_number(tide.visitors),
        "usual": _figure(tide.expected),
        "count": write_number(tide.moved),
        "judged": write_number(tide.judged),
    }
    if tide.change == "above":
        return [
            gettext(
                "All in all %(comparison)s: %(visitors)s visitors, where %(usual)s are usual. "
                "%(count)s of %(judged)s touchpoints brought more.",
                **facts,
            ),
            gettext(
                "Each single change is proven by itself as well; how much of it belongs to this "
                "general rise cannot be told."
            ),
        ]
    return [
        gettext(
            "All in all %(comparison)s: %(visitors)s visitors, where %(usual)s are usual. "
            "%(count)s of %(judged)s touchpoints brought fewer.",
            **facts,
        ),
        gettext(
            "Each single change is proven by itself as well; how much of it belongs to this "
            "general decline cannot be told."
        ),
    ]


def _of_usual(tide: Tide) -> str:
    """How many came, beside what is usual: "31% more than usual"."""
    return comparison(tide.visitors / tide.expected, gettext("usual"))


def tide_beside(row: ChangeRow, report: ChangeReport) -> str:
    """What is said of a single touchpoint that changed as most did; "" of any other."""
    tide = report.tide
    if tide is None or row.change != tide.change:
        return ""
    compared = _of_usual(tide)
    days = write_span(report.period.first, report.period.last, year=False)
    return gettext(
        "That was general: all touchpoints together brought %(comparison)s (%(days)s).",
        comparison=compared,
        days=days,
    )


def told(row: ChangeRow, report: ChangeReport) -> Told:
    """The word, the look and the sentence of one touchpoint."""
    sentence = change_sentence(row, report)
    return Told(row, gettext(CHANGES[row.change]), LOOKS[row.change], sentence)


def changes(report: ChangeReport) -> list[Told]:
    """The touchpoints whose days were unusual, losses first."""
    unusual = (row for row in report.touchpoints if row.change in ("below", "above"))
    return [told(row, report) for row in unusual]


def change_sentence(row: ChangeRow, report: ChangeReport) -> str:
    """What came and what is usual, or why that cannot be said. It names the days, so that nobody
    has to look up which ones they are, whenever it is read.
    """
    if row.change == "too_early":
        return ngettext(
            "Too early to say what is usual: one more day is needed.",
            "Too early to say what is usual: %(num)s more days are needed.",
            row.days_needed or 1,
        )
    if row.change == "no_link":
        return gettext("No link of it leads anywhere now, so no visitors are expected.")
    beside = row.told
    if beside is None:
        return gettext("The last three days were holidays: there is no usual day among them.")
    facts = {
        "usual": _figure(beside.expected),
        "low": write_number(beside.low),
        "high": write_number(beside.high),
    }
    return _of_days(row, beside, report, facts)


def _of_days(row: ChangeRow, beside: Beside, report: ChangeReport, facts: dict[str, str]) -> str:
    last = report.period.last
    if row.window == "yesterday":
        return ngettext(
            "One visitor on %(day)s, where %(usual)s are usual on a %(weekday)s "
            "(95%%: %(low)s–%(high)s).",
            "%(num)s visitors on %(day)s, where %(usual)s are usual on a %(weekday)s "
            "(95%%: %(low)s–%(high)s).",
            beside.visitors,
            day=write_span(last, last, year=False),
            weekday=write_day(last, "EEEE"),
            **facts,
        )
    days = write_span(report.period.first, last, year=False)
    if beside.days == 3:
        return ngettext(
            "One visitor on %(days)s, where %(usual)s are usual on these weekdays "
            "(95%%: %(low)s–%(high)s).",
            "%(num)s visitors on %(days)s, where %(usual)s are usual on these weekdays "
            "(95%%: %(low)s–%(high)s).",
            beside.visitors,
            days=days,
            **facts,
        )
    return ngettext(
        "One visitor on %(days)s without holidays, where %(usual)s are usual on these weekdays "
        "(95%%: %(low)s–%(high)s).",
        "%(num)s visitors on %(days)s without holidays, where %(usual)s are usual on these "
        "weekdays (95%%: %(low)s–%(high)s).",
        beside.visitors,
        days=days,
        **facts,
    )


def facts(page: Page, chosen: Chosen, report: ChangeReport) -> list[Fact]:
    """How changes were found, for “How was this counted?”."""
    interval = gettext(
        "Where the visitors of usual days lie with 95%% certainty, by how much such days differed "
        "so far."
    )
    return [
        visitors(),
        Fact(gettext("What changed"), " ".join(notes(report))),
        Fact(gettext("Interval"), interval),
        *told_besides(page, report.period, [scanner_words(chosen)]),
    ]


def parts(report: ChangeReport) -> list[Part]:
    """What changed, on paper: those whose days were unusual, with their days named."""
    columns = (
        Column(gettext("Touchpoint"), 0.3),
        Column(gettext("How it changed"), 0.18),
        Column(gettext("Finding"), 0.52),
    )
    rows = [
        Row(
            (each.row.name, signed(each.look, each.word), each.sentence),
            f"{each.row.stage} · {each.row.journey}",
        )
        for each in changes(report)
    ]
    general, *note = tide_sentences(report) or [""]
    if general and report.tide:
        # How much, and no verdict: all together are judged by nobody.
        word = _of_usual(report.tide)
        rows.insert(0, Row((gettext("All touchpoints together"), word, general)))
    return [Part(heading(report), columns, rows, " ".join(note))]


def notes(report: ChangeReport) -> list[str]:
    """What was compared, what was left out, and how many touchpoints could not be judged."""
    found = [
        gettext(
            "The three days %(days)s, the last of them alone as well, beside the same weekdays of "
            "up to twelve weeks before and the age of the touchpoint. Of the changes named, on "
            "average at most one in twenty is chance.",
            days=write_span(report.period.first, report.period.last),
        )
    ]
    if report.left_out:
        days = ", ".join(_free_day(each, report.holidays) for each in report.left_out)
        found.append(gettext("No usual days, so left out: %(days)s.", days=days))
    if report.holidays is not None:
        region = region_name(report.holidays)
        found.append(
            gettext("Public holidays: %(region)s.", region=region)
            if report.left_out
            else gettext("Public holidays: %(region)s; none fell on these days.", region=region)
        )
    said = [row.change for row in report.touchpoints]
    if number := said.count("too_early"):
        found.append(
            ngettext(
                "For one touchpoint it is too early to say what is usual.",
                "For %(num)s touchpoints it is too early to say what is usual.",
                number,
            )
        )
    if number := said.count("no_link"):
        found.append(
            ngettext(
                "One touchpoint has no active link and is not judged.",
                "%(num)s touchpoints have no active link and are not judged.",
                number,
            )
        )
    return found


def _free_day(each: FreeDay, region: str | None) -> str:
    """A day that was left out, and why."""
    if each.reason == "public_holiday":
        why = free_days(region, each.date, each.date, spoken())[0].name or ""
    elif each.reason == "between_years":
        why = gettext("between the years")
    else:
        why = gettext("bridge day")
    return f"{write_day(each.date)} ({why})"


def _figure(expected: float) -> str:
    """Whole visitors, but what is few with a decimal."""
    return write_number(round(expected) if expected >= 9.95 else round(expected, 1))
