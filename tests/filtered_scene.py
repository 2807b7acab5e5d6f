"""Some hundred clicks of all sorts, and what filtered reports tell of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from cast import NOW, Home, make_link, make_touchpoint
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from people import Cast
from sqlalchemy import delete
from sqlalchemy.orm import Session

from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.event import Click, Source, encode
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.kept_rows import note_deletion
from linkservice.clicks.model import Click as ClickRow
from linkservice.clicks.segment import write_segment
from linkservice.clicks.spool import node_id
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.journeys.campaigns import create_campaign
from linkservice.links.manage import LinkChanges, change_link
from linkservice.links.model import Link
from linkservice.reports.filtered import Asked, FilteredReport, filtered_link
from linkservice.reports.filters import Filters
from linkservice.reports.links import link_report
from linkservice.reports.queries import touchpoint_report
from linkservice.reports.results import LinkReport, TouchpointReport

DAYS = 8
LAST = NOW.date()
FIRST = LAST - timedelta(days=DAYS - 1)
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "",
)
CLICKS = 400
HALLE, MUNICH = "DE/Sachsen-Anhalt/Halle", "DE//München"


@dataclass(frozen=True)
class Scene:
    """Some hundred ingested clicks of all sorts on six links, the first two at one touchpoint;
    the second link came there in the middle of a day. The first three are a campaign's.
    """

    database: Database
    cast: Cast
    home: Home
    touchpoint_id: str
    campaign_id: str
    link_ids: list[str]

    def link(self, number: int = 0, **filters: Any) -> FilteredReport:
        return self.ask(filtered_link, self.link_ids[number], **filters)

    def ask(
        self,
        report: Any,
        subject: str,
        *,
        first: date = FIRST,
        last: date = LAST,
        suspects: bool = False,
        **filters: Any,
    ) -> FilteredReport:
        asked = {"first": first, "last": last, "suspects": suspects, **filters}
        with self.database.reading() as session:
            return self.ask_in(session, report, subject, **asked)

    def ask_in(
        self,
        session: Session,
        report: Any,
        subject: str,
        *,
        first: date,
        last: date,
        suspects: bool = False,
        **filters: Any,
    ) -> FilteredReport:
        asked = Asked(first, last, Filters(**filters), suspects, NOW)
        found: FilteredReport = report(session, self.home.actor, subject, asked)
        return found

    def ranking(
        self,
        *,
        first: date = FIRST,
        last: date = LAST,
        metric: str = "visitors_per_reach",
        suspects: bool = False,
        now: datetime = NOW,
        **filters: str,
    ) -> TouchpointReport:
        with self.database.reading() as session:
            return self.ranking_in(
                session,
                first=first,
                last=last,
                metric=metric,
                suspects=suspects,
                now=now,
                **filters,
            )

    def ranking_in(
        self,
        session: Session,
        *,
        first: date,
        last: date = LAST,
        metric: str = "visitors_per_reach",
        suspects: bool = False,
        now: datetime = NOW,
        **filters: str,
    ) -> TouchpointReport:
        return touchpoint_report(
            session,
            self.home.actor,
            first=first,
            last=last,
            metric=metric,
            suspects=suspects,
            filters=Filters(**filters),
            now=now,
        )

    def unfiltered(self, number: int = 0, suspects: bool = False) -> LinkReport:
        with self.database.reading() as session:
            return link_report(
                session,
                self.home.actor,
                self.link_ids[number],
                first=FIRST,
                last=LAST,
                suspects=suspects,
                now=NOW,
            )


def record(settings: Settings, home: Home, links: list[Link]) -> None:
    """Days of clicks, and a mail scanner that poses as a browser on the last of them."""
    rng = random.Random(5)
    plain = Click(time_ms=epoch_ms(NOW), domain_id=home.domain_id, workspace_id=home.workspace_id)
    clicks = []
    for _ in range(CLICKS):
        who = rng.randrange(40)
        day = rng.randrange(DAYS)
        place = min(int(rng.expovariate(0.7)), 5)
        clicks.append(
            replace(
                plain,
                time_ms=epoch_ms(NOW) - 86_400_000 * day - rng.randrange(40_000_000),
                link_id=links[place].id,
                link_version=2 if place == 1 and day < DAYS // 2 else 1,
                source=rng.choice(list(Source)),
                miss=rng.random() < 0.05,
                network=bytes((84 + who % 3, 150, who)),
                token=b"" if who < 4 else bytes(15) + bytes((who,)),
                user_agent=AGENTS[who % 4],
                language=("de", "en-GB", "")[who % 3],
                referrer_host=rng.choice(("news.example", "t.co", "")),
            )
        )
    clicks.sort(key=lambda each: each.time_ms)
    clicks += [
        replace(
            plain,
            time_ms=epoch_ms(NOW) + 100 * number,
            link_id=link.id,
            link_version=2 if number == 1 else 1,
            network=bytes((87, 1, 1)),
            token=b"s" * 16,
            user_agent=AGENTS[0],
        )
        for number, link in enumerate(links)
    ]
    write_segment(
        settings.spool_dir, node_id(settings.data_dir), rng.randbytes(8), map(encode, clicks)
    )


def with_cities(settings: Settings) -> Settings:
    """A country file that knows cities of some networks, and of others only the country."""
    writer = MMDBWriter(4, "any")
    halle = {"country_code": "DE", "city": "Halle", "region": "Sachsen-Anhalt"}
    writer.insert_network(IPSet(["84.150.0.0/19"]), halle)
    writer.insert_network(IPSet(["84.150.32.0/19"]), {"country_code": "DE"})
    writer.insert_network(IPSet(["85.0.0.0/8"]), {"country_code": "DE", "city": "München"})
    writer.insert_network(IPSet(["87.0.0.0/8"]), {"country_code": "DE", "city": 7})
    path = settings.data_dir / "cities.mmdb"
    writer.to_db_file(str(path))
    return replace(settings, geoip_db=str(path))


def set_up(settings: Settings, database: Database, cast: Cast) -> Scene:
    home = cast.home
    with database.transaction() as session:
        touchpoint = make_touchpoint(session, home)
        other = make_touchpoint(session, home, "Other")
        campaign = create_campaign(session, home.actor, "Summer", NOW)
        places = [touchpoint, other, None, None, None, None]
        links = [
            make_link(session, settings, home, f"link-{number}", touchpoint_id=place)
            for number, place in enumerate(places)
        ]
        moved: LinkChanges = {"touchpoint_id": touchpoint}
        change_link(session, home.actor, settings, str(links[1].id), moved, NOW)
        for link in links[:3]:
            link.campaign_id = campaign.id
        record(settings, home, links)
        ids, campaign_id = [str(link.id) for link in links], str(campaign.id)
    Ingester(with_cities(settings), database).run_once()
    return Scene(database, cast, home, touchpoint, campaign_id, ids)


@contextmanager
def taken_back(database: Database) -> Iterator[Session]:
    """A transaction of which nothing stays."""
    with suppress(InterruptedError), database.transaction() as session:
        yield session
        raise InterruptedError


def forget_clicks(session: Session, home: Home, before: date) -> None:
    """Delete the clicks before a day, as retention does."""
    note_deletion(session, home.workspace_id, before.toordinal())
    session.execute(
        delete(ClickRow).where(
            ClickRow.workspace_id == home.workspace_id, ClickRow.local_day < before.toordinal()
        )
    )
