"""The invented retailer's journey: its stages, their touchpoints and links, and how each does.

Not here: how a day's reach and visitors follow from it (`season`), who clicks (`visitors`), and
who of them buys (`buying`).
"""

from __future__ import annotations

from linkservice.demo.retailer import AUTUMN, CHRISTMAS, JUBILEE, SALE, SPRING
from linkservice.demo.story import LinkStory, StageStory, TouchpointStory

_SEARCH = (("www.google.com", 0.86), ("www.bing.com", 0.08), ("duckduckgo.com", 0.06))
_INSTAGRAM = (("l.instagram.com", 0.82), ("l.facebook.com", 0.1))
_SHOP = (("shop.example.com", 0.85), ("www.google.com", 0.06))
_WEBMAIL = (("navigator.gmx.net", 0.07), ("deref-web.de", 0.06), ("mail.google.com", 0.04))

AWARENESS = StageStory(
    "Aufmerksamkeit",
    (
        TouchpointStory(
            *("Suchanzeigen", "ads_online", "digital", "paid", 2300, 0.0116, "views"),
            told="week",
            campaigns=(SPRING, SALE, CHRISTMAS),
            buying=0.036,
            links=(
                LinkStory(
                    *("suche", "Suchanzeigen: Regenkleidung", "regenkleidung"),
                    referrers=_SEARCH,
                    tags=("Bezahlt",),
                    utm=(("source", "google"), ("medium", "cpc")),
                    click_ids=True,
                    buying=0.047,
                ),
                LinkStory(
                    *("gipfel", "Suchanzeigen: Bergtouren", "bergtouren", 0.045),
                    referrers=_SEARCH,
                    click_ids=True,
                    buying=0.5,
                ),
                LinkStory(
                    *("sale", "Suchanzeigen: Sommer-Sale", "sale", 1.4),
                    referrers=_SEARCH,
                    tags=("Bezahlt",),
                    campaign=SALE,
                    utm=(("source", "google"), ("medium", "cpc"), ("campaign", "sommer-sale")),
                    click_ids=True,
                ),
            ),
        ),
        TouchpointStory(
            *("Instagram", "social", "digital", "owned", 1700, 0.0125, "views"),
            told="week",
            campaigns=(SPRING, AUTUMN),
            buying=0.008,
            links=(
                LinkStory(
                    *("insta", "Instagram: Link im Profil", "touren"),
                    referrers=_INSTAGRAM,
                    tags=("Social",),
                    click_ids=True,
                ),
                LinkStory(
                    *("gewinnspiel", "Instagram: Gewinnspiel zum Jubiläum", "gewinnspiel", 0.9),
                    referrers=_INSTAGRAM,
                    tags=("Social",),
                    campaign=JUBILEE,
                    born=70,
                    ends=131,
                    ending="expired",
                    click_ids=True,
                ),
            ),
        ),
        TouchpointStory(
            *("City-Light-Plakate", "poster", "physical", "paid", 8800, 0.0014, "passers_by"),
            told="week",
            rhythm="shop",
            campaigns=(SPRING, AUTUMN, CHRISTMAS),
            target_rate=0.0014,
            buying=0.06,
            links=(
                LinkStory(
                    *("plakat-a", "Plakat A: Gipfel", "herbstjacken", 0.8, 0.93),
                    tags=("Druck", "A/B-Test"),
                    click_ids=True,
                ),
                LinkStory(
                    *("plakat-b", "Plakat B: Regen", "regenjacken", 1.2, 0.93),
                    tags=("Druck", "A/B-Test"),
                    click_ids=True,
                ),
            ),
        ),
        TouchpointStory(
            *("Schaufenster", "shop", "physical", "owned", 3200, 0.00305, "passers_by"),
            told="week",
            rhythm="shop",
            campaigns=(CHRISTMAS,),
            target_rate=0.003,
            buying=0.29,
            links=(
                LinkStory(
                    *("fenster", "Schaufenster: Neuheiten", "neuheiten", 1.0, 0.97),
                    tags=("Druck", "Filiale"),
                    click_ids=True,
                ),
                LinkStory(
                    *("regen", "Schaufenster: Regencape fürs Rad", "regencape", 1.5, 0.97),
                    click_ids=True,
                    buying=0.014,
                ),
                LinkStory(
                    *("advent", "Schaufenster: Adventskalender", "advent", 2.5, 0.97),
                    tags=("Druck", "Filiale"),
                    campaign=CHRISTMAS,
                    click_ids=True,
                ),
            ),
        ),
    ),
    go_on=0.09,
)

