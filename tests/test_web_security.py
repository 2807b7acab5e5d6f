"""What protects people in front of a browser: headers, cookies, ways back, sessions, limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from ada_url import URL
from belongings import World, everything, pages
from evidence import Trial
from hypothesis import given
from hypothesis import strategies as st
from mailserver import mail_server
from pages import Markup, explore, filled, place_of, send
from people import PASSWORD, Browser, text_of
from sqlalchemy import Select, select
from werkzeug.test import TestResponse

from linkservice.app import create_app
from linkservice.web.guard import Cookies, form_token
from linkservice.web.page import own_path
from linkservice.workspaces import attempts, passwords
from linkservice.workspaces.model import Member, User

world = pytest.fixture(everything)


@pytest.fixture
def engine_name() -> str:
    """One database: what is tested here is decided before any is asked."""
    return "sqlite"


ADA = "ada@example.com"
HERE = "http://localhost"


@pytest.fixture
def ada_has_a_password(world: World) -> None:
    with world.database.transaction() as session:
        ada = session.scalars(select(User).where(User.email == ADA)).one()
        ada.password_hash = passwords.hasher.hash(PASSWORD)


def every_answer(world: World, whole: bool) -> Iterator[tuple[str, TestResponse]]:
    """What every page and form answers: done, refused, led elsewhere, forbidden, not there; of
    those that are not done one in turn, or all if `whole`.
    """
    for name, answer in _asked(world, whole):
        answer.get_data()  # to its end, as a browser does
        yield name, answer


def _asked(world: World, whole: bool) -> Iterator[tuple[str, TestResponse]]:
    found = explore(world, world.ada, world.adas)
    for number, declared in enumerate(pages("GET")):
        own, foreign = (world.path(declared, each) for each in (world.adas, world.cleos))
        others = [("vera", own), ("nobody", own), ("ada", foreign)]
        for name, path in [("ada", own), *(others if whole else [others[number % 3]])]:
            yield f"{name} GET {path}", world.browser(name).get(path)
    for number, declared in enumerate(pages("POST")):
        path, form = (
            place_of(world, declared, world.adas),
            filled(found.form(declared.name), world.adas),
        )
        for name in ("vera", "nobody") if whole else (("vera", "nobody")[number % 2],):
            yield f"{name} POST {path}", send(world.browser(name), path, form)
        yield f"ada POST {path}", send(world.another_browser_of_ada(), path, form)
    client = world.ada.client
    for path in ("/", "/app", "/app/nothing", "/nothing", "/healthz", "/static/app.css"):
        yield path, client.get(path)
    yield "static", client.get("/static/../app.py")
    yield "static 404", client.get("/static/nothing.css")
    yield "405", client.delete("/app/links")
    yield "foreign", client.post("/app/links", headers={"Origin": "https://evil.example"})
    yield "413", client.post("/app/links", data=b"x" * 2_000_000, content_type="text/plain")
    yield "api", client.get("/api/v1/links")
    yield "api 404", client.get("/api/v1/nothing")


@pytest.mark.wide
def test_every_answer_carries_the_headers(world: World, trial: Trial) -> None:
    wrong = []
    nonces: list[str] = []
    for name, answer in every_answer(world, trial.soak):
        head = answer.headers
        policy = policy_of(answer)
        if policy.get("default-src") != "'none'" or policy.get("frame-ancestors") != "'none'":
            wrong.append(f"{name}: {policy}")
        if "unsafe" in head.get("Content-Security-Policy", ""):
            wrong.append(f"{name}: unsafe")
        if head.get("X-Content-Type-Options") != "nosniff" or head["X-Frame-Options"] != "DENY":
            wrong.append(f"{name}: sniffed or framed")
        # The address of a shared report is a secret, and so is the way out of letters.
        secret = "/shared/" in name or "/letters/off/" in name
        told = "no-referrer" if secret else "same-origin"
        if head.get("Referrer-Policy") != told:
            wrong.append(f"{name}: {head.get('Referrer-Policy')}")
        if "Strict-Transport-Security" in head:
            wrong.append(f"{name}: asks for HTTPS, which is not spoken here")
        wrong += [
            f"{name}: {each}"
            for each in cookies_in(answer)
            if "httponly" not in each or (each["path"], each["samesite"]) != ("/", "Lax")
        ]
        if answer.mimetype == "text/html":
            wrong += [f"{name}: {each}" for each in _unprotected(answer, policy)]
            nonces += re.findall(r"'nonce-([^']+)'", policy.get("script-src", ""))
    assert not wrong, "\n".join(wrong)
    assert len(nonces) == len(set(nonces)) > len(pages("GET"))


def policy_of(answer: TestResponse) -> dict[str, str]:
    """The content policy by its directives."""
    parts = answer.headers.get("Content-Security-Policy", "").split(";")
    return dict(part.strip().partition(" ")[::2] for part in parts)


def _unprotected(answer: TestResponse, policy: dict[str, str]) -> Iterator[str]:
    """What a page has that its policy does not stand for."""
    nonce = re.search(r"'nonce-([^']{20,})'", policy.get("script-src", ""))
    if nonce is None:
        if answer.status_code not in (303, 308):
            yield "no nonce"
        return
    if answer.headers.get("Cache-Control") != "no-store":
        yield "may be kept"
    for tag, given_ in Markup(answer.text).elements:
        if tag in ("script", "style") and given_.get("nonce") != nonce[1]:
            yield f"<{tag}> without the nonce"
        yield from (f"{tag} {name}" for name in given_ if name.startswith("on") or name == "style")
        for place in (given_.get("src"), given_.get("action"), given_.get("formaction")):
            if place and urlsplit(place).netloc:
                yield f"{tag} of another host: {place}"
    forms = Markup(answer.text).forms
    yield from (
        f"{form.action} without a token"
        for form in forms
        if form.method == "POST"
        and "kept" not in form.action
        and "csrf" not in [each.name for each in form.fields]
        and answer.status_code != 401
    )


def cookies_in(answer: TestResponse) -> list[dict[str, str]]:
    """Each cookie an answer sets, with its attributes in lower case."""
    found = []
    for line in answer.headers.getlist("Set-Cookie"):
        first, *rest = line.split("; ")
        name, _, value = first.partition("=")
        attributes = {key.lower(): text for key, _, text in (each.partition("=") for each in rest)}
        found.append({"name": name, "value": value, **attributes})
    return found


@pytest.fixture
def secure(world: World, ada_has_a_password: None) -> Iterator[World]:
    """The same data behind an https address."""
    settings = replace(world.settings, base_url="https://app.example")
    app = create_app(settings)
    yield replace(world, settings=settings, app=app, stranger=Browser(app, settings))
    app.extensions["database"].close()


def test_under_https_cookies_are_bound_to_the_host_and_https_is_asked_for(secure: World) -> None:
    browser = Browser(secure.app, secure.settings)
    answers = [
        browser.get("/sign-in"),
        browser.post("/sign-in", email=ADA, password=PASSWORD),
        browser.post("/language", locale="de"),
        secure.app.test_client().get("/app/sign-in"),
        secure.app.test_client().get("/app/nothing"),
        secure.app.test_client().get("/static/app.css"),
        secure.app.test_client().get("/api/v1/links"),
    ]
    cookies = [each for answer in answers for each in cookies_in(answer)]
    assert {each["name"] for each in cookies} >= {"__Host-session", "__Host-visit"}
    for each in cookies:
        assert each["name"].startswith("__Host-")
        assert {"secure", "httponly"} <= set(each)
        assert (each["path"], each["samesite"], "domain" in each) == ("/", "Lax", False)
    for answer in answers:
        age = re.search(r"max-age=(\d+)", answer.headers["Strict-Transport-Security"])
        assert age
        assert int(age[1]) >= 180 * 24 * 3600


PIECES = st.sampled_from(
    [
        *("/", "//", "\\", "/app/", "/app", "app", "..", ".", "%2e%2e", "%2E.", "%2f", "%5c"),
        *("https:", "http:", "javascript:", "data:", "evil.example", "@", ":", "?", "#", "&"),
        *("\t", "\n", "\r", "\0", " ", "\x0b", "\x7f", "é", "。", "⁄", "\ud800", "links"),
    ]
)


PLACES = st.lists(PIECES, max_size=8).map("".join)


@given(PLACES | PLACES.map("/app/".__add__))
def test_a_way_back_never_leads_out_of_the_app(text: str) -> None:
    place = own_path(text)
    if place is not None:
        assert place.isascii()
        assert place.startswith("/app/")
        for base in (f"{HERE}/app/sign-in", "https://app.example/app/links/7?x#y"):
            found = URL(place, base)
            assert found.origin == URL(base).origin
            assert found.pathname.startswith("/app/")
            assert not {".", ".."} & set(found.pathname.split("/"))


ELSEWHERE = [
    *("//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example"),
    *("https:evil.example", "https://evil.example/app/", "http:///evil.example", "@evil.example"),
    *("/app/..//evil.example", "/app/../..//evil.example", "/app/%2e%2e//evil.example"),
    *("/app/%2E%2E/%5Cevil.example", "/app\t//evil.example", "/app/\n//evil.example"),
    *("/app/\\..\\..\\evil.example", " //evil.example", "/app/\r\nX-Evil: 1"),
    *("/app.evil.example", "/appx", "/api/v1/links", "/app/../static/app.css"),
    *("javascript:alert(1)", "%2f%2fevil.example", "/%2fevil.example"),
]


def test_ways_back_are_followed_only_within_the_app(world: World, ada_has_a_password: None) -> None:
    found = explore(world, world.ada, world.adas)
    ways = [
        declared
        for declared in pages("POST")
        if {"back", "next"} & set(found.form(declared.name).names)
    ]
    assert len(ways) > 2
    for place in ELSEWHERE:
        answers = [world.another_browser_of_ada().get("/sign-in", next=place)]
        answers.append(world.stranger.post("/sign-in", email=ADA, password=PASSWORD, next=place))
        for declared in ways:
            pairs = filled(found.form(declared.name), world.adas)
            pairs = [pair for pair in pairs if pair[0] not in ("back", "next")]
            pairs += [("back", place), ("next", place)]
            browser = world.another_browser_of_ada()
            answers.append(send(browser, place_of(world, declared, world.adas), pairs))
        assert len([answer for answer in answers if answer.status_code == 303]) > 2
        for answer in answers:
            check_stays(answer, place)


def check_stays(answer: TestResponse, place: str) -> None:
    """Neither the answer nor a link on it leads where `place` wants."""
    assert "X-Evil" not in answer.headers
    if "Location" in answer.headers:
        target = URL(answer.headers["Location"], f"{HERE}/app/")
        assert target.origin == HERE, place
        assert target.pathname.startswith("/app/"), place
        assert "evil" not in target.pathname, place
    links = [each.get("href", "") for _, each in Markup(answer.text).elements]
    assert not [link for link in links if "evil.example" in urlsplit(link).netloc], place


def test_the_way_back_is_kept_through_the_sign_in(world: World, ada_has_a_password: None) -> None:
    led = world.stranger.get("/links", q="ä b", state="all")
    page = Markup(world.stranger.client.get(led.headers["Location"]).text)
    (form,) = (form for form in page.forms if form.action == "/app/sign-in")
    place = dict(form.pairs())["next"]
    done = world.stranger.post("/sign-in", email=ADA, password=PASSWORD, next=place)
    assert done.headers["Location"] == "/app/links?q=%C3%A4+b&state=all"


# Sessions


def session_cookie(browser: Browser) -> str | None:
    name = "linkservice-session"
    cookie = browser.client.get_cookie(name)
    return cookie and cookie.value


def signed_in(world: World, token: str) -> bool:
    return Browser(world.app, world.settings, token).get("/account").status_code == 200


def test_a_session_somebody_else_chose_is_not_taken_over(
    world: World, ada_has_a_password: None
) -> None:
    victim = Browser(world.app, world.settings)
    victim.client.set_cookie("linkservice-session", "chosen-by-an-attacker")
    (form,) = (f for f in Markup(victim.get("/sign-in").text).forms if f.action == "/app/sign-in")
    (csrf,) = (each.value for each in form.fields if each.name == "csrf")
    done = victim.post("/sign-in", csrf=csrf, email=ADA, password=PASSWORD)
    assert done.status_code == 303
    token = session_cookie(victim)
    assert token
    assert token != "chosen-by-an-attacker"
    assert signed_in(world, token)
    assert not signed_in(world, "chosen-by-an-attacker")


def test_signing_in_again_ends_the_session_the_browser_had(
    world: World, ada_has_a_password: None
) -> None:
    before = session_cookie(world.ada)
    assert before
    assert world.ada.post("/sign-in", email=ADA, password=PASSWORD).status_code == 303
    after = session_cookie(world.ada)
    assert after
    assert after != before
    assert (signed_in(world, before), signed_in(world, after)) == (False, True)


def test_the_form_token_changes_with_the_session(world: World, ada_has_a_password: None) -> None:
    old = form_token(world.settings, str(session_cookie(world.ada)))
    world.ada.post("/sign-in", email=ADA, password=PASSWORD)
    answer = world.ada.client.post("/app/tags", data={"csrf": old, "name": "Old"})
    assert answer.status_code == 409


def test_signing_out_ends_the_session_on_the_server(world: World) -> None:
    token = str(session_cookie(world.ada))
    answer = world.ada.post("/sign-out")
    assert answer.status_code == 303
    assert not session_cookie(world.ada)
    assert not signed_in(world, token)


def test_signing_out_everywhere_ends_every_browser(world: World) -> None:
    other = world.another_browser_of_ada()
    tokens = [str(session_cookie(each)) for each in (world.ada, other)]
    assert world.ada.post("/account/sign-out-everywhere").status_code == 303
    assert [signed_in(world, token) for token in tokens] == [False, False]


def test_another_role_takes_another_session(world: World) -> None:
    """Ada makes Vera an editor: what Vera's browser held is worth nothing."""
    token = str(session_cookie(world.vera))
    with world.database.reading() as session:
        vera = session.scalars(select(User).where(User.email == "vera@example.com")).one()
        member = next(iter(session.scalars(_members_of(vera.id))))
    answer = world.ada.post(f"/settings/members/{member}/role", role="editor")
    assert answer.status_code == 303
    assert not signed_in(world, token)


