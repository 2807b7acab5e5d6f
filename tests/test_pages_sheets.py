"""QR sheets on pages: chosen, asked for, watched, downloaded, printed."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

import pytest
from cast import NOW, make_touchpoint
from people import Browser, Cast, everybody, text_of
from printed import pages, read_by_opencv, read_by_zxing
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.journeys.manage import create_journey
from linkservice.journeys.model import Journey
from linkservice.links.manage import NewLink, create_link, create_links
from linkservice.qr.design import Design, nearest_good
from linkservice.sheets.make import Maker, make_sheet
from linkservice.sheets.model import STILL_FOR, Sheet
from linkservice.workspaces.model import Workspace

cast = pytest.fixture(everybody)

NAMES = ("Plakat am Schaufenster, Königsallee", "Türhänger & Straßenfest", "Paketbeilage")


@pytest.fixture
def links(cast: Cast, settings: Settings, database: Database) -> list[str]:
    """Ids of links, each of a touchpoint with a telling name."""
    with database.transaction() as session:
        made = []
        for name in NAMES:
            touchpoint_id = make_touchpoint(session, cast.home, name)
            new = NewLink("https://example.com/", touchpoint_id=touchpoint_id, tags=["Frühling"])
            made.append(str(create_link(session, cast.home.actor, settings, new, NOW).link.id))
        return made


@pytest.fixture
def idle(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody makes the sheets by himself: the test decides when one is made."""
    monkeypatch.setattr(Maker, "wake", lambda self: None)


def ask(browser: Browser, links: list[str], **more: str) -> str:
    """Ask for a sheet of the links; its id."""
    fields = {"format": "pdf", "size_mm": "40", "colour": "black", **more}
    answer = browser.post("/sheets", deed="make", what="links", link_id=links, **fields)
    assert answer.status_code == 303, text_of(answer)
    return answer.headers["Location"].rpartition("/")[2]


