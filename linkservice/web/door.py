"""The app door for people: parse, call one function of a noun, present. It holds no rules.

A module declares its pages once (`Pages`): path, who may see it, and for a form which page
to show again when it is refused, so that nobody loses what they typed. Not here: the pages
(a module per noun), what they get and answer with (`page`), the answers to errors (`problems`),
cookies and tokens (`guard`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, TypeAlias, TypeVar

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from linkservice import schema
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
from linkservice.web import i18n, mistyped
from linkservice.web.forms import CSRF, Form
from linkservice.web.guard import (
    VISIT_SECONDS,
    Cookies,
    asks_with_one_click,
    is_own_form,
    new_token,
    require_own_origin,
    with_policy,
)
from linkservice.web.page import PREFIX, Page, Section
from linkservice.web.toasts import Toasts
from linkservice.workspaces import sessions

View: TypeAlias = Callable[..., Response]
F = TypeVar("F", bound=View)

PUBLIC = None
"""The scope of pages that need no sign-in."""

ANY = ""
"""The scope of pages for every member."""


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
    bare: bool
    one_click: bool
    view: View

    @property
    def name(self) -> str:
        return self.view.__name__


class Pages:
    """The pages of one noun; `section` is the place in the navigation they belong to."""

    def __init__(self, section: Section) -> None:
        self.section = section
        self.declared: list[Declared] = []

    def get(self, path: str, *, scope: str | None, bare: bool = False) -> Callable[[F], F]:
        """A page to look at; `scope` is what it takes (`ANY` member, `PUBLIC`). A `bare` one is
        for strangers: it sets no cookie, reads no session and tells no other page of itself.
        """
        return self._declare("GET", path, scope, None, None, False, bare, False)

    def post(
        self,
        path: str,
        *,
        scope: str | None,
        again: View | None = None,
        most_bytes: int | None = None,
        own_transactions: bool = False,
        bare: bool = False,
        one_click: bool = False,
    ) -> Callable[[F], F]:
        """What a form does. The view runs in one transaction; on a `Problem` all is undone and
        `again` (a view to look at) is shown with what was typed and what is wrong with it.

        `own_transactions`: the view gets a reading session and opens its own (`page.database`),
        for work whose parts must last even if it fails in the end. `bare`: as `get` has it.
        `one_click`: its address is a secret that proves enough, and mail programs post to it as
        RFC 8058 has it, from nowhere and without a token.
        """
        return self._declare(
            "POST", path, scope, again, most_bytes, own_transactions, bare, one_click
        )

    def _declare(
        self,
        method: Literal["GET", "POST"],
        path: str,
        scope: str | None,
        again: View | None,
        most_bytes: int | None,
        own_transactions: bool,
        bare: bool,
        one_click: bool,
    ) -> Callable[[F], F]:
        def declare(view: F) -> F:
            self.declared.append(
                Declared(
                    method,
                    path,
                    scope,
                    self.section,
                    again,
                    most_bytes,
                    own_transactions,
                    bare,
                    one_click,
                    view,
                )
            )
            return view

        return declare


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
                response = _shown(page, view, _wanted(view, ids))
            if form is not None:
                response.status_code = status
        # A page that refreshes its figures by itself is nobody using it.
        if page.signed_in is not None and request.headers.get("X-Requested-With") != "live":
            sessions.note_seen(self.database, page.signed_in, page.now)
        return self.finish(page, response)

    def _do(self, declared: Declared, ids: Mapping[str, str]) -> Response:
        one_click = declared.one_click and asks_with_one_click(request)
        if not one_click:
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
                    own = is_own_form(self.settings, page.cookie, form.text(CSRF))
                    if not own and not one_click:
                        if declared.again is None:
                            raise Conflict(Problem("", "button_expired"))
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
        bare = declared is not None and declared.bare
        token = "" if bare else self.cookies.get(request, "session")
        known = sessions.who(session, token, now) if token else None
        if bare:
            # No cookie to tie the form to: it is tied to its page, which is a secret.
            cookie = f"bare {request.path}"
        else:
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
            toast=self._toasts.get(request) if request.method == "GET" and not bare else None,
            bare=bare,
        )

    def finish(self, page: Page, response: Response) -> Response:
        """What every page carries besides its content."""
        if page.bare:
            return with_policy(response, page.nonce, bare=True)
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


def _shown(page: Page, view: View, ids: Mapping[str, str]) -> Response:
    """What the view answers, or what of its address is wrong."""
    try:
        return view(page, **ids)
    except (Invalid, NotFound) as error:
        # Who is not signed in has no page to be shown it on.
        answer = mistyped.answer_to(page, error) if page.signed_in else None
        if answer is None:
            raise
        return answer


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