def test_ones_own_other_role_rotates_the_session(world: World) -> None:
    with world.database.reading() as session:
        ids = {
            email: session.scalars(
                _members_of(session.scalars(select(User.id).where(User.email == email)).one())
            ).one()
            for email in (ADA, "ben@example.com")
        }
    world.ada.done(f"/settings/members/{ids['ben@example.com']}/role", role="owner")
    before = str(session_cookie(world.ada))
    assert world.ada.post(f"/settings/members/{ids[ADA]}/role", role="viewer").status_code == 303
    after = str(session_cookie(world.ada))
    assert after != before
    assert (signed_in(world, before), signed_in(world, after)) == (False, True)
    assert world.ada.get("/settings/members").status_code == 403


def test_a_removed_member_is_out_at_once(world: World) -> None:
    with world.database.reading() as session:
        ben = session.scalars(select(User.id).where(User.email == "ben@example.com")).one()
        member = session.scalars(_members_of(ben)).one()
    world.ada.done(f"/settings/members/{member}/remove")
    assert world.ben.get("/links").status_code == 303


def test_an_unknown_token_is_nobodys(world: World) -> None:
    for token in ("x", "x" * 3000, "\u20ac", "'; DROP TABLE sessions; --", "\\0"):
        assert not signed_in(world, token)


