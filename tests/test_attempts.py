"""How often a password may be tried: exact, shared by all workers, and keeping no address."""

from __future__ import annotations

import multiprocessing
from collections import Counter as Tally
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from cast import NOW
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from linkservice.config import Settings, load
from linkservice.database import Database
from linkservice.errors import LinkServiceError, TooManyRequests
from linkservice.workspaces import attempts, passwords
from linkservice.workspaces.accounts import add_user, create_workspace, user_named
from linkservice.workspaces.attempts import Counter, Limit
from linkservice.workspaces.model import Attempt
from linkservice.workspaces.sign_in import sign_in

HOME, ELSEWHERE = b"\xcb\x00\x71", b"\xc6\x33\x64"
PASSWORD = "a-long-walk-by-the-sea"


@pytest.fixture(autouse=True)
def ada(database: Database) -> None:
    with database.transaction() as session:
        workspace = create_workspace(session, NOW)
        add_user(session, workspace, "ada@example.com", "owner", NOW)
        add_user(session, workspace, "ben@example.com", "owner", NOW)
        for name in ("ada", "ben"):
            user = user_named(session, f"{name}@example.com")
            user.password_hash = passwords.hasher.hash(PASSWORD)


def tried(
    database: Database,
    settings: Settings,
    email: str = "ada@example.com",
    password: str = "wrong-wrong-wrong",
    network: bytes = HOME,
    now: datetime = NOW,
) -> str:
    """What becomes of one try: "in", "sign_in_failed" or "too_many_requests"."""
    try:
        sign_in(database, settings, email, password, network, "Firefox", now)
    except LinkServiceError as error:
        return error.problems[0].code
    return "in"


def _guess(url: str, data_dir: str, guesses: Sequence[tuple[str, bytes]]) -> list[str]:
    """Guesses of one worker: as many threads as a web worker has connections."""
    settings = load({}, data_dir=data_dir, database_url=url)
    passwords.hasher = passwords.Hasher(memory_kib=8, passes=1)
    database = Database(url)
    with ThreadPoolExecutor(10) as threads:
        found = list(
            threads.map(lambda each: tried(database, settings, each[0], network=each[1]), guesses)
        )
    database.close()
    return found


def guesses_of_many_workers(
    settings: Settings, guesses: Sequence[tuple[str, bytes]], workers: int = 2
) -> Tally[str]:
    arguments = (settings.database_url, str(settings.data_dir))
    # Started anew: a copy of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        running = [pool.submit(_guess, *arguments, guesses[n::workers]) for n in range(workers)]
        return Tally(code for each in running for code in each.result())


def test_of_1000_guesses_by_many_workers_at_once_few_are_tried(settings: Settings) -> None:
    """On one account from many networks, and on many accounts from one network."""
    on_one = [("ada@example.com", number.to_bytes(3, "big")) for number in range(500)]
    from_one = [(f"person{number}@example.com", HOME) for number in range(500)]
    mixed = [guess for pair in zip(on_one, from_one, strict=True) for guess in pair]
    assert guesses_of_many_workers(settings, mixed) == {
        "sign_in_failed": 5 + 20,
        "too_many_requests": 1000 - 25,
    }


def test_an_account_nobody_has_is_limited_alike(database: Database, settings: Settings) -> None:
    for email in ("ada@example.com", "nobody@example.com", "no address", "\0\udcff", ""):
        codes = [
            tried(database, settings, email, network=email.encode("utf8", "replace"))[:3]
            for _ in range(6)
        ]
        assert codes == ["sig"] * 5 + ["too"], email


def test_the_same_account_however_it_is_typed(database: Database, settings: Settings) -> None:
    typed = ("ada@example.com", "ADA@example.com", " ada@example.com", "Ada@Example.com\n")
    for each in (*typed, "ada@EXAMPLE.com "):
        assert tried(database, settings, each) == "sign_in_failed"
    assert tried(database, settings, password=PASSWORD) == "too_many_requests"


