"""What is kept how long: details go, in small steps, and no report changes by a digit."""

from __future__ import annotations

import base64
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cast import make_home, make_link, make_touchpoint
from evidence import Trial
from rest import People, everybody
from sqlalchemy import event, func, select

from linkservice.backup import back_up
from linkservice.clicks import retention, salts
from linkservice.clicks.audit import audit
from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.event import Click, Flag, Method, Source, encode
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import Click as ClickRow
from linkservice.clicks.model import Salt, VisitorKeys
from linkservice.clicks.segment import segments, write_segment
from linkservice.config import SETTINGS, Settings
from linkservice.database import Database
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.redirect.days import Days
from linkservice.workspaces.model import Workspace

people = pytest.fixture(everybody)

NOW = datetime.now(UTC).replace(microsecond=0)
OLD = NOW - timedelta(days=780)
"""Longer ago than 25 months, which are 761 days."""

OLD_CLICKS, NEW_CLICKS = 4_500, 40

AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
)

ZONES = (
    "Europe/Berlin",
    "Pacific/Kiritimati",  # 14 hours before UTC
    "Pacific/Pago_Pago",  # 11 hours behind it
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # its clocks change by half an hour
    "America/St_Johns",
)


@pytest.fixture
def link_id(people: People, settings: Settings, database: Database) -> int:
    """A link with clicks of every kind, long ago and now, all ingested."""
    home = people.ada.home
    with database.transaction() as session:
        touchpoint_id = make_touchpoint(session, home, now=OLD)
        new = NewReach(OLD.date(), 9_000, "printed", until=NOW.date())
        add_reach(session, home.actor, touchpoint_id, new, OLD)
        link = make_link(session, settings, home, "poster", touchpoint_id, now=OLD)
        number = link.id
    plain = Click(
        time_ms=0, link_id=number, link_version=1, domain_id=home.domain_id,
        workspace_id=home.workspace_id, network=bytes((84, 150, 1)),
    )  # fmt: skip
    for first, clicks in ((OLD, OLD_CLICKS), (NOW, NEW_CLICKS)):
        bodies = [encode(varied(plain, first, each)) for each in range(clicks)]
        name = first.strftime("%Y%m%d").encode()
        write_segment(settings.spool_dir, b"n" * 16, name, bodies)
    Ingester(settings, database).run_once()
    return number


def varied(plain: Click, first: datetime, number: int) -> Click:
    """The next of many clicks: all sources, classes and facets come up."""
    flags = {5: Flag.PREFETCH, 7: Flag.PRIVACY, 11: Flag.OWN}
    return replace(
        plain,
        time_ms=epoch_ms(first - timedelta(minutes=number)),
        source=Source.SCAN if number % 3 == 0 else Source.CLICK,
        method=Method.HEAD if number % 23 == 0 else Method.GET,
        miss=number % 29 == 0,
        token=b"" if number % 7 == 0 else (number % 300).to_bytes(16, "big"),
        user_agent=AGENTS[number % 4],
        language=("de", "en", "")[number % 3],
        referrer_host=("news.example", "", "shop.example")[number % 3],
        flags=next((flag for each, flag in flags.items() if number % each == 0), 0),
    )


def reports(people: People, link_id: int) -> list[str]:
    """All reports over roll-ups, as they leave the service."""
    whole = {"from": str((OLD - timedelta(days=20)).date()), "to": str(NOW.date())}
    old = {"from": whole["from"], "to": str(OLD.date())}
    asked: list[tuple[str, dict[str, str]]] = []
    for period in (whole, old):
        asked += [("/reports/touchpoints", period), (f"/reports/links/{link_id}", period)]
        asked.append(("/reports/touchpoints", {**period, "metric": "clicks_per_day"}))
    answers = [people.ada.get(path, **query) for path, query in asked]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.text for answer in answers]


