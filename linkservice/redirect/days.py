"""The local days around now and their salts, in memory: the hot lane only compares numbers.

Not here: making and deleting salts (`clicks/salts`), the pseudonym itself (`clicks/visitor`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from linkservice.clicks.calendar import epoch_ms, zone
from linkservice.clicks.model import Salt
from linkservice.clicks.salts import delete_expired, end_of_day, ensure_salts
from linkservice.clicks.visitor import Pseudonyms
from linkservice.database import Database

_log = logging.getLogger(__name__)

CHECK_EVERY = timedelta(seconds=60)
"""Between two looks whether the coming day has its salt; it is made a day ahead."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Day:
    """A local day from `begins_ms` up to `ends_ms` (epoch milliseconds), and who is who on it."""

    begins_ms: int
    ends_ms: int
    pseudonyms: Pseudonyms


class Days:
    """Today and tomorrow of every workspace that serves links."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._days: dict[int, tuple[_Day, ...]] = {}
        self._checked_at: datetime | None = None

    def pseudonyms(self, workspace_id: int, now_ms: int) -> Pseudonyms | None:
        """Those of the workspace's local day at `now_ms`; None while it has no salt."""
        for day in self._days.get(workspace_id, ()):
            if day.begins_ms <= now_ms < day.ends_ms:
                return day.pseudonyms
        return None

    def forget_past(self, now: datetime) -> None:
        """Let go of the salts of days that ended, also while the database is away."""
        now_ms = epoch_ms(now)
        if any(days[0].ends_ms <= now_ms for days in self._days.values() if days):
            self._days = {
                workspace_id: tuple(day for day in days if day.ends_ms > now_ms)
                for workspace_id, days in self._days.items()
            }

    def due(self, now: datetime) -> bool:
        """Whether it is time to look again; a clock that was set is a reason, too."""
        return self._checked_at is None or abs(now - self._checked_at) >= CHECK_EVERY

    def refresh(self, zones: Mapping[int, str], now: datetime) -> None:
        """Read the salts of these workspaces (id → time zone) and make those that are missing.

        Where they cannot be made, clicks go without a token until the next look. Raises
        SQLAlchemyError when the salts cannot be read; what is in memory then stays.
        """
        wanted = {workspace_id: list(_around(now, name)) for workspace_id, name in zones.items()}
        found, expired = self._read(now)
        missing = any((id, day) not in found for id, days in wanted.items() for day, _, _ in days)
        if missing or expired:
            self._make(now)
            found, _ = self._read(now)
        self._days = {
            workspace_id: tuple(
                _Day(begins_ms, ends_ms, Pseudonyms(found[workspace_id, local_date], workspace_id))
                for local_date, begins_ms, ends_ms in days
                if (workspace_id, local_date) in found
            )
            for workspace_id, days in wanted.items()
        }
        self._checked_at = now

    def _make(self, now: datetime) -> None:
        try:
            with self._database.transaction() as session:
                ensure_salts(session, now)
                # The ingester does so as well; where it stands still, salts go all the same.
                delete_expired(session, now)
        except (SQLAlchemyError, OSError) as error:
            _log.error("the salts of the day cannot be made: %s", error)

    def _read(self, now: datetime) -> tuple[dict[tuple[int, date], bytes], bool]:
        """The salts, and whether one is there whose time is over."""
        query = select(Salt.workspace_id, Salt.local_date, Salt.salt, Salt.expires_at)
        with self._database.reading() as session:
            rows = session.execute(query).all()
        salts = {(row.workspace_id, row.local_date): row.salt for row in rows}
        return salts, any(row.expires_at <= now for row in rows)


def _around(now: datetime, time_zone: str) -> Iterator[tuple[date, int, int]]:
    """Today and tomorrow: their dates, and when they begin and end (epoch milliseconds)."""
    today = now.astimezone(zone(time_zone)).date()
    for day in (today, today + _ONE_DAY):
        begins = end_of_day(day - _ONE_DAY, time_zone)
        yield day, epoch_ms(begins), epoch_ms(end_of_day(day, time_zone))
