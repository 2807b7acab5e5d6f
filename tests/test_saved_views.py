"""Saved views: made, opened, renamed and deleted, by those who may."""

from __future__ import annotations

import re
from html import unescape

import pytest
from cast import NOW, make_home, make_link, make_touchpoint
from people import Cast, everybody, text_of
from rest import Caller, codes

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Conflict, Forbidden, Invalid, NotFound
from linkservice.links.manage import delete_link
from linkservice.reports.saved import (
    NewView,
    delete_view,
    list_views,
    rename_view,
    save_view,
    subjects_of,
)
from linkservice.workspaces.access import Actor
from linkservice.workspaces.keys import create_key

cast = pytest.fixture(everybody)
one_engine = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


def test_a_view_keeps_its_page_its_period_and_its_filters(
    settings: Settings, database: Database
) -> None:
    with database.transaction() as session:
        home, foreign = make_home(session, settings), make_home(session, settings, host="x.example")
        link = make_link(session, settings, home, "poster")
        new = NewView(" Scans ", "link", str(link.id), "period=7d&country=DE&from=")
        view = save_view(session, home.actor, new, NOW)
        assert (view.name, view.subject_id) == ("Scans", link.id)
        assert view.query == "period=7d&country=DE"
        with pytest.raises(Conflict):
            save_view(session, home.actor, NewView("Scans", "costs", None), NOW)
        save_view(session, foreign.actor, NewView("Scans", "costs", None), NOW)
        rename_view(session, home.actor, str(view.id), "Few scans", NOW)
        save_view(session, home.actor, NewView("Scans", "touchpoints", None), NOW)
        views = list_views(session, home.actor)
        assert [each.name for each in views] == ["Few scans", "Scans"]
        assert subjects_of(session, home.actor, views) == {view.id: "poster"}
        delete_link(session, home.actor, str(link.id), NOW)
        assert subjects_of(session, home.actor, views) == {}
        with pytest.raises(NotFound):
            delete_view(session, foreign.actor, str(view.id), NOW)
        delete_view(session, home.actor, str(view.id), NOW)
        assert [each.name for each in list_views(session, home.actor)] == ["Scans"]


@one_engine
def test_what_cannot_be_saved_is_refused(settings: Settings, database: Database) -> None:
    with database.transaction() as session:
        home, foreign = make_home(session, settings), make_home(session, settings, host="x.example")
        link = make_link(session, settings, foreign)
        for new, field in (
            (NewView("A", "weather", None), "about"),
            (NewView("A", "costs", None, "_anchor=x"), "query"),
            (NewView("A", "costs", None, "country=" + 2_000 * "x"), "query"),
            (NewView("", "costs", None), "name"),
        ):
            with pytest.raises(Invalid) as refused:
                save_view(session, home.actor, new, NOW)
            assert [problem.field for problem in refused.value.problems] == [field]
        for subject in (None, str(link.id)):
            with pytest.raises(NotFound):
                save_view(session, home.actor, NewView("A", "link", subject), NOW)
        reader = Actor(home.workspace_id, "vera", frozenset({"reports:read"}))
        with pytest.raises(Forbidden):
            save_view(session, reader, NewView("A", "costs", None), NOW)


@one_engine
def test_ben_saves_a_filtered_page_and_vera_opens_it(cast: Cast, database: Database) -> None:
    with database.transaction() as session:
        link_id = make_link(session, cast.ben.settings, cast.home, "poster").id
    place = f"/reports/links/{link_id}"
    page = cast.ben.get(place, period="7d", country="DE")
    fields = dict(re.findall(r'name="(about|subject|query)" value="([^"]*)"', page.text))
    fields = {name: unescape(value) for name, value in fields.items()}
    shown = cast.ben.done("/reports/views", name="Scans from Germany", **fields)
    assert "Country: Germany" in text_of(shown)
    assert shown.request.full_path == f"/app{place}?period=7d&country=DE"
    listed = cast.vera.get("/reports/views")
    assert "Scans from Germany" in text_of(listed)
    assert "7 days · Country: Germany" in text_of(listed)
    assert "poster" in text_of(listed)
    assert f'href="/app{place}?period=7d&amp;country=DE"' in listed.text
    assert "/delete" not in listed.text
    refused = cast.ben.post("/reports/views", name="Scans from Germany", **fields)
    assert refused.status_code == 409
    assert "already used" in text_of(refused)
    assert 'value="period=7d&amp;country=DE"' in refused.text
    assert cast.vera.post("/reports/views", name="Mine", **fields).status_code == 403
    view = re.search(r"/reports/views/(\d+)/delete", cast.ben.get("/reports/views").text)
    assert view
    renamed = cast.ben.done(f"/reports/views/{view[1]}", name="Germany")
    assert "The view is renamed." in text_of(renamed)
    gone = cast.ben.done(f"/reports/views/{view[1]}/delete")
    assert "Open a report, choose its period" in text_of(gone)
    assert cast.cleo.post(f"/reports/views/{view[1]}/delete").status_code == 404


@one_engine
def test_a_view_is_saved_in_the_same_place_on_every_page(
    cast: Cast, settings: Settings, database: Database
) -> None:
    """Beside the heading; period and filters come after it."""
    with database.transaction() as session:
        spot = make_touchpoint(session, cast.home, "Poster")
        link = make_link(session, settings, cast.home, "poster", spot).id
    for path in ("/", "/reports", "/reports/costs", "/reports/personas", "/reports/moments"):
        assert_in_order(cast.ada.get(path).text, "head-actions", "save-view", "controls")
    report = cast.ada.get(f"/reports/links/{link}").text
    assert_in_order(report, "section-head", "save-view", "controls")


def assert_in_order(text: str, *words: str) -> None:
    """The words stand first in the text in this order."""
    places = [text.index(word) for word in words]
    assert places == sorted(places)


@one_engine
def test_programs_save_views_too(cast: Cast, database: Database) -> None:
    with database.transaction() as session:
        scopes = ("reports:read", "reports:share")
        key = create_key(session, cast.home.actor, "program", scopes, NOW)
    caller = Caller(cast.ada.client.application.test_client(), key, cast.home)
    made = caller.made("/views", name="Costs", about="costs", query="period=12m&group=channel")
    assert (made["subject_id"], made["query"]) == (None, "period=12m&group=channel")
    assert [each["id"] for each in caller.get("/views").json["items"]] == [made["id"]]
    assert caller.patch(f"/views/{made['id']}", name="All costs").json["name"] == "All costs"
    assert codes(caller.post("/views", name="All costs", about="costs")) == {("name", "name_taken")}
    assert codes(caller.post("/views", name="A", about="link", subject_id="77")) == {
        ("subject_id", "no_such_row")
    }
    assert caller.delete(f"/views/{made['id']}").status_code == 204
    assert caller.get("/views").json["items"] == []
