"""What was spent on a touchpoint or a campaign, as its page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from linkservice.journeys import costs
from linkservice.journeys.costs import Subject
from linkservice.journeys.model import Cost
from linkservice.web.entries import SHOWN_ENTRIES, before, cursor
from linkservice.web.page import Page

CURSOR = "costs_before"
"""The query parameter: the page of a touchpoint has one for its reach besides."""


@dataclass(frozen=True, slots=True)
class CostBox:
    """Some entries, the newest first, and the sum of all; None without any."""

    subject: Subject
    entries: Sequence[Cost]
    total: int | None
    currency: str
    more: str | None
    first_page: bool


def cost_box(page: Page, subject: Subject) -> CostBox:
    """The entries that the query asks for. Raises `NotFound`, `Forbidden`."""
    begin = before(page.query.get(CURSOR, ""))
    found = costs.newest_costs(
        page.session, page.actor, subject, before=begin, limit=SHOWN_ENTRIES + 1
    )
    return CostBox(
        subject=subject,
        entries=found[:SHOWN_ENTRIES],
        total=costs.total_cost(page.session, page.actor, subject),
        currency=costs.report_currency(page.session, page.actor),
        more=cursor(found),
        first_page=begin is None,
    )
