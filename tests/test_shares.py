"""Reports shared by a link: who makes one, what it shows and tells, and how it ends."""

from __future__ import annotations

import re
import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from belongings import on_one_engine
from cast import NOW, Home, make_link, make_touchpoint
from flask import Flask
from flask.testing import FlaskClient
from pages import Markup
from people import Browser, Cast, everybody, text_of
from sqlalchemy import select, update
from test_downloads import number, on_page
from test_pages_reports import HOSTILE, Shop, shop
from werkzeug.test import TestResponse

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Forbidden, Invalid, NotFound
from linkservice.links.manage import delete_link
from linkservice.reports import shares
from linkservice.reports.model import ReportShare
from linkservice.reports.presets import days_of
from linkservice.reports.shares import (
    LONGEST,
    NewShare,
    SharePassword,
    create_share,
    list_shares,
    live_share,
    period_of,
    reader_of,
    revoke_share,
)
from linkservice.web.i18n import speaking, write_day
from linkservice.workspaces import passwords
from linkservice.workspaces.access import SCOPES_OF, Actor
from linkservice.workspaces.model import TrailEntry, Workspace

__all__ = ["shop"]

cast = pytest.fixture(everybody)

PASSWORD = "eleven small boats"
OWN = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
"""What a browser sends from a page that keeps its address to itself."""


def made(home: Home, database: Database, now: datetime, **fields: Any) -> str:
    """The token of a share of Ada's."""
    usual = {"name": "For the agency", "about": "touchpoints", "subject_id": None}
    if "password" in fields:
        fields = {**fields, "password": SharePassword.of(fields["password"])}
    new = NewShare(**{**usual, "expires_at": now + timedelta(days=30), **fields})
    with database.transaction() as session:
        return create_share(session, home.actor, new, now)[1]


def reader(app: Flask) -> FlaskClient:
    """A browser that never was here."""
    return app.test_client()


def app_of(cast: Cast) -> Flask:
    return cast.ada.client.application


def read(cast: Cast, token: str, client: FlaskClient | None = None, **query: str) -> TestResponse:
    return (client or reader(app_of(cast))).get(f"/app/shared/{token}", query_string=query)


def form_of(browser: Browser, **query: str) -> dict[str, str]:
    """The fields of the form that shares a report, as they are filled in at first."""
    page = browser.get("/reports/shares", **query)
    assert page.status_code == 200
    form = next(f for f in Markup(page.text).forms if f.action == "/app/reports/shares")
    chosen = ("radio", "button", "option")
    fields = {each.name: each.value for each in form.fields if each.kind not in chosen}
    (days,) = re.findall(r'name="days" value="(\w+)" checked', page.text)
    (period,) = re.findall(r'<option value="(\w+)" selected', page.text)
    return {**fields, "days": days, "period": period}


def link_on(answer: TestResponse) -> str:
    found = re.search(r"/app/shared/([\w-]{43})", answer.text)
    assert found, text_of(answer)
    return found[1]


def test_a_share_is_made_read_and_revoked(cast: Cast, database: Database) -> None:
    fields = form_of(cast.ben, about="touchpoints", title="Touchpoints")
    assert fields["name"] == "Touchpoints"
    assert fields["days"] == "rolling"
    answer = cast.ben.post("/reports/shares", **{**fields, "name": "Board", "password": ""})
    assert answer.status_code == 200
    token = link_on(answer)
    assert token not in cast.ben.get("/reports/shares").text
    # The day that was entered, not the midnight that ends it.
    with speaking("en"):
        until = write_day(date.fromisoformat(fields["expires_at"]))
    assert f"{until} Revoke" in text_of(cast.ben.get("/reports/shares"))
    assert 'href="/app/reports/shares"' in cast.ben.get("/reports").text
    assert 'aria-current="page">Shared' in cast.ben.get("/reports/shares").text
    with database.reading() as session:
        (share,) = session.scalars(select(ReportShare))
        assert share.token_hash != token.encode()
        assert share.created_by == "ben@example.com"
        noted = session.scalars(select(TrailEntry.action)).all()
    assert "share.created" in noted
    page = read(cast, token)
    assert page.status_code == 200
    assert "Board" in text_of(page)
    cast.ben.done(f"/reports/shares/{share.id}/revoke")
    assert read(cast, token).status_code == 404
    listed = text_of(cast.ada.get("/reports/shares"))
    assert "Board revoked" in listed
    assert "Revoked the link of the shared report “Board”" in text_of(
        cast.ada.get("/settings/trail")
    )


