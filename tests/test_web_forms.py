"""Forms are believed only from our own pages, and what somebody typed is never lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from belongings import World, belongings, everything, pages
from pages import UNSEEN, Markup, Pair, explore, filled, place_of
from people import Browser, text_of

from linkservice.web.door import PUBLIC, Declared
from linkservice.web.forms import SECRETS
from linkservice.web.guard import form_token
from linkservice.wording import SENTENCES

world = pytest.fixture(everything)


@pytest.fixture
def engine_name() -> str:
    """One database: what is tested here is decided before any is asked."""
    return "sqlite"


OWN = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}

TYPED = ("text", "email", "password", "search", "textarea", "number", "date")


def every_form(world: World) -> Iterator[tuple[Declared, str, list[Pair]]]:
    """Each page that takes a form, with its address and fields that would be accepted."""
    found = explore(world, world.ada, world.adas)
    for declared in pages("POST"):
        yield (
            declared,
            place_of(world, declared, world.adas),
            filled(found.form(declared.name), world.adas),
        )


def token_of(world: World, browser: Browser) -> str:
    """The token a page shows this browser."""
    path = "/forgotten" if browser is world.stranger else "/account"
    markup = Markup(browser.get(path).text)
    return next(each.value for form in markup.forms for each in form.fields if each.name == "csrf")


def everything_there_is(world: World) -> list[object]:
    return [
        belongings(world.database, estate.home.workspace_id) for estate in (world.adas, world.cleos)
    ]


FOREIGN = {
    "from another site": {"Sec-Fetch-Site": "cross-site"},
    "from a sibling host": {"Sec-Fetch-Site": "same-site"},
    "from another origin": {"Origin": "https://evil.example"},
    "from a page without an origin": {"Origin": "null"},
    "from our host on another port": {"Origin": "http://localhost:8001"},
    "from what is no origin": {"Origin": "http://["},
    "from a host that begins like ours": {"Origin": "http://localhost.evil.example"},
}


@pytest.mark.parametrize("told", FOREIGN)
def test_a_form_of_another_site_is_refused(world: World, told: str) -> None:
    before = everything_there_is(world)
    tokens = {browser: token_of(world, browser) for browser in (world.stranger, world.ada)}
    wrong = []
    for declared, place, pairs in every_form(world):
        browser = world.stranger if declared.scope is PUBLIC else world.ada
        fields = [*pairs, ("csrf", tokens[browser])]
        answer = browser.client.post(f"/app{place}", data=dict(fields), headers=FOREIGN[told])
        if answer.status_code != 403:
            wrong.append(f"{declared.path}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)
    assert everything_there_is(world) == before


TOKENS: dict[str, Callable[[World], str | None]] = {
    "without a token": lambda world: None,
    "with an empty token": lambda world: "",
    "with a token of nobody": lambda world: "A" * 43,
    "with the token of another": lambda world: token_of(world, world.cleo),
    "with the token of a visitor": lambda world: token_of(world, world.stranger),
    "with a token that is no ASCII": lambda world: "Schlüssel",
}


@pytest.mark.parametrize("told", TOKENS)
def test_a_form_needs_the_token_of_its_browser(world: World, told: str) -> None:
    before = everything_there_is(world)
    token = TOKENS[told](world)
    wrong = []
    for declared, place, pairs in every_form(world):
        stranger = declared.scope is PUBLIC
        if stranger and told == "with the token of a visitor":
            continue
        browser = world.stranger if stranger else world.ada
        fields = [pair for pair in pairs if pair[0] != "csrf"]
        if token is not None:
            fields.append(("csrf", token))
        answer = browser.client.post(f"/app{place}", data=dict(fields), headers=OWN)
        if answer.status_code != (404 if declared.name == "set_up" else 409):
            wrong.append(f"{declared.path}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)
    assert everything_there_is(world) == before


def test_without_any_cookie_no_form_is_believed(world: World) -> None:
    """The token of an empty cookie is the same for everybody, so it opens nothing."""
    nobody = world.app.test_client()
    token = form_token(world.settings, "")
    for declared, place, pairs in every_form(world):
        fields = dict([*pairs, ("csrf", token)])
        answer = nobody.post(f"/app{place}", data=fields, headers=OWN)
        wanted = 409 if declared.scope is PUBLIC else 401
        assert answer.status_code == (404 if declared.name == "set_up" else wanted), declared.path


def test_an_expired_token_shows_the_form_again_with_what_was_typed(world: World) -> None:
    wrong = []
    for declared, place, pairs in every_form(world):
        known = explore(world, world.ada, world.adas)
        # What no page offers here: without mail nobody asks for a letter, and so on.
        if declared.again is None or declared.name not in known.forms:
            continue
        found = known.form(declared.name)
        typed = {
            each.name: f"typed into {each.name}"
            for each in found.fields
            if each.kind in TYPED and each.name not in UNSEEN.get(declared.name, {})
        }
        browser = world.stranger if declared.scope is PUBLIC else world.ada
        fields = {**dict(pairs), **typed, "csrf": "expired"}
        answer = browser.client.post(f"/app{place}", data=fields, headers=OWN)
        if SENTENCES["form_expired"] not in text_of(answer):
            wrong.append(f"{declared.path} does not say why")
        forms = [form for form in Markup(answer.text).forms if form.action == f"/app{place}"]
        shown = {each.value for form in forms for each in form.fields}
        for name, text in typed.items():
            if name in SECRETS and text in answer.text:
                wrong.append(f"{declared.path} shows the {name}")
            elif name not in SECRETS and text not in shown:
                wrong.append(f"{declared.path} does not show the {name} again in its form")
    assert not wrong, "\n".join(wrong)


def test_an_expired_button_says_what_to_do(world: World) -> None:
    """Where nothing was typed nothing can be shown again."""
    buttons = 0
    for declared, place, pairs in every_form(world):
        if declared.again is None and declared.scope is not PUBLIC:
            buttons += 1
            fields = {**dict(pairs), "csrf": "expired"}
            answer = world.ada.client.post(f"/app{place}", data=fields, headers=OWN)
            assert answer.status_code == 409
            assert SENTENCES["button_expired"] in text_of(answer), declared.path
    assert buttons > 10


def test_what_was_typed_survives_the_end_of_the_session(world: World) -> None:
    """The page keeps all fields but secrets, to be sent again after signing in."""
    wrong = []
    for declared, place, pairs in every_form(world):
        if declared.scope is PUBLIC:
            continue
        fields = {**dict(pairs), "password": "hunter2-hunter2", "note": "two\nlines & <more>"}
        answer = world.stranger.post(place, **fields)
        assert answer.status_code == 401, declared.path
        if "hunter2" in answer.text:
            wrong.append(f"{declared.path} shows a password")
        forms = [form for form in Markup(answer.text).forms if form.action == f"/app{place}"]
        if len(forms) != 1 or forms[0].method != "POST":
            wrong.append(f"{declared.path} cannot be sent again")
            continue
        kept = dict(forms[0].pairs())
        wanted = {name: text for name, text in fields.items() if name not in SECRETS}
        if kept != wanted:
            wrong.append(f"{declared.path} forgets {set(wanted.items()) - set(kept.items())}")
    assert not wrong, "\n".join(wrong)


def test_sent_again_after_signing_in_it_is_one_step_from_done(world: World) -> None:
    """The page of the ended session holds no token: the form comes back filled in, then goes."""
    place, typed = "/links", {"destination": "https://example.com/kept", "title": "Kept"}
    ended = world.stranger.post(place, **typed)
    kept = next(f for f in Markup(ended.text).forms if f.action == f"/app{place}").pairs()
    again = world.ada.client.post(f"/app{place}", data=dict(kept), headers=OWN)
    assert again.status_code == 409
    form = next(f for f in Markup(again.text).forms if f.action == f"/app{place}")
    fields = {each.name: each.value for each in form.fields if each.name in (*typed, "csrf")}
    assert {name: fields[name] for name in typed} == typed
    done = world.ada.client.post(f"/app{place}", data=fields, headers=OWN)
    assert done.status_code == 303, text_of(done)


def test_a_refused_form_says_what_is_wrong_and_changes_nothing(world: World) -> None:
    before = everything_there_is(world)
    for path, field in (
        ("/links", "destination"),
        ("/tags", "name"),
        ("/settings/domains", "host"),
    ):
        answer = world.ada.post(path, **{field: ""})
        assert answer.status_code == 422
        wrong = [each for tag, each in Markup(answer.text).elements if "aria-invalid" in each]
        assert [each["name"] for each in wrong] == [field]
        assert wrong[0]["aria-describedby"]
    assert everything_there_is(world) == before


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods_are_not_taken(world: World, method: str) -> None:
    for declared in pages("POST"):
        path = f"/app{world.path(declared, world.adas)}"
        answer = world.ada.client.open(path, method=method, headers=OWN)
        assert answer.status_code == 405, declared.path


def test_looking_changes_nothing(world: World) -> None:
    """No GET does what a form does: not even the address of a form."""
    before = everything_there_is(world)
    for declared in [*pages("GET"), *pages("POST")]:
        world.ada.get(place_of(world, declared, world.adas)).get_data()
        world.ada.client.head(f"/app{place_of(world, declared, world.adas)}")
    assert everything_there_is(world) == before
