"""What comes to a link port beside clicks: misses of mistyped and ended links, and prefetches.

A file of clicks holds neither, so these go into the spool as segments of their own, one for each
whole week that is over, under ids that follow from the week: telling it twice changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import numpy as np

from linkservice.clicks import ledger
from linkservice.clicks.calendar import epoch_ms, local_day, zone
from linkservice.clicks.event import Click, Flag, Source, encode
from linkservice.clicks.segment import NODE_BYTES, SEGMENT_ID_BYTES, segment_name, write_segment
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.demo.retailer import TIME_ZONE
from linkservice.demo.season import SEED
from linkservice.demo.versions import Versions, versions
from linkservice.demo.visitors import BROWSING
from linkservice.links.domains import domain_named
from linkservice.workspaces.access import Actor

NODE = b"linkservice-demo"
assert len(NODE) == NODE_BYTES

MISSES, PREFETCHES = 23.0, 11.0
"""In a week."""

FETCHED_AHEAD = ("suche", "groesse", "hilfe", "insta")
"""Links on pages that browsers read ahead."""

SCANNED = 0.4
"""Share of misses that come from a code: mostly one of a link that has ended."""

DAY_MS = 24 * 3600 * 1000


def record_asides(
    settings: Settings, database: Database, actor: Actor, begun: date, now: datetime
) -> None:
    """Put the misses and prefetches of the whole weeks from `begun` to `now` into the spool,
    unless they were told before. Raises `SpoolFailed`.
    """
    with database.reading() as session:
        known = ledger.entries(session).values()
        told = {entry.name for entry in known if entry.node == NODE.hex()}
        domain_id = domain_named(session, actor, None).id
        ahead = list(versions(session, actor, FETCHED_AHEAD).values())
    today = local_day(epoch_ms(now), TIME_ZONE)[0]
    monday = begun + timedelta(days=-begun.weekday() % 7)
    while monday + timedelta(days=7) <= today:
        mixed = hashlib.sha256(f"{actor.workspace_id} {monday}".encode()).digest()
        segment_id = mixed[:SEGMENT_ID_BYTES]
        if segment_name(0, segment_id) not in told:
            clicks = _of_week(actor.workspace_id, domain_id, ahead, monday)
            write_segment(settings.spool_dir, NODE, segment_id, map(encode, clicks))
        monday += timedelta(days=7)


def _of_week(
    workspace_id: int, domain_id: int, ahead: Sequence[Versions], monday: date
) -> list[Click]:
    dice = np.random.default_rng((SEED, 3, monday.toordinal()))
    begins = epoch_ms(datetime.combine(monday, time(), zone(TIME_ZONE)))
    misses = dice.poisson(MISSES)
    prefetches = dice.poisson(PREFETCHES) if ahead else 0
    days = dice.integers(7, size=misses + prefetches)
    seconds = dice.triangular(6.0, 19.0, 24.0, misses + prefetches) / 24.0 * DAY_MS
    moments = (begins + days * DAY_MS + seconds).astype(np.int64).tolist()
    agents = BROWSING.pick(dice, len(moments))
    scans = (dice.random(misses) < SCANNED).tolist()
    links = dice.integers(max(len(ahead), 1), size=prefetches).tolist()
    found = [
        Click(
            time_ms=moment,
            domain_id=domain_id,
            workspace_id=workspace_id,
            source=Source.SCAN if scan else Source.CLICK,
            miss=True,
            user_agent=agent,
        )
        for moment, agent, scan in zip(moments[:misses], agents[:misses], scans, strict=True)
    ]
    return found + [
        Click(
            time_ms=moment,
            link_id=ahead[link].link_id,
            link_version=ahead[link].at(moment),
            domain_id=domain_id,
            workspace_id=workspace_id,
            user_agent=agent,
            flags=Flag.PREFETCH,
        )
        for moment, agent, link in zip(moments[misses:], agents[misses:], links, strict=True)
    ]
