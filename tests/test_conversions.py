"""Conversions: attributed to the clicks their ids prove, and counted once, whoever repeats them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cast import NOW, make_touchpoint
from linkport import ask
from rest import PROBLEM, Caller, People, everybody
from sqlalchemy import func, select

from linkservice.clicks.calendar import epoch_ms
from linkservice.config import Settings
from linkservice.conversions.click_id import ClickIds
from linkservice.conversions.model import Conversion, ConversionDay
from linkservice.conversions.recording import NewConversion, record_conversion
from linkservice.database import Database
from linkservice.links.manage import NewLink, change_link, create_link
from linkservice.redirect.app import LinkDoor, make_application

people = pytest.fixture(everybody)


@dataclass(frozen=True)
class Shop:
    """Ada's links, each of a touchpoint, and click ids as the link door makes them."""

    settings: Settings
    database: Database
    people: People

    def touchpoint(self, name: str, of: Caller | None = None) -> str:
        with self.database.transaction() as session:
            return make_touchpoint(session, (of or self.people.ada).home, name)

    def link(self, touchpoint_id: str | None = None, of: Caller | None = None, **more: Any) -> str:
        new = NewLink("https://shop.example/", touchpoint_id=touchpoint_id, **more)
        with self.database.transaction() as session:
            actor = (of or self.people.ada).home.actor
            return str(create_link(session, actor, self.settings, new, NOW).link.id)

    def click(self, link_id: str, ago: timedelta = timedelta(minutes=9), version: int = 1) -> str:
        at = datetime.now(UTC) - ago
        ids = ClickIds(self.settings.secret_key)
        return ids.make(int(link_id), version, int(at.timestamp() * 1000))

    def sums(self) -> dict[tuple[int, str], tuple[int, int]]:
        """Conversions and value by touchpoint (0: none) and attribution."""
        columns = ConversionDay.touchpoint_id, ConversionDay.attribution
        with self.database.reading() as session:
            rows = session.execute(
                select(*columns, func.sum(ConversionDay.conversions), func.sum(ConversionDay.value))
                .where(ConversionDay.workspace_id == self.people.ada.home.workspace_id)
                .group_by(*columns)
            )
            return {(place, how): (int(count), int(value)) for place, how, count, value in rows}


@pytest.fixture
def shop(settings: Settings, database: Database, people: People) -> Shop:
    return Shop(settings, database, people)


@pytest.fixture
def door(settings: Settings, shop: Shop) -> Iterator[LinkDoor]:
    shop.link(slug="plain")
    shop.link(slug="bought", append_click_id=True, forward_query=True)
    door = make_application(settings)
    yield door
    door.close()


def location(door: LinkDoor, path: str, **variables: str) -> str:
    return ask(door, path, **variables).headers["Location"]


def test_only_links_that_are_asked_to_append_a_click_id(door: LinkDoor) -> None:
    assert location(door, "/plain") == "https://shop.example/"
    query = parse_qs(urlsplit(location(door, "/q/bought", QUERY_STRING="a=1&lsid=x")).query)
    assert query["a"] == ["1"]
    assert len(query["lsid"][0]) == 44


def test_who_asks_not_to_be_followed_gets_none(door: LinkDoor) -> None:
    assert location(door, "/bought", HTTP_SEC_GPC="1") == "https://shop.example/"
    assert location(door, "/bought", HTTP_DNT="1") == "https://shop.example/"
    assert "lsid" in location(door, "/bought", HTTP_DNT="0")


def test_a_preview_shows_where_it_leads_without(door: LinkDoor) -> None:
    assert "lsid" not in ask(door, "/bought+").text


def test_from_the_click_to_the_conversion(door: LinkDoor, shop: Shop) -> None:
    (click_id,) = parse_qs(urlsplit(location(door, "/bought")).query)["lsid"]
    made = shop.people.ada.made("/conversions", event_id="order 7", click_id=click_id, value=4990)
    assert made["first"] == made["last"]
    assert (made["event_id"], made["value"], made["currency"]) == ("order 7", 4990, "EUR")
    assert made["first"]["touchpoint_id"] is None
    assert shop.sums() == {(0, "first"): (1, 4990), (0, "last"): (1, 4990)}


