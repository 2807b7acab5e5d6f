"""What an ingester does while no click waits: closes days, weeks and months, and packs.

Decided here: in which order, and for how long at a time. Not here: what each of it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from linkservice.clicks import campaign_months, closed_days, closed_sums, day_links, packing
from linkservice.clicks.spans import Closing
from linkservice.database import Database

LOOK_SECONDS = 60.0
"""Between two looks, once there was nothing to do."""

SECONDS_AT_ONCE = 0.1
"""For how long between two looks at the spool."""

Work: TypeAlias = Callable[[datetime], bool]
"""Does a bit, and says whether there was any."""


def works(database: Database) -> Sequence[Work]:
    """All of it, in order."""
    return (
        day_links.Closing(database).some,
        closed_days.Closing(database).some,
        *(Closing(database, spans).some for spans in closed_sums.SPANS),
        campaign_months.Closing(database).some,
        packing.Packing(database).some,
    )


class Idle:
    """Does what there is to do, a bit at a time."""

    def __init__(self, database: Database, *also: Work) -> None:
        """`also` is what else is to be done bit by bit."""
        self._work: Sequence[Work] = (*works(database), *also)
        self._looked_at = float("-inf")

    def some(self) -> None:
        """Do some of it, what is first in the order before the rest.

        Raises SQLAlchemyError where the database is away; nothing is lost then.
        """
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        until = time.monotonic() + SECONDS_AT_ONCE
        while time.monotonic() < until:
            if not any(some(datetime.now(UTC)) for some in self._work):
                self._looked_at = time.monotonic()
                return
