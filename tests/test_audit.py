"""The proof names what is wrong: which link on which day, which domain, node or segment."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from cast import NOW, Home, make_home, make_link
from sqlalchemy import update
from terminal import done, run

from linkservice.clicks.audit import Audit, Difference, audit
from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.event import Click, encode
from linkservice.clicks.framing import frame
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.ledger_model import AcceptedDay, Node
from linkservice.clicks.model import DomainDay, LinkDay
from linkservice.clicks.segment import HEADER_BYTES, segments, write_segment
from linkservice.config import Settings
from linkservice.database import Database

DAY = NOW.date()
HERE, THERE = b"n" * 16, b"m" * 16


@pytest.fixture
def home(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        return make_home(session, settings)


@pytest.fixture
def counted(database: Database, settings: Settings, home: Home) -> Click:
    """Twelve clicks of two nodes, two of them misses, one rejected: all ingested."""
    with database.transaction() as session:
        link_id = make_link(session, settings, home, "sommer").id
    click = Click(
        time_ms=epoch_ms(NOW),
        link_id=link_id,
        link_version=1,
        domain_id=home.domain_id,
        workspace_id=home.workspace_id,
    )
    unknown = replace(click, link_id=999_999)
    miss = replace(click, link_id=0, link_version=0, miss=True)
    write(settings, HERE, [click] * 5 + [miss] * 2 + [unknown])
    write(settings, THERE, [click] * 4)
    Ingester(settings, database).run_once()
    return click


def write(settings: Settings, node: bytes, clicks: list[Click]) -> None:
    write_segment(settings.spool_dir, node, b"s" * 8, map(encode, clicks))


def test_all_agree(settings: Settings, database: Database, counted: Click) -> None:
    found = audit(settings, database)
    assert found == Audit(12, 11, 1, 0, 0)
    assert (found.proven, found.first_difference) == (True, None)
    nodes = {(each.name, each.accepted, each.ingested, each.rejected) for each in found.nodes}
    assert nodes == {(HERE.hex(), 8, 7, 1), (THERE.hex(), 4, 4, 0)}
    (day,) = found.days
    assert (day.name, day.accepted, day.ingested, day.rejected) == (str(DAY), 12, 11, 1)
    assert audit(settings, database, deep=True) == found


def test_what_waits_is_pending_at_its_node(
    settings: Settings, database: Database, counted: Click
) -> None:
    write_segment(settings.spool_dir, THERE, b"t" * 8, [encode(counted)] * 3)
    found = audit(settings, database)
    assert found == Audit(15, 11, 1, 3, 0)
    assert {each.name: each.pending for each in found.nodes} == {HERE.hex(): 0, THERE.hex(): 3}


def lose_one(database: Database) -> None:
    with database.transaction() as session:
        session.execute(update(LinkDay).values(clicks=LinkDay.clicks - 1))


def double_a_miss(database: Database) -> None:
    with database.transaction() as session:
        session.execute(update(DomainDay).values(misses=DomainDay.misses + 1))


def forget_a_node(database: Database) -> None:
    with database.transaction() as session:
        ours = session.query(Node.id).where(Node.node == THERE.hex()).scalar()
        session.execute(update(AcceptedDay).where(AcceptedDay.node_id == ours).values(accepted=0))
        session.execute(update(LinkDay).values(clicks=LinkDay.clicks - 4))


@pytest.mark.parametrize(
    ("spoil", "subject", "accepted", "wrong"),
    [
        (lose_one, "link", 9, 8),
        (double_a_miss, "domain", 2, 3),
        (forget_a_node, "node", 4, 0),
    ],
)
def test_the_first_difference_is_named(
    settings: Settings,
    database: Database,
    home: Home,
    counted: Click,
    spoil: Callable[[Database], None],
    subject: str,
    accepted: int,
    wrong: int,
) -> None:
    spoil(database)
    found = audit(settings, database)
    name = {"link": f"{home.host}/sommer", "domain": home.host, "node": THERE.hex()}[subject]
    on: date | None = None if subject == "node" else DAY
    assert found.first_difference == Difference(subject, name, on, accepted, wrong)  # type: ignore[arg-type]  # one of them
    assert (found.proven, found.difference != 0) == (False, True)


def test_differences_that_cancel_out_are_named_too(
    settings: Settings, database: Database, counted: Click
) -> None:
    lose_one(database)
    double_a_miss(database)
    found = audit(settings, database)
    assert (found.difference, len(found.differences), found.proven) == (0, 2, False)


def test_what_nobody_understands_was_accepted(
    settings: Settings, database: Database, counted: Click
) -> None:
    write(settings, b"o" * 16, [counted])
    (segment,) = [each for each in segments(settings.spool_dir) if each.identity[:1] == b"o"]
    end = segment.path.stat().st_size
    with segment.path.open("ab") as file:
        file.write(frame(b"from another program", segment.identity, end))
    Ingester(settings, database).run_once()
    found = audit(settings, database)
    assert found == Audit(14, 12, 2, 0, 0)
    assert found.proven


def test_only_deep_reads_again_what_is_finished(
    settings: Settings, database: Database, counted: Click
) -> None:
    segment = segments(settings.spool_dir)[0]
    with segment.path.open("r+b") as file:
        file.seek(HEADER_BYTES + 20)
        file.write(b"rotten")
    assert audit(settings, database).first_difference is None
    read: list[int] = []
    found = audit(settings, database, deep=True, progress=read.append)
    assert found.first_difference is not None
    assert (found.first_difference.subject, found.first_difference.name) == (
        "segment",
        segment.name,
    )
    # The clicks were counted before: nothing is lost.
    assert (found.difference, found.proven) == (0, True)
    assert sum(read) == sum(
        each.path.stat().st_size - HEADER_BYTES for each in segments(settings.spool_dir)
    )


def test_a_record_the_ledger_passed_over_is_lost(
    settings: Settings, database: Database, counted: Click
) -> None:
    """Written into a finished segment, where nobody looks but the deep audit."""
    segment = segments(settings.spool_dir)[0]
    with segment.path.open("ab") as file:
        file.write(frame(encode(counted), segment.identity, segment.path.stat().st_size))
    found = audit(settings, database)
    assert found.first_difference is not None
    assert found.first_difference.subject == "segment"


def test_the_command_says_it_and_fails(
    settings: Settings, database: Database, home: Home, counted: Click
) -> None:
    assert "first difference" not in done(settings, "audit", "--deep")
    lose_one(database)
    failed = run(settings, "audit")
    told = f"first difference: link {home.host}/sommer on {DAY}: 9 accepted, 8 counted"
    assert (failed.exit_code, told in failed.stdout) == (1, True)
    document = json.loads(run(settings, "audit", "--format", "json").stdout)
    assert document["first_difference"] == {
        "subject": "link",
        "name": f"{home.host}/sommer",
        "date": str(DAY),
        "accepted": 9,
        "counted": 8,
    }
    assert {each["name"] for each in document["nodes"]} == {HERE.hex(), THERE.hex()}
