"""How a letter looks, in a mail program and on the page that previews it.

Decided here: the looks, and how an element gets one. HTML of a letter carries its looks in every
element, since mail programs know no style sheets, and loads nothing: no picture, no font, nothing
that tells that or where it was opened. Not here: what a letter says (`letters`).
"""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

LOOKS: Mapping[str, str] = {
    "page": "margin:0;padding:24px 12px;background:#f4f5f6",
    "letter": "max-width:600px;margin:0 auto;padding:24px;background:#ffffff;color:#1b1d20;"
    "border:1px solid #dddfe2;border-radius:8px;font:16px/1.5 system-ui,-apple-system,"
    "'Segoe UI',Roboto,Arial,sans-serif",
    "workspace": "margin:0 0 4px;font-size:14px;color:#585d64",
    "title": "margin:0 0 16px;font-size:24px;line-height:1.25;font-weight:600;color:#1b1d20",
    "head": "margin:32px 0 8px;font-size:18px;line-height:1.3;font-weight:600;color:#1b1d20",
    "figures": "width:100%;border-collapse:collapse;margin:0 0 8px",
    "term": "padding:8px 8px 8px 0;border-bottom:1px solid #dddfe2;text-align:left;"
    "font-weight:400;color:#1b1d20",
    "value": "padding:8px;border-bottom:1px solid #dddfe2;text-align:right;font-size:18px;"
    "font-weight:600;font-variant-numeric:tabular-nums;color:#1b1d20",
    "beside": "padding:8px 0 8px 8px;border-bottom:1px solid #dddfe2;font-size:14px;color:#585d64",
    "text": "margin:0 0 8px;color:#1b1d20",
    "item": "margin:0 0 12px;color:#1b1d20",
    "note": "margin:0 0 8px;font-size:14px;color:#585d64",
    "unbroken": "white-space:nowrap",
    "best": "color:#0b57a4;font-weight:600",
    "worst": "color:#a83c00;font-weight:600",
    "link": "color:#0b57a4",
    "button": "display:inline-block;margin:16px 16px 0 0;padding:10px 16px;border-radius:6px;"
    "background:#1b1d20;color:#ffffff;text-decoration:none;font-weight:600",
    "foot": "margin:32px 0 0;padding:16px 0 0;border-top:1px solid #dddfe2;font-size:14px;"
    "color:#585d64",
}
"""How each part looks, on white, with contrast enough; verdicts have a sign and a word, too."""


def inline_look(name: str) -> Markup:
    """The attribute that makes an element of a letter look so."""
    return Markup('style="%s"') % LOOKS[name]


def class_look(name: str) -> Markup:
    """As `inline_look`, for a page that has `style_sheet`: its policy forbids the other."""
    return Markup('class="letter-%s"') % name


def style_sheet() -> Markup:
    """The looks as rules, of as much weight as it takes to win over those of the page."""
    rules = "".join(
        f".letter-page .letter-{name},.letter-page.letter-{name}{{{look}}}"
        for name, look in LOOKS.items()
    )
    return Markup(rules)  # noqa: S704 - ours
