"""What the retailer's people spend, and when they enter it: month by month, and by campaign.

Some touchpoints have no cost, since nobody ever asked for it: the report says so. Not here: who
enters it (`furnish`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias

from linkservice.clicks.calendar import epoch_ms, local_day
from linkservice.demo import retailer, season
from linkservice.demo.reaching import moment_of
from linkservice.demo.retailer import TIME_ZONE
from linkservice.journeys.costs import NewCost
from linkservice.money import USUAL

MONTHLY = {
    "Suchanzeigen": 96_000,
    "City-Light-Plakate": 148_000,
    "Schaufenster": 22_000,
    "Newsletter": 31_000,
    "Katalog": 57_500,
    "Regalschild": 6_500,
    "Warenkorb-Erinnerung": 4_900,
    "Paketbeilage": 18_300,
    "Pflegeetikett": 9_700,
    "Versandmail": 0,
    "Rechnung": 0,
}
"""Cents a month by touchpoint; 0 where somebody found that it costs nothing."""

BUDGETS = {
    retailer.SPRING: 240_000,
    retailer.SALE: 185_000,
    retailer.AUTUMN: 210_000,
    retailer.CHRISTMAS: 390_000,
}
"""Cents a season: pictures, texts, agency."""

Thing: TypeAlias = tuple[Literal["touchpoint", "campaign"], str]
"""What money is spent on, by its name."""

_ENTERED_AT = 10
"""O'clock, on the first day."""

Spent: TypeAlias = tuple[datetime, Thing, NewCost]
"""When it is entered, for what, and the entry."""


def missing_costs(begun: date, now: datetime, until: Mapping[Thing, date]) -> list[Spent]:
    """The entries that are lacking, in the order they are made; `until` is the last day of what
    is entered for each thing.
    """
    today = local_day(epoch_ms(now), TIME_ZONE)[0]
    spans: list[tuple[Thing, int, date, date]] = [
        (("touchpoint", name), cents, *days)
        for name, cents in MONTHLY.items()
        for days in _months(begun, today)
    ]
    for campaign in retailer.CAMPAIGNS:
        for year in range(begun.year, today.year + 1):
            days = season.campaign_days(campaign, year)
            if days is not None and begun <= days[0] <= today:
                spans.append((("campaign", campaign.name), BUDGETS[campaign.name], *days))
    found = [
        (min(now, moment_of(first, _ENTERED_AT)), thing, NewCost(first, cents, USUAL, last))
        for thing, cents, first, last in spans
        if first > until.get(thing, date.min)
    ]
    return sorted(found, key=lambda each: each[0])


def _months(begun: date, today: date) -> list[tuple[date, date]]:
    """The whole months from the first one after `begun` up to that of `today`."""
    found = []
    first = (begun.replace(day=1) + timedelta(days=31)).replace(day=1)
    while first <= today:
        following = (first + timedelta(days=31)).replace(day=1)
        found.append((first, following - timedelta(days=1)))
        first = following
    return found
