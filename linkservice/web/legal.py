"""Texts to adopt: privacy notice, assessment of interests, record of processing, processor annex.

Decided here: which there are and what is filled in. The texts themselves are files
(`templates/legal`), so that `docs/privacy.md` shows the same ones; what only their reader can
know stands in them in square brackets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import render_template
from markupsafe import Markup

from linkservice.clicks.salts import MOST_HOURS
from linkservice.config import Settings
from linkservice.web.i18n import N_
from linkservice.web.marked_text import as_html, as_plain

TEXTS: tuple[tuple[str, str, str], ...] = (
    ("notice", "de", N_("Privacy notice for customers (German)")),
    ("notice", "en", N_("Privacy notice for customers (English)")),
    ("assessment", "de", N_("Assessment of interests (German)")),
    ("record", "de", N_("Record of processing activities (German)")),
    ("processor", "de", N_("Annex to the processing contract (German)")),
)
"""Name, language and title of each, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class LegalText:
    """A text that is ready but for what stands in square brackets; `body` has marks in it."""

    name: str
    language: str
    title: str
    body: str

    @property
    def plain(self) -> str:
        """The text without marks, to be pasted anywhere."""
        return as_plain(self.body)

    @property
    def html(self) -> Markup:
        """The same with its headings, lists and tables."""
        return as_html(self.body)


def legal_texts(facts: Mapping[str, object]) -> Sequence[LegalText]:
    """All texts with these facts (`filled_in`) in them; titles are in English, to be translated."""
    return [
        LegalText(name, language, title, render_template(f"legal/{language}/{name}.md", **facts))
        for name, language, title in TEXTS
    ]


def filled_in(
    settings: Settings,
    company: str,
    host: str,
    hosts: Sequence[str],
    *,
    count_visitors: bool,
    click_ids: bool,
    cities: bool,
) -> dict[str, object]:
    """What the texts say of an installation and a workspace.

    `click_ids` says that some link appends them to its destination, `cities` that the country file
    has named the city of some click.
    """
    return {
        "company": company,
        "host": host,
        "hosts": ", ".join(hosts),
        "count_visitors": count_visitors,
        "click_ids": click_ids,
        "cities": cities,
        "spool_days": settings.spool_retention_days,
        "token_days": settings.token_retention_days,
        "click_months": settings.click_retention_months,
        "salt_hours": MOST_HOURS,
    }
