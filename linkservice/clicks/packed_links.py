"""What the links of a workspace had in a closed month as one value: a report of a year on who
clicked for which campaign or persona reads a dozen of these instead of the days of all links.

Not here: when a month is closed and what reopens it (`months`), what a visitor is
(`reports.link_sums`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from linkservice.clicks.model import LinkDay
from linkservice.clicks.month_model import LinkMonth
from linkservice.clicks.packed_days import COUNTED
from linkservice.links.model import Link

_OF_LINK = np.dtype([("touchpoint_id", "<i8"), *((name, "<i4") for name in COUNTED)])
"""What one link had at a touchpoint, as in `LinkDay`."""

PACKED = np.dtype([("link_id", "<i8"), *_OF_LINK.descr])


def sums(
    connection: Connection, first: date, last: date, link_ids: Sequence[int]
) -> dict[int, bytes]:
    """By link, its sums from one day to the other, by touchpoint; those that have any."""
    rows = LinkDay
    found = connection.execute(
        select(
            rows.link_id,
            rows.touchpoint_id,
            *(func.sum(getattr(rows, name)) for name in COUNTED),
        )
        .where(rows.link_id.in_(link_ids), rows.local_date.between(first, last))
        .group_by(rows.link_id, rows.touchpoint_id)
        .order_by(rows.link_id, rows.touchpoint_id)
    )
    of_links: dict[int, list[tuple[int, ...]]] = {}
    for link_id, *counts in found:
        of_links.setdefault(link_id, []).append(tuple(counts))
    return {link_id: np.array(each, _OF_LINK).tobytes() for link_id, each in of_links.items()}


def packed(connection: Connection, workspace_id: int, month: date) -> bytes:
    """The sums of all links of the workspace, which are all summed up."""
    rows = LinkMonth
    found = connection.execute(
        select(rows.link_id, rows.sums)
        .join(Link, Link.id == rows.link_id)
        .where(Link.workspace_id == workspace_id, rows.month == month)
        .order_by(rows.link_id)
    ).all()
    of_links = np.frombuffer(b"".join(row.sums for row in found), _OF_LINK)
    made = np.zeros(len(of_links), PACKED)
    made["link_id"] = np.repeat(
        np.array([row.link_id for row in found], np.int64),
        [len(row.sums) // _OF_LINK.itemsize for row in found],
    )
    for name in _OF_LINK.names or ():
        made[name] = of_links[name]
    return made.tobytes()


def unpacked(parts: Iterable[bytes]) -> NDArray[np.void]:
    """The sums of all parts, one after the other."""
    return np.frombuffer(b"".join(parts), PACKED)
