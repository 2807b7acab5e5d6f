"""The words of a report's PDF: its key figures and curves, and the ranking as its page groups it.

Not here: how they stand on the page (`reports/paper`), which figures they are (`reports`), the
tables that files have, too (`printed_tables`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from linkservice.reports.arranged import Arranged, Subtotal
from linkservice.reports.filtered import FilteredReport
from linkservice.reports.graph import Graph
from linkservice.reports.interval_paper import Mark, Plot
from linkservice.reports.paper import Paper, make_paper
from linkservice.reports.paper_table import Column, Part, Row
from linkservice.reports.period import Period, day_of
from linkservice.reports.quadrant_paper import Quadrants
from linkservice.reports.results import FilteredChange, TouchpointRow, TouchpointTotals
from linkservice.reports.trend import Trend
from linkservice.web import figures
from linkservice.web.annotated import notes_on
from linkservice.web.charts import Line, printed_trend
from linkservice.web.counted import Fact, without_token_in_rates
from linkservice.web.fieldwords import signed
from linkservice.web.figures import Figure, KeyFigure
from linkservice.web.filtered import filtered_figures, filtered_lines
from linkservice.web.i18n import gettext, ngettext, write_money, write_number
from linkservice.web.page import Page
from linkservice.web.ranked import Group, Ranking, Shown

MOST_NAMES = 4
"""Of the best and of the worst."""


def paper_of(
    page: Page,
    title: str,
    facts: Sequence[Fact],
    parts: Sequence[Part | Graph | Quadrants],
    *findings: str,
) -> bytes:
    """The report as PDF; its `findings` stand under its title, a line each."""
    workspace = page.workspace
    assert workspace is not None
    told = {fact.term: fact.text for fact in facts}
    lead = [told[term] for term in (gettext("Period"), gettext("Filters")) if term in told]
    lead = [*filter(None, findings), *lead]
    paper = Paper(
        workspace=workspace.name,
        logo=workspace.logo,
        colour=page.brand.light,
        title=page.guest.title or title if page.guest else title,
        lead=lead,
        parts=parts,
        facts=[(fact.term, fact.text) for fact in facts],
        facts_heading=gettext("How this was counted"),
        numbering=gettext("Page {page} of {pages}"),
        language=page.locale,
    )
    return make_paper(paper, page.now)


def trend_parts(
    page: Page, found: Trend, *shown: Figure, more: Sequence[Row] = ()
) -> list[Part | Graph]:
    """The curve of these figures, and all of them in words, with `more` rows."""
    told = figures_part(figures.key_figures(found), figures.change_note(found), *more)
    return [trend_graph(page, found, *shown), told]


def trend_graph(page: Page, found: Trend, *shown: Figure) -> Graph:
    """The curve of these figures, the first beside the days before."""
    lines = figures.trend_lines(found, *shown)
    return printed_trend(
        figures.trend_title(found, shown[0]),
        [day.date for day in found.days],
        lines,
        today=found.today,
        before=figures.trend_before(found, shown[0], lines),
        notes=notes_on(page, found.period),
    )


def filtered_parts(page: Page, found: FilteredReport) -> list[Part | Graph]:
    """The same of what meets filters."""
    today = day_of(page.now, page.time_zone)
    note = figures.change_note_filtered(found.period, found.change, today, begun=found.begun)
    days = [day.date for day in found.days]
    return [
        *lines_parts(page, days, filtered_lines(found), "clicks", found.change, found.period),
        figures_part(filtered_figures(found), note),
    ]


def lines_parts(
    page: Page,
    days: Sequence[date],
    lines: Sequence[Line],
    first: Figure,
    change: FilteredChange | None,
    period: Period,
) -> list[Part | Graph]:
    """The curve of lines, the `first` beside the days before; none where there are no days."""
    if not days or not lines:
        return []
    return [
        printed_trend(
            figures.filtered_title(change, first),
            days,
            lines,
            today=day_of(page.now, page.time_zone),
            before=figures.filtered_before(change, first, lines),
            notes=notes_on(page, period),
        )
    ]


def figures_part(told: Sequence[KeyFigure], note: str, *more: Row) -> Part:
    """Key figures with how they changed, where any is compared; `note` says which days before
    are.
    """
    columns = [
        Column(gettext("Figure"), 0.3),
        Column(gettext("Count"), 0.2, "number"),
        Column(gettext("How it changed"), 0.5),
    ]
    rows = [Row((each.label, write_number(each.value), each.change)) for each in told]
    rows += more
    if any(row.cells[2] for row in rows):
        return Part(gettext("Figures"), columns, rows, note)
    bare = [Row(row.cells[:2]) for row in rows]
    return Part(gettext("Figures"), columns[:2], bare, note)


def ranked_parts(ranking: Ranking, groups: Sequence[Group]) -> list[Part]:
    """The groups of a ranking, in the order of its page, each row with what its verdict says."""
    columns = _columns(ranking)
    found = []
    for group in groups:
        highest = _highest(group.rows)
        lines = [_judged(each, highest[each.scale], ranking) for each in group.rows]
        if group.together is not None:
            lines.append(_together(group.together, group, ranking))
        found.append(Part(group.title, columns, lines))
    return found


def unlinked_parts(bare: Sequence[Shown]) -> list[Part]:
    """The touchpoints without a link, where the page tells them apart from the others."""
    if not bare:
        return []
    head = ngettext(
        "One touchpoint has no link yet", "%(num)s touchpoints have no link yet", len(bare)
    )
    columns = (Column(gettext("Touchpoint"), 0.5), Column(gettext("Stage"), 0.5))
    return [
        Part(head, columns, [Row((each.row.name or "", each.row.stage or "")) for each in bare])
    ]


def outstanding_words(rows: Sequence[Shown]) -> list[str]:
    """Who is best and who is worst, by name, as the page begins."""
    found = []
    for verdict in ("best", "worst"):
        ones = [each for each in rows if each.row.verdict == verdict]
        names = ", ".join(each.row.name or "" for each in ones[:MOST_NAMES])
        more = f" + {len(ones) - MOST_NAMES}" if len(ones) > MOST_NAMES else ""
        if ones:
            found.append(f"{signed(verdict, ones[0].verdict)}: {names}{more}")
    return found


def _count_heads(ranking: Ranking) -> list[str]:
    """What `_counts` are called."""
    heads = [gettext("Clicks"), gettext("Scans"), gettext("Visitors")]
    if ranking.is_converting:
        heads += [gettext("Conversions"), gettext("Value")]
    return heads


def _columns(ranking: Ranking) -> list[Column]:
    heads = _count_heads(ranking)
    if not ranking.is_judged:
        counts = [Column(head, 0.15, "number") for head in heads]
        return [Column(gettext("Touchpoint"), 0.4), *counts]
    shares = [0.07, 0.07, 0.08, 0.09, 0.07, 0.12]
    first, plot, verdict = 0.21, 0.16, 0.13
    if ranking.is_converting:
        shares = [0.06, 0.055, 0.075, 0.095, 0.1, 0.085, 0.06, 0.09]
        first, plot, verdict = 0.14, 0.105, 0.135
    heads += [gettext("Reach"), gettext("Rate"), gettext("Interval")]
    numbers = [Column(head, share, "number") for head, share in zip(heads, shares, strict=True)]
    return [
        Column(gettext("Touchpoint"), first),
        *numbers,
        Column(gettext("Interval and peers"), plot, "plot"),
        Column(gettext("Verdict"), verdict),
    ]


def _highest(rows: Sequence[Shown]) -> dict[str, float]:
    """Up to where the plots of each scale reach; 0 where there is nothing to draw."""
    found: dict[str, float] = {}
    for each in rows:
        row = each.row
        ends = (row.high, row.rate, row.peers.mean if row.peers else None, 0.0)
        top = max(end for end in ends if end is not None)
        found[each.scale] = max(found.get(each.scale, 0.0), top)
    return found


def _together(sums: Subtotal, group: Group, ranking: Ranking) -> Row:
    """What is said of a group as a whole."""
    reach = write_number(round(sums.reach)) if sums.reach is not None else "–"
    counts = _counts(sums, ranking)
    if not ranking.is_judged:
        return Row((gettext("Together"), *counts))
    return Row((gettext("Together"), *counts, reach, group.figure or "–", "", "", ""))


def _judged(each: Shown, highest: float, ranking: Ranking) -> Row:
    row = each.row
    if not ranking.is_judged:
        return Row((row.name or "", *_counts(row, ranking)), row.stage or "")
    plot = None
    if highest and row.rate is not None and row.low is not None and row.high is not None:
        marks: dict[str, Mark] = {"best": "best", "worst": "worst"}
        plot = Plot(
            row.rate / highest,
            row.low / highest,
            row.high / highest,
            row.peers.mean / highest if row.peers else None,
            marks.get(row.verdict, "other"),
        )
    reach = write_number(each.reach) if row.unit else "–"
    told = (reach, each.figure or "–", each.interval or "–", "", signed(row.verdict, each.verdict))
    cells = (row.name or "", *_counts(row, ranking), *told)
    return Row(cells, row.stage or "", plot, each.sentence)


def sums_part(ranking: Ranking, seen: Arranged) -> Part:
    """The last lines of a ranking's page: what all that is shown adds up to."""
    rows: list[tuple[str, TouchpointRow | Subtotal | TouchpointTotals]] = []
    if seen.loose:
        rows.append((gettext("Links without a touchpoint"), seen.loose))
    if seen.selection:
        several = ngettext("The one shown", "The %(num)s shown", len(seen.rows))
        rows.append((several, seen.together))
    whole = gettext("All touchpoints and links") if seen.selection else gettext("Total")
    rows.append((whole, ranking.report.totals))
    heads = _count_heads(ranking)
    share = 0.6 / len(heads) if ranking.is_judged else 0.15
    numbers = [Column(head, share, "number") for head in heads]
    columns = [Column(gettext("Touchpoint"), 0.4), *numbers]
    lines = [Row((name, *_counts(sums, ranking))) for name, sums in rows]
    note = without_token_in_rates(ranking.report, seen)
    return Part(gettext("Total"), columns, lines, note)


def _counts(sums: TouchpointRow | Subtotal | TouchpointTotals, ranking: Ranking) -> list[str]:
    clicks, scans, visitors = map(write_number, (sums.clicks, sums.scans, sums.visitors))
    if not ranking.is_converting:
        return [clicks, scans, visitors]
    report = ranking.report
    value = report.value_known(sums.conversions, sums.value)
    worth = "–" if value is None else write_money(value, report.currency)
    return [clicks, scans, visitors, write_number(sums.conversions), worth]
