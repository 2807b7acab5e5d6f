"""How many come on which day: the year, the week and its public holidays, campaigns, growth, and
what follows a mailing.

All arrays have one row per touchpoint (or link) of the retailer and one column per day. What a
past day had never changes, whenever it is asked for: each week has dice of its own.

Not here: chance from day to day, the hour, and who comes (`clicks`, `visitors`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from linkservice.demo.journey import LINKS, TOUCHPOINTS
from linkservice.demo.retailer import CAMPAIGNS, HOLIDAYS
from linkservice.demo.story import CampaignStory, LinkStory, Rhythm, TouchpointStory
from linkservice.workspaces.public_holidays import SUNDAY, free_days

Floats: TypeAlias = NDArray[np.float64]

SEED = 20261122
DAYS = 365
"""The story begins so many days before it is first told, that day included."""

GROWTH = 0.25
"""The year's growth of everything."""

CAMPAIGN_LIFT = 1.4
BLACK_WEEK_LIFT = 1.4
AFTER_CHRISTMAS = 0.72
"""Between Christmas Eve and Epiphany."""

WEATHER, SCATTER = 0.12, 0.05
"""By how much a week may differ from the plan: for all alike, and for each touchpoint."""

AFTER_A_MAILING = (0.52, 0.24, 0.1, 0.06, 0.04, 0.03, 0.01)
"""Who answers on the day itself, the next, and so on."""

MAILING_DAY = 3
"""Thursday."""

LATE_SCANS = 0.05
"""What is left of an archived link's weight, and of a campaign's for a month afterwards."""

LATE_DAYS = 30

# From January, in the middle of each month.
_MONTHS = (0.86, 0.86, 0.97, 1.05, 1.07, 1.0, 0.93, 0.88, 0.99, 1.08, 1.15, 1.2)
_MIDDLES = tuple(30.44 * month + 15.2 for month in range(12))

# Monday to Sunday. Shops are closed on Sundays, which a code in the window does not know.
_WEEKDAYS: dict[Rhythm, tuple[float, ...]] = {
    "online": (1.06, 0.98, 0.95, 0.97, 0.92, 0.94, 1.18),
    "shop": (0.92, 0.95, 0.98, 1.05, 1.2, 1.65, 0.25),
    "office": (1.32, 1.22, 1.16, 1.14, 1.04, 0.72, 0.4),
    "mail": (1.06, 1.08, 1.04, 1.08, 0.98, 0.84, 0.92),
    "home": (0.92, 1.1, 1.1, 1.08, 1.1, 1.18, 0.52),
}


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive days of a story that began on `begun` and was first told `DAYS` later."""

    begun: date
    first: date
    last: date

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The days of the story, from 0."""
        start = (self.first - self.begun).days
        return np.arange(start, start + (self.last - self.first).days + 1)


def reach(span: Span) -> Floats:
    """The daily reach of each touchpoint; of one without a unit, the reach nobody counts."""
    days, numbers = span.days, span.numbers
    common = _of_the_year(days) * (1.0 + GROWTH) ** (numbers / DAYS - 0.5)
    rows = [
        touchpoint.daily * common * _lift(touchpoint, days) * _told_on(touchpoint, days, numbers)
        for touchpoint in TOUCHPOINTS
    ]
    return np.array(rows) * _scatter(days)


def visitors(span: Span) -> Floats:
    """How many visitors each touchpoint expects on each day."""
    before = len(AFTER_A_MAILING) - 1
    earlier = Span(span.begun, span.first - timedelta(days=before), span.last)
    reached = reach(earlier)
    weekdays = _weekdays(span)
    rows = []
    for touchpoint, row in zip(TOUCHPOINTS, reached, strict=True):
        if touchpoint.told == "mailing":
            answered = np.convolve(row, AFTER_A_MAILING)[before : len(row)]
        else:
            week = np.array(_WEEKDAYS[touchpoint.rhythm])
            answered = row[before:] * (week / week.mean())[weekdays]
        rows.append(answered * touchpoint.rate)
    return np.array(rows)


