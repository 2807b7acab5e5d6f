"""On which local day and in which hour a moment falls."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name."""
    return ZoneInfo(name)


def moment(time_ms: int) -> datetime:
    """The UTC datetime of epoch milliseconds, exact (a float would round)."""
    return _EPOCH + timedelta(milliseconds=time_ms)


def local_day(time_ms: int, time_zone: str) -> tuple[date, int]:
    """Local date and hour (0–23) of a moment.

    On the day the clocks go back one hour comes twice and its clicks add up; on the day
    they go forward one stays empty.
    """
    local = moment(time_ms).astimezone(zone(time_zone))
    return local.date(), local.hour


def epoch_ms(moment: datetime) -> int:
    """Epoch milliseconds of an aware datetime."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)