CONSIDERATION = StageStory(
    "Überlegung",
    (
        TouchpointStory(
            *("Newsletter", "email", "digital", "owned", 7800, 0.0294, "sent"),
            told="mailing",
            rhythm="mail",
            campaigns=(CHRISTMAS,),
            links=(
                LinkStory(
                    *("news", "Newsletter: Thema der Woche", "magazin"),
                    referrers=_WEBMAIL,
                    tags=("Mail",),
                    utm=(("source", "newsletter"), ("medium", "email")),
                    click_ids=True,
                ),
                LinkStory(
                    *("fruehling", "Newsletter: Frühjahrstouren", "fruehjahr", 1.6),
                    referrers=_WEBMAIL,
                    tags=("Mail",),
                    campaign=SPRING,
                    utm=(("source", "newsletter"), ("medium", "email"), ("campaign", "fruehjahr")),
                    click_ids=True,
                ),
                LinkStory(
                    *("herbst", "Newsletter: Herbst und Regen", "herbst", 1.6),
                    referrers=_WEBMAIL,
                    tags=("Mail",),
                    campaign=AUTUMN,
                    utm=(("source", "newsletter"), ("medium", "email"), ("campaign", "herbst")),
                    click_ids=True,
                ),
            ),
        ),
        TouchpointStory(
            *("Katalog", "ads_print", "physical", "owned", 860, 0.0195, "printed"),
            rhythm="home",
            links=(
                LinkStory(
                    *("katalog", "Katalog: online blättern", "katalog", 1.0, 0.84),
                    tags=("Druck",),
                    born=170,
                ),
                LinkStory(
                    *("katalog-alt", "Katalog der letzten Saison", "katalog-archiv", 1.0, 0.84),
                    tags=("Druck",),
                    ends=178,
                    ending="archived",
                ),
            ),
        ),
        TouchpointStory(
            *("Produktseite", "product_page", "digital", "owned", 1900, 0.0121, "views"),
            told="week",
            links=(
                LinkStory(
                    *("groesse", "Größenberater", "groessenberater"),
                    referrers=_SHOP,
                    tags=("Shop",),
                    moved=((212, "groessenberater-neu"),),
                ),
            ),
        ),
        TouchpointStory(
            *("Beratung in der Filiale", "shop", "human", "owned", 84, 0.124, "contacts"),
            rhythm="shop",
            moment_of_truth=True,
            links=(
                LinkStory(
                    *("beratung", "Karte nach der Beratung", "merkliste", 1.0, 0.96),
                    tags=("Druck", "Filiale"),
                ),
            ),
        ),
    ),
    go_on=0.015,
)

PURCHASE = StageStory(
    "Kauf",
    (
        TouchpointStory(
            *("Kasse im Shop", "checkout", "digital", "owned", 1400, 0.0051, "views"),
            told="week",
            moment_of_truth=True,
            buying=0.18,
            links=(
                LinkStory(
                    *("zahlen", "Hilfe zu Zahlung und Lieferung", "hilfe/zahlung"),
                    referrers=_SHOP,
                    tags=("Shop", "Service"),
                    click_ids=True,
                ),
            ),
        ),
        TouchpointStory(
            *("Warenkorb-Erinnerung", "email", "digital", "owned", 410, 0.0306, "sent"),
            told="week",
            rhythm="mail",
            buying=0.11,
            links=(
                LinkStory(
                    *("warenkorb", "Zurück zum Warenkorb", "warenkorb"),
                    referrers=_WEBMAIL,
                    tags=("Mail",),
                    utm=(("source", "erinnerung"), ("medium", "email")),
                ),
            ),
        ),
        TouchpointStory(
            *("Regalschild", "shop", "physical", "owned", 520, 0.0207, "printed"),
            rhythm="shop",
            links=(
                LinkStory(
                    *("regal", "Regalschild: Test und Vergleich", "vergleich", 1.0, 0.97),
                    tags=("Druck", "Filiale"),
                ),
                LinkStory(
                    *("vorbestellen", "Regalschild: Zelt vorbestellen", "zelt", 0.4, 0.97),
                    tags=("Druck", "Filiale"),
                    born=150,
                    ends=318,
                    ending="paused",
                ),
            ),
        ),
        TouchpointStory(
            *("Live-Chat", "chat", "human", "owned", 62, 0.117, "contacts"),
            rhythm="office",
            buying=0.11,
            links=(
                LinkStory(
                    *("chat", "Vorschlag aus dem Live-Chat", "vorschlag"),
                    tags=("Service",),
                ),
            ),
        ),
    ),
    go_on=0.11,
)