def finished(browser: Browser, sheet_id: str) -> TestResponse:
    """The page of the sheet as soon as it is ready."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        page = browser.get(f"/sheets/{sheet_id}")
        if "The sheet is ready" in text_of(page):
            return page
        time.sleep(0.05)
    raise AssertionError(text_of(page))


def change(database: Database, **values: object) -> None:
    with database.transaction() as session:
        session.execute(update(Sheet).values(**values))


def test_a_sheet_is_asked_for_made_and_downloaded(cast: Cast, links: list[str]) -> None:
    sheet_id = ask(cast.vera, links)
    page = finished(cast.vera, sheet_id)
    assert f"/sheets/{sheet_id}/file" in page.text
    assert "Print at 100%" in text_of(page)
    assert "http-equiv" not in page.text
    file = cast.vera.get(f"/sheets/{sheet_id}/file")
    assert file.content_type == "application/pdf"
    assert file.headers["Content-Disposition"].startswith("attachment")
    [sheet] = pages(file.data)
    codes = read_by_zxing(sheet.picture)
    assert len(set(codes)) == len(NAMES)
    text = " ".join(sheet.text.split())
    assert all(name in text for name in NAMES)
    assert "Page 1 of 1" in text
    assert "Ready" in text_of(cast.ada.get("/sheets"))


def test_a_zip_holds_every_code_named_by_its_touchpoint(cast: Cast, links: list[str]) -> None:
    sheet_id = ask(cast.ben, links, format="zip", size_mm="25,5")
    finished(cast.ben, sheet_id)
    file = cast.ben.get(f"/sheets/{sheet_id}/file")
    assert file.content_type == "application/zip"
    with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
        names = archive.namelist()
    assert len(names) == 3 * len(NAMES) + 1
    assert any(name.startswith("svg/Türhänger & Straßenfest") for name in names)


def test_links_of_one_touchpoint_are_told_apart_before_they_are_printed(
    cast: Cast, settings: Settings, database: Database, idle: None
) -> None:
    with database.transaction() as session:
        spot = make_touchpoint(session, cast.home, "Plakat")
        new = NewLink("https://example.com/", touchpoint_id=spot, title="Gleis 7")
        posters = (new, replace(new, title="Jungfernstieg"))
        links = [
            str(create_link(session, cast.home.actor, settings, each, NOW).link.id)
            for each in posters
        ]
    for page in (
        cast.vera.get("/sheets/new", link_id=links),
        cast.vera.get(f"/sheets/{ask(cast.vera, links)}"),
    ):
        assert re.search(r"Gleis 7 Plakat .*Jungfernstieg Plakat ", text_of(page))


def test_the_name_of_a_file_keeps_its_letters(
    cast: Cast, settings: Settings, database: Database, links: list[str], idle: None
) -> None:
    with database.transaction() as session:
        session.execute(update(Journey).values(name="日本 Frühjahr"))
        journey_id = str(session.scalars(select(Journey.id)).first())
    answer = cast.ada.post("/sheets", deed="make", what=f"journey-{journey_id}", size_mm="40")
    sheet_id = answer.headers["Location"].rpartition("/")[2]
    change(database, data=b"%PDF", finished_at=NOW)
    header = cast.ada.get(f"/sheets/{sheet_id}/file").headers["Content-Disposition"]
    assert "filename*=UTF-8''%E6%97%A5%E6%9C%AC%20Fr%C3%BChjahr.pdf" in header


def test_the_form_tells_what_would_be_made(cast: Cast, links: list[str]) -> None:
    page = cast.vera.get("/sheets/new", link_id=links)
    assert page.status_code == 200
    text = text_of(page)
    assert "3 chosen links" in text
    assert "3 QR codes" in text
    assert all(name in text for name in NAMES)
    assert 'src="data:image/svg+xml;base64,' in page.text
    by_tag = text_of(cast.vera.get("/sheets/new", tag="Frühling"))
    assert "3 QR codes" in by_tag


def test_looking_first_keeps_what_was_chosen_in_the_address(cast: Cast, links: list[str]) -> None:
    fields = {"format": "zip", "size_mm": "33", "colour": "brand", "with_archived": "1"}
    answer = cast.vera.post("/sheets", what="links", link_id=links, deed="look", **fields)
    assert answer.status_code == 303
    page = cast.vera.client.get(answer.headers["Location"])
    assert 'value="33"' in page.text
    assert 'value="zip" checked' in page.text
    assert 'value="brand" checked' in page.text
    assert all(f'name="link_id" value="{link_id}"' in page.text for link_id in links)
    assert "No QR sheets yet" in text_of(cast.vera.get("/sheets"))


def test_touchpoints_without_links_are_named(
    cast: Cast, settings: Settings, database: Database
) -> None:
    with database.transaction() as session:
        made = create_journey(session, cast.home.actor, "Kunden", NOW, template="standard")
        journey_id = str(made.journey.id)
        touchpoints = [each for _, row in made.stages for each in row]
        first, second = str(touchpoints[0].id), touchpoints[1].name
    empty = cast.ben.get("/sheets/new", journey_id=journey_id)
    assert empty.status_code == 200
    assert "No code yet" in text_of(empty)
    assert f"/app/links/new?journey_id={journey_id}" in empty.text
    assert "/app/links/new" not in cast.vera.get("/sheets/new", journey_id=journey_id).text
    new = NewLink("https://example.com/")
    with database.transaction() as session:
        create_links(session, cast.home.actor, settings, new, [first], NOW)
    page = text_of(cast.ben.get("/sheets/new", journey_id=journey_id))
    assert f"{len(touchpoints) - 1} touchpoints of this journey have no link yet" in page
    assert second in page


def test_an_empty_workspace_is_led_to_its_journeys(cast: Cast) -> None:
    assert "No QR sheets yet" in text_of(cast.cleo.get("/sheets"))
    page = cast.cleo.get("/sheets/new")
    assert "Nothing to print yet" in text_of(page)
    assert "/app/journeys" in page.text


def test_a_brand_colour_that_does_not_scan_is_offered_darker(
    cast: Cast, database: Database, links: list[str], idle: None
) -> None:
    with database.transaction() as session:
        workspace = session.get_one(Workspace, cast.home.workspace_id)
        workspace.brand_colour = "#f2a900"
    tone = nearest_good("#f2a900")
    page = cast.vera.get("/sheets/new", link_id=links)
    assert "#f2a900 would not scan" in text_of(page)
    assert f'name="colour" value="{tone}"' in page.text
    fields = {"what": "links", "link_id": links, "size_mm": "40", "deed": "make"}
    refused = cast.vera.post("/sheets", **fields, colour="brand")
    assert refused.status_code == 422
    assert "contrast" in text_of(refused)
    assert "3 QR codes" in text_of(refused)
    assert cast.vera.post("/sheets", **fields, colour=tone).status_code == 303
    with database.reading() as session:
        question = session.scalars(select(Sheet.question)).one()
    assert Design(json.loads(question)["foreground"]).foreground == tone


@pytest.mark.parametrize(
    "fields",
    [
        {"size_mm": "12"},
        {"size_mm": "nan"},
        {"size_mm": "1e999"},
        {"size_mm": ""},
        {"format": "exe"},
        {"colour": "<script>"},
        {"what": "journey-x"},
        {"what": "tag-" + "x" * 300},
        {"what": "nothing"},
        {"what": "links"},
        {"link_id": "’"},
    ],
    ids=str,
)
def test_what_cannot_be_printed_is_refused(
    cast: Cast, links: list[str], fields: dict[str, str]
) -> None:
    whole = {"what": "links", "link_id": links, "format": "pdf", "size_mm": "40"}
    if fields == {"what": "links"}:
        whole["link_id"] = []
    wanted = {**whole, "colour": "black", **fields}
    assert cast.vera.post("/sheets", deed="make", **wanted).status_code in (404, 422)
    page = cast.vera.get("/sheets/new", **wanted)
    assert page.status_code in (200, 404, 422)
    assert "<script>" not in page.text.replace("<script nonce", "")
    assert "No QR sheets yet" in text_of(cast.vera.get("/sheets"))


def test_a_sheet_in_the_making_is_watched_and_stopped(
    cast: Cast, database: Database, links: list[str], idle: None
) -> None:
    sheet_id = ask(cast.vera, links)
    waiting = cast.vera.get(f"/sheets/{sheet_id}")
    assert "waits for its turn" in text_of(waiting)
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in waiting.text
    assert cast.vera.get(f"/sheets/{sheet_id}/file").status_code == 409
    stopped = cast.vera.done(f"/sheets/{sheet_id}/stop")
    assert "The making was stopped" in text_of(stopped)
    assert "The sheet is stopped." in text_of(stopped)
    assert "http-equiv" not in stopped.text
    undo = cast.vera.done(f"/sheets/{sheet_id}/resume")
    assert "waits for its turn" in text_of(undo)


def test_an_interrupted_sheet_says_so_and_goes_on(
    cast: Cast, database: Database, links: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wake = Maker.wake
    monkeypatch.setattr(Maker, "wake", lambda self: None)
    sheet_id = ask(cast.vera, links)
    with database.reading() as session:
        created_at = session.scalars(select(Sheet.created_at)).one()
    change(database, beat_at=created_at - 2 * STILL_FOR, done=1)
    page = cast.vera.get(f"/sheets/{sheet_id}")
    assert "The making was interrupted" in text_of(page)
    assert f'action="/app/sheets/{sheet_id}/resume"' in page.text
    assert "Interrupted" in text_of(cast.vera.get("/sheets"))
    monkeypatch.setattr(Maker, "wake", wake)
    cast.vera.done(f"/sheets/{sheet_id}/resume")
    finished(cast.vera, sheet_id)


def test_a_sheet_that_cannot_be_made_says_why(
    cast: Cast, database: Database, links: list[str], idle: None
) -> None:
    sheet_id = ask(cast.vera, links)
    with database.transaction() as session:
        sheet = session.scalars(select(Sheet)).one()
        question = json.loads(sheet.question)
        question["size_mm"] = 5
        sheet.question = json.dumps(question)
        number = sheet.id
    assert not make_sheet(database, number, lambda: NOW)
    page = text_of(cast.vera.get(f"/sheets/{sheet_id}"))
    assert f"“{NAMES[0]}” could not be made" in page
    assert "from 10 to 1,000" in page


def test_a_deleted_sheet_is_gone_and_its_links_stay(
    cast: Cast, links: list[str], idle: None
) -> None:
    sheet_id = ask(cast.ben, links)
    listing = cast.ben.done(f"/sheets/{sheet_id}/delete")
    assert "The sheet is deleted." in text_of(listing)
    assert cast.ben.get(f"/sheets/{sheet_id}").status_code == 404
    assert cast.ben.get(f"/links/{links[0]}").status_code == 200


def test_too_many_waiting_sheets_are_refused_with_the_form_kept(
    cast: Cast, links: list[str], idle: None
) -> None:
    first = ask(cast.ben, links)
    cast.ben.done(f"/sheets/{first}/stop")
    for _ in range(10):
        ask(cast.ben, links)
    fields = {"what": "links", "link_id": links, "size_mm": "77", "deed": "make"}
    refused = cast.ben.post("/sheets", **fields)
    assert refused.status_code == 409
    assert "10 sheets are waiting" in text_of(refused)
    assert 'value="77"' in refused.text
    again = cast.ben.post(f"/sheets/{first}/resume")
    assert again.status_code == 409
    assert "10 sheets are waiting" in text_of(again)


def test_cleo_sees_nothing_of_adas_sheets(cast: Cast, links: list[str], idle: None) -> None:
    sheet_id = ask(cast.ada, links)
    for path in (f"/sheets/{sheet_id}", f"/sheets/{sheet_id}/file"):
        assert cast.cleo.get(path).status_code == 404
    for deed in ("stop", "resume", "delete"):
        assert cast.cleo.post(f"/sheets/{sheet_id}/{deed}").status_code == 404
    assert cast.cleo.get("/sheets/new", link_id=links).status_code == 404
    fields = {"what": "links", "link_id": links, "size_mm": "40", "deed": "make"}
    assert cast.cleo.post("/sheets", **fields).status_code == 404
    assert "No QR sheets yet" in text_of(cast.cleo.get("/sheets"))
    assert cast.stranger.get("/sheets").status_code == 303


def test_the_preview_is_the_code_that_is_printed(cast: Cast, links: list[str]) -> None:
    page = cast.vera.get("/sheets/new", link_id=links[:1], size_mm="50")
    source = next(_images(page.text))
    kind, _, data = source.partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert b'width="50mm"' in b64decode(data)


def _images(text: str) -> Iterator[str]:
    for part in text.split('<img src="')[1:]:
        yield unescape(part.partition('"')[0])


def test_a_printed_code_is_read_by_a_second_decoder(cast: Cast, links: list[str]) -> None:
    sheet_id = ask(cast.vera, links[:1], size_mm="60")
    finished(cast.vera, sheet_id)
    [sheet] = pages(cast.vera.get(f"/sheets/{sheet_id}/file").data)
    assert [read_by_opencv(sheet.picture)] == read_by_zxing(sheet.picture)
