"""“How was this counted?”: definitions, period, filters and version of a report, in words.

The panel on a page, the last sheet of a workbook and the JSON file say the same, since all
three are made here. Not here: the rules themselves (`reports`, `clicks`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeAlias

from linkservice import __version__
from linkservice.clicks.dictionary import knows_cities
from linkservice.clicks.geodata import is_built_in
from linkservice.reports.arranged import Arranged
from linkservice.reports.filtered_ranking import JUDGED
from linkservice.reports.filters import Filters
from linkservice.reports.period import Period, day_of
from linkservice.reports.results import OF_VISITORS, Metric, TouchpointReport
from linkservice.reports.trend import days_over, weeks_before
from linkservice.web.i18n import N_, gettext, ngettext, write_moment, write_number, write_span
from linkservice.web.page import Page
from linkservice.web.periods import Chosen
from linkservice.web.value_words import FACET_WORDS, VALUE_WORDS, value_name

About: TypeAlias = Literal["touchpoints", "touchpoint", "link", "campaign"]

_BY_LINK: tuple[About, ...] = ("link", "campaign")
"""What counts the visitors of links, and judges nothing."""

METRIC_WORDS: dict[Metric, str] = {
    "visitors_per_reach": N_("Visitors per reach"),
    "clicks_per_day": N_("Clicks a day"),
    "conversions_per_click": N_("Conversions per click"),
    "scans_per_click": N_("Scans per click"),
    "value_per_reach": N_("Value per reach"),
    "trend": N_("Trend"),
}

METRIC_NOTES: dict[Metric, str] = {
    "visitors_per_reach": N_(
        "Of all who could have clicked, how many came? So a small touchpoint can be the best, and "
        "a large one the worst."
    ),
    "clicks_per_day": N_(
        "Clicks on each day a touchpoint was live. Large touchpoints get more of them, however "
        "good they are."
    ),
    "conversions_per_click": N_(
        "Of all clicks, how many led to a conversion? What a link brings to the shop, not how "
        "many it brings."
    ),
    "scans_per_click": N_(
        "Of all clicks, how many came by a printed code? Where a code and a typed or clicked "
        "address stand side by side, it says which of them people take."
    ),
    "value_per_reach": N_(
        "What was bought, set against all who could have clicked; where reach is not known, "
        "against the visitors. A few large orders prove little, so they widen the interval."
    ),
    "trend": N_(
        "Whose rate rises or falls against the same weekdays before, compared with its peers: if "
        "all of them fall in summer, none is the worst."
    ),
}
"""What is asked, and what to make of the answer."""


def metric_note(page: Page, metric: Metric, period: Period) -> str:
    """The note, of a trend with the days it compares with."""
    days = _compared_with(page, period) if metric == "trend" else ""
    return " ".join(filter(None, (gettext(METRIC_NOTES[metric]), days)))


def _compared_with(page: Page, period: Period) -> str:
    """The days before, as many as are over of the period; empty where there are none."""
    before = weeks_before(period)
    over = days_over(period, day_of(page.now, period.time_zone))
    if before is None or not over:
        return ""
    last = before.first + timedelta(days=over - 1)
    return gettext("Compared with %(days)s.", days=write_span(before.first, last))


@dataclass(frozen=True, slots=True)
class Fact:
    """What is told, and what is said of it."""

    term: str
    text: str


def counted(
    page: Page,
    chosen: Chosen,
    about: About,
    *,
    metric: Metric = "visitors_per_reach",
    journey: str = "",
    arranged: Sequence[Fact] = (),
    costs: Sequence[Fact] = (),
    source: str = "",
) -> list[Fact]:
    """How the figures of a report came about; `journey` is the name of the one it is kept to,
    `arranged` says which of its rows are shown, and in which groups, `costs` what its costs mean
    where it tells any, `source` what filtered figures come from.
    """
    return [
        *_definitions(about, metric, bool(chosen.filters)),
        *costs,
        *([] if about == "touchpoints" else [_origin(page)]),
        *_period_before(page, chosen, about, metric),
        *arranged,
        *told_besides(page, chosen.period, _filters(chosen, about, metric, journey), source),
    ]


def told_besides(
    page: Page, period: Period, filters: Sequence[str], source: str = ""
) -> list[Fact]:
    """What is said of every report, after what its figures mean; its version comes last."""
    return [
        Fact(gettext("Period"), _period(period)),
        Fact(gettext("Time zone"), period.time_zone),
        Fact(gettext("Filters"), "; ".join(filters)),
        *([Fact(gettext("Source"), source)] if source else []),
        Fact(
            gettext("Version"),
            gettext(
                "linkservice %(version)s, read on %(moment)s",
                version=__version__,
                moment=write_moment(page.now),
            ),
        ),
    ]


def _definitions(about: About, metric: Metric, filtered: bool) -> Iterator[Fact]:
    yield clicks()
    yield visitors(about, _first_click() if filtered else "")
    if not filtered:
        yield conversions(about in _BY_LINK)
    if _is_judged(about, metric, filtered):
        yield from _judgements(metric)


def _period_before(page: Page, chosen: Chosen, about: About, metric: Metric) -> Iterator[Fact]:
    days = _compared_with(page, chosen.period)
    if metric == "trend" and days and _is_judged(about, metric, bool(chosen.filters)):
        yield Fact(gettext("Period before"), days)


def _is_judged(about: About, metric: Metric, filtered: bool) -> bool:
    """Of filtered clicks only the ranking is, by some metrics."""
    if filtered:
        return about == "touchpoints" and metric in JUDGED
    return about not in _BY_LINK


def _origin(page: Page) -> Fact:
    """Where clicks come from, and how well that is known."""
    if is_built_in(page.settings):
        text = gettext(
            "The country in which the network of the click is registered: right in about nine of "
            "ten clicks."
        )
    else:
        text = gettext(
            "What the country file says of the network of the click, since its full address is "
            "not kept; the city where the file knows one. Both are approximate, cities more than "
            "countries: often it is a larger city nearby, for a mobile network another one."
        )
    if not knows_cities(page.session):
        more = gettext("Cities are not known: they take a country file that names them.")
        text = f"{text} {more}"
    return Fact(gettext("Where from"), text)


def clicks() -> Fact:
    """What a click is."""
    return Fact(
        gettext("Clicks"),
        gettext(
            "Every redirect of a person, repeated ones too; a scan is a click that came from a QR "
            "code. Robots, previews, prefetches, mail scanners, HEAD requests and own visits are "
            "counted apart."
        ),
    )


def visitors(about: About = "touchpoints", besides: str = "") -> Fact:
    """Who a visitor is, of a link or of a touchpoint; those of a campaign are its links'."""
    if about == "link":
        whose = gettext("Who is new to the link on that day.")
    elif about == "campaign":
        whose = gettext(
            "Who is new to a link on that day; who comes by two links of the campaign counts twice."
        )
    else:
        whose = gettext("Who is new to the touchpoint on that day.")
    twice = gettext(
        "Who comes on two days counts twice. A browser that asks not to be followed is no "
        "visitor, but counts as one in rates, for each of its clicks."
    )
    return Fact(gettext("Visitors"), " ".join(filter(None, (whose, twice, besides))))


