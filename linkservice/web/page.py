"""A page as views and templates see it: who looks at it, in which language, and how it answers.

Not here: which pages there are and who may see them (`door`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from io import BytesIO
from typing import Literal

from ada_url import URL
from flask import Response, has_request_context, render_template, request, send_file, url_for
from sqlalchemy.orm import Session

from linkservice import colour
from linkservice.clicks.agents import classify
from linkservice.clicks.forwarded import source
from linkservice.clicks.visitor import cut_network
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Problem, Unauthenticated
from linkservice.web.forms import Form
from linkservice.web.guard import Cookies, form_token, new_token
from linkservice.web.toasts import Toast, Toasts
from linkservice.workspaces import sessions
from linkservice.workspaces.access import Actor
from linkservice.workspaces.model import User, Workspace
from linkservice.workspaces.sessions import SignedIn

PREFIX = "/app"
LIGHT, DARK = "#ffffff", "#17191c"
"""The surfaces brand colours are adapted to; the style sheet has the same."""

Section = Literal["", "overview", "journeys", "links", "sheets", "reports", "settings"]
"""The places of the navigation."""


@dataclass(frozen=True, slots=True)
class Brand:
    """The workspace's colour on a light and on a dark surface, and the text on it."""

    light: str
    dark: str
    ink_light: str
    ink_dark: str

    @classmethod
    def of(cls, brand_colour: str) -> Brand:
        light = colour.readable_on(brand_colour, LIGHT)
        dark = colour.readable_on(brand_colour, DARK)
        return cls(light, dark, colour.ink_on(light), colour.ink_on(dark))


