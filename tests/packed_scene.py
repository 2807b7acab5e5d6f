"""Clicks of several workspaces and segments, some long ago; all that is read of them, and where
they lie.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
import pytest
from cast import NOW, Home, make_link
from filtered_scene import AGENTS, HALLE, Scene, set_up, with_cities
from people import everybody
from sqlalchemy import func, select
from sqlalchemy.orm import Session, object_session

from linkservice.clicks import amending, packing
from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.counted import Counted
from linkservice.clicks.dictionary import Dictionary, Names
from linkservice.clicks.event import Click, Source, encode
from linkservice.clicks.export import written
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import CLASSES, LinkFacet, LinkHour, Mark
from linkservice.clicks.model import Click as ClickRow
from linkservice.clicks.packed_model import EveryClick, EveryLinkFacet, EveryLinkHour
from linkservice.clicks.packing import Packing
from linkservice.clicks.place import Places
from linkservice.clicks.placing import Placing
from linkservice.clicks.segment import write_segment
from linkservice.clicks.spool import node_id
from linkservice.config import Settings
from linkservice.database import Base, Database
from linkservice.reports import details, raw_clicks
from linkservice.reports.changed import change_report
from linkservice.reports.filtered import (
    Asked,
    filtered_campaign,
    filtered_link,
    filtered_touchpoint,
)
from linkservice.reports.filtered_origins import filtered_origins
from linkservice.reports.filters import Filters
from linkservice.reports.known_cities import known_cities
from linkservice.reports.links import campaign_report, link_report
from linkservice.reports.period import Period
from linkservice.reports.sources import PERSONS
from linkservice.reports.touchpoints import touchpoint_detail

OCTOBER = date(2026, 10, 24), date(2026, 10, 27)
"""In the night to the 25th the clocks of Berlin go back."""

FIRST, LAST = date(2026, 10, 20), NOW.date()
MUCH_LATER = NOW + timedelta(days=40)
"""All is to be packed by then."""

FILTERS: Sequence[Mapping[str, str]] = (
    {"country": "DE"},
    {"city": "unknown"},
    {"source": "scan"},
    {"city": HALLE, "device": "desktop"},
)

Rows: TypeAlias = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Old:
    """The scene of filtered reports, with days of October and a link of another workspace."""

    scene: Scene
    settings: Settings
    database: Database
    foreign: Home
    foreign_link: int

    @property
    def links(self) -> list[int]:
        return [int(each) for each in self.scene.link_ids]

    def come(self, seed: int, days: tuple[date, date] = OCTOBER, clicks: int = 120) -> int:
        """Clicks of all sorts at random moments of these days, recorded and ingested."""
        record(self, seed, days, clicks)
        done = Ingester(self.settings, self.database).run_once()
        assert (done.rejected, done.ingested) == (0, clicks)
        return clicks


def record(old: Old, seed: int, days: tuple[date, date] = OCTOBER, clicks: int = 120) -> None:
    """A segment of them, to be ingested."""
    rng = random.Random(seed)
    first, last = (epoch_ms(datetime(day.year, day.month, day.day, tzinfo=UTC)) for day in days)
    bodies = []
    for _ in range(clicks):
        ours, who, miss = rng.random() < 0.7, rng.randrange(60), rng.random() < 0.1
        home = old.scene.home if ours else old.foreign
        link = rng.choice(old.links) if ours else old.foreign_link
        click = Click(
            time_ms=rng.randint(first, last),
            domain_id=home.domain_id,
            workspace_id=home.workspace_id,
            link_id=0 if miss else link,
            link_version=0 if miss else 1,
            miss=miss,
            source=rng.choice(list(Source)),
            network=bytes((84 + who % 3, 150, who)),
            token=b"" if who < 4 or miss else bytes(15) + bytes((who,)),
            user_agent=AGENTS[who % 4],
            language=("de", "en-GB", "")[who % 3],
            referrer_host=rng.choice(("news.example", "")),
        )
        bodies.append(encode(click))
    node = node_id(old.settings.data_dir)
    write_segment(old.settings.spool_dir, node, rng.randbytes(8), bodies)


@pytest.fixture
def old(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Old]:
    monkeypatch.setattr(packing, "FEWEST_CLICKS", 1)
    for cast in everybody(settings, database):
        scene = set_up(settings, database, cast)
        with database.transaction() as session:
            link = make_link(session, settings, cast.foreign, "far").id
        old = Old(scene, with_cities(settings), database, cast.foreign, link)
        for seed in range(2):
            old.come(seed)
        yield old


@pytest.fixture
def in_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "FEWEST_CLICKS", 1)
    monkeypatch.setattr(packing, "CLICKS_IN_ONE", 7)
    monkeypatch.setattr(packing, "CLICKS_AT_ONCE", 60)
    monkeypatch.setattr(packing, "LINKS_AT_ONCE", 4)


def pack(database: Database, now: datetime = MUCH_LATER) -> int:
    """Pack all there is to pack; in how many steps."""
    steps = 0
    while Packing(database).some(now):
        steps += 1
    return steps


# what is read


def everything(old: Old) -> dict[str, Any]:
    """Whatever anyone may read of the clicks; none of it is empty."""
    scene, actor = old.scene, old.scene.home.actor
    days: dict[str, Any] = {"first": FIRST, "last": LAST, "now": NOW}
    found: dict[str, Any] = {}

    def read(name: str, report: Callable[[Session], Any]) -> None:
        with old.database.reading() as session:
            found[name] = plain(report(session))

    for link in scene.link_ids[:2]:
        read(f"link {link}", lambda session, of=link: link_report(session, actor, of, **days))
    read("campaign", lambda session: campaign_report(session, actor, scene.campaign_id, **days))
    read(
        "foreign",
        lambda session: link_report(
            session, old.foreign.actor, str(old.foreign_link), suspects=True, **days
        ),
    )
    for suspects in (True, False):
        read(
            f"touchpoint {suspects}",
            lambda session, counted=suspects: touchpoint_detail(
                session, actor, scene.touchpoint_id, suspects=counted, **days
            ),
        )
    for given in FILTERS:
        asked = Asked(FIRST, LAST, Filters(**given), False, NOW)
        for report, subject in (
            (filtered_link, scene.link_ids[1]),
            (filtered_touchpoint, scene.touchpoint_id),
            (filtered_campaign, scene.campaign_id),
        ):
            read(
                f"{report.__name__} {given}",
                lambda session, report=report, subject=subject, asked=asked: report(
                    session, actor, subject, asked
                ),
            )
        ranking = scene.ranking(first=FIRST, **given)
        read(f"ranking {given}", lambda _, ranking=ranking: ranking)
        read(
            f"origins {given}",
            lambda session, ranking=ranking, given=given: filtered_origins(
                session, actor, ranking, Filters(**given), compared=False, suspects=False
            ),
        )
    period = Period(FIRST, LAST, "Europe/Berlin")
    read("details", lambda session: details.of_links(session, PERSONS, old.links, period))
    read("cities", lambda session: known_cities(session, actor))
    read("changed", lambda session: change_report(session, actor, now=NOW))
    found["file"] = file_of(old, actor)
    found["other file"] = file_of(old, old.foreign.actor)
    assert all(found.values())
    return found


def file_of(old: Old, actor: Any) -> str:
    """The file of all single clicks."""
    asked = raw_clicks.Asked(FIRST, LAST, NOW, rows="all")
    with old.database.reading() as session:
        chosen = raw_clicks.report_clicks(session, actor, raw_clicks.Subject(), asked)
    return "".join(part for _, part in written(old.database, chosen, "csv"))


def plain(found: Any) -> Any:
    """The same in what can be compared: rows of tables by their ids."""
    if isinstance(found, Base):
        assert object_session(found) is None or found.id
        return type(found).__name__, found.id
    if is_dataclass(found):
        return {each.name: plain(getattr(found, each.name)) for each in fields(found)}
    if isinstance(found, Mapping):
        return {plain(key): plain(value) for key, value in found.items()}
    if isinstance(found, np.ndarray):
        return found.tolist()
    if isinstance(found, list | tuple):
        return [plain(each) for each in found]
    return found


# rows, wherever they lie


def rows(database: Database) -> dict[str, Rows]:
    """Clicks; hours and facets that are not nought."""
    clicks = [EveryClick.__table__.c[column.name] for column in ClickRow.__table__.columns]
    hours, facets = EveryLinkHour, EveryLinkFacet
    sums = (
        ((hours.local_date, hours.link_id, hours.local_hour), (hours.clicks, hours.scans)),
        ((facets.local_date, facets.link_id, facets.value_id), (facets.clicks,)),
    )
    with database.reading() as session:
        found = {"clicks": sorted(map(tuple, session.execute(select(*clicks))))}
        for name, (key, counts) in zip(("hours", "facets"), sums, strict=True):
            query = select(*key, *map(func.sum, counts)).group_by(*key)
            every = map(tuple, session.execute(query))
            found[name] = sorted(row for row in every if any(row[3:]))
    return found


def lying_as_rows(database: Database) -> list[int]:
    """How many clicks, hours and facets lie as rows."""
    with database.reading() as session:
        return [
            session.scalar(select(func.count()).select_from(each)) or 0
            for each in (ClickRow, LinkHour, LinkFacet)
        ]


def roll_ups_tell_the_clicks(database: Database) -> None:
    """Hours and facets are what the clicks of persons add up to."""
    told = rows(database)
    names = [column.name for column in ClickRow.__table__.columns]
    hours: Counter[tuple[Any, ...]] = Counter()
    facets: Counter[tuple[Any, ...]] = Counter()
    persons = 0
    for row in told["clicks"]:
        of = dict(zip(names, row, strict=True))
        if of["class"] or of["flags"] & Mark.MISS:
            continue
        persons += 1
        key = date.fromordinal(of["local_day"]), of["link_id"]
        hours[*key, of["local_hour"]] += 1
        facets.update(
            (*key, of[name])
            for name in ("country_id", "city_id", "language_id", "referrer_id")
            if of[name]
        )
    assert {row[:3]: row[3] for row in told["hours"]} == hours
    counted = {row[:3]: row[3] for row in told["facets"]}
    assert {key: counted.get(key) for key in facets} == facets
    assert persons == hours.total() > 0
    assert min(row[3] for row in (*told["hours"], *told["facets"])) > 0


# what changes them


def misread(database: Database, seed: int, share: float) -> int:
    """Say of some clicks of October something else: a class, an agent, a country."""
    chance, placing = random.Random(seed), Placing(Places(), database)
    dictionary, counted = Dictionary(database), Counted()
    names = [Names("", "", "tablet", "Old Browser", ""), Names("OldBot", "other", "other", "", "")]
    numbers = dictionary.agents(names)
    traits = placing.traits_of(numbers.values())
    country = dictionary.values([("country", "FR")])[("country", "FR")]
    kinds = CLASSES.index("person"), CLASSES.index("robot")
    with database.reading() as session:
        asked = select(EveryClick).where(EveryClick.local_day <= OCTOBER[1].toordinal())
        found = session.execute(select(asked.subquery())).all()
    known = {}
    for row in sorted(found, key=lambda row: (row.segment_id, row.position)):
        if chance.random() < share and not row.flags & Mark.MISS:
            robot = chance.random() < 0.5
            known[row.segment_id, row.position] = amending.Known(
                kinds[robot], None, 0, traits[numbers[names[robot]]], country, 0
            )
    agents = placing.traits_of({row.agent_id for row in found})
    with database.writing_connection() as connection:
        return amending.amend(connection, known, agents, counted.within(connection))


@contextmanager
def another(database: Database) -> Iterator[Database]:
    """One more user of the same database."""
    url = database.engine.url.render_as_string(hide_password=False)
    made = Database(url.replace("postgresql+psycopg:", "postgresql:"))
    try:
        yield made
    finally:
        made.close()


def only_old(settings: Settings) -> Settings:
    """Single clicks are kept for a month."""
    return replace(settings, click_retention_months=1)
