"""A link's day takes up so many values of what senders make up; the others are counted together."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from cast import NOW, Home, make_home, make_link
from rollups import told
from sqlalchemy import func, select

from linkservice.clicks import ingest, limit
from linkservice.clicks.audit import audit
from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.event import Click, encode
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import OTHERS, AgentName, FacetValue, LinkDay, LinkFacet
from linkservice.clicks.model import Click as ClickRow
from linkservice.clicks.reclassify import Reclassified, reclassify
from linkservice.clicks.spool import Spool
from linkservice.config import Settings
from linkservice.database import Database

MOST = 12
CLICKS = 150
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "MOST", MOST)
    for name in ("FIRST_BATCH", "SMALLEST_BATCH", "LARGEST_BATCH"):
        monkeypatch.setattr(ingest, name, 7)


@pytest.fixture
def home(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        home = make_home(session, settings)
        for slug in ("flooded", "quiet"):
            make_link(session, settings, home, slug)
    return home


@pytest.fixture
def plain(home: Home) -> Click:
    return Click(
        time_ms=epoch_ms(NOW),
        link_id=1,
        link_version=1,
        domain_id=home.domain_id,
        workspace_id=home.workspace_id,
        network=bytes((84, 150, 1)),
        user_agent=FIREFOX,
        language="de",
    )


def flood(spool: Spool, plain: Click, begin: int = 0, **changed: int | bool) -> None:
    """Each click with words nobody has used; robots among them."""
    for number in range(begin, begin + CLICKS):
        robot = number % 3 == 0
        click = replace(
            plain,
            user_agent=f"Robot{number}/1.0" if robot else FIREFOX,
            language=f"de-{number:04}",
            referrer_host=f"n{number}.example",
            **changed,
        )
        spool.append(encode(click))


def by_rows(database: Database) -> Counter[tuple[str, str]]:
    """The facets of what the rows say."""
    found: Counter[tuple[str, str]] = Counter()
    with database.reading() as session:
        words = {each.id: (each.facet, each.value) for each in session.scalars(select(FacetValue))}
        agents = {each.id: each for each in session.scalars(select(AgentName))}
        for row in session.scalars(select(ClickRow).where(ClickRow.link_id != 0)):
            agent = agents[row.agent_id]
            if agent.robot:
                found["robot", agent.robot] += 1
                continue
            for number in (row.country_id, row.language_id, row.referrer_id):
                found[words[number]] += 1
            for facet in ("device", "browser", "system"):
                found[facet, getattr(agent, facet)] += 1
    return found


def test_a_flood_of_words_is_counted_as_others_and_totals_stay(
    settings: Settings, database: Database, spool: Spool, plain: Click
) -> None:
    flood(spool, plain)
    quiet = replace(plain, link_id=2, referrer_host="n149.example", language="fr")
    spool.append(encode(quiet))
    Ingester(settings, database).run_once()
    with database.reading() as session:
        found = told(session)
        day = session.scalars(select(LinkDay).where(LinkDay.link_id == 1)).one()
        assert (day.clicks, day.robots) == (100, 50)
        of_quiet = dict(
            session.execute(
                select(FacetValue.facet, FacetValue.value)
                .join(LinkFacet, LinkFacet.value_id == FacetValue.id)
                .where(LinkFacet.link_id == 2)
            ).all()
        )
    assert (of_quiet["referrer"], of_quiet["language"]) == ("n149.example", "fr")
    for facet, clicks in (("language", 101), ("referrer", 101), ("robot", 50)):
        values = {value: count for (name, value), count in found.items() if name == facet}
        assert sum(values.values()) == clicks
        assert values[OTHERS] >= clicks - 3 * MOST - 1 > 0
        assert MOST <= len(values) <= 3 * MOST + 2
    assert by_rows(database) == found
    assert audit(settings, database).difference == 0


def test_a_new_start_knows_what_the_day_has(
    settings: Settings, database: Database, spool: Spool, plain: Click
) -> None:
    for begin in range(0, 3 * CLICKS, CLICKS):
        flood(spool, plain, begin)
        Ingester(settings, database).run_once()
    with database.reading() as session:
        found = Counter(facet for facet, _ in told(session))
    # Each start lets through what comes before the day is crowded, and no more.
    assert found["referrer"] <= 7 * MOST + 2
    assert by_rows(database) == told_now(database)


def told_now(database: Database) -> dict[tuple[str, str], int]:
    with database.reading() as session:
        return told(session)


def test_reading_again_leaves_the_others_where_they_are(
    settings: Settings,
    database: Database,
    spool: Spool,
    plain: Click,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flood(spool, plain)
    Ingester(settings, database).run_once()
    before = told_now(database)
    assert reclassify(settings, database, lambda *_: None) == Reclassified(CLICKS, 0)
    monkeypatch.setattr(limit, "MOST", 10**6)
    assert reclassify(settings, database, lambda *_: None) == Reclassified(CLICKS, 0)
    assert told_now(database) == before
    assert by_rows(database) == before


def test_misses_do_not_fill_the_dictionary(
    settings: Settings, database: Database, spool: Spool, plain: Click
) -> None:
    flood(spool, plain, link_id=0, link_version=0, miss=True)
    Ingester(settings, database).run_once()
    with database.reading() as session:
        words = session.scalar(select(func.count()).select_from(FacetValue))
        robots = session.scalar(select(func.count()).select_from(AgentName))
    assert (words or 0) <= 3 * (3 * MOST + 1) + 5
    assert (robots or 0) <= 3 * MOST + 2


def test_words_are_the_same_day_by_day(
    settings: Settings, database: Database, spool: Spool, plain: Click
) -> None:
    """A few words on many clicks are never cut, whatever other days and links had."""
    chance = random.Random(2)
    sent: Counter[tuple[str, str]] = Counter()
    for number in range(CLICKS):
        came = chance.choice(("a.example", "b.example", ""))
        later = plain.time_ms + 86_400_000 * (number % 2)
        spool.append(encode(replace(plain, referrer_host=came, time_ms=later)))
        sent["referrer", came] += 1
    Ingester(settings, database).run_once()
    found = told_now(database)
    assert {each: found[each] for each in found if each[0] == "referrer"} == sent