def _members_of(user_id: int) -> Select[int]:
    return select(Member.id).where(Member.user_id == user_id)


# Guesses


class Counting(passwords.Hasher):
    """Counts the passwords that are really tried."""

    def __init__(self) -> None:
        super().__init__(memory_kib=8, passes=1)
        self.tried = 0

    def verify(self, stored: str | None, password: str) -> bool:
        self.tried += 1
        return super().verify(stored, password)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    counting = Counting()
    monkeypatch.setattr(passwords, "hasher", counting)
    return counting


def guess(world: World, email: str, password: str, address: str = "203.0.113.7") -> TestResponse:
    """One try, as a program would that reads the form once."""
    token = form_token(world.settings, "visit-of-a-stranger")
    return world.stranger.client.post(
        "/app/sign-in",
        data={"csrf": token, "email": email, "password": password},
        environ_overrides={"REMOTE_ADDR": address},
    )


def check_refused(answer: TestResponse) -> None:
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 24 * 3600
    assert not session_of(answer)


def session_of(answer: TestResponse) -> str:
    return next(
        (each["value"] for each in cookies_in(answer) if each["name"] == "linkservice-session"), ""
    )


def test_of_1000_guesses_at_one_account_few_are_tried(
    world: World, ada_has_a_password: None, counting: Counting
) -> None:
    answers = [guess(world, ADA, f"guess number {number}") for number in range(999)]
    last = guess(world, ADA, PASSWORD)
    refused = [answer for answer in answers if answer.status_code != 401]
    assert counting.tried <= 20
    assert len(answers) - len(refused) == counting.tried
    for answer in [*refused, last]:
        check_refused(answer)


