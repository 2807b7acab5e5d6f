"""The link port: what every request is answered, and what is recorded of it."""

from __future__ import annotations

import logging
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cast import NOW, Home, make_link, owner_of
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from linkport import ADDRESS, PHONE, ask, ask_as_the_port, ask_rudely, database_away, recorded
from sqlalchemy import update

from linkservice.clicks import shortfall
from linkservice.clicks.event import Click, Flag, Method, Source
from linkservice.clicks.own import OWN_PATH
from linkservice.clicks.visitor import cut_network
from linkservice.config import Settings
from linkservice.counters import summed
from linkservice.database import Database
from linkservice.links.domains import change_domain
from linkservice.links.manage import LinkChanges, change_link, delete_link
from linkservice.links.slug import RESERVED
from linkservice.redirect.app import OUTCOMES, LinkDoor, make_application
from linkservice.redirect.resolver import LOOKUPS
from linkservice.workspaces.model import Workspace

REDIRECT_HEADERS = {
    "Location": "https://example.com/",
    "Cache-Control": "private, no-store",
    "Accept-CH": "Sec-CH-UA-Model, Sec-CH-UA-Platform-Version",
    "X-Robots-Tag": "noindex",
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": "0",
}


@pytest.fixture
def ada(database: Database, settings: Settings) -> Home:
    return owner_of(database, settings)


@pytest.fixture
def link_id(database: Database, settings: Settings, ada: Home) -> int:
    with database.transaction() as session:
        return make_link(session, settings, ada, "sommer").id


@pytest.fixture
def door(settings: Settings, link_id: int) -> Iterator[LinkDoor]:
    door = make_application(settings)
    yield door
    door.close()


@pytest.fixture
def clicks(settings: Settings) -> Callable[[], list[Click]]:
    return lambda: recorded(settings.spool_dir)


def change(
    database: Database, settings: Settings, home: Home, link_id: int, **wanted: object
) -> None:
    changes: LinkChanges = wanted  # type: ignore[assignment]  # keywords of that name
    with database.transaction() as session:
        change_link(session, home.actor, settings, str(link_id), changes, NOW)