AFTER_PURCHASE = StageStory(
    "Nach dem Kauf",
    (
        TouchpointStory(
            *("Versandmail", "email", "digital", "owned", 590, 0.0295, "sent"),
            told="week",
            rhythm="mail",
            links=(
                LinkStory(
                    *("paket", "Wo ist mein Paket?", "sendung"),
                    referrers=_WEBMAIL,
                    tags=("Mail", "Service"),
                ),
            ),
        ),
        TouchpointStory(
            *("Paketbeilage", "packaging", "physical", "owned", 610, 0.0315, "printed"),
            rhythm="home",
            moment_of_truth=True,
            links=(
                LinkStory(
                    *("danke", "Dankeskarte im Paket", "danke", 1.0, 0.97),
                    tags=("Druck",),
                ),
            ),
        ),
        TouchpointStory(
            *("Rechnung", "invoice", "physical", "owned", 610, 0.0089, "printed"),
            rhythm="home",
            links=(
                LinkStory(
                    *("rechnung", "Rechnung: einfach bezahlen", "bezahlen", 1.0, 0.9),
                    tags=("Druck", "Service"),
                ),
            ),
        ),
        TouchpointStory(
            *("Pflegeetikett", "packaging", "physical", "owned", 540, 0.0199, "printed"),
            rhythm="home",
            links=(
                LinkStory(
                    *("pflege", "Pflege und Reparatur", "pflege", 1.0, 0.95),
                    tags=("Druck", "Service"),
                    moved=((96, "pflege/anleitungen"), (241, "pflege-und-reparatur")),
                ),
            ),
        ),
        TouchpointStory(
            *("Bewertungsbitte", "email", "digital", "owned", 400, 0.0305, "sent"),
            told="week",
            rhythm="mail",
            links=(
                LinkStory(
                    *("meinung", "Wie zufrieden sind Sie?", "bewerten"),
                    referrers=_WEBMAIL,
                    tags=("Mail",),
                ),
            ),
        ),
    ),
    go_on=0.08,
)

SERVICE = StageStory(
    "Service und Empfehlung",
    (
        TouchpointStory(
            *("Häufige Fragen", "faq", "digital", "owned", 1050, 0.0190, "views"),
            told="week",
            moment_of_truth=True,
            links=(
                LinkStory(
                    *("hilfe", "Häufige Fragen", "hilfe"),
                    referrers=(("www.google.com", 0.48), ("shop.example.com", 0.3)),
                    tags=("Service",),
                ),
            ),
        ),
        TouchpointStory(
            *("Telefonservice", "phone", "human", "owned", 72, 0.1195, "contacts"),
            rhythm="office",
            links=(
                LinkStory(
                    *("rueckruf", "SMS nach dem Gespräch", "rueckruf"),
                    tags=("Service",),
                ),
            ),
        ),
        TouchpointStory(
            *("Antwort des Kundendienstes", "helpdesk", "human", "owned", 80, 0.1225, "contacts"),
            rhythm="office",
            moment_of_truth=True,
            links=(
                LinkStory(
                    *("antwort", "Antwort des Kundendienstes", "hilfe/kontakt"),
                    referrers=_WEBMAIL,
                    tags=("Mail", "Service"),
                ),
            ),
        ),
        TouchpointStory(
            *("Chatbot", "chat", "digital", "owned", 17, 0.0120, "views"),
            told="week",
            last_days=12,
            links=(
                LinkStory(
                    *("bot", "Chatbot (Probebetrieb)", "bot"),
                    referrers=_SHOP,
                    tags=("Service",),
                ),
            ),
        ),
        TouchpointStory(
            *("Freunde werben", "review", "human", "earned", 50, 0.12, None),
            links=(
                LinkStory(
                    *("freunde", "Freunde werben Freunde", "freunde"),
                    referrers=(("l.facebook.com", 0.1),),
                    tags=("Social",),
                ),
            ),
        ),
    ),
)

STAGES = (AWARENESS, CONSIDERATION, PURCHASE, AFTER_PURCHASE, SERVICE)
TOUCHPOINTS = tuple(touchpoint for stage in STAGES for touchpoint in stage.touchpoints)

LINKS = tuple(
    (number, link) for number, touchpoint in enumerate(TOUCHPOINTS) for link in touchpoint.links
)
"""Every link with the number of its touchpoint."""

STAGE_OF = tuple(number for number, stage in enumerate(STAGES) for _ in stage.touchpoints)
"""The number of each touchpoint's stage."""