def shares(span: Span) -> Floats:
    """The share of each link in the visitors of its touchpoint, by day; 0 where it is not live."""
    weights = np.array([_weight(link, span) for _, link in LINKS])
    owners = np.array([number for number, _ in LINKS])
    sums = np.zeros((len(TOUCHPOINTS), weights.shape[1]))
    np.add.at(sums, owners, weights)
    return np.asarray(weights / sums[owners])


def campaign_days(campaign: CampaignStory, year: int) -> tuple[date, date] | None:
    """Its first and last day in that year; None for one without a season."""
    if campaign.first is None or campaign.last is None:
        return None
    return date(year, *campaign.first), date(year, *campaign.last)


def mailing(day: date) -> bool:
    """Whether the newsletter goes out on that day."""
    return day.weekday() == MAILING_DAY


def exists_from(touchpoint: TouchpointStory) -> int:
    """The day of the story on which it is opened."""
    return 0 if touchpoint.last_days is None else DAYS - touchpoint.last_days


def _of_the_year(days: Sequence[date]) -> Floats:
    number = np.array([day.timetuple().tm_yday for day in days])
    factor = np.interp(number, _MIDDLES, _MONTHS, period=365.25)
    for place, day in enumerate(days):
        friday = date(day.year, 11, 29) - timedelta(days=(date(day.year, 11, 29).weekday() - 4) % 7)
        if friday - timedelta(days=4) <= day <= friday + timedelta(days=3):
            factor[place] *= BLACK_WEEK_LIFT
        if (day.month, day.day) >= (12, 24) or (day.month, day.day) <= (1, 6):
            factor[place] *= AFTER_CHRISTMAS
    return np.asarray(factor)


def _weekdays(span: Span) -> list[int]:
    """The weekday of each day, or Sunday where it is a public holiday."""
    free = free_days(HOLIDAYS, span.first, span.last)
    closed = {each.date for each in free if each.reason == "public_holiday"}
    return [SUNDAY if day in closed else day.weekday() for day in span.days]


def _lift(touchpoint: TouchpointStory, days: Sequence[date]) -> Floats:
    running = [each for each in CAMPAIGNS if each.name in touchpoint.campaigns]
    return np.array([CAMPAIGN_LIFT if _runs(running, day) else 1.0 for day in days])


def _runs(campaigns: Sequence[CampaignStory], day: date) -> bool:
    seasons = (campaign_days(each, day.year) for each in campaigns)
    return any(season is not None and season[0] <= day <= season[1] for season in seasons)


def _told_on(
    touchpoint: TouchpointStory, days: Sequence[date], numbers: NDArray[np.int64]
) -> Floats:
    """1.0 on the days it reaches anybody."""
    open_ = numbers >= exists_from(touchpoint)
    if touchpoint.told == "mailing":
        open_ &= np.array([mailing(day) for day in days])
    return open_.astype(np.float64)


def _scatter(days: Sequence[date]) -> Floats:
    columns = {}
    for day in days:
        monday = day - timedelta(days=day.weekday())
        if monday not in columns:
            dice = np.random.default_rng((SEED, 1, monday.toordinal()))
            weather = 1.0 + dice.uniform(-WEATHER, WEATHER)
            columns[monday] = weather * (1.0 + dice.uniform(-SCATTER, SCATTER, len(TOUCHPOINTS)))
    return np.array([columns[day - timedelta(days=day.weekday())] for day in days]).T


def _weight(link: LinkStory, span: Span) -> Floats:
    # Before the story began it was as on its first day.
    numbers = np.maximum(span.numbers, 0)
    weight = np.full(len(numbers), link.weight)
    campaign = next((each for each in CAMPAIGNS if each.name == link.campaign), None)
    if campaign is not None and campaign.first is not None:
        weight *= [_in_season(campaign, day) for day in span.days]
    weight[numbers < link.born] = 0.0
    if link.ends is not None:
        weight[numbers >= link.ends] *= LATE_SCANS if link.ending == "archived" else 0.0
    return weight


def _in_season(campaign: CampaignStory, day: date) -> float:
    """1 while it runs, little for a month afterwards, else nothing."""
    for year in (day.year, day.year - 1):
        season = campaign_days(campaign, year)
        if season is not None and season[0] <= day:
            past = (day - season[1]).days
            return 1.0 if past <= 0 else LATE_SCANS * (past <= LATE_DAYS)
    return 0.0
