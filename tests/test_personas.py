"""Personas: made, attached to journeys and links, compared with the mix taken out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from cast import NOW, Home, make_home
from hypothesis import given
from hypothesis import strategies as st
from people import Cast, text_of
from people import everybody as everybody_browsing
from rest import People, codes, everybody
from rollups import count
from sqlalchemy.orm import Session
from test_pages_journeys import number_in

from linkservice.config import Settings
from linkservice.conversions.model import Conversion, ConversionCount, ConversionDay
from linkservice.database import Database
from linkservice.errors import Invalid
from linkservice.journeys.manage import create_journey
from linkservice.journeys.personas import create_persona, set_journey_personas
from linkservice.journeys.stages import create_stage
from linkservice.journeys.touchpoints import NewTouchpoint, create_touchpoint
from linkservice.links.manage import NewLink, create_link
from linkservice.links.personas import set_link_personas
from linkservice.reports.exported_findings import personas_table
from linkservice.reports.personas import METRICS, PersonaReport, persona_report
from linkservice.reports.standardised import (
    LEAST_EXPECTED,
    Part,
    crude,
    is_beyond_chance,
    is_reversed,
    reversals,
    standardised,
)
from linkservice.web import persona_words
from linkservice.web.i18n import speaking

people = pytest.fixture(everybody)
cast = pytest.fixture(everybody_browsing)

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 10)

parts = st.dictionaries(
    st.integers(1, 4),
    st.integers(1, 200).flatmap(
        lambda trials: st.integers(0, trials).map(lambda successes: Part(successes, trials))
    ),
    min_size=1,
)

# Charig et al., British Medical Journal 1986: two ways to treat kidney stones, by their size.
OPEN = {"small": Part(81, 87), "large": Part(192, 263)}
CLOSED = {"small": Part(234, 270), "large": Part(55, 80)}


def times(parts: dict[str, Part], number: int) -> dict[str, Part]:
    """The same rates of more trials."""
    return {key: Part(each.successes * number, each.trials * number) for key, each in parts.items()}


def test_the_mix_turns_the_kidney_stones_around() -> None:
    assert (crude(OPEN), crude(CLOSED)) == (273 / 350, 289 / 350)
    # Of 700 patients both orders may be chance; of twice as many they are not.
    assert is_reversed(CLOSED, OPEN)
    assert not is_beyond_chance(CLOSED, OPEN)
    assert is_reversed(times(CLOSED, 2), times(OPEN, 2))
    assert is_beyond_chance(times(CLOSED, 2), times(OPEN, 2))
    assert not is_reversed(times(OPEN, 2), times(CLOSED, 2))
    mix = {"small": 357, "large": 343}
    assert standardised(OPEN, mix) == pytest.approx(0.8325, abs=0.0001)
    assert standardised(CLOSED, mix) == pytest.approx(0.7789, abs=0.0001)


def test_too_little_is_no_reversal() -> None:
    closed, opened = times(CLOSED, 3), times(OPEN, 3)
    assert is_reversed(closed, opened)
    assert not is_reversed(closed, {"small": opened["small"]})
    assert not is_reversed(closed, {**opened, "third": Part(50, 100)})
    # A persona with none of 25 against 21 of 1,211 says nothing, however clear the others are.
    window = {"small": Part(300, 2_860), "large": Part(0, 25)}
    ads = {"small": Part(210, 970), "large": Part(21, 1_211)}
    assert LEAST_EXPECTED == 5.0
    assert (crude(window) or 0.0) < (crude(ads) or 0.0)
    ads["large"] = Part(210, 12_110)
    assert (crude(window) or 0.0) > (crude(ads) or 0.0)
    assert not is_reversed(window, ads)
    window["large"] = Part(0, 500)
    assert is_reversed(window, ads)
    assert not is_reversed({"small": Part(90, 100)}, {"small": Part(1, 100)})


def test_an_unknown_part_leaves_no_rate() -> None:
    assert standardised({"small": Part(1, 2)}, {"small": 5, "large": 1}) is None
    assert standardised({"small": Part(1, 2)}, {"small": 5, "large": 0}) == 0.5
    assert standardised({}, {}) is None
    assert crude({}) is None


@given(parts, st.data())
def test_a_standardised_rate_lies_among_its_parts(
    found: dict[int, Part], data: st.DataObject
) -> None:
    own = {key: part.trials for key, part in found.items()}
    assert standardised(found, own) == pytest.approx(crude(found))
    mix = {key: data.draw(st.integers(1, 99)) for key in found}
    rates = [part.rate or 0.0 for part in found.values()]
    rate = standardised(found, mix)
    assert rate is not None
    assert min(rates) - 1e-9 <= rate <= max(rates) + 1e-9


@given(parts, parts)
def test_a_reversal_goes_one_way_and_standardising_undoes_it(
    one: dict[int, Part], other: dict[int, Part]
) -> None:
    assert not (is_reversed(one, other) and is_reversed(other, one))
    if is_reversed(one, other):
        mix = {key: part.trials + other[key].trials for key, part in one.items()}
        assert (standardised(one, mix) or 0.0) < (standardised(other, mix) or 0.0)


@dataclass
class World:
    """A workspace with a journey; each link is a poster's or a flyer's."""

    session: Session
    settings: Settings
    home: Home
    journey_id: str
    stage_id: str
    links: int = 0

    def persona(self, name: str) -> str:
        return str(create_persona(self.session, self.home.actor, name, NOW).id)

    def touchpoint(self, name: str) -> str:
        new = NewTouchpoint(self.stage_id, name, "poster", "physical", "paid")
        return str(create_touchpoint(self.session, self.home.actor, new, NOW).id)

    def click(self, touchpoint: str, part: Part, *personas: str) -> int:
        """A link that is made for the personas, clicked on two days."""
        new = NewLink("https://example.com/", touchpoint_id=touchpoint)
        link = create_link(self.session, self.home.actor, self.settings, new, NOW).link
        set_link_personas(self.session, self.home.actor, str(link.id), personas, NOW)
        scans, clicks = part.successes, part.trials
        for day, some, scanned in (
            (FIRST, 1, min(1, scans)),
            (LAST, clicks - 1, max(0, scans - 1)),
        ):
            place = self.session, self.home, link, day, some
            count(*place, touchpoint_id=touchpoint, scans=scanned)
        self.session.flush()
        return link.id

    def convert(self, link: int, touchpoint: str, times: int, *, first: str | None = None) -> None:
        """Reported conversions of that link's last click; their first was at `first`."""
        workspace_id = self.home.workspace_id
        for number in range(times):
            self.session.add(
                Conversion(
                    workspace_id=workspace_id,
                    event_id=f"{link}-{number}",
                    occurred_at=NOW,
                    local_date=LAST,
                    currency="EUR",
                    first_link_id=link,
                    first_touchpoint_id=int(first or touchpoint),
                    last_link_id=link,
                    last_touchpoint_id=int(touchpoint),
                    recorded_at=NOW,
                )
            )
        for how, place in (("last", touchpoint), ("first", first or touchpoint)):
            key = workspace_id, LAST, int(place), how
            day = self.session.get(ConversionDay, key)
            if day is None:
                day = ConversionDay(
                    workspace_id=workspace_id,
                    local_date=LAST,
                    touchpoint_id=int(place),
                    attribution=how,
                    conversions=0,
                    value=0,
                )
                self.session.add(day)
            day.conversions += times
        self.session.flush()

    def import_sum(self, touchpoint: str, conversions: int) -> None:
        self.session.add(
            ConversionCount(
                workspace_id=self.home.workspace_id,
                local_date=LAST,
                touchpoint_id=int(touchpoint),
                source="shop",
                conversions=conversions,
                value=0,
                imported_at=NOW,
            )
        )
        self.session.flush()

    def report(self, metric: str = METRICS[0], how: str = "last", **days: date) -> PersonaReport:
        period = {"first": FIRST, "last": LAST} | days
        return persona_report(
            self.session, self.home.actor, metric=metric, attribution=how, now=NOW, **period
        )