def test_the_wait_is_told_and_is_exact(database: Database, settings: Settings) -> None:
    for minute in range(5):
        tried(database, settings, now=NOW + timedelta(minutes=minute))
    with pytest.raises(TooManyRequests) as refused:
        sign_in(
            database, settings, "ada@example.com", PASSWORD, HOME, "", NOW + timedelta(minutes=5)
        )
    assert refused.value.retry_after == 600
    late = NOW + timedelta(minutes=15)
    assert tried(database, settings, now=late - timedelta(seconds=1)) == "too_many_requests"
    assert tried(database, settings, now=late) == "sign_in_failed"


def test_a_day_has_15_tries(database: Database, settings: Settings) -> None:
    moments = [NOW + timedelta(minutes=15) * (number // 5) for number in range(16)]
    codes = [
        tried(database, settings, network=bytes([number, 0, 0]), now=moment)
        for number, moment in enumerate(moments)
    ]
    assert codes == ["sign_in_failed"] * 15 + ["too_many_requests"]
    tomorrow = NOW + timedelta(days=1)
    assert tried(database, settings, password=PASSWORD, now=tomorrow) == "in"


def test_a_success_forgets_the_tries_of_its_account(database: Database, settings: Settings) -> None:
    for _ in range(3):
        for _ in range(4):
            assert tried(database, settings) == "sign_in_failed"
        assert tried(database, settings, password=PASSWORD) == "in"


def test_a_success_of_one_account_forgets_no_other(database: Database, settings: Settings) -> None:
    """Whoever has an account of their own gains no tries on the others by signing in to it."""
    codes = []
    for number in range(24):
        codes.append(tried(database, settings, f"person{number}@example.com"))
        codes.append(tried(database, settings, "ben@example.com", PASSWORD))
    # From the 21st failure on even the right password has to wait.
    assert codes == ["sign_in_failed", "in"] * 19 + ["sign_in_failed"] + ["too_many_requests"] * 9
    assert tried(database, settings, "ben@example.com", PASSWORD, network=ELSEWHERE) == "in"


def test_no_address_is_kept(database: Database, settings: Settings) -> None:
    tried(database, settings)
    with database.reading() as session:
        keys = session.scalars(select(Attempt.key)).all()
    assert [len(key) for key in keys] == [32, 32]
    assert len(set(keys)) == 2
    other = load({}, data_dir=settings.data_dir / "other")
    assert attempts.of_network(other, HOME) != attempts.of_network(settings, HOME)
    assert {attempts.of_network(settings, HOME).key, attempts.of_account(settings, "x").key} & {
        *keys
    } == {attempts.of_network(settings, HOME).key}


def test_old_attempts_are_deleted(database: Database, settings: Settings) -> None:
    with database.transaction() as session:
        session.add_all(
            Attempt(key=b"k" * 32, at=NOW - timedelta(hours=25, minutes=number))
            for number in range(20)
        )
    tried(database, settings)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Attempt)) == 2


@hypothesis_settings(max_examples=30)
@given(
    pauses=st.lists(st.integers(0, 40), max_size=40),
    most=st.integers(1, 4),
    seconds=st.integers(1, 60),
)
def test_no_window_ever_holds_more_than_allowed(
    database: Database, pauses: list[int], most: int, seconds: int
) -> None:
    """Whenever they come: no window holds more, none is refused that could be allowed, and
    after the wait that is told the next one is.
    """
    with database.transaction() as session:
        session.query(Attempt).delete()
    within = timedelta(seconds=seconds)
    counter = Counter(b"k" * 32, (Limit(most, within),))
    allowed: list[datetime] = []
    now = NOW
    for pause in pauses:
        now += timedelta(seconds=pause)
        inside = sum(moment > now - within for moment in allowed)
        try:
            attempts.take(database, [counter], now)
        except TooManyRequests as refused:
            assert inside == most
            now += timedelta(seconds=refused.retry_after)
            attempts.take(database, [counter], now)
        else:
            assert inside < most
        allowed.append(now)
    assert all(last - first >= within for first, last in zip(allowed, allowed[most:], strict=False))
    assert all(one <= other for one, other in pairwise(allowed))