@dataclass(frozen=True, slots=True)
class Guest:
    """Whom a page is shown to without being signed in: what they may read, of whom, and what it was
    called by who shared it; `asked` stands for the query, which they cannot choose.
    """

    actor: Actor
    workspace: Workspace
    title: str = ""
    asked: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What a view needs, and what its template sees as `page`."""

    settings: Settings
    database: Database
    session: Session
    now: datetime
    locale: str
    signed_in: SignedIn | None
    section: Section
    form: Form
    cookies: Cookies
    cookie: str
    toast: Toast | None = None
    nonce: str = field(default_factory=new_token)
    bare: bool = False
    guest: Guest | None = None

    @property
    def who(self) -> SignedIn:
        """Who is signed in. Raises `Unauthenticated`."""
        if self.signed_in is None:
            raise Unauthenticated(Problem("", "not_signed_in"))
        return self.signed_in

    @property
    def actor(self) -> Actor:
        """Who acts. Raises `Unauthenticated`."""
        return self.guest.actor if self.guest else self.who.actor

    @property
    def user(self) -> User | None:
        return self.signed_in.user if self.signed_in else None

    @property
    def workspace(self) -> Workspace | None:
        if self.guest is not None:
            return self.guest.workspace
        return self.signed_in.workspace if self.signed_in else None

    @property
    def home(self) -> Workspace:
        """The workspace of a page that only members see. Raises `Unauthenticated`."""
        return self.who.workspace

    @property
    def logo(self) -> str | None:
        """Where the workspace's logo is; None without one."""
        return address("logo") if self.workspace and self.workspace.logo else None

    @property
    def role(self) -> str:
        return self.signed_in.member.role if self.signed_in else ""

    @property
    def workspaces(self) -> Sequence[Workspace]:
        """All workspaces the person is a member of."""
        if self.signed_in is None:
            return ()
        places = sessions.memberships(self.session, self.signed_in.user.id)
        return [workspace for _, workspace in places]

    @property
    def time_zone(self) -> str:
        """What the clocks of this page show."""
        return self.workspace.time_zone if self.workspace else "UTC"

    @property
    def brand(self) -> Brand:
        return Brand.of(self.workspace.brand_colour if self.workspace else "#0b5fff")

    @property
    def csrf(self) -> str:
        """The token every form carries."""
        return form_token(self.settings, self.cookie)

    @property
    def path(self) -> str:
        """Path and query of this page, to come back to."""
        return request.full_path.rstrip("?")

    @property
    def query(self) -> Mapping[str, str]:
        """The query's fields, the first of each name."""
        if self.guest is not None and self.guest.asked is not None:
            return self.guest.asked
        return request.args

    @property
    def network(self) -> bytes:
        """The network of the browser, for limits; the address itself goes no further."""
        environ = request.environ
        variable, address_of = source(self.settings.forwarded_header)
        address = address_of(
            environ.get("REMOTE_ADDR", ""), environ.get(variable, ""), self.settings.trusted_hops
        )
        return cut_network(address)

    @property
    def device(self) -> str:
        """What the person recognises this browser by: "Firefox, Linux"; "" if it says nothing."""
        agent = classify(request.headers.get("User-Agent", ""))
        return ", ".join(filter(None, (agent.browser, agent.system)))[:80]

    @property
    def wants_json(self) -> bool:
        """Whether our own script asks, not a person."""
        return request.accept_mimetypes.best == "application/json"

    def may(self, scope: str) -> bool:
        """Whether the person may do what needs that scope."""
        # A guest is only shown something: no button is theirs.
        held = self.signed_in.actor.scopes if self.signed_in else frozenset()
        return scope in held or "admin" in held

    def render(self, template: str, status: int = 200, **context: object) -> Response:
        """The page made of `templates/web/<template>`."""
        text = render_template(f"web/{template}", page=self, form=self.form, **context)
        if self.form.found and status == 200:
            status = 422
        return Response(text, status, content_type="text/html; charset=utf-8")

    def go(self, endpoint: str, *, toast: str = "", undo: str = "", **values: object) -> Response:
        """On to another page after something was done; `toast` says what, `undo` is the
        address that takes it back.
        """
        return self.go_to(address(endpoint, **values), toast=toast, undo=undo)

    def go_to(self, place: str, *, toast: str = "", undo: str = "") -> Response:
        """As `go`, to a path of ours."""
        response = Response(status=303)
        response.headers["Location"] = place
        if toast:
            Toasts(self.settings, self.cookies).put(response, Toast(toast, undo or None))
        return response

    def go_back(
        self, endpoint: str, *, toast: str = "", undo: str = "", **values: object
    ) -> Response:
        """To the page the form names as `back`, else to the endpoint."""
        place = own_path(self.form.text("back")) or address(endpoint, **values)
        return self.go_to(place, toast=toast, undo=undo)

    @property
    def session_token(self) -> str:
        """The token of this browser's session; "" without one."""
        return self.cookies.get(request, "session")

    def forget_session(self, response: Response) -> Response:
        """Let the browser forget its session, which has ended."""
        self.cookies.drop(response, "session")
        return response

    def keep_session(self, response: Response, token: str) -> Response:
        """Let the browser keep the token of a session that was begun or rotated."""
        self.cookies.put(response, "session", token, int(sessions.ABSOLUTE.total_seconds()))
        return response

    def file(self, data: bytes, media_type: str, name: str) -> Response:
        """A file to be saved as `name`, whatever its script; text is UTF-8."""
        return send_file(BytesIO(data), media_type, as_attachment=True, download_name=name)


def address(endpoint: str, **values: object) -> str:
    """The path of a page by its view's name: ``address("link", id=7)``.

    Paths are remembered: a page of two hundred rows builds three hundred, 40 µs each.
    """
    # With their types: 1 and True are equal, and are written differently.
    key = tuple((name, type(value), value) for name, value in values.items())
    try:
        return _built(request.script_root if has_request_context() else "", endpoint, key)
    except TypeError:  # a list: nothing to remember it by
        return _path(endpoint, values)


@lru_cache(maxsize=4096)
def _built(root: str, endpoint: str, key: tuple[tuple[str, type, object], ...]) -> str:
    return _path(endpoint, {name: value for name, _, value in key})


def _path(endpoint: str, values: Mapping[str, object]) -> str:
    return url_for(endpoint if "." in endpoint else f"app.{endpoint}", **values)  # type: ignore[arg-type]  # Flask's values are Any


def own_path(text: str) -> str | None:
    """The page of the app that `text` leads to, as a browser reads it (which takes `//` and `\\`
    for a host and walks up at `..`); None for all that leads anywhere else.
    """
    if not text.startswith(f"{PREFIX}/") or any(c in text for c in "\\\r\n\t\0"):
        return None
    try:
        place = URL(text, _HERE)
    except ValueError:
        return None
    inside = place.origin == _HERE and place.pathname.startswith(f"{PREFIX}/")
    return place.pathname + place.search + place.hash if inside else None


_HERE = "http://here.invalid"
"""Any origin: what is ours stays on it."""
