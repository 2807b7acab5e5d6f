"""The change feed: every committed announcement is followed once, however late it commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from linkservice.changes import OVERLAP, Announced, Change, Follower, announce, forget_old
from linkservice.database import Database
from linkservice.errors import NotFound

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def postgres(new_postgres: Callable[[bool], str]) -> Iterator[Database]:
    """Where transactions that announce can overlap; SQLite has one writer at a time."""
    database = Database(new_postgres(True))
    yield database
    database.close()


def announce_link(database: Database, slug_key: str, at: datetime = NOW) -> None:
    with database.transaction() as session:
        announce(session, "link", at, domain_id=1, slug_key=slug_key)


def announce_and_fail(database: Database, slug_key: str) -> None:
    with database.transaction() as session:
        announce(session, "link", NOW, domain_id=1, slug_key=slug_key)
        raise NotFound


def keys(announced: list[Announced]) -> list[str | None]:
    return [change.slug_key for change in announced]


def test_every_announcement_is_followed_once_and_in_order(database: Database) -> None:
    follower = Follower(database, NOW)
    announce_link(database, "a")
    announce_link(database, "b")
    assert follower.poll(NOW) == [Announced("link", 1, "a"), Announced("link", 1, "b")]
    assert follower.poll(NOW + SECOND) == []
    announce_link(database, "c")
    assert keys(follower.poll(NOW + SECOND)) == ["c"]


def test_what_was_announced_before_a_follower_began_is_not_told(database: Database) -> None:
    announce_link(database, "old")
    follower = Follower(database, NOW)
    announce_link(database, "new")
    assert keys(follower.poll(NOW)) == ["new"]


def test_an_announcement_that_is_rolled_back_is_never_told(database: Database) -> None:
    follower = Follower(database, NOW)
    with pytest.raises(NotFound):
        announce_and_fail(database, "undone")
    announce_link(database, "done")
    assert keys(follower.poll(NOW)) == ["done"]


def test_domains_and_workspaces_are_announced_without_a_link(database: Database) -> None:
    follower = Follower(database, NOW)
    with database.transaction() as session:
        announce(session, "domain", NOW)
        announce(session, "workspace", NOW)
    assert follower.poll(NOW) == [
        Announced("domain", None, None),
        Announced("workspace", None, None),
    ]


def test_a_follower_goes_on_after_a_quiet_day(database: Database) -> None:
    follower = Follower(database, NOW)
    announce_link(database, "a")
    assert keys(follower.poll(NOW)) == ["a"]
    later = NOW + timedelta(days=1)
    assert follower.poll(later) == []
    announce_link(database, "b", later)
    assert keys(follower.poll(later)) == ["b"]


def test_a_late_commit_is_followed_once(postgres: Database) -> None:
    follower = Follower(postgres, NOW)
    with postgres.transaction() as session:
        announce(session, "link", NOW, domain_id=1, slug_key="late")
        announce_link(postgres, "early")
        assert keys(follower.poll(NOW)) == ["early"]
    assert keys(follower.poll(NOW + SECOND)) == ["late"]
    assert follower.poll(NOW + 2 * SECOND) == []


def test_what_was_under_way_when_a_follower_began_is_told(postgres: Database) -> None:
    announce_link(postgres, "settled", NOW - timedelta(hours=1))
    with postgres.transaction() as session:
        announce(session, "link", NOW, domain_id=1, slug_key="late")
        announce_link(postgres, "early")
        follower = Follower(postgres, NOW)
    assert keys(follower.poll(NOW)) == ["late"]


@pytest.mark.parametrize("skew", [timedelta(days=-400), timedelta(days=400)])
def test_what_a_writer_calls_now_does_not_hide_a_late_commit(
    postgres: Database, skew: timedelta
) -> None:
    follower = Follower(postgres, NOW)
    announce_link(postgres, "first")
    with postgres.transaction() as session:
        announce(session, "link", NOW, domain_id=1, slug_key="late")
        announce_link(postgres, "skewed", NOW + skew)
        assert keys(follower.poll(NOW)) == ["first", "skewed"]
        assert follower.poll(NOW + SECOND) == []
    assert keys(follower.poll(NOW + 2 * SECOND)) == ["late"]


def test_a_commit_within_the_overlap_is_followed_while_others_settle(postgres: Database) -> None:
    follower = Follower(postgres, NOW)
    with postgres.transaction() as session:
        announce(session, "link", NOW, domain_id=1, slug_key="late")
        announce_link(postgres, "early")
        follower.poll(NOW)
        announce_link(postgres, "between")
        assert keys(follower.poll(NOW + OVERLAP)) == ["between"]
    assert keys(follower.poll(NOW + OVERLAP + SECOND)) == ["late"]


def test_announcements_older_than_a_day_are_forgotten(database: Database) -> None:
    announce_link(database, "old", NOW - timedelta(hours=25))
    announce_link(database, "young", NOW - timedelta(hours=23))
    follower = Follower(database, NOW)
    with database.transaction() as session:
        forget_old(session, NOW)
        assert session.scalar(select(func.count()).select_from(Change)) == 1
    announce_link(database, "new")
    assert keys(follower.poll(NOW)) == ["new"]
