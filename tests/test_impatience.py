"""A server that says nothing keeps nobody waiting who must not wait."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from wire import wire_to

from linkservice.config import Settings
from linkservice.database import Database

pytestmark = pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)


def test_a_silent_server_is_given_up_and_asked_again_later(settings: Settings) -> None:
    with wire_to(settings.database_url) as wire:
        database = Database(wire.url.render_as_string(hide_password=False), answer_seconds=0.3)
        try:
            assert one(database) == 1
            wire.become("dead")
            began = time.monotonic()
            with pytest.raises(OperationalError):
                one(database)
            assert time.monotonic() - began < 10  # for ever without
            wire.become("well")
            assert one(database) == 1
        finally:
            database.close()


def test_what_takes_long_is_waited_for_where_nobody_is_impatient(settings: Settings) -> None:
    database = Database(settings.database_url)
    with database.reading() as session:
        assert session.scalar(text("SELECT 1 FROM pg_sleep(0.5)")) == 1
    database.close()


def one(database: Database) -> int:
    with database.reading() as session:
        return int(session.scalar(text("SELECT 1")) or 0)
