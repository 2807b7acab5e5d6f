"""The demo: an invented German retailer, its journey, and two months of plausible clicks.

The clicks are written as a file for `clicks import`, so they take the same way as all
others. Two touchpoints do clearly better than comparable ones and two worse; the report must
find these four and no other. Not here: importing and serving (the command line).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from linkservice.clicks.calendar import zone
from linkservice.config import Settings
from linkservice.errors import NotFound
from linkservice.journeys.manage import JourneyMap, create_journey
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.links.domains import first_domain
from linkservice.links.manage import NewLink, create_link
from linkservice.links.model import Link
from linkservice.workspaces.access import Actor, operator, scoped
from linkservice.workspaces.accounts import create_workspace, first_workspace
from linkservice.workspaces.model import Workspace

DAYS = 60
SEED = 20261122

COME_AGAIN = 0.08
"""Share of visitors who click a second time on the same day."""

ROBOTS = 0.05
"""Requests of robots and previews for each click of a person."""


@dataclass(frozen=True, slots=True)
class Place:
    """A touchpoint of the template that has a link: its reach in two months, and how many of
    these become visitors; `scans` is the share that comes through the QR code.
    """

    touchpoint: str
    slug: str
    unit: str
    reach: int
    rate: float
    scans: float = 0.0
    referrer: str = ""


PLACES = (
    Place("Online-Werbung", "herbst", "views", 120_000, 0.0120, referrer="www.google.com"),
    Place("Social Media", "insta", "views", 90_000, 0.0123, referrer="l.instagram.com"),
    Place("Ratgeber und Videos", "pflegetipps", "views", 60_000, 0.0121, 0.1, "www.youtube.com"),
    Place("Website", "neuheiten", "views", 80_000, 0.0122),
    Place("Plakate und Anzeigen", "plakat", "printed", 40_000, 0.0200, 0.9),
    Place("Katalog", "katalog", "printed", 40_000, 0.0200, 0.8),
    Place("Verkaufsgespräch", "karte", "printed", 25_000, 0.0205, 0.95),
    Place("Produktseite", "groessenberater", "views", 70_000, 0.0121),
    Place("Kasse", "kasse-hilfe", "views", 60_000, 0.0062),
    Place("Beratung beim Kauf", "beratung", "printed", 25_000, 0.0200, 0.95),
    Place("Bezahlarten", "rechnungskauf", "views", 50_000, 0.0118),
    Place("Filiale", "filiale", "printed", 30_000, 0.0205, 0.95),
    Place("Folge-E-Mail", "danke", "sent", 30_000, 0.0310),
    Place("Versandbenachrichtigung", "paket", "sent", 30_000, 0.0305),
    Place("Paketbeilage", "beilage", "printed", 30_000, 0.0350, 0.97),
    Place("Kundenbetreuung", "hilfe", "printed", 25_000, 0.0195, 0.9),
    Place("Zufriedenheitsumfrage", "umfrage", "sent", 30_000, 0.0300),
    Place("Rechnung", "rechnung", "printed", 30_000, 0.0105, 0.9),
    Place("E-Mail-Service", "antwort", "sent", 25_000, 0.0305),
    Place("Häufige Fragen", "fragen", "views", 60_000, 0.0205),
    Place("Chatbot", "chatbot", "views", 300, 0.0100),
    Place("Service-App", "app-laden", "views", 50_000, 0.0122),
)
"""The pack insert and the answers to questions are strong, the checkout's help and the invoice
weak; of the chatbot it is too early to say."""

# Monday to Sunday, and 0 to 23 o'clock: the evening is when people shop.
_WEEKDAYS = np.array([1.05, 1.0, 0.95, 1.0, 0.95, 0.9, 1.15])
_HOURS = np.array(
    [2, 1, 1, 1, 1, 2, 5, 9, 12, 13, 14, 14, 16, 14, 12, 12, 14, 17, 20, 24, 26, 22, 13, 6]
)

_PERSONS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8a) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Mobile/15E148 Safari/604.1",
)
_OTHERS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "WhatsApp/2.23.20.0",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
)
# First bytes of networks of access providers; what follows is drawn.
_NETWORKS = ("84.150", "79.200", "91.10", "93.220", "217.80", "188.96", "80.110", "178.198")
_LANGUAGES = ("de-DE", "de-DE", "de-DE", "de-DE", "de", "de", "de-AT", "en", "en-GB", "tr")


def furnish(session: Session, settings: Settings, now: datetime) -> tuple[Workspace, Actor]:
    """The demo's workspace, made with journey, reach and links if there is none yet."""
    try:
        workspace = first_workspace(session)
    except NotFound:
        begun = now - timedelta(days=DAYS)
        workspace = create_workspace(session, begun, name="Morgenrot Versand")
        first_domain(session, workspace, settings, begun)
        _make_journey(session, settings, workspace, now)
    return workspace, operator(workspace)