def without_token(clicks: int, rated: int, part: str) -> str:
    """What stands in rates and in no column, why, and what to do about it; "" where that is
    nothing. `clicks` are those of the whole report, so that every page and file of it tells the
    same number; `part` says where the `rated` of them are that stand in rates, if not all do.
    """
    if not rated:
        return ""
    if rated < clicks:
        whole = gettext(
            "%(number)s clicks could not be assigned to visitors: their browsers ask not to be "
            "followed, or visitors were not being counted. They are in no figure of visitors.",
            number=write_number(clicks),
        )
        return " ".join((whole, part, gettext("Nothing needs to be done.")))
    return ngettext(
        "One click could not be assigned to a visitor: its browser asks not to be followed, or "
        "visitors were not being counted. It is in no figure of visitors, but counts as one "
        "visitor in rates. Nothing needs to be done.",
        "%(num)s clicks could not be assigned to visitors: their browsers ask not to be followed, "
        "or visitors were not being counted. They are in no figure of visitors, but count as one "
        "visitor each in rates. Nothing needs to be done.",
        clicks,
    )


def without_token_in_rates(found: TouchpointReport, seen: Arranged) -> str:
    """The same of a ranking: in rates are those of the rows that have a rate of visitors."""
    rows = [row for row in seen.rows if found.metric in OF_VISITORS and row.rate is not None]
    if found.metric == "value_per_reach":
        rows = [row for row in rows if row.per == "visitor"]
    rated = sum(row.tokenless for row in rows)
    if seen.selection:
        part = ngettext(
            "One of them is at a touchpoint shown here that has a rate, and counts as one visitor "
            "there.",
            "%(num)s of them are at touchpoints shown here that have a rate, and count as one "
            "visitor each there.",
            rated,
        )
    else:
        part = ngettext(
            "One of them is at a touchpoint that has a rate, and counts as one visitor there.",
            "%(num)s of them are at touchpoints that have a rate, and count as one visitor each "
            "there.",
            rated,
        )
    return without_token(found.totals.tokenless, rated, part)


