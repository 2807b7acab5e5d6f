"""Sheets are asked for, made with progress, and survive stops, crashes and second makers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

import pytest
from cast import NOW, make_home, make_link, make_touchpoint
from printed import pages, read_by_zxing
from sqlalchemy import select, update

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Conflict, Forbidden, Invalid, NotFound
from linkservice.journeys.campaigns import create_campaign
from linkservice.journeys.manage import create_journey
from linkservice.journeys.stages import create_stage
from linkservice.journeys.touchpoints import (
    NewTouchpoint,
    create_touchpoint,
    delete_touchpoint,
)
from linkservice.links.manage import NewLink, archive_link, create_link, create_links, delete_link
from linkservice.sheets.choice import MOST_CODES, SheetQuestion
from linkservice.sheets.make import LOOK_SECONDS, Maker, make_sheet, next_sheet
from linkservice.sheets.manage import (
    KEPT,
    MOST_UNFINISHED,
    ask_sheet,
    delete_sheet,
    list_sheets,
    one_sheet,
    resume_sheet,
    sheet_file,
    sheet_problem,
    sheet_state,
    stop_sheet,
)
from linkservice.sheets.model import STILL_FOR, Sheet
from linkservice.sheets.order import Words, from_json, to_json
from linkservice.workspaces.access import Actor
from linkservice.workspaces.model import Workspace
from linkservice.workspaces.trail import list_trail

WORDS = Words("QR codes", "20 November 2026", "40 mm")
SECOND = timedelta(seconds=1)


class Shop:
    """Ada's workspace with links, and Cleo's; and a clock that a test turns."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.settings, self.now = database, settings, NOW
        with database.transaction() as session:
            self.home = make_home(session, settings)
            self.cleo = make_home(session, settings, host="go.cleo.example").actor
        self.ada = self.home.actor

    def links(self, *names: str) -> list[str]:
        """A link to a touchpoint of each name; their ids."""
        with self.database.transaction() as session:
            return [
                str(make_link(session, self.settings, self.home, None, touchpoint).id)
                for touchpoint in [make_touchpoint(session, self.home, name) for name in names]
            ]

    def ask(self, question: SheetQuestion, actor: Actor | None = None) -> int:
        with self.database.transaction() as session:
            actor = actor or self.ada
            return ask_sheet(session, actor, self.settings, question, WORDS, self.now).id

    def asked(self, count: int = 3, **question: object) -> int:
        """A sheet of new links that waits."""
        ids = self.links(*(f"Poster {number}" for number in range(count)))
        return self.ask(replace(SheetQuestion(link_ids=ids), **question))

    def labels(self, question: SheetQuestion) -> list[str]:
        sheet_id = self.ask(question)
        with self.database.reading() as session:
            return [
                label.name for label in from_json(session.get_one(Sheet, sheet_id).question).labels
            ]

    def state(self, sheet_id: int) -> tuple[str, int]:
        with self.database.reading() as session:
            sheet = one_sheet(session, self.ada, str(sheet_id), self.now)
            return sheet_state(sheet, self.now), sheet.done

    def change(
        self, what: Callable[..., object], sheet_id: int, actor: Actor | None = None
    ) -> object:
        with self.database.transaction() as session:
            return what(session, actor or self.ada, str(sheet_id), self.now)

    def clock(self) -> datetime:
        return self.now

    def make(self, sheet_id: int, clock: Callable[[], datetime] | None = None) -> bool:
        return make_sheet(self.database, sheet_id, clock or self.clock)

    def at_call(self, number: int, act: Callable[[], object]) -> Callable[[], datetime]:
        """A clock that does something when it is asked for the `number`th time."""
        calls = iter(range(1, 10_000))

        def clock() -> datetime:
            if next(calls) == number:
                act()
            return self.now

        return clock


@pytest.fixture
def shop(database: Database, settings: Settings) -> Shop:
    return Shop(database, settings)


def codes_in(data: bytes) -> list[str]:
    return [text for page in pages(data) for text in read_by_zxing(page.picture)]


def refusals(shop: Shop, question: SheetQuestion) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as raised:
        shop.ask(question)
    return [(problem.field, problem.code) for problem in raised.value.problems]


