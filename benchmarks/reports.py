"""How long the service works on a report, beside millions of clicks.

    python -m benchmarks.reports --folder /var/tmp/reports [--engine postgresql] [--clicks N]

The database is filled once and kept in the folder: 400 days of 2,000 links at some 200
touchpoints. Each page is asked for in one process, as its owner, without the network: once to
warm it, then 20 times; the middle one counts.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from benchmarks.gains import add_gains
from benchmarks.history import Past, fill_up, installation, rest, shop_of
from benchmarks.table import heading, judged
from linkservice import schema
from linkservice.app import close_app, create_app
from linkservice.clicks.packed_model import EveryClick
from linkservice.config import Settings
from linkservice.database import Database, open_database
from linkservice.journeys.model import Journey, Touchpoint
from linkservice.links.model import Link
from linkservice.serve.workers import GC_OF_PAGES, collect_seldom, keep_memory_small
from linkservice.web.guard import Cookies
from linkservice.workspaces import sessions
from linkservice.workspaces.accounts import add_user
from linkservice.workspaces.model import User, Workspace

DAYS, TOUCHPOINTS = 400, 185
"""Fifteen more touchpoints are those of the template."""

TIMES = 20
PERIODS = {"7 days": 7, "28 days": 28, "90 days": 90, "12 months": 365, "all 400 days": DAYS}
PAGE_MS, ROWS_MS, PAGE_KB, MEMORY_MB, CLICK_BYTES = 150.0, 400.0, 150.0, 300.0, 130.0


def main() -> None:
    """Fill, measure, and print."""
    parser = argparse.ArgumentParser(description="Measure reports.")
    parser.add_argument("--folder", type=Path, required=True, help="where the database is kept")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--clicks", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="pages whose name has this, as “filter”")
    given = parser.parse_args()
    today = datetime.now(UTC).replace(hour=1, minute=0, second=0, microsecond=0)
    past = Past(today - timedelta(days=DAYS - 1), DAYS, given.clicks, TOUCHPOINTS)
    with installation(given.folder, given.engine) as settings:
        database = open_database(settings)
        schema.upgrade(database)
        shop = shop_of(database, settings, past)
        fill_up(settings, database, shop, past, given.seed)
        add_gains(database, past, given.seed)
        rest(database)
        database.close()
        # In a process of its own, whose memory is not that of who filled the database.
        process = get_context("spawn").Process(target=_measure, args=(settings, given.only))
        process.start()
        process.join()
        sys.exit(process.exitcode)


def _measure(settings: Settings, only: str) -> None:
    database = open_database(settings)
    client = _signed_in(settings, database)
    largest = 0
    for name, path, days in _pages(database, only):
        last = datetime.now(UTC).date()
        address = f"/app{path}from={last - timedelta(days=days - 1)}&to={last}"
        took, size = _asked(client, address)
        largest = max(largest, size)
        most = ROWS_MS if "two filters" in name else PAGE_MS
        judged(f"{name}, {days} days", took, "≤", most, " ms")
    heading("Beside that")
    judged("largest page, gzipped", largest / 1000, "≤", PAGE_KB, " kB")
    judged("memory of this process at most", _memory(), "≤", MEMORY_MB, " MB")
    with database.reading() as session:
        rows = session.scalar(select(func.count()).select_from(EveryClick)) or 1
        size = _bytes(session, database)
    judged("bytes per click in the whole database", size / rows, "≤", CLICK_BYTES)
    close_app(client.application)
    database.close()


def _memory() -> float:
    """What this process had at most, in MB; `getrusage` would tell that of its parent, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _bytes(session: Session, database: Database) -> float:
    """What the database takes, without the pages of a file that nothing lies in."""
    if not database.is_sqlite:
        return float(session.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    pages, free, each = (
        session.scalar(text(f"PRAGMA {name}")) or 0
        for name in ("page_count", "freelist_count", "page_size")
    )
    return float((pages - free) * each)


def _pages(database: Database, only: str) -> Iterator[tuple[str, str, int]]:
    """What each page is called, its path up to the period, and the days of the period."""
    with database.reading() as session:
        journey = session.scalar(select(func.min(Journey.id)))
        touchpoint = session.scalar(select(func.max(Touchpoint.id)))
        link = session.scalar(select(func.min(Link.id)))
        campaign = session.scalar(select(Link.campaign_id).where(Link.id == link))
    pages = {
        "overview": "/?",
        "touchpoints": "/reports?",
        "touchpoints by clicks a day": "/reports?metric=clicks_per_day&",
        "touchpoints by value": "/reports?metric=value_per_reach&",
        "touchpoints by trend": "/reports?metric=trend&",
        "touchpoints, one filter": "/reports?country=DE&",
        "touchpoints, one filter, judged": "/reports?country=DE&metric=clicks_per_day&",
        "touchpoints, two filters": "/reports?country=DE&device=mobile&",
        "touchpoints, worst by campaign": "/reports?group=campaign&verdict=worst&",
        "overview, one filter": "/?country=DE&",
        "moments of truth": "/reports/moments?",
        "costs": "/reports/costs?",
        "personas": "/reports/personas?",
        "journey map": f"/reports/journeys/{journey}?",
        "one campaign": f"/campaigns/{campaign}?",
        "that campaign, one filter": f"/campaigns/{campaign}?country=DE&",
        "that campaign, unknown city": f"/campaigns/{campaign}?city=unknown&",
        "that campaign, two filters": f"/campaigns/{campaign}?country=DE&device=mobile&",
        "one touchpoint": f"/reports/touchpoints/{touchpoint}?",
        "one link, the most clicked": f"/reports/links/{link}?",
        "that link, one filter": f"/reports/links/{link}?country=DE&",
        "that link, scans": f"/reports/links/{link}?source=scan&",
        "that link, two filters": f"/reports/links/{link}?country=DE&device=mobile&",
        "one touchpoint, one filter": f"/reports/touchpoints/{touchpoint}?country=DE&",
        "one touchpoint, two filters": f"/reports/touchpoints/{touchpoint}?country=DE&source=scan&",
        "busiest touchpoint, one filter": "/reports/touchpoints/2?country=DE&",
        "busiest touchpoint, unknown city": "/reports/touchpoints/2?city=unknown&",
        "busiest touchpoint, two filters": "/reports/touchpoints/2?country=DE&source=scan&",
    }
    for name, path in pages.items():
        if only not in name:
            continue
        heading(name)
        for days in PERIODS.values():
            yield name, path, days


def _asked(client: FlaskClient, address: str) -> tuple[float, int]:
    """The middle time in milliseconds, and the size of the page gzipped."""
    took = []
    for turn in range(TIMES + 1):
        began = time.perf_counter()
        answer = client.get(address)
        seconds = time.perf_counter() - began
        assert answer.status_code == 200, (address, answer.status)
        if turn:
            took.append(1000 * seconds)
    return statistics.median(took), len(gzip.compress(answer.data))


def _signed_in(settings: Settings, database: Database) -> FlaskClient:
    """The browser of somebody who may see all."""
    now = datetime.now(UTC)
    with database.transaction() as session:
        workspace = session.scalars(select(Workspace)).one()
        workspace.set_up_at = now
        user = session.scalars(select(User)).first()
        if user is None:
            member = add_user(session, workspace, "ada@example.org", "owner", now)
            user = session.get_one(User, member.user_id)
        token = sessions.start(session, user, "benchmark", now)
    client = create_app(settings).test_client()
    collect_seldom(GC_OF_PAGES)  # as a worker does
    keep_memory_small()
    client.set_cookie(Cookies.of(settings).name("session"), token)
    return client


if __name__ == "__main__":
    main()
