"""The call for single clicks; which they are says `reports/raw_clicks`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from linkservice.api.door import Call, Calls, Lines
from linkservice.api.reports import FilterQuery
from linkservice.api.values import Id
from linkservice.clicks import export
from linkservice.reports.raw_clicks import Asked, Subject, report_clicks

RAW_CLICKS = Calls("Reports")


class RawClicksQuery(FilterQuery):
    """Whose clicks, of which days, and what they have in common."""

    link_id: Id | None = None
    touchpoint_id: Id | None = None
    campaign_id: Id | None = None
    journey_id: Id | None = None
    rows: Annotated[
        Literal["counted", "all"],
        Field(
            description="The clicks that reports count, or robots, previews, own visits and misses "
            "as well."
        ),
    ] = "counted"


@RAW_CLICKS.call(
    "GET",
    "/reports/clicks",
    scope="reports:read",
    takes=RawClicksQuery,
    answers="application/jsonl",
    refers=True,
)
def list_clicks(call: Call, given: RawClicksQuery) -> Lines:
    """Single clicks, a line of JSON each, sent while they are read"""
    subject = Subject(given.link_id, given.touchpoint_id, given.campaign_id, given.journey_id)
    asked = Asked(
        given.first, given.last, call.now, given.filters, given.scanners == "include", given.rows
    )
    found = report_clicks(call.session, call.actor, subject, asked)
    lines = (text for _, text in export.written(call.database, found, "jsonl"))
    return Lines(lines, "application/jsonl")
