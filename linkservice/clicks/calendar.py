"""On which local day and in which hour a moment falls."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
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


def begin_of_day(day: date, time_zone: str) -> datetime:
    """The moment (UTC) at which a local day begins.

    Where the clocks skip midnight, it is when they do; where midnight comes twice, the first.
    East of Greenwich the calendar's first day begins before time does: it begins with it.
    """
    try:
        return datetime.combine(day, time(), zone(time_zone)).astimezone(UTC)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def epoch_ms(moment: datetime) -> int:
    """Epoch milliseconds of an aware datetime."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


QUARTER_MS = 15 * 60 * 1000
_MOST_QUARTERS = 50_000


class LocalHours:
    """Local days and hours in one time zone, remembered for whole quarters of an hour."""

    def __init__(self, time_zone: str) -> None:
        self.time_zone = time_zone
        self._known: dict[int, tuple[int, int]] = {}

    def at(self, time_ms: int) -> tuple[int, int]:
        """`date.toordinal()` and hour of a moment, as `local_day` gives them."""
        found = self.of_quarter(time_ms // QUARTER_MS)
        if found is None:
            day, hour = local_day(time_ms, self.time_zone)
            found = day.toordinal(), hour
        return found

    def of_quarter(self, quarter: int) -> tuple[int, int] | None:
        """The same of a whole quarter of an hour, numbered from the epoch.

        None where it lies in two hours: offsets of centuries ago have seconds.
        """
        found = self._known.get(quarter)
        if found is None:
            first = local_day(quarter * QUARTER_MS, self.time_zone)
            if first != local_day((quarter + 1) * QUARTER_MS - 1, self.time_zone):
                return None
            if len(self._known) >= _MOST_QUARTERS:
                self._known.clear()
            found = self._known[quarter] = first[0].toordinal(), first[1]
        return found
