"""The notes on days that a page's curve shows, and its files tell."""

from __future__ import annotations

from collections.abc import Sequence

from linkservice.reports.annotations import annotations_in
from linkservice.reports.model import Annotation
from linkservice.reports.period import Period
from linkservice.web.charts import Note
from linkservice.web.page import Page


def notes_on(page: Page, period: Period) -> Sequence[Note]:
    """The notes on the days of a period, for its curve."""
    return [Note(each.day, each.text) for each in notes_in(page, period)]


def notes_in(page: Page, period: Period) -> Sequence[Annotation]:
    """The same for its files. Guests see none: they are words among colleagues."""
    if page.guest is not None:
        return ()
    return annotations_in(page.session, page.actor, period)