def test_a_sheet_of_a_journey_has_its_codes_in_the_order_of_the_map(shop: Shop) -> None:
    with shop.database.transaction() as session:
        journey = create_journey(session, shop.ada, "Herbst", NOW).journey
        later = create_stage(session, shop.ada, str(journey.id), "Kauf", NOW)
        first = create_stage(session, shop.ada, str(journey.id), "Anfang", NOW, position=0)
        spots = [
            str(
                create_touchpoint(
                    session,
                    shop.ada,
                    NewTouchpoint(str(stage.id), name, "poster", "physical", "paid"),
                    NOW,
                ).id
            )
            for stage, name in ((later, "Kasse"), (first, "Plakat"), (first, "Flyer"))
        ]
        for spot in spots:
            make_link(session, shop.settings, shop.home, None, spot)
        journey_id = str(journey.id)
    shop.links("Poster of another journey")
    assert shop.labels(SheetQuestion(journey_id=journey_id)) == ["Plakat", "Flyer", "Kasse"]
    with shop.database.transaction() as session:
        delete_touchpoint(session, shop.ada, spots[1], NOW)
    assert shop.labels(SheetQuestion(journey_id=journey_id)) == ["Flyer", "Kasse"]


def test_deleted_links_are_left_out_and_archived_ones_unless_asked_for(shop: Shop) -> None:
    ids = shop.links("Plakat", "Flyer", "Kasse")
    with shop.database.transaction() as session:
        archive_link(session, shop.ada, ids[1], NOW)
    assert shop.labels(SheetQuestion(link_ids=ids)) == ["Plakat", "Kasse"]
    everything = SheetQuestion(link_ids=ids, with_archived=True)
    assert shop.labels(everything) == ["Plakat", "Flyer", "Kasse"]
    with shop.database.transaction() as session:
        delete_link(session, shop.ada, ids[0], NOW)
    with pytest.raises(NotFound):
        shop.ask(everything)


def test_campaigns_and_tags_choose_links_and_those_without_touchpoint_come_last(
    shop: Shop,
) -> None:
    with shop.database.transaction() as session:
        campaign_id = str(create_campaign(session, shop.ada, "Herbst", NOW).id)
        new = NewLink("https://example.com/", campaign_id=campaign_id, tags=["rot"])
        create_link(session, shop.ada, shop.settings, replace(new, title="Lose"), NOW)
        spot = make_touchpoint(session, shop.home, "Plakat")
        create_link(session, shop.ada, shop.settings, replace(new, touchpoint_id=spot), NOW)
        create_link(session, shop.ada, shop.settings, replace(new, tags=[], slug="bare"), NOW)
    assert shop.labels(SheetQuestion(campaign_id=campaign_id)) == ["Plakat", "Lose", "bare"]
    assert shop.labels(SheetQuestion(tag="rot")) == ["Plakat", "Lose"]
    with shop.database.reading() as session:
        named = {sheet.name for sheet in list_sheets(session, shop.ada, NOW)}
    assert named == {"Herbst", "rot"}


@pytest.mark.parametrize("asked", ["journey_id", "campaign_id", "tag", "link_ids"])
def test_cleo_cannot_print_adas_links(shop: Shop, asked: str) -> None:
    [link_id] = shop.links("Plakat")
    with shop.database.transaction() as session:
        journey_id = create_journey(session, shop.ada, "Herbst", NOW).journey.id
        campaign_id = create_campaign(session, shop.ada, "Herbst", NOW).id
        tagged = NewLink("https://example.com/", tags=["rot"])
        create_link(session, shop.ada, shop.settings, tagged, NOW)
    questions = {
        "journey_id": SheetQuestion(journey_id=str(journey_id)),
        "campaign_id": SheetQuestion(campaign_id=str(campaign_id)),
        "tag": SheetQuestion(tag="rot"),
        "link_ids": SheetQuestion(link_ids=[link_id]),
    }
    with pytest.raises(NotFound) as raised:
        shop.ask(questions[asked], shop.cleo)
    assert [problem.field for problem in raised.value.problems] == [asked]


def test_cleo_sees_and_touches_no_sheet_of_ada(shop: Shop) -> None:
    sheet_id = shop.asked()
    with shop.database.reading() as session:
        assert list_sheets(session, shop.cleo, NOW) == []
    for what in (one_sheet, sheet_file, stop_sheet, resume_sheet, delete_sheet):
        with pytest.raises(NotFound):
            shop.change(what, sheet_id, shop.cleo)
    assert shop.state(sheet_id) == ("waiting", 0)


@pytest.mark.parametrize("scopes", [{"links:write", "reports:read"}, set()])
def test_without_the_scope_nothing_is_asked_or_read(shop: Shop, scopes: set[str]) -> None:
    sheet_id = shop.asked()
    stranger = Actor(shop.home.workspace_id, "key", frozenset(scopes))
    with pytest.raises(Forbidden):
        shop.ask(SheetQuestion(link_ids=[]), stranger)
    for what in (one_sheet, sheet_file, stop_sheet, resume_sheet, delete_sheet):
        with pytest.raises(Forbidden):
            shop.change(what, sheet_id, stranger)
    with shop.database.reading() as session, pytest.raises(Forbidden):
        list_sheets(session, stranger, NOW)


