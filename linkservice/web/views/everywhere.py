"""What the frame around every page does: language and workspace."""

from __future__ import annotations

from flask import Response

from linkservice.errors import NotFound, Problem
from linkservice.fields import Problems
from linkservice.web.door import ANY, PUBLIC, Pages
from linkservice.web.page import Page
from linkservice.workspaces import sessions
from linkservice.workspaces.model import LOCALES

PAGES = Pages("")

A_YEAR = 365 * 24 * 3600


@PAGES.post("/language", scope=PUBLIC)
def language(page: Page) -> Response:
    """Speak another language, here and, once signed in, everywhere."""
    problems = Problems()
    locale = problems.one_of("locale", page.form.text("locale"), LOCALES)
    problems.raise_if_any()
    if page.user is not None:
        page.user.locale = locale
    response = page.go_back("overview")
    # Also for the pages of nobody in particular: errors, signing in.
    page.cookies.put(response, "language", locale, A_YEAR)
    return response


@PAGES.post("/workspace", scope=ANY)
def switch_workspace(page: Page) -> Response:
    """Look at another workspace one is a member of."""
    wanted = page.form.text("workspace_id")
    token = sessions.switch_workspace(page.session, page.who, wanted)
    return page.keep_session(page.go("overview"), token)


@PAGES.get("/logo", scope=ANY)
def logo(page: Page) -> Response:
    """The workspace's logo, for its own pages."""
    if page.home.logo is None:
        raise NotFound(Problem("", "no_logo"))
    return Response(page.home.logo, content_type="image/png")