def test_of_1000_guesses_at_500_accounts_few_are_tried(
    world: World, ada_has_a_password: None, counting: Counting
) -> None:
    answers = [
        guess(world, f"person{number % 500}@example.com", "password-of-many")
        for number in range(999)
    ]
    refused = [answer for answer in answers if answer.status_code != 401]
    assert counting.tried <= 20
    assert len(answers) - len(refused) == counting.tried
    for answer in [*refused, guess(world, ADA, PASSWORD)]:
        check_refused(answer)


def test_guesses_at_one_account_from_many_networks_are_few(
    world: World, ada_has_a_password: None, counting: Counting
) -> None:
    """And however the address is written."""
    spellings = (ADA, ADA.upper(), f" {ADA}", f"{ADA} ", "Ada@example.com")
    for number in range(100):
        guess(world, spellings[number % 5], "a guess", f"198.51.{number}.1")
    assert counting.tried <= 20
    check_refused(guess(world, ADA, PASSWORD, "192.0.2.1"))


def test_what_a_browser_says_of_its_address_is_not_believed(
    world: World, counting: Counting
) -> None:
    token = form_token(world.settings, "visit-of-a-stranger")
    for number in range(60):
        world.stranger.client.post(
            "/app/sign-in",
            data={"csrf": token, "email": f"p{number}@example.com", "password": "a guess"},
            headers={"X-Forwarded-For": f"198.51.{number}.1", "X-Real-IP": f"198.51.{number}.1"},
        )
    assert counting.tried <= 20