@pytest.fixture
def world(settings: Settings, database: Database) -> Iterator[World]:
    with database.transaction() as session:
        home = make_home(session, settings)
        journey = create_journey(session, home.actor, "Kauf", NOW).journey
        stage = create_stage(session, home.actor, str(journey.id), "Davor", NOW)
        yield World(session, settings, home, str(journey.id), str(stage.id))


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["small", "large", "third"]),
            st.integers(0, 400).flatmap(
                lambda trials: st.builds(Part, st.integers(0, trials), st.just(trials))
            ),
        ),
        max_size=6,
    )
)
def test_reversals_are_the_pairs_that_are_reversed(every: list[dict[str, Part]]) -> None:
    every += [times(CLOSED, 2), times(OPEN, 2)]
    pairs = [
        (one, other)
        for one in range(len(every))
        for other in range(len(every))
        if is_reversed(every[one], every[other])
    ]
    assert reversals(every) == pairs
    assert (len(every) - 2, len(every) - 1) in pairs


def test_the_report_finds_what_the_mix_turns_around(world: World) -> None:
    gamer, gran = world.persona("Gamer"), world.persona("Gran")
    poster, flyer = world.touchpoint("Poster"), world.touchpoint("Flyer")
    for touchpoint, found in ((poster, times(OPEN, 2)), (flyer, times(CLOSED, 2))):
        world.click(touchpoint, found["small"], gamer)
        world.click(touchpoint, found["large"], gran)
    report = world.report()
    assert [(each.name, each.clicks, each.scans) for each in report.personas] == [
        ("Gamer", 714, 630),
        ("Gran", 686, 494),
    ]
    assert [row.name for row in report.rows] == ["Poster", "Flyer"]
    assert report.rows[0].standardised_rate == pytest.approx(0.8325, abs=0.0001)
    assert report.rows[0].rate == 273 / 350
    (found,) = report.reversals
    assert (found.higher, found.lower, found.higher_rate) == ("Flyer", "Poster", 289 / 350)
    with speaking("en"):
        assert persona_words.few_words(report) == ""
    assert world.report(last=LAST - timedelta(1)).reversals == []


