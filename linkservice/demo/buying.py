"""What is bought after the clicks of the story, and how the retailer learns of it.

Where links carry click ids the shop knows which clicks led to a purchase, and reports each one;
for the others the till counts, by day and touchpoint, who shows the voucher. Both come in as
anybody's do (`conversions.recording`, `conversions.counts`), and again only what is new.

A purchase follows from the line of its click and from how well the touchpoint that decides did on
that day, so a story that is told again later begins with the same ones. Days that are not over
have none yet. Not here: how many of whose visitors buy (`journey`).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from statistics import NormalDist

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from linkservice.clicks.calendar import epoch_ms, zone
from linkservice.config import Settings
from linkservice.conversions.click_id import ClickIds
from linkservice.conversions.counts import NewCount, import_counts
from linkservice.conversions.model import Conversion, ConversionCount
from linkservice.conversions.recording import NewConversion, record_conversion
from linkservice.database import Database
from linkservice.demo.journey import LINKS, TOUCHPOINTS
from linkservice.demo.retailer import DECIDING, TIME_ZONE
from linkservice.demo.versions import versions
from linkservice.demo.visitors import ROBOT_ADDRESS
from linkservice.journeys.costs import report_currency
from linkservice.journeys.model import Touchpoint
from linkservice.journeys.reach_table import MOST_ROWS
from linkservice.money import USUAL
from linkservice.workspaces.access import Actor, scoped

SOURCE = "Gutscheine der Kasse"
NAME = "Bestellung"

USUAL_DAYS = 28
"""So many days before tell what the touchpoint that decides has usually."""

FOLLOWS = 0.7
"""Twice its usual visitors let 2^0.7 times as many buy."""

LEAST, MOST = 0.3, 2.5
"""Between these its day is told from a usual one; one visitor more or less may be chance."""

MEAN_HOURS = 6.0
"""Between the click and the purchase."""

LONGEST = timedelta(days=20)
MEDIAN_CENTS, SPREAD, LEAST_CENTS = 7_400, 0.55, 990
"""What is spent: log-normal, with that standard deviation of its logarithm."""

_TOUCHPOINT_OF = {link.slug: TOUCHPOINTS[number] for number, link in LINKS}
_BUYING = {
    link.slug: TOUCHPOINTS[number].buying if link.buying is None else link.buying
    for number, link in LINKS
}
_WITH_IDS = {link.slug for _, link in LINKS if link.click_ids}
_MACHINE = ROBOT_ADDRESS.format("")
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Click:
    """A person's click: slug, moment, who it was ("" where nobody may know), and its lots."""

    slug: str
    at: datetime
    who: str
    lots: bytes


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase after the last of the `clicks`, which have one day; all of them carry click ids,
    or it is a single one without.
    """

    number: str
    day: date
    at: datetime
    cents: int
    clicks: Sequence[Click]

    @property
    def touchpoint(self) -> str:
        """The name of the touchpoint that led to it last."""
        return _TOUCHPOINT_OF[self.clicks[-1].slug].name

    @property
    def reported(self) -> bool:
        """Whether the shop knows its clicks."""
        return self.clicks[-1].slug in _WITH_IDS


def purchases(path: Path, now: datetime) -> Iterator[Purchase]:
    """What was bought until `now` after the clicks in a story's file."""
    before: deque[int] = deque(maxlen=USUAL_DAYS)
    for day, clicks in _days(path, now):
        deciding = sum(_TOUCHPOINT_OF[click.slug].name == DECIDING for click in clicks)
        usual = sum(before) / len(before) if before else 0
        good = min(max(deciding / usual, LEAST), MOST) if usual else 1.0
        before.append(deciding)
        for found in _bought(day, clicks, good**FOLLOWS):
            if found.at <= now:
                yield found


def record_purchases(
    settings: Settings, database: Database, actor: Actor, path: Path, now: datetime
) -> None:
    """Report the purchases of the story so far, and import what the till counted, as far as that
    is not done. Leaves all as it is where somebody chose another currency.
    """
    with database.transaction() as session:
        if report_currency(session, actor) != USUAL:
            return
        found = list(purchases(path, now))
        _report(session, settings, actor, [each for each in found if each.reported], now)
        _import(session, actor, [each for each in found if not each.reported], now)