def test_first_and_last_touch(shop: Shop) -> None:
    poster, letter = shop.touchpoint("Poster"), shop.touchpoint("Newsletter")
    hours = {shop.link(poster): 70, shop.link(letter): 2, shop.link(): 20}
    clicks = [shop.click(link, timedelta(hours=ago)) for link, ago in hours.items()]
    made = shop.people.ben.made("/conversions", event_id="1", click_ids=clicks, value=5)
    assert made["first"]["touchpoint_id"] == poster
    assert made["last"]["touchpoint_id"] == letter
    assert made["first"]["clicked_at"] < made["last"]["clicked_at"]
    assert shop.sums() == {(int(poster), "first"): (1, 5), (int(letter), "last"): (1, 5)}


def test_of_two_clicks_in_one_second_the_earlier_is_first(shop: Shop) -> None:
    poster, letter = shop.touchpoint("Poster"), shop.touchpoint("Newsletter")
    ids, second = ClickIds(shop.settings.secret_key), epoch_ms(datetime.now(UTC)) // 1000 * 1000
    places = (poster, second - 5_900), (letter, second - 5_100)
    early, late = (ids.make(int(shop.link(place)), 1, moment) for place, moment in places)
    for event_id, clicks in (("1", [early, late]), ("2", [late, early])):
        made = shop.people.ada.made("/conversions", event_id=event_id, click_ids=clicks)
        assert (made["first"]["touchpoint_id"], made["last"]["touchpoint_id"]) == (poster, letter)
        assert made["first"]["clicked_at"] == made["last"]["clicked_at"]  # to the second


def test_the_window_ends_with_its_last_millisecond(shop: Shop) -> None:
    ids = ClickIds(shop.settings.secret_key)
    clicked = (datetime.now(UTC) - timedelta(days=40)).replace(microsecond=250_000)
    click = ids.make(int(shop.link()), 1, epoch_ms(clicked))
    for event_id, late, counts in (("1", 0, True), ("2", 1, False)):
        moment = clicked + timedelta(days=30, milliseconds=late)
        sent = {"event_id": event_id, "click_id": click, "occurred_at": moment.isoformat()}
        made = shop.people.ada.made("/conversions", **sent)
        assert (made["first"] is not None) == counts


def test_a_click_keeps_the_touchpoint_its_link_had(shop: Shop) -> None:
    poster, letter = shop.touchpoint("Poster"), shop.touchpoint("Newsletter")
    link = shop.link(poster)
    before = shop.click(link)
    with shop.database.transaction() as session:
        actor = shop.people.ada.home.actor
        change_link(session, actor, shop.settings, link, {"touchpoint_id": letter}, NOW)
    clicks = [before, shop.click(link, timedelta(minutes=1), version=2)]
    made = shop.people.ada.made("/conversions", event_id="1", click_ids=clicks)
    assert (made["first"]["touchpoint_id"], made["last"]["touchpoint_id"]) == (poster, letter)


def test_clicks_beyond_the_window_do_not_count(shop: Shop) -> None:
    link = shop.link(shop.touchpoint("Poster"))
    old, young = shop.click(link, timedelta(days=31)), shop.click(link, timedelta(days=29))
    ada = shop.people.ada
    assert ada.made("/conversions", event_id="1", click_id=old)["first"] is None
    assert shop.sums() == {}
    both = ada.made("/conversions", event_id="2", click_ids=[old, young])
    assert both["first"] == both["last"] != None  # noqa: E711  # of a JSON document
    assert ada.patch("/workspace", attribution_days=40).json["attribution_days"] == 40
    assert ada.made("/conversions", event_id="3", click_id=old)["first"] is not None
    later = ada.made(
        "/conversions", event_id="4", click_id=young, occurred_at="2020-01-01T00:00:00Z"
    )
    assert later["first"] is None, "a click that came after what it is said to have led to"


def test_the_same_event_counts_once(shop: Shop) -> None:
    link = shop.link()
    sent = {"event_id": "order 7", "click_id": shop.click(link), "value": 100}
    made = shop.people.ada.made("/conversions", **sent)
    again = shop.people.ada.post("/conversions", **{**sent, "value": 999})
    assert (again.status_code, again.json) == (200, made)
    assert "Location" not in again.headers
    assert shop.sums()[0, "last"] == (1, 100)
    theirs = shop.people.cleo
    other = shop.click(shop.link(of=theirs))
    assert theirs.post("/conversions", event_id="order 7", click_id=other).status_code == 201
    assert shop.sums()[0, "last"] == (1, 100)


