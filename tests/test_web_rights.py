"""Every page, every role, one's own things and others': who may see and do what. No leaks.

The pages are those that are declared: a new one is tested as soon as it is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from urllib.parse import urlencode

import pytest
from belongings import (
    CLEOS,
    PERSONAL,
    Estate,
    World,
    belongings,
    everything,
    furnish,
    kinds_in,
    on_one_engine,
    pages,
    strays,
)
from pages import Map, explore, filled, place_of, send
from werkzeug.test import TestResponse

from linkservice.web.door import PUBLIC, Declared
from linkservice.web.page import PREFIX
from linkservice.workspaces.access import SCOPES_OF
from linkservice.workspaces.accounts import add_user
from linkservice.workspaces.model import Workspace

world = pytest.fixture(everything)

ROLES = {"ada": "owner", "ben": "editor", "vera": "viewer", "cleo": "owner"}
NO_ID = ("0", "-1", "007", "x", "9" * 30, "%00", "%FF", "..")


def may(name: str, declared: Declared) -> bool:
    """Whether somebody of that name may use the page, if the things are her own."""
    if declared.scope is PUBLIC:
        return True
    if name not in ROLES:
        return False
    held = SCOPES_OF[ROLES[name]]
    return not declared.scope or declared.scope in held or "admin" in held


def told(declared: Declared, answer: TestResponse, wanted: object) -> str:
    return f"{declared.method} {declared.path}: {answer.status_code}, not {wanted}"


def leaks(answer: TestResponse, mark: str) -> bool:
    """Whether anything of the marked workspace stands in an answer."""
    sent = [answer.data, *(value.encode() for _, value in answer.headers)]
    return any(mark.lower().encode() in part.lower() for part in sent)


def is_of_another(name: str, declared: Declared) -> bool:
    """Whether the page shows what belongs to Ada in person."""
    return name != "ada" and bool(kinds_in(declared) & PERSONAL)


@pytest.mark.parametrize("name", ["ada", "ben", "vera"])
def test_members_see_what_their_role_may_see(world: World, name: str) -> None:
    wrong = []
    for declared in pages("GET"):
        answer = world.browser(name).get(world.path(declared, world.adas))
        wanted = {200, 303} if may(name, declared) else {403}
        if declared.path.startswith("/setup/") or is_of_another(name, declared):
            wanted = {404}
        if answer.status_code not in wanted:
            wrong.append(told(declared, answer, wanted))
        elif answer.status_code == 303 and not answer.headers["Location"].startswith(PREFIX):
            wrong.append(f"{declared.path} leads to {answer.headers['Location']}")
        if leaks(answer, CLEOS):
            wrong.append(f"{declared.path} tells of Cleo's")
    assert not wrong, "\n".join(wrong)


def test_nobody_is_led_to_the_sign_in_and_back(world: World) -> None:
    wrong = []
    for declared in pages("GET"):
        path = world.path(declared, world.adas)
        answer = world.stranger.get(path)
        if declared.scope is PUBLIC:
            wanted = 404 if path.startswith("/setup/") else 200
        else:
            wanted = 303
            back = urlencode({"next": f"{PREFIX}{path}"}, safe="/")
            assert answer.headers.get("Location") == f"{PREFIX}/sign-in?{back}", declared.path
        if answer.status_code != wanted:
            wrong.append(told(declared, answer, wanted))
        # An invitation says by whom and to what; a shared report is there to be read.
        own = path.startswith(("/invitation/", "/shared/", "/letters/off/"))
        told_of = [world.cleos] if own else [world.cleos, world.adas]
        wrong += [f"{declared.path} tells of {e.mark}" for e in told_of if leaks(answer, e.mark)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["ben", "vera", "nobody"])
def test_who_may_not_changes_nothing(world: World, name: str) -> None:
    found = explore(world, world.ada, world.adas)
    before = belongings(world.database, world.adas.home.workspace_id)
    wrong = []
    for declared in pages("POST"):
        if may(name, declared):
            continue
        answer = ask(world, name, declared, world.adas, found, world.adas)
        wanted = 401 if name == "nobody" else 403
        if answer.status_code != wanted:
            wrong.append(told(declared, answer, wanted))
        if leaks(answer, CLEOS):
            wrong.append(f"{declared.path} tells of Cleo's")
    assert not wrong, "\n".join(wrong)
    assert belongings(world.database, world.adas.home.workspace_id) == before


def test_who_may_is_let_through(world: World) -> None:
    """Without this, refusing everybody would pass the tests above."""
    found = explore(world, world.ada, world.adas)
    browser, estate, numbers = world.ada, world.adas, count(2)
    wrong = []
    for declared in pages("POST"):
        if declared.scope is PUBLIC:
            continue
        for _ in range(2):
            form = filled(found.form(declared.name), estate)
            answer = send(browser, place_of(world, declared, estate), form)
            if answer.status_code not in (401, 404):
                break
            # An earlier form deleted it, or ended the session.
            browser, estate = world.another_browser_of_ada(), another(world, next(numbers))
        if answer.status_code not in (200, 303, 409, 422):
            wrong.append(told(declared, answer, "let through"))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["ada", "ben", "vera"])
def test_what_is_cleos_is_not_there_for_others(world: World, name: str) -> None:
    found = explore(world, world.ada, world.adas)
    before = belongings(world.database, world.cleos.home.workspace_id)
    wrong = []
    for declared, estate in mixed(world.adas, world.cleos):
        answer = ask(world, name, declared, estate, found, world.adas)
        wanted = 404 if may(name, declared) else 403
        if answer.status_code != wanted:
            wrong.append(told(declared, answer, wanted))
        if leaks(answer, CLEOS):
            wrong.append(f"{declared.method} {declared.path} tells of Cleo's")
    assert not wrong, "\n".join(wrong)
    assert belongings(world.database, world.cleos.home.workspace_id) == before


def test_what_is_adas_is_not_there_for_cleo(world: World) -> None:
    found = explore(world, world.cleo, world.cleos)
    before = belongings(world.database, world.adas.home.workspace_id)
    wrong = []
    for declared, estate in mixed(world.cleos, world.adas):
        answer = ask(world, "cleo", declared, estate, found, world.cleos)
        if answer.status_code != 404:
            wrong.append(told(declared, answer, 404))
        if leaks(answer, world.adas.mark):
            wrong.append(f"{declared.method} {declared.path} tells of Ada's")
    assert not wrong, "\n".join(wrong)
    assert belongings(world.database, world.adas.home.workspace_id) == before


@on_one_engine
def test_what_is_no_id_is_not_there(world: World) -> None:
    wrong = []
    for declared in pages("GET"):
        for word in sorted(kinds_in(declared)):
            for text in NO_ID:
                estate = replace(world.adas, ids={**world.adas.ids, word: text})
                answer = world.ada.get(world.path(declared, estate))
                if answer.status_code != 404:
                    wrong.append(f"{text}: {told(declared, answer, 404)}")
    assert not wrong, "\n".join(wrong)


@on_one_engine
def test_no_query_names_what_is_cleos(world: World) -> None:
    """Filters, preselected choices, files: each page with every field that can name a thing."""
    found = explore(world, world.ada, world.adas)
    wrong = []
    for declared in pages("GET"):
        path = world.path(declared, world.adas)
        known = found.queries[declared.name] & set(world.cleos.fields)
        for names in [*([name] for name in sorted(known)), list(world.cleos.fields)]:
            answer = world.ada.get(path, **{name: world.cleos.fields[name] for name in names})
            if answer.status_code >= 500 or leaks(answer, CLEOS):
                wrong.append(told(declared, answer, f"without Cleo's for {names}"))
    assert not wrong, "\n".join(wrong)


@on_one_engine
def test_no_form_reaches_what_is_cleos(world: World) -> None:
    """Each field that names a thing, and all of them at once, in the form and in the query."""
    found = explore(world, world.ada, world.adas)
    before = belongings(world.database, world.cleos.home.workspace_id)
    wrong = []
    for declared in pages("POST"):
        form = filled(found.form(declared.name), world.adas)
        named = [name for name, _ in form if name in world.cleos.fields]
        for names in [[name] for name in named] + [list(world.cleos.fields)]:
            taken = {name: world.cleos.fields[name] for name in names}
            pairs = [pair for pair in form if pair[0] not in taken] + list(taken.items())
            query = f"?{urlencode(taken)}"
            browser = world.another_browser_of_ada()
            answer = send(browser, world.path(declared, world.adas) + query, pairs)
            if answer.status_code >= 500 or leaks(answer, CLEOS):
                wrong.append(told(declared, answer, f"without Cleo's for {names}"))
    assert not wrong, "\n".join(wrong)
    assert belongings(world.database, world.cleos.home.workspace_id) == before
    assert strays(world.database) == []


@on_one_engine
def test_fields_that_name_things_are_known(world: World) -> None:
    found = explore(world, world.ada, world.adas)
    names = {name for forms in found.forms.values() for form in forms for name in form.names}
    names |= {name for queries in found.queries.values() for name in queries}
    new = {name for name in names if name.endswith(("_id", "_ids"))} - set(world.cleos.fields)
    new.remove("append_click_id")  # a switch, which names nothing
    assert not new, f"let `furnish` in tests/belongings.py say what these may be: {new}"


def test_search_and_files_hold_only_ones_own(world: World) -> None:
    for path in ("/search?q=secret", "/links?q=secret", "/links.csv", "/reports/touchpoints.csv"):
        answer = world.ada.get(path)
        assert answer.status_code == 200, path
        assert leaks(answer, world.adas.mark), path
        assert not leaks(answer, CLEOS), path


def test_a_member_of_two_workspaces_sees_the_one_looked_at(world: World) -> None:
    """Cleo joins Ada's workspace as a viewer: what she may follows the workspace."""
    with world.database.transaction() as session:
        workspace = session.get_one(Workspace, world.adas.home.workspace_id)
        add_user(session, workspace, "cleo@cleosecret.example", "viewer", datetime.now(UTC))
    mine, other = world.cleos.ids["links"], world.adas.ids["links"]
    assert world.cleo.get(f"/links/{mine}").status_code == 200
    assert world.cleo.get(f"/links/{other}").status_code == 404
    switched = world.cleo.post("/workspace", workspace_id=str(world.adas.home.workspace_id))
    assert switched.status_code == 303
    assert world.cleo.get(f"/links/{other}").status_code == 200
    assert world.cleo.get(f"/links/{mine}").status_code == 404
    assert world.cleo.get("/settings/members").status_code == 403


def another(world: World, number: int) -> Estate:
    """More of Ada's, as new."""
    with world.database.transaction() as session:
        now = datetime.now(UTC)
        return furnish(session, world.settings, world.adas.home, world.adas.mark, now, number)


def mixed(own: Estate, foreign: Estate) -> Iterable[tuple[Declared, Estate]]:
    """Every page that takes ids, with each of its ids foreign in turn."""
    for declared in [*pages("GET"), *pages("POST")]:
        for word in sorted(kinds_in(declared)):
            yield declared, replace(own, ids={**own.ids, word: foreign.ids[word]})


def ask(
    world: World, name: str, declared: Declared, estate: Estate, found: Map, own: Estate
) -> TestResponse:
    """A page or a form of the estate's ids, all else as it should be."""
    browser, path = world.browser(name), place_of(world, declared, estate, own)
    if declared.method == "GET":
        return browser.get(path)
    return send(browser, path, filled(found.form(declared.name), own))
