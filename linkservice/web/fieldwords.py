"""What enumerated values are called on pages."""

from __future__ import annotations

from linkservice.reports import signs
from linkservice.web.i18n import N_

SCOPES = {
    "links:read": N_("Read links"),
    "links:write": N_("Make and change links"),
    "journeys:read": N_("Read journeys"),
    "journeys:write": N_("Make and change journeys and reach"),
    "reports:read": N_("Read reports"),
    "reports:share": N_("Share reports by a link"),
    "conversions:write": N_("Report conversions"),
    "admin": N_("Everything, members and settings too"),
}

KINDS = {"digital": N_("digital"), "human": N_("human"), "physical": N_("physical")}
MEDIA = {"paid": N_("paid"), "owned": N_("owned"), "earned": N_("earned")}

UNITS = {
    "sent": N_("sent"),
    "printed": N_("printed"),
    "passers_by": N_("passers-by"),
    "contacts": N_("contacts"),
    "views": N_("views"),
}

CHANNELS = {
    "email": N_("E-mail"),
    "social": N_("Social media"),
    "ads_online": N_("Online ads"),
    "ads_print": N_("Print ads"),
    "poster": N_("Poster"),
    "flyer": N_("Flyer"),
    "packaging": N_("Packaging"),
    "shop": N_("Shop"),
    "product_page": N_("Product page"),
    "checkout": N_("Checkout"),
    "invoice": N_("Invoice"),
    "phone": N_("Phone"),
    "chat": N_("Chat"),
    "helpdesk": N_("Help desk"),
    "faq": N_("FAQ"),
    "app": N_("App"),
    "event": N_("Event"),
    "review": N_("Reviews"),
    "other": N_("Other"),
}
"""A channel is free text: one of one's own is shown as it is."""

VERDICTS = {
    "best": N_("best"),
    "worst": N_("worst"),
    "as_expected": N_("as expected"),
    "too_early": N_("too early to say"),
    "no_reach": N_("reach missing"),
    "no_peers": N_("no peers"),
}

TOO_SMALL = N_("difference too small")
"""What is said in place of "too_early" where nothing that can be had would prove it."""

_SIGNS = {"best": signs.UP, "worst": signs.DOWN, "as_expected": signs.ROUND}


def signed(verdict: str, word: str) -> str:
    """The word of a verdict behind its sign, for paper."""
    return f"{_SIGNS[verdict]} {word}" if verdict in _SIGNS else word
