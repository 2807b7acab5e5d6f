"""The demonstration: believable, the same each time, and true to its four planted verdicts."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import iptocc
import numpy as np
import pytest
from PIL import Image
from revisions import BEFORE_NEWEST
from snapshot import made_once
from sqlalchemy import func, select
from terminal import done

from linkservice import schema
from linkservice.clicks.agents import classify
from linkservice.clicks.calendar import zone
from linkservice.clicks.imports import import_clicks
from linkservice.clicks.ingest import Ingester
from linkservice.config import Settings, load
from linkservice.conversions.model import Conversion, ConversionCount
from linkservice.database import Database
from linkservice.demo import retailer, season
from linkservice.demo.asides import record_asides
from linkservice.demo.buying import Purchase, purchases, record_purchases
from linkservice.demo.clicks import write_clicks
from linkservice.demo.furnish import begun_on, furnish, guest, slugs_to_tell
from linkservice.demo.journey import LINKS, STAGES, TOUCHPOINTS
from linkservice.demo.logo import SIDE, logo
from linkservice.demo.reaching import missing_reach
from linkservice.demo.retailer import (
    BEST,
    BUYERS,
    DECIDING,
    LOOKERS,
    NO_REACH,
    TOO_EARLY,
    TURNED_AROUND,
    WEAKEST,
    WORST,
)
from linkservice.demo.season import DAYS, Floats
from linkservice.demo.spending import BUDGETS, MONTHLY, Thing, missing_costs
from linkservice.demo.visitors import HOMES
from linkservice.errors import Conflict, Failed
from linkservice.journeys.manage import list_journeys
from linkservice.journeys.model import Cost, Journey, Reach, Touchpoint
from linkservice.links.destination import check_destination
from linkservice.links.history import link_history
from linkservice.links.manage import change_link
from linkservice.links.model import Domain, Link
from linkservice.qr.design import Design
from linkservice.reports.association import association
from linkservice.reports.families import PROPORTIONS
from linkservice.reports.personas import persona_report
from linkservice.reports.ranking import Observation, judge
from linkservice.workspaces.access import operator
from linkservice.workspaces.accounts import create_workspace, first_workspace
from linkservice.workspaces.one_time import look_at_sign_in

NOW = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
SLUGS = {link.slug for _, link in LINKS}
TOUCHPOINT_OF = {link.slug: number for number, link in LINKS}
BERLIN = zone(retailer.TIME_ZONE)

Line = dict[str, str]


def quiet(done: int, total: int) -> None:
    """Nobody watches."""


def read(file: Path) -> list[Line]:
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def day_of(line: Line) -> date:
    return datetime.fromisoformat(line["time"]).astimezone(BERLIN).date()


def is_person(line: Line) -> bool:
    return classify(line["user_agent"]).class_ == "person"


@dataclass(frozen=True)
class Story:
    """A story as it was told at `now`, and the file it is told in."""

    now: datetime
    lines: Sequence[Line]
    file: Path

    @property
    def begun(self) -> date:
        return self.now.astimezone(BERLIN).date() - timedelta(days=DAYS - 1)

    def visitors(self) -> Floats:
        """Visitors + tokenless clicks by touchpoint and day, as the roll-ups count them."""
        found = np.zeros((len(TOUCHPOINTS), DAYS))
        seen = set()
        for line in filter(is_person, self.lines):
            number, day = TOUCHPOINT_OF[line["slug"]], day_of(line)
            key = day, number, line["address"], line["user_agent"]
            if not line["address"] or key not in seen:
                found[number, (day - self.begun).days] += 1
            seen.add(key)
        return found

    def clicks(self) -> Floats:
        """Clicks of people by touchpoint and day."""
        found = np.zeros((len(TOUCHPOINTS), DAYS))
        for line in filter(is_person, self.lines):
            found[TOUCHPOINT_OF[line["slug"]], (day_of(line) - self.begun).days] += 1
        return found

    def reach(self) -> Floats:
        names = [touchpoint.name for touchpoint in TOUCHPOINTS]
        found = np.zeros((len(TOUCHPOINTS), DAYS))
        for _, name, new in missing_reach(self.begun, self.now, {}):
            first = (new.date - self.begun).days
            last = ((new.until or new.date) - self.begun).days
            found[names.index(name), first : last + 1] += new.amount / (last + 1 - first)
        return found


def told(now: datetime, folder: Path) -> Story:
    file = folder / "clicks.jsonl"
    write_clicks(file, SLUGS, Story(now, (), file).begun, now, quiet)
    return Story(now, read(file), file)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return told(NOW, tmp_path_factory.mktemp("story"))


def verdicts(visitors: Floats, reach: Floats) -> dict[str, str]:
    stage_of = {
        each.name: number for number, stage in enumerate(STAGES) for each in stage.touchpoints
    }
    observations = [
        Observation(
            number,
            stage_of[each.name],
            1,
            each.kind,
            each.unit,
            visitors[number].tolist(),
            reach[number].tolist(),
            each.target_rate,
        )
        for number, each in enumerate(TOUCHPOINTS)
    ]
    return {TOUCHPOINTS[each.touchpoint_id].name: each.verdict for each in judge(observations)}


def names(found: dict[str, str], verdict: str) -> set[str]:
    return {name for name, each in found.items() if each == verdict}


# the verdicts


@pytest.mark.parametrize(
    "today",
    [
        date(2026, 11, 22),
        date(2027, 2, 4),
        pytest.param(date(2026, 6, 28), marks=pytest.mark.soak),
    ],
)
def test_the_four_are_found_and_no_other(today: date, story: Story, tmp_path: Path) -> None:
    now = datetime(today.year, today.month, today.day, 18, 30, tzinfo=UTC)
    shown = story if now == NOW else told(now, tmp_path)
    visitors, reach = shown.visitors(), shown.reach()
    for days in (28, 90, DAYS):
        found = verdicts(visitors[:, -days:], reach[:, -days:])
        assert names(found, "best") == set(BEST), days
        assert names(found, "worst") == set(WORST), days
        assert names(found, "too_early") == {TOO_EARLY}, days
        assert names(found, "no_reach") == {NO_REACH}, days


def test_no_period_of_the_year_accuses_another_touchpoint(story: Story) -> None:
    visitors, reach = story.visitors(), story.reach()
    for end in range(60, DAYS + 1, 7):
        found = verdicts(visitors[:, end - 28 : end], reach[:, end - 28 : end])
        assert names(found, "best") == set(BEST), end
        assert names(found, "worst") == set(WORST), end


# what is bought


@pytest.fixture(scope="module")
def bought(story: Story) -> Sequence[Purchase]:
    return list(purchases(story.file, story.now))


def by_day(story: Story, bought: Sequence[Purchase]) -> Floats:
    """Purchases by touchpoint and day of the click."""
    found = np.zeros((len(TOUCHPOINTS), DAYS))
    for each in bought:
        found[TOUCHPOINT_OF[each.clicks[-1].slug], (each.day - story.begun).days] += 1
    return found


def test_few_of_many_buy_and_many_of_few(story: Story, bought: Sequence[Purchase]) -> None:
    clicks, conversions = story.clicks(), by_day(story, bought)
    stage_of = {each.name: n for n, stage in enumerate(STAGES) for each in stage.touchpoints}
    for days in (28, 90, DAYS):
        found = judge(
            [
                Observation(
                    number,
                    stage_of[each.name],
                    1,
                    each.kind,
                    "click",
                    conversions[number, -days:].tolist(),
                    clicks[number, -days:].tolist(),
                )
                for number, each in enumerate(TOUCHPOINTS)
            ],
            PROPORTIONS,
        )
        shown = {TOUCHPOINTS[each.touchpoint_id].name: each.verdict for each in found}
        assert names(shown, "best") == set(BUYERS), days
        assert names(shown, "worst") == set(LOOKERS), days
    sums = {each.name: clicks[n].sum() for n, each in enumerate(TOUCHPOINTS)}
    assert min(sums["Instagram"], sums["Regalschild"]) > max(sums[name] for name in BUYERS)


def test_what_few_find_decides(story: Story, bought: Sequence[Purchase]) -> None:
    """The moment of truth: it is the only one that always goes along with what is bought."""
    outcome = by_day(story, bought).sum(axis=0)
    visitors = story.visitors()
    names = [each.name for each in TOUCHPOINTS]
    rows = [n for n, name in enumerate(names) if name not in (TOO_EARLY, NO_REACH)]
    assert DECIDING in WORST
    for last in range(84, DAYS, 20):
        days = slice(last - 84, last)
        weekdays = np.array([(story.begun.weekday() + n) % 7 for n in range(days.start, last)])
        against = np.tile(outcome[days], (len(rows), 1))
        found = association(visitors[rows, days], against, weekdays)
        place = rows.index(names.index(DECIDING))
        assert found.believed.argmax() == place
        assert found.low[place] > found.mean


def test_purchases_look_like_a_shop_s(bought: Sequence[Purchase]) -> None:
    assert 4_000 < len(bought) < 6_000
    assert len({each.number for each in bought}) == len(bought)
    # Each one takes milliseconds to be recorded, and nobody wants to wait for a demonstration.
    assert 800 < sum(each.reported for each in bought) < 3_000
    assert any(len({click.slug for click in each.clicks}) > 1 for each in bought)
    assert all(each.clicks[-1].at < each.at <= NOW for each in bought)
    assert {len(each.clicks) for each in bought if not each.reported} == {1}
    assert 7_000 < sum(each.cents for each in bought) / len(bought) < 10_000


def test_later_told_purchases_begin_with_the_same(tmp_path: Path) -> None:
    file, begun = tmp_path / "clicks.jsonl", date(2026, 3, 20)
    told_at = [datetime(2026, 3, 27, 15, 12, tzinfo=UTC), datetime(2026, 4, 1, 8, tzinfo=UTC)]
    found = []
    for moment in told_at:
        write_clicks(file, SLUGS, begun, moment, quiet)
        found.append({each.number: each for each in purchases(file, moment)})
    assert 10 < len(found[0]) < len(found[1])
    assert found[0].items() <= found[1].items()
    # Those who click today buy something tomorrow at the earliest, as far as we know.
    assert max(each.day for each in found[0].values()) < told_at[0].date()


# what a marketer would look at


def test_the_year_is_as_large_as_promised(story: Story) -> None:
    assert 120_000 < len(story.lines) < 180_000
    assert len({day_of(line) for line in story.lines}) == DAYS
    assert {line["slug"] for line in story.lines} == SLUGS
    classes = Counter(classify(line["user_agent"]).class_ for line in story.lines)
    assert min(classes[kind] for kind in ("robot", "preview", "scanner")) > 2_000
    assert len({classify(line["user_agent"]).robot for line in story.lines}) > 15


def test_the_order_is_that_of_time_and_nothing_lies_ahead(story: Story) -> None:
    moments = [datetime.fromisoformat(line["time"]) for line in story.lines]
    assert moments == sorted(moments)
    assert moments[-1] < NOW


def test_scans_come_from_phones(story: Story) -> None:
    scans = [line for line in story.lines if line["source"] == "scan"]
    devices = Counter(classify(line["user_agent"]).device for line in scans)
    assert devices["mobile"] / len(scans) > 0.95
    assert not devices["desktop"]
    assert not any(line["referrer"] for line in scans)


def test_people_live_where_their_networks_are(story: Story) -> None:
    people = [line for line in story.lines if is_person(line)]
    unknown = sum(not line["address"] for line in people) / len(people)
    assert 0.02 < unknown < 0.06
    near = Counter(iptocc.country_code(line["address"]) for line in people if line["address"])
    assert sum(near[code] for code in ("DE", "AT", "CH")) / sum(near.values()) > 0.95
    for network, _ in HOMES.things:
        ends = (network.address(0, 0, 1), network.address(65_535, 255, 253))
        assert {iptocc.country_code(end) for end in ends} == {network.country}


def test_weekdays_seasons_and_mailings_show(story: Story) -> None:
    people = [line for line in story.lines if is_person(line)]
    by_day = Counter(map(day_of, people))
    usual = sum(by_day.values()) / DAYS
    black_week = [date(2025, 11, 24) + timedelta(days=number) for number in range(8)]
    holidays = [date(2025, 12, 25) + timedelta(days=number) for number in range(8)]
    assert sum(by_day[day] for day in black_week) / 8 > 1.15 * usual
    assert sum(by_day[day] for day in holidays) / 8 < 0.85 * usual
    shop = Counter(day_of(line).weekday() for line in people if line["slug"] == "beratung")
    assert shop[6] < 0.3 * shop[5]
    letters = Counter(day_of(line).weekday() for line in people if line["slug"] == "news")
    assert letters[season.MAILING_DAY] > 1.5 * letters[(season.MAILING_DAY + 1) % 7]
    assert letters[(season.MAILING_DAY + 1) % 7] > 2 * letters[(season.MAILING_DAY + 3) % 7]


def test_days_scatter_more_than_chance(story: Story) -> None:
    number = [touchpoint.name for touchpoint in TOUCHPOINTS].index("Suchanzeigen")
    days = story.visitors()[number, :-1].reshape(-1, 7)
    rhythm = days.sum(axis=0) / days.sum()
    mean = days.sum(axis=1, keepdims=True) * rhythm
    assert ((days - mean) ** 2 / mean).sum() / (6 * (len(days) - 1)) > 1.15


def test_some_come_again_and_some_come_elsewhere(story: Story) -> None:
    met: dict[tuple[date, str, str], list[str]] = {}
    for line in filter(is_person, story.lines):
        if line["address"]:
            met.setdefault((day_of(line), line["address"], line["user_agent"]), []).append(
                line["slug"]
            )
    again = sum(len(slugs) > len(set(slugs)) for slugs in met.values()) / len(met)
    elsewhere = sum(len(set(slugs)) > 1 for slugs in met.values()) / len(met)
    assert 0.05 < again < 0.15
    assert 0.003 < elsewhere < 0.06


def test_links_get_clicks_only_while_they_live(story: Story) -> None:
    days: dict[str, list[int]] = {}
    for line in story.lines:
        days.setdefault(line["slug"], []).append((day_of(line) - story.begun).days)
    for _, link in LINKS:
        assert min(days[link.slug]) >= link.born
        if link.ends is not None and link.ending != "archived":
            assert max(days[link.slug]) < link.ends
    late = sum(day > 200 for day in days["katalog-alt"])
    assert 0 < late < 0.05 * len(days["katalog-alt"])


# told again


def test_what_is_told_later_begins_with_what_was_told_before(tmp_path: Path) -> None:
    begun = date(2026, 3, 20)  # the clocks change on the 29th
    whole, parts = tmp_path / "whole.jsonl", tmp_path / "parts.jsonl"
    moments = [datetime(2026, 3, 27, 15, 12, 9, tzinfo=UTC), datetime(2026, 4, 1, 8, tzinfo=UTC)]
    write_clicks(parts, SLUGS, begun, moments[0], quiet)
    first = parts.read_bytes()
    write_clicks(parts, SLUGS, begun, moments[0], quiet)
    assert parts.read_bytes() == first
    write_clicks(parts, SLUGS, begun, moments[1], quiet)
    write_clicks(whole, SLUGS, begun, moments[1], quiet)
    assert parts.read_bytes() == whole.read_bytes()
    assert parts.read_bytes().startswith(first)
    assert len(parts.read_bytes()) > 1.3 * len(first)


def test_links_that_are_gone_get_no_clicks(tmp_path: Path) -> None:
    file = tmp_path / "clicks.jsonl"
    write_clicks(file, SLUGS - {"news"}, date(2026, 3, 20), datetime(2026, 4, 1, tzinfo=UTC), quiet)
    found = Counter(line["slug"] for line in read(file))
    assert "news" not in found
    assert found["suche"]


def test_telling_can_be_stopped_at_any_time(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    file = tmp_path / "clicks.jsonl"
    with pytest.raises(KeyboardInterrupt):
        write_clicks(file, SLUGS, date(2026, 3, 20), datetime(2026, 4, 1, tzinfo=UTC), stop)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", ["", "what?", "[1]", "{}", '{"time": 7}', '{"time": "soon"}'])
def test_a_file_that_is_no_story_is_left_alone(content: str, tmp_path: Path) -> None:
    file = tmp_path / "clicks.jsonl"
    file.write_text(content)
    with pytest.raises(Failed):
        write_clicks(file, SLUGS, date(2026, 3, 20), datetime(2026, 4, 1, tzinfo=UTC), quiet)
    assert file.read_text() == content


def test_reach_is_told_once_for_each_day(story: Story) -> None:
    until: dict[str, date] = {}
    covered: Counter[tuple[str, date]] = Counter()
    for now in (NOW, NOW + timedelta(hours=3), NOW + timedelta(days=9)):
        for made, name, new in missing_reach(story.begun, now, until):
            assert made <= now
            last = new.until or new.date
            for number in range((last - new.date).days + 1):
                covered[(name, new.date + timedelta(days=number))] += 1
            until[name] = max(last, until.get(name, last))
    assert set(covered.values()) == {1}
    daily = [day for name, day in covered if name == "Paketbeilage"]
    assert len(daily) == DAYS + 9 - 1  # the last day is not over yet


def test_costs_are_told_once_for_each_day(story: Story) -> None:
    until: dict[Thing, date] = {}
    covered: Counter[tuple[Thing, date]] = Counter()
    for now in (NOW, NOW + timedelta(hours=3), NOW + timedelta(days=40)):
        for made, thing, new in missing_costs(story.begun, now, until):
            assert made <= now
            last = new.until or new.date
            for number in range((last - new.date).days + 1):
                covered[(thing, new.date + timedelta(days=number))] += 1
            until[thing] = max(last, until.get(thing, last))
    assert set(covered.values()) == {1}
    assert {thing[1] for thing, _ in covered} == {*MONTHLY, *BUDGETS}


# the workspace


@pytest.fixture
def furnished(settings: Settings, database: Database) -> Database:
    def make() -> None:
        with database.transaction() as session:
            furnish(session, settings, NOW)

    made_once("the retailer's year", database, make)
    return database


def test_the_retailer_has_worked_for_a_year(settings: Settings, furnished: Database) -> None:
    with furnished.transaction() as session:
        workspace = first_workspace(session)
        actor = operator(workspace)
        assert workspace.demonstration
        assert workspace.set_up_at is not None
        assert workspace.logo is not None
        assert workspace.holidays == "DE-BY"
        assert guest(session, workspace).email == retailer.OWNER
        assert guest(session, workspace).password_hash is None
        journey = list_journeys(session, actor, after=None, limit=10)[0]
        assert len(journey.stages) == 5
        assert sum(len(touchpoints) for _, touchpoints in journey.stages) == len(TOUCHPOINTS) == 22
        links = session.scalars(select(Link)).all()
        assert len(links) == 32
        assert [link.slug for link in links if not link.active] == ["vorbestellen"]
        assert [link.slug for link in links if link.archived_at] == ["katalog-alt"]
        expired = [link.slug for link in links if link.expires_at and link.expires_at < NOW]
        assert expired == ["gewinnspiel"]
        assert all(link.created_at < NOW for link in links)
        moved = next(link for link in links if link.slug == "pflege")
        changes = link_history(session, actor, str(moved.id))
        assert len(changes) == 3
        assert {change.by for change in changes} == {retailer.EDITOR}
        assert len({link.campaign_id for link in links} - {None}) == 5
        # What somebody pauses tells no more.
        assert slugs_to_tell(session, actor, from_the_beginning=True) == SLUGS
        news = next(link for link in links if link.slug == "news")
        change_link(session, actor, settings, str(news.id), {"active": False}, NOW)
        later = slugs_to_tell(session, actor, from_the_beginning=False)
        assert SLUGS - later == {"news", "vorbestellen"}


def test_a_later_start_adds_only_what_came_since(settings: Settings, furnished: Database) -> None:
    def reach() -> tuple[int, date]:
        with furnished.reading() as session:
            return session.execute(select(func.count(Reach.id), func.max(Reach.ends_on))).one()

    count, last = reach()
    with furnished.transaction() as session:
        furnish(session, settings, NOW)
    assert reach() == (count, last)
    with furnished.transaction() as session:
        session.scalars(select(Touchpoint).where(Touchpoint.name == "Katalog")).one().name = "Heft"
        unit = select(Touchpoint.id).where(Touchpoint.name == "Rechnung")
        for entry in session.scalars(select(Reach).where(Reach.touchpoint_id.in_(unit))):
            entry.unit = "sent"
        furnish(session, settings, NOW + timedelta(days=10))
    after, last_after = reach()
    assert last_after > last
    with furnished.reading() as session:
        fresh = session.scalars(select(Reach.touchpoint_id).where(Reach.ends_on > last)).all()
        kept = session.scalars(
            select(Touchpoint.id).where(Touchpoint.name.in_(("Heft", "Rechnung")))
        ).all()
    assert len(kept) == 2
    assert not set(kept) & set(fresh)
    assert after == count + len(fresh)
    # An address that is not private is followed, too: no code of it was ever printed in earnest.
    for url in ("http://192.0.2.2:8001", "http://192.0.2.7:9000", "http://192.0.2.7:9000"):
        elsewhere = load({}, data_dir=settings.data_dir, link_url=url)
        with furnished.transaction() as session:
            furnish(session, elsewhere, NOW)
            assert session.scalars(select(Domain.host)).one() == url.removeprefix("http://")


def test_a_later_start_goes_on_paying(settings: Settings, furnished: Database) -> None:
    def costs() -> int | None:
        with furnished.reading() as session:
            return session.scalar(select(func.count(Cost.id)))

    count = costs()
    with furnished.transaction() as session:
        furnish(session, settings, NOW)
    assert costs() == count
    with furnished.transaction() as session:
        furnish(session, settings, NOW + timedelta(days=31))
    assert (costs() or 0) >= (count or 0) + len(MONTHLY)


def test_nothing_invented_goes_into_a_workspace_of_ones_own(
    settings: Settings, database: Database
) -> None:
    with database.transaction() as session:
        create_workspace(session, NOW)
    with pytest.raises(Conflict), database.transaction() as session:
        furnish(session, settings, NOW)


def test_the_brand_can_be_printed() -> None:
    Design(retailer.BRAND_COLOUR)
    picture = Image.open(io.BytesIO(logo()))
    assert picture.size == (SIDE, SIDE)
    assert picture.getpixel((0, 0))[3] == 0
    for _, link in LINKS:
        check_destination(f"{retailer.SHOP}/{link.page}", own_hosts=set())


# as it is loaded


def last_days(source: Path, target: Path, days: int) -> None:
    """Only the last days of a story's file, so that a test need not take in a year."""
    since = (NOW - timedelta(days=days)).isoformat()
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    target.write_text("".join(line for line in lines if json.loads(line)["time"] >= since))


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_the_report_of_the_demonstration_tells_its_story(
    settings: Settings, furnished: Database, story: Story, tmp_path: Path
) -> None:
    database = furnished
    with database.transaction() as session:
        workspace = first_workspace(session)
        actor, begun = operator(workspace), begun_on(workspace)
    assert begun == story.begun
    file = tmp_path / "clicks.jsonl"
    last_days(story.file, file, 28)
    for _ in range(2):  # a second time adds nothing
        record_asides(settings, database, actor, begun, NOW)
        import_clicks(settings, database, actor, file, NOW, lambda done: None)
        Ingester(settings, database).run_once()
        record_purchases(settings, database, actor, file, NOW)
    with database.reading() as session:
        journey = str(session.scalars(select(Journey.id)).one())
    period = ("--from", "2026-10-26", "--to", "2026-11-22")
    lost = json.loads(done(settings, "report", "transitions", journey, *period, "--format", "json"))
    weakest = lost["transitions"][lost["weakest"]]
    assert ((weakest["from_stage"], weakest["to_stage"]), lost["sure"]) == (WEAKEST, True)
    assert "▼ weakest" in done(settings, "report", "transitions", journey, *period)
    lines = done(settings, "report", "transitions", journey, *period, "--format", "csv").split("\n")
    assert [line.strip().endswith(",weakest") for line in lines] == [
        True,
        False,
        True,
        *[False] * 3,
    ]
    found = json.loads(done(settings, "report", "touchpoints", *period, "--format", "json"))
    shown = {row["name"]: row["verdict"] for row in found["touchpoints"]}
    assert names(shown, "best") == set(BEST)
    assert names(shown, "worst") == set(WORST)
    assert shown[TOO_EARLY] == "too_early"
    assert shown[NO_REACH] == "no_reach"
    totals = found["totals"]
    for what in ("robots", "previews", "prefetches", "scanners", "misses", "scans"):
        assert totals[what] > 10, what
    assert 0 < totals["journey_visitors"] < totals["visitors"]
    known = list(purchases(file, NOW))
    with database.reading() as session:
        reported = session.scalars(select(Conversion)).all()
        imported = session.scalar(select(func.sum(ConversionCount.conversions)))
    assert len(reported) + (imported or 0) == len(known)
    assert {each.event_id for each in reported} <= {each.number for each in known}
    assert all(each.last_touchpoint_id for each in reported)
    assert any(each.first_touchpoint_id != each.last_touchpoint_id for each in reported)
    command = ("report", "touchpoints", *period, "--metric", "conversions_per_click")
    bought = json.loads(done(settings, *command, "--format", "json"))
    shown = {row["name"]: row["verdict"] for row in bought["touchpoints"]}
    assert names(shown, "best") == set(BUYERS)
    assert names(shown, "worst") == set(LOOKERS)
    days = (each.at.astimezone(BERLIN).date() if each.reported else each.day for each in known)
    assert bought["totals"]["conversions"] == sum(day >= date(2026, 10, 26) for day in days)
    spent = json.loads(done(settings, "report", "costs", *period, "--format", "json"))
    of = {row["name"]: row["cost_per_conversion"] for row in spent["rows"]}
    assert 0 < of["Suchanzeigen"] < of["City-Light-Plakate"]
    with database.reading() as session:
        days_of = {"first": date(2026, 10, 26), "last": date(2026, 11, 22), "now": NOW}
        mixed = persona_report(session, actor, metric="conversions_per_click", **days_of)
    higher, lower = ({row.name: row for row in mixed.rows}[name] for name in TURNED_AROUND)
    assert (higher.rate or 0.0) > (lower.rate or 0.0)
    for mine, theirs in zip(higher.cells, lower.cells, strict=True):
        assert (mine.rate or 0.0) < (theirs.rate or 0.0)
    (turned,) = mixed.reversals
    assert ((turned.higher, turned.lower), turned.certain) == (TURNED_AROUND, True)
    assert all((each.conversions or 0) > 20 for each in mixed.personas)
    audit = json.loads(done(settings, "audit", "--format", "json"))
    assert audit["rejected"] == audit["difference"] == 0


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("LINKSERVICE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "linkservice", "demo", "--data-dir", str(folder), *options],
        # Whatever the environment says, an invented journey never meets a real one.
        env={**env, "LINKSERVICE_DATABASE_URL": "sqlite:////nowhere/real.db"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_demonstration_starts_again_where_it_was(tmp_path: Path, migrated: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    shutil.copy(migrated, folder / "linkservice.db")
    settings = load({}, data_dir=folder)
    database = Database(settings.database_url)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with database.transaction() as session:
        furnish(session, settings, yesterday)
    file = folder / "clicks.jsonl"
    write_clicks(file, SLUGS, (yesterday - timedelta(days=1)).date(), yesterday, quiet)
    before = file.read_bytes()
    # Made by the program before this one: an upgrade asks nothing of who only tries it.
    schema.downgrade(database, BEFORE_NEWEST)
    service = start(tmp_path, "--roles", "ingest")
    assert service.stdout is not None
    printed = []
    for line in service.stdout:
        printed.append(line)
        if line.startswith("Next:"):
            break
    found = re.search(r"Sign in: http://127\.0\.0\.1:8000/app/sign-in/(\S+)\n", "".join(printed))
    assert found is not None, service.communicate()
    service.send_signal(signal.SIGINT)
    service.communicate(timeout=60)
    assert service.returncode == 0
    with database.reading() as session:
        look_at_sign_in(session, found[1], datetime.now(UTC))
    database.close()
    assert file.read_bytes().startswith(before)
    assert len(file.read_bytes()) > len(before)
    audit = json.loads(done(settings, "audit", "--format", "json"))
    # Beside the file's clicks there are the weeks of misses and prefetches.
    assert audit["ingested"] > len(file.read_bytes().splitlines())
    assert audit["difference"] == 0