def test_guesses_at_the_same_moment_count_as_well(
    world: World, ada_has_a_password: None, counting: Counting
) -> None:
    token = form_token(world.settings, "visit-of-a-stranger")

    def one(number: int) -> int:
        client = world.app.test_client()
        client.set_cookie("linkservice-visit", "visit-of-a-stranger")
        fields = {"csrf": token, "email": ADA, "password": f"guess {number}"}
        return client.post("/app/sign-in", data=fields).status_code

    with ThreadPoolExecutor(8) as crowd:
        statuses = list(crowd.map(one, range(40)))
    assert counting.tried == statuses.count(401) <= attempts.SIGN_IN_ACCOUNT[0].most
    assert set(statuses) == {401, 429}


def without_secrets(answer: TestResponse) -> str:
    """A page but for what differs between any two."""
    return re.sub(r'(nonce|value|nonce-)="[^"]*"', "", answer.text)


def test_a_known_and_an_unknown_address_are_answered_alike(
    world: World, ada_has_a_password: None, counting: Counting
) -> None:
    cases = [
        (ADA, "a wrong password"),  # with a password
        ("ben@example.com", "a wrong password"),  # without one
        ("nobody@example.com", "a wrong password"),
        ("no address at all", "a wrong password"),
    ]
    answers = [guess(world, *case, f"198.51.{n}.1") for n, case in enumerate(cases)]
    assert {answer.status_code for answer in answers} == {401}
    assert len({without_secrets(answer) for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.keys())) for answer in answers}) == 1
    # As much is computed for each.
    assert counting.tried == len(cases)


