"""The clicks of a workspace's day summed up by each value they have, some thousand at a time.

Decided here: which values a click has, and how they are read so that nobody waits long. Not here:
what is counted of a click (`packed_values`), when a day is summed up and what keeps that right
(`closed_days`), who does it once more to compare (`closed_audit`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from sqlalchemy import select

from linkservice.clicks import packing
from linkservice.clicks.dictionary import Dictionary
from linkservice.clicks.grouping import Ints
from linkservice.clicks.model import Mark
from linkservice.clicks.packed_model import EveryClick
from linkservice.clicks.packed_values import (
    CELL,
    NO_CITY,
    NO_SCANS,
    SCANS,
    counted,
    packed,
    summed,
)
from linkservice.database import Database

CLICKS_AT_ONCE = 20_000
"""Read in one step: some 50 ms, in which no click is ingested."""

UNNUMBERED = 0
"""In place of a value that has no number, where none may be given."""

_READ = tuple(
    EveryClick.__table__.c[name]
    for name in (
        *("segment_id", "position", "touchpoint_id", "class", "flags"),
        *("country_id", "city_id", "language_id", "referrer_id", "agent_id"),
    )
)
_OF_AGENT = 3
"""Device, browser and system: the first values that an agent tells."""


@dataclass(slots=True)
class DayValues:
    """A day (`date.toordinal()`) that is being summed up: its cells so far; once all of it
    `is_read`, each value with its cells, packed.
    """

    workspace_id: int
    local_day: int
    is_read: bool = False
    values: Sequence[tuple[int, bytes]] = ()
    _after: packing.RowId = (0, -1)
    _whose: list[Ints] = field(default_factory=list)
    _cells: list[Ints] = field(default_factory=list)

    def read_some(self, database: Database, dictionary: Dictionary) -> None:
        """Add the next clicks."""
        with database.reading() as session:
            rows = (
                session.connection()
                .execute(
                    select(*_READ)
                    .where(
                        EveryClick.workspace_id == self.workspace_id,
                        EveryClick.local_day == self.local_day,
                        packing.coming_after(session, self._after),
                    )
                    .order_by(EveryClick.segment_id, EveryClick.position)
                    .limit(CLICKS_AT_ONCE)
                )
                .all()
            )
        if rows:
            self._after = rows[-1][0], rows[-1][1]
            numbers = np.fromiter(chain.from_iterable(rows), np.int64, len(rows) * len(_READ))
            values, cells = _by_value(numbers.reshape(len(rows), len(_READ)), dictionary)
            self._whose.append(values)
            self._cells.append(cells)
        if len(rows) < CLICKS_AT_ONCE:
            self._sum_up()

    def _sum_up(self) -> None:
        self.is_read = True
        whose = np.concatenate([*self._whose, np.zeros(0, np.int64)])
        cells = np.concatenate([*self._cells, np.zeros((0, len(CELL)), np.int64)])
        whose, cells = summed(whose, cells)
        unique, starts = np.unique(whose, return_index=True)
        parts = np.split(cells, starts[1:])
        self.values = [
            (value_id, packed(part)) for value_id, part in zip(unique.tolist(), parts, strict=False)
        ]


def _by_value(rows: Ints, dictionary: Dictionary) -> tuple[Ints, Ints]:
    """The value of each cell of these clicks, and the cells."""
    rows = rows[rows[:, 4] & int(Mark.MISS) == 0]
    _, _, touchpoint_ids, kinds, flags, *facets, agents = rows.T
    facets[1] = np.where(facets[1], facets[1], NO_CITY)
    facets.append(np.where(flags & int(Mark.SCAN), SCANS, NO_SCANS))
    facets.extend(_of_agents(agents, dictionary))
    cells = counted(touchpoint_ids, kinds, flags)
    sums = [summed(values, cells) for values in facets]
    return np.concatenate([each[0] for each in sums]), np.concatenate([each[1] for each in sums])


def _of_agents(agents: Ints, dictionary: Dictionary) -> Sequence[Ints]:
    """The values of device, browser and system."""
    unique, whose = np.unique(agents, return_inverse=True)
    names = dictionary.names(unique.tolist())
    told = [names[agent].told[:_OF_AGENT] for agent in unique.tolist()]
    numbers = dictionary.values(each for some in told for each in some)
    values = np.array([[numbers.get(each, UNNUMBERED) for each in some] for some in told], np.int64)
    return list(values.reshape(-1, _OF_AGENT)[whose].T)
