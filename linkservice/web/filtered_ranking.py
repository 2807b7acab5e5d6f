"""The ranking with filters as its page shows it: chips, since when figures hold, what is compared.

Decided here: how it is said. Not here: which rates a filter leaves (`reports/filtered_ranking`).
"""

from __future__ import annotations

from dataclasses import dataclass

from linkservice.reports.filtered_ranking import JUDGED
from linkservice.reports.results import FilteredBy, TouchpointReport
from linkservice.web.counted import METRIC_WORDS
from linkservice.web.filtered import chips
from linkservice.web.i18n import gettext, write_day
from linkservice.web.periods import Chosen, Here


@dataclass(frozen=True, slots=True)
class RankingFiltered:
    """The filters with the addresses that take them away; `cut` and `widened` are those of a
    `FilteredView`.
    """

    chips: list[tuple[str, str]]
    unfiltered: str
    cut: str
    widened: str


def ranking_filtered(chosen: Chosen, by: FilteredBy, here: Here) -> RankingFiltered:
    """What the page says of its filters."""
    nothing: dict[str, None] = dict.fromkeys(chosen.filters.query)
    return RankingFiltered(
        chips=chips(chosen, here),
        unfiltered=here(**nothing),
        cut=ranking_cut(by),
        widened=here(single_clicks="all") if by.more_single_clicks else "",
    )


def ranking_cut(by: FilteredBy) -> str:
    """Since when the figures hold; "" where of the whole period."""
    if by.is_whole:
        return ""
    if by.single_clicks_from is None:
        return gettext(
            "Only single clicks can tell which touchpoints they were of, and none of this period "
            "are kept any more. Take the filters away, or choose later days."
        )
    day = write_day(by.single_clicks_from)
    if by.more_single_clicks:
        return gettext(
            "Counted from %(day)s on, since more single clicks would take longer to read.", day=day
        )
    return gettext("Counted from %(day)s on: single clicks are kept since then.", day=day)


def source_words(by: FilteredBy) -> str:
    """Where the figures come from, for “How was this counted?”."""
    if cut := ranking_cut(by):
        return cut
    if len(by.filters) > 1:
        return gettext("Single clicks of the whole period.")
    return gettext("Days that are over were summed up by this value; of today, single clicks.")


def metrics_offered(report: TouchpointReport) -> list[tuple[str, str]]:
    """What can be compared, in words; with filters the first choice is to compare nothing."""
    if report.filtered is None:
        return [(name, gettext(label)) for name, label in METRIC_WORDS.items()]
    offered = [name for name in JUDGED if name != "scans_per_click" or not _is_by_source(report)]
    return [
        ("visitors_per_reach", gettext("Counts alone")),
        *((name, gettext(METRIC_WORDS[name])) for name in offered),
    ]


def alone_words(report: TouchpointReport) -> str:
    """Why counts stand alone, and what can be compared all the same."""
    _, *offered = metrics_offered(report)
    names = ", ".join(gettext("“%(name)s”", name=label) for _, label in offered)
    return gettext(
        "These are the clicks that meet the filters. Reach, conversions and value are not split by "
        "them: take the filters away to compare by those. What can be compared with "
        "filters: %(names)s.",
        names=names,
    )


def _is_by_source(report: TouchpointReport) -> bool:
    return report.filtered is not None and "source" in report.filtered.filters
