"""Members are invited, join, get another role, leave; a workspace always keeps an owner."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from cast import NOW
from sqlalchemy import select

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import (
    Conflict,
    Forbidden,
    Invalid,
    LinkServiceError,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)
from linkservice.workspaces import invitations, members, one_time, passwords, sessions, trail
from linkservice.workspaces.accounts import add_user, create_workspace, user_named
from linkservice.workspaces.model import Member, User
from linkservice.workspaces.sessions import SignedIn
from linkservice.workspaces.sign_in import sign_in

PASSWORD = "a-long-walk-by-the-sea"
NEW = "another walk, this time uphill"
HOME = b"\xcb\x00\x71"
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Cast:
    """The tokens of Ada (owner), Ben (editor), Vera (viewer) and Cleo, owner of another one."""

    database: Database
    settings: Settings
    ada: str
    ben: str
    vera: str
    cleo: str

    def who(self, token: str) -> SignedIn:
        with self.database.reading() as session:
            found = sessions.who(session, token, NOW)
        assert found is not None
        return found

    def is_in(self, token: str) -> bool:
        with self.database.reading() as session:
            return sessions.who(session, token, NOW) is not None

    def do(self, call: Callable[..., object], token: str, *arguments: object) -> object:
        """A function of `members` as the one with that token."""
        actor = self.who(token).actor
        with self.database.transaction() as session:
            return call(session, actor, *arguments)

    def invite(self, token: str, email: str, role: str = "editor", now: datetime = NOW) -> str:
        with self.database.transaction() as session:
            return invitations.invite(session, self.who(token).actor, email, role, now)[1]

    def accept(self, invitation: str, password: str = PASSWORD, now: datetime = NOW) -> str:
        return invitations.accept(
            self.database, self.settings, invitation, password, HOME, "Firefox", now
        )

    def member_id(self, token: str) -> str:
        return str(self.who(token).member.id)

    def trail(self) -> list[tuple[str, str, str]]:
        """Actor, action and name, in order."""
        with self.database.reading() as session:
            noted = trail.list_trail(session, self.who(self.ada).actor, before=None, limit=99)
        return [(each.actor, each.action, each.name) for _, each in reversed(noted)]


@pytest.fixture
def cast(database: Database, settings: Settings) -> Cast:
    tokens = []
    with database.transaction() as session:
        home = create_workspace(session, NOW, name="Ada's")
        foreign = create_workspace(session, NOW, name="Cleo's")
        for name, workspace, role in (
            ("ada", home, "owner"),
            ("ben", home, "editor"),
            ("vera", home, "viewer"),
            ("cleo", foreign, "owner"),
        ):
            add_user(session, workspace, f"{name}@example.com", role, NOW)
            user = user_named(session, f"{name}@example.com")
            user.password_hash = passwords.hasher.hash(PASSWORD)
            tokens.append(sessions.start(session, user, "Firefox, Linux", NOW))
    return Cast(database, settings, *tokens)


def refused(kind: type[LinkServiceError], call: Callable[..., object], *arguments: object) -> str:
    """The code of the problem with which it is refused."""
    with pytest.raises(kind) as error:
        call(*arguments)
    return error.value.problems[0].code


# invitations


def test_a_newcomer_joins_by_invitation(cast: Cast) -> None:
    token = cast.invite(cast.ada, " Dora@Example.com ", "viewer")
    for _ in range(2):  # looking does not use it
        with cast.database.reading() as session:
            invited = invitations.look_at_invitation(session, token, NOW)
    assert (invited.invitation.email, invited.invitation.role) == ("dora@example.com", "viewer")
    assert (invited.workspace.name, invited.invitation.invited_by) == ("Ada's", "ada@example.com")
    assert not invited.has_account
    with pytest.raises(Invalid, match="password: A password has at least 10"):
        cast.accept(token, "short")
    dora = cast.who(cast.accept(token))
    assert (dora.user.email, dora.member.role) == ("dora@example.com", "viewer")
    assert dora.actor.scopes == {"links:read", "journeys:read", "reports:read"}
    assert refused(NotFound, cast.accept, token) == "link_spent"
    assert cast.do(invitations.list_invitations, cast.ada) == []
    sign_in(cast.database, cast.settings, "dora@example.com", PASSWORD, HOME, "", NOW)
    assert [each for each in cast.trail() if "dora" in each[2]][:2] == [
        ("ada@example.com", "member.invited", "dora@example.com"),
        ("dora@example.com", "member.joined", "dora@example.com"),
    ]


def test_an_invitation_ends_after_a_week(cast: Cast) -> None:
    token = cast.invite(cast.ada, "dora@example.com")
    with cast.database.reading() as session:
        invitations.look_at_invitation(session, token, NOW + WEEK - timedelta(seconds=1))
        assert refused(NotFound, invitations.look_at_invitation, session, token, NOW + WEEK)
    with pytest.raises(NotFound):
        cast.accept(token, now=NOW + WEEK)
    for wrong in ("", "x", "\0", "\udcff", token + "x"):
        assert refused(NotFound, cast.accept, wrong) == "link_spent"


def test_a_second_invitation_replaces_the_first(cast: Cast) -> None:
    first = cast.invite(cast.ada, "dora@example.com", "owner")
    second = cast.invite(cast.ada, "dora@example.com", "viewer")
    assert refused(NotFound, cast.accept, first) == "link_spent"
    assert cast.who(cast.accept(second)).member.role == "viewer"


def test_another_workspaces_invitation_replaces_nothing(cast: Cast) -> None:
    mine = cast.invite(cast.ada, "dora@example.com")
    theirs = cast.invite(cast.cleo, "dora@example.com")
    cast.accept(mine)
    assert cast.who(cast.accept(theirs)).workspace.name == "Cleo's"


def test_a_revoked_invitation_is_worth_nothing(cast: Cast) -> None:
    token = cast.invite(cast.ada, "dora@example.com")
    with cast.database.reading() as session:
        (invitation,) = invitations.list_invitations(session, cast.who(cast.ada).actor)
    assert refused(
        NotFound, cast.do, invitations.revoke_invitation, cast.cleo, str(invitation.id), NOW
    )
    for _ in range(2):
        cast.do(invitations.revoke_invitation, cast.ada, str(invitation.id), NOW)
    assert refused(NotFound, cast.accept, token) == "link_spent"
    assert [action for _, action, _ in cast.trail()].count("invitation.revoked") == 1


def test_whom_nobody_can_invite(cast: Cast) -> None:
    assert refused(Conflict, cast.invite, cast.ada, "BEN@example.com") == "member_exists"
    with pytest.raises(Invalid) as wrong:
        cast.invite(cast.ada, "dora", "king")
    assert [p.field for p in wrong.value.problems] == ["email", "role"]
    for hostile in ("", "\0", "\udcff@x.de", "x" * 10_000 + "@x.de", "a@b.de\r\nBcc: c@d.de"):
        with pytest.raises(Invalid):
            cast.invite(cast.ada, hostile)


def test_of_many_who_accept_at_once_one_joins(cast: Cast) -> None:
    token = cast.invite(cast.ada, "dora@example.com")

    def accept(number: int) -> bool:
        try:
            cast.accept(token, f"{PASSWORD} {number}")
        except (NotFound, Conflict, Unauthenticated, TooManyRequests):
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(accept, range(6))) == [False] * 5 + [True]
    with cast.database.reading() as session:
        assert len(session.scalars(select(Member)).all()) == 5


def test_who_has_an_account_joins_with_its_password(cast: Cast) -> None:
    token = cast.invite(cast.ada, "cleo@example.com", "viewer")
    with cast.database.reading() as session:
        assert invitations.look_at_invitation(session, token, NOW).has_account
    assert refused(Unauthenticated, cast.accept, token, NEW) == "sign_in_failed"
    cleo = cast.who(cast.accept(token))
    assert (cleo.workspace.name, cleo.member.role) == ("Ada's", "viewer")
    assert cast.is_in(cast.cleo)


def test_the_password_of_an_account_cannot_be_guessed_through_an_invitation(cast: Cast) -> None:
    token = cast.invite(cast.ada, "cleo@example.com")
    for _ in range(5):
        assert refused(Unauthenticated, cast.accept, token, NEW) == "sign_in_failed"
    with pytest.raises(TooManyRequests):
        cast.accept(token)


def test_who_is_signed_in_joins_without_a_password(cast: Cast) -> None:
    token = cast.invite(cast.ada, "cleo@example.com", "editor")
    with cast.database.transaction() as session:
        new = invitations.join(session, cast.who(cast.cleo), token, NOW)
    assert not cast.is_in(cast.cleo)
    cleo = cast.who(new)
    assert (cleo.workspace.name, cleo.member.role) == ("Ada's", "editor")


def test_nobody_joins_with_the_invitation_of_somebody_else(cast: Cast) -> None:
    token = cast.invite(cast.ada, "dora@example.com", "owner")

    def join() -> None:
        with cast.database.transaction() as session:
            invitations.join(session, cast.who(cast.cleo), token, NOW)

    assert refused(Forbidden, join) == "invitation_of_other"


def test_an_invitation_does_not_open_an_account_that_waits_for_its_password(cast: Cast) -> None:
    """Cleo must not become Dora by inviting her: Ada's workspace trusts that account."""
    with cast.database.transaction() as session:
        workspace = cast.who(cast.ada).workspace
        add_user(session, workspace, "dora@example.com", "owner", NOW)
        link = one_time.password_link(session, user_named(session, "dora@example.com"), NOW)
    token = cast.invite(cast.cleo, "dora@example.com")
    assert refused(Conflict, cast.accept, token) == "password_link_first"
    one_time.use_password(cast.database, cast.settings, link, PASSWORD, NOW)
    cast.accept(token)


