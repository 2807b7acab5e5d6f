"""From the spool into the roll-ups: each click once, in its place, on its local day."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from cast import NOW, Home, make_home, make_link, make_touchpoint
from hypothesis import given
from hypothesis import strategies as st
from rollups import told
from sqlalchemy import func, select

from linkservice.clicks import ledger, retention, salts
from linkservice.clicks.audit import Audit, audit
from linkservice.clicks.calendar import begin_of_day, epoch_ms, local_day, moment
from linkservice.clicks.counted import Counted
from linkservice.clicks.event import Click, Flag, Method, Source, encode
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.ledger_model import LedgerEntry, Unrecorded
from linkservice.clicks.model import Click as ClickRow
from linkservice.clicks.model import DomainDay, LinkDay, LinkHour, VisitorKeys
from linkservice.clicks.placing import ASKED, CLICK, Placed
from linkservice.clicks.segment import HEADER_BYTES, segments, write_segment
from linkservice.clicks.shortfall import Shortfall
from linkservice.clicks.spool import Spool, node_id
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Conflict
from linkservice.links.manage import change_link
from linkservice.workspaces.model import Workspace

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
SLACK = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"


@pytest.fixture
def home(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        return make_home(session, settings)


@pytest.fixture
def click(database: Database, settings: Settings, home: Home) -> Click:
    """A person's click on a link with a touchpoint, to be varied."""
    with database.transaction() as session:
        touchpoint_id = make_touchpoint(session, home)
        link = make_link(session, settings, home, "sommer", touchpoint_id)
        return Click(
            time_ms=epoch_ms(NOW),
            link_id=link.id,
            link_version=1,
            domain_id=home.domain_id,
            workspace_id=home.workspace_id,
            network=bytes((84, 150, 1)),
            token=b"a" * 16,
            user_agent=PHONE,
            language="de",
            referrer_host="news.example",
        )


def ingest(settings: Settings, database: Database) -> None:
    """One pass of a new ingester, as after a restart."""
    Ingester(settings, database).run_once()


def day_of(database: Database) -> LinkDay:
    """The only row of the day roll-up."""
    with database.reading() as session:
        return session.scalars(select(LinkDay)).one()


def count(database: Database, model: type) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_scan_and_a_repeated_click_of_one_visitor(
    settings: Settings, database: Database, spool: Spool, click: Click
) -> None:
    spool.append(encode(click))
    spool.append(encode(replace(click, source=Source.SCAN)))
    ingest(settings, database)
    day = day_of(database)
    assert (day.clicks, day.scans) == (2, 1)
    assert (day.visitors, day.touchpoint_visitors, day.journey_visitors) == (1, 1, 1)
    assert (day.local_date, day.tokenless) == (NOW.date(), 0)
    with database.reading() as session:
        hour = session.scalars(select(LinkHour)).one()
        assert (hour.local_hour, hour.clicks, hour.scans) == (13, 2, 1)  # Berlin is an hour ahead
        assert told(session) == {
            ("country", "DE"): 2,
            ("device", "mobile"): 2,
            ("browser", "Mobile Safari"): 2,
            ("system", "iOS"): 2,
            ("language", "de"): 2,
            ("referrer", "news.example"): 2,
        }


def test_each_class_is_counted_apart(
    settings: Settings, database: Database, spool: Spool, click: Click
) -> None:
    spool.append(encode(replace(click, user_agent=GOOGLEBOT)))
    spool.append(encode(replace(click, user_agent=SLACK)))
    spool.append(encode(replace(click, flags=Flag.PREFETCH)))
    spool.append(encode(replace(click, method=Method.HEAD)))
    spool.append(encode(replace(click, flags=Flag.OWN)))
    spool.append(encode(replace(click, user_agent=GOOGLEBOT, flags=Flag.OWN)))
    spool.append(encode(replace(click, token=b"", flags=Flag.PRIVACY)))
    ingest(settings, database)
    day = day_of(database)
    assert (day.robots, day.previews, day.prefetches, day.scanners, day.heads) == (1, 1, 1, 0, 1)
    assert day.own == 2
    assert (day.clicks, day.visitors, day.tokenless) == (1, 0, 1)


def test_misses_belong_to_the_domain(
    settings: Settings, database: Database, spool: Spool, click: Click
) -> None:
    spool.append(encode(replace(click, link_id=0, link_version=0, miss=True)))
    spool.append(encode(replace(click, miss=True)))
    spool.append(encode(replace(click, miss=True, method=Method.HEAD)))
    ingest(settings, database)
    with database.reading() as session:
        row = session.scalars(select(DomainDay)).one()
        assert (row.misses, row.heads) == (2, 1)
    assert count(database, LinkDay) == 0
    assert count(database, ClickRow) == 3


