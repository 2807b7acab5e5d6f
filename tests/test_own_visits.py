"""Own visits: “don't count this browser” on each domain, and listed networks."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from cast import Home, make_home, make_link, owner_of
from hypothesis import given
from hypothesis import strategies as st
from linkport import Reply, ask, ask_rudely, recorded
from people import Cast, everybody, text_of
from service import BROWSER, running, wait_until

from linkservice.app import close_app, create_app
from linkservice.clicks.event import Flag
from linkservice.clicks.imports import import_clicks
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import LinkDay, Salt
from linkservice.clicks.own import KEPT, OWN_PATH, VALID, cookie, deed_of, mark_query, mark_url
from linkservice.config import Settings, load
from linkservice.database import Database
from linkservice.fields import Problems
from linkservice.links.domains import change_domain, create_domain
from linkservice.links.manage import NewLink, create_link, delete_link
from linkservice.links.slug import RESERVED
from linkservice.redirect.app import LinkDoor, make_application
from linkservice.web.legal import filled_in, legal_texts
from linkservice.web.marked_text import as_html, as_plain
from linkservice.workspaces.model import Workspace
from linkservice.workspaces.networks import MOST_NETWORKS, checked_networks

cast = pytest.fixture(everybody)
on_one_engine = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.fixture
def home(settings: Settings, database: Database) -> Home:
    home = owner_of(database, settings)
    with database.transaction() as session:
        make_link(session, settings, home, "poster")
    return home


@pytest.fixture
def door(settings: Settings, home: Home) -> Iterator[LinkDoor]:
    door = make_application(settings)
    yield door
    door.close()


def open_mark(door: LinkDoor, query: str, **variables: str) -> Reply:
    return ask(door, OWN_PATH, QUERY_STRING=query, **variables)


# The signed link


def test_a_link_works_for_its_domain_and_deed_and_for_ten_minutes(tmp_path: Path) -> None:
    settings = load({}, data_dir=tmp_path)
    query = mark_query(settings, 7, "on", NOW)
    assert deed_of(settings, query, 7, NOW) == "on"
    assert deed_of(settings, query, 7, NOW + VALID) == "on"
    assert deed_of(settings, query, 7, NOW + VALID + timedelta(seconds=1)) is None
    assert deed_of(settings, query, 8, NOW) is None
    assert deed_of(settings, query.replace("on=", "off="), 7, NOW) is None
    assert deed_of(settings, mark_query(settings, 7, "off", NOW), 7, NOW) == "off"
    assert deed_of(replace(settings, secret_key="another"), query, 7, NOW) is None
    # The time is signed as well.
    until = re.search(r"\d+", query)
    assert until is not None
    later = query.replace(until[0], str(int(until[0]) + 600))
    assert deed_of(settings, later, 7, NOW + VALID) is None


@given(st.text(st.characters(), max_size=300))
def test_what_nobody_signed_is_refused(tmp_path: Path, text: str) -> None:
    settings = load({}, data_dir=tmp_path)
    for query in (text, f"on={text}", f"on=99999999999.{text}", f"off={text}.{text}"):
        assert deed_of(settings, query, 7, NOW) is None


def test_the_cookie_is_constant_and_as_closed_as_its_host_allows(tmp_path: Path) -> None:
    settings = load({}, data_dir=tmp_path)
    local = cookie(settings, settings.link_host, "on")
    assert local == "linkservice_own=1; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax"
    assert cookie(settings, "go.marke.de", "on") == f"{local}; Secure"
    assert "Max-Age=0;" in cookie(settings, "go.marke.de", "off")
    assert timedelta(days=400) == KEPT
    assert OWN_PATH.split("/")[1] in RESERVED


# On the short domain


@on_one_engine
def test_a_marked_browser_is_not_counted_until_it_takes_it_back(
    settings: Settings, database: Database, home: Home, door: LinkDoor
) -> None:
    now = datetime.now(UTC)
    url = mark_url(settings, home.host, home.domain_id, "on", now)
    assert url.startswith(f"{settings.link_url}{OWN_PATH}?on=")
    marked = open_mark(door, url.partition("?")[2], HTTP_ACCEPT_LANGUAGE="en")
    assert (marked.code, marked.headers["Cache-Control"]) == (200, "private, no-store")
    assert f"This browser is not counted on {home.host}" in marked.text
    assert "Secure" not in marked.headers["Set-Cookie"]
    kept = marked.headers["Set-Cookie"].partition(";")[0]
    ask(door, "/poster", HTTP_COOKIE=f"other=2; {kept}")
    undo = re.search(r'href="\?(off=[^"]+)"', marked.text)
    assert undo is not None
    undone = open_mark(door, undo[1], HTTP_ACCEPT_LANGUAGE="de")
    assert "Max-Age=0" in undone.headers["Set-Cookie"]
    assert f"Dieser Browser wird auf {home.host} gezählt" in undone.text
    ask(door, "/poster")
    door.close()
    assert [bool(each.flags & Flag.OWN) for each in recorded(settings.spool_dir)] == [True, False]
    Ingester(settings, database).run_once()
    with database.reading() as session:
        day = session.query(LinkDay).one()
        assert (day.own, day.clicks) == (1, 1)


@on_one_engine
@pytest.mark.parametrize("query", ["", "on=", "on=1.2", "on", "off=99999999999.abc", "x=y"])
def test_without_a_right_link_nothing_changes(door: LinkDoor, query: str) -> None:
    answer = open_mark(door, query, HTTP_ACCEPT_LANGUAGE="en")
    assert answer.code == 410
    assert "Set-Cookie" not in answer.headers
    assert "This link no longer works" in answer.text


@on_one_engine
def test_another_domains_link_does_not_work(
    settings: Settings, database: Database, home: Home, door: LinkDoor
) -> None:
    now = datetime.now(UTC)
    with database.transaction() as session:
        other_id = create_domain(session, home.actor, settings, "go.marke.example", now).id
    query = mark_query(settings, other_id, "on", now)
    assert "Set-Cookie" not in open_mark(door, query).headers
    wait_until(lambda: open_mark(door, query, HTTP_HOST="go.marke.example").code == 200)
    marked = open_mark(door, query, HTTP_HOST="go.marke.example")
    assert marked.headers["Set-Cookie"].endswith("; Secure")


@on_one_engine
def test_customers_never_get_a_cookie(
    settings: Settings, database: Database, home: Home, door: LinkDoor
) -> None:
    paths = [
        *("/", "/poster", "/poster+", "/q/poster", "/Q/POSTER", "/nothing", "/nothing+"),
        *("/robots.txt", "/favicon.ico", "/healthz", "/app", "/api/v1/links", "/%00", "*", ""),
        *(OWN_PATH, f"{OWN_PATH}/", OWN_PATH.upper(), "/.well-known/", "/.well-known/linkservice"),
    ]
    given_cookies = ["", "linkservice_own=1", "linkservice_own=2; a=b"]
    for path in paths:
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            for sent in given_cookies:
                answer = ask_rudely(door, path, method, HTTP_COOKIE=sent)
                assert "Set-Cookie" not in answer.headers, (method, path, sent)
    with database.transaction() as session:
        elsewhere = {
            "root_redirect": "https://a.example/",
            "not_found_redirect": "https://b.example/",
        }
        change_domain(session, home.actor, str(home.domain_id), elsewhere, NOW)  # type: ignore[arg-type]  # a TypedDict
    wait_until(lambda: ask(door, "/").code == 302)
    for path in ("/", "/nothing"):
        assert "Set-Cookie" not in ask(door, path).headers


@on_one_engine
def test_a_real_browser_is_left_out_on_a_real_service(
    settings: Settings, database: Database, home: Home, tmp_path: Path
) -> None:
    """The worker has the secret the app signs with, and the cookie comes back to it."""
    secret = replace(settings, secret_key="a secret nobody may read")
    query = mark_query(secret, home.domain_id, "on", datetime.now(UTC))
    with running(settings, tmp_path, roles=("redirect",), workers=1) as service:
        with closing(http.client.HTTPConnection("127.0.0.1", service.link_port)) as connection:
            connection.request("GET", f"{OWN_PATH}?{query}")
            answer = connection.getresponse()
            assert (answer.status, bool(answer.read())) == (200, True)
            kept = str(answer.headers["Set-Cookie"]).partition(";")[0]
            connection.request("GET", "/poster", headers={"Cookie": kept})
            answer = connection.getresponse()
            assert (answer.status, answer.headers["Set-Cookie"], answer.read()) == (302, None, b"")
        wait_until(lambda: recorded(settings.spool_dir))
    assert [each.flags & Flag.OWN for each in recorded(settings.spool_dir)] == [Flag.OWN]


# Listed networks


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("203.0.113.77", "203.0.113.77"),
        (" 203.0.113.77/24 \n\n2001:DB8::1/32", "203.0.113.0/24\n2001:db8::/32"),
        ("203.0.113.1/32\n203.0.113.1", "203.0.113.1"),
        ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ("", ""),
    ],
)
def test_networks_are_kept_in_their_usual_spelling(typed: str, kept: str) -> None:
    problems = Problems()
    assert checked_networks(problems, "own_networks", typed.splitlines()) == kept
    problems.raise_if_any()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("our office", "bad_network"),
        ("203.0.113.256", "bad_network"),
        ("203.0.113.0/33", "bad_network"),
        ("203.0.113.0-203.0.113.9", "bad_network"),
        ("fe80::1%eth0", "bad_network"),
        ("1" * 10_000, "bad_network"),
        ("0.0.0.0/0", "network_too_wide"),
        ("::/0", "network_too_wide"),
        ("10.0.0.0/7", "network_too_wide"),
    ],
)
def test_a_wrong_line_is_named(line: str, code: str) -> None:
    problems = Problems()
    checked_networks(problems, "own_networks", ["203.0.113.7", "", line])
    found = problems._found
    assert [(each.field, each.code, each.params["line"]) for each in found] == [
        ("own_networks", code, 3)
    ]
    assert found[0].sentence.startswith("Line 3: ")


def test_the_list_is_bounded() -> None:
    problems = Problems()
    checked_networks(problems, "own_networks", [f"10.0.0.{n}" for n in range(MOST_NETWORKS)])
    problems.raise_if_any()
    checked_networks(problems, "own_networks", [f"10.0.{n // 256}.{n % 256}" for n in range(9999)])
    assert [each.code for each in problems._found] == ["too_many"]


@on_one_engine
def test_imported_clicks_follow_the_same_rules(
    settings: Settings, database: Database, home: Home, tmp_path: Path
) -> None:
    with database.transaction() as session:
        workspace = session.get_one(Workspace, home.workspace_id)
        workspace.count_visitors, workspace.own_networks = False, "203.0.113.64/26"
    path = tmp_path / "past.jsonl"
    lines = [
        {
            "time": (datetime.now(UTC) - timedelta(days=9)).isoformat(),
            "slug": "poster",
            "source": "click",
            "user_agent": BROWSER,
            "address": address,
        }
        for address in ("203.0.113.77", "203.0.113.7")
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    import_clicks(settings, database, home.actor, path, datetime.now(UTC), lambda done: None)
    seen = [(each.token, bool(each.flags & Flag.OWN)) for each in recorded(settings.spool_dir)]
    assert seen == [(b"", True), (b"", False)]
    Ingester(settings, database).run_once()
    with database.reading() as session:
        day = session.query(LinkDay).one()
        assert (day.own, day.clicks, day.visitors, day.tokenless) == (1, 1, 0, 1)
        assert session.query(Salt).count() == 0


# On the page


def test_ada_leaves_her_network_out_and_counts_no_visitors(cast: Cast) -> None:
    page = cast.ada.done("/settings/privacy/networks", own_networks="203.0.113.7\r\n10.1.0.0/16")
    assert "Your own networks are changed." in text_of(page)
    assert "203.0.113.7\n10.1.0.0/16</textarea>" in page.text
    assert 'name="count_visitors" value="1" checked' in page.text
    page = cast.ada.done("/settings/privacy")
    assert "no visitors are counted" in text_of(page)
    assert "Reported conversions: event id" in text_of(page)
    assert 'name="count_visitors" value="1" checked' not in page.text
    assert "Visitors are counted" in text_of(cast.ada.done("/settings/privacy", count_visitors="1"))
    trail = text_of(cast.ada.get("/settings/trail"))
    assert "Changed the workspace (Count visitors)" in trail
    assert "Changed the workspace (Own networks)" in trail
    assert "203.0.113.7" not in trail


def test_what_was_typed_stays_when_a_line_is_wrong(cast: Cast) -> None:
    refused = cast.ada.post("/settings/privacy/networks", own_networks="203.0.113.7\r\noffice")
    assert refused.status_code == 422
    assert "Line 2: “office” is no network" in text_of(refused)
    assert "203.0.113.7\r\noffice</textarea>" in refused.text
    # The other form of the page shows what is in force.
    assert 'name="count_visitors" value="1" checked' in refused.text


def test_every_member_may_leave_a_browser_out_and_only_owners_decide_the_rest(cast: Cast) -> None:
    for browser in (cast.ada, cast.ben, cast.vera):
        answer = browser.post("/settings/privacy/browser")
        assert answer.status_code == 200
        urls = re.findall(rf'href="([^"]+{OWN_PATH}[^"]+)"', answer.text)
        assert [url.partition("?")[2].partition("=")[0] for url in urls] == ["on", "off"]
        assert all(url.startswith(browser.settings.link_url) for url in urls)
        query = urls[0].partition("?")[2]
        assert deed_of(browser.settings, query, cast.home.domain_id, datetime.now(UTC)) == "on"
    for browser in (cast.ben, cast.vera):
        page = browser.get("/settings/privacy")
        assert "Visitors are counted in this workspace." in text_of(page)
        assert "own_networks" not in page.text
        assert browser.post("/settings/privacy").status_code == 403
        assert browser.post("/settings/privacy/networks", own_networks="").status_code == 403


@on_one_engine
def test_an_edit_of_the_list_is_live_within_a_second(cast: Cast, settings: Settings) -> None:
    door = make_application(settings)
    with door._database.transaction() as session:
        make_link(session, settings, cast.home, "poster")
    ask(door, "/poster", REMOTE_ADDR="203.0.113.77")
    cast.ada.done("/settings/privacy/networks", own_networks="203.0.113.64/26")
    cast.ada.done("/settings/privacy")

    def follows() -> bool:
        rule = door._resolver.domain(cast.home.host)
        return rule is not None and not rule.count_visitors and bool(rule.own_networks)

    wait_until(follows, seconds=2)
    ask(door, "/poster", REMOTE_ADDR="203.0.113.77")
    ask(door, "/poster", REMOTE_ADDR="203.0.113.7")
    door.close()
    seen = [
        (bool(each.token), bool(each.flags & Flag.OWN)) for each in recorded(settings.spool_dir)
    ]
    assert seen == [(True, False), (False, True), (False, False)]


@on_one_engine
def test_the_texts_are_filled_in_and_follow_the_switch(cast: Cast, database: Database) -> None:
    with database.transaction() as session:
        create_domain(session, cast.home.actor, cast.ada.settings, "go.marke.example", NOW)
        make_home(session, cast.ada.settings, host="go.third.example")
    page = cast.ada.get("/settings/privacy/texts", domain="go.marke.example")
    assert "QR-Codes unter go.marke.example</h3>" in page.text
    assert page.text.count("data-copy-formatted=") == 5
    assert "nach 8 Tagen" in page.text
    assert "{{" not in page.text
    assert "go.third.example" not in page.text
    foreign = cast.ada.get("/settings/privacy/texts", domain="go.third.example")
    assert foreign.status_code == 200
    assert f"QR-Codes unter {cast.home.host}</h3>" in foreign.text
    assert "unter go.third.example" not in foreign.text
    cast.ada.done("/settings/privacy")
    page = cast.ada.get("/settings/privacy/texts")
    assert page.text.count("data-copy-formatted=") == 5
    for word in ("kennziffer", "tagesbesucher", "besucherinnen und besuchern ein", "blake2"):
        assert word not in page.text.lower()
    assert "Zählung von Klicks auf Kurz-URLs" in page.text
    assert "keine Kennung für Besucherinnen und Besucher," in page.text


@on_one_engine
def test_the_texts_tell_of_click_ids_where_a_link_appends_them(
    cast: Cast, database: Database
) -> None:
    def told() -> tuple[bool, bool]:
        text = cast.ada.get("/settings/privacy/texts").text
        return "Klick-ID" in text and "click id" in text, "mit Kundendaten" in text

    assert told() == (False, True)
    new = NewLink(destination="https://example.com/", append_click_id=True)
    with database.transaction() as session:
        link = create_link(session, cast.home.actor, cast.ada.settings, new, NOW)
        link_id = str(link.link.id)
    assert told() == (True, False), "what is not so any more is not said"
    with database.transaction() as session:
        delete_link(session, cast.home.actor, link_id, NOW)
    assert told() == (False, True)


@on_one_engine
@pytest.mark.parametrize("cities", [True, False])
@pytest.mark.parametrize("click_ids", [True, False])
@pytest.mark.parametrize("count_visitors", [True, False])
def test_every_paragraph_of_the_texts_stands_by_itself(
    settings: Settings, count_visitors: bool, click_ids: bool, cities: bool
) -> None:
    app = create_app(settings)
    facts = filled_in(
        settings,
        "Marke",
        "go.a.de",
        ["go.a.de"],
        count_visitors=count_visitors,
        click_ids=click_ids,
        cities=cities,
    )
    with app.app_context():
        texts = {(each.name, each.language): each.body for each in legal_texts(facts)}
    close_app(app)
    headings = re.findall(r"(?m)^\*\*(\d)\. ", texts["assessment", "de"])
    assert headings == list("12345678")
    for text in texts.values():
        assert not re.search(r"[^\n]\n\*\*", text)
        assert not re.search(r"(?m) $", text)
    assert ("Stadt" in texts["notice", "de"], "city" in texts["notice", "en"]) == (cities, cities)


def test_texts_are_copied_without_marks() -> None:
    """Plain text for an editor, HTML for whatever takes it; names in it stay text."""
    marked = (
        "**Notice for <b>**\n\n**Who.** You & `lsid=…` [name]\n\n- one\n- **two**\n\n"
        "| Head | Content |\n|---|---|\n| Name | A, B |\n"
    )
    assert as_plain(marked) == (
        "Notice for <b>\n\nWho. You & lsid=… [name]\n\n– one\n– two\n\nName: A, B\n"
    )
    assert as_html(marked) == (
        "<h3>Notice for &lt;b&gt;</h3>\n"
        "<p><strong>Who.</strong> You &amp; <code>lsid=…</code> [name]</p>\n"
        "<ul><li>one</li><li><strong>two</strong></li></ul>\n"
        '<table><thead><tr><th scope="col">Head</th><th scope="col">Content</th></tr></thead>'
        '<tbody><tr><th scope="row">Name</th><td>A, B</td></tr></tbody></table>'
    )


def test_the_page_has_texts_to_select_and_a_button_that_copies_them(cast: Cast) -> None:
    page = cast.vera.get("/settings/privacy/texts")
    copied = [unescape(text) for text in re.findall(r'data-copy="([^"]*)"', page.text)]
    shown = text_of(page)
    assert len(copied) == 5
    for text in copied:
        assert not re.search(r"\*\*|`|(?m:^- )|(?m:^\|)", text)
        assert " ".join(text.splitlines()[0].split()) in shown
    assert page.text.count("data-copy-formatted=") == 5
    assert "**" not in shown
