"""What links had in a period, by whose they are and by touchpoint: for campaigns and personas.

Months that are closed (`clicks.months`) are read as the sums they were packed to, all other days
row by row: the figures are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import chain
from typing import NamedTuple

import numpy as np
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from linkservice.clicks.grouping import Ints, grouped
from linkservice.clicks.month_model import MonthDays
from linkservice.clicks.packed_links import unpacked
from linkservice.reports.packed_months import packed_months
from linkservice.reports.period import Period, days_beside
from linkservice.reports.sources import Sources, visitors_in, visitors_of


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
    months: Mapping[date, bytes] = {}
    if read.months:  # suspected mail scanners have none
        months = packed_months(session, MonthDays, MonthDays.links, workspace_id, period)
    parts = [_of_months(months)]
    rows = read.days
    query = (
        select(
            *(rows.link_id, rows.touchpoint_id),
            *map(func.sum, (rows.clicks, rows.scans, visitors_of(rows), rows.tokenless)),
        )
        # By the key of the table: a month has days of all links.
        .where(rows.link_id.in_(links))
        .group_by(rows.link_id, rows.touchpoint_id)
    )
    for stretch in days_beside(sorted(months), period.first, period.last):
        found = session.execute(query.where(rows.local_date.between(*stretch))).all()
        # Rows as such NumPy would ask one by one what they are.
        numbers = np.fromiter(chain.from_iterable(found), np.int64)
        parts.append(numbers.reshape(-1, len(LinkSums._fields)))
    return _by_whose(np.concatenate(parts), whose)


def _of_months(months: Mapping[date, bytes]) -> Ints:
    """Rows as those of the query, of all links of the workspace."""
    sums = unpacked(months.values())
    keys = sums["link_id"], sums["touchpoint_id"]
    counts = sums["clicks"], sums["scans"], visitors_in(sums), sums["tokenless"]
    return np.column_stack([*keys, *counts])


def _by_whose(rows: Ints, whose: Mapping[int, int]) -> list[LinkSums]:
    link_ids = np.array(sorted(whose), np.int64)
    owners = np.array([whose[link_id] for link_id in link_ids.tolist()], np.int64)
    rows = rows[np.isin(rows[:, 0], link_ids)]
    keys = [owners[np.searchsorted(link_ids, rows[:, 0])], rows[:, 1]]
    found = grouped(*keys)
    return [LinkSums(*row) for row in found.rows(keys, found.sums(rows[:, 2:])).tolist()]
