"""Conversions imported as sums: a table that is pasted or uploaded."""

from __future__ import annotations

from flask import Response

from linkservice.conversions.counts import USUAL_SOURCE, import_counts, read_counts
from linkservice.errors import Invalid
from linkservice.web.door import Pages
from linkservice.web.i18n import gettext
from linkservice.web.page import Page
from linkservice.web.views.reach_table import TABLE_BYTES, table_text, told

PAGES = Pages("reports")


@PAGES.get("/reports/conversions", scope="conversions:write")
def conversion_import(page: Page) -> Response:
    """Paste or upload the conversions of days and touchpoints."""
    try:
        text = table_text(page.form).replace("\0", "")
    except Invalid:
        text = ""
    wrong = told(page.form.found, text)
    return page.render("reports/conversions.html", text=text, told=wrong, source=USUAL_SOURCE)


@PAGES.post(
    "/reports/conversions",
    scope="conversions:write",
    again=conversion_import,
    most_bytes=TABLE_BYTES,
)
def import_conversions(page: Page) -> Response:
    """Enter them: what is there already is replaced."""
    counts = read_counts(page.session, page.actor, table_text(page.form), page.now)
    source = page.form.optional("source") or USUAL_SOURCE
    done = import_counts(page.session, page.actor, counts, source, page.now)
    toast = gettext(
        "%(added)s new, %(changed)s replaced, %(unchanged)s as before.",
        added=done.added,
        changed=done.changed,
        unchanged=done.unchanged,
    )
    return page.go("reports", toast=toast)