def write_clicks(session: Session, actor: Actor, path: Path, now: datetime) -> None:
    """Write two months of clicks up to `now` as JSON lines, the same for the same day."""
    time_zone = session.get_one(Workspace, actor.workspace_id).time_zone
    slugs = set(session.scalars(scoped(actor, Link).with_only_columns(Link.slug)))
    dice = np.random.default_rng(SEED)
    lines = [
        line
        for place in PLACES
        if place.slug in slugs
        for day in _days(now, time_zone)
        for line in _of_day(dice, place, day, time_zone)
        if line["time"] < now.astimezone(UTC).isoformat()
    ]
    lines.sort(key=lambda line: line["time"])
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    temporary.replace(path)


def _make_journey(
    session: Session, settings: Settings, workspace: Workspace, now: datetime
) -> None:
    actor, begun = operator(workspace), now - timedelta(days=DAYS)
    made = create_journey(session, actor, "Online-Einkauf", begun, template="standard", locale="de")
    touchpoint_ids = _by_name(made)
    days = _days(now, workspace.time_zone)
    for place in PLACES:
        touchpoint_id = touchpoint_ids[place.touchpoint]
        reach = NewReach(days[0], place.reach, place.unit, days[-1])
        add_reach(session, actor, touchpoint_id, reach)
        new = NewLink(
            f"https://example.com/{place.slug}",
            slug=place.slug,
            title=place.touchpoint,
            touchpoint_id=touchpoint_id,
            tags=("Herbst",),
        )
        create_link(session, actor, settings, new, begun)


def _by_name(made: JourneyMap) -> Mapping[str, str]:
    return {
        touchpoint.name: str(touchpoint.id)
        for _, touchpoints in made.stages
        for touchpoint in touchpoints
    }


def _days(now: datetime, time_zone: str) -> list[date]:
    """The last `DAYS` local days, today included."""
    today = now.astimezone(zone(time_zone)).date()
    return [today - timedelta(days=DAYS - 1 - number) for number in range(DAYS)]


def _of_day(
    dice: np.random.Generator, place: Place, day: date, time_zone: str
) -> Iterator[dict[str, str]]:
    """The lines of one link and day: visitors, some of them twice, robots and previews."""
    weather = dice.gamma(40, 1 / 40)  # days differ by more than chance
    expected = place.reach / DAYS * place.rate * _WEEKDAYS[day.weekday()] * weather
    for _ in range(dice.poisson(expected)):
        line = _click(dice, place, _moment(dice, day, time_zone))
        yield line
        if dice.random() < COME_AGAIN:
            later = datetime.fromisoformat(line["time"]) + timedelta(minutes=int(dice.integers(40)))
            yield {**line, "time": later.isoformat()}
    for _ in range(dice.poisson(expected * ROBOTS)):
        line = _click(dice, place, _moment(dice, day, time_zone))
        yield {**line, "user_agent": str(dice.choice(_OTHERS)), "source": "click"}


def _moment(dice: np.random.Generator, day: date, time_zone: str) -> str:
    hour = int(dice.choice(24, p=_HOURS / _HOURS.sum()))
    minute, second = (int(number) for number in dice.integers(60, size=2))
    local = datetime.combine(day, time(hour, minute, second), zone(time_zone))
    return local.astimezone(UTC).isoformat()


def _click(dice: np.random.Generator, place: Place, moment: str) -> dict[str, str]:
    third, fourth = (int(number) for number in dice.integers(1, 255, size=2))
    scan = dice.random() < place.scans
    return {
        "time": moment,
        "slug": place.slug,
        "source": "scan" if scan else "click",
        "user_agent": str(dice.choice(_PERSONS[:3] if scan else _PERSONS)),
        "address": f"{dice.choice(_NETWORKS)}.{third}.{fourth}",
        "referrer": "" if scan else place.referrer,
        "language": str(
            dice.choice(("de-DE", "de", "de-AT", "en", "tr"), p=(0.6, 0.2, 0.08, 0.09, 0.03))
        ),
    }
