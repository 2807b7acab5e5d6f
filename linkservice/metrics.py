"""The figures of this machine's service as Prometheus reads them.

Decided here: what the figures are called, what they mean, and where each comes from: the counts
of the processes (`counters`), the spool on disk, the ledger in the database. Not here: who may
see them (`web/status`), which of them are worth an alarm (`docs/operations.md`).

It answers whatever is away: without the database, what only that knows is missing and
`linkservice_database_up` is 0.
"""

from __future__ import annotations

import platform
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from linkservice import __version__
from linkservice.clicks.backlog import Backlog, backlog
from linkservice.clicks.ledger_model import LedgerEntry
from linkservice.clicks.segment import QUARANTINE, Segment, SpoolFailed, segments
from linkservice.config import Settings
from linkservice.counters import summed
from linkservice.database import Database

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Metric:
    """One family of figures: its type is `counter`, `gauge` or `histogram`."""

    name: str
    type: str
    help: str


METRICS = (
    Metric(
        "linkservice_redirect_requests_total",
        "counter",
        "Requests to the link port by outcome: redirect, preview (page before the redirect), "
        "gone (paused, expired, deleted), miss (no such link), unavailable (database away and "
        "the link not in memory), unknown_host, other (start page, robots.txt, wrong methods).",
    ),
    Metric("linkservice_spool_records_total", "counter", "Requests recorded in the spool."),
    Metric(
        "linkservice_spool_refused_total",
        "counter",
        "Records the spool could not take (disk full); the customers were answered all the same.",
    ),
    Metric(
        "linkservice_clicks_unrecorded_total",
        "counter",
        "Clicks that were redirected and could not be recorded. `linkservice audit` is exact.",
    ),
    Metric("linkservice_spool_written_bytes_total", "counter", "Bytes written into the spool."),
    Metric(
        "linkservice_spool_sync_seconds",
        "histogram",
        "How long the syncs of the spool to stable storage took.",
    ),
    Metric(
        "linkservice_spool_sync_longest_seconds",
        "gauge",
        "The longest sync since the redirect workers started.",
    ),
    Metric("linkservice_spool_bytes", "gauge", "Bytes of the spool's segments, by state."),
    Metric("linkservice_spool_segments", "gauge", "Segments in the spool, by state."),
    Metric(
        "linkservice_spool_oldest_seconds",
        "gauge",
        "Since when the oldest of the spool's segments is no longer written to.",
    ),
    Metric("linkservice_spool_quarantine_files", "gauge", "Damaged pieces of segments, set aside."),
    Metric("linkservice_disk_free_bytes", "gauge", "Room left where the data directory is."),
    Metric(
        "linkservice_link_cache_lookups_total",
        "counter",
        "Links looked up, by result: hit (in memory), absent (known not to be there), load "
        "(asked of the database).",
    ),
    Metric(
        "linkservice_link_cache_evictions_total",
        "counter",
        "Links beyond `LINK_STORE` that had to make room.",
    ),
    Metric(
        "linkservice_link_cache_links", "gauge", "Links ready in memory, of all redirect workers."
    ),
    Metric(
        "linkservice_link_store_links", "gauge", "Links packed in memory, of all redirect workers."
    ),
    Metric("linkservice_ingest_lag_seconds", "gauge", "How long the oldest click waits."),
    Metric("linkservice_ingest_pending_bytes", "gauge", "Bytes in the spool not yet ingested."),
    Metric(
        "linkservice_ledger_records_total",
        "counter",
        "Records the ledger has passed, by result: ingested, rejected (of an unknown link). "
        "Of the whole database, so of all machines that share it.",
    ),
    Metric(
        "linkservice_ledger_damaged_total",
        "counter",
        "Stretches of segments that held no valid record. Of the whole database.",
    ),
    Metric(
        "linkservice_clicks_ingested_total",
        "counter",
        "Clicks this machine ingested, by class: person, robot, preview, prefetch, scanner, "
        "suspected (mail scanners by their timing; what was ingested before that showed stays "
        "person here, not in reports), head, own, and miss for requests that met no link, whoever "
        "sent them.",
    ),
    Metric(
        "linkservice_web_requests_total",
        "counter",
        "Requests to the app port, by door (page, api, other) and class of status.",
    ),
    Metric("linkservice_web_request_seconds", "histogram", "How long the app port took."),
    Metric(
        "linkservice_letters_total",
        "counter",
        "Reports by e-mail by result: sent, failed (tried again later), late (left out, since "
        "its days were long past).",
    ),
    Metric("linkservice_database_up", "gauge", "1 when the database answered, 0 when it did not."),
    Metric("linkservice_database_query_seconds", "gauge", "How long the ledger's query took."),
    Metric(
        "linkservice_process_start_time_seconds",
        "gauge",
        "When each process began to count, in Unix time, by role and process id.",
    ),
    Metric("linkservice_build_info", "gauge", "1, with the versions as labels."),
)