def eventually(condition: Callable[[], bool]) -> None:
    """Waits for what is promised within a second; gives up when no machine is as busy as that."""
    for _ in range(10_000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


# Clicks and scans


def test_a_click_is_redirected_and_recorded(
    door: LinkDoor, ada: Home, link_id: int, clicks: Callable[[], list[Click]]
) -> None:
    reply = ask(
        door,
        "/sommer",
        HTTP_ACCEPT_LANGUAGE="de-DE,de;q=0.9,en;q=0.5",
        HTTP_REFERER="https://www.example.org/page?secret=1",
    )
    assert reply.status == "302 Found"
    assert reply.headers == REDIRECT_HEADERS
    assert reply.body == b""
    (click,) = clicks()
    assert len(click.token) == 16
    assert abs(click.time_ms - time.time() * 1000) < 60_000
    assert replace(click, token=b"", time_ms=0) == Click(
        time_ms=0,
        link_id=link_id,
        link_version=1,
        domain_id=ada.domain_id,
        workspace_id=ada.workspace_id,
        source=Source.CLICK,
        method=Method.GET,
        miss=False,
        network=cut_network(ADDRESS),
        user_agent=PHONE,
        language="de",
        referrer_host="example.org",
    )


def test_what_takes_longer_keeps_what_it_needs_of_the_request(
    database: Database,
    settings: Settings,
    ada: Home,
    link_id: int,
    clicks: Callable[[], list[Click]],
) -> None:
    change(database, settings, ada, link_id, forward_query=True)
    door = make_application(replace(settings, link_store=0))
    said = {"QUERY_STRING": "a=b", "HTTP_ACCEPT_LANGUAGE": "de"}
    awaking = ask_as_the_port(door, "/sommer", **said)
    ready = ask_as_the_port(door, "/sommer", **said)
    with door._resolver._keeping:
        door._resolver._unpackable.clear()
    of_the_database = ask_as_the_port(door, "/sommer", **said)
    assert awaking == ready == of_the_database
    assert ready.headers["Location"].endswith("?a=b")
    for path in ("/sommer+", "/no", "/", OWN_PATH):
        assert ask_as_the_port(door, path, **said) == ask(door, path, **said)
    door.close()
    assert [click.language for click in clicks()] == ["de"] * 5


def test_every_request_counts_as_what_became_of_it(settings: Settings, link_id: int) -> None:
    # Without a store: whether the first request comes before a link is read ahead is chance.
    door = make_application(replace(settings, link_store=0))
    for path in ("/sommer", "/sommer", "/q/sommer", "/sommer+", "/no", "/no", "/", "/healthz"):
        ask(door, path)
    ask(door, "/sommer", HTTP_HOST="example.org")
    ask(door, "/sommer", method="POST")
    door.close()
    found = summed(settings.data_dir)
    name = "linkservice_redirect_requests_total"
    assert {outcome: found[f'{name}{{outcome="{outcome}"}}'] for outcome in OUTCOMES} == {
        "redirect": 3,
        "preview": 1,
        "miss": 2,
        "unknown_host": 1,
        "other": 2,
        "gone": 0,
        "unavailable": 0,
    }
    looked_up = "linkservice_link_cache_lookups_total"
    results = {result: found[f'{looked_up}{{result="{result}"}}'] for result in LOOKUPS}
    assert results == {"hit": 3, "load": 2, "absent": 1}
    assert found["linkservice_spool_records_total"] == 5
    assert found["linkservice_spool_sync_seconds_count"] >= 5
    assert found["linkservice_clicks_unrecorded_total"] == 0


def test_all_spellings_of_a_link_lead_to_it(
    database: Database,
    settings: Settings,
    ada: Home,
    door: LinkDoor,
    clicks: Callable[[], list[Click]],
) -> None:
    with database.transaction() as session:
        umlaut = make_link(session, settings, ada, "aktion-ü").id
    paths = {
        "/sommer": Source.CLICK,
        "/Sommer/": Source.CLICK,
        "/q/sommer": Source.SCAN,
        "/Q/SOMMER": Source.SCAN,
    }
    for path in paths:
        assert ask(door, path).code == 302
    # WSGI hands over the bytes of the path as Latin-1 text.
    assert ask(door, "/Q/AKTION-ü".encode().decode("latin-1")).code == 302
    *known, last = clicks()
    assert [click.source for click in known] == list(paths.values())
    assert (last.link_id, last.source) == (umlaut, Source.SCAN)


def test_head_is_answered_alike_and_is_no_click(
    door: LinkDoor, clicks: Callable[[], list[Click]]
) -> None:
    reply = ask(door, "/sommer", "HEAD")
    assert (reply.code, reply.headers, reply.body) == (302, REDIRECT_HEADERS, b"")
    (click,) = clicks()
    assert (click.method, click.miss, click.token) == (Method.HEAD, False, b"")
    page, head = ask(door, "/unknown"), ask(door, "/unknown", "HEAD")
    assert (head.status, head.headers, head.body) == (page.status, page.headers, b"")


def test_other_methods_are_refused(door: LinkDoor, clicks: Callable[[], list[Click]]) -> None:
    for method in ("POST", "PUT", "DELETE", "TRACE", "get", "PROPFIND", ""):
        reply = ask_rudely(door, "/sommer", method)
        assert reply.code == 405
        assert reply.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert clicks() == []


def test_options_names_the_methods(door: LinkDoor, clicks: Callable[[], list[Click]]) -> None:
    for path in ("/sommer", "*", "/unknown"):
        reply = ask_rudely(door, path, "OPTIONS")
        assert (reply.code, reply.body) == (204, b"")
        assert reply.headers == {"Allow": "GET, HEAD, OPTIONS"}
    assert clicks() == []


def test_a_query_is_forwarded_only_where_the_link_says_so(
    database: Database, settings: Settings, ada: Home, door: LinkDoor, link_id: int
) -> None:
    query = "gclid=1&x=%0d%0aSet-Cookie:a\r\nb"
    assert ask(door, "/sommer", QUERY_STRING=query).headers == REDIRECT_HEADERS
    change(database, settings, ada, link_id, forward_query=True)
    eventually(lambda: "gclid" in ask(door, "/sommer", QUERY_STRING=query).headers["Location"])
    location = ask(door, "/sommer", QUERY_STRING=query).headers["Location"]
    assert location == "https://example.com/?gclid=1&x=%0d%0aSet-Cookie:a%0D%0Ab"


def test_a_prefetch_is_recorded_as_one(door: LinkDoor, clicks: Callable[[], list[Click]]) -> None:
    ask(door, "/sommer", HTTP_SEC_PURPOSE="prefetch;prerender")
    assert clicks()[0].flags == Flag.PREFETCH


def test_an_edit_is_live_within_a_second(
    database: Database, settings: Settings, ada: Home, door: LinkDoor, link_id: int
) -> None:
    assert ask(door, "/sommer").headers["Location"] == "https://example.com/"
    change(database, settings, ada, link_id, destination="https://example.org/neu")
    eventually(lambda: ask(door, "/sommer").headers["Location"] == "https://example.org/neu")


# Visitors


def test_a_visitor_is_one_network_address_and_browser(
    door: LinkDoor, clicks: Callable[[], list[Click]]
) -> None:
    ask(door, "/sommer")
    ask(door, "/sommer")
    ask(door, "/sommer", REMOTE_ADDR="203.0.113.78")
    ask(door, "/sommer", HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux x86_64; rv:133.0)")
    tokens = [click.token for click in clicks()]
    assert tokens[0] == tokens[1]
    assert len(set(tokens)) == 3
    assert {click.network for click in clicks()} == {b"\xcb\x00\x71"}


def test_who_asks_not_to_be_counted_has_no_token(
    door: LinkDoor, clicks: Callable[[], list[Click]]
) -> None:
    assert ask(door, "/sommer", HTTP_SEC_GPC="1").code == 302
    assert ask(door, "/sommer", HTTP_DNT="1").code == 302
    assert [(click.token, click.flags) for click in clicks()] == [(b"", Flag.PRIVACY)] * 2


def test_client_hints_are_kept_where_they_are_sent(
    door: LinkDoor, clicks: Callable[[], list[Click]]
) -> None:
    ask(
        door,
        "/sommer",
        HTTP_SEC_CH_UA_MOBILE="?1",
        HTTP_SEC_CH_UA_PLATFORM='"Android"',
        HTTP_SEC_CH_UA_MODEL='"Pixel 9"',
        HTTP_SEC_CH_UA_PLATFORM_VERSION='"15.0.0"',
    )
    ask(door, "/sommer")
    assert [click.hints for click in clicks()] == ["?1|Android|Pixel 9|15.0.0", ""]


def test_a_marked_browser_is_the_workspaces_own(
    door: LinkDoor, clicks: Callable[[], list[Click]]
) -> None:
    ask(door, "/sommer", HTTP_COOKIE="theme=dark; linkservice_own=1")
    ask(door, "/sommer", HTTP_COOKIE="xlinkservice_own=1; linkservice_own=12")
    assert [click.flags for click in clicks()] == [Flag.OWN, 0]


def test_a_listed_network_is_matched_before_the_address_is_cut(
    settings: Settings, database: Database, link_id: int, clicks: Callable[[], list[Click]]
) -> None:
    with database.transaction() as session:
        session.execute(update(Workspace).values(own_networks="203.0.113.64/28\n2001:db8:7:8::/64"))
    door = make_application(settings)
    ask(door, "/sommer", REMOTE_ADDR="203.0.113.77")
    ask(door, "/sommer", REMOTE_ADDR="203.0.113.80")
    ask(door, "/sommer", REMOTE_ADDR="2001:db8:7:8::1")
    ask(door, "/sommer", REMOTE_ADDR="2001:db8:7:9::1")
    ask(door, "/sommer", REMOTE_ADDR="::ffff:203.0.113.77")
    door.close()
    assert [click.flags for click in clicks()] == [Flag.OWN, 0, Flag.OWN, 0, Flag.OWN]


def test_a_workspace_that_counts_no_visitors_makes_no_token(
    settings: Settings, database: Database, link_id: int, clicks: Callable[[], list[Click]]
) -> None:
    with database.transaction() as session:
        session.execute(update(Workspace).values(count_visitors=False))
    door = make_application(settings)
    ask(door, "/sommer")
    door.close()
    assert [(click.token, click.flags) for click in clicks()] == [(b"", 0)]


def test_no_full_address_reaches_the_disk(door: LinkDoor, settings: Settings) -> None:
    ask(door, "/sommer", REMOTE_ADDR="203.0.113.201", HTTP_X_FORWARDED_FOR="198.51.100.23")
    ask(door, "/sommer", REMOTE_ADDR="2001:db8:7:8::9")
    ask(door, "/unknown", REMOTE_ADDR="203.0.113.201")
    for path in settings.data_dir.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for address in (b"203.0.113.201", b"198.51.100.23", b"2001:db8:7:8", b"\xcb\x00\x71\xc9"):
            assert address not in content, path


def test_the_address_behind_trusted_proxies_is_the_visitors(
    settings: Settings, link_id: int, clicks: Callable[[], list[Click]]
) -> None:
    door = make_application(replace(settings, trusted_hops=1))
    ask(door, "/sommer", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="6.6.6.6, 203.0.113.77")
    ask(door, "/sommer", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="7.7.7.7, 203.0.113.77")
    door.close()
    one, other = clicks()
    assert one.token == other.token
    assert one.network == cut_network("203.0.113.77")


def test_an_untrusted_proxy_header_is_warned_about_once(
    door: LinkDoor, clicks: Callable[[], list[Click]], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            ask(door, "/sommer", HTTP_X_FORWARDED_FOR="198.51.100.1")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "LINKSERVICE_TRUSTED_HOPS" in caplog.text
    assert {click.network for click in clicks()} == {cut_network(ADDRESS)}


# Misses


def test_an_unknown_slug_is_a_miss(
    door: LinkDoor, ada: Home, clicks: Callable[[], list[Click]]
) -> None:
    assert ask(door, "/unknown").code == 404
    assert ask(door, "/q/unknown").code == 404
    assert ask(door, "/unknown", "HEAD").code == 404
    missed = clicks()
    assert all(click.miss and click.link_id == 0 and click.token == b"" for click in missed)
    assert all(click.domain_id == ada.domain_id for click in missed)
    assert [click.source for click in missed] == [Source.CLICK, Source.SCAN, Source.CLICK]
    assert [click.method for click in missed] == [Method.GET, Method.GET, Method.HEAD]


def test_a_paused_an_expired_and_a_deleted_link_are_gone(
    database: Database,
    settings: Settings,
    ada: Home,
    link_id: int,
    clicks: Callable[[], list[Click]],
) -> None:
    with database.transaction() as session:
        expired = make_link(session, settings, ada, "expired").id
        deleted = make_link(session, settings, ada, "deleted").id
        delete_link(session, ada.actor, str(deleted), NOW)
    change(database, settings, ada, link_id, active=False)
    change(database, settings, ada, expired, expires_at=NOW - timedelta(days=3650))
    door = make_application(settings)
    for path in ("/sommer", "/expired", "/deleted"):
        assert ask(door, path).code == 410
    door.close()
    assert [(click.link_id, click.link_version, click.miss) for click in clicks()] == [
        (link_id, 2, True),
        (expired, 2, True),
        (deleted, 2, True),
    ]


def test_unknown_slugs_lead_where_the_domain_says(
    database: Database, settings: Settings, ada: Home, clicks: Callable[[], list[Click]]
) -> None:
    with database.transaction() as session:
        wanted = {
            "not_found_redirect": "https://ada.example/404",
            "root_redirect": "https://ada.example/",
        }
        change_domain(session, ada.actor, str(ada.domain_id), wanted, NOW)  # type: ignore[arg-type]  # a literal of that shape
    door = make_application(settings)
    assert ask(door, "/unknown").headers["Location"] == "https://ada.example/404"
    assert ask(door, "/a/b/c").headers["Location"] == "https://ada.example/404"
    assert ask(door, "/").headers["Location"] == "https://ada.example/"
    door.close()
    assert [click.miss for click in clicks()] == [True, True]


def test_the_services_own_paths_are_no_misses(
    door: LinkDoor, clicks: Callable[[], list[Click]]
) -> None:
    assert ask(door, "/").code == 200
    assert ask(door, "/robots.txt").text == "User-agent: *\nDisallow:\n"
    icon = ask(door, "/favicon.ico")
    assert (icon.code, icon.headers["Cache-Control"]) == (204, "public, max-age=86400")
    assert ask(door, "/healthz").text == "ok\n"
    for path in ("/.well-known/security.txt", "/api/v1/links", "/q", "/q/", "/Q", "/static/x.css"):
        reply = ask(door, path)
        assert (reply.code, reply.headers["Content-Type"]) == (404, "text/plain; charset=utf-8")
    for word in RESERVED - {"robots.txt", "favicon.ico", "healthz"}:
        assert ask(door, f"/{word}").code == 404
    assert clicks() == []


def test_garbage_behind_q_is_a_missed_scan(
    door: LinkDoor, clicks: Callable[[], list[Click]]
) -> None:
    assert ask(door, "/q/a b").code == 404
    assert ask(door, "/Q/api").code == 404
    assert [(click.miss, click.source) for click in clicks()] == [(True, Source.SCAN)] * 2


def test_a_preview_shows_the_destination_and_is_no_click(
    door: LinkDoor, clicks: Callable[[], list[Click]]
) -> None:
    reply = ask(door, "/sommer+")
    assert reply.code == 200
    assert "https://example.com/" in reply.text
    assert "Location" not in reply.headers
    assert clicks() == []
    assert ask(door, "/unknown+").code == 404
    assert [click.miss for click in clicks()] == [True]


def test_a_strange_host_learns_nothing(door: LinkDoor, clicks: Callable[[], list[Click]]) -> None:
    plain = ask(door, "/sommer", HTTP_HOST="evil.example")
    assert (plain.code, plain.text) == (404, "Not found.\n")
    for host in ("", "a,127.0.0.1", "<script>", "127.0.0.1@evil.example", "\xff\xfe", "x" * 70_000):
        for path in ("/sommer", "/", "/robots.txt", "/sommer+"):
            assert ask_rudely(door, path, HTTP_HOST=host) == plain
    assert ask(door, "/healthz", HTTP_HOST="evil.example").code == 200
    assert clicks() == []


# Outages


def test_every_link_is_redirected_and_recorded_without_the_database(
    database: Database, settings: Settings, ada: Home, door: LinkDoor
) -> None:
    with database.transaction() as session:
        make_link(session, settings, ada, "never-asked")
    ask(door, "/sommer")
    eventually(lambda: door.figures()["linkservice_link_store_links"] == 2)
    with database_away(database):
        assert ask(door, "/never-asked").code == 302


def test_links_in_memory_are_redirected_and_recorded_without_the_database(
    database: Database,
    settings: Settings,
    ada: Home,
    link_id: int,
    clicks: Callable[[], list[Click]],
) -> None:
    door = make_application(replace(settings, link_store=0))
    with database.transaction() as session:
        make_link(session, settings, ada, "never-asked")
    ask(door, "/sommer")
    with database_away(database):
        assert ask(door, "/sommer").code == 302
        later = ask(door, "/never-asked")
        assert (later.code, later.headers["Retry-After"]) == (503, "5")
        assert ask(door, "/sommer").code == 302
    eventually(lambda: ask(door, "/never-asked").code == 302)
    door.close()
    tokens = {click.token for click in clicks()}
    assert len(clicks()) == 4
    assert len(tokens) == 1
    assert b"" not in tokens


def test_a_worker_that_starts_without_the_database_asks_for_patience(
    database: Database, settings: Settings, link_id: int, clicks: Callable[[], list[Click]]
) -> None:
    door = make_application(settings)
    with database_away(database):
        reply = ask(door, "/sommer")
        assert (reply.code, reply.headers["Retry-After"]) == (503, "5")
        assert ask(door, "/healthz").code == 200
    eventually(lambda: ask(door, "/sommer").code == 302)
    door.close()
    assert len(clicks()) == 1


def test_a_full_disk_keeps_nobody_waiting_and_is_counted(
    door: LinkDoor, ada: Home, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    away = settings.spool_dir.rename(settings.data_dir / "away")
    settings.spool_dir.write_text("no folder")
    with caplog.at_level(logging.WARNING):
        assert ask(door, "/sommer").headers == REDIRECT_HEADERS
        assert ask(door, "/q/sommer").code == 302
        assert ask(door, "/sommer", "HEAD").code == 302
        assert ask(door, "/unknown").code == 404
        settings.spool_dir.unlink()
        assert ask(door, "/sommer").code == 302
    (missing,) = shortfall.read_all(away)
    assert (missing.workspace_id, missing.clicks) == (ada.workspace_id, 2)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert len(recorded(settings.spool_dir)) == 1


# What no well-behaved client sends

HOSTILE_PATHS = (
    "",
    "*",
    "sommer",
    "//evil.example/",
    "/\0",
    "/sommer\0",
    "/sommer\r\nSet-Cookie: a=b",
    "/\xff\xfe",
    "/\xc3",
    "/" + "a" * 65_536,
    "/../../etc/passwd",
    "/<script>alert(1)</script>",
    "/so%6dmer",
    "http://evil.example/sommer",
    "/sommer++",
    "/sommer/x",
    "/ ",
    "/\u2028",
    "/\ud800",
)


def test_hostile_paths_are_misses(door: LinkDoor, clicks: Callable[[], list[Click]]) -> None:
    for path in HOSTILE_PATHS:
        reply = ask_rudely(door, path)
        assert reply.code == 404, path[:80]
        assert "script>alert" not in reply.text
        assert "evil" not in reply.text
    assert len(clicks()) == len(HOSTILE_PATHS)
    assert all(click.miss for click in clicks())


ANYTHING = st.text(max_size=80) | st.text(st.characters(max_codepoint=255), max_size=80)


@given(
    path=ANYTHING | st.sampled_from(["/sommer", "/q/sommer", "/sommer+"]),
    method=st.sampled_from(["GET", "HEAD", "OPTIONS", "POST"]),
    host=ANYTHING | st.just("127.0.0.1"),
    headers=st.dictionaries(
        st.sampled_from(
            [
                "QUERY_STRING",
                "HTTP_USER_AGENT",
                "HTTP_REFERER",
                "HTTP_ACCEPT_LANGUAGE",
                "HTTP_X_FORWARDED_FOR",
                "REMOTE_ADDR",
                "HTTP_DNT",
                "HTTP_PURPOSE",
            ]
        ),
        ANYTHING,
    ),
)
@effort(max_examples=150)
def test_no_request_makes_it_stumble(
    door: LinkDoor, path: str, method: str, host: str, headers: dict[str, str]
) -> None:
    reply = ask_rudely(door, path, method, HTTP_HOST=host, **headers)
    assert reply.code < 500
    for name, value in reply.headers.items():
        assert (name + value).isascii()
        assert (name + value).isprintable()


# Processes

SERVED = """
import os
from linkservice.config import load
from linkservice.redirect.app import make_application

application = make_application(load(os.environ))
"""


def environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "LINKSERVICE_DATA_DIR": str(settings.data_dir),
        "LINKSERVICE_DATABASE_URL": settings.database_url,
    }


def run(script: str, settings: Settings) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVED + script],
        env={**environment(settings), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_hot_lane_imports_no_framework(
    settings: Settings, link_id: int, clicks: Callable[[], list[Click]]
) -> None:
    run(
        """
import sys
from linkport import ask

assert ask(application, "/sommer").code == 302
assert ask(application, "/robots.txt").code == 200
heavy = {"flask", "werkzeug", "jinja2", "PIL", "qrcode", "zxingcpp", "geoip2", "maxminddb",
         "iptocc", "user_agents", "ua_parser", "alembic", "scipy", "numpy", "pydantic"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
assert ask(application, "/unknown").code == 404
assert "jinja2" in sys.modules
application.close()
""",
        settings,
    )
    assert len(clicks()) == 2


def test_a_forked_worker_begins_anew(
    settings: Settings, link_id: int, clicks: Callable[[], list[Click]]
) -> None:
    run(
        """
import os, warnings
from linkport import ask

warnings.simplefilter("ignore")  # newer Pythons warn of fork beside threads: that is the case
assert ask(application, "/sommer").code == 302
child = os.fork()
if child == 0:
    code = ask(application, "/sommer").code
    application.close()
    os._exit(0 if code == 302 else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert ask(application, "/sommer").code == 302
application.close()
""",
        settings,
    )
    assert len(clicks()) == 3
    assert len({click.token for click in clicks()}) == 1


@pytest.fixture
def server(settings: Settings, link_id: int, tmp_path: Path) -> Iterator[int]:
    """The port of a real server with one worker."""
    (tmp_path / "served.py").write_text(SERVED)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1"]
    command += ["--no-ws", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--blocking-threads", "8", "--no-log", "served:application"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment(settings))
    try:
        eventually(lambda: process.poll() is None and send(port, b"GET /healthz") == 200)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def send(port: int, start: bytes, *headers: bytes) -> int | None:
    """The status of one raw request, None when the server hung up without one."""
    lines = [start + b" HTTP/1.1", *(headers or (b"Host: 127.0.0.1",)), b"Connection: close"]
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
            first = connection.makefile("rb").readline()
    except ConnectionError:
        return None
    return int(first.split()[1]) if first else None


@pytest.mark.parametrize("engine_name", ["sqlite"])  # the database makes no difference here
def test_hostile_requests_over_the_wire_are_refused(
    server: int, settings: Settings, clicks: Callable[[], list[Click]]
) -> None:
    chance = random.Random(20261120)
    junk = [chance.randbytes(chance.randint(1, 60)).translate(None, b"\r\n ") for _ in range(150)]
    junk[75:] = [data.translate(None, bytes(range(32)) + b"\x7f") for data in junk[75:]]
    targets = [b"/\xff", b"/%ff", b"/%00", b"/a%0d%0aX:y", b"*", b"//evil/", b"/%2e%2e/x", b""]
    targets += [b"http://evil.example/sommer+", b"/" + b"a" * 65_000, b"/" + b"%C3" * 300]
    requests: list[tuple[bytes, tuple[bytes, ...]]] = [
        (b"GET " + target, (b"Host: 127.0.0.1",)) for target in targets
    ]
    requests += [(b"GET /" + data, (b"Host: 127.0.0.1",)) for data in junk]
    requests += [(b"GET /x", (b"Host: " + data,)) for data in junk]
    requests += [(b"GET /x", (b"Host: 127.0.0.1", b"User-Agent: " + data)) for data in junk]
    requests += [
        (b"GET /x", (b"Host: a", b"Host: b")),
        (b"GET /x", (b"X: y",)),
        (b"CONNECT evil:443", (b"Host: 127.0.0.1",)),
        (b"FOO /x", (b"Host: 127.0.0.1",)),
        (b"\0\0\0", (b"\0",)),
    ]
    for start, headers in requests:
        status = send(server, start, *headers)
        assert status is None or status == 200 or 400 <= status < 500, (start[:80], headers)
    assert send(server, b"GET /sommer") == 302
    assert send(server, b"HEAD /sommer") == 302
    seen = clicks()
    assert sum(not click.miss for click in seen) == 2
    assert sum(click.miss for click in seen) > 50
