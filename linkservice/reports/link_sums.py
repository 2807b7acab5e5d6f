"""What links had in a period, by whose they are and by touchpoint: for campaigns and personas.

Months that are closed (`clicks.months`) and days that are over (`clicks.day_links`) are read as
they were packed, all other days row by row: the figures are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import chain
from typing import NamedTuple

import numpy as np
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from linkservice.clicks.grouping import Ints
from linkservice.clicks.month_model import DayLinks, MonthDays
from linkservice.clicks.months import last_of
from linkservice.clicks.packed_links import PACKED, unpacked
from linkservice.database import AS_BYTES
from linkservice.reports.packed_months import packed_months
from linkservice.reports.period import Period, beside, days_beside
from linkservice.reports.remembered import Remembered
from linkservice.reports.sources import Sources, visitors_in, visitors_of

_OTHERS = 4
"""So many times as many links as are asked for may have had clicks on a packed day: a row of it is
read in a fourth of the time that one takes by its link."""

_BY_DAY = 3
"""Days that are read whole where most of their links are asked for: each link takes longer to find
than its row to read."""


class LinkSums(NamedTuple):
    """The sums at a touchpoint of all links of one; `visitors` are the touchpoint's or, where there
    is none, the links'.
    """

    whose: int
    touchpoint_id: int
    clicks: int
    scans: int
    visitors: int
    tokenless: int


def sums_of_links(
    session: Session,
    read: Sources,
    workspace_id: int,
    period: Period,
    links: Select[int],
    whose: Mapping[int, int],
) -> list[LinkSums]:
    """What the chosen links of the workspace had, by touchpoint and by `whose` they are, which
    tells it of each of them.
    """
    rows = read.days
    months: Mapping[date, bytes] = {}
    days: Mapping[date, bytes] = {}
    if read.months:  # suspected mail scanners have none
        months = packed_months(session, MonthDays, MonthDays.links, workspace_id, period)
        beside_months = days_beside(sorted(months), period.first, period.last)
        days = _packed_days(session, workspace_id, beside_months, len(whose))
    closed = [*months.values(), *days.values()]
    parts = [_REMEMBERED.of(closed, lambda: _by_link(_unpacked(closed)))]
    query = select(
        *(rows.link_id, rows.touchpoint_id),
        *map(func.sum, (rows.clicks, rows.scans, visitors_of(rows), rows.tokenless)),
    ).group_by(rows.link_id, rows.touchpoint_id)
    by_link = rows.link_id.in_(links)  # the key of the table
    by_day = rows.workspace_id == workspace_id  # an index of its own
    packed = [*((month, last_of(month)) for month in months), *((day, day) for day in days)]
    for first, last in beside(sorted(packed), period.first, period.last):
        chosen = by_day if days and (last - first).days < _BY_DAY else by_link
        found = session.execute(query.where(chosen, rows.local_date.between(first, last))).all()
        # Rows as such NumPy would ask one by one what they are.
        numbers = np.fromiter(chain.from_iterable(found), np.int64)
        parts.append(list(numbers.reshape(-1, len(LinkSums._fields)).T))
    return _by_whose([np.concatenate(columns) for columns in zip(*parts, strict=True)], whose)


def _packed_days(
    session: Session, workspace_id: int, stretches: Iterable[tuple[date, date]], asked: int
) -> dict[date, bytes]:
    """The packed days of these stretches; none that are for the most part other links'."""
    found: dict[date, bytes] = {}
    query = select(DayLinks.local_date, DayLinks.links).where(
        DayLinks.workspace_id == workspace_id,
        func.length(DayLinks.links) <= _OTHERS * PACKED.itemsize * asked,
    )
    for stretch in stretches:
        rows = session.execute(
            query.where(DayLinks.local_date.between(*stretch)), execution_options=AS_BYTES
        )
        found |= {day: links for day, links in rows if links is not None}
    return found


def _unpacked(packed: Iterable[bytes]) -> list[Ints]:
    """The columns of the query, of all links of the workspace."""
    sums = unpacked(packed)
    names = "link_id", "touchpoint_id", "clicks", "scans"
    return [*(sums[name] for name in names), visitors_in(sums), sums["tokenless"]]


_REMEMBERED = Remembered[list[Ints]](60_000, lambda made: len(made[0]) + 1)
"""Links, once for each touchpoint they were at: 3 MB."""


def _by_link(columns: Sequence[Ints]) -> list[Ints]:
    """The sums by link and touchpoint: some thousands, of what a year packs hundreds of times."""
    return _summed(columns[0], columns[1], columns[2:])


def _summed(ones: Ints, others: Ints, counts: Sequence[Ints]) -> list[Ints]:
    """The sums of each pair of numbers, with the pair before them."""
    # One number for both, which NumPy sorts in a third of the time.
    room = int(others.max(initial=0)) + 1
    unique, of = np.unique(ones * room + others, return_inverse=True)
    # As floats, which hold integers up to 2**53.
    sums = [np.bincount(of, each, len(unique)).astype(np.int64) for each in counts]
    return [unique // room, unique % room, *sums]


def _by_whose(columns: Sequence[Ints], whose: Mapping[int, int]) -> list[LinkSums]:
    if not whose:
        return []
    link_ids = np.array(sorted(whose), np.int64)
    owners = np.array([whose[link_id] for link_id in link_ids.tolist()], np.int64)
    places = np.minimum(np.searchsorted(link_ids, columns[0]), len(link_ids) - 1)
    chosen = link_ids[places] == columns[0]
    mine, touchpoint_ids, *counts = (each[chosen] for each in (places, *columns[1:]))
    rows = np.column_stack(_summed(owners[mine], touchpoint_ids, counts))
    return [LinkSums(*row) for row in rows.tolist()]
