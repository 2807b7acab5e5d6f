"""Links on pages: made, many at once, found, changed, undone, printed."""

from __future__ import annotations

import dataclasses
import re
from datetime import date
from io import BytesIO

import pytest
import zxingcpp
from cast import NOW, make_link, make_touchpoint
from people import Browser, Cast, everybody, text_of
from PIL import Image
from rollups import count

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.journeys.campaigns import create_campaign
from linkservice.links.manage import change_link
from linkservice.links.model import Link
from linkservice.workspaces.access import OPERATOR

cast = pytest.fixture(everybody)


def make(who: Browser, slug: str, **more: str) -> str:
    """A link made on the page; its id."""
    fields = {"destination": "https://example.com/a", "slug": slug, "deed": "create", **more}
    answer = who.post("/links", **fields)
    assert answer.status_code == 303, text_of(answer)
    return str(answer.location.rpartition("/")[2])


def test_the_destination_is_all_it_takes(cast: Cast) -> None:
    page = cast.ben.done("/links", destination="https://example.com/a", deed="create")
    assert "https://example.com/a" in text_of(page)


def test_what_was_typed_stays_when_it_is_refused(cast: Cast) -> None:
    make(cast.ben, "sommer")
    taken = cast.ben.post(
        "/links", destination="https://example.com/b", slug="Sommer", title="Noch einer"
    )
    assert taken.status_code == 409
    assert 'value="https://example.com/b"' in taken.text
    assert 'value="Noch einer"' in taken.text
    assert "already used" in text_of(taken)
    bare = cast.ben.post("/links", destination="example.com/b")
    assert bare.status_code == 422
    assert 'value="https://example.com/b"' in bare.text  # the button that mends it


def test_a_slug_reads_as_it_was_typed_and_is_copied_as_it_is_sent(cast: Cast) -> None:
    link_id = make(cast.ben, "Grüße")
    for path in ("/links", f"/links/{link_id}"):
        page = cast.ben.get(path)
        assert f"{cast.home.host}/Grüße" in text_of(page)
        assert re.search(r'data-copy="https?://[^"]+/Gr%C3%BC%C3%9Fe"', page.text)


def test_many_touchpoints_are_looked_at_then_made(cast: Cast, database: Database) -> None:
    with database.transaction() as session:
        ids = [make_touchpoint(session, cast.home, name) for name in ("Poster", "Beilage")]
    fields = {
        "destination": "https://example.com/",
        "touchpoint_ids": ids,
        "utm_from_touchpoint": "1",
    }
    preview = cast.ben.post("/links", deed="preview", **fields)
    assert preview.status_code == 200
    assert "utm_content=beilage" in text_of(preview)
    assert f'value="{ids[0]}" checked' in preview.text
    assert "No links yet" in text_of(cast.ben.get("/links"))
    page = cast.ben.done("/links", deed="create", **fields)
    assert "2 links" in text_of(page)
    assert "Poster" in text_of(page)


def test_a_change_is_seen_and_undone(cast: Cast) -> None:
    link_id = make(cast.ben, "herbst")
    cast.ben.done(f"/links/{link_id}", destination="https://example.com/neu", title="", tags="")
    page = cast.ben.get(f"/links/{link_id}")
    assert "https://example.com/neu" in text_of(page)
    undo = re.search(r"/links/\d+/undo/\d+", page.text)
    assert undo is not None
    page = cast.ben.done(undo[0])
    assert "https://example.com/a" in text_of(page)


def test_paused_archived_deleted_and_back(cast: Cast) -> None:
    link_id = make(cast.ben, "winter")
    assert "Paused" in text_of(cast.ben.done(f"/links/{link_id}/pause"))
    assert "Paused" not in text_of(cast.ben.done(f"/links/{link_id}/resume")).split("History")[0]
    cast.ben.done(f"/links/{link_id}/archive")
    assert "winter" not in text_of(cast.ben.get("/links"))
    assert "winter" in text_of(cast.ben.get("/links", state="archived"))
    cast.ben.done(f"/links/{link_id}/delete")
    assert "Restore" in text_of(cast.ben.get(f"/links/{link_id}"))
    assert "Archived" in text_of(cast.ben.done(f"/links/{link_id}/restore"))


def test_many_are_changed_and_the_toast_takes_it_back(cast: Cast) -> None:
    ids = [make(cast.ben, slug) for slug in ("a1", "b2")]
    page = cast.ben.done("/links/bulk", link_id=ids, deed="tag", tag="Druck, Herbst")
    assert text_of(page).count("Druck") >= 2
    undo = re.search(r'action="(/app/links/undo\?changed=[^"]+)"', page.text)
    assert undo is not None
    page = cast.ben.done(undo[1].removeprefix("/app"))
    assert 'href="/app/links?tag=Druck"' not in page.text
    assert cast.ben.post("/links/bulk", deed="pause").status_code == 422
    sheet = cast.ben.post("/links/bulk", link_id=ids, deed="sheet")
    assert sheet.location.startswith("/app/sheets/new?link_id=")