def test_who_left_every_workspace_may_be_invited_again(cast: Cast) -> None:
    cast.do(members.remove_member, cast.ada, cast.member_id(cast.ben), NOW)
    token = cast.invite(cast.ada, "ben@example.com", "viewer")
    assert cast.who(cast.accept(token)).member.role == "viewer"


# members


def test_ada_sees_who_belongs_to_her_workspace(cast: Cast) -> None:
    with cast.database.transaction() as session:
        add_user(session, cast.who(cast.ada).workspace, "dora@example.com", "viewer", NOW)
    listed = cast.do(members.list_members, cast.ada)
    assert [(p.email[:4], p.role, p.can_sign_in) for p in listed] == [  # type: ignore[attr-defined]  # a list
        ("ada@", "owner", True),
        ("ben@", "editor", True),
        ("vera", "viewer", True),
        ("dora", "viewer", False),
    ]


def test_only_owners_manage_members(cast: Cast) -> None:
    vera = cast.member_id(cast.vera)
    for token in (cast.ben, cast.vera):
        for call, *arguments in (
            (invitations.invite, "dora@example.com", "owner", NOW),
            (invitations.list_invitations,),
            (invitations.revoke_invitation, "1", NOW),
            (members.list_members,),
            (members.change_role, vera, "owner", NOW),
            (members.remove_member, vera, NOW),
            (members.password_link, vera, NOW),
        ):
            assert refused(Forbidden, cast.do, call, token, *arguments) == "scope_missing"


