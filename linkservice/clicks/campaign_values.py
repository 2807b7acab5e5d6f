"""What the links of a campaign had of each facet value on the days of a month, as one string of
bytes: a hundred links have some three hundred values a day, where rows by link are ten times that.

Not here: when a month is packed, and what has it packed again (`campaign_months`).
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date

import numpy as np
from sqlalchemy import Connection, func, select

from linkservice.clicks.grouping import Ints
from linkservice.clicks.model import FacetValue
from linkservice.clicks.packed_model import EveryLinkFacet
from linkservice.clicks.packed_values import NO_CITY

_HEAD = struct.Struct("<II")
"""How many values there are, and how many days of all of them."""


def packed(connection: Connection, days: Sequence[date], link_ids: Sequence[int]) -> bytes:
    """What these links together had on these days, of one month; nothing if that is nothing."""
    rows = EveryLinkFacet
    query = (
        select(rows.value_id, FacetValue.facet, rows.local_date, func.sum(rows.clicks))
        .join(FacetValue, FacetValue.id == rows.value_id)
        .where(rows.local_date.in_(days), rows.link_id.in_(link_ids))
        .group_by(rows.value_id, FacetValue.facet, rows.local_date)
    )
    cells: Counter[tuple[int, int]] = Counter()
    for value, facet, day, clicks in connection.execute(query):
        cells[value, day.day] += int(clicks)
        # All have a country, and nothing is rolled up where there is no city.
        if facet in ("country", "city"):
            cells[NO_CITY, day.day] += int(clicks) if facet == "country" else -int(clicks)
    # 0 where what was counted was reclassified.
    there = sorted((*cell, clicks) for cell, clicks in cells.items() if clicks)
    return _packed(np.array(there, np.int64)) if there else b""


def _packed(cells: Ints) -> bytes:
    """Values, days and clicks, in that order, column by column: ids and days that follow each
    other have much in common.
    """
    values, sizes = np.unique(cells[:, 0], return_counts=True)
    columns = (
        values.astype("<i4"),
        sizes.astype("<u1"),
        cells[:, 1].astype("<u1"),
        cells[:, 2].astype("<i4"),
    )
    head = _HEAD.pack(len(values), len(cells))
    return zlib.compress(head + b"".join(column.tobytes() for column in columns))


def clicks_of(months: Iterable[tuple[date, bytes]], values: Collection[int]) -> dict[date, int]:
    """The clicks of each day that have one of these values, of packed months, each with its first
    day; of the days that have any.
    """
    found: Counter[date] = Counter()
    wanted = np.array(sorted(values), np.int64)
    for first, content in months:
        if content:
            for day, clicks in _chosen(zlib.decompress(content), wanted):
                found[first.replace(day=day)] += clicks
    return {day: clicks for day, clicks in found.items() if clicks}


def _chosen(content: bytes, wanted: Ints) -> Iterable[tuple[int, int]]:
    size, cells = _HEAD.unpack_from(content)
    at = _HEAD.size
    there = np.frombuffer(content, "<i4", size, at)
    sizes = np.frombuffer(content, "<u1", size, at := at + size * 4)
    days = np.frombuffer(content, "<u1", cells, at := at + size)
    clicks = np.frombuffer(content, "<i4", cells, at + cells)
    chosen = np.repeat(np.isin(there, wanted), sizes)
    return zip(days[chosen].tolist(), clicks[chosen].tolist(), strict=True)
