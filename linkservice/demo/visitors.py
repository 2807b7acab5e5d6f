"""Who comes: devices, networks, languages; and the robots, previews and scanners among them.

The networks belong to access providers of the countries they stand for; what follows their first
bytes is drawn. Robots come from 203.0.113.0/24, which belongs to nobody (RFC 5737).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


class Drawn(Generic[T]):
    """Things and how often each of them is drawn."""

    def __init__(self, weighted: Sequence[tuple[T, float]]) -> None:
        self.things = [thing for thing, _ in weighted]
        weights = np.cumsum([weight for _, weight in weighted])
        self._limits = weights / weights[-1]

    def draw(self, dice: np.random.Generator, count: int) -> NDArray[np.intp]:
        """Places in `things` of so many draws."""
        return np.searchsorted(self._limits, dice.random(count), side="right")

    def pick(self, dice: np.random.Generator, count: int) -> list[T]:
        """So many of them, drawn."""
        return [self.things[place] for place in self.draw(dice, count).tolist()]


@dataclass(frozen=True, slots=True)
class Network:
    """The addresses `first.low.*.*` to `first.high.*.*`, or those below an IPv6 `first`."""

    country: str
    first: str
    low: int = 0
    high: int = 0

    def address(self, second: int, third: int, fourth: int) -> str:
        """An address in it, from three numbers below 2^16, 2^8 and 2^8."""
        if ":" in self.first:
            return f"{self.first}:{second:x}:{third:x}::{fourth:x}"
        return f"{self.first}.{self.low + second % (self.high - self.low + 1)}.{third}.{fourth}"


_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS {} like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) {}"
)
_ANDROID = "Mozilla/5.0 (Linux; Android {}) AppleWebKit/537.36 (KHTML, like Gecko) {}"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64{}"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {}"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"

PHONES = (
    (_IPHONE.format("18_7", "Version/26.1 Mobile/15E148 Safari/604.1"), 0.33),
    (_IPHONE.format("18_6", "Version/18.6 Mobile/15E148 Safari/604.1"), 0.1),
    (_IPHONE.format("26_1", "CriOS/143.0.7499.92 Mobile/15E148 Safari/604.1"), 0.04),
    (_ANDROID.format("10; K", "Chrome/143.0.0.0 Mobile Safari/537.36"), 0.37),
    (_ANDROID.format("10; K", "SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36"), 0.12),
    ("Mozilla/5.0 (Android 16; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0", 0.04),
)
_DESKS = (
    (_WINDOWS.format(") " + _CHROME), 0.4),
    (_WINDOWS.format(") " + _CHROME + " Edg/143.0.0.0"), 0.2),
    (_WINDOWS.format("; rv:145.0) Gecko/20100101 Firefox/145.0"), 0.12),
    (_MAC.format("AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15"), 0.14),
    (_MAC.format(_CHROME), 0.09),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", 0.05),
)
_TABLETS = (
    (
        "Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/26.1 Mobile/15E148 Safari/604.1",
        0.7,
    ),
    (_ANDROID.format("15; SM-X610", "Chrome/143.0.0.0 Safari/537.36"), 0.3),
)
_IN_APPS = (
    (
        _IPHONE.format(
            "18_7",
            "Mobile/15E148 Instagram 405.0.0.28.79 (iPhone14,5; iOS 18_7; de_DE; de; scale=3.00; "
            "1170x2532; 806540632)",
        ),
        0.55,
    ),
    (
        _ANDROID.format(
            "16; Pixel 9 Build/BP2A.250605.031.A2; wv",
            "Version/4.0 Chrome/142.0.7444.102 Mobile Safari/537.36 Instagram 404.0.0.48.76 "
            "Android (36/16; 420dpi; 1080x2424; Google/google; Pixel 9; tokay; tokay; de_DE)",
        ),
        0.45,
    ),
)


def _mixed(*parts: tuple[Sequence[tuple[str, float]], float]) -> list[tuple[str, float]]:
    return [(agent, weight * share) for agents, share in parts for agent, weight in agents]


SCANNING = Drawn(_mixed((PHONES, 0.98), (_TABLETS, 0.02)))
BROWSING = Drawn(_mixed((PHONES, 0.58), (_DESKS, 0.36), (_TABLETS, 0.06)))
IN_AN_APP = Drawn(_mixed((_IN_APPS, 0.72), (PHONES, 0.25), (_DESKS, 0.03)))

_NETWORKS = (
    *((Network("DE", f"2003:{part}"), 0.05) for part in ("c0", "d4", "e1")),
    (Network("DE", "2a02:8108"), 0.04),
    (Network("DE", "2a02:3030"), 0.04),
    (Network("DE", "2a01:598"), 0.03),
    (Network("DE", "79", 192, 255), 0.1),
    (Network("DE", "84", 128, 191), 0.08),
    (Network("DE", "93", 192, 255), 0.08),
    (Network("DE", "217", 80, 95), 0.05),
    (Network("DE", "80", 128, 147), 0.04),
    (Network("DE", "109", 40, 47), 0.06),
    (Network("DE", "88", 64, 79), 0.04),
    (Network("DE", "95", 88, 91), 0.04),
    (Network("DE", "176", 0, 7), 0.05),
    (Network("DE", "77", 176, 191), 0.05),
    (Network("AT", "80", 108, 110), 0.018),
    (Network("AT", "84", 112, 115), 0.014),
    (Network("AT", "178", 112, 115), 0.012),
    (Network("AT", "2001:871"), 0.008),
    (Network("CH", "178", 192, 199), 0.014),
    (Network("CH", "85", 0, 5), 0.01),
    (Network("CH", "188", 154, 155), 0.006),
    (Network("CH", "2a02:1210"), 0.004),
    (Network("NL", "77", 160, 175), 0.006),
    (Network("FR", "176", 128, 191), 0.004),
    (Network("IT", "79", 0, 63), 0.005),
    (Network("PL", "83", 0, 31), 0.004),
    (Network("BE", "81", 240, 247), 0.003),
    (Network("CZ", "88", 100, 103), 0.002),
    (Network("DK", "2", 104, 111), 0.002),
    (Network("LU", "158", 64, 64), 0.002),
)
_LANGUAGES: dict[str, tuple[tuple[str, float], ...]] = {
    "DE": (
        *(("de-DE", 0.86), ("en-US", 0.04), ("en-GB", 0.02), ("tr-TR", 0.03), ("pl-PL", 0.02)),
        *(("ru-RU", 0.01), ("uk-UA", 0.01), ("ar", 0.01)),
    ),
    "AT": (("de-AT", 0.9), ("en-US", 0.05), ("hr-HR", 0.05)),
    "CH": (("de-CH", 0.78), ("fr-CH", 0.12), ("it-CH", 0.04), ("en-GB", 0.06)),
    "NL": (("nl-NL", 0.8), ("de-DE", 0.2)),
    "FR": (("fr-FR", 0.7), ("de-DE", 0.3)),
    "IT": (("it-IT", 0.5), ("de-DE", 0.5)),
    "PL": (("pl-PL", 0.8), ("de-DE", 0.2)),
    "BE": (("nl-BE", 0.5), ("fr-BE", 0.3), ("de-DE", 0.2)),
    "CZ": (("cs-CZ", 0.8), ("de-DE", 0.2)),
    "DK": (("da-DK", 0.8), ("de-DE", 0.2)),
    "LU": (("fr-LU", 0.5), ("de-LU", 0.5)),
}

HOMES = Drawn(
    [
        ((network, language), weight * share)
        for network, weight in _NETWORKS
        for language, share in _LANGUAGES[network.country]
    ]
)
"""A network together with a language of those who live there."""

ROBOT_ADDRESS = "203.0.113.{}"

_ROBOTS = (
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 0.3),
    (
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; "
        "+http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36",
        0.18,
    ),
    (
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.3; "
        "+https://openai.com/gptbot)",
        0.13,
    ),
    (
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; "
        "+claudebot@anthropic.com)",
        0.09,
    ),
    ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", 0.1),
    ("Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)", 0.07),
    ("Mozilla/5.0 (compatible; Applebot/0.1; +http://www.apple.com/go/applebot)", 0.05),
    ("python-requests/2.32.5", 0.04),
    ("curl/8.14.1", 0.04),
)
_PREVIEWS = (
    ("WhatsApp/2.25.33.76 A", 0.44),
    ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", 0.22),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) "
        "Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
        0.14,
    ),
    ("TelegramBot (like TwitterBot)", 0.1),
    ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", 0.04),
    (
        "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 "
        "skype-url-preview@microsoft.com",
        0.06,
    ),
)
_SCANNERS = (
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Microsoft SafeLinks", 0.45),
    ("Mozilla/5.0 (compatible; BarracudaCentral/1.0)", 0.2),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Proofpoint URL Defense", 0.2),
    ("Mozilla/5.0 (compatible; Hornetsecurity URL scan)", 0.15),
)
_MACHINES: dict[str, tuple[float, float, float]] = {
    "email": (0.01, 0.01, 0.11),
    "helpdesk": (0.01, 0.01, 0.09),
    "social": (0.05, 0.16, 0.0),
    "review": (0.03, 0.3, 0.0),
    "ads_online": (0.09, 0.01, 0.0),
    "product_page": (0.12, 0.03, 0.0),
    "faq": (0.16, 0.03, 0.0),
    "checkout": (0.03, 0.01, 0.0),
}
_FEW_MACHINES = (0.02, 0.02, 0.0)


@dataclass(frozen=True, slots=True)
class Machines:
    """The robots, previews and mail scanners of a channel: who they are, and how many of them
    there are for each visitor.
    """

    agents: Drawn[str]
    per_visitor: float


def machines(channel: str) -> Machines:
    """Those that ask for links of this channel."""
    kinds = zip(_MACHINES.get(channel, _FEW_MACHINES), (_ROBOTS, _PREVIEWS, _SCANNERS), strict=True)
    parts = [(agents, share) for share, agents in kinds]
    return Machines(Drawn(_mixed(*parts)), sum(share for _, share in parts))