def test_vera_who_only_views_may_print(shop: Shop) -> None:
    ids = shop.links("Plakat")
    vera = Actor(shop.home.workspace_id, "vera", frozenset({"links:read"}))
    sheet_id = shop.ask(SheetQuestion(link_ids=ids, format="zip"), vera)
    assert shop.make(sheet_id)
    file = shop.change(sheet_file, sheet_id, vera)
    assert (file.name, file.media_type) == ("QR codes.zip", "application/zip")


def test_everything_wrong_is_said_at_once(shop: Shop) -> None:
    question = SheetQuestion(format="docx", size_mm=5, colour="#ffcc00", tag="a\x00b")
    assert refusals(shop, question) == [
        ("tag", "bad_character"),
        ("format", "not_one_of"),
        ("size_mm", "qr_size"),
        ("colour", "qr_contrast"),
    ]
    assert refusals(shop, SheetQuestion()) == [("", "sheet_one_choice")]
    assert refusals(shop, SheetQuestion(tag="a", link_ids=[])) == [("", "sheet_one_choice")]


@pytest.mark.parametrize("size_mm", [float("nan"), float("inf"), True, 19.99, 100.01])
def test_sizes_that_cannot_be_printed_are_refused(shop: Shop, size_mm: float) -> None:
    ids = shop.links("Plakat")
    assert refusals(shop, SheetQuestion(link_ids=ids, size_mm=size_mm)) == [("size_mm", "qr_size")]


@pytest.mark.parametrize("link_id", ["", "0", "x", "9" * 400, "\ud800", "a\x00"])
def test_ids_that_are_none_are_not_found(shop: Shop, link_id: str) -> None:
    for question in (SheetQuestion(link_ids=[link_id]), SheetQuestion(journey_id=link_id or "x")):
        with pytest.raises(NotFound):
            shop.ask(question)


def test_a_brand_that_does_not_scan_is_refused_with_the_nearest_that_does(shop: Shop) -> None:
    ids = shop.links("Plakat")
    with shop.database.transaction() as session:
        session.execute(update(Workspace).values(brand_colour="#ffcc00"))
    with pytest.raises(Invalid, match=r"colour: .*#9c7b00 is the nearest foreground that scans"):
        shop.ask(SheetQuestion(link_ids=ids, colour="brand"))
    assert shop.ask(SheetQuestion(link_ids=ids, colour="#9c7b00"))
    with shop.database.transaction() as session:
        session.execute(update(Workspace).values(brand_colour="#7a2000"))
    assert shop.ask(SheetQuestion(link_ids=ids, colour="brand"))


def test_no_link_and_too_many_links_are_refused(shop: Shop) -> None:
    with shop.database.transaction() as session:
        journey = create_journey(session, shop.ada, "Herbst", NOW).journey
        question = SheetQuestion(journey_id=str(journey.id))
        new = NewLink("https://example.com/", tags=["viele"])
    assert refusals(shop, question) == [("", "sheet_empty")]
    assert refusals(shop, SheetQuestion(link_ids=[])) == [("", "sheet_empty")]
    many = SheetQuestion(link_ids=["1"] * (MOST_CODES + 1))
    assert refusals(shop, many) == [("link_ids", "sheet_too_many")]
    with shop.database.transaction() as session:
        for count in (200, 200, 100):
            create_links(session, shop.ada, shop.settings, new, [None] * count, NOW)
    assert shop.ask(SheetQuestion(tag="viele"))
    with shop.database.transaction() as session:
        create_links(session, shop.ada, shop.settings, new, [None] * 2, NOW)
    with pytest.raises(Invalid, match="These are 502 codes"):
        shop.ask(SheetQuestion(tag="viele"))


def test_a_code_too_fine_for_the_size_is_refused_when_asked(shop: Shop) -> None:
    with shop.database.transaction() as session:
        link = make_link(session, shop.settings, shop.home, "ä" * 60)
        question = SheetQuestion(link_ids=[str(link.id)], size_mm=20)
    assert refusals(shop, question) == [("size_mm", "qr_fine_print")]


