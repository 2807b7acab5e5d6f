"""What stands on a page: its forms with their fields, its links, its elements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urlsplit

from belongings import Estate, Noted, World, pages
from people import Browser
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect
from werkzeug.test import TestResponse

from linkservice.web.door import PUBLIC, Declared
from linkservice.web.page import PREFIX

Pair = tuple[str, str]

UNSEEN: dict[str, dict[str, str]] = {
    "place_stage": {"id": "stages", "position": "0"},
    "place_touchpoint": {"id": "touchpoints", "list": "stages", "position": "0"},
    "restore_campaign_cost": {"date": "2026-05-05", "amount": "10", "currency": "EUR"},
    "restore_touchpoint_cost": {"date": "2026-05-05", "amount": "10", "currency": "EUR"},
    "restore_reach": {"date": "2026-05-05", "amount": "10", "unit": "printed"},
    "restore_annotation": {"date": "2026-05-05", "text": "A note that was deleted"},
    "bring_tag_back": {"name": "A tag that was deleted", "links": "links"},
    "undo_links": {"changed": ""},
    "switch_workspace": {"workspace_id": "workspaces"},
}
"""What no form on a page of ours has, by the name of the view: scripts and toasts send it, as
fields or in the query. A value is a kind of thing (as in `Estate.ids`) or stands for itself.
"""


@dataclass(frozen=True)
class FoundField:
    """A control of a form, as it would be sent."""

    name: str
    kind: str
    value: str


@dataclass
class FoundForm:
    """A form as a page has it; `view` is the name of what answers it."""

    method: str
    action: str
    fields: list[FoundField] = field(default_factory=list)
    view: str = ""

    def pairs(self) -> list[Pair]:
        """What a browser would send without anybody touching anything, but the token."""
        return [(each.name, each.value) for each in self.fields if each.name != "csrf"]

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(name for name, _ in self.pairs()))

    @property
    def files(self) -> set[str]:
        return {each.name for each in self.fields if each.kind == "file"}


class Markup(HTMLParser):
    """Reads a page once and keeps what tests ask of it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.forms: list[FoundForm] = []
        self._by_id: dict[str, FoundForm] = {}
        self._open: FoundForm | None = None
        self._select: tuple[str, FoundForm] | None = None
        self._textarea: tuple[str, FoundForm] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        if tag == "form":
            method = given.get("method", "get").upper()
            self._open = FoundForm(method, given.get("action", ""))
            self.forms.append(self._open)
            self._by_id[given.get("id", "")] = self._open
            return
        form = self._by_id.get(given["form"]) if "form" in given else self._open
        if form is None or (not given.get("name") and tag != "option"):
            return
        if tag == "textarea":
            self._textarea = given["name"], form
            self._typed = ""
        elif tag in ("input", "button"):
            kind = given.get("type", "text") if tag == "input" else tag
            form.fields.append(FoundField(given["name"], kind, given.get("value", "")))
        elif tag == "select":
            self._select = given["name"], form
            form.fields.append(FoundField(given["name"], "select", ""))
        elif tag == "option" and self._select and given.get("value"):
            name, form = self._select
            form.fields.append(FoundField(name, "option", given["value"]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea" and self._textarea:
            name, form = self._textarea
            form.fields.append(FoundField(name, "textarea", self._typed.removeprefix("\n")))
            self._textarea = None

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self._typed += data

    def every(self, tag: str) -> Iterator[dict[str, str]]:
        return (given for name, given in self.elements if name == tag)


@dataclass
class Map:
    """Every form that is answered, by its view, and every query parameter, by its page."""

    forms: dict[str, list[FoundForm]] = field(default_factory=dict)
    queries: dict[str, set[str]] = field(default_factory=dict)

    def form(self, view: str) -> FoundForm:
        """One form with all fields that lead to the view."""
        found = self.forms.get(view, [])
        joined = FoundForm("POST", "", view=view)
        seen = set()
        for each in (each for form in found for each in form.fields):
            if (each.name, each.kind) not in seen:
                seen.add((each.name, each.kind))
                joined.fields.append(each)
        for name in UNSEEN.get(view, {}):
            if name not in joined.names:
                joined.fields.append(FoundField(name, "text", ""))
        return joined


_EXPLORED: dict[str, Map] = {}
"""By the mark of the estate: every world has the same pages with the same ids."""


def explore(world: World, owner: Browser, estate: Estate) -> Map:
    """Open every page as an owner does, and note where its forms and links lead."""
    known = _EXPLORED.get(estate.mark)
    if known is not None:
        return known
    found = Map()
    for declared in pages("GET"):
        browser = world.stranger if declared.scope is PUBLIC else owner
        Noted.names.clear()
        answer = browser.get(world.path(declared, estate))
        found.queries.setdefault(declared.name, set()).update(Noted.names)
        if answer.mimetype == "text/html":
            _note(found, world, Markup(answer.text))
    # In these states pages offer what they do not offer else.
    for path in ("/links?state=archived", "/links?state=deleted", "/links?state=paused"):
        _note(found, world, Markup(owner.get(path).text))
    _EXPLORED[estate.mark] = found
    return found


def _note(found: Map, world: World, markup: Markup) -> None:
    for form in markup.forms:
        _note_form(found, world, form)
    for tag, given in markup.elements:
        for place in (given.get("href"), given.get("src"), given.get("formaction")):
            if place is None:
                continue
            method = "POST" if tag in ("button", "input") else "GET"
            view = view_of(world, place, method)
            if view and method == "GET":
                names = (name for name, _ in parse_qsl(urlsplit(place).query))
                found.queries.setdefault(view, set()).update(names)


def _note_form(found: Map, world: World, form: FoundForm) -> None:
    form.view = view_of(world, form.action, form.method) or ""
    if form.method == "GET":
        found.queries.setdefault(form.view, set()).update(form.names)
    else:
        found.forms.setdefault(form.view, []).append(form)


def view_of(world: World, place: str, method: str) -> str | None:
    """The name of the view that answers a path of ours; None for any other address."""
    parts = urlsplit(place)
    if parts.netloc or not parts.path.startswith(PREFIX):
        return None
    adapter = world.app.url_map.bind("localhost")
    try:
        endpoint, _ = adapter.match(parts.path, method=method)
    except (RequestRedirect, MethodNotAllowed, HTTPException):
        return None
    return str(endpoint).removeprefix("app.")


def filled(form: FoundForm, estate: Estate) -> list[Pair]:
    """The form as somebody would send it: what is empty is filled with what fits."""
    usual = {
        "destination": "https://example.com/",
        "name": "Another name",
        "email": "somebody@example.com",
        "role": "viewer",
        "host": "go.another.example",
        "position": "0",
        "amount": "100",
        "unit": "printed",
        "date": "2026-04-01",
        "template": "standard",
        "locale": "en",
        "deed": "pause",
        "channel": "poster",
        "kind": "physical",
        "medium": "paid",
        "table": "2026-05-01\t\t100\tprinted",
    }
    unseen = UNSEEN.get(form.view, {})
    pairs: dict[str, str] = {}
    for name, value in form.pairs():
        own = estate.ids.get(unseen.get(name, ""), unseen.get(name))
        known = value or own or estate.fields.get(name) or usual.get(name, "")
        pairs[name] = pairs.get(name) or known
    return list(pairs.items())


def send(browser: Browser, path: str, pairs: Iterable[Pair]) -> TestResponse:
    """A form as a browser sends it, several values of one name included."""
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return browser.post(path, **fields)


def place_of(world: World, declared: Declared, estate: Estate, own: Estate | None = None) -> str:
    """The path of a page with what the query has to say besides."""
    unseen = dict.fromkeys(UNSEEN.get(declared.name, {}), "") if declared.method == "POST" else {}
    form = FoundForm("POST", "", [FoundField(name, "text", "") for name in unseen], declared.name)
    query = urlencode(filled(form, own or estate))
    path = world.path(declared, estate)
    return f"{path}?{query}" if query else path