def rows(database: Database, before: datetime | None = None) -> int:
    query = select(func.count()).select_from(ClickRow)
    if before is not None:
        query = query.where(ClickRow.time_ms < epoch_ms(before))
    with database.reading() as session:
        return session.scalar(query) or 0


def test_the_defaults_are_what_is_promised() -> None:
    defaults = {each.name: each.default for each in SETTINGS}
    assert defaults["SPOOL_RETENTION_DAYS"] == "7"
    assert defaults["TOKEN_RETENTION_DAYS"] == "8"
    assert defaults["CLICK_RETENTION_MONTHS"] == "25"


def test_pruning_changes_no_report_by_a_digit(
    people: People, settings: Settings, database: Database, link_id: int
) -> None:
    before, audited = reports(people, link_id), audit(settings, database)
    assert rows(database) == OLD_CLICKS + NEW_CLICKS
    for settled in (NOW, NOW + timedelta(days=9)):
        retention.keep_house(settings, database, settled)
        assert reports(people, link_id) == before
        assert rows(database) == rows(database, before=None) == NEW_CLICKS
    assert segments(settings.spool_dir) == []
    after = audit(settings, database)
    assert (after.accepted, after.difference) == (audited.accepted, 0)
    retention.keep_house(settings, database, NOW + timedelta(days=800))
    assert rows(database) == 0
    assert reports(people, link_id) == before


def test_rows_go_in_small_steps_and_an_interruption_loses_none(
    people: People, settings: Settings, database: Database, link_id: int
) -> None:
    """Killed in the middle, what was deleted stays deleted and the next round goes on."""
    before = reports(people, link_id)
    deleted: list[int] = []

    def look(*about: object) -> None:
        if str(about[2]).startswith("DELETE FROM clicks"):
            if len(deleted) == 1:
                raise KeyboardInterrupt
            deleted.append(about[1].rowcount)  # type: ignore[attr-defined]  # a cursor

    event.listen(database.engine, "after_cursor_execute", look)
    with pytest.raises(KeyboardInterrupt):
        retention.keep_house(settings, database, NOW)
    event.remove(database.engine, "after_cursor_execute", look)
    assert 0 < deleted[0] <= retention.ROWS_AT_ONCE
    assert rows(database) == OLD_CLICKS + NEW_CLICKS - deleted[0]
    assert reports(people, link_id) == before
    retention.keep_house(settings, database, NOW)
    assert rows(database) == NEW_CLICKS
    assert reports(people, link_id) == before


def test_the_settings_decide(
    people: People, settings: Settings, database: Database, link_id: int
) -> None:
    longer = replace(settings, click_retention_months=30, spool_retention_days=30)
    retention.keep_house(longer, database, NOW + timedelta(days=29))
    assert rows(database) == OLD_CLICKS + NEW_CLICKS
    assert len(segments(settings.spool_dir)) == 2
    retention.keep_house(replace(longer, click_retention_months=1), database, NOW)
    assert rows(database) == NEW_CLICKS


def test_tokens_are_kept_eight_days(
    people: People, settings: Settings, database: Database, link_id: int
) -> None:
    def days() -> set[date]:
        with database.reading() as session:
            return set(session.scalars(select(VisitorKeys.local_date)))

    newest = max(days())
    assert min(days()) < newest - timedelta(days=700)
    midnight = datetime.combine(newest, time(), UTC)
    retention.keep_house(settings, database, midnight + timedelta(days=8, hours=23))
    assert days() == {newest}
    retention.keep_house(settings, database, midnight + timedelta(days=9))
    assert days() == set()


# Salts


@pytest.fixture
def zoned(database: Database, settings: Settings) -> dict[int, str]:
    """A workspace in each zone."""
    with database.transaction() as session:
        return {
            make_home(session, settings, host=f"go{n}.example", time_zone=name).workspace_id: name
            for n, name in enumerate(ZONES)
        }


def kept_salts(database: Database) -> dict[tuple[int, date], bytes]:
    with database.reading() as session:
        found = session.scalars(select(Salt))
        return {(each.workspace_id, each.local_date): bytes(each.salt) for each in found}