def test_too_many_waiting_sheets_are_refused_until_one_is_stopped(shop: Shop) -> None:
    ids = shop.links("Plakat")
    question = SheetQuestion(link_ids=ids)
    [first, *_] = [shop.ask(question) for _ in range(MOST_UNFINISHED)]
    with pytest.raises(Conflict, match="waiting or being made"):
        shop.ask(question)
    shop.change(stop_sheet, first)
    assert shop.ask(question)
    with pytest.raises(Conflict):
        shop.change(resume_sheet, first)


@pytest.mark.parametrize("form", ["pdf", "zip"])
def test_a_sheet_is_made_and_handed_out(shop: Shop, form: str) -> None:
    sheet_id = shop.asked(format=form)
    with pytest.raises(Conflict, match="no file yet"):
        shop.change(sheet_file, sheet_id)
    assert shop.make(sheet_id)
    assert shop.state(sheet_id) == ("finished", 3)
    file = shop.change(sheet_file, sheet_id)
    assert file.name == f"QR codes.{form}"
    assert file.data.startswith({"pdf": b"%PDF", "zip": b"PK"}[form])
    if form == "pdf":
        with shop.database.reading() as session:
            wanted = from_json(session.get_one(Sheet, sheet_id).question).labels
        assert sorted(codes_in(file.data)) == sorted(label.scan_url for label in wanted)
    assert not shop.make(sheet_id)


def test_progress_is_written_about_once_a_second_and_no_transaction_stays_open(
    shop: Shop,
) -> None:
    sheet_id = shop.asked(6, format="zip")
    seen: list[tuple[str, int]] = []

    def clock() -> datetime:
        # Writing here would wait for ever for a maker that sat in a transaction.
        with shop.database.transaction() as session:
            session.execute(update(Workspace).values(name="Shop"))
        seen.append(shop.state(sheet_id))
        shop.now += timedelta(seconds=0.4)
        return shop.now

    assert shop.make(sheet_id, clock)
    done = [done for _, done in seen]
    assert [state for state, _ in seen][1:] == ["making"] * (len(seen) - 1)
    assert done == sorted(done)
    # Every third step of 0.4 s is a second after the last beat.
    assert sorted(set(done)) == [0, 3, 6]
    assert shop.state(sheet_id) == ("finished", 6)


def test_a_sheet_that_is_stopped_is_laid_down(shop: Shop) -> None:
    sheet_id = shop.asked(format="zip")

    def stop() -> None:
        shop.change(stop_sheet, sheet_id)
        shop.now += SECOND

    assert not shop.make(sheet_id, shop.at_call(3, stop))
    assert shop.state(sheet_id)[0] == "stopped"
    assert next_sheet(shop.database, shop.now) is None
    shop.change(resume_sheet, sheet_id)
    assert shop.state(sheet_id) == ("waiting", 0)
    assert shop.make(sheet_id)


def test_a_sheet_stopped_just_before_its_end_stays_stopped(shop: Shop) -> None:
    sheet_id = shop.asked(1, format="zip")
    calls: list[None] = []

    def clock() -> datetime:
        calls.append(None)
        if len(calls) == 3:  # the moment it is finished
            shop.change(stop_sheet, sheet_id)
        return shop.now

    assert not shop.make(sheet_id, clock)
    assert shop.state(sheet_id)[0] == "stopped"
    with pytest.raises(Conflict):
        shop.change(sheet_file, sheet_id)


def test_a_sheet_that_is_deleted_or_expires_while_it_is_made_is_gone(shop: Shop) -> None:
    sheet_id = shop.asked(format="zip")

    def delete() -> None:
        shop.change(delete_sheet, sheet_id)
        shop.now += SECOND

    assert not shop.make(sheet_id, shop.at_call(2, delete))
    with pytest.raises(NotFound):
        shop.state(sheet_id)


class PulledPlug(BaseException):
    """What no code catches: the process is gone."""


def pull_the_plug() -> None:
    raise PulledPlug


def test_a_sheet_whose_maker_died_is_interrupted_and_made_again(shop: Shop) -> None:
    sheet_id = shop.asked(format="zip")
    with pytest.raises(PulledPlug):
        shop.make(sheet_id, shop.at_call(3, pull_the_plug))
    shop.now += STILL_FOR
    assert shop.state(sheet_id)[0] == "making"
    assert next_sheet(shop.database, shop.now) is None
    assert not shop.make(sheet_id)
    shop.now += SECOND
    assert shop.state(sheet_id)[0] == "interrupted"
    assert next_sheet(shop.database, shop.now) == sheet_id
    assert shop.make(sheet_id)
    assert shop.state(sheet_id) == ("finished", 3)