def test_cleo_cannot_touch_members_of_ada(cast: Cast) -> None:
    ben = cast.member_id(cast.ben)
    for call, *arguments in (
        (members.change_role, ben, "viewer", NOW),
        (members.remove_member, ben, NOW),
        (members.password_link, ben, NOW),
    ):
        assert refused(NotFound, cast.do, call, cast.cleo, *arguments) == "no_such_row"
    assert cast.is_in(cast.ben)


def test_another_role_ends_the_sessions_and_counts_at_once(cast: Cast) -> None:
    ben = cast.member_id(cast.ben)
    assert cast.do(members.change_role, cast.ada, ben, "viewer", NOW) is None
    assert not cast.is_in(cast.ben)
    token = sign_in(cast.database, cast.settings, "ben@example.com", PASSWORD, HOME, "", NOW)
    assert cast.who(token).member.role == "viewer"
    cast.do(members.change_role, cast.ada, ben, "viewer", NOW)  # it is already
    assert cast.is_in(token)
    assert refused(Invalid, cast.do, members.change_role, cast.ada, ben, "king", NOW)
    assert [each for each in cast.trail() if "role" in each[1]] == [
        ("ada@example.com", "member.role_changed", "ben@example.com")
    ]


def test_who_changes_the_own_role_goes_on_under_a_new_token(cast: Cast) -> None:
    cast.do(members.change_role, cast.ada, cast.member_id(cast.ben), "owner", NOW)
    me = cast.who(cast.ada)
    with cast.database.transaction() as session:
        new = members.change_role(
            session, me.actor, str(me.member.id), "viewer", NOW, own=me.session
        )
    assert not cast.is_in(cast.ada)
    assert new is not None
    assert cast.who(new).member.role == "viewer"


