"""The words of a report's PDF: the tables of its files, and the ranking as its page groups it.

Not here: how they stand on the page (`reports/paper`), which figures they are (`reports`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import cast

from linkservice.reports.arranged import Arranged, Subtotal
from linkservice.reports.exported import Exported
from linkservice.reports.exported_tables import FACET_TABLES, Table, facet_table
from linkservice.reports.filtered import FilteredReport
from linkservice.reports.filtered_origins import Origins
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
from linkservice.web.exports import sheets_of
from linkservice.web.fieldwords import signed
from linkservice.web.figures import Figure, KeyFigure
from linkservice.web.filtered import filtered_figures, filtered_lines
from linkservice.web.i18n import (
    gettext,
    ngettext,
    write_day,
    write_money,
    write_number,
    write_percent,
    write_span,
)
from linkservice.web.page import Page
from linkservice.web.ranked import Group, Ranking, Shown
from linkservice.workbook import Cell, Sheet

NOT_PRINTED = ("hours", "touchpoints", "groups", "shown", "days_before", "contest")
"""168 lines of an hour each help nobody on paper; the ranking has a table of its own, with what its
groups and those shown add up to, and so have links side by side; the days before are drawn.
"""

MOST_DAYS = 100
"""More days are added up by month: of a year they took six pages. Its files have every day."""

_APART = (*figures.OTHERS, "suspected")
"""Totals that pages and papers tell where there is any."""

FIRST, MOST_OF_NUMBER = 0.4, 0.15
"""Of a table's width: what its first column takes, and at most one of numbers."""

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


def gained_rows(found: Exported) -> list[Row]:
    """Conversions and their value as key figures; none where there are none."""
    totals = [table for table in found.tables if table.name == "totals"]
    return [
        Row((str(words[0]), _told(words[1]), ""))
        for sheet, table in zip(sheets_of(totals), totals, strict=True)
        for words, (name, count) in zip(sheet.rows, table.rows, strict=True)
        if name in _GAINED and count
    ]


def table_parts(page: Page, found: Exported, told: Collection[str] = ()) -> list[Part]:
    """The tables of its files, but those that are `NOT_PRINTED`; guests are shown no links. Totals
    that are `told` already are not told once more.
    """
    left_out = (*NOT_PRINTED, "links") if page.guest else NOT_PRINTED
    tables = [table for table in found.tables if table.name not in left_out]
    parts = [
        _links(table, sheet) if table.name == "links" else _part(sheet)
        for table, sheet in zip(tables, _sheets(tables, told), strict=True)
    ]
    return [part for part in parts if part.rows]


def _links(table: Table, sheet: Sheet) -> Part:
    """Links as pages list them: the address, and below it the title."""
    counted = sheet.heads[-3:]
    columns = [
        Column(gettext("Link"), 0.49),
        *(Column(head, 0.17, "number") for head in counted),
    ]
    rows = []
    for row in table.rows:
        told = dict(zip(table.columns, row, strict=True))
        figures = [_told(told[name]) for name in ("clicks", "scans", "visitors")]
        address = f"{told['domain']}/{told['slug']}"
        rows.append(Row((address, *figures), str(told["title"])))
    return Part(sheet.name, columns, rows, small=True)


_GAINED = ("conversions", "value")

KEY_FIGURES = ("clicks", "scans", "visitors", *_GAINED)
"""Totals that a paper tells before all others."""


def _sheets(tables: Sequence[Table], told: Collection[str] = ()) -> Iterator[Sheet]:
    """The tables in words, without what only programs need: ids, values before their words, and
    that nothing was counted apart; totals without those `told`.
    """
    for sheet, table in zip(sheets_of(tables), tables, strict=True):
        if table.name in FACET_TABLES:
            yield _with_shares(sheet)
        elif table.columns[0] == "id":
            yield replace(sheet, heads=sheet.heads[1:], rows=[row[1:] for row in sheet.rows])
        elif table.name == "totals":
            pairs = zip(sheet.rows, table.rows, strict=True)
            yield replace(
                sheet,
                name=gettext("Also counted") if told else sheet.name,
                rows=[
                    row
                    for row, (name, count) in pairs
                    if name not in told and (count or not (told or name in _APART))
                ],
            )
        elif table.name == "days" and len(sheet.rows) > MOST_DAYS:
            yield _by_month(sheet)
        else:
            yield sheet


def _with_shares(sheet: Sheet) -> Sheet:
    """What clicks had of a facet, with the share of each, as its page has it."""
    whole = sum(cast(int, clicks) for *_, clicks in sheet.rows)
    rows = [
        (word, clicks, write_percent(cast(int, clicks) / whole) if whole else "–")
        for _, word, clicks in sheet.rows
    ]
    return replace(sheet, heads=[*sheet.heads[1:], gettext("Share")], rows=rows)


def _by_month(sheet: Sheet) -> Sheet:
    """Its days added up; what is not told of every day of a month is not told of it."""
    rows: list[list[Cell]] = []
    for _, some in groupby(sheet.rows, key=lambda row: cast(date, row[0]).replace(day=1)):
        days, *counts = zip(*some, strict=True)
        sums = [None if None in each else sum(cast(Sequence[int], each)) for each in counts]
        rows.append([_month(cast(date, days[0]), cast(date, days[-1])), *sums])
    heads = [gettext("Month"), *sheet.heads[1:]]
    return replace(sheet, name=gettext("Months"), heads=heads, rows=rows)


def _month(first: date, last: date) -> str:
    """Its name, or its days where these are not all there are."""
    whole = first.day == 1 and (last + timedelta(days=1)).day == 1
    return write_day(first, "yMMMM") if whole else write_span(first, last)


def origin_parts(found: Origins | None, note: str) -> list[Part]:
    """Countries and devices; `note` says of which days they are, where not of all."""
    if found is None:
        return []
    tables = [facet_table("countries", found.countries), facet_table("devices", found.devices)]
    return [replace(_part(sheet), note=note) for sheet in _sheets(tables)]


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


def _part(sheet: Sheet) -> Part:
    numeric = [
        all(_is_figure(row[place]) for row in sheet.rows) for place in range(len(sheet.heads))
    ]
    # Numbers stand near what they are of, not at the other side of the page.
    texts, numbers = numeric[1:].count(False), numeric[1:].count(True)
    number = min(MOST_OF_NUMBER, 0.6 / max(1, texts + numbers))
    text = (1 - FIRST - number * numbers) / max(1, texts)
    columns = [
        Column(head, number if is_number else text, "number" if is_number else "text")
        for head, is_number in zip(sheet.heads, numeric, strict=True)
    ]
    columns[0] = replace(columns[0], share=FIRST)
    rows = [Row([_told(cell) for cell in row]) for row in sheet.rows]
    return Part(sheet.name, columns, rows, small=texts == 0)


def _is_figure(cell: Cell) -> bool:
    """Whether it stands at the right of its column: a number, a share, or nothing."""
    if isinstance(cell, str):
        return cell.endswith("%")
    return cell is None or isinstance(cell, int | float | Decimal)


def _told(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, date):
        return write_day(cell)
    if isinstance(cell, Decimal):
        return write_number(float(cell), max(0, -int(cell.as_tuple().exponent)))
    return cell if isinstance(cell, str) else write_number(float(cell))