def test_a_maker_that_slept_does_not_undo_what_the_next_one_made(shop: Shop) -> None:
    sheet_id = shop.asked(format="zip")
    made: list[bool] = []

    def sleep_long() -> None:
        shop.now += STILL_FOR + SECOND
        made.append(shop.make(sheet_id))

    assert not shop.make(sheet_id, shop.at_call(3, sleep_long))
    assert made == [True]
    assert shop.state(sheet_id) == ("finished", 3)


def test_of_two_makers_at_once_one_makes_the_sheet(shop: Shop) -> None:
    sheet_id = shop.asked(1, format="zip")
    start = threading.Barrier(3)
    made: list[bool] = []

    def run() -> None:
        start.wait()
        made.append(shop.make(sheet_id))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False, False, True]


def test_what_cannot_be_made_says_why_and_is_not_tried_again(shop: Shop) -> None:
    sheet_id = shop.asked(2, format="zip")
    with shop.database.transaction() as session:
        sheet = session.get_one(Sheet, sheet_id)
        order = from_json(sheet.question)
        labels = [order.labels[0], replace(order.labels[1], scan_url="HTTPS://X.DE/Q/" + "x" * 90)]
        sheet.question = to_json(replace(order, labels=labels, size_mm=20.0))
    assert not shop.make(sheet_id)
    assert shop.state(sheet_id)[0] == "failed"
    assert next_sheet(shop.database, shop.now) is None
    with shop.database.reading() as session:
        problem = sheet_problem(one_sheet(session, shop.ada, str(sheet_id), NOW))
    assert problem is not None
    assert (problem.field, problem.code) == ("Poster 1", "qr_fine_print")
    assert "must be at least" in problem.sentence


def test_a_sheet_nobody_can_read_fails_instead_of_coming_back_for_ever(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    sheet_id = shop.asked()
    with shop.database.transaction() as session:
        session.get_one(Sheet, sheet_id).question = "{}"
    assert not shop.make(sheet_id)
    assert shop.state(sheet_id)[0] == "failed"
    assert "could not be made" in caplog.text


def test_a_maker_that_closes_leaves_the_sheet_for_the_next(shop: Shop) -> None:
    sheet_id = shop.asked(format="zip")
    answers = iter([False, False, True])
    assert not make_sheet(shop.database, sheet_id, shop.clock, lambda: next(answers))
    assert shop.state(sheet_id) == ("waiting", 0)
    assert next_sheet(shop.database, shop.now) == sheet_id


def test_expired_sheets_are_not_found_and_go_with_the_next_question(shop: Shop) -> None:
    old, ids = shop.asked(1, format="zip"), shop.links("Plakat")
    assert shop.make(old)
    shop.now += KEPT
    with shop.database.reading() as session:
        assert list_sheets(session, shop.ada, shop.now) == []
    with pytest.raises(NotFound):
        shop.change(sheet_file, old)
    new = shop.ask(SheetQuestion(link_ids=ids))
    with shop.database.reading() as session:
        assert session.scalars(select(Sheet.id)).all() == [new]


def test_the_trail_says_who_asked_stopped_and_deleted(shop: Shop) -> None:
    sheet_id = shop.asked()
    for what in (stop_sheet, stop_sheet, resume_sheet, resume_sheet, delete_sheet):
        shop.change(what, sheet_id)
    with shop.database.reading() as session:
        entries = [
            note
            for _, note in list_trail(session, shop.ada, before=None, limit=50)
            if note.action.startswith("sheet.")
        ]
    assert [note.action for note in entries] == [
        "sheet.deleted",
        "sheet.resumed",
        "sheet.stopped",
        "sheet.asked",
    ]
    assert {(note.subject_id, note.actor, note.facts["codes"]) for note in entries} == {
        (sheet_id, "ada", 3)
    }


def until(condition: Callable[[], bool]) -> None:
    """Wait for a thread, however busy the machine is."""
    end = monotonic() + 180
    while not condition():
        assert monotonic() < end
        sleep(0.02)


def test_a_maker_makes_what_waits_and_what_it_is_woken_for(shop: Shop) -> None:
    shop.now = datetime.now(UTC)
    waiting = shop.asked(1, format="zip")
    maker = Maker(shop.database)
    maker.start()
    try:
        until(lambda: shop.state(waiting)[0] == "finished")
        begun = monotonic()
        woken = shop.asked(1, format="zip")
        maker.wake()
        until(lambda: shop.state(woken)[0] == "finished")
        assert monotonic() - begun < LOOK_SECONDS
    finally:
        maker.close()
    assert not any(thread.name == "sheets" for thread in threading.enumerate())