def test_parts_sum_and_nobody_is_guessed(world: World) -> None:
    gamer, gran = world.persona("Gamer"), world.persona("Gran")
    poster, flyer = world.touchpoint("Poster"), world.touchpoint("Flyer")
    world.click(poster, Part(1, 10), gamer)
    world.click(poster, Part(2, 20), gamer, gran)
    world.click(poster, Part(3, 30))
    world.click(flyer, Part(0, 5))
    rows = {row.name: row for row in world.report().rows}
    assert (rows["Poster"].clicks, rows["Poster"].other_clicks) == (60, 50)
    assert [(cell.clicks, cell.rate) for cell in rows["Poster"].cells] == [(10, 0.1), (0, None)]
    assert (rows["Flyer"].rate, rows["Flyer"].standardised_rate) == (None, None)
    # The journey speaks where a link is silent.
    set_journey_personas(world.session, world.home.actor, world.journey_id, [gran], NOW)
    rows = {row.name: row for row in world.report().rows}
    assert [cell.clicks for cell in rows["Poster"].cells] == [10, 30]
    assert [cell.clicks for cell in rows["Flyer"].cells] == [0, 5]
    for row in rows.values():
        assert row.clicks == row.other_clicks + sum(cell.clicks for cell in row.cells)
    with speaking("en"):
        assert persona_words.few_words(world.report()) == (
            "With everybody's mix these rest on few clicks of a persona, so they may be chance: "
            "“Poster”."
        )