def _days(path: Path, now: datetime) -> Iterator[tuple[date, list[Click]]]:
    """The clicks of people on each day that is over."""
    today = now.astimezone(zone(TIME_ZONE)).date()
    day, clicks, until = date.min, list[Click](), ""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if _MACHINE in line:
                continue
            told = json.loads(line)
            if told["time"] >= until:
                if clicks:
                    yield day, clicks
                day = datetime.fromisoformat(told["time"]).astimezone(zone(TIME_ZONE)).date()
                if day >= today:
                    return
                clicks, until = [], _midnight_after(day)
            clicks.append(_click(line, told))
    # The last day is over where the link port was quiet since.
    if clicks:
        yield day, clicks


def _click(line: str, told: Mapping[str, str]) -> Click:
    who = f"{told['address']} {told['user_agent']}" if told["address"] else ""
    lots = hashlib.blake2b(line.encode(), digest_size=24).digest()
    return Click(told["slug"], datetime.fromisoformat(told["time"]), who, lots)


def _bought(day: date, clicks: Sequence[Click], good: float) -> Iterator[Purchase]:
    met: defaultdict[str, list[Click]] = defaultdict(list)
    for click in clicks:
        with_id = click.slug in _WITH_IDS and click.who
        if with_id:
            met[click.who].append(click)
        elif click.slug in _WITH_IDS:
            continue  # who asks not to be counted gets no click id
        if _lot(click, 0) < _BUYING[click.slug] * good:
            at = click.at + min(timedelta(hours=-math.log(_lot(click, 1)) * MEAN_HOURS), LONGEST)
            spent = MEDIAN_CENTS * math.exp(SPREAD * _NORMAL.inv_cdf(_lot(click, 2)))
            cents = max(LEAST_CENTS, round(spent / 10) * 10)
            led = tuple(met[click.who]) if with_id else (click,)
            yield Purchase(f"WF-{click.lots[:6].hex()}", day, at, cents, led)


def _lot(click: Click, number: int) -> float:
    """One of three numbers between 0 and 1, without the ends."""
    return (int.from_bytes(click.lots[number * 8 : number * 8 + 6]) + 0.5) / 2**48


def _midnight_after(day: date) -> str:
    """When the local day ends, as the story's file writes it."""
    ends = datetime.combine(day + timedelta(days=1), time(), zone(TIME_ZONE)).astimezone(UTC)
    return ends.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _report(
    session: Session, settings: Settings, actor: Actor, found: Sequence[Purchase], now: datetime
) -> None:
    there = set(session.scalars(scoped(actor, Conversion).with_only_columns(Conversion.event_id)))
    ids = ClickIds(settings.secret_key)
    links = versions(session, actor, _WITH_IDS)
    for each in found:
        carried = [
            ids.make(link.link_id, link.at(moment), moment)
            for click in each.clicks
            if (link := links.get(click.slug)) and (moment := epoch_ms(click.at))
        ]
        if carried and each.number not in there:
            new = NewConversion(
                each.number, carried, occurred_at=each.at, value=each.cents, name=NAME
            )
            record_conversion(session, actor, settings, new, now)


def _import(session: Session, actor: Actor, found: Sequence[Purchase], now: datetime) -> None:
    """The sums of the days after the last one that was imported."""
    ids = {each.name: str(each.id) for each in session.scalars(scoped(actor, Touchpoint))}
    last = session.scalar(
        select(func.max(ConversionCount.local_date)).where(
            ConversionCount.workspace_id == actor.workspace_id, ConversionCount.source == SOURCE
        )
    )
    sums: defaultdict[tuple[date, str], list[int]] = defaultdict(list)
    for each in found:
        if each.touchpoint in ids and (last is None or each.day > last):
            sums[each.day, ids[each.touchpoint]].append(each.cents)
    counts = [NewCount(*key, len(cents), sum(cents)) for key, cents in sorted(sums.items())]
    for first in range(0, len(counts), MOST_ROWS):
        import_counts(session, actor, counts[first : first + MOST_ROWS], SOURCE, now)
