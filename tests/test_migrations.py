"""The schema's history and the models tell the same story, on both databases."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from cast import NOW, make_home, make_link, owner_of
from revisions import NEWEST
from rollups import tell, told
from sqlalchemy import inspect, select, text

from linkservice import schema
from linkservice.clicks.dictionary import value_id
from linkservice.clicks.model import LinkFacet, LinkHour
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Failed, Unavailable
from linkservice.reports.shares import NewShare, create_share, list_shares


def test_up_down_and_up_again(empty_url: str) -> None:
    database = Database(empty_url)
    assert schema.upgrade(database) == NEWEST
    assert schema.downgrade(database, "base") == "base"
    assert inspect(database.engine).get_table_names() == ["alembic_version"]
    assert schema.upgrade(database) == NEWEST
    database.close()


def test_models_and_migrations_agree(database: Database) -> None:
    assert schema.differences(database) == []


def test_a_missing_schema_names_the_command_that_mends_it(empty_url: str) -> None:
    database = Database(empty_url)
    with pytest.raises(Unavailable, match="linkservice db upgrade"):
        schema.require_current(database)
    database.close()


def test_a_newer_schema_is_refused(database: Database) -> None:
    with database.writing_connection() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Unavailable, match="newer"):
        schema.require_current(database)
    with pytest.raises(Unavailable, match="newer"):
        schema.upgrade(database)


def test_an_unknown_revision_is_named(database: Database) -> None:
    with pytest.raises(Failed, match="nowhere"):
        schema.downgrade(database, "nowhere")
    schema.require_current(database)


def test_shares_outlive_the_migration_and_those_of_newer_reports_end_with_it(
    settings: Settings, database: Database
) -> None:
    home, until = owner_of(database, settings), NOW + timedelta(days=9)
    kinds: dict[str, dict[str, str]] = {"plain": {}, "grouped": {"group": "stage"}}
    with database.transaction() as session:
        for name, asked in kinds.items():
            new = NewShare(name, "touchpoints", None, until, asked=asked)
            create_share(session, home.actor, new, NOW)
        create_share(session, home.actor, NewShare("costs", "costs", None, until), NOW)
    schema.downgrade(database, "0019")
    schema.upgrade(database)
    with database.reading() as session:
        assert [share.name for share in list_shares(session, home.actor)] == ["plain"]


def test_shares_that_roll_by_another_period_end_with_a_step_back(
    settings: Settings, database: Database
) -> None:
    home, until = owner_of(database, settings), NOW + timedelta(days=9)
    fixed = {"first": NOW.date(), "last": NOW.date()}
    kinds: dict[str, dict[str, Any]] = {"usual": {}, "week": {"preset": "week"}, "fixed": fixed}
    with database.transaction() as session:
        for name, days in kinds.items():
            create_share(session, home.actor, NewShare(name, "costs", None, until, **days), NOW)
    schema.downgrade(database, "0033")
    schema.upgrade(database)
    with database.reading() as session:
        kept = {share.name: share.preset for share in list_shares(session, home.actor)}
    assert kept == {"usual": "28d", "fixed": "28d"}


def test_days_as_numbers_are_the_days_they_were(settings: Settings, database: Database) -> None:
    days = [date(1999, 12, 31), date(2024, 2, 29), NOW.date()]
    with database.transaction() as session:
        link = make_link(session, settings, make_home(session, settings), "sommer")
        for day in days:
            tell(session, link, day, 9, day.year, country="DE")

    def stored() -> list[list[tuple[date, int]]]:
        with database.reading() as session:
            rows = [select(model.local_date, model.clicks) for model in (LinkHour, LinkFacet)]
            return [sorted(map(tuple, session.execute(each))) for each in rows]

    before = stored()
    assert before == [[(day, day.year) for day in days]] * 2
    schema.downgrade(database, "0026")
    with database.reading() as session:
        words = session.scalars(text("SELECT CAST(local_date AS VARCHAR(10)) FROM link_facets"))
        assert sorted(words) == [str(day) for day in days]
    schema.upgrade(database)
    assert stored() == before


def test_a_step_back_forgets_cities_and_nothing_else(
    settings: Settings, database: Database
) -> None:
    with database.transaction() as session:
        home = make_home(session, settings)
        link = make_link(session, settings, home, "sommer")
        tell(session, link, NOW.date(), 9, 5, country="DE", city="DE//Halle")
        last = value_id(session, "city", "DE//Halle")
    schema.downgrade(database, "0021")
    schema.upgrade(database)
    with database.transaction() as session:
        assert told(session) == {("country", "DE"): 5}
        assert value_id(session, "city", "DE//Halle") > last, "a number is never given twice"