def conversions(by_link: bool = False) -> Fact:
    """What a conversion is, of a link or of a touchpoint."""
    if by_link:
        text = gettext(
            "What a shop reported with a click id, once each, on the day it occurred, for the link "
            "of the last click. What was imported as a sum names no link."
        )
        return Fact(gettext("Conversions"), text)
    return Fact(
        gettext("Conversions"),
        gettext(
            "What a shop reported with a click id, once each, on the day it occurred, for the "
            "touchpoint of the last click (or of the first, if that is chosen); and what was "
            "imported as a sum."
        ),
    )


def _first_click() -> str:
    return gettext("A filter counts a visitor whose first click of the day has that value.")


def _judgements(metric: Metric) -> Iterator[Fact]:
    if metric == "clicks_per_day":
        rate = gettext("Clicks divided by the days of the period on which the touchpoint was live.")
    elif metric == "conversions_per_click":
        rate = gettext("Conversions of the period divided by its clicks.")
    elif metric == "scans_per_click":
        rate = gettext("Scans of the period divided by its clicks.")
    elif metric == "value_per_reach":
        rate = gettext(
            "Value of the conversions of the period divided by its reach; where a touchpoint has "
            "none, by its visitors and clicks without a token. The two are never compared."
        )
    elif metric == "trend":
        rate = gettext(
            "Visitors per reach divided by those on the same weekdays before; where reach is not "
            "known of both, visitors a day. Today is left out of both: it is not over."
        )
    else:
        rate = gettext(
            "Visitors and clicks without a token, divided by the reach of the period. Reach that "
            "is given for several days is spread evenly over them."
        )
    yield Fact(gettext("Rate"), rate)
    yield Fact(
        gettext("Interval"),
        gettext(
            "Where the true rate lies with 95%% certainty, widened by how much the days differ."
        ),
    )
    yield Fact(
        gettext("Verdict"),
        gettext(
            "Best or worst is who differs from the mean of its peers by more than a tenth with "
            "95%% certainty and has reach enough to tell; all touchpoints are judged together."
        ),
    )


def _period(period: Period) -> str:
    """Both days are named, whatever the preset: a file outlives the day it was made on."""
    days = write_span(period.first, period.last)
    return gettext("%(days)s, both days included", days=days)


def filter_words(filters: Filters) -> list[str]:
    """Each filter as a person reads it: "Country: Germany"."""
    return [
        gettext(
            "%(name)s: %(value)s",
            name=gettext(FACET_WORDS[name]),
            value=VALUE_WORDS.get(name, value_name)(value),
        )
        for name, value in filters.given.items()
    ]


def _filters(chosen: Chosen, about: About, metric: Metric, journey: str) -> Sequence[str]:
    found = filter_words(chosen.filters)
    if _is_judged(about, metric, bool(chosen.filters)):
        found.append(gettext("What is compared: %(metric)s", metric=gettext(METRIC_WORDS[metric])))
    if journey:
        found.append(gettext("Journey: %(journey)s", journey=journey))
    return [*found, scanner_words(chosen)]


def scanner_words(chosen: Chosen) -> str:
    """Whether clicks of suspected mail scanners are counted."""
    if chosen.suspects:
        return gettext("Clicks of suspected mail scanners are counted")
    return gettext("Suspected mail scanners are left out")