def test_a_click_keeps_the_touchpoint_its_link_had(
    settings: Settings, database: Database, spool: Spool, click: Click, home: Home
) -> None:
    with database.transaction() as session:
        other = make_touchpoint(session, home, "Flyer")
        change_link(
            session, home.actor, settings, str(click.link_id), {"touchpoint_id": other}, NOW
        )
    spool.append(encode(click))
    spool.append(encode(replace(click, link_version=2)))
    ingest(settings, database)
    with database.reading() as session:
        days = session.scalars(select(LinkDay).order_by(LinkDay.touchpoint_id)).all()
        assert [day.clicks for day in days] == [1, 1]
        assert days[1].touchpoint_id == int(other)
        # One person, new for each touchpoint and journey, but not for the link.
        assert sum(day.visitors for day in days) == 1
        assert [day.touchpoint_visitors for day in days] == [1, 1]


def test_ingesting_again_after_a_restart_changes_nothing(
    settings: Settings, database: Database, spool: Spool, click: Click
) -> None:
    for number in range(10):
        spool.append(encode(replace(click, token=bytes([number]) * 16)))
    ingest(settings, database)
    ingest(settings, database)
    spool.close()
    ingest(settings, database)
    assert (day_of(database).clicks, day_of(database).visitors) == (10, 10)
    assert audit(settings, database) == Audit(10, 10, 0, 0, 0)


def test_replaying_a_segment_from_its_start_is_refused_by_the_ledger(
    settings: Settings, database: Database, spool: Spool, click: Click
) -> None:
    spool.append(encode(click))
    ingest(settings, database)
    (segment,) = segments(settings.spool_dir)
    nothing = Placed(np.empty(0, CLICK), np.empty(0, ASKED))
    again = ledger.Batch(HEADER_BYTES, HEADER_BYTES + 1, nothing, 1, 0, False)
    with pytest.raises(ledger.Overtaken), database.writing_connection() as connection:
        ledger.Prepared(again, database.engine.dialect.name).write(
            connection, segment, Counted().within(connection), NOW
        )
    assert audit(settings, database).difference == 0


def test_a_lost_ledger_is_caught_by_the_second_belt(
    settings: Settings, database: Database, spool: Spool, click: Click
) -> None:
    """Rows have the record's id as their key: even without the ledger none comes twice."""
    spool.append(encode(click))
    ingest(settings, database)
    with database.transaction() as session:
        entry = session.scalars(select(LedgerEntry)).one()
        entry.position = HEADER_BYTES
        entry.accepted = entry.ingested = 0
    with pytest.raises(Exception, match=r"(?i)unique"):
        ingest(settings, database)
    assert day_of(database).clicks == 1


def test_visitors_do_not_depend_on_the_order_of_arrival(
    settings: Settings, database: Database, click: Click
) -> None:
    node = node_id(settings.data_dir)
    late = Spool(settings.spool_dir, node, sync="off")
    early = Spool(settings.spool_dir, node, sync="off")
    early.append(encode(replace(click, time_ms=click.time_ms + 3_600_000)))
    ingest(settings, database)
    late.append(encode(click))
    ingest(settings, database)
    assert (day_of(database).clicks, day_of(database).visitors) == (2, 1)
    late.close()
    early.close()


def test_an_unknown_link_is_rejected_and_counted(
    settings: Settings, database: Database, spool: Spool, click: Click
) -> None:
    spool.append(encode(replace(click, link_id=999_999)))
    spool.append(encode(click))
    ingest(settings, database)
    assert audit(settings, database) == Audit(2, 1, 1, 0, 0)


def test_damage_costs_one_record_and_never_stops_ingestion(
    settings: Settings, database: Database, spool: Spool, click: Click
) -> None:
    for _ in range(3):
        spool.append(encode(click))
    spool.close()
    (segment,) = segments(settings.spool_dir)
    data = bytearray(segment.path.read_bytes())
    middle = HEADER_BYTES + (len(data) - HEADER_BYTES) // 2
    data[middle] ^= 0x10
    segment.path.write_bytes(data)
    ingest(settings, database)
    assert day_of(database).clicks == 2
    with database.reading() as session:
        entry = session.scalars(select(LedgerEntry)).one()
        assert (entry.damaged, entry.finished_at is not None) == (1, True)
    assert audit(settings, database) == Audit(2, 2, 0, 0, 0, 1)


def test_pending_clicks_are_accepted_and_not_yet_ingested(
    settings: Settings, database: Database, spool: Spool, click: Click
) -> None:
    spool.append(encode(click))
    assert audit(settings, database) == Audit(1, 0, 0, 1, 0)


def test_unrecorded_clicks_are_stored_once(
    settings: Settings, database: Database, spool: Spool, click: Click
) -> None:
    spool.append(encode(click))
    shortfall = Shortfall(settings.spool_dir)
    shortfall.add(click.workspace_id, NOW.date().toordinal())
    shortfall.add(click.workspace_id, NOW.date().toordinal())
    ingest(settings, database)
    ingest(settings, database)
    with database.reading() as session:
        row = session.scalars(select(Unrecorded)).one()
        assert (row.workspace_id, row.local_date, row.clicks) == (
            click.workspace_id,
            NOW.date(),
            2,
        )
    assert audit(settings, database).unrecorded == 2
    # A second ingester that was held up before it stored what it had read.
    shortfall.add(click.workspace_id, NOW.date().toordinal())
    ingest(settings, database)
    retention._store_shortfall(database, {(row.source, click.workspace_id, NOW.date()): 2})
    with database.reading() as session:
        assert session.scalars(select(Unrecorded.clicks)).all() == [3]
    shortfall.close()


