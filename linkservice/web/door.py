"""The app door for people: parse, call one function of a noun, present. It holds no rules.

A module declares its pages once (`Pages`): path, who may see it, and for a form which page
to show again when it is refused, so that nobody loses what they typed. Not here: the pages
(a module per noun), the answers to errors (`problems`), cookies and tokens (`guard`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Literal, TypeAlias, TypeVar

from ada_url import URL
from flask import Blueprint, Response, render_template, request, send_file, url_for
from sqlalchemy.orm import Session

from linkservice import colour, schema
from linkservice.clicks.agents import classify
from linkservice.clicks.visitor import client_address, cut_network
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import (
    Conflict,
    Invalid,
    LinkServiceError,
    NotFound,
    Problem,
    TooManyRequests,
    Unauthenticated,
)
from linkservice.web import i18n
from linkservice.web.forms import CSRF, Form
from linkservice.web.guard import (
    VISIT_SECONDS,
    Cookies,
    form_token,
    is_own_form,
    new_token,
    require_own_origin,
    with_policy,
)
from linkservice.web.toasts import Toast, Toasts
from linkservice.workspaces import sessions
from linkservice.workspaces.access import Actor
from linkservice.workspaces.model import User, Workspace
from linkservice.workspaces.sessions import SignedIn

PREFIX = "/app"
LIGHT, DARK = "#ffffff", "#17191c"
"""The surfaces brand colours are adapted to; the style sheet has the same."""

View: TypeAlias = Callable[..., Response]
F = TypeVar("F", bound=View)
Section = Literal["", "overview", "journeys", "links", "sheets", "reports", "settings"]

PUBLIC = None
"""The scope of pages that need no sign-in."""

ANY = ""
"""The scope of pages for every member."""


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
class Declared:
    """One page: how it is reached, who may see it, and what is shown again if it is refused."""

    method: Literal["GET", "POST"]
    path: str
    scope: str | None
    section: Section
    again: View | None
    most_bytes: int | None
    own_transactions: bool
    view: View

    @property
    def name(self) -> str:
        return self.view.__name__


class Pages:
    """The pages of one noun; `section` is the place in the navigation they belong to."""

    def __init__(self, section: Section) -> None:
        self.section = section
        self.declared: list[Declared] = []

    def get(self, path: str, *, scope: str | None) -> Callable[[F], F]:
        """A page to look at; `scope` is what it takes (`ANY` member, `PUBLIC`)."""
        return self._declare("GET", path, scope, None, None, False)

    def post(
        self,
        path: str,
        *,
        scope: str | None,
        again: View | None = None,
        most_bytes: int | None = None,
        own_transactions: bool = False,
    ) -> Callable[[F], F]:
        """What a form does. The view runs in one transaction; on a `Problem` all is undone and
        `again` (a view to look at) is shown with what was typed and what is wrong with it.

        `own_transactions`: the view gets a reading session and opens its own (`page.database`),
        for work whose parts must last even if it fails in the end.
        """
        return self._declare("POST", path, scope, again, most_bytes, own_transactions)

    def _declare(
        self,
        method: Literal["GET", "POST"],
        path: str,
        scope: str | None,
        again: View | None,
        most_bytes: int | None,
        own_transactions: bool,
    ) -> Callable[[F], F]:
        def declare(view: F) -> F:
            self.declared.append(
                Declared(
                    method, path, scope, self.section, again, most_bytes, own_transactions, view
                )
            )
            return view

        return declare


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

    @property
    def who(self) -> SignedIn:
        """Who is signed in. Raises `Unauthenticated`."""
        if self.signed_in is None:
            raise Unauthenticated(Problem("", "not_signed_in"))
        return self.signed_in

    @property
    def actor(self) -> Actor:
        """Who acts. Raises `Unauthenticated`."""
        return self.who.actor

    @property
    def user(self) -> User | None:
        return self.signed_in.user if self.signed_in else None

    @property
    def workspace(self) -> Workspace | None:
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
        return request.args

    @property
    def network(self) -> bytes:
        """The network of the browser, for limits; the address itself goes no further."""
        address = client_address(
            request.environ.get("REMOTE_ADDR", ""),
            request.headers.get("X-Forwarded-For", ""),
            self.settings.trusted_hops,
        )
        return cut_network(address)

    @property
    def device(self) -> str:
        """What the person recognises this browser by: "Firefox, Linux"."""
        agent = classify(request.headers.get("User-Agent", ""))
        return f"{agent.browser}, {agent.system}"[:80]

    @property
    def wants_json(self) -> bool:
        """Whether our own script asks, not a person."""
        return request.accept_mimetypes.best == "application/json"

    def may(self, scope: str) -> bool:
        """Whether the person may do what needs that scope."""
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
        """A file to be saved as `name`, whatever its script."""
        return send_file(BytesIO(data), media_type, as_attachment=True, download_name=name)


def address(endpoint: str, **values: object) -> str:
    """The path of a page by its view's name: ``address("link", id=7)``."""
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


