"""Whatever is typed into any field or address: no server error, nothing of it becomes markup.

The fields are those the pages show and those their views ask for, so a new one is tried too. What
is tried where goes round (`turns`); `make soak` tries everything everywhere.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus

import pytest
from belongings import Noted, World, everything, furnish, kinds_in, pages
from evidence import Trial
from markupsafe import escape
from pages import Markup, explore, filled
from people import Browser
from turns import alone, together
from werkzeug.test import TestResponse

from linkservice.web.door import PUBLIC, Declared
from linkservice.web.guard import form_token

world = pytest.fixture(everything)

PRODUCT = "62710561"
"""What `7919*7919` comes to, if anybody computes it."""

SCRIPT = "<script>alert(7919)</script>"
PICTURE = "\"'><img src=x onerror=alert(7919)>"
COMPUTED = "{{7919*7919}}${7919*7919}#{7919*7919}{%print(7919*7919)%}"

HOSTILE: dict[str, str | bytes] = {
    "a script": SCRIPT,
    "a picture that breaks out of an attribute": PICTURE,
    "a comment and a closing tag": "--></title></textarea></select><svg/onload=alert(7919)>",
    "an address that is a script": "javascript:alert(7919)//https://example.com/",
    "a template": COMPUTED,
    "formats": "%s %(x)s %n {0} {x} {0.__class__} %%",
    "SQL": "'; DROP TABLE links; -- \" OR 1=1",
    "NUL": "a\0b",
    "half a character": b"a\xed\xa0\x80b",
    "bytes of no text": b"\xff\xfe\x80\xc0\xaf",
    "a text that runs backwards": "\u202egpj.exe\u2066\u200b\ufeff",
    "emoji and composed letters": "👩‍👩‍👧‍👦 é́́ ǆ ﷽ \U0010ffff",
    "control characters": "a\r\nX-Evil: 1\x0b\x1b[31m\x7f\u2028",
    "a very long text": "ä" * 10_000,
    "a negative number": "-1",
    "a huge number": "9" * 400,
    "a number beyond 64 bits": str(2**63),
    "a number that is none": "NaN",
    "an infinite number": "1e999",
    "other digits": "١٢٣",
    "a path": "../../../../etc/passwd",
    "a formula": "=cmd|'/c calc'!A0",
    "another formula": "@SUM(1+1)*cmd",
    "an impossible day": "2026-02-31",
    "a day before all time": "0001-01-01",
    "a day after all time": "9999-12-31",
    "nothing": "",
    "blanks": " \t \u00a0 ",
    "brackets": "[]{}()<>\\|^~`",
}
STORED = (f"=1+1 %s%n{SCRIPT}", f"@{{0}}%%{PICTURE}")
"""What names of things are made of, where they are shown: a formula first, markup behind it."""

TOLD = ("a script", "a picture that breaks out of an attribute", "formats", "a template")
"""What is looked for on the page a form leads to as well."""

FOR_DATABASES = (
    *("NUL", "half a character", "bytes of no text", "control characters", "a very long text"),
    *("a negative number", "a huge number", "a number beyond 64 bits", "an infinite number"),
    *("a day before all time", "a day after all time", "other digits"),
)
"""What databases take differently."""

ONE_BY_ONE = {
    "sqlite": ("a script", "half a character", "a number beyond 64 bits"),
    "postgresql": ("NUL", "half a character", "a number beyond 64 bits"),
}
"""What one field is filled with while all others are as they should be."""

Pairs = list[tuple[str, str | bytes]]


def post(browser: Browser, place: str, pairs: Pairs) -> TestResponse:
    """Send bytes as they are, in the form and in the query, with the token a form needs."""
    token = form_token(browser.settings, browser.cookie)
    answer = browser.client.post(
        f"/app{place}?{encoded(pairs)}",
        data=encoded([*pairs, ("csrf", token)]),
        content_type="application/x-www-form-urlencoded",
    )
    answer.get_data()
    return answer


def encoded(pairs: Iterable[tuple[str, str | bytes]]) -> str:
    """As a browser would send it, if it sent such bytes."""
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)


def harm(answer: TestResponse) -> Iterator[str]:
    """What an answer does that no answer may."""
    answer.get_data()
    if answer.status_code >= 500:
        yield str(answer.status_code)
    if "X-Evil" in answer.headers:
        yield "a header of theirs"
    if answer.mimetype == "text/csv":
        yield from (f"a formula in a file: {cell}" for cell in formulas(answer.text))
    if answer.mimetype != "text/html":
        return
    text = answer.text
    if PRODUCT in text:
        yield "computes what was typed"
    yield from (f"unescaped {raw}" for raw in (SCRIPT, "<img src=x", "<svg/onload") if raw in text)
    if not MAY_RUN.search(text):
        return
    for tag, given in Markup(text).elements:
        yield from (f"<{tag}> with {name}" for name in given if name.startswith("on"))
        for name in {"href", "src", "action", "formaction"} & set(given):
            if re.sub(r"[\s\x00-\x1f]", "", given[name]).lower().startswith("javascript:"):
                yield f"<{tag}> with a script as {name}"


MAY_RUN = re.compile(r"[\s/\"']on\w+\s*=|script\s*:", re.IGNORECASE)
"""Without it nothing in a page runs; only with it is the page worth being read as a browser does.
"""


def formulas(text: str) -> list[str]:
    """Cells a spreadsheet would compute."""
    cells = (cell for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"))) for cell in row)
    return [cell for cell in cells if re.match(r"[=+@\t\r]|-(?![\d.]+$)", cell)]


class Attacker:
    """Sends forms as Ada or as nobody; learns which fields a view asks for."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.found = explore(world, world.ada, world.adas)
        self.ada = world.another_browser_of_ada()
        self.asked_for: dict[str, set[str]] = {}
        # Forms of a button alone come last: some of them delete what others need.
        self.targets = sorted(
            pages("POST"), key=lambda each: len(set(self.names(each)) - {"back"}) == 0
        )

    def names(self, declared: Declared) -> list[str]:
        """Every field of the form, shown or asked for."""
        names = [*self.found.form(declared.name).names, *self.asked_for.get(declared.name, ())]
        return sorted({*names} - {"csrf"})

    def good(self, declared: Declared) -> list[tuple[str, str]]:
        """The form as it should be."""
        return filled(self.found.form(declared.name), self.world.adas)

    def send(self, declared: Declared, pairs: Pairs) -> TestResponse:
        """Send it; sign in again where an earlier form ended the session."""
        place = self.world.path(declared, self.world.adas)
        Noted.names.clear()
        answer = post(self.world.stranger if declared.scope is PUBLIC else self.ada, place, pairs)
        self.asked_for.setdefault(declared.name, set()).update(Noted.names)
        if answer.status_code == 401 and declared.scope is not PUBLIC:
            self.ada = self.world.another_browser_of_ada()
            answer = post(self.ada, place, pairs)
        return answer

    def follow(self, answer: TestResponse, kind: str) -> Iterator[TestResponse]:
        """The answer, and the page it leads to with its toast, where what it says matters."""
        yield answer
        if answer.status_code == 303 and kind in TOLD:
            yield self.ada.client.get(answer.headers["Location"])