def test_a_changed_time_zone_applies_from_then_on(
    settings: Settings, database: Database, spool: Spool, click: Click
) -> None:
    late = replace(click, time_ms=epoch_ms(datetime(2026, 11, 20, 22, 30, tzinfo=UTC)))
    ingester = Ingester(settings, database)
    spool.append(encode(late))
    ingester.run_once()
    with database.transaction() as session:
        session.get_one(Workspace, click.workspace_id).time_zone = "Asia/Kolkata"
    spool.append(encode(late))
    ingester.run_once()
    with database.reading() as session:
        days = session.scalars(select(LinkDay).order_by(LinkDay.local_date)).all()
        assert [day.local_date for day in days] == [date(2026, 11, 20), date(2026, 11, 21)]


def test_old_segments_tokens_and_rows_go_and_totals_stay(
    settings: Settings, database: Database, spool: Spool, click: Click
) -> None:
    spool.append(encode(click))
    spool.close()
    ingest(settings, database)
    before = audit(settings, database)
    retention.keep_house(settings, database, datetime.now(UTC) + timedelta(days=800))
    assert segments(settings.spool_dir) == []
    assert count(database, VisitorKeys) == 0
    assert count(database, ClickRow) == 0
    assert day_of(database).clicks == 1
    assert audit(settings, database) == before == Audit(1, 1, 0, 0, 0)


def test_a_past_day_that_is_being_imported_keeps_its_tokens(
    settings: Settings, database: Database, click: Click
) -> None:
    """Housekeeping between two chunks of an import must not count their visitors twice."""
    past = replace(click, time_ms=click.time_ms - 100 * 86_400_000)
    with database.transaction() as session:
        day = (NOW - timedelta(days=100)).date()
        salts.salt_for(session, click.workspace_id, day, datetime.now(UTC))
    for chunk in (b"first", b"second"):
        write_segment(settings.spool_dir, b"n" * 16, chunk.ljust(8)[:8], [encode(past)])
        ingest(settings, database)
        retention.keep_house(settings, database, datetime.now(UTC))
    assert (day_of(database).clicks, day_of(database).visitors) == (2, 1)


def test_a_segment_is_not_deleted_before_it_is_ingested(
    settings: Settings, database: Database, spool: Spool, click: Click
) -> None:
    spool.append(encode(click))
    spool.close()
    retention.delete_old_segments(settings, database, datetime.now(UTC) + timedelta(days=800))
    assert len(segments(settings.spool_dir)) == 1


def test_two_ingesters_at_once_count_everything_once(
    settings: Settings, database: Database, click: Click
) -> None:
    node = node_id(settings.data_dir)
    spools = [Spool(settings.spool_dir, node, sync="off") for _ in range(4)]
    for number in range(400):
        spools[number % 4].append(encode(replace(click, token=bytes([number % 7]) * 16)))
    threads = [threading.Thread(target=ingest, args=(settings, database)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for spool in spools:
        spool.close()
    ingest(settings, database)
    assert (day_of(database).clicks, day_of(database).visitors) == (400, 7)
    assert audit(settings, database).difference == 0


def test_a_second_ingester_of_the_data_directory_is_refused(
    settings: Settings, database: Database
) -> None:
    first, second = Ingester(settings, database), Ingester(settings, database)
    with first.alone(), pytest.raises(Conflict, match="already ingests"), second.alone():
        pass


@given(
    time_ms=st.integers(min_value=946_684_800_000, max_value=2_145_916_800_000),
    time_zone=st.sampled_from(
        ("Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns", "UTC")
    ),
)
def test_local_days_tile_time_without_gaps(time_ms: int, time_zone: str) -> None:
    """The day never runs backwards, and stays within the offsets that exist."""
    day, hour = local_day(time_ms, time_zone)
    later, _ = local_day(time_ms + 3_600_000, time_zone)
    assert (later - day).days in (0, 1)
    assert abs((day - moment(time_ms).date()).days) <= 1
    assert 0 <= hour <= 23


def test_the_first_and_last_day_of_the_calendar_begin_within_it() -> None:
    assert begin_of_day(date.min, "Europe/Berlin") == datetime.min.replace(tzinfo=UTC)
    for zone in ("Europe/Berlin", "Pacific/Honolulu", "Pacific/Kiritimati"):
        assert begin_of_day(date.max, zone) < datetime.max.replace(tzinfo=UTC)
    assert begin_of_day(date(2026, 6, 1), "Europe/Berlin") == datetime(2026, 5, 31, 22, tzinfo=UTC)


def test_the_hour_that_comes_twice_adds_up() -> None:
    first = epoch_ms(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    second = epoch_ms(datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    assert local_day(first, "Europe/Berlin") == local_day(second, "Europe/Berlin")
    assert local_day(first, "Europe/Berlin") == (date(2026, 10, 25), 2)
