"""What a person may change of themselves: language, password, the browsers signed in."""

from __future__ import annotations

from flask import Response

from linkservice.web.door import ANY, Pages
from linkservice.web.i18n import gettext
from linkservice.web.page import Page
from linkservice.workspaces import members, sessions, sign_in

PAGES = Pages("settings")


@PAGES.get("/account", scope=ANY)
def account(page: Page) -> Response:
    """The account of whoever is signed in."""
    browsers = sessions.list_sessions(page.session, page.who, page.now)
    return page.render("settings/account.html", browsers=browsers)


@PAGES.post("/account/password", scope=ANY, again=account, own_transactions=True)
def change_password(page: Page) -> Response:
    """A new password, proved by the old one; all other browsers are signed out."""
    token = sign_in.change_password(
        page.database,
        page.settings,
        page.who,
        page.form.text("current_password"),
        page.form.text("password"),
        page.network,
        page.now,
    )
    toast = gettext("Your new password is set. All other browsers were signed out.")
    return page.keep_session(page.go("account", toast=toast), token)


@PAGES.post("/account/sessions/<id>/end", scope=ANY)
def end_session(page: Page, id: str) -> Response:
    """Sign one browser out; it may be this one."""
    sessions.end_session(page.session, page.who, id, page.now)
    return page.go("account", toast=gettext("The browser is signed out."))


@PAGES.post("/account/sign-out-everywhere", scope=ANY)
def sign_out_everywhere(page: Page) -> Response:
    """Sign all browsers out, this one included."""
    sessions.sign_out_everywhere(page.session, page.who, page.now)
    toast = gettext("All your browsers are signed out.")
    return page.forget_session(page.go("sign_in", toast=toast))


@PAGES.post("/account/leave", scope=ANY, again=account)
def leave_workspace(page: Page) -> Response:
    """Leave the workspace one looks at."""
    name = page.home.name
    members.leave(page.session, page.who, page.now)
    toast = gettext("You have left “%(workspace)s”.", workspace=name)
    return page.forget_session(page.go("sign_in", toast=toast))
