"""What became of clicks once a service has ended: in reports, in rows, in the audit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from cast import Home, make_home, make_link
from clients import Crowd
from sqlalchemy import func, select

from linkservice.clicks.audit import audit
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import Click, LinkDay
from linkservice.config import Settings
from linkservice.database import Database


def add_poster(settings: Settings, database: Database) -> Home:
    """A workspace, made today, with the link `poster`."""
    now = datetime.now(UTC)
    with database.transaction() as session:
        home = make_home(session, settings, now=now)
        make_link(session, settings, home, "poster", now=now)
    return home


def in_reports(database: Database) -> int:
    """The clicks in the roll-ups."""
    with database.reading() as session:
        return session.scalar(select(func.sum(LinkDay.clicks))) or 0


def in_rows(database: Database) -> int:
    """The click rows."""
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Click)) or 0


def ingest_the_rest(settings: Settings, database: Database) -> None:
    """What the next start of the service would do with what a killed ingester left."""
    ingester = Ingester(settings, database)
    with ingester.alone():
        ingester.run_once()


def assert_each_counted_once(
    settings: Settings, database: Database, *crowds: Crowd, other_nodes: Sequence[Settings] = ()
) -> int:
    """Every acknowledged click is in the reports, none twice, and the audit agrees.

    Returns the clicks in the reports. Those in doubt may be there: each once or not at all.
    """
    for node in (settings, *other_nodes):
        ingest_the_rest(node, database)
    acknowledged = sum(crowd.acknowledged for crowd in crowds)
    in_doubt = sum(crowd.in_doubt for crowd in crowds)
    found = in_reports(database)
    assert acknowledged <= found <= acknowledged + in_doubt
    assert in_rows(database) == found
    checked = audit(settings, database)
    assert (checked.difference, checked.pending, checked.unrecorded) == (0, 0, 0)
    assert checked.accepted == found
    return found
