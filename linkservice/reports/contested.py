"""The contest of a touchpoint's links: which of them were there side by side, and since when.

Decided here: who takes part. A link that leads there, and that nobody paused, moved, deleted or
let expire since; one that came much later than the others waits, so that it does not cost them
their days. What was imported of the time before a link was made here was its, too. A poster that
hung for some weeks only, or not yet, was no rival for the rest: nobody tells when it hung, but
days without a visitor do, if they are many more in a row than its visitors leave room for. More
than `MOST_LINKS` are no posters side by side but mailings one after another. Not here: the
judgement (`contest`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.clicks.calendar import begin_of_day
from linkservice.clicks.grouping import Ints
from linkservice.clicks.model import LinkDay
from linkservice.journeys.model import Touchpoint
from linkservice.links.model import LinkVersion
from linkservice.reports.contest import LEAST_DAYS, Standing, judge_links
from linkservice.reports.period import Period, day_of

MOST_LINKS = 8

_SILENT_DAYS, _SILENT_TIMES = 14, 6
"""More days in a row without a visitor than the first, and than so many times the days between two
with one, are no chance: of days with and without one that come as they like, one stretch in four
hundred lasts six times as long (e⁻⁶).
"""


@dataclass(frozen=True, slots=True)
class Contest:
    """The links that were there side by side in a period, by falling share of all their visitors;
    of each its own, who may have been another's as well.
    """

    period: Period
    links: Sequence[Standing]

    @property
    def visitors(self) -> int:
        """Of all of them."""
        return sum(each.visitors for each in self.links)


def contest_of(
    session: Session,
    rows: type[LinkDay],
    touchpoint: Touchpoint,
    links: Sequence[int],
    period: Period,
    now: datetime,
) -> Contest | None:
    """None where there are not two such links, or hardly any days with both, or nobody came.

    `links` lead there today; `rows` are days of links with the clicks of suspected mail scanners or
    without.
    """
    end = min(period.last, day_of(now, period.time_zone))
    if not 2 <= len(links) <= MOST_LINKS or (end - period.first).days + 1 < LEAST_DAYS:
        return None
    daily = _daily(session, rows, touchpoint, links, Period(period.first, end, period.time_zone))
    begun = {
        link_id: day
        for link_id, versions in _versions(session, links).items()
        if (day := _there_from(versions, daily[link_id], touchpoint, period, end, now)) is not None
    }
    first = _together_from(begun, end)
    if first is None or (end - first).days + 1 < LEAST_DAYS:
        return None
    place = (first - period.first).days
    together = {each: daily[each][place:] for each, day in begun.items() if day <= first}
    together = {each: days for each, days in together.items() if not _has_silence(days)}
    if len(together) < 2:
        return None
    return Contest(Period(first, end, period.time_zone), judge_links(together))


def _daily(
    session: Session,
    rows: type[LinkDay],
    touchpoint: Touchpoint,
    links: Sequence[int],
    period: Period,
) -> Mapping[int, Ints]:
    """Visitors and clicks without a token of each link there, day by day."""
    found: defaultdict[int, Ints] = defaultdict(lambda: np.zeros(len(period), np.int64))
    counted = select(rows.link_id, rows.local_date, rows.visitors + rows.tokenless).where(
        rows.link_id.in_(links),
        rows.touchpoint_id == touchpoint.id,
        rows.local_date.between(period.first, period.last),
    )
    for link_id, day, visitors in session.execute(counted):
        found[link_id][period.number(day)] = visitors
    return found


def _versions(session: Session, links: Sequence[int]) -> Mapping[int, Sequence[LinkVersion]]:
    """What each link was, one after another."""
    found: defaultdict[int, list[LinkVersion]] = defaultdict(list)
    every = select(LinkVersion).where(LinkVersion.link_id.in_(links))
    for version in session.scalars(every.order_by(LinkVersion.link_id, LinkVersion.version)):
        found[version.link_id].append(version)
    return found


def _there_from(
    versions: Sequence[LinkVersion],
    visitors: Ints,
    touchpoint: Touchpoint,
    period: Period,
    end: date,
    now: datetime,
) -> date | None:
    """The first day of the period since which the link was there without a break; None if it was
    not at the end of it, or nobody came.
    """
    until = min(begin_of_day(end + timedelta(1), period.time_zone), now)
    since: datetime | None = None
    for version in versions:
        if version.changed_at > until:
            break
        there = version.touchpoint_id == touchpoint.id and version.active and not version.deleted
        expired = version.expires_at is not None and version.expires_at <= until
        since = (since or version.changed_at) if there and not expired else None
    came = np.flatnonzero(visitors)
    if not len(came):
        # Whether it hung anywhere nobody knows.
        return None
    seen = period.first + timedelta(int(came[0]))
    if since is None:
        # It may have been made after the period that was imported for it.
        return seen if versions[0].changed_at > until else None
    # That day was only half a day.
    day = day_of(since, period.time_zone) + timedelta(1)
    if since == versions[0].changed_at:
        day = min(day, seen)
    day = max(day, period.first)
    # From the first visitor on where it was silent before; who comes next is not chosen by that.
    silent = (seen - day).days
    return seen + timedelta(1) if silent > _longest_silence(visitors[came[0] :]) else day


def _has_silence(visitors: Ints) -> bool:
    """Whether there are more days in a row without a visitor than chance leaves."""
    came = np.flatnonzero(visitors)
    if not len(came):
        return True
    ends = np.concatenate([[-1], came, [len(visitors)]])
    return bool(np.diff(ends).max() - 1 > _longest_silence(visitors))


def _longest_silence(visitors: Ints) -> float:
    """Days in a row without a visitor that chance may leave among these, one of which has any."""
    return max(_SILENT_DAYS, _SILENT_TIMES * len(visitors) / np.count_nonzero(visitors))


def _together_from(begun: Mapping[int, date], end: date) -> date | None:
    """The day from which those were there that had at least half of the days of the first one."""
    if not begun:
        return None
    first = min(begun.values())
    half = first + (end - first) / 2
    return max(day for day in begun.values() if day <= half)