def test_conversions_count_for_the_persona_of_their_link(world: World) -> None:
    gamer, gran = world.persona("Gamer"), world.persona("Gran")
    poster, flyer = world.touchpoint("Poster"), world.touchpoint("Flyer")
    set_journey_personas(world.session, world.home.actor, world.journey_id, [gran], NOW)
    own = world.click(poster, Part(5, 50), gamer)
    both = world.click(poster, Part(0, 20), gamer, gran)
    silent = world.click(flyer, Part(0, 100))
    world.convert(own, poster, 10)
    world.convert(both, poster, 3)
    world.convert(silent, flyer, 7, first=poster)
    world.import_sum(flyer, 13)
    report = world.report("conversions_per_click")
    rows = {row.name: row for row in report.rows}
    gained = {
        name: [cell.conversions for cell in row.cells] + [row.other_conversions]
        for name, row in rows.items()
    }
    assert gained == {"Poster": [10, 0, 3], "Flyer": [0, 20, 0]}
    assert [cell.rate for cell in rows["Poster"].cells] == [0.2, None]
    assert [cell.rate for cell in rows["Flyer"].cells] == [None, 0.2]
    assert [(each.name, each.conversions) for each in report.personas] == [
        ("Gamer", 10),
        ("Gran", 20),
    ]
    by_first = {row.name: row for row in world.report("conversions_per_click", "first").rows}
    assert [cell.conversions for cell in by_first["Flyer"].cells] == [0, 13]
    assert [cell.conversions for cell in by_first["Poster"].cells] == [10, 7]
    for row in (*rows.values(), *by_first.values()):
        assert row.conversions == row.other_conversions + sum(c.conversions for c in row.cells)
    scans = {row.name: row for row in world.report().rows}
    assert scans["Poster"].cells[0].rate == 0.1
    assert scans["Poster"].cells[0].conversions == 10
    # Its links are for others than the journey: whose is a sum of it?
    world.import_sum(poster, 4)
    told = {row.name: row for row in world.report("conversions_per_click").rows}["Poster"]
    assert ([cell.conversions for cell in told.cells], told.other_conversions) == ([None, 0], 7)
    assert ([cell.rate for cell in told.cells], told.rate) == ([None, None], None)
    heads = world.report("conversions_per_click")
    assert [each.conversions for each in heads.personas] == [None, 20]
    with speaking("en"):
        assert [persona_words.share_words(heads, each) for each in heads.personas] == [
            "50 clicks · conversions cannot be told",
            "100 clicks · 20 conversions",
        ]
        assert persona_words.altogether(heads, told) == "–"
        assert persona_words.with_the_mix(heads, told) == "cannot be told"
    with pytest.raises(Invalid):
        world.report("clicks_per_day")


def test_columns_of_nothing_are_left_out_and_said(world: World) -> None:
    gamer, gran = world.persona("Gamer"), world.persona("Gran")
    poster, flyer = world.touchpoint("Poster"), world.touchpoint("Flyer")
    world.click(poster, Part(5, 50), gamer)
    world.click(flyer, Part(0, 7))
    report = world.report()
    told = [row for row in report.rows if row.rate is not None]
    with speaking("en"):
        assert [each.name for _, each in persona_words.clicked(report)] == ["Gamer"]
        assert persona_words.unclicked_words(report) == "No click of these days is of: “Gran”."
        # Nobody's clicks are the flyer's, which has no row of the map; on paper it has one.
        assert not persona_words.has_others(report, told)
        heads = [[column.head for column in part.columns] for part in persona_words.parts(report)]
    assert heads == [
        ["Touchpoint", "Clicks", "Altogether", "With everybody's mix", "Several or none"],
        ["Touchpoint", "Gamer"],
    ]
    world.click(poster, Part(1, 3), gran)
    report = world.report()
    assert [each.name for _, each in persona_words.clicked(report)] == ["Gamer", "Gran"]
    assert persona_words.unclicked_words(report) == ""