def test_the_slug_is_checked_while_one_types(cast: Cast) -> None:
    make(cast.ben, "sommer")
    taken = cast.ben.get("/links/slug-check", slug="sommer").json
    assert not taken["ok"]
    assert "sommer-2" in taken["text"]
    assert cast.ben.get("/links/slug-check", slug="neu").json["ok"]
    assert not cast.ben.get("/links/slug-check", slug="..").json["ok"]


def test_the_code_is_saved_in_every_form_and_scans(cast: Cast) -> None:
    link_id = make(cast.ben, "plakat")
    picture = cast.vera.get(f"/links/{link_id}/qr", format="png", size_mm="30", colour="brand")
    [code] = zxingcpp.read_barcodes(Image.open(BytesIO(picture.data)).convert("L"))
    assert code.text.endswith("/Q/PLAKAT")
    assert cast.vera.get(f"/links/{link_id}/qr", format="svg").data.startswith(b"<svg")
    assert cast.vera.get(f"/links/{link_id}/qr", format="pdf").data.startswith(b"%PDF")


def test_a_colour_that_does_not_scan_is_refused_with_the_nearest_that_does(cast: Cast) -> None:
    link_id = make(cast.ben, "hell")
    refused = cast.vera.get(f"/links/{link_id}/qr", format="pdf", colour="#ffd700")
    assert refused.status_code == 422
    nearest = re.search(r"Use #([0-9a-f]{6})", refused.text)
    assert nearest is not None
    good = cast.vera.get(f"/links/{link_id}/qr", format="pdf", colour=f"#{nearest[1]}")
    assert good.status_code == 200
    for query in ({"size_mm": "x"}, {"size_mm": "1e999"}, {"size_mm": "5"}, {"format": "gif"}):
        assert cast.vera.get(f"/links/{link_id}/qr", **query).status_code == 422


def test_the_table_has_all_that_match_and_no_formula(cast: Cast) -> None:
    make(cast.ben, "eins", title="=1+1")
    make(cast.ben, "zwei")
    table = cast.vera.get("/links.csv").text
    assert table.count("\n") == 3
    assert "'=1+1" in table
    assert cast.vera.get("/links.csv", q="zwei").text.count("\n") == 2


def test_tags_and_campaigns(cast: Cast) -> None:
    cast.ben.done("/campaigns", name="Herbst")
    assert cast.ben.post("/campaigns", name="Herbst").status_code == 409
    make(cast.ben, "eins", tags="Druck")
    page = cast.ben.get("/tags")
    tag_id = re.findall(r"/tags/(\d+)/delete", page.text)[0]
    page = cast.ben.done(f"/tags/{tag_id}/delete")
    undo = re.search(r'action="/app(/tags/restore\?[^"]+)"', page.text)
    assert undo is not None
    page = cast.ben.done(undo[1].replace("&amp;", "&"))
    assert "Druck" in text_of(page)
    assert "Druck" in text_of(cast.ben.get("/links"))


def test_without_a_click_in_the_period_the_days_that_had_some_are_offered(
    cast: Cast, database: Database, settings: Settings
) -> None:
    with database.transaction() as session:
        campaign = create_campaign(session, cast.home.actor, "Spring", NOW)
        link = make_link(session, settings, cast.home)
        link.campaign_id = campaign.id
        link_id = link.id
        pages = f"/campaigns/{campaign.id}", f"/links/{link_id}"
    assert all("Nobody has clicked in this period." in text_of(cast.vera.get(p)) for p in pages)
    with database.transaction() as session:
        link = session.get_one(Link, link_id)
        for day, clicks in ((2, 0), (3, 5), (28, 1), (30, 0)):
            count(session, cast.home, link, date(2025, 3, day), clicks, robots=1)
    for path in pages:
        page = cast.vera.get(path)
        assert "Nobody has clicked in this period. See 3–28 Mar 2025" in text_of(page)
        assert "Show as table" not in text_of(page)
        [offered] = re.findall(r'href="/app([^"]+)"[^>]*>(?:<[^>]+>)*See ', page.text)
        seen = text_of(cast.vera.get(offered.replace("&amp;", "&").partition("#")[0]))
        assert "Clicks 6" in seen
        assert "Nobody has clicked" not in seen
        # A filter is asked for on purpose: these days say nothing of it.
        assert "See 3–28 Mar" not in text_of(cast.vera.get(path, country="DE"))


def test_what_the_command_line_did_is_told_in_german(
    cast: Cast, database: Database, settings: Settings
) -> None:
    with database.transaction() as session:
        link = make_link(session, settings, cast.home)
        made = dataclasses.replace(cast.home.actor, name=OPERATOR)
        change_link(session, made, settings, str(link.id), {"title": "Neu"}, NOW)
        path = f"/links/{link.id}"
    assert "command line" in text_of(cast.vera.get(path))
    cast.vera.post("/language", locale="de")
    text = text_of(cast.vera.get(path))
    assert ("Kommandozeile" in text, "command line" in text) == (True, False)
