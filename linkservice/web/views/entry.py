"""The ways in: set-up, signing in and out, a forgotten password, the link to a demonstration.

Not here: invitations (`members`), what one may change once inside (`account`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Response

from linkservice import mail
from linkservice.errors import NotFound, Problem
from linkservice.links.home import first_home
from linkservice.web.door import ANY, PUBLIC, Pages
from linkservice.web.i18n import gettext, speaking
from linkservice.web.page import Page, address, own_path
from linkservice.workspaces import one_time, sessions
from linkservice.workspaces import sign_in as signing_in
from linkservice.workspaces.model import User

PAGES = Pages("")


@PAGES.get("/setup/<token>", scope=PUBLIC)
def setup(page: Page, token: str) -> Response:
    """Where the first person makes an account; only who has the link from the log gets here."""
    one_time.look_at_setup(page.session, token, page.now)
    return page.render("entry/setup.html", token=token)


@PAGES.post("/setup/<token>", scope=PUBLIC, again=setup)
def set_up(page: Page, token: str) -> Response:
    """Make the first account, owner of the first workspace, and go on to the first run."""
    workspace, _ = first_home(page.session, page.settings, page.now, locale=page.locale)
    email, password = page.form.text("email"), page.form.text("password")
    user = one_time.use_setup(page.session, token, email, password, workspace, page.now)
    return page.keep_session(page.go("welcome"), _begin(page, user))


@PAGES.get("/sign-in", scope=PUBLIC)
def sign_in(page: Page) -> Response:
    """The form; who is signed in already goes on."""
    place = own_path(page.query.get("next", ""))
    if page.signed_in is not None:
        return page.go_to(place or address("overview"))
    return page.render(
        "entry/sign_in.html", next=place or "", nobody=one_time.needs_setup(page.session)
    )


@PAGES.post("/sign-in", scope=PUBLIC, again=sign_in, own_transactions=True)
def enter(page: Page) -> Response:
    """Sign in; on to where the person wanted to go."""
    token = signing_in.sign_in(
        page.database,
        page.settings,
        page.form.text("email"),
        page.form.text("password"),
        page.network,
        page.device,
        page.now,
        replacing=page.session_token,
    )
    place = own_path(page.form.text("next")) or address("overview")
    return page.keep_session(page.go_to(place), token)


@PAGES.post("/sign-out", scope=ANY)
def sign_out(page: Page) -> Response:
    """End this browser's session."""
    sessions.sign_out(page.session, page.session_token)
    return page.forget_session(page.go("sign_in", toast=gettext("You are signed out.")))


@PAGES.get("/forgotten", scope=PUBLIC)
def forgotten(page: Page) -> Response:
    """Where one asks for a letter; without a mail server, whom to ask instead."""
    return page.render("entry/forgotten.html", mail=mail.is_set(page.settings), sent=False)


@PAGES.post("/forgotten", scope=PUBLIC, again=forgotten, own_transactions=True)
def ask_for_password(page: Page) -> Response:
    """Write to the person, if there is one; the answer does not tell."""
    if not mail.is_set(page.settings):
        return forgotten(page)
    wanted = one_time.forgotten(
        page.database, page.settings, page.form.text("email"), page.network, page.now
    )
    if wanted is not None:
        place = page.settings.base_url + address("choose_password", token=wanted.token)
        with speaking(wanted.locale):
            subject = gettext("Choose a new password")
            text = gettext(
                "Hello,\n\nsomebody, probably you, asked for a new password for linkservice. "
                "Choose it here within two hours:\n\n%(place)s\n\nIf it was not you, leave this "
                "letter alone: nothing changes.\n",
                place=place,
            )
        mail.send_later(page.settings, wanted.email, subject, text)
    return page.render("entry/forgotten.html", mail=True, sent=True)


@PAGES.get("/password/<token>", scope=PUBLIC)
def choose_password(page: Page, token: str) -> Response:
    """Where a person with a link chooses a password."""
    user = one_time.look_at_password(page.session, token, page.now)
    return page.render("entry/password.html", token=token, email=user.email)


@PAGES.post("/password/<token>", scope=PUBLIC, again=choose_password, own_transactions=True)
def set_password(page: Page, token: str) -> Response:
    """Set the password and sign the person in: all other sessions have ended."""
    password = page.form.text("password")
    user = one_time.use_password(page.database, page.settings, token, password, page.now)
    with page.database.transaction() as session:
        begun = sessions.start(session, user, page.device, page.now, replacing=page.session_token)
    toast = gettext("Your new password is set. All other browsers were signed out.")
    return page.keep_session(page.go("overview", toast=toast), begun)


@PAGES.get("/sign-in/<token>", scope=PUBLIC)
def demonstration(page: Page, token: str) -> Response:
    """The way into a demonstration. A button, since looking must not use the link up."""
    if page.signed_in is not None:
        return page.go("overview")
    with _demonstration_links():
        one_time.look_at_sign_in(page.session, token, page.now)
    return page.render("entry/demonstration.html", token=token)


@PAGES.post("/sign-in/<token>", scope=PUBLIC)
def enter_demonstration(page: Page, token: str) -> Response:
    """Sign in to the demonstration."""
    with _demonstration_links():
        begun = one_time.use_sign_in(
            page.session, token, page.device, page.now, replacing=page.session_token
        )
    return page.keep_session(page.go("overview"), begun)


@contextmanager
def _demonstration_links() -> Iterator[None]:
    """Nobody can be asked for another such link: the demonstration prints it when it starts."""
    try:
        yield
    except NotFound:
        raise NotFound(Problem("", "demonstration_link_spent")) from None


def _begin(page: Page, user: User) -> str:
    return sessions.start(page.session, user, page.device, page.now, replacing=page.session_token)