def test_an_imported_sum_is_the_persona_s_that_all_links_are_for(world: World) -> None:
    gamer, gran = world.persona("Gamer"), world.persona("Gran")
    poster = world.touchpoint("Poster")
    set_journey_personas(world.session, world.home.actor, world.journey_id, [gran], NOW)
    world.click(poster, Part(0, 50), gamer)
    world.import_sum(poster, 4)
    (row,) = world.report("conversions_per_click").rows
    assert [cell.conversions for cell in row.cells] == [4, 0]
    assert row.cells[0].rate == 4 / 50
    # One more that names nobody is the journey's.
    world.click(poster, Part(0, 5))
    (row,) = world.report("conversions_per_click").rows
    assert [cell.conversions for cell in row.cells] == [None, None]
    assert [cell.rate for cell in row.cells] == [None, None]


def test_conversions_of_a_mix_are_turned_around_as_scans_are(world: World) -> None:
    gamer, gran = world.persona("Gamer"), world.persona("Gran")
    for name, found in (("Poster", times(OPEN, 2)), ("Flyer", times(CLOSED, 2))):
        touchpoint = world.touchpoint(name)
        for persona, size in ((gamer, "small"), (gran, "large")):
            part = found[size]
            link = world.click(touchpoint, Part(0, part.trials), persona)
            world.convert(link, touchpoint, part.successes)
    report = world.report("conversions_per_click")
    assert report.rows[0].standardised_rate == pytest.approx(0.8325, abs=0.0001)
    (found,) = report.reversals
    assert (found.higher, found.lower) == ("Flyer", "Poster")
    assert found.metric == "conversions_per_click"
    # Told under the other tab, too, and by which metric.
    assert world.report().reversals == [found]
    with speaking("en"):
        assert persona_words.reversed_title(found) == "The mix turns conversions per click around"


def test_a_persona_is_made_attached_renamed_and_deleted(people: People) -> None:
    gamer, gran = (people.ben.made("/personas", name=name) for name in ("Gamer", "Gran"))
    both = [gamer["id"], gran["id"]]
    assert people.vera.get("/personas").json["items"] == [gamer, gran]
    assert codes(people.ben.post("/personas", name=" Gran")) == {("name", "name_taken")}
    assert people.ben.patch(f"/personas/{gran['id']}", name="Oma").json["name"] == "Oma"
    journey = people.ben.made("/journeys", name="Kauf", persona_ids=both[:1])
    assert journey["persona_ids"] == both[:1]
    path = f"/journeys/{journey['id']}"
    assert people.ben.patch(path, persona_ids=both).json["persona_ids"] == both
    assert people.ben.patch(path, name="Reise").json["persona_ids"] == both
    link = people.ben.made("/links", destination="https://example.com/", persona_ids=both)
    assert link["persona_ids"] == both
    path = f"/links/{link['id']}"
    changed = people.ben.patch(path, persona_ids=both[1:]).json
    assert (changed["persona_ids"], changed["version"]) == (both[1:], link["version"])
    assert people.ben.get("/links").json["items"][0]["persona_ids"] == both[1:]
    assert people.ben.delete(f"/personas/{gran['id']}").status_code == 204
    assert people.ben.get(path).json["persona_ids"] == []
    assert people.ben.get(f"/journeys/{journey['id']}").json["persona_ids"] == both[:1]


def test_what_is_no_persona_of_ones_own_is_refused(people: People) -> None:
    foreign = people.cleo.made("/personas", name="Cleo's")["id"]
    for path, body in (
        ("/journeys", {"name": "Kauf"}),
        ("/links", {"destination": "https://example.com/"}),
    ):
        answer = people.ada.post(path, **body, persona_ids=[foreign])
        assert (answer.status_code, codes(answer)) == (404, {("persona_ids", "no_such_row")})
        answer = people.ada.post(path, **body, persona_ids=["1"] * 21)
        assert answer.status_code == 422
    assert people.ada.get("/links").json["items"] == []
    for answer in (
        people.ada.get(f"/personas/{foreign}"),
        people.ada.delete(f"/personas/{foreign}"),
    ):
        assert answer.status_code == 404
    assert codes(people.vera.post("/personas", name="x")) == {("", "scope_missing")}
    assert people.vera.get("/reports/personas").json["personas"] == []