def test_only_who_may_share_shares(cast: Cast, database: Database) -> None:
    assert shares.SCOPE in SCOPES_OF["editor"]
    assert shares.SCOPE not in SCOPES_OF["viewer"]
    token = made(cast.home, database, datetime.now(UTC))
    assert cast.vera.get("/reports/shares").status_code == 403
    assert cast.vera.post("/reports/shares", name="x").status_code == 403
    assert "Share report" not in cast.vera.get("/reports").text
    assert "Share report" in cast.ben.get("/reports").text
    assert "For the agency" not in cast.cleo.get("/reports/shares").text
    with database.transaction() as session:
        share = live_share(session, token, datetime.now(UTC))
        with pytest.raises(NotFound):
            revoke_share(session, cast.foreign.actor, str(share.id), datetime.now(UTC))
        vera = Actor(cast.home.workspace_id, "vera", SCOPES_OF["viewer"])
        with pytest.raises(Forbidden):
            revoke_share(session, vera, str(share.id), datetime.now(UTC))
        with pytest.raises(Forbidden):
            list_shares(session, reader_of(share))


def test_what_ended_never_was(cast: Cast, database: Database, settings: Settings) -> None:
    """Expired, revoked, unknown, without its subject: one page, to the byte but its nonce."""
    now = datetime.now(UTC)
    with database.transaction() as session:
        link = str(make_link(session, settings, cast.home).id)
    expired, revoked = made(cast.home, database, now), made(cast.home, database, now)
    bare = made(cast.home, database, now, about="link", subject_id=link)
    secret = made(cast.home, database, now, password=PASSWORD)
    assert read(cast, bare).status_code == 200
    with database.transaction() as session:
        rows = {token: live_share(session, token, now).id for token in (expired, revoked, secret)}
        for token in (expired, secret):
            ended = update(ReportShare).where(ReportShare.id == rows[token])
            session.execute(ended.values(created_at=now - timedelta(9), expires_at=now))
        revoke_share(session, cast.home.actor, str(rows[revoked]), now)
        delete_link(session, cast.home.actor, link, now)
    pages = set()
    for token in (expired, revoked, bare, secret, "x" * 43, "%00"):
        answer = read(cast, token)
        assert answer.status_code == 404, token
        pages.add(re.sub(r'nonce="[^"]*"', "", answer.text))
    assert len(pages) == 1
    gone = pages.pop()
    assert "ask whoever gave it to you" in gone
    # No way into an app in which its reader has no account; a member finds back.
    assert 'href="/app/' not in gone
    assert 'href="/app/"' in read(cast, revoked, cast.ada.client).text
    nobody = reader(app_of(cast)).post("/app/links", headers={"Sec-Fetch-Site": "same-origin"})
    assert nobody.status_code == 401
    assert "To the overview" not in nobody.text
    assert 'href="/app/sign-in"' in nobody.text


def test_a_shared_page_keeps_to_itself(cast: Cast, database: Database) -> None:
    token = made(cast.home, database, datetime.now(UTC))
    # Nothing of the app is shown, not even to a member who is signed in.
    for client in (reader(app_of(cast)), cast.ada.client):
        answer = read(cast, token, client)
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert "noindex" in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers
        elements = Markup(answer.text).elements
        places = [given["href"] for tag, given in elements if tag == "a"]
        assert [place for place in places if not place.startswith(("#", "?language="))] == []
        assert not [tag for tag, _ in elements if tag in ("script", "form", "iframe")]
        assert "ada@example.com" not in answer.text
    assert reader(app_of(cast)).get("/app/logo").status_code == 303


def test_it_has_the_figures_of_the_page(shop: Shop) -> None:
    cast = shop.cast
    fields = form_of(cast.ada, about="touchpoints", title="All", metric="visitors_per_reach")
    token = link_on(cast.ada.post("/reports/shares", **fields))
    own = on_page(cast.vera.get("/reports"))
    shared = re.findall(
        r'(?s)<tr class="is-[a-z-]+">\s*<th scope="row">([^<]*)<.*?</th>(.*?)</tr>',
        read(cast, token).text,
    )
    assert len(shared) == 7
    for name, rest in shared:
        cells = re.findall(r'(?s)<td class="figure[^"]*"[^>]*>(.*?)</td>', rest)
        assert [re.sub(r"<[^>]+>", "", cell).strip() for cell in cells] == own[name], name
    assert HOSTILE not in read(cast, token).text  # its markup is text
    assert number(own["Strong"][0]) > 0


@pytest.mark.parametrize("about", ["journey", "touchpoint", "link"])
def test_every_kind_of_report_is_shared(shop: Shop, about: str) -> None:
    subjects = {
        "journey": shop.journey_id,
        "touchpoint": shop.ids["Strong"],
        "link": shop.link_id,
    }
    ada = shop.cast.ada
    fields = form_of(ada, about=about, title=f"One {about}", subject=subjects[about])
    token = link_on(ada.post("/reports/shares", **fields))
    for language, words in (("en", "How was this counted?"), ("de", "Wie wurde gezählt?")):
        answer = read(shop.cast, token, language=language)
        assert answer.status_code == 200
        assert f'lang="{language}"' in answer.text
        assert f"One {about}" in text_of(answer)
        assert words in text_of(answer)
    page = text_of(read(shop.cast, token, language="en"))
    if about == "journey":
        assert "Strong" in page
        assert "Weak" not in page
    else:
        shown = re.search(r"Clicks ([\d,]+)", page)
        assert shown
        assert number(shown[1]) == 28 * 90


def test_fixed_days_stay(shop: Shop) -> None:
    ada, today = shop.cast.ada, shop.today
    asked = {"from": (today - timedelta(9)).isoformat(), "to": (today - timedelta(3)).isoformat()}
    fields = form_of(ada, about="link", title="Week", subject=shop.link_id, **asked)
    assert fields["days"] == "fixed"
    token = link_on(ada.post("/reports/shares", **fields))
    assert "Clicks 630" in text_of(read(shop.cast, token))


def test_days_that_roll_keep_the_name_they_were_shared_under(shop: Shop) -> None:
    ada = shop.cast.ada
    page = ada.get(f"/links/{shop.link_id}", period="last_week").text
    (way,) = re.findall(r'href="/app/reports/shares\?(about[^"]*)"', page)
    assert "period=last_week" in way
    fields = form_of(ada, about="link", title="Week", subject=shop.link_id, period="last_week")
    monday, sunday = days_of("last_week", shop.today)
    assert (fields["days"], fields["from"], fields["to"]) == ("rolling", str(monday), str(sunday))
    shared = ada.post("/reports/shares", **{**fields, "period": "last_week"})
    assert "Last week" in text_of(ada.get("/reports/shares"))
    assert "Clicks 630" in text_of(read(shop.cast, link_on(shared)))
    assert "Letzte Woche" in text_of(read(shop.cast, link_on(shared), language="de"))


def test_the_choice_says_which_days_count_and_the_others_stay(shop: Shop) -> None:
    ada = shop.cast.ada
    fields = form_of(ada, about="link", title="Week", subject=shop.link_id, period="last_month")
    typed = {**fields, "period": "last_week", "from": "2026-03-02", "to": "nonsense"}
    rolling = ada.post("/reports/shares", **typed)
    assert "Last week" in text_of(ada.get("/reports/shares")), "what is out of sight is not read"
    assert link_on(rolling)
    refused = ada.post("/reports/shares", **{**typed, "name": ""})
    assert refused.status_code == 422
    for kept in ('value="last_week" selected', 'value="2026-03-02"', 'value="nonsense"'):
        assert kept in refused.text
    fixed = {**typed, "days": "fixed", "to": "2026-03-08", "period": "never"}
    link_on(ada.post("/reports/shares", **fixed))
    assert "Mar 2" in text_of(ada.get("/reports/shares"))
    unknown = ada.post("/reports/shares", **{**typed, "period": "fortnight"})
    assert unknown.status_code == 422


@on_one_engine
def test_days_are_those_of_the_moment_it_is_read(cast: Cast, database: Database) -> None:
    rolling = made(cast.home, database, NOW)
    weekly = made(cast.home, database, NOW, preset="last_week")
    days = {"first": date(2026, 3, 1), "last": date(2026, 3, 31)}
    fixed = made(cast.home, database, NOW, **days)
    later = NOW + timedelta(days=5)
    with database.reading() as session:
        period = period_of(session, live_share(session, rolling, later), later)
        assert (period.first, period.last) == (date(2026, 10, 29), date(2026, 11, 25))
        (share, week) = live_share(session, weekly, later), days_of("last_week", later.date())
        assert (period_of(session, share, later).first, share.preset) == (week[0], "last_week")
        period = period_of(session, live_share(session, fixed, later), later)
        assert (period.first, period.last) == (days["first"], days["last"])


def test_a_password_opens_it_for_this_browser(cast: Cast, database: Database) -> None:
    token = made(cast.home, database, datetime.now(UTC), password=PASSWORD)
    client = reader(app_of(cast))
    asked = read(cast, token, client)
    assert asked.status_code == 200
    assert "Set-Cookie" not in asked.headers
    assert "For the agency" not in asked.text
    csrf = next(each.value for each in Markup(asked.text).forms[0].fields if each.name == "csrf")
    place = f"/app/shared/{token}"

    def tried(password: str) -> TestResponse:
        data = {"csrf": csrf, "password": password}
        return client.post(place, data=data, headers=OWN)

    wrong = tried("eleven small boots")
    assert wrong.status_code == 422
    assert "This is not the password of the report" in text_of(wrong)
    assert "Set-Cookie" not in wrong.headers
    right = tried(PASSWORD)
    assert right.status_code == 303
    assert right.headers["Referrer-Policy"] == "no-referrer"
    (cookie,) = right.headers.getlist("Set-Cookie")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert PASSWORD not in cookie
    assert "For the agency" in text_of(read(cast, token, client))
    assert "For the agency" not in read(cast, token).text
    # Neither does it open another one, nor does what somebody makes up.
    other = made(cast.home, database, datetime.now(UTC), password=PASSWORD, name="Other")
    assert "Other" not in text_of(read(cast, other, client)).replace("Another", "")
    name, _, value = cookie.partition(";")[0].partition("=")
    for forged in ("", "x", value[:-1] + "0x"[value[-1] == "0"], "9" * 11 + value[10:]):
        stranger = reader(app_of(cast))
        stranger.set_cookie(name, forged)
        assert "For the agency" not in read(cast, token, stranger).text, forged
    with database.transaction() as session:
        share = live_share(session, token, datetime.now(UTC))
        revoke_share(session, cast.home.actor, str(share.id), datetime.now(UTC))
    assert read(cast, token, client).status_code == 404
    assert tried(PASSWORD).status_code == 404


@on_one_engine
def test_a_proof_ends_by_itself(cast: Cast, database: Database, settings: Settings) -> None:
    now = datetime.now(UTC)
    token = made(cast.home, database, now, password=PASSWORD)
    _, proof = shares.pass_for(database, settings, token, PASSWORD, b"net", now)
    with database.reading() as session:
        share = live_share(session, token, now)
        assert shares.is_open(settings, share, proof, now)
        assert not shares.is_open(settings, share, proof, now + shares.OPENED_FOR)


@on_one_engine
def test_passwords_are_not_guessed_for_long(cast: Cast, database: Database) -> None:
    token = made(cast.home, database, datetime.now(UTC), password=PASSWORD)
    client = reader(app_of(cast))
    page = read(cast, token, client)
    csrf = next(each.value for each in Markup(page.text).forms[0].fields if each.name == "csrf")
    data = {"csrf": csrf, "password": "a guess of mine"}
    found = [
        client.post(f"/app/shared/{token}", data=data, headers=OWN).status_code for _ in range(12)
    ]
    assert found == [422] * 10 + [429] * 2
    # The right one has to wait now, too.
    last = client.post(f"/app/shared/{token}", data={**data, "password": PASSWORD}, headers=OWN)
    assert last.status_code == 429
    assert int(last.headers["Retry-After"]) > 0


@on_one_engine
def test_others_write_while_a_password_is_hashed(
    cast: Cast, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has one writer at a time, and hashing takes long."""
    hashed = passwords.hasher.hash
    written = []

    def write() -> None:
        with database.transaction() as session:
            session.get_one(Workspace, cast.foreign.workspace_id).name = "Other"
        written.append(True)

    def hash_slowly(password: str) -> str:
        other = threading.Thread(target=write, daemon=True)
        other.start()
        other.join(10)
        return hashed(password)

    monkeypatch.setattr(passwords.hasher, "hash", hash_slowly)
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    fields = {"name": "Board", "about": "touchpoints", "days": "rolling", "expires_at": until}
    answer = cast.ben.post("/reports/shares", **fields, password=PASSWORD)
    assert written == [True]
    link = re.search(r"/app(/shared/[\w-]{43})", answer.text)
    assert link
    assert "password" in cast.stranger.get(link[1]).text
    again = cast.ben.post("/reports/shares", **{**fields, "name": ""}, password="short")
    assert again.status_code == 422
    assert again.text.count('aria-invalid="true"') == 2


def refused(cast: Cast, database: Database, **fields: Any) -> set[str]:
    with pytest.raises(Invalid) as error:
        made(cast.home, database, NOW, **fields)
    return {f"{problem.field} {problem.code}" for problem in error.value.problems}


@on_one_engine
def test_what_makes_no_share(cast: Cast, database: Database) -> None:
    assert refused(cast, database, name="") == {"name empty"}
    assert refused(cast, database, about="all") == {"about not_one_of"}
    assert refused(cast, database, metric="luck") == {"metric not_one_of"}
    assert refused(cast, database, expires_at=None) == {"expires_at empty"}
    assert refused(cast, database, expires_at=NOW) == {"expires_at expiry_past"}
    late = NOW + LONGEST + timedelta(seconds=1)
    assert refused(cast, database, expires_at=late) == {"expires_at share_too_long"}
    assert refused(cast, database, password="short") == {"password password_short"}
    assert refused(cast, database, first=date(2026, 3, 1)) == {"to empty"}
    with database.transaction() as session:
        foreign = make_touchpoint(session, cast.foreign)
    for subject in (foreign, None, "x"):
        with pytest.raises(NotFound):
            made(cast.home, database, NOW, about="touchpoint", subject_id=subject)


def test_a_proposed_heading_is_in_the_readers_language(cast: Cast, database: Database) -> None:
    """What somebody typed stays as it is, and so do names of what is shared."""
    now = datetime.now(UTC)
    for name, about, german, english in (
        ("Übersicht", "overview", "Übersicht", "Overview"),
        ("Momente der Wahrheit", "costs", "Momente der Wahrheit", "Momente der Wahrheit"),
        ("Costs", "costs", "Kosten", "Costs"),
        ("Kosten im Herbst", "costs", "Kosten im Herbst", "Kosten im Herbst"),
    ):
        token = made(cast.home, database, now, name=name, about=about)
        for language, heading in (("de", german), ("en", english)):
            page = read(cast, token, language=language).text
            assert f"<h1>{heading}</h1>" in page
            assert f"<title>{heading} ·" in page
    listed = text_of(cast.ada.get("/reports/shares"))
    assert "Overview Overview" in listed
    assert "Kosten im Herbst Costs" in listed
