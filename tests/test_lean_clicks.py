"""Rows of words become rows of numbers and come back, and visitors stay counted."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from cast import NOW, make_home, make_link, make_touchpoint
from rollups import told, visitor_keys
from sqlalchemy import Connection, MetaData, Table, insert, select

from linkservice import schema
from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.event import Click, encode
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import CLASSES, AgentName, FacetValue, LinkDay, Mark
from linkservice.clicks.model import Click as ClickRow
from linkservice.clicks.segment import write_segment
from linkservice.config import Settings
from linkservice.database import Database

DAY = date(2026, 11, 20)
TOKEN = bytes(range(16))
BEFORE = "0004"


def tables(connection: Connection) -> dict[str, Table]:
    """The tables as they are, whatever the models say."""
    found = MetaData()
    found.reflect(connection)
    return dict(found.tables)


def worded(link_id: int | None, touchpoint_id: int, **values: object) -> dict[str, object]:
    """A click row as it was before."""
    return {
        "segment_id": 1000,
        "position": 64,
        "at": datetime(2026, 11, 20, 22, 59, 59, 987_000, tzinfo=UTC),
        "workspace_id": 1,
        "domain_id": 1,
        "link_id": link_id,
        "link_version": 1,
        "touchpoint_id": touchpoint_id,
        "local_date": DAY,
        "local_hour": 23,
        "source": "scan",
        "class": "person",
        "miss": False,
        "tokenless": False,
        "new_for_link": True,
        "new_for_touchpoint": True,
        "new_for_journey": False,
        "country": "DE",
        "device": "mobile",
        "browser": "Firefox",
        "system": "Android",
        "language": "",
        "referrer": "news.example",
        "robot": "",
    } | values


@pytest.fixture
def old(settings: Settings, database: Database) -> list[dict[str, object]]:
    """A database of the revision before, with clicks; their rows."""
    with database.transaction() as session:
        home = make_home(session, settings)
        touchpoint_id = int(make_touchpoint(session, home))
        link_id = make_link(session, settings, home, "sommer", str(touchpoint_id)).id
    schema.downgrade(database, BEFORE)
    robot = {"class": "robot", "robot": "Googlebot", "device": "other", "browser": "", "system": ""}
    rows = [
        worded(link_id, touchpoint_id),
        worded(link_id, touchpoint_id, position=200, source="click", tokenless=True, **robot),
        worded(None, 0, position=300, miss=True, local_hour=0, **{"class": "head"}),
    ]
    with database.writing_connection() as connection:
        there = tables(connection)

        def add(table: str, *values: dict[str, object]) -> None:
            connection.execute(insert(there[table]), list(values))

        counts = {"accepted": 3, "ingested": 3, "rejected": 0, "damaged": 0}
        add("segments", {"id": 1000, "node": "n" * 32, "name": "s", "position": 400, **counts})
        add("clicks", *rows)
        key = {"link_id": link_id, "local_date": DAY}
        names = [column.name for column in LinkDay.__table__.columns]
        zeros = dict.fromkeys(names[4:], 0)
        add("link_days", zeros | key | {"touchpoint_id": touchpoint_id, "workspace_id": 1,
                                        "clicks": 1, "robots": 1})  # fmt: skip
        add("link_hours", {**key, "local_hour": 23, "clicks": 1, "scans": 1})
        add("link_facets", {**key, "facet": "country", "value": "DE", "clicks": 1},
            {**key, "facet": "robot", "value": "Googlebot", "clicks": 1})  # fmt: skip
        add("domain_days", {"domain_id": 1, "local_date": DAY, "workspace_id": 1,
                            "misses": 0, "heads": 1})  # fmt: skip
        token = {"local_date": DAY, "token": TOKEN}
        add("visitor_tokens", {**token, "scope": "link", "scope_id": link_id},
            {**token, "scope": "touchpoint", "scope_id": touchpoint_id})  # fmt: skip
    return rows


def test_words_become_numbers(old: list[dict[str, object]], database: Database) -> None:
    schema.upgrade(database)
    with database.reading() as session:
        person, robot, miss = session.scalars(select(ClickRow).order_by(ClickRow.position)).all()
        assert person.time_ms == 1_795_215_599_987
        assert date.fromordinal(person.local_day) == DAY
        assert person.flags == Mark.SCAN | Mark.NEW_FOR_LINK | Mark.NEW_FOR_TOUCHPOINT
        assert robot.flags & Mark.TOKENLESS
        assert (miss.link_id, miss.flags & Mark.MISS, CLASSES[miss.click_class]) == (0, 2, "head")
        agent = session.get_one(AgentName, person.agent_id)
        assert (agent.device, agent.browser, agent.system) == ("mobile", "Firefox", "Android")
        assert session.get_one(AgentName, robot.agent_id).robot == "Googlebot"
        assert session.get_one(FacetValue, person.referrer_id).value == "news.example"
        assert told(session) == {("country", "DE"): 1, ("robot", "Googlebot"): 1}


def test_who_was_counted_stays_counted(
    old: list[dict[str, object]], database: Database, settings: Settings
) -> None:
    """The visitor comes again: known to link and touchpoint, new to the journey only."""
    schema.upgrade(database)
    again = Click(
        time_ms=epoch_ms(NOW),
        link_id=link_of(old),
        link_version=1,
        domain_id=1,
        workspace_id=1,
        token=TOKEN,
        user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    )
    write_segment(settings.spool_dir, b"n" * 16, b"s" * 8, [encode(again)])
    Ingester(settings, database).run_once()
    with database.reading() as session:
        assert visitor_keys(session) == 3
        day = session.scalars(select(LinkDay)).one()
        assert (day.clicks, day.visitors, day.touchpoint_visitors) == (2, 0, 0)
        assert day.journey_visitors == 1


def link_of(rows: list[dict[str, object]]) -> int:
    link_id = rows[0]["link_id"]
    assert isinstance(link_id, int)
    return link_id


def test_numbers_become_words_again(old: list[dict[str, object]], database: Database) -> None:
    schema.upgrade(database)
    schema.downgrade(database, BEFORE)
    with database.engine.connect() as connection:
        there = tables(connection)
        rows = connection.execute(select(there["clicks"]).order_by(there["clicks"].c.position))
        found = [dict(row._mapping) for row in rows]
        for row in found:
            moment = row["at"]
            assert isinstance(moment, datetime)
            row["at"] = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
            row.update({name: bool(value) for name, value in row.items() if name in FLAGS})
        assert found == old
        facets = connection.execute(select(there["link_facets"])).all()
        assert sorted(row.value for row in facets) == ["DE", "Googlebot"]
        (hour,) = connection.execute(select(there["link_hours"])).all()
        assert (hour.local_hour, hour.clicks, hour.scans) == (23, 1, 1)


FLAGS = ("miss", "tokenless", "new_for_link", "new_for_touchpoint", "new_for_journey")


def test_the_audit_begins_with_what_was_counted(
    old: list[dict[str, object]], database: Database
) -> None:
    schema.upgrade(database)
    with database.reading() as session:
        there = tables(session.connection())
        rows = session.execute(select(there["accepted_days"])).all()
        assert sorted((row.link_id > 0, row.accepted, row.rejected) for row in rows) == [
            (False, 1, 0),
            (True, 2, 0),
        ]
        (node,) = session.execute(select(there["nodes"])).all()
        assert (node.node, node.uncounted) == ("n" * 32, 3)