def test_ben_makes_a_persona_and_says_what_is_made_for_it(cast: Cast, settings: Settings) -> None:
    assert "invented customer" in text_of(cast.ben.get("/personas"))
    page = cast.ben.done("/personas", name="Gamer")
    assert "“Gamer” is made." in text_of(page)
    persona = number_in(page, r'action="/app/personas/')
    answer = cast.ben.post("/personas", name="Gamer")
    assert (answer.status_code, "already used" in text_of(answer)) == (409, True)
    cast.ben.done("/journeys", name="Shop", template="standard")
    journey = number_in(cast.ben.get("/journeys"), r'class="journey-link" href="/app/journeys/')
    link = cast.ben.post("/links", destination="https://example.com/").headers["Location"]
    for place in (f"/journeys/{journey}", link.removeprefix("/app")):
        page = cast.ben.done(f"{place}/personas", persona_ids=persona)
        assert "The personas are changed." in text_of(page)
        assert "checked" in cast.ben.get(f"{place}/personas").text
        cast.ben.done(f"{place}/personas")
        assert "checked" not in cast.ben.get(f"{place}/personas").text
    assert "In these days nobody clicked" in text_of(cast.vera.get("/reports/personas"))
    cast.ben.done(f"/personas/{persona}", name="Spielerin")
    page = cast.ben.done(f"/personas/{persona}/delete")
    assert "The persona is deleted." in text_of(page)
    assert "No persona yet" in text_of(cast.vera.get("/reports/personas"))


def test_page_and_file_tell_the_same(cast: Cast, settings: Settings, database: Database) -> None:
    with database.transaction() as session:
        home = cast.home
        journey = create_journey(session, home.actor, "Kauf", NOW).journey
        stage = create_stage(session, home.actor, str(journey.id), "Davor", NOW)
        world = World(session, settings, home, str(journey.id), str(stage.id))
        gamer, gran = world.persona("Gamer"), world.persona("Gran")
        for name, found in (("Poster", times(OPEN, 2)), ("Flyer", times(CLOSED, 2))):
            touchpoint = world.touchpoint(name)
            world.click(touchpoint, found["small"], gamer)
            world.click(touchpoint, found["large"], gran)
        report = world.report()
    asked: dict[str, Any] = {"from": FIRST.isoformat(), "to": LAST.isoformat()}
    told = text_of(cast.vera.get("/reports/personas", **asked))
    assert "Altogether “Flyer” has more scans per click (82.6%) than “Poster” (78.0%)" in told
    assert "93.1% 162 of 174" in told
    assert "83.3%" in told
    bought = cast.vera.get("/reports/personas", **asked, metric="conversions_per_click")
    assert "how many led to a conversion" in text_of(bought)
    assert "0.0% 0 of 174" in text_of(bought)
    assert cast.vera.get("/reports/personas", metric="clicks_per_day").status_code == 422
    file = cast.vera.get("/reports/personas.csv", **asked).text.lstrip("\ufeff")
    table, rows = personas_table(report), list(csv.reader(io.StringIO(file)))
    width = len(table.columns)
    assert rows[0][:width] == list(table.columns)
    told = [["" if cell is None else str(cell) for cell in row] for row in table.rows]
    assert [row[:width] for row in rows[1:]] == told
    cast.vera.done("/language", locale="de")
    told = text_of(cast.vera.get("/reports/personas", **asked))
    assert "Insgesamt hat „Flyer“ mehr Scans je Klick (82,6 %) als „Poster“ (78,0 %)" in told
