"""People sign in, stay signed in for a time, change their passwords, use links that work once."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from cast import NOW
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import (
    Forbidden,
    Invalid,
    LinkServiceError,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)
from linkservice.fields import Problems
from linkservice.workspaces import one_time, passwords, sessions, trail
from linkservice.workspaces.access import Actor
from linkservice.workspaces.accounts import (
    add_user,
    choose_locale,
    create_workspace,
    first_workspace,
    user_named,
)
from linkservice.workspaces.model import Attempt, OneTimeLink, SignInSession, User
from linkservice.workspaces.sessions import SignedIn
from linkservice.workspaces.sign_in import change_password, sign_in

ADA = "ada@example.com"
PASSWORD = "a-long-walk-by-the-sea"
NEW = "another walk, this time uphill"
HOME = b"\xcb\x00\x71"


@pytest.fixture
def ada(database: Database) -> int:
    """Ada, owner of a workspace, with a password; her user id."""
    with database.transaction() as session:
        workspace = create_workspace(session, NOW, name="Ada's", locale="en")
        add_user(session, workspace, ADA, "owner", NOW)
        user = user_named(session, ADA)
        user.password_hash = passwords.hasher.hash(PASSWORD)
        return user.id


@pytest.fixture
def enter(database: Database, settings: Settings, ada: int) -> Callable[..., str]:
    """Signs Ada in and returns the token."""

    def sign(password: str = PASSWORD, now: datetime = NOW, device: str = "Firefox") -> str:
        return sign_in(database, settings, ADA, password, HOME, device, now)

    return sign


def known(database: Database, token: str, now: datetime = NOW) -> SignedIn:
    """Who is signed in with the token; somebody must be."""
    with database.reading() as session:
        found = sessions.who(session, token, now)
    assert found is not None
    return found


def is_in(database: Database, token: str, now: datetime = NOW) -> bool:
    with database.reading() as session:
        return sessions.who(session, token, now) is not None


def actions(database: Database) -> list[str]:
    """What the trail of the first workspace holds, in order."""
    with database.reading() as session:
        actor = Actor(first_workspace(session).id, "", frozenset({"admin"}))
        noted = trail.list_trail(session, actor, before=None, limit=100)
    return [entry.action for _, entry in reversed(noted)]


def code_of(error: LinkServiceError) -> str:
    return error.problems[0].code


# passwords


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short-one", "password_short"),
        ("", "password_short"),
        ("x" * 201, "too_long"),
        ("x" * 1_000_000, "too_long"),
        ("a\u0301" * 900, "too_long"),
        ("aaaaaaaaaaaa", "password_common"),
        ("1212121212121", "password_common"),
        ("Passwort123", "password_common"),
        ("QWERTZUIOP", "password_common"),
        ("Ada.Lovelace@Example.com", "password_is_email"),
        ("ada.lovelace", "password_is_email"),
        ("with\0a NUL in it", "bad_character"),
        ("with\udcffa lone half", "bad_character"),
        ("with a\nline break", "bad_character"),
    ],
)
def test_a_weak_password_is_refused(password: str, code: str) -> None:
    problems = Problems()
    passwords.check(problems, "password", password, "ada.lovelace@example.com")
    with pytest.raises(Invalid) as refused:
        problems.raise_if_any()
    assert [(p.field, p.code) for p in refused.value.problems] == [("password", code)]
    assert not password or password not in str(refused.value)


@pytest.mark.parametrize(
    "password", ["ten chars.", "x" * 196 + "abcd", "パスワードは長いほうがいい", "a\u0301bcdefghij"]
)
def test_a_good_password_is_taken(password: str) -> None:
    problems = Problems()
    assert passwords.check(problems, "password", password, ADA) == password
    problems.raise_if_any()
    assert passwords.hasher.verify(passwords.hasher.hash(password), password)


def test_a_password_is_the_same_from_every_keyboard() -> None:
    stored = passwords.hasher.hash("Grüße aus Köln")
    assert passwords.hasher.verify(stored, "Gru\u0308ße aus Ko\u0308ln")
    wide = passwords.hasher.hash("\uff11\uff12\uff13 and more")
    assert passwords.hasher.verify(wide, "123 and more")
    assert not passwords.hasher.verify(stored, "Grusse aus Koln")


@given(password=st.text(max_size=300))
def test_trying_a_password_never_fails(password: str) -> None:
    for stored in (None, "", "no hash", passwords.hasher.hash(PASSWORD)):
        assert not passwords.hasher.verify(stored, password)


def test_the_hasher_in_earnest_is_argon2id_with_19_mib() -> None:
    stored = passwords.Hasher().hash(PASSWORD)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.Hasher().verify(stored, PASSWORD)
    assert not passwords.Hasher().is_outdated(stored)
    assert passwords.hasher.is_outdated(stored)


def test_a_hash_with_old_parameters_is_renewed_at_the_next_sign_in(
    database: Database, enter: Callable[..., str], ada: int
) -> None:
    old = passwords.Hasher(memory_kib=16, passes=1).hash(PASSWORD)
    with database.transaction() as session:
        session.get_one(User, ada).password_hash = old
    enter()
    with database.reading() as session:
        stored = session.get_one(User, ada).password_hash
    assert stored is not None
    assert stored != old
    assert not passwords.hasher.is_outdated(stored)
    enter()


# signing in


def test_ada_signs_in_and_is_known(database: Database, enter: Callable[..., str]) -> None:
    found = known(database, enter())
    assert (found.user.email, found.workspace.name, found.member.role) == (ADA, "Ada's", "owner")
    assert found.actor == Actor(found.workspace.id, ADA, frozenset({"admin"}))
    assert actions(database) == ["user.signed_in"]


@pytest.mark.parametrize(
    ("role", "scopes"),
    [
        ("owner", {"admin"}),
        (
            "editor",
            {
                *("links:read", "links:write", "journeys:read", "journeys:write"),
                *("reports:read", "reports:share", "conversions:write"),
            },
        ),
        ("viewer", {"links:read", "journeys:read", "reports:read"}),
    ],
)
def test_a_role_gives_its_scopes(database: Database, ada: int, role: str, scopes: set[str]) -> None:
    with database.transaction() as session:
        member = add_user(session, first_workspace(session), "ben@example.com", role, NOW)
        token = sessions.start(session, session.get_one(User, member.user_id), "", NOW)
    assert known(database, token).actor.scopes == scopes


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (ADA, "not the password"),
        (ADA, ""),
        (ADA, PASSWORD + "\0"),
        (ADA, "\udcff"),
        (ADA, "x" * 1_000_000),
        ("cleo@example.com", PASSWORD),
        ("no-password@example.com", ""),
        ("", PASSWORD),
        ("\0", PASSWORD),
        ("\udcff@example.com", PASSWORD),
        ("x" * 1_000_000, PASSWORD),
        ("' OR 1=1 --", PASSWORD),
    ],
)
def test_whatever_is_wrong_the_answer_is_the_same(
    database: Database, settings: Settings, ada: int, email: str, password: str
) -> None:
    with database.transaction() as session:
        add_user(session, first_workspace(session), "no-password@example.com", "owner", NOW)
    with pytest.raises(Unauthenticated) as refused:
        sign_in(database, settings, email, password, HOME, "Firefox", NOW)
    assert [(p.field, p.code, p.params) for p in refused.value.problems] == [
        ("", "sign_in_failed", {})
    ]
    assert actions(database) == []


def test_a_wrong_address_costs_as_much_as_a_wrong_password() -> None:
    """Measured in processor time of the hashing, which is nearly all there is to it."""
    hasher = passwords.Hasher(memory_kib=4096, passes=2)
    stored = hasher.hash(PASSWORD)
    hasher.verify(None, "warm")

    def cost(against: str | None) -> float:
        began = time.thread_time()
        hasher.verify(against, "wrong")
        return time.thread_time() - began

    rounds = [(cost(stored), cost(None)) for _ in range(15)]
    wrong_password, wrong_address = (
        statistics.median(column) for column in zip(*rounds, strict=True)
    )
    assert 0.5 < wrong_address / wrong_password < 2


def test_who_is_no_member_any_more_is_told_only_with_the_right_password(
    database: Database, settings: Settings, ada: int
) -> None:
    with database.transaction() as session:
        workspace = create_workspace(session, NOW)
        member = add_user(session, workspace, "ben@example.com", "editor", NOW)
        session.get_one(User, member.user_id).password_hash = passwords.hasher.hash(PASSWORD)
        session.flush()
        session.delete(member)
    with pytest.raises(Forbidden) as refused:
        sign_in(database, settings, "ben@example.com", PASSWORD, HOME, "", NOW)
    assert code_of(refused.value) == "no_membership"
    with pytest.raises(Unauthenticated):
        sign_in(database, settings, "ben@example.com", "wrong", HOME, "", NOW)


def test_a_browser_that_signs_in_again_has_one_session(
    database: Database, settings: Settings, enter: Callable[..., str]
) -> None:
    old = enter()
    new = sign_in(database, settings, ADA, PASSWORD, HOME, "Firefox", NOW, replacing=old)
    assert not is_in(database, old)
    assert is_in(database, new)


def test_only_a_hash_of_the_token_is_stored(database: Database, enter: Callable[..., str]) -> None:
    token = enter()
    assert len(token) == 43  # 256 bits
    with database.reading() as session:
        row = session.scalars(select(SignInSession)).one()
    assert len(row.token_hash) == 32
    assert token.encode() not in row.token_hash
    for wrong in ("", "x", token[:-1], token + "x", "\0", "\udcff", "x" * 100_000):
        assert not is_in(database, wrong)


# sessions


def test_a_session_ends_after_seven_idle_days(
    database: Database, enter: Callable[..., str]
) -> None:
    token = enter()
    assert is_in(database, token, NOW + timedelta(days=7, seconds=-1))
    assert not is_in(database, token, NOW + timedelta(days=7))


def test_a_session_in_use_ends_after_thirty_days(
    database: Database, enter: Callable[..., str]
) -> None:
    token = enter()
    for day in range(6, 30, 6):
        moment = NOW + timedelta(days=day)
        sessions.note_seen(database, known(database, token, moment), moment)
    assert is_in(database, token, NOW + timedelta(days=30, seconds=-1))
    assert not is_in(database, token, NOW + timedelta(days=30))


def test_being_seen_is_noted_every_five_minutes_at_most(
    database: Database, enter: Callable[..., str]
) -> None:
    token = enter()
    seen = []
    for minute in range(0, 12, 2):
        moment = NOW + timedelta(minutes=minute)
        sessions.note_seen(database, known(database, token, moment), moment)
        seen.append(known(database, token, moment).session.seen_at - NOW)
    assert [each // timedelta(minutes=1) for each in seen] == [0, 0, 0, 6, 6, 6]


def test_ended_sessions_are_deleted_at_the_next_sign_in(
    database: Database, enter: Callable[..., str]
) -> None:
    enter()
    enter(now=NOW + timedelta(days=8))
    with database.reading() as session:
        assert len(session.scalars(select(SignInSession)).all()) == 1


def test_ada_sees_her_browsers_and_ends_one(
    database: Database, settings: Settings, enter: Callable[..., str]
) -> None:
    laptop = enter(device="Firefox, Linux")
    phone = enter(device="Safari, iPhone" + "x" * 200, now=NOW + timedelta(minutes=1))
    later = NOW + timedelta(minutes=2)
    me = known(database, laptop, later)
    with database.transaction() as session:
        listed = sessions.list_sessions(session, me, later)
        assert [(each.device[:14], each.current) for each in listed] == [
            ("Safari, iPhone", False),
            ("Firefox, Linux", True),
        ]
        sessions.end_session(session, me, str(listed[0].id), later)
    assert not is_in(database, phone)
    assert is_in(database, laptop)
    assert "user.session_ended" in actions(database)


def test_nobody_ends_a_session_of_somebody_else(
    database: Database, enter: Callable[..., str]
) -> None:
    ada = known(database, enter())
    with database.transaction() as session:
        member = add_user(session, first_workspace(session), "ben@example.com", "owner", NOW)
        token = sessions.start(session, session.get_one(User, member.user_id), "", NOW)
    ben = known(database, token)
    for wrong in (str(ada.session.id), "0", "", "x", "\0", "9" * 30):
        with pytest.raises(NotFound), database.transaction() as session:
            sessions.end_session(session, ben, wrong, NOW)


def test_signing_out_here_and_everywhere(database: Database, enter: Callable[..., str]) -> None:
    one, two, three = enter(), enter(), enter()
    with database.transaction() as session:
        sessions.sign_out(session, one)
    assert [is_in(database, each) for each in (one, two, three)] == [False, True, True]
    with database.transaction() as session:
        sessions.sign_out_everywhere(session, known(database, two), NOW)
    assert [is_in(database, each) for each in (one, two, three)] == [False] * 3


def test_ada_looks_at_another_workspace_of_hers(
    database: Database, enter: Callable[..., str], ada: int
) -> None:
    with database.transaction() as session:
        other = create_workspace(session, NOW, name="Other")
        foreign = create_workspace(session, NOW, name="Cleo's")
        add_user(session, other, ADA, "viewer", NOW)
        other_id, foreign_id = other.id, foreign.id
    token = enter()
    with database.transaction() as session:
        new = sessions.switch_workspace(session, known(database, token), str(other_id))
    assert not is_in(database, token)
    seen = known(database, new)
    assert (seen.workspace.name, seen.member.role) == ("Other", "viewer")
    for wrong in (str(foreign_id), "0", "x", ""):
        with pytest.raises(NotFound), database.transaction() as session:
            sessions.switch_workspace(session, seen, wrong)


def test_a_session_that_ended_meanwhile_is_not_revived(
    database: Database, enter: Callable[..., str]
) -> None:
    token = enter()
    me = known(database, token)
    with database.transaction() as session:
        sessions.sign_out(session, token)
    with pytest.raises(Unauthenticated) as refused, database.transaction() as session:
        sessions.rotate(session, me.session)
    assert code_of(refused.value) == "signed_out"


def test_ada_chooses_her_language(database: Database, enter: Callable[..., str]) -> None:
    token = enter()
    with database.transaction() as session:
        choose_locale(session, known(database, token).user, "de")
    assert known(database, token).user.locale == "de"
    with pytest.raises(Invalid), database.transaction() as session:
        choose_locale(session, known(database, token).user, "xx")


# changing the password


def test_a_changed_password_ends_all_other_sessions(
    database: Database, settings: Settings, enter: Callable[..., str]
) -> None:
    here, there = enter(), enter()
    me = known(database, here)
    new = change_password(database, settings, me, PASSWORD, NEW, HOME, NOW)
    assert [is_in(database, each) for each in (here, there, new)] == [False, False, True]
    with pytest.raises(Unauthenticated):
        enter(PASSWORD)
    enter(NEW)
    assert actions(database).count("user.password_changed") == 1


def test_the_current_password_is_needed_and_its_tries_are_limited(
    database: Database, settings: Settings, enter: Callable[..., str]
) -> None:
    token = enter()
    me = known(database, token)
    for _ in range(5):
        with pytest.raises(Invalid) as refused:
            change_password(database, settings, me, "guessed-wrong", NEW, HOME, NOW)
        assert [(p.field, p.code) for p in refused.value.problems] == [
            ("current_password", "password_wrong")
        ]
    with pytest.raises(TooManyRequests):
        change_password(database, settings, me, PASSWORD, NEW, HOME, NOW)
    assert is_in(database, token)


def test_a_weak_new_password_costs_no_try(
    database: Database, settings: Settings, enter: Callable[..., str]
) -> None:
    me = known(database, enter())
    for _ in range(8):
        with pytest.raises(Invalid, match="at least 10"):
            change_password(database, settings, me, PASSWORD, "short", HOME, NOW)
    with database.reading() as session:
        assert session.scalars(select(Attempt)).all() == []


# setting up


def test_a_setup_link_makes_the_first_owner_once(database: Database, settings: Settings) -> None:
    with database.transaction() as session:
        older = one_time.setup_link(session, NOW)
        token = one_time.setup_link(session, NOW)
    assert older is not None
    assert token is not None
    with database.reading() as session:
        one_time.look_at_setup(session, token, NOW)
        one_time.look_at_setup(session, token, NOW)
    assert _spent(database, lambda s: one_time.look_at_setup(s, older, NOW))
    with pytest.raises(Invalid) as refused, database.transaction() as session:
        one_time.use_setup(session, token, "ada", "short", create_workspace(session, NOW), NOW)
    assert {p.field for p in refused.value.problems} == {"email", "password"}
    with database.transaction() as session:
        workspace = create_workspace(session, NOW)
        user = one_time.use_setup(session, token, ADA, PASSWORD, workspace, NOW)
        cookie = sessions.start(session, user, "Firefox", NOW)
    assert known(database, cookie).member.role == "owner"
    sign_in(database, settings, ADA, PASSWORD, HOME, "", NOW)
    with database.transaction() as session:
        assert one_time.setup_link(session, NOW) is None
        assert not one_time.needs_setup(session)
        workspace = first_workspace(session)
    assert _spent(
        database,
        lambda s: one_time.use_setup(s, token, "cleo@example.com", PASSWORD, workspace, NOW),
    )


def test_a_setup_link_is_worth_nothing_once_somebody_has_a_password(
    database: Database, settings: Settings
) -> None:
    with database.transaction() as session:
        workspace = create_workspace(session, NOW)
        add_user(session, workspace, ADA, "viewer", NOW)
        token = one_time.setup_link(session, NOW)
        assert token is not None
        link = one_time.password_link(session, user_named(session, ADA), NOW)
    one_time.use_password(database, settings, link, PASSWORD, NOW)
    assert _spent(database, lambda s: one_time.look_at_setup(s, token, NOW))
    assert _spent(
        database,
        lambda s: one_time.use_setup(
            s, token, "cleo@example.com", PASSWORD, first_workspace(s), NOW
        ),
    )


def test_whoever_sets_up_as_a_member_without_password_becomes_owner(database: Database) -> None:
    with database.transaction() as session:
        workspace = create_workspace(session, NOW)
        add_user(session, workspace, ADA, "viewer", NOW)
        token = one_time.setup_link(session, NOW)
        assert token is not None
        user = one_time.use_setup(session, token, ADA, PASSWORD, workspace, NOW)
        ((member, _),) = sessions.memberships(session, user.id)
        assert member.role == "owner"


def test_of_many_who_set_up_at_once_one_does(database: Database) -> None:
    with database.transaction() as session:
        create_workspace(session, NOW)
        token = one_time.setup_link(session, NOW)
        assert token is not None

    def take_over(number: int) -> bool:
        try:
            with database.transaction() as session:
                email = f"person{number}@example.com"
                one_time.use_setup(session, token, email, PASSWORD, first_workspace(session), NOW)
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(take_over, range(8))) == [False] * 7 + [True]
    with database.reading() as session:
        assert len(session.scalars(select(User)).all()) == 1


def test_a_demonstration_is_never_set_up(database: Database) -> None:
    with database.transaction() as session:
        create_workspace(session, NOW).demonstration = True
        session.flush()
        assert one_time.setup_link(session, NOW) is None


# a forgotten password


def test_a_forgotten_password_is_replaced(
    database: Database, settings: Settings, enter: Callable[..., str]
) -> None:
    token = enter()
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            enter("wrong-wrong-wrong")
    letter = one_time.forgotten(database, settings, " Ada@Example.com ", HOME, NOW)
    assert letter is not None
    assert (letter.email, letter.locale) == (ADA, "en")
    with database.reading() as session:
        assert one_time.look_at_password(session, letter.token, NOW).email == ADA
    with pytest.raises(Invalid, match="at least 10"):
        one_time.use_password(database, settings, letter.token, "short", NOW)
    with pytest.raises(Invalid, match="your e-mail address"):
        one_time.use_password(database, settings, letter.token, ADA, NOW)
    assert is_in(database, token)
    user = one_time.use_password(database, settings, letter.token, NEW, NOW)
    assert user.email == ADA
    assert not is_in(database, token)
    enter(NEW)  # the attempts are forgotten too


def test_nobody_learns_who_has_an_account_by_forgetting(
    database: Database, settings: Settings, ada: int
) -> None:
    """The same is written to the database, the same limits hold."""
    for email in ("cleo@example.com", "\0", "\udcff", ""):
        network = email.encode("utf-8", "replace")
        for _ in range(3):
            assert one_time.forgotten(database, settings, email, network, NOW) is None
        with pytest.raises(TooManyRequests):
            one_time.forgotten(database, settings, email, network, NOW)
    for _ in range(3):
        one_time.forgotten(database, settings, ADA, HOME, NOW)
    with pytest.raises(TooManyRequests):
        one_time.forgotten(database, settings, ADA, HOME, NOW)
    with database.reading() as session:
        links = session.scalars(select(OneTimeLink)).all()
    assert len(links) == 15
    assert sum(link.user_id is None for link in links) == 12


def test_a_network_may_forget_ten_times_an_hour(database: Database, settings: Settings) -> None:
    for number in range(10):
        one_time.forgotten(database, settings, f"person{number}@example.com", HOME, NOW)
    with pytest.raises(TooManyRequests):
        one_time.forgotten(database, settings, ADA, HOME, NOW)


def test_links_expire_and_are_deleted(database: Database, settings: Settings, ada: int) -> None:
    letter = one_time.forgotten(database, settings, ADA, HOME, NOW)
    assert letter is not None
    with database.transaction() as session:
        by_hand = one_time.password_link(session, session.get_one(User, ada), NOW)
    hours = timedelta(hours=1)
    assert not _spent(database, lambda s: one_time.look_at_password(s, by_hand, NOW + 71 * hours))
    assert _spent(database, lambda s: one_time.look_at_password(s, by_hand, NOW + 72 * hours))
    assert _spent(database, lambda s: one_time.look_at_password(s, letter.token, NOW + 2 * hours))
    with pytest.raises(NotFound):
        one_time.use_password(database, settings, letter.token, NEW, NOW + 2 * hours)
    with database.transaction() as session:
        one_time.password_link(session, session.get_one(User, ada), NOW + 73 * hours)
        assert len(session.scalars(select(OneTimeLink)).all()) == 1


def test_a_link_of_another_purpose_opens_nothing(
    database: Database, settings: Settings, ada: int
) -> None:
    with database.transaction() as session:
        user = session.get_one(User, ada)
        password = one_time.password_link(session, user, NOW)
        demo = one_time.sign_in_link(session, user, NOW)
    for wrong in (demo, "", "x", "\0", "\udcff", "x" * 100_000):
        with pytest.raises(NotFound) as refused:
            one_time.use_password(database, settings, wrong, NEW, NOW)
        assert code_of(refused.value) == "link_spent"
    assert _spent(database, lambda s: one_time.use_sign_in(s, password, "", NOW))
    assert _spent(database, lambda s: one_time.look_at_setup(s, password, NOW))


def test_of_many_who_choose_the_password_at_once_one_does(
    database: Database, settings: Settings, ada: int
) -> None:
    """With one link or with several of the same person."""
    with database.transaction() as session:
        user = session.get_one(User, ada)
        links = [one_time.password_link(session, user, NOW) for _ in range(3)]

    def choose(number: int) -> bool:
        try:
            one_time.use_password(database, settings, links[number % 3], f"{NEW} {number}", NOW)
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(choose, range(12))) == [False] * 11 + [True]


def test_whoever_signs_in_while_the_password_is_replaced_does_not_stay(
    database: Database, settings: Settings, enter: Callable[..., str], ada: int
) -> None:
    """With the old password nobody is signed in once the new one is chosen."""
    with database.transaction() as session:
        link = one_time.password_link(session, session.get_one(User, ada), NOW)

    def enter_or_choose(number: int) -> str | None:
        if number == 4:
            one_time.use_password(database, settings, link, NEW, NOW)
            return None
        try:
            return enter()
        except (Unauthenticated, TooManyRequests):
            return None

    with ThreadPoolExecutor(5) as threads:
        tokens = [token for token in threads.map(enter_or_choose, range(9)) if token]
    assert not any(is_in(database, token) for token in tokens)


# the demonstration


def test_a_demonstration_is_entered_by_a_link_once(database: Database) -> None:
    with database.transaction() as session:
        workspace = create_workspace(session, NOW)
        workspace.demonstration = True
        add_user(session, workspace, ADA, "owner", NOW)
        token = one_time.sign_in_link(session, user_named(session, ADA), NOW)
    with database.reading() as session:
        one_time.look_at_sign_in(session, token, NOW)
    with database.transaction() as session:
        cookie = one_time.use_sign_in(session, token, "Firefox", NOW)
    assert known(database, cookie).workspace.demonstration
    assert _spent(database, lambda s: one_time.use_sign_in(s, token, "Firefox", NOW))


def test_in_earnest_nobody_signs_in_by_a_link_alone(database: Database, ada: int) -> None:
    with database.transaction() as session:
        token = one_time.sign_in_link(session, session.get_one(User, ada), NOW)
    assert _spent(database, lambda s: one_time.look_at_sign_in(s, token, NOW))
    assert _spent(database, lambda s: one_time.use_sign_in(s, token, "Firefox", NOW))


def _spent(database: Database, use: Callable[..., object]) -> bool:
    """Whether it is refused as used, expired and unknown links are, alike."""
    found = None
    try:
        with database.transaction() as session:
            use(session)
    except NotFound as refused:
        found = [(p.field, p.code) for p in refused.problems]
    assert found in (None, [("", "link_spent")])
    return found is not None
