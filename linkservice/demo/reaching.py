"""How the retailer's people enter reach: which sums, over which days, and when.

A day's reach is known when the day is over; only a mailing's is known as it goes out, which is in
the night. Not here: how much it is (`season`), and who enters it (`furnish`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from linkservice.clicks.calendar import epoch_ms, local_day, zone
from linkservice.demo import season
from linkservice.demo.journey import TOUCHPOINTS
from linkservice.demo.retailer import TIME_ZONE
from linkservice.demo.season import Floats, Span
from linkservice.demo.story import TouchpointStory
from linkservice.journeys.reach import NewReach

_ROUNDED = {"printed": 10, "passers_by": 100}
"""Print runs and estimates are round numbers."""

_ENTERED_AT = 8
"""O'clock, the morning after."""


def missing_reach(
    begun: date, now: datetime, until: Mapping[str, date]
) -> list[tuple[datetime, str, NewReach]]:
    """The entries that the touchpoints lack from the day `until` which they have reach, and from
    `begun` where that has none: when each is made, the touchpoint's name, and what is entered.
    """
    span = Span(begun, begun, local_day(epoch_ms(now), TIME_ZONE)[0])
    missing = []
    for story, row in zip(TOUCHPOINTS, season.reach(span), strict=True):
        for new in _entries(story, span, row, until.get(story.name, date.min)):
            after = (new.until or new.date) + timedelta(days=1)
            missing.append((min(now, moment_of(after, _ENTERED_AT)), story.name, new))
    return sorted(missing, key=lambda each: each[0])


def moment_of(day: date, hour: int) -> datetime:
    """The full hour of a local day."""
    return datetime.combine(day, time(hour), zone(TIME_ZONE))


def _entries(story: TouchpointStory, span: Span, daily: Floats, last: date) -> list[NewReach]:
    """The reach after the day `last`, as it is entered: by mailing, week or month."""
    if story.unit is None:
        return []
    periods: dict[tuple[int, ...], list[tuple[date, float]]] = {}
    for day, amount in zip(span.days, daily.tolist(), strict=True):
        known = day < span.last or story.told == "mailing"
        if known and day > last and amount > 0:
            periods.setdefault(_period(story, day), []).append((day, amount))
    entries = []
    for days in periods.values():
        amount = _rounded(story.unit, sum(amount for _, amount in days))
        first, until = days[0][0], days[-1][0]
        entries.append(NewReach(first, amount, story.unit, None if until == first else until))
    return entries


def _period(story: TouchpointStory, day: date) -> tuple[int, ...]:
    """Days that are entered together have the same."""
    if story.told == "month":
        return day.year, day.month
    return day.isocalendar()[:2] if story.told == "week" else (day.toordinal(),)


def _rounded(unit: str, amount: float) -> int:
    step = _ROUNDED.get(unit, 1)
    return max(step, round(amount / step) * step)