def kinds_for(engine_name: str) -> list[str]:
    """What databases take differently is for the stricter one; the worst of it for both."""
    if engine_name == "postgresql":
        return list(FOR_DATABASES)
    return [kind for kind in HOSTILE if kind in ONE_BY_ONE["sqlite"] or kind not in FOR_DATABASES]


@pytest.mark.wide
def test_forms_full_of_it(world: World, engine_name: str, trial: Trial) -> None:
    attacker = Attacker(world)
    places = {each.name: attacker.names(each) for each in attacker.targets}
    tried = together(places, kinds_for(engine_name), fewest=2, whole=trial.soak)
    wrong = []
    for kind in kinds_for(engine_name):
        for declared in attacker.targets:
            if kind not in tried[declared.name]:
                continue
            pairs: Pairs = [(name, HOSTILE[kind]) for name in attacker.names(declared)]
            if not pairs and declared.name in attacker.asked_for:
                continue
            for answer in attacker.follow(attacker.send(declared, pairs), kind):
                wrong += [f"{kind}: POST {declared.path}: {each}" for each in harm(answer)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.wide
def test_forms_with_one_field_of_it(world: World, engine_name: str, trial: Trial) -> None:
    """All else is as it should be, so that no other field is refused first."""
    attacker = Attacker(world)
    places = {each.name: attacker.names(each) for each in attacker.targets}
    tried = alone(places, ONE_BY_ONE[engine_name], whole=trial.soak, everywhere=True)
    wrong = []
    for declared in attacker.targets:
        for name, kind in tried[declared.name]:
            pairs: Pairs = [pair for pair in attacker.good(declared) if pair[0] != name]
            pairs.append((name, HOSTILE[kind]))
            for answer in attacker.follow(attacker.send(declared, pairs), kind):
                place = f"{kind} as {name}: POST {declared.path}"
                wrong += [f"{place}: {each}" for each in harm(answer)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.wide
def test_queries_of_pages(world: World, engine_name: str, trial: Trial) -> None:
    """All parameters at once, and each of them alone."""
    places = {
        name: sorted(names)
        for name, names in explore(world, world.ada, world.adas).queries.items()
        if names
    }
    at_once = together(places, kinds_for(engine_name), fewest=2, whole=trial.soak)
    by_itself = alone(places, ONE_BY_ONE[engine_name], whole=trial.soak)
    wrong = []
    for declared in (each for each in pages("GET") if each.name in places):
        path = world.path(declared, world.adas)
        browser = world.stranger if declared.scope is PUBLIC else world.ada
        tried = [(places[declared.name], kind) for kind in at_once[declared.name]]
        tried += [([name], kind) for name, kind in by_itself[declared.name]]
        for names, kind in tried:
            query = encoded((name, HOSTILE[kind]) for name in names)
            answer = browser.client.get(f"/app{path}?{query}")
            wrong += [f"{kind}: GET {declared.path}?{query[:60]}: {e}" for e in harm(answer)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.wide
def test_ids_in_paths(world: World, engine_name: str, trial: Trial) -> None:
    targets = [each for each in (*pages("GET"), *pages("POST")) if "<" in each.path]
    places = {each.name: sorted(kinds_in(each)) for each in targets}
    tried = together(places, kinds_for(engine_name), fewest=2, whole=trial.soak)
    wrong = []
    for declared in targets:
        for kind in tried[declared.name]:
            segment = quote(HOSTILE[kind], safe="")[:8000]
            path = re.sub(r"<(int:)?\w+>", segment.replace("\\", ""), declared.path)
            browser = world.ada.client
            if declared.method == "GET":
                answer = browser.get(f"/app{path}")
            else:
                answer = post(world.ada, path, [])
            wrong += [f"{kind}: {declared.method} {declared.path}: {each}" for each in harm(answer)]
            if answer.status_code not in (404, 405, 308, 200, 303, 422):
                wrong.append(f"{kind}: {declared.path}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_names_of_things_are_shown_as_they_are(world: World) -> None:
    """Everything in a workspace called by it, and every page and every file of it opened; what is
    called like a formula is a text in each of them.
    """
    wrong, files = [], 0
    for number, text in enumerate(STORED, 2):
        with world.database.transaction() as session:
            now, home = datetime.now(UTC), world.adas.home
            low = f"low-{number}"
            estate = furnish(session, world.settings, home, text, now, number, low=low)
        for declared in pages("GET"):
            answer = world.ada.get(world.path(declared, estate))
            wrong += [f"{declared.path}: {each}" for each in harm(answer)]
            files += answer.mimetype == "text/csv"
        assert str(escape(f"{text} journey {number}")) in world.ada.get("/journeys").text
        found = world.ada.client.get(
            "/app/search?q=journey", headers={"Accept": "application/json"}
        )
        assert found.mimetype == "application/json"
        assert f"{text} journey {number}" in [each["label"] for each in found.json or []]
    assert not wrong, "\n".join(wrong)
    assert files > 6


FILES: dict[str, bytes] = {
    "nothing": b"",
    "a script": SCRIPT.encode(),
    "a picture with a script": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(7919)"/>',
    "half a picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
    "a table of formulas": b"=1+1;@SUM(1)\n" * 50,
    "bytes of no text": bytes(range(256)) * 40,
    "a table of one long line": b"2026-01-01," * 20_000,
}


def test_files_that_are_none(world: World) -> None:
    attacker = Attacker(world)
    wrong, tried = [], 0
    for declared in pages("POST"):
        for name in sorted(attacker.found.form(declared.name).files):
            for kind, data in FILES.items():
                tried += 1
                fields = {key: value for key, value in attacker.good(declared) if key != name}
                fields[name] = (io.BytesIO(data), f"../{SCRIPT}\u202e.png")
                answer = attacker.ada.post(world.path(declared, world.adas), **fields)
                for each in attacker.follow(answer, "a script"):
                    wrong += [f"{kind} as {name}: {declared.path}: {h}" for h in harm(each)]
    assert tried
    assert not wrong, "\n".join(wrong)


BODIES: dict[str, tuple[str, bytes]] = {
    "no boundary": ("multipart/form-data", b"--x\r\n\r\n--x--"),
    "an endless part": ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: f"),
    "a part without a name": (
        "multipart/form-data; boundary=x",
        b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n",
    ),
    "another script": ("application/x-www-form-urlencoded; charset=utf-7", b"csrf=%2BADw-&name=x"),
    "bad escapes": ("application/x-www-form-urlencoded", b"%zz=%&%=%u1234&&;;=&csrf"),
    "JSON": ("application/json", b'{"csrf": ["x"], "name": {}}'),
    "many fields": ("application/x-www-form-urlencoded", b"a=1&" * 20_000),
    "many parts": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 3000 + b"--x--\r\n",
    ),
    "no body and no type": ("", b""),
}


@pytest.mark.parametrize("kind", BODIES)
def test_bodies_that_are_no_forms(world: World, kind: str) -> None:
    media_type, body = BODIES[kind]
    for path in ("/app/links", "/app/sign-in", "/app/settings/logo", "/app/language"):
        answer = world.ada.client.post(path, data=body, content_type=media_type)
        assert not list(harm(answer)), path
        assert answer.status_code in (400, 409, 413), path


def test_headers_of_nonsense(world: World) -> None:
    for value in ("", "\xff\xfe", "a" * 5000, "{{7919*7919}}", SCRIPT, "%00", "de-\xdf;q=x,,;"):
        for name in (*("Accept-Language", "User-Agent", "Accept", "Referer", "X-Forwarded-For"),):
            for path in ("/app/sign-in", "/app/links", "/app/search?q=x", "/app/nothing"):
                answer = world.ada.client.get(path, headers={name: value})
                assert not list(harm(answer)), (name, path)
