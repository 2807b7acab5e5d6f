"""What the links of a workspace had in a closed month, or on a day that is over, as one value: a
report on who clicked for which campaign or persona reads some of these instead of the days of all
links. And what each link had in a month, for its own report and its campaign's.

Not here: when a month is closed (`months`), when a day is (`day_links`), and what reopens them
(`closed_sums`); what a visitor is (`reports.link_sums`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, func, select
from sqlalchemy.orm import InstrumentedAttribute

from linkservice.clicks.model import LinkDay
from linkservice.clicks.month_model import LinkMonth
from linkservice.clicks.packed_days import COUNTED
from linkservice.links.model import Link

_APART = ("robots", "previews", "prefetches", "scanners", "heads", "own")
"""What is no click of a person: told of a link or a campaign alone."""

DAILY = ("clicks", "scans", "visitors")
"""What is told day by day."""

_OF_LINK = np.dtype([("touchpoint_id", "<i8"), *((name, "<i4") for name in (*COUNTED, *_APART))])
"""What one link had at a touchpoint, as in `LinkDay`."""

_OF_DAY = np.dtype([("day", "<i4"), *((name, "<i4") for name in DAILY)])
"""What one link had on a day (`date.toordinal()`), at all touchpoints."""

PACKED = np.dtype(
    [("link_id", "<i8"), ("touchpoint_id", "<i8"), *((name, "<i4") for name in COUNTED)]
)


def sums(connection: Connection, days: Sequence[date], link_ids: Sequence[int]) -> dict[int, bytes]:
    """By link, its sums of a span of days, by touchpoint; those that have any."""
    names = (*COUNTED, *_APART)
    found = _summed(connection, LinkDay.touchpoint_id, names, days, link_ids)
    return _by_link(((link_id, tuple(counts)) for link_id, *counts in found), _OF_LINK)


def days(
    connection: Connection, of_span: Sequence[date], link_ids: Sequence[int]
) -> dict[int, bytes]:
    """By link, what it had on each of these days, a span; those that have any."""
    found = _summed(connection, LinkDay.local_date, DAILY, of_span, link_ids)
    dated = ((link_id, (day.toordinal(), *counts)) for link_id, day, *counts in found)
    return _by_link(dated, _OF_DAY)


def _summed(
    connection: Connection,
    by: InstrumentedAttribute[Any],
    names: Sequence[str],
    days: Sequence[date],
    link_ids: Sequence[int],
) -> Iterable[Row[int, Any, *tuple[int, ...]]]:
    """The link, what else is told apart (`by`), and the sums of what it had; in their order."""
    rows = LinkDay
    return connection.execute(
        select(rows.link_id, by, *(func.sum(getattr(rows, name)) for name in names))
        .where(rows.link_id.in_(link_ids), rows.local_date.between(days[0], days[-1]))
        .group_by(rows.link_id, by)
        .order_by(rows.link_id, by)
    )


def _by_link(
    rows: Iterable[tuple[int, tuple[int, ...]]], form: np.dtype[np.void]
) -> dict[int, bytes]:
    of_links: dict[int, list[tuple[int, ...]]] = {}
    for link_id, row in rows:
        of_links.setdefault(link_id, []).append(row)
    return {link_id: np.array(each, form).tobytes() for link_id, each in of_links.items()}


def packed(connection: Connection, workspace_id: int, month: date) -> bytes:
    """The sums of all links of the workspace, which are all summed up."""
    rows = LinkMonth
    found = connection.execute(
        select(rows.link_id, rows.sums)
        .join(Link, Link.id == rows.link_id)
        .where(Link.workspace_id == workspace_id, rows.first == month)
        .order_by(rows.link_id)
    ).all()
    of_links = unpacked_sums(row.sums for row in found)
    made = np.zeros(len(of_links), PACKED)
    made["link_id"] = np.repeat(
        np.array([row.link_id for row in found], np.int64),
        [len(row.sums) // _OF_LINK.itemsize for row in found],
    )
    for name in ("touchpoint_id", *COUNTED):
        made[name] = of_links[name]
    return made.tobytes()


def packed_day(connection: Connection, workspace_id: int, day: date) -> bytes:
    """What all links of the workspace had on that day."""
    rows = LinkDay
    found = connection.execute(
        select(rows.link_id, rows.touchpoint_id, *(getattr(rows, name) for name in COUNTED))
        .where(rows.workspace_id == workspace_id, rows.local_date == day)
        .order_by(rows.link_id, rows.touchpoint_id)
    )
    return np.array([tuple(row) for row in found], PACKED).tobytes()


def unpacked(parts: Iterable[bytes]) -> NDArray[np.void]:
    """What links had in all months and days, one after the other."""
    return np.frombuffer(b"".join(parts), PACKED)


def unpacked_sums(parts: Iterable[bytes]) -> NDArray[np.void]:
    """The sums of single links in all months, one after the other."""
    return np.frombuffer(b"".join(parts), _OF_LINK)


def unpacked_days(parts: Iterable[bytes]) -> NDArray[np.void]:
    """The days of single links in all months, one after the other."""
    return np.frombuffer(b"".join(parts), _OF_DAY)
