"""What a redirect worker keeps in memory, when it forgets it, and what it knows in an outage."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from cast import NOW, Home, make_home, make_link, owner_of
from linkport import database_away

from linkservice.changes import KEPT
from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.model import Salt
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Unavailable
from linkservice.links.domains import change_domain
from linkservice.links.manage import change_link
from linkservice.redirect.lookup import LinkSnapshot, key_of
from linkservice.redirect.resolver import LOADS_AT_ONCE, READY_EVERY, Resolver
from linkservice.workspaces.accounts import change_workspace

SECOND = timedelta(seconds=1)


@pytest.fixture
def ada(database: Database, settings: Settings) -> Home:
    return owner_of(database, settings)


@pytest.fixture
def resolver(database: Database, ada: Home) -> Resolver:
    return started(database)


def started(
    database: Database, link_cache: int = 100, link_store: int = 0, now: datetime = NOW
) -> Resolver:
    resolver = Resolver(database, link_cache, link_store)
    resolver.catch_up(now)
    while resolver.read_ahead():
        pass
    return resolver


def add_link(database: Database, settings: Settings, home: Home, slug: str) -> int:
    with database.transaction() as session:
        return make_link(session, settings, home, slug).id


def pause(database: Database, settings: Settings, home: Home, link_id: int) -> None:
    with database.transaction() as session:
        change_link(session, home.actor, settings, str(link_id), {"active": False}, NOW)


def test_a_link_is_found_by_its_key(
    database: Database, settings: Settings, ada: Home, resolver: Resolver
) -> None:
    link_id = add_link(database, settings, ada, "Sommer")
    assert resolver.link(ada.domain_id, "sommer") == LinkSnapshot(
        link_id, 1, "https://example.com/", False, True, None
    )
    assert resolver.link(ada.domain_id, "winter") is None
    assert resolver.link(ada.domain_id + 1, "sommer") is None


def test_links_in_memory_are_found_while_the_database_is_away(
    database: Database, settings: Settings, ada: Home, resolver: Resolver
) -> None:
    add_link(database, settings, ada, "known")
    add_link(database, settings, ada, "never-asked")
    resolver.link(ada.domain_id, "known")
    resolver.link(ada.domain_id, "absent")
    with database_away(database):
        with pytest.raises(Unavailable):
            resolver.catch_up(NOW + SECOND)
        assert resolver.link(ada.domain_id, "known") is not None
        assert resolver.link(ada.domain_id, "absent") is None
        assert resolver.domain(ada.host) is not None
        with pytest.raises(Unavailable):
            resolver.link(ada.domain_id, "never-asked")
    resolver.catch_up(NOW + 2 * SECOND)
    assert resolver.link(ada.domain_id, "never-asked") is not None


def test_one_failure_spares_the_others_the_wait(
    database: Database, settings: Settings, ada: Home, resolver: Resolver
) -> None:
    add_link(database, settings, ada, "sommer")
    with database_away(database), pytest.raises(Unavailable):
        resolver.link(ada.domain_id, "sommer")
    with pytest.raises(Unavailable):  # although it is back: nobody has reached it since
        resolver.link(ada.domain_id, "sommer")
    resolver.catch_up(NOW + SECOND)
    assert resolver.link(ada.domain_id, "sommer") is not None


def test_an_edit_is_seen_after_the_next_look(
    database: Database, settings: Settings, ada: Home, resolver: Resolver
) -> None:
    link_id = add_link(database, settings, ada, "sommer")
    before = resolver.link(ada.domain_id, "sommer")
    pause(database, settings, ada, link_id)
    assert resolver.link(ada.domain_id, "sommer") is before
    resolver.catch_up(NOW + SECOND)
    after = resolver.link(ada.domain_id, "sommer")
    assert after is not None
    assert (after.version, after.active) == (2, False)


def test_a_new_link_is_found_although_its_slug_was_asked_for_before(
    database: Database, settings: Settings, ada: Home, resolver: Resolver
) -> None:
    assert resolver.link(ada.domain_id, "sommer") is None
    add_link(database, settings, ada, "sommer")
    resolver.catch_up(NOW + SECOND)
    assert resolver.link(ada.domain_id, "sommer") is not None


class Interrupted(Resolver):
    """Does something between reading a link and keeping it, as another thread might."""

    meanwhile: Callable[[], None] | None = None

    def _select(self, domain_id: int, slug_key: str) -> LinkSnapshot | None:
        snapshot = super()._select(domain_id, slug_key)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return snapshot


@pytest.mark.parametrize("slug", ["there", "not-yet"])
def test_what_was_read_before_an_eviction_is_not_kept(
    database: Database, settings: Settings, ada: Home, slug: str
) -> None:
    link_id = add_link(database, settings, ada, "there")
    resolver = Interrupted(database, 100)
    resolver.catch_up(NOW)

    def edit_and_evict() -> None:
        if slug == "there":
            pause(database, settings, ada, link_id)
        else:
            add_link(database, settings, ada, slug)
        resolver.catch_up(NOW + SECOND)

    resolver.meanwhile = edit_and_evict
    stale = resolver.link(ada.domain_id, slug)
    assert stale is None or stale.active
    fresh = resolver.link(ada.domain_id, slug)
    assert fresh is not None
    assert fresh.active is (slug == "not-yet")


def test_a_packed_link_that_nobody_asked_for_is_found_while_the_database_is_away(
    database: Database, settings: Settings, ada: Home
) -> None:
    link_id = add_link(database, settings, ada, "never-asked")
    resolver = started(database, link_store=10)
    with database_away(database):
        for asked in range(1, 2 * READY_EVERY):
            found = resolver.link(ada.domain_id, "never-asked")
            ready = resolver.figures()["linkservice_link_cache_links"]
            assert ready == (asked >= READY_EVERY)
            assert found == LinkSnapshot(link_id, 1, "https://example.com/", False, True, None)
        with pytest.raises(Unavailable):
            resolver.link(ada.domain_id, "nobody-made-this")


@pytest.mark.parametrize("asked_before", [0, 1, READY_EVERY])
def test_an_edit_of_a_packed_link_is_seen_after_the_next_look(
    database: Database, settings: Settings, ada: Home, asked_before: int
) -> None:
    link_id = add_link(database, settings, ada, "sommer")
    resolver = started(database, link_store=10)
    for _ in range(asked_before):
        resolver.link(ada.domain_id, "sommer")
    pause(database, settings, ada, link_id)
    resolver.catch_up(NOW + SECOND)
    found = resolver.link(ada.domain_id, "sommer")
    assert found is not None
    assert not found.active
    # What was read again is packed again.
    resolver._ready.clear()
    with database_away(database):
        assert resolver.link(ada.domain_id, "sommer") == found


def test_links_there_is_no_room_for_are_read_when_they_are_asked_for(
    database: Database, settings: Settings, ada: Home
) -> None:
    slugs = ["a", "b", "c", "d"]
    for slug in slugs:
        add_link(database, settings, ada, slug)
    resolver = started(database, link_store=2)
    assert resolver.figures()["linkservice_link_store_links"] == 2
    assert all(resolver.link(ada.domain_id, slug) for slug in slugs)
    with database_away(database):
        assert all(resolver.link(ada.domain_id, slug) for slug in slugs)


def test_a_worn_store_is_read_again(
    database: Database, settings: Settings, ada: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linkservice.redirect.packed._WORTH_IT", 200)
    monkeypatch.setattr("linkservice.redirect.resolver.UNKNOWN_ASKED", 0.0)
    link_id = add_link(database, settings, ada, "sommer")
    resolver = started(database, link_store=10)
    for second in range(1, 9):
        with database.transaction() as session:
            state = {"destination": f"https://example.com/{second}"}
            change_link(session, ada.actor, settings, str(link_id), state, NOW)
        resolver.catch_up(NOW + second * SECOND)
        resolver.link(ada.domain_id, "sommer")
    worn = resolver._packed
    assert worn.is_worn
    add_link(database, settings, ada, "winter")
    resolver.catch_up(NOW + 9 * SECOND)
    while resolver.read_ahead():
        pass
    assert not resolver._packed.is_worn
    assert len(resolver._packed) == 2
    assert resolver.link(ada.domain_id, "winter") is not None
    assert resolver.link(ada.domain_id, "herbst") is None


def test_the_links_used_last_are_the_ones_kept(
    database: Database, settings: Settings, ada: Home
) -> None:
    for slug in ("a", "b", "c"):
        add_link(database, settings, ada, slug)
    resolver = started(database, link_cache=2)
    for slug in ("a", "b", "a", "c"):
        resolver.link(ada.domain_id, slug)
    with database_away(database):
        assert resolver.link(ada.domain_id, "a") is not None
        assert resolver.link(ada.domain_id, "c") is not None
        with pytest.raises(Unavailable):
            resolver.link(ada.domain_id, "b")


def test_asking_for_many_wrong_slugs_pushes_out_no_link(
    database: Database, settings: Settings, ada: Home
) -> None:
    add_link(database, settings, ada, "sommer")
    resolver = started(database, link_cache=1)
    resolver.link(ada.domain_id, "sommer")
    for number in range(20):
        assert resolver.link(ada.domain_id, f"wrong-{number}") is None
    with database_away(database):
        assert resolver.link(ada.domain_id, "sommer") is not None


def looked_up(resolver: Resolver, home: Home, slug: str) -> bool:
    """Whether there is a link, asked as a request does."""
    if resolver.turns_away(key_of(home.domain_id, slug)):
        return False
    return resolver.link(home.domain_id, slug) is not None


class Counting(Resolver):
    """Counts what it asks the database for."""

    asked = 0

    def _select(self, domain_id: int, slug_key: str) -> LinkSnapshot | None:
        self.asked += 1
        return super()._select(domain_id, slug_key)


def test_a_flood_of_unknown_slugs_is_answered_from_memory(
    database: Database, settings: Settings, ada: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linkservice.redirect.resolver.UNKNOWN_ASKED", 5.0)
    monkeypatch.setattr("linkservice.redirect.resolver.LINKS_AT_ONCE", 2)
    slugs = ["a", "b", "c", "d", "e"]
    for slug in slugs:
        add_link(database, settings, ada, slug)
    resolver = Counting(database, 100)
    resolver.catch_up(NOW)
    while resolver.read_ahead():
        pass
    began = time.monotonic()
    for number in range(1_000):
        assert not looked_up(resolver, ada, f"unknown-{number}")
    # The first five, and five for each second it took; a hint is wrong for 1 of 300.
    assert resolver.asked <= 20 + 5 * (time.monotonic() - began)
    asked = resolver.asked
    assert all(looked_up(resolver, ada, slug) for slug in slugs)
    assert resolver.asked == asked + len(slugs)


def test_a_link_made_in_a_flood_is_found_after_the_next_look(
    database: Database, settings: Settings, ada: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linkservice.redirect.resolver.UNKNOWN_ASKED", 0.0)
    resolver = started(database)
    add_link(database, settings, ada, "new")
    assert not looked_up(resolver, ada, "new")
    resolver.catch_up(NOW + SECOND)
    assert looked_up(resolver, ada, "new")


def test_a_link_just_made_is_found_at_once(
    database: Database, settings: Settings, ada: Home, resolver: Resolver
) -> None:
    add_link(database, settings, ada, "new")
    assert resolver.link(ada.domain_id, "new") is not None


def test_no_unknown_slug_is_called_absent_while_the_database_is_away(
    database: Database, settings: Settings, ada: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linkservice.redirect.resolver.UNKNOWN_ASKED", 0.0)
    resolver = started(database)
    with database_away(database):
        with pytest.raises(Unavailable):
            resolver.catch_up(NOW + SECOND)
        with pytest.raises(Unavailable):
            looked_up(resolver, ada, "perhaps")


def test_an_expiry_is_read_to_the_millisecond(
    database: Database, settings: Settings, ada: Home, resolver: Resolver
) -> None:
    link_id = add_link(database, settings, ada, "sommer")
    ends = datetime(2027, 3, 1, 22, 59, 59, 123_000, tzinfo=UTC)
    with database.transaction() as session:
        change_link(session, ada.actor, settings, str(link_id), {"expires_at": ends}, NOW)
    found = resolver.link(ada.domain_id, "sommer")
    assert found is not None
    assert found.expires_at_ms == epoch_ms(ends)


class Hanging(Resolver):
    """Asks a database that accepts every question and answers none until it is released."""

    released: threading.Event | None = None
    loads_under_way = 0

    def _select(self, domain_id: int, slug_key: str) -> LinkSnapshot | None:
        if self.released is not None:
            with self._keeping:
                self.loads_under_way += 1
            self.released.wait()
        return super()._select(domain_id, slug_key)


def test_a_database_that_hangs_takes_only_some_threads(
    database: Database, settings: Settings, ada: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linkservice.redirect.resolver.LOAD_WAIT_SECONDS", 0.05)
    add_link(database, settings, ada, "known")
    add_link(database, settings, ada, "asked")
    resolver = Hanging(database, 100)
    resolver.catch_up(NOW)
    resolver.link(ada.domain_id, "known")
    resolver.released = threading.Event()
    with ThreadPoolExecutor(LOADS_AT_ONCE) as threads:
        asked = [
            threads.submit(resolver.link, ada.domain_id, "asked") for _ in range(LOADS_AT_ONCE)
        ]
        while resolver.loads_under_way < LOADS_AT_ONCE:
            time.sleep(0.001)
        with pytest.raises(Unavailable):
            resolver.link(ada.domain_id, "another")
        monkeypatch.setattr("linkservice.redirect.resolver.LOAD_WAIT_SECONDS", 60.0)
        with pytest.raises(Unavailable):  # at once: one has waited in vain already
            resolver.link(ada.domain_id, "another")
        assert resolver.link(ada.domain_id, "known") is not None
        resolver.released.set()
        assert all(each.result() is not None for each in asked)
    assert resolver.link(ada.domain_id, "asked") is not None
    assert resolver.link(ada.domain_id, "another") is None


def test_threads_that_push_out_each_others_links_find_them_all(
    database: Database, settings: Settings, ada: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Here nobody is to be turned away, however slow the machine is.
    monkeypatch.setattr("linkservice.redirect.resolver.LOAD_WAIT_SECONDS", 60.0)
    slugs = ["a", "b", "c", "d"]
    ids = [add_link(database, settings, ada, slug) for slug in slugs]
    resolver = started(database, link_cache=2)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda slug: resolver.link(ada.domain_id, slug), slugs * 50))
    assert [link.id for link in found if link is not None] == ids * 50


def test_a_worker_that_was_cut_off_for_long_forgets_everything(
    database: Database, settings: Settings, ada: Home, resolver: Resolver
) -> None:
    link_id = add_link(database, settings, ada, "sommer")
    resolver.link(ada.domain_id, "sommer")
    pause(database, settings, ada, link_id)
    with database.writing_connection() as connection:
        connection.exec_driver_sql("DELETE FROM changes")  # as the ingester does after a day
    resolver.catch_up(NOW + KEPT)
    after = resolver.link(ada.domain_id, "sommer")
    assert after is not None
    assert not after.active


def test_before_anything_was_read_nothing_is_known(database: Database, ada: Home) -> None:
    resolver = Resolver(database, 100)
    with pytest.raises(Unavailable):
        resolver.domain(ada.host)
    with database_away(database), pytest.raises(Unavailable):
        resolver.catch_up(NOW)
    resolver.catch_up(NOW + SECOND)
    assert resolver.domain(ada.host) is not None


# Hosts


def domain_id(resolver: Resolver, header: str) -> int | None:
    domain = resolver.domain(header)
    return None if domain is None else domain.id


@pytest.fixture
def cleo(database: Database, settings: Settings, ada: Home) -> Home:
    with database.transaction() as session:
        return make_home(session, settings, host="go.cleo.example", time_zone="Asia/Kolkata")


def test_a_branded_host_is_found_however_it_is_written(database: Database, cleo: Home) -> None:
    resolver = started(database)
    for header in (
        "go.cleo.example",
        "GO.Cleo.Example",
        "go.cleo.example:8443",
        "go.cleo.example.",
        "go.cleo.example:80",
    ):
        for _ in range(2):  # the second time from what is remembered
            assert domain_id(resolver, header) == cleo.domain_id, header


def test_local_hosts_stand_for_the_oldest_domain(database: Database, ada: Home, cleo: Home) -> None:
    resolver = started(database)
    for header in ("127.0.0.1:8001", "127.0.0.1", "localhost:9", "192.168.7.20", "[::1]:8001"):
        assert domain_id(resolver, header) == ada.domain_id, header


def test_a_local_host_that_is_a_domain_stands_for_itself(
    database: Database, settings: Settings, ada: Home
) -> None:
    with database.transaction() as session:
        other = make_home(session, settings, host="192.168.7.20:8001")
    resolver = started(database)
    assert domain_id(resolver, "192.168.7.20:8001") == other.domain_id
    assert domain_id(resolver, "192.168.7.20") == ada.domain_id


def test_other_hosts_are_nobodys(database: Database, cleo: Home) -> None:
    resolver = started(database)
    for header in (
        "",
        "example.com",
        "evil.example,127.0.0.1",
        "go.cleo.example.evil.example",
        "8.8.8.8",
        "[",
        "a" * 70_000,
        "\xff",
        "\0",
    ):
        assert resolver.domain(header) is None, header[:80]


def test_an_installation_without_domains_serves_no_host(database: Database) -> None:
    assert started(database).domain("127.0.0.1") is None


def test_a_changed_domain_or_brand_is_seen_after_the_next_look(
    database: Database, ada: Home, resolver: Resolver
) -> None:
    with database.transaction() as session:
        change_domain(
            session, ada.actor, str(ada.domain_id), {"root_redirect": "https://ada.example/"}, NOW
        )
        change_workspace(session, ada.actor, {"brand_colour": "#ff0000"}, NOW)
    resolver.catch_up(NOW + SECOND)
    domain = resolver.domain(ada.host)
    assert domain is not None
    assert domain.root_redirect == "https://ada.example/"
    assert domain.brand.colour == "#ff0000"


def test_a_change_of_domains_is_not_lost_when_reading_them_fails(
    database: Database, settings: Settings, ada: Home, resolver: Resolver
) -> None:
    with database.transaction() as session:
        make_home(session, settings, host="new.example")
        change_workspace(session, ada.actor, {"locale": "en"}, NOW)
    with database.writing_connection() as connection:
        connection.exec_driver_sql("ALTER TABLE domains RENAME TO domains_away")
    with pytest.raises(Unavailable):
        resolver.catch_up(NOW + SECOND)
    with database.writing_connection() as connection:
        connection.exec_driver_sql("ALTER TABLE domains_away RENAME TO domains")
    resolver.catch_up(NOW + 2 * SECOND)
    assert resolver.domain("new.example") is not None


# Salts


def salt_of(resolver: Resolver, workspace_id: int, at_ms: int) -> bytes | None:
    pseudonyms = resolver.pseudonyms(workspace_id, at_ms)
    return pseudonyms.salt if pseudonyms else None


def stored_salt(database: Database, workspace_id: int, day: date) -> bytes:
    with database.reading() as session:
        return session.get_one(Salt, (workspace_id, day)).salt


def test_a_salt_holds_from_midnight_to_midnight_of_the_workspace(
    database: Database, ada: Home, cleo: Home
) -> None:
    resolver = started(database)
    today, tomorrow = date(2026, 11, 20), date(2026, 11, 21)
    for home, midnight in (
        (ada, datetime(2026, 11, 20, 23, 0, tzinfo=UTC)),
        (cleo, datetime(2026, 11, 20, 18, 30, tzinfo=UTC)),
    ):
        before = salt_of(resolver, home.workspace_id, epoch_ms(midnight) - 1)
        after = salt_of(resolver, home.workspace_id, epoch_ms(midnight))
        assert before == stored_salt(database, home.workspace_id, today)
        assert after == stored_salt(database, home.workspace_id, tomorrow)
        assert before != after
    assert salt_of(resolver, ada.workspace_id, epoch_ms(NOW)) != salt_of(
        resolver, cleo.workspace_id, epoch_ms(NOW)
    )
    yesterday = NOW - timedelta(days=1)
    assert salt_of(resolver, ada.workspace_id, epoch_ms(yesterday)) is None


@pytest.mark.parametrize(
    ("noon", "hours"),
    [(datetime(2026, 3, 29, 12, tzinfo=UTC), 23), (datetime(2026, 10, 25, 12, tzinfo=UTC), 25)],
)
def test_days_on_which_clocks_change_have_one_salt(
    database: Database, ada: Home, noon: datetime, hours: int
) -> None:
    resolver = started(database, now=noon)
    today = stored_salt(database, ada.workspace_id, noon.date())
    start = epoch_ms(noon) - 24 * 3_600_000
    moments = range(start, start + 48 * 3_600_000, 3_600_000)
    assert sum(salt_of(resolver, ada.workspace_id, at) == today for at in moments) == hours


def test_two_workers_use_the_same_salt(database: Database, ada: Home) -> None:
    one, other = started(database), started(database)
    assert salt_of(one, ada.workspace_id, epoch_ms(NOW)) == salt_of(
        other, ada.workspace_id, epoch_ms(NOW)
    )


def test_the_day_changes_without_the_database_and_the_old_salt_is_forgotten(
    database: Database, ada: Home, resolver: Resolver
) -> None:
    tomorrow = NOW + timedelta(days=1)
    with database_away(database):
        with pytest.raises(Unavailable):
            resolver.catch_up(tomorrow)
        assert salt_of(resolver, ada.workspace_id, epoch_ms(tomorrow)) is not None
        assert salt_of(resolver, ada.workspace_id, epoch_ms(NOW)) is None
        assert salt_of(resolver, ada.workspace_id, epoch_ms(tomorrow + timedelta(days=1))) is None


def test_the_coming_day_gets_its_salt_ahead(
    database: Database, ada: Home, resolver: Resolver
) -> None:
    resolver.catch_up(NOW + timedelta(days=1))
    day_after = NOW + timedelta(days=2)
    assert salt_of(resolver, ada.workspace_id, epoch_ms(day_after)) == stored_salt(
        database, ada.workspace_id, day_after.date()
    )


def test_a_changed_time_zone_moves_midnight(
    database: Database, ada: Home, resolver: Resolver
) -> None:
    with database.transaction() as session:
        change_workspace(session, ada.actor, {"time_zone": "Pacific/Auckland"}, NOW)
    resolver.catch_up(NOW + SECOND)
    # 12:00 UTC is one o'clock of the next day there.
    assert salt_of(resolver, ada.workspace_id, epoch_ms(NOW + SECOND)) == stored_salt(
        database, ada.workspace_id, date(2026, 11, 21)
    )
