"""A writer of marked clicks that stands in for redirect workers, at the pace a test wants."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from cast import make_home, make_link, make_touchpoint
from marked import marks

from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.event import Click, encode
from linkservice.clicks.spool import Spool, node_id
from linkservice.config import Settings
from linkservice.database import Database

VISITORS = 50

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)


def clicked_link(settings: Settings, database: Database) -> Click:
    """A click on a new link with a touchpoint, to be varied."""
    now = datetime.now(UTC)
    with database.transaction() as session:
        home = make_home(session, settings, now=now)
        touchpoint_id = make_touchpoint(session, home, now=now)
        link = make_link(session, settings, home, "poster", touchpoint_id, now=now)
        return Click(
            time_ms=epoch_ms(now),
            link_id=link.id,
            link_version=1,
            domain_id=home.domain_id,
            workspace_id=home.workspace_id,
            network=bytes((84, 150, 1)),
            user_agent=PHONE,
            language="de",
        )


class Recording:
    """Appends clicks with the numbers 1, 2, 3 …, of `VISITORS` visitors, in small segments."""

    def __init__(self, settings: Settings, click: Click, rng: random.Random) -> None:
        self._spool = Spool(
            settings.spool_dir, node_id(settings.data_dir), sync="off", segment_bytes=20_000
        )
        self._click, self._rng = click, rng
        self.recorded = 0
        self.visitors: set[int] = set()

    def record(self, clicks: int) -> None:
        for _ in range(clicks):
            visitor = self._rng.randrange(VISITORS)
            token = visitor.to_bytes(16, "big")
            number = self.recorded + 1
            self._spool.append(encode(replace(self._click, token=token, **marks(number))))
            self.recorded = number
            self.visitors.add(visitor)

    def close(self) -> None:
        self._spool.close()

    @contextmanager
    def going_on(self, pause: float = 0.02) -> Iterator[None]:
        """Record all the time, in a thread, until the block ends."""
        stop = threading.Event()

        def go_on() -> None:
            while not stop.is_set():
                self.record(20)
                time.sleep(pause)

        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
