"""The days of all touchpoints of a workspace in a closed month as one value: a report of a year
reads a dozen of these instead of some 70,000 rows.

Not here: when a month is closed and what reopens it (`months`), what a visitor is (`reports.days`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from linkservice.clicks.model import TouchpointDay

COUNTED = ("clicks", "scans", "visitors", "touchpoint_visitors", "tokenless")

PACKED = np.dtype([("touchpoint_id", "<i8"), ("day", "<i4"), *((name, "<i4") for name in COUNTED)])
"""A day of a touchpoint, as in `TouchpointDay`; `day` is `date.toordinal()`."""


def packed(connection: Connection, workspace_id: int, month: date, days: int) -> bytes:
    """The first so many days from that day on, by day and touchpoint."""
    rows = TouchpointDay
    found = connection.execute(
        select(rows.touchpoint_id, rows.local_date, *(getattr(rows, name) for name in COUNTED))
        .where(
            rows.workspace_id == workspace_id,
            rows.local_date.between(month, month + timedelta(days=days - 1)),
        )
        .order_by(rows.local_date, rows.touchpoint_id)
    )
    return np.array([(row[0], row[1].toordinal(), *row[2:]) for row in found], PACKED).tobytes()


def unpacked(parts: Iterable[bytes]) -> NDArray[np.void]:
    """The days of all parts, one after the other."""
    return np.frombuffer(b"".join(parts), PACKED)
