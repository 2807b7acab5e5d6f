"""The hours of the week and the facets of links over some days, as one value each: a year of a busy
link has some hundred thousand facets, its months have some thousand.

Not here: of which days they are, and what has them summed up again (`spans`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
from sqlalchemy import Connection, func, select

from linkservice.clicks.packed_model import EveryLinkFacet, EveryLinkHour

_PACKED = np.dtype([("of", "<u4"), ("clicks", "<i4")])
"""A sum: which hour of the week (from Monday, 0) or which facet value, and its clicks."""


def hours(
    connection: Connection, days: Sequence[date], link_ids: Sequence[int]
) -> dict[int, bytes]:
    """By link, the clicks of each hour of the week; of the links that have any rows."""
    rows = connection.execute(
        select(
            EveryLinkHour.link_id,
            EveryLinkHour.local_date,
            EveryLinkHour.local_hour,
            EveryLinkHour.clicks,
        ).where(EveryLinkHour.local_date.in_(days), EveryLinkHour.link_id.in_(link_ids))
    ).all()
    return _packed(
        [row.link_id for row in rows],
        [row.local_date.weekday() * 24 + row.local_hour for row in rows],
        [row.clicks for row in rows],
    )


def facets(
    connection: Connection, days: Sequence[date], link_ids: Sequence[int]
) -> dict[int, bytes]:
    """By link, the clicks of each facet value; of the links that have any rows. In a key that
    begins with the day, each of the days is looked up.
    """
    rows = connection.execute(
        select(EveryLinkFacet.link_id, EveryLinkFacet.value_id, func.sum(EveryLinkFacet.clicks))
        .where(EveryLinkFacet.local_date.in_(days), EveryLinkFacet.link_id.in_(link_ids))
        .group_by(EveryLinkFacet.link_id, EveryLinkFacet.value_id)
    ).all()
    return _packed(*(list(column) for column in zip(*rows, strict=True))) if rows else {}


def unpacked(parts: Iterable[bytes]) -> dict[int, int]:
    """The clicks of whatever the packed parts are sums of, all parts together."""
    sums = np.frombuffer(b"".join(parts), _PACKED)
    of, whose = np.unique(sums["of"], return_inverse=True)
    clicks = np.zeros(len(of), np.int64)
    np.add.at(clicks, whose, sums["clicks"])
    return dict(zip(of.tolist(), clicks.tolist(), strict=True))


def _packed(link_ids: Sequence[int], of: Sequence[int], clicks: Sequence[int]) -> dict[int, bytes]:
    """By link, the sums of whatever is not nought."""
    sums: dict[int, dict[int, int]] = {}
    for link_id, what, count in zip(link_ids, of, clicks, strict=True):
        mine = sums.setdefault(link_id, {})
        mine[what] = mine.get(what, 0) + int(count)
    return {
        link_id: np.array(
            [each for each in sorted(mine.items()) if each[1]], dtype=_PACKED
        ).tobytes()
        for link_id, mine in sums.items()
    }
