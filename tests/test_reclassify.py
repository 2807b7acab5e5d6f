"""Clicks that were counted as something else: rows and roll-ups are put right, to the digit."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cast import NOW, Home, make_home, make_link, make_touchpoint
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from sqlalchemy import func, select
from terminal import done

from linkservice.clicks import amending
from linkservice.clicks.agents import CLASSIFIER_VERSION
from linkservice.clicks.audit import audit
from linkservice.clicks.bulk import counters
from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.counted import Counted
from linkservice.clicks.dictionary import Dictionary, Names
from linkservice.clicks.event import Click, Method, Source, encode
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import (
    CLASSES,
    DomainDay,
    LinkDay,
    LinkFacet,
    LinkHour,
    TouchpointDay,
    TouchpointMonth,
)
from linkservice.clicks.model import Click as ClickRow
from linkservice.clicks.place import Places
from linkservice.clicks.placing import Placing
from linkservice.clicks.reclassify import Reclassified, reclassify
from linkservice.clicks.spool import Spool
from linkservice.config import Settings
from linkservice.database import Base, Database
from linkservice.errors import Conflict
from linkservice.lockfile import exclusive

TOLD = f"50 clicks read again by classification {CLASSIFIER_VERSION}, 50 changed.\n"

AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
)
ROLLUPS = (LinkDay, TouchpointDay, TouchpointMonth, LinkHour, LinkFacet, DomainDay)


@pytest.fixture
def home(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        return make_home(session, settings)


@pytest.fixture
def clicks(database: Database, settings: Settings, home: Home) -> list[Click]:
    """Clicks of two days on three links: people, robots, misses, HEAD, with and without token."""
    with database.transaction() as session:
        touchpoint = make_touchpoint(session, home)
        links = [
            make_link(session, settings, home, slug, of).id
            for slug, of in (("sommer", touchpoint), ("herbst", touchpoint), ("winter", None))
        ]
    chance = random.Random(7)
    found = []
    for _ in range(400):
        visitor = chance.randrange(40)
        agent = AGENTS[visitor % 4]
        miss = chance.random() < 0.1
        found.append(
            Click(
                time_ms=epoch_ms(NOW - timedelta(seconds=chance.randrange(150_000))),
                link_id=0 if miss else chance.choice(links),
                link_version=0 if miss else 1,
                miss=miss,
                domain_id=home.domain_id,
                workspace_id=home.workspace_id,
                method=Method.HEAD if chance.random() < 0.05 else Method.GET,
                source=Source.SCAN if chance.random() < 0.2 else Source.CLICK,
                network=bytes((84, 150, visitor)),
                token=b"" if visitor % 5 == 0 or miss else bytes((visitor,)) * 16,
                user_agent=agent,
                language=chance.choice(("de", "en", "")),
                referrer_host=chance.choice(("news.example", "")),
            )
        )
    return found


def quiet(_done: int, _total: int) -> None:
    """No progress."""


def table(database: Database, model: type[Base]) -> list[tuple[object, ...]]:
    """The rows that count anything, in the order of their keys."""
    columns = model.__table__.columns
    counts = [not column.primary_key and column.name != "workspace_id" for column in columns]
    with database.reading() as session:
        rows = [tuple(row) for row in session.execute(select(model.__table__))]
    return sorted(
        (row for row in rows if any(n for n, counted in zip(row, counts, strict=True) if counted)),
        key=str,
    )


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """All rows and roll-ups."""
    return {model.__tablename__: table(database, model) for model in (*ROLLUPS, ClickRow)}


def by_touchpoint(database: Database) -> list[tuple[object, ...]]:
    """What the days of links add up to."""
    key = LinkDay.workspace_id, LinkDay.local_date, LinkDay.touchpoint_id
    sums = [func.sum(getattr(LinkDay, name)) for name in counters(TouchpointDay)]
    with database.reading() as session:
        rows = session.execute(select(*key, *sums).group_by(*key)).all()
    return sorted((tuple(row) for row in rows if any(row[3:])), key=str)


def misread(database: Database, seed: int, share: float) -> int:
    """Count some clicks as an older classifier would have: another class, agent, country."""
    chance, dictionary, counted = random.Random(seed), Dictionary(database), Counted()
    placing = Placing(Places(), database)
    names = [
        Names("", "", "tablet", "Old Browser", "Old System"),
        Names("OldBot", "other", "other", "", ""),
    ]
    numbers = dictionary.agents(names)
    traits = placing.traits_of(numbers.values())
    country = dictionary.values([("country", "FR")])[("country", "FR")]
    with database.reading() as session:
        rows = session.execute(select(ClickRow.__table__)).all()
    known = {}
    for row in rows:
        if chance.random() < share and not row.flags & 2:
            person = chance.random() < 0.5
            known[(row.segment_id, row.position)] = amending.Known(
                kind=CLASSES.index("person" if person else "robot"),
                token=None,
                journey_id=0,
                traits=traits[numbers[names[0] if person else names[1]]],
                country_id=country,
            )
    agents = placing.traits_of({row.agent_id for row in rows})
    with database.writing_connection() as connection:
        return amending.amend(connection, known, agents, counted.within(connection))


def test_what_was_misread_is_put_right_to_the_digit(
    settings: Settings, database: Database, spool: Spool, clicks: list[Click]
) -> None:
    for click in clicks:
        spool.append(encode(click))
    Ingester(settings, database).run_once()
    right = everything(database)
    assert by_touchpoint(database) == right["touchpoint_days"]
    changed = misread(database, seed=3, share=0.6)
    assert changed > 150
    assert by_touchpoint(database) == table(database, TouchpointDay) != right["touchpoint_days"]
    assert everything(database)["link_days"] != right["link_days"]
    assert everything(database)["link_facets"] != right["link_facets"]
    assert audit(settings, database).difference == 0
    seen: list[tuple[int, int]] = []
    found = reclassify(settings, database, lambda now, total: seen.append((now, total)))
    assert found == Reclassified(len(clicks), changed)
    assert everything(database) == right
    assert seen[-1][0] == seen[-1][1] > 0
    assert reclassify(settings, database, quiet) == Reclassified(len(clicks), 0)
    assert audit(settings, database).difference == 0


def test_robots_that_were_people_all_along_are_visitors_once(
    settings: Settings, database: Database, spool: Spool, clicks: list[Click]
) -> None:
    """Ingested as robots, they had no visitor key yet."""
    person = replace(
        clicks[0], miss=False, link_id=1, link_version=1, method=Method.GET, token=b"a" * 16
    )
    for _ in range(3):
        spool.append(encode(replace(person, user_agent=AGENTS[2])))
    Ingester(settings, database).run_once()
    # The bytes of the segment cannot be changed; what the row says can.
    dictionary, counted = Dictionary(database), Counted()
    placing = Placing(Places(), database)
    names = Names("", "", "desktop", "Firefox", "Linux")
    number = dictionary.agents([names])[names]
    traits = placing.traits_of([number])
    with database.reading() as session:
        rows = session.execute(select(ClickRow.__table__)).all()
    agents = placing.traits_of({row.agent_id for row in rows})
    known = {
        (row.segment_id, row.position): amending.Known(
            0, (0x6161616161616161,) * 2, 0, traits[number]
        )
        for row in rows
    }
    with database.writing_connection() as connection:
        assert amending.amend(connection, known, agents, counted.within(connection)) == 3
    with database.reading() as session:
        day = session.scalars(select(LinkDay)).one()
        assert (day.clicks, day.visitors, day.robots) == (3, 1, 0)
    assert reclassify(settings, database, quiet).changed == 3
    with database.reading() as session:
        day = session.scalars(select(LinkDay)).one()
        assert (day.clicks, day.visitors, day.robots) == (0, 0, 3)


def test_ben_names_another_country_file_and_reclassifies(
    settings: Settings, database: Database, spool: Spool, clicks: list[Click], tmp_path: Path
) -> None:
    for click in clicks[:50]:
        spool.append(encode(click))
    Ingester(settings, database).run_once()
    before = everything(database)
    writer = MMDBWriter(4, "any")
    here = {"country_code": "AT", "city": "Wien"}
    writer.insert_network(IPSet(["84.150.0.0/16"]), here)
    writer.to_db_file(str(tmp_path / "geo.mmdb"))
    told = done(settings, "reclassify", LINKSERVICE_GEOIP_DB=str(tmp_path / "geo.mmdb"))
    assert told == TOLD
    numbers = Dictionary(database).values([("country", "AT"), ("city", "AT//Wien")])
    austria, vienna = numbers[("country", "AT")], numbers[("city", "AT//Wien")]
    with database.reading() as session:
        assert set(session.execute(select(ClickRow.country_id, ClickRow.city_id))) == {
            (austria, vienna)
        }
        clicks_in = dict(
            session.execute(
                select(LinkFacet.value_id, func.sum(LinkFacet.clicks)).group_by(LinkFacet.value_id)
            ).all()
        )
        assert clicks_in[austria] == clicks_in[vienna] == session.scalar(func.sum(LinkDay.clicks))
    assert done(settings, "reclassify") == TOLD
    assert everything(database) == before, "the cities are taken away again, to the digit"


def test_what_is_not_yet_ingested_or_no_longer_there_is_left_alone(
    settings: Settings, database: Database, spool: Spool, clicks: list[Click]
) -> None:
    for click in clicks[:20]:
        spool.append(encode(click))
    Ingester(settings, database).run_once()
    with database.transaction() as session:
        for row in session.scalars(select(ClickRow)).all()[:15]:
            session.delete(row)
    for click in clicks[20:40]:
        spool.append(encode(click))
    misread(database, seed=1, share=1.0)
    assert reclassify(settings, database, quiet) == Reclassified(20, len(kept(database)))


def kept(database: Database) -> list[object]:
    with database.reading() as session:
        rows = session.scalars(select(ClickRow).where(ClickRow.link_id != 0))
        return list(rows)


def test_only_one_reclassifies_at_a_time(settings: Settings, database: Database) -> None:
    with (
        exclusive(settings.data_dir / "reclassify.lock", "reclassify_running"),
        pytest.raises(Conflict, match="already reclassifies"),
    ):
        reclassify(settings, database, quiet)
    assert reclassify(settings, database, quiet) == Reclassified(0, 0)