class Door:
    """Answers the declared pages against one database."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.database = database
        self.cookies = Cookies.of(settings)
        self._toasts = Toasts(settings, self.cookies)
        self._schema_is_right = False

    def routes(self, declared: Sequence[Declared]) -> Blueprint:
        """A blueprint that answers the pages under `PREFIX`."""
        blueprint = Blueprint("app", __name__, url_prefix=PREFIX)
        for each in declared:
            blueprint.add_url_rule(
                each.path, endpoint=each.name, view_func=self._view(each), methods=[each.method]
            )
        return blueprint

    def _view(self, declared: Declared) -> Callable[..., Response]:
        def view(**ids: str) -> Response:
            self.require_schema()
            if declared.method == "GET":
                return self.show(declared, ids)
            return self._do(declared, ids)

        return view

    def require_schema(self) -> None:
        """Once it was right it stays so: migrations run while the service is stopped."""
        if not self._schema_is_right:
            schema.require_current(self.database)
            self._schema_is_right = True

    def show(
        self,
        declared: Declared,
        ids: Mapping[str, str],
        form: Form | None = None,
        status: int = 200,
    ) -> Response:
        """A page to look at; with `form`, what was typed and refused."""
        view = declared.view if form is None else declared.again
        assert view is not None
        with self.database.reading() as session:
            page = self.page(session, declared, form)
            if declared.scope is not PUBLIC and page.signed_in is None:
                return page.go("sign_in", next=page.path)
            with i18n.speaking(page.locale, page.time_zone):
                self._require(page, declared)
                _refuse_nul(request.args.items(multi=True))
                response = view(page, **_wanted(view, ids))
            if form is not None:
                response.status_code = status
        # A page that refreshes its figures by itself is nobody using it.
        if page.signed_in is not None and request.headers.get("X-Requested-With") != "live":
            sessions.note_seen(self.database, page.signed_in, page.now)
        return self.finish(page, response)

    def _do(self, declared: Declared, ids: Mapping[str, str]) -> Response:
        require_own_origin(request, self.settings)
        if declared.most_bytes is not None:
            request.max_content_length = declared.most_bytes
            request.max_form_memory_size = declared.most_bytes
        form = Form(request.form, request.files)
        opened: AbstractContextManager[Session] = (
            self.database.reading() if declared.own_transactions else self.database.transaction()
        )
        try:
            with opened as session:
                page = self.page(session, declared, form)
                with i18n.speaking(page.locale, page.time_zone):
                    if declared.scope is not PUBLIC and page.signed_in is None:
                        return self._ended(page)
                    self._require(page, declared)
                    if not is_own_form(self.settings, page.cookie, form.text(CSRF)):
                        raise Conflict(Problem("", "form_expired"))
                    _refuse_nul(form.typed.items(multi=True))
                    if declared.own_transactions:
                        # Its connection goes back: whoever holds one while waiting for another
                        # stalls all, once there are as many of them as connections.
                        session.close()
                    response = declared.view(page, **ids)
        except (Invalid, Conflict, TooManyRequests, Unauthenticated, NotFound) as error:
            if declared.again is None or not _is_of_the_form(error, form):
                raise
            refused = replace(form, found=error.problems)
            response = self.show(declared, ids, refused, error.status)
            if isinstance(error, TooManyRequests):
                response.headers["Retry-After"] = str(error.retry_after)
            return response
        return self.finish(page, response)

    def page(self, session: Session, declared: Declared | None, form: Form | None) -> Page:
        """The page for whoever asks."""
        now = datetime.now(UTC)
        token = self.cookies.get(request, "session")
        known = sessions.who(session, token, now) if token else None
        cookie = token if known else self.cookies.get(request, "visit") or new_token()
        locale = i18n.choose_locale(
            known.user.locale if known else None,
            self.cookies.get(request, "language"),
            known.workspace.locale if known else None,
            accept_language=request.headers.get("Accept-Language", ""),
        )
        return Page(
            settings=self.settings,
            database=self.database,
            session=session,
            now=now,
            locale=locale,
            signed_in=known,
            section=declared.section if declared else "",
            form=form or Form(),
            cookies=self.cookies,
            cookie=cookie,
            toast=self._toasts.get(request) if request.method == "GET" else None,
        )

    def finish(self, page: Page, response: Response) -> Response:
        """What every page carries besides its content."""
        if page.signed_in is None and not self.cookies.get(request, "visit"):
            self.cookies.put(response, "visit", page.cookie, VISIT_SECONDS)
        if page.toast is not None and response.mimetype == "text/html":
            self._toasts.drop(response)
        return with_policy(response, page.nonce)

    def _require(self, page: Page, declared: Declared) -> None:
        if declared.scope:
            page.actor.require(declared.scope)

    def _ended(self, page: Page) -> Response:
        """The session ended while the form was filled in: nothing of it is lost."""
        return self.finish(
            page, page.render("ended.html", 401, again=page.path, kept=page.form.kept())
        )


def _wanted(view: View, ids: Mapping[str, str]) -> dict[str, str]:
    """Those of the path's ids that the view takes: one shown again may need fewer."""
    taken = inspect.signature(view).parameters
    return {name: value for name, value in ids.items() if name in taken}


def _is_of_the_form(error: LinkServiceError, form: Form) -> bool:
    """Whether showing the form again helps: not where the page itself is missing."""
    return not isinstance(error, NotFound) or any(p.field in form.typed for p in error.problems)


def _refuse_nul(fields: object) -> None:
    """No text holds NUL, and PostgreSQL stores none: refused before anything is asked."""
    found = [
        Problem(name[:80].replace("\0", ""), "bad_character", {"character": "U+0000"})
        for name, text in fields  # type: ignore[attr-defined]  # pairs of a MultiDict
        if "\0" in text or "\0" in name
    ]
    if found:
        raise Invalid(*found)
