"""A database restored from a backup that was made while clicks came in: the spool has the rest."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import pytest
from evidence import Trial
from marked import numbers_in
from recording import Recording, clicked_link
from sqlalchemy import func, select

from linkservice.backup import back_up, restore
from linkservice.clicks.audit import Audit, audit
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.ledger_model import Unrecorded
from linkservice.clicks.model import LinkDay, LinkFacet, LinkHour, Salt
from linkservice.clicks.shortfall import Shortfall
from linkservice.config import Settings
from linkservice.database import Database

pytestmark = pytest.mark.fault


@dataclass(frozen=True)
class Totals:
    """All that reports are made of."""

    audit: Audit
    unrecorded: int
    salts: list[bytes]
    days: list[tuple[object, ...]]
    hours: list[tuple[object, ...]]
    facets: list[tuple[object, ...]]


def totals(settings: Settings, database: Database) -> Totals:
    columns = LinkDay.__table__.columns
    with database.reading() as session:
        return Totals(
            audit(settings, database),
            session.scalar(select(func.sum(Unrecorded.clicks))) or 0,
            # Without them whoever was counted this morning would be somebody else this evening.
            [bytes(salt) for salt in session.scalars(select(Salt.salt).order_by(Salt.local_date))],
            [tuple(row) for row in session.execute(select(*columns).order_by(*columns))],
            [
                tuple(row)
                for row in session.execute(
                    select(LinkHour.local_date, LinkHour.local_hour, func.sum(LinkHour.clicks))
                    .group_by(LinkHour.local_date, LinkHour.local_hour)
                    .order_by(LinkHour.local_date, LinkHour.local_hour)
                )
            ],
            sorted(
                tuple(row)
                for row in session.execute(
                    select(LinkFacet.local_date, func.sum(LinkFacet.clicks)).group_by(
                        LinkFacet.local_date
                    )
                )
            ),
        )


def test_totals_are_the_same_after_a_restore_and_a_replay(
    settings: Settings, database: Database, tmp_path: Path, trial: Trial, engine_name: str
) -> None:
    rng = trial.chance()
    click = clicked_link(settings, database)
    recording = Recording(settings, click, rng)
    runs = trial.size(2, 20)
    for run in range(runs):
        file = tmp_path / f"backup-{run}"
        stop = Event()
        thread = Thread(target=Ingester(settings, database).run, args=(stop,))
        thread.start()
        with recording.going_on():
            time.sleep(rng.uniform(0, trial.size(1, 10) / 5))
            back_up(settings, database, file, datetime.now(UTC), lambda done, total: None)
            # A worker that could not record, and ended before the restore.
            with closing(Shortfall(settings.spool_dir)) as shortfall:
                for _ in range(rng.randint(1, 9)):
                    shortfall.add(click.workspace_id, datetime.now(UTC).date().toordinal())
            time.sleep(rng.uniform(0, trial.size(1, 10) / 5))
        stop.set()
        thread.join()
        before = totals(settings, database)
        assert before.audit.ingested == recording.recorded
        assert before.salts
        restore(database, file, replace=True, progress=lambda done, total: None)
        assert totals(settings, database) != before  # there is something to replay
        Ingester(settings, database).run_once()
        assert totals(settings, database) == before
        assert numbers_in(database) == dict.fromkeys(range(1, recording.recorded + 1), 1)
    recording.close()
    trial.saw(
        f"database restored from a backup made mid-run ({engine_name})",
        "totals differ by 0 after the replay",
        f"{runs} restores, {recording.recorded:,} clicks: clicks, visitors, hours, facets and "
        "unrecorded differ by 0",
    )
