"""UTM parameters from what is known of a link: its touchpoint, campaign and title.

Source and medium follow the words of web analytics (`email`, `social`, `cpc`, `referral`), so
that its channels fill by themselves; what is printed or said has the medium `offline`. Not
here: how they are merged into a destination (`destination.merge_utm`).
"""

from __future__ import annotations

from urllib.parse import unquote_plus

from linkservice.journeys.model import Campaign, Touchpoint
from linkservice.links.destination import UTM_MAX, UTM_NAMES
from linkservice.links.naming import slugify

# Channel → source and medium. A channel that is not here is its own source.
_OF_CHANNEL = {
    "email": ("newsletter", "email"),
    "ads_online": ("ads", "cpc"),
    "ads_print": ("print-ad", "offline"),
    "review": ("review", "referral"),
    "chat": ("chat", "service"),
    "helpdesk": ("helpdesk", "service"),
    "app": ("app", "app"),
}
_OF_KIND = {"physical": "offline", "human": "offline"}
_OF_MEDIUM = {"paid": "cpc", "owned": "website", "earned": "referral"}


def suggest_utm(
    touchpoint: Touchpoint | None, campaign: Campaign | None, title: str = ""
) -> dict[str, str]:
    """Values for the fields of `UTM_NAMES` that can be filled.

    `content` is the touchpoint; without one, the title.
    """
    source, medium = _channel(touchpoint) if touchpoint is not None else ("", "")
    filled = {
        "source": source,
        "medium": medium,
        "campaign": slugify(campaign.name, UTM_MAX) if campaign is not None else "",
        "content": slugify(title if touchpoint is None else touchpoint.name, UTM_MAX),
    }
    return {name: value for name, value in filled.items() if value}


def utm_of(destination: str) -> dict[str, str]:
    """The UTM fields a stored destination has already; of a repeated one the first."""
    found: dict[str, str] = {}
    query = destination.partition("#")[0].partition("?")[2]
    for piece in query.split("&"):
        name, _, value = map(unquote_plus, piece.partition("="))
        field = name.removeprefix("utm_")
        if field != name and field in UTM_NAMES:
            found.setdefault(field, value)
    return found


def _channel(touchpoint: Touchpoint) -> tuple[str, str]:
    channel = touchpoint.channel
    if channel == "social":
        return "social", "paid_social" if touchpoint.medium == "paid" else "social"
    if channel in _OF_CHANNEL:
        return _OF_CHANNEL[channel]
    medium = _OF_KIND.get(touchpoint.kind) or _OF_MEDIUM[touchpoint.medium]
    return slugify(channel, UTM_MAX), medium