@pytest.fixture
def with_mail(world: World) -> Iterator[tuple[World, Callable[[], list[str]]]]:
    """The same data with a mail server; and the texts of its letters."""
    with mail_server() as given_:
        settings = replace(
            world.settings,
            base_url="https://app.example",
            smtp_url=given_.url,
            mail_from="linkservice@app.example",
        )
        app = create_app(settings)

        def letters() -> list[str]:
            assert given_.arrived.wait(60)
            return [letter.get_content() for letter in given_.letters]

        yield replace(world, settings=settings, app=app, stranger=Browser(app, settings)), letters
        app.extensions["database"].close()


EVIL = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "Forwarded": "host=evil.example",
}
HOSTS = ("evil.example", "evil.example:99999", 'evil.example"><script>', "evil.example, b", "")


def asked_at_evil(world: World, kind: str, cookie: str, path: str, **fields: str) -> TestResponse:
    """A form sent to us under another host's name, with the right cookie and token."""
    name = Cookies.of(world.settings).name(kind)
    return world.app.test_client(use_cookies=False).post(
        path,
        data={"csrf": form_token(world.settings, cookie), **fields},
        headers={**EVIL, "Cookie": f"{name}={cookie}"},
    )


def test_letters_lead_to_the_base_url_whatever_host_was_asked(
    with_mail: tuple[World, Callable[[], list[str]]],
) -> None:
    world, letters = with_mail
    answer = asked_at_evil(world, "visit", "visit-of-a-stranger", "/app/forgotten", email=ADA)
    assert answer.status_code == 200, text_of(answer)
    assert b"evil" not in answer.data
    (letter,) = letters()
    assert "https://app.example/app/password/" in letter
    assert "evil" not in letter


def test_a_forgotten_password_does_not_tell_who_has_an_account(
    with_mail: tuple[World, Callable[[], list[str]]],
) -> None:
    world, letters = with_mail
    cases = (ADA, "nobody@example.com", "no address at all")
    answers = [world.stranger.post("/forgotten", email=email) for email in cases]
    assert {answer.status_code for answer in answers} == {200}
    assert len({without_secrets(answer) for answer in answers}) == 1
    assert len(letters()) == 1


@pytest.mark.parametrize(
    "place", ["/app/sign-in", "/app/links", "/", "/app/nothing", "/static/app.css"]
)
def test_no_page_repeats_the_host_it_was_asked_at(world: World, place: str) -> None:
    for client in (world.ada.client, world.stranger.client):
        for host in HOSTS:
            answer = client.get(place, headers={**EVIL, "Host": host})
            assert answer.status_code < 500
            assert b"evil" not in answer.data
            assert not [value for _, value in answer.headers if "evil" in value]


def test_links_shown_to_an_owner_lead_to_the_base_url(world: World) -> None:
    fields = {"email": "guest@example.com", "role": "viewer"}
    token = str(session_cookie(world.ada))
    answer = asked_at_evil(world, "session", token, "/app/settings/members", **fields)
    assert answer.status_code == 200
    assert f"{world.settings.base_url}/app/invitation/" in answer.text
    assert "evil" not in answer.text
