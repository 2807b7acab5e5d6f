"""The invented retailer: its people, campaigns and personas, and what is true of its journey.

Every name is made up, and every destination lies on example.com, which is kept free for such use.
Touchpoints of one unit of reach do about equally well, but for four: the pack insert and the
frequent questions are truly strong, the checkout and the invoice truly weak. The chatbot is too
young to be judged, and nobody counts whom the recommendations reach.

What is bought tells another story. Instagram brings many who look and hardly any who buy, the shop
window few, of whom many buy. And the help at the checkout, which so few find, decides: who finds it
buys, and on its good days more is bought everywhere. So that is what to strengthen first. Of the
shop window's clicks more lead to a purchase than of those of the search ads; of either persona's
fewer do, which the figures of both together hide.

Not here: the journey itself (`journey`).
"""

from __future__ import annotations

from linkservice.demo.story import CampaignStory

NAME = "Wetterfink"
BRAND_COLOUR = "#14594f"
TIME_ZONE = "Europe/Berlin"
HOLIDAYS = "DE-BY"
"""Its shops are closed on the public holidays of Bavaria."""

JOURNEY = "Einkauf bei Wetterfink"
SHOP = "https://example.com"

OWNER = "demo@example.com"
EDITOR = "jana.feld@example.com"
VIEWER = "paul.kern@example.com"

SPRING, SALE, AUTUMN, CHRISTMAS = "Frühjahr", "Sommer-Sale", "Herbst", "Weihnachten"
JUBILEE = "20 Jahre Wetterfink"

CAMPAIGNS = (
    CampaignStory(SPRING, (3, 10), (5, 10)),
    CampaignStory(SALE, (7, 1), (8, 5)),
    CampaignStory(AUTUMN, (9, 10), (10, 25)),
    CampaignStory(CHRISTMAS, (11, 16), (12, 23)),
    CampaignStory(JUBILEE),
)

PERSONAS = {
    "Bergwanderin, 34": (
        *("gipfel", "plakat-a", "insta", "fenster", "advent", "news", "fruehling", "herbst"),
        *("katalog", "katalog-alt", "danke"),
    ),
    "Stadtpendler, 52": (
        *("suche", "sale", "plakat-b", "gewinnspiel", "regen", "regal", "vorbestellen"),
    ),
}
"""Whom links are made for, by slug; the others are for everybody. Where the till counts, all links
of a touchpoint are for one persona, or nobody could tell who bought.
"""

TURNED_AROUND = ("Schaufenster", "Suchanzeigen")
"""The first leads to more conversions per click, the second with either persona: half of those who
stop at the first are the one who buys more everywhere, of the second's hardly any. Of the other
enough stop at the first to tell.
"""

WEAKEST = ("Überlegung", "Kauf")
"""Between these most customers are lost."""

BEST = ("Paketbeilage", "Häufige Fragen")
WORST = ("Kasse im Shop", "Rechnung")
TOO_EARLY = "Chatbot"
NO_REACH = "Freunde werben"

BUYERS = ("Schaufenster", "Kasse im Shop")
"""Of their visitors more buy than of comparable ones; of those of `LOOKERS` fewer."""

LOOKERS = ("Instagram", "Regalschild")
DECIDING = "Kasse im Shop"
"""On days on which it has more visitors, those of all touchpoints buy more."""
