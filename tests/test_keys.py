"""Keys of programs: made by owners, shown once, noted when used, revoked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cast import NOW, Home, owner_of

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from linkservice.workspaces import keys, trail
from linkservice.workspaces.access import Actor, actor_of_key, live_key
from linkservice.workspaces.accounts import create_workspace
from linkservice.workspaces.model import ApiKey


@pytest.fixture
def home(database: Database, settings: Settings) -> Home:
    return owner_of(database, settings)


def test_a_key_is_made_used_and_revoked(database: Database, home: Home) -> None:
    with database.transaction() as session:
        text = keys.create_key(session, home.actor, " Shop ", ["reports:read", "links:read"], NOW)
        key = live_key(session, text, NOW)
        assert (key.name, key.scopes) == ("Shop", "links:read reports:read")
        assert text.encode() not in key.secret_hash
        assert actor_of_key(key) == Actor(
            home.workspace_id, "key Shop", frozenset({"links:read", "reports:read"})
        )
        keys.revoke_key(session, home.actor, str(key.id), NOW)
        later = NOW + timedelta(hours=1)
        assert keys.revoke_key(session, home.actor, str(key.id), later).revoked_at == NOW
        with pytest.raises(Unauthenticated, match="revoked"):
            live_key(session, text, NOW)
        noted = trail.list_trail(session, home.actor, before=None, limit=9)
    assert [(note.action, note.name) for _, note in noted] == [
        ("key.revoked", "Shop"),
        ("key.created", "Shop"),
    ]


def test_a_key_expires(database: Database, home: Home) -> None:
    tomorrow = NOW + timedelta(days=1)
    with database.transaction() as session:
        text = keys.create_key(session, home.actor, "shop", (), NOW, tomorrow)
        live_key(session, text, tomorrow - timedelta(seconds=1))
        with pytest.raises(Unauthenticated, match="expired"):
            live_key(session, text, tomorrow)
        with pytest.raises(Invalid) as refused:
            keys.create_key(session, home.actor, "", ["root"], NOW, NOW)
    assert [p.field for p in refused.value.problems] == ["name", "scope", "expires_at"]


def test_only_owners_manage_keys_and_only_their_own(database: Database, home: Home) -> None:
    ben = Actor(home.workspace_id, "ben", frozenset({"links:write", "reports:read"}))
    with database.transaction() as session:
        cleo = Actor(create_workspace(session, NOW).id, "cleo", frozenset({"admin"}))
        text = keys.create_key(session, home.actor, "shop", (), NOW)
        key_id = str(live_key(session, text, NOW).id)
        for call, *arguments in (
            (keys.create_key, "x", (), NOW),
            (keys.list_keys,),
            (keys.revoke_key, key_id, NOW),
            (keys.key_named, "shop"),
        ):
            with pytest.raises(Forbidden):
                call(session, ben, *arguments)
        with pytest.raises(NotFound):
            keys.revoke_key(session, cleo, key_id, NOW)
        with pytest.raises(NotFound):
            keys.key_named(session, cleo, "shop")
        assert keys.list_keys(session, cleo) == []
        assert [key.name for key in keys.list_keys(session, home.actor)] == ["shop"]


def test_a_key_is_found_by_its_name_or_id(database: Database, home: Home) -> None:
    with database.transaction() as session:
        for _ in range(2):
            keys.create_key(session, home.actor, "shop", (), NOW)
        newer, older = keys.list_keys(session, home.actor)
        with pytest.raises(Conflict, match=f"{older.id}, {newer.id}"):
            keys.key_named(session, home.actor, "shop")
        assert keys.key_named(session, home.actor, str(older.id)) is older
        keys.revoke_key(session, home.actor, str(older.id), NOW)
        assert keys.key_named(session, home.actor, "shop") is newer


def test_use_is_noted_once_a_minute(database: Database, home: Home) -> None:
    with database.transaction() as session:
        text = keys.create_key(session, home.actor, "shop", (), NOW)
    seen = []
    for seconds in (0, 30, 59, 60, 90):
        moment = NOW + timedelta(seconds=seconds)
        with database.reading() as session:
            key = live_key(session, text, moment)
        keys.note_use(database, key, moment)
        with database.reading() as session:
            used = session.get_one(ApiKey, key.id).last_used_at
        assert used is not None
        seen.append((used - NOW).seconds)
    assert seen == [0, 0, 0, 60, 60]