def by_ingester(settings: Settings, database: Database) -> Callable[[datetime], None]:
    return lambda now: retention.keep_house(settings, database, now)


def by_redirect(settings: Settings, database: Database) -> Callable[[datetime], None]:
    days = Days(database)
    with database.reading() as session:
        zones = dict(session.execute(select(Workspace.id, Workspace.time_zone)).all())
    return lambda now: days.refresh(zones, now)


@pytest.mark.wide
@pytest.mark.parametrize("keeper", [by_ingester, by_redirect])
@pytest.mark.parametrize("first", ["2026-10-23", "2027-03-26", "2026-10-02"])
def test_salts_are_made_a_day_ahead_and_never_outlive_two_days(
    settings: Settings,
    database: Database,
    zoned: dict[int, str],
    keeper: Callable[[Settings, Database], Callable[[datetime], None]],
    first: str,
    trial: Trial,
) -> None:
    """In zones far from UTC and on both nights of the clock change, whoever is the one to look:
    the ingester, or where that stands still a redirect worker.
    """
    keep = keeper(settings, database)
    begin = datetime.fromisoformat(first).replace(tzinfo=UTC)
    seen: dict[tuple[int, date], bytes] = {}
    for hour in range(0, 5 * 24, trial.size(2, 1)):
        now = begin + timedelta(hours=hour, minutes=hour % 7)
        keep(now)
        kept = kept_salts(database)
        for workspace_id, name in zoned.items():
            today = now.astimezone(ZoneInfo(name)).date()
            assert {(workspace_id, today), (workspace_id, today + timedelta(days=1))} <= kept.keys()
        for (workspace_id, day), salt in kept.items():
            began = datetime.combine(day, time(), ZoneInfo(zoned[workspace_id]))
            assert now - began <= timedelta(hours=salts.MOST_HOURS), (zoned[workspace_id], day, now)
            assert seen.setdefault((workspace_id, day), salt) == salt
    assert {len(salt) for salt in seen.values()} == {salts.SALT_BYTES}
    assert len(set(seen.values())) == len(seen) > 6 * len(ZONES)


def test_the_salt_of_an_imported_day_goes_within_a_day(
    settings: Settings, database: Database, zoned: dict[int, str]
) -> None:
    past, workspace_id = (NOW - timedelta(days=300)).date(), min(zoned)
    with database.transaction() as session:
        salts.salt_for(session, workspace_id, past, NOW)
    retention.keep_house(settings, database, NOW + timedelta(hours=23))
    assert (workspace_id, past) in kept_salts(database)
    retention.keep_house(settings, database, NOW + timedelta(hours=24))
    assert (workspace_id, past) not in kept_salts(database)


def test_no_salt_is_in_a_backup(
    settings: Settings, database: Database, zoned: dict[int, str], tmp_path: Path
) -> None:
    retention.keep_house(settings, database, NOW)
    kept = kept_salts(database)
    assert len(kept) == 2 * len(ZONES)
    path = tmp_path / "backup.zip"
    back_up(settings, database, path, NOW, lambda done, of: None)
    for name, data in inside(path):
        assert "salt" not in name
        for salt in kept.values():
            for form in (
                salt,
                base64.b64encode(salt),
                salt.hex().encode(),
                salt.hex().upper().encode(),
            ):
                assert form not in data, name


def inside(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_deleted_salt_is_overwritten(
    settings: Settings, database: Database, zoned: dict[int, str]
) -> None:
    retention.keep_house(settings, database, NOW)
    gone = kept_salts(database)
    retention.keep_house(settings, database, NOW + timedelta(days=4))
    assert not gone.keys() & kept_salts(database).keys()
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    written = (settings.data_dir / "linkservice.db").read_bytes()
    assert [salt for salt in gone.values() if salt in written] == []
    assert all(salt in written for salt in kept_salts(database).values())