def text(settings: Settings, database: Database, now: datetime) -> str:
    """All figures at this moment, in Prometheus' text format. Never raises for what is away."""
    families: dict[str, dict[str, float]] = defaultdict(dict)
    for name, value in _figures(settings, database, now):
        families[_family(name)][name] = value
    lines = []
    for metric in METRICS:
        lines.append(f"# HELP {metric.name} {metric.help}")
        lines.append(f"# TYPE {metric.name} {metric.type}")
        lines += [f"{name} {value:.12g}" for name, value in families.pop(metric.name, {}).items()]
    return "\n".join([*lines, ""])


def _figures(settings: Settings, database: Database, now: datetime) -> Iterator[tuple[str, float]]:
    versions = f'{{version="{__version__}",python="{platform.python_version()}"}}'
    yield f"linkservice_build_info{versions}", 1.0
    yield from _counted(settings).items()
    yield from _spool(settings, now)
    yield from _database(settings, database, now)


def _counted(settings: Settings) -> Mapping[str, float]:
    try:
        return summed(settings.data_dir)
    except OSError:
        return {}


def _spool(settings: Settings, now: datetime) -> Iterator[tuple[str, float]]:
    yield "linkservice_disk_free_bytes", float(shutil.disk_usage(settings.data_dir).free)
    try:
        found = segments(settings.spool_dir)
        quarantined = list((settings.spool_dir / QUARANTINE).glob("*"))
    except (SpoolFailed, OSError):
        return
    for state in ("live", "orphan", "sealed", "broken"):
        sizes = [segment.size for segment in found if segment.state == state]
        yield f'linkservice_spool_bytes{{state="{state}"}}', float(sum(sizes))
        yield f'linkservice_spool_segments{{state="{state}"}}', float(len(sizes))
    yield "linkservice_spool_oldest_seconds", max(map(partial(_age, now), found), default=0.0)
    yield "linkservice_spool_quarantine_files", float(len(quarantined))


def _age(now: datetime, segment: Segment) -> float:
    try:
        return max(0.0, now.timestamp() - segment.path.stat().st_mtime)
    except OSError:
        return 0.0  # sealed or deleted since


def _database(settings: Settings, database: Database, now: datetime) -> Iterator[tuple[str, float]]:
    if database.is_absent:  # asking would make it
        yield "linkservice_database_up", 0.0
        return
    columns = (LedgerEntry.ingested, LedgerEntry.rejected, LedgerEntry.damaged)
    started = time.perf_counter()
    try:
        with database.reading() as session:
            row = session.execute(select(*map(func.sum, columns))).one()
            took = time.perf_counter() - started
            waiting = _backlog(settings, session)
    except SQLAlchemyError:
        yield "linkservice_database_up", 0.0
        return
    ingested, rejected, damaged = (float(value or 0) for value in row)
    yield "linkservice_database_up", 1.0
    yield "linkservice_database_query_seconds", took
    yield 'linkservice_ledger_records_total{result="ingested"}', ingested
    yield 'linkservice_ledger_records_total{result="rejected"}', rejected
    yield "linkservice_ledger_damaged_total", damaged
    if waiting is not None:
        yield "linkservice_ingest_lag_seconds", waiting.seconds(now)
        yield "linkservice_ingest_pending_bytes", float(waiting.bytes)


def _backlog(settings: Settings, session: Session) -> Backlog | None:
    try:
        return backlog(settings.spool_dir, session)
    except SpoolFailed:
        return None


def _family(name: str) -> str:
    """`x_seconds` of `x_seconds_bucket{le="1"}`; of other figures the name without labels."""
    base = name.partition("{")[0]
    for suffix in ("_bucket", "_sum", "_count"):
        if base.endswith(f"_seconds{suffix}"):
            return base.removesuffix(suffix)
    return base
