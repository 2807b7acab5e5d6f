"""The single clicks of a report, sent while they are read: as many lines as its page says clicks,
or all that was recorded with the same period, subject and filters.
"""

from __future__ import annotations

from typing import cast

from flask import Response

from linkservice.clicks import export
from linkservice.fields import Problems
from linkservice.reports.raw_clicks import ROWS, Asked, Subject, report_clicks
from linkservice.web import periods
from linkservice.web.asked import arranged_as_asked, asked_for_file, report_asked
from linkservice.web.door import Pages
from linkservice.web.file_names import file_name
from linkservice.web.filed import filters_of
from linkservice.web.page import Page
from linkservice.web.periods import Chosen

PAGES = Pages("reports")

_OF_RATES = ("metric", "attribution")
"""What a ranking's address says besides, and no click knows."""

_TYPES: dict[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@PAGES.get("/reports/clicks", scope="reports:read")
def download_clicks(page: Page) -> Response:
    """Those of all links, or of the link, touchpoint, campaign or journey that is named."""
    query = page.query
    subject = Subject(
        link_id=query.get("link_id") or None,
        touchpoint_id=query.get("touchpoint_id") or None,
        campaign_id=query.get("campaign_id") or None,
        journey_id=query.get("journey_id") or None,
    )
    chosen = periods.chosen_and_filtered(query, page.time_zone, page.now).certain
    return _lines(page, subject, chosen)


@PAGES.get("/reports/ranking/clicks", scope="reports:read")
def download_ranking_clicks(page: Page) -> Response:
    """Those of the touchpoints that a ranking shows: of all links, where it leaves none out."""
    asked = asked_for_file(page)
    touchpoint_ids = None
    if asked.journey_id or asked.selection:
        seen = arranged_as_asked(page, asked, report_asked(page, asked))
        touchpoint_ids = [int(row.id or 0) for row in seen.all_rows]
    return _lines(page, Subject(touchpoint_ids=touchpoint_ids), asked.chosen)


def _lines(page: Page, subject: Subject, chosen: Chosen) -> Response:
    form, rows = page.query.get("format") or "csv", page.query.get("rows") or "counted"
    problems = Problems()
    problems.one_of("format", form, export.FORMATS)
    problems.one_of("rows", rows, ROWS)
    problems.raise_if_any()
    period = chosen.period
    asked = Asked(
        period.first,
        period.last,
        page.now,
        chosen.filters,
        chosen.suspects,
        "all" if rows == "all" else "counted",
    )
    found = report_clicks(page.session, page.actor, subject, asked)
    kind = cast(export.Format, form)
    export.require_room(page.session, found, kind)
    pieces = (data for _, data in export.saved(page.database, found, kind))
    answer = Response(pieces, content_type=_TYPES[kind])
    asked_by = {name: text for name, text in page.query.items() if name not in _OF_RATES}
    told = {**asked_by, **filters_of(chosen)}
    name = f"{file_name('clicks', period, told)}.{kind}"
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer
