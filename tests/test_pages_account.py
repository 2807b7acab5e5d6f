"""Accounts on pages: set-up, first run, signing in and out, members, keys, domains, the trail."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from people import PASSWORD, Browser, Cast, everybody, text_of

from linkservice.app import close_app, create_app
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.workspaces import one_time
from linkservice.workspaces.accounts import first_workspace
from linkservice.workspaces.model import Workspace

cast = pytest.fixture(everybody)


def link_in(page: object, kind: str) -> str:
    """The path below `/app` of the link a page shows once."""
    found = re.search(rf"/app(/{kind}/[\w-]+)", str(getattr(page, "text", page)))
    assert found is not None
    return found[1]


def test_only_who_has_the_link_sets_a_new_installation_up(
    settings: Settings, database: Database
) -> None:
    with database.transaction() as session:
        token = one_time.setup_link(session, datetime.now(UTC))
    app = create_app(settings)
    anna = Browser(app, settings)
    assert anna.get("/setup/a-guess").status_code == 404
    assert "Nobody can sign in yet" in text_of(anna.get("/sign-in"))
    refused = anna.post(f"/setup/{token}", email="anna@morgenrot.de", password="short")
    assert refused.status_code == 422
    assert "anna@morgenrot.de" in refused.text
    begun = anna.post(f"/setup/{token}", email="anna@morgenrot.de", password=PASSWORD)
    assert (begun.status_code, begun.location) == (303, "/app/welcome")
    assert Browser(app, settings).get(f"/setup/{token}").status_code == 404
    assert "Nobody can sign in yet" not in text_of(Browser(app, settings).get("/sign-in"))
    # What is filled in already is enough to go through all three steps.
    welcome = anna.get("/welcome")
    assert 'value="Morgenrot"' in welcome.text
    kept = anna.client.get_cookie("linkservice-session")
    assert kept is not None
    signed_in = Browser(app, settings, kept.value)
    signed_in.done("/welcome", name="Morgenrot", brand_colour="#14594f", locale="de")
    signed_in.done("/welcome/domain", host="")
    page = signed_in.done("/welcome/journey", name="Kundenreise", template="standard")
    assert "Paketbeilage" in text_of(page)
    with database.reading() as session:
        workspace = first_workspace(session)
        assert (workspace.name, workspace.set_up_at is not None) == ("Morgenrot", True)
    close_app(app)


def test_ben_is_invited_joins_and_signs_in_again(cast: Cast) -> None:
    made = cast.ada.post("/settings/members", email="dora@example.com", role="editor")
    path = link_in(made, "invitation")
    dora = cast.stranger
    assert "dora@example.com" in text_of(dora.get(path))
    joined = dora.post(path, password=PASSWORD)
    assert (joined.status_code, joined.location) == (303, "/app/")
    assert dora.get(path).status_code == 404
    assert "dora@example.com" in text_of(cast.ada.get("/settings/members"))
    again = Browser(dora.client.application, dora.settings)
    wrong = again.post("/sign-in", email="dora@example.com", password="not-this-one")
    assert wrong.status_code == 401
    assert "dora@example.com" in wrong.text
    right = again.post(
        "/sign-in", email="dora@example.com", password=PASSWORD, next="/app/links?q=a"
    )
    assert (right.status_code, right.location) == (303, "/app/links?q=a")


def test_the_last_owner_stays(cast: Cast) -> None:
    page = cast.ada.get("/settings/members")
    member_id = re.findall(r"/settings/members/(\d+)/role", page.text)[0]
    refused = cast.ada.post(f"/settings/members/{member_id}/role", role="viewer")
    assert refused.status_code == 409
    assert "owner" in text_of(refused)


def test_a_key_is_shown_once_and_revoked(cast: Cast) -> None:
    made = cast.ada.post("/settings/keys", name="shop", scope="links:read", expires_at="2126-01-01")
    key = re.search(r"lsk_[\w-]+", made.text)
    assert key is not None
    headers = {"Authorization": f"Bearer {key[0]}"}
    assert cast.ada.client.get("/api/v1/links", headers=headers).status_code == 200
    page = cast.ada.get("/settings/keys")
    assert key[0] not in page.text
    assert "shop" in text_of(page)
    key_id = re.findall(r"/settings/keys/(\d+)/revoke", page.text)[0]
    cast.ada.done(f"/settings/keys/{key_id}/revoke")
    assert cast.ada.client.get("/api/v1/links", headers=headers).status_code == 401
    bare = cast.ada.post("/settings/keys", name="bare")
    assert bare.status_code == 422
    assert "May: Nothing is chosen" in text_of(bare)
    past = cast.ada.post("/settings/keys", name="late", scope="links:read", expires_at="2020-01-01")
    assert past.status_code == 422
    assert 'value="late"' in past.text


def test_time_zones_are_offered_once_and_a_rare_one_is_kept(cast: Cast, database: Database) -> None:
    def offered() -> list[str]:
        return re.findall(r'<option value="([A-Za-z]+/[^"]+)"', cast.ada.get("/settings").text)

    usual = offered()
    assert len(usual) == len(set(usual))
    assert {"Europe/Berlin", "Europe/Vienna", "Asia/Kolkata"} <= set(usual)
    assert not {"Asia/Calcutta", "Europe/Belfast", "America/Buenos_Aires"} & set(usual)
    with database.transaction() as session:
        session.get_one(Workspace, cast.home.workspace_id).time_zone = "Asia/Calcutta"
    assert offered() == ["Asia/Calcutta", *usual]


def test_the_public_holidays_of_a_state_are_chosen_and_given_up(
    cast: Cast, database: Database
) -> None:
    def chosen() -> list[str]:
        part = cast.ada.get("/settings").text.partition('name="holidays"')[2].partition("</select")
        return re.findall(r'<option value="([^"]*)" selected', part[0])

    assert chosen() == [""]
    cast.ada.done("/settings", holidays="DE-NW")
    assert chosen() == ["DE-NW"]
    refused = cast.ada.post("/settings", holidays="DE-XX")
    assert refused.status_code == 422
    assert "No public holidays are known of “DE-XX”" in text_of(refused)
    cast.ada.done("/settings", name="Marke")
    assert chosen() == ["DE-NW"]
    cast.ada.done("/settings", holidays="")
    assert chosen() == [""]


def test_a_spent_demonstration_link_says_to_start_it_again(cast: Cast) -> None:
    spent = cast.stranger.get("/sign-in/spent")
    assert spent.status_code == 404
    assert "start the demonstration again" in text_of(spent)


def test_the_trail_tells_who_did_what(cast: Cast) -> None:
    cast.ben.done("/links", destination="https://example.com/", slug="sommer", deed="create")
    cast.ada.done("/settings/domains", host="go.morgenrot.example")
    told = text_of(cast.ada.get("/settings/trail"))
    assert "ben@example.com" in told
    assert "sommer" in told
    assert "go.morgenrot.example" in told


def test_a_forgotten_password_is_chosen_anew_by_an_owners_link(cast: Cast) -> None:
    page = cast.ada.get("/settings/members")
    ben_id = re.findall(r"/settings/members/(\d+)/password-link", page.text)[1]
    made = cast.ada.post(f"/settings/members/{ben_id}/password-link")
    path = link_in(made, "password")
    assert cast.stranger.post(path, password=PASSWORD).status_code == 303
    # All of Ben's other browsers are signed out.
    assert cast.ben.get("/links").location.startswith("/app/sign-in")


def test_signing_out_ends_the_session(cast: Cast) -> None:
    assert cast.vera.post("/sign-out").status_code == 303
    assert cast.vera.get("/links").location.startswith("/app/sign-in")


def test_the_language_stays_chosen(cast: Cast) -> None:
    assert "Links" in text_of(cast.vera.get("/links"))
    cast.vera.post("/language", locale="de", back="/app/links")
    page = cast.vera.get("/links")
    assert '<html lang="de">' in page.text
    assert "Berichte" in text_of(page)


def test_the_host_for_new_links_is_chosen(cast: Cast) -> None:
    cast.ada.done("/settings/domains", host="go.morgenrot.example")
    page = cast.ada.get("/settings/domains")
    [domain_id] = re.findall(r"/settings/domains/(\d+)/prefer", page.text)
    cast.ada.done(f"/settings/domains/{domain_id}/prefer")
    link = cast.ada.done("/links", destination="https://example.com/", slug="neu", deed="create")
    assert "https://go.morgenrot.example/neu" in text_of(link)
    assert cast.vera.post(f"/settings/domains/{domain_id}/prefer").status_code == 403
