"""Facets that wait: what the batches of a backlog add to `link_facets`, added a few at once.

A day's facets are the most rows of all, and each batch finds some on nearly every page of
them. So while more is to come a batch notes what it adds as one value, in its own transaction,
and several are summed up and added in another: half the rows, a quarter of the pages, and
the database is never locked for both. What waits is in the database, so it is added once
whoever dies; reports see it when it is added, within a second or so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection, Row, delete, insert, select

from linkservice.clicks import bulk, closed_sums
from linkservice.clicks.failpoints import passing
from linkservice.clicks.grouping import Ints, grouped
from linkservice.clicks.model import LinkFacet, WaitingFacets
from linkservice.database import Database

TOGETHER = 3
"""Batches whose facets are added at once."""

_MOST = 16
"""Batches of several ingesters, whose facets are read at once."""

_STORED = np.dtype([("day", "<i4"), ("link_id", "<i8"), ("value_id", "<i4"), ("clicks", "<i4")])


def put_off(connection: Connection, rows: Ints) -> None:
    """Note rows of `LinkFacet` (the day as `date.toordinal()`), within the caller's transaction."""
    stored = np.empty(len(rows), _STORED)
    for place, name in enumerate(_STORED.names or ()):
        stored[name] = rows[:, place]
    connection.execute(insert(WaitingFacets), {"rows": stored.tobytes()})


def add_waiting(database: Database) -> None:
    """Add what waits, of whichever ingester; several may do so at once."""
    while _add_some(database):
        pass


def _add_some(database: Database) -> bool:
    """Add the facets of some batches; whether there may be more."""
    with database.reading() as session:
        found = session.execute(
            select(WaitingFacets.id, WaitingFacets.rows).order_by(WaitingFacets.id).limit(_MOST)
        ).all()
    if not found:
        return False
    rows = _summed(found)
    writes = bulk.adding(database.engine.dialect.name, LinkFacet, rows)
    try:
        with database.writing_connection() as connection:
            passing("before facets")
            taken = connection.execute(
                delete(WaitingFacets).where(WaitingFacets.id.in_([row.id for row in found]))
            )
            if taken.rowcount != len(found):
                raise _Overtaken
            bulk.run(connection, writes)
            closed_sums.reopen(connection, rows[:, 0], rows[:, 1])
            passing("after facets")
    except _Overtaken:
        return True
    return len(found) == _MOST


class _Overtaken(Exception):
    """Another ingester has added some of them meanwhile; nothing was written."""


def _summed(found: Sequence[Row[int, bytes]]) -> Ints:
    rows = np.concatenate([np.frombuffer(row.rows, _STORED) for row in found])
    *keys, clicks = (rows[name].astype(np.int64) for name in _STORED.names or ())
    facets = grouped(*keys)
    return facets.rows(keys, facets.sums(clicks))