def test_many_at_once_count_once(shop: Shop) -> None:
    """Eight threads, each of ten events, all the same ten: each event counts once."""
    home, settings = shop.people.ada.home, shop.settings
    poster, letter = shop.touchpoint("Poster"), shop.touchpoint("Newsletter")
    clicks = [shop.click(shop.link(place)) for place in (poster, letter)]
    new: list[bool] = []
    failures: list[BaseException] = []

    def report(reverse: bool) -> None:
        events = [NewConversion(f"order {n}", clicks, value=n) for n in range(10)]
        for event in reversed(events) if reverse else events:
            turned = replace(event, click_ids=clicks[::-1] if reverse else clicks)
            try:
                with shop.database.transaction() as session:
                    now = datetime.now(UTC)
                    done = record_conversion(session, home.actor, settings, turned, now)
                    new.append(done.new)
            except BaseException as error:
                failures.append(error)

    threads = [threading.Thread(target=report, args=(bool(n % 2),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (len(new), sum(new)) == (80, 10)
    for how in ("first", "last"):
        parts = [sums for (_, by), sums in shop.sums().items() if by == how]
        assert tuple(map(sum, zip(*parts, strict=True))) == (10, sum(range(10)))


def test_forged_and_foreign_click_ids_are_named(shop: Shop) -> None:
    mine, theirs = shop.click(shop.link()), shop.click(shop.link(of=shop.people.cleo))
    forged = mine[:-1] + ("A" if mine[-1] != "A" else "B")
    unknown = shop.click("999999")
    never = shop.click(shop.link(), version=5)
    answer = shop.people.ada.post(
        "/conversions", event_id="1", click_ids=[mine, forged, theirs, unknown, never]
    )
    assert answer.status_code == 422
    assert answer.content_type == PROBLEM
    assert [(each["field"], each["code"]) for each in answer.json["errors"]] == [
        (f"click_ids.{number}", "unknown_click_id") for number in (1, 2, 3, 4)
    ]
    (one,) = shop.people.ada.post("/conversions", event_id="1", click_id="x").json["errors"]
    assert one["field"] == "click_id"


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"click_id": None}, "click_id", "click_id_or_ids"),
        ({"click_ids": ["x"]}, "click_id", "click_id_or_ids"),
        ({"click_id": None, "click_ids": []}, "click_ids", "too_few"),
        ({"event_id": " "}, "event_id", "empty"),
        ({"value": 1.5}, "value", "wrong_type"),
        ({"value": -1}, "value", "too_small"),
        ({"currency": "USD"}, "currency", "other_value_currency"),
        ({"occurred_at": "2126-01-01T00:00:00Z"}, "occurred_at", "in_the_future"),
        ({"visitor": "ada"}, "visitor", "unknown_field"),
    ],
)
def test_wrong_fields_are_named(shop: Shop, wrong: dict[str, Any], field: str, code: str) -> None:
    sent = {"event_id": "1", "click_id": shop.click(shop.link())} | wrong
    sent = {name: value for name, value in sent.items() if value is not None}
    answer = shop.people.ada.post("/conversions", **sent)
    assert answer.status_code == 422
    assert [(each["field"], each["code"]) for each in answer.json["errors"]] == [(field, code)]
    with shop.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Conversion)) == 0


def test_the_currency_stays_once_there_is_a_value(shop: Shop) -> None:
    ada, click_id = shop.people.ada, shop.click(shop.link())
    ada.made("/conversions", event_id="1", click_id=click_id)
    assert ada.patch("/workspace", currency="CHF").json["currency"] == "CHF"
    ada.made("/conversions", event_id="2", click_id=click_id, value=5, currency="CHF")
    answer = ada.patch("/workspace", currency="EUR")
    assert answer.status_code == 409
    assert [each["code"] for each in answer.json["errors"]] == ["currency_of_values"]
    assert ada.get("/workspace").json["currency"] == "CHF"


def test_who_may(shop: Shop) -> None:
    sent = {"event_id": "1", "click_id": shop.click(shop.link())}
    assert shop.people.vera.post("/conversions", **sent).status_code == 403
    made = shop.people.ben.made("/conversions", **sent)
    assert shop.people.vera.get("/conversions").json["items"] == [made]
    assert shop.people.cleo.get(f"/conversions/{made['id']}").status_code == 404
    assert shop.people.cleo.get("/conversions").json["items"] == []
    assert shop.people.cleo.post("/conversions", **sent).status_code == 422