def test_the_last_owner_stays(cast: Cast) -> None:
    me = cast.who(cast.ada)
    ada = str(me.member.id)
    assert refused(Conflict, cast.do, members.change_role, cast.ada, ada, "editor", NOW) == (
        "last_owner"
    )
    assert refused(Conflict, cast.do, members.remove_member, cast.ada, ada, NOW) == "last_owner"

    def leave() -> None:
        with cast.database.transaction() as session:
            members.leave(session, me, NOW)

    assert refused(Conflict, leave) == "last_owner"
    assert cast.is_in(cast.ada)


def test_of_two_owners_who_leave_at_once_one_stays(cast: Cast) -> None:
    cast.do(members.change_role, cast.ada, cast.member_id(cast.ben), "owner", NOW)
    ben = sign_in(cast.database, cast.settings, "ben@example.com", PASSWORD, HOME, "", NOW)
    both = [cast.who(cast.ada), cast.who(ben)]

    def leave(me: SignedIn) -> bool:
        try:
            with cast.database.transaction() as session:
                members.leave(session, me, NOW)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(leave, both)) == [False, True]


def test_a_removed_member_is_out_at_once(cast: Cast) -> None:
    cast.do(members.remove_member, cast.ada, cast.member_id(cast.ben), NOW)
    assert not cast.is_in(cast.ben)
    with pytest.raises(Forbidden):
        sign_in(cast.database, cast.settings, "ben@example.com", PASSWORD, HOME, "", NOW)
    assert cast.trail()[-1][1:] == ("member.removed", "ben@example.com")


def test_a_member_leaves_and_keeps_the_other_workspace(cast: Cast) -> None:
    token = cast.accept(cast.invite(cast.cleo, "ben@example.com", "viewer"))
    with cast.database.transaction() as session:
        members.leave(session, cast.who(cast.ben), NOW)
    assert not cast.is_in(cast.ben)
    assert cast.who(token).workspace.name == "Cleo's"
    assert cast.trail()[-1] == ("ben@example.com", "member.left", "ben@example.com")


# passwords of members


def test_an_owner_hands_a_member_a_link_to_choose_a_password(cast: Cast) -> None:
    link = cast.do(members.password_link, cast.ada, cast.member_id(cast.ben), NOW)
    one_time.use_password(cast.database, cast.settings, str(link), NEW, NOW)
    assert not cast.is_in(cast.ben)
    sign_in(cast.database, cast.settings, "ben@example.com", NEW, HOME, "", NOW)
    assert ("ada@example.com", "member.password_link_made", "ben@example.com") in cast.trail()


def test_no_owner_gets_hold_of_an_account_that_another_workspace_trusts(cast: Cast) -> None:
    cast.accept(cast.invite(cast.cleo, "ben@example.com", "viewer"))
    with cast.database.reading() as session:
        ben = str(
            session.scalars(
                select(Member.id)
                .join(User, User.id == Member.user_id)
                .where(User.email == "ben@example.com")
                .order_by(Member.id.desc())
            ).first()
        )
    assert refused(Conflict, cast.do, members.password_link, cast.cleo, ben, NOW) == (
        "member_elsewhere"
    )
