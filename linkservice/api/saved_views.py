"""The calls of saved views."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from linkservice.api.door import Call, Calls, Listed, Nothing, Page, id_of, listed
from linkservice.api.values import Answer, Given, Id, Moment, one_of, optional_id, text
from linkservice.reports import saved
from linkservice.reports.model import KEPT, LONGEST_NAME, SavedView
from linkservice.reports.saved import LONGEST_QUERY, NewView

VIEWS = Calls("Saved views")

Name = Annotated[str, text(LONGEST_NAME)]


class ViewGiven(Given):
    """A report under a name; `query` is that of its page's address: ``period=7d&country=DE``.

    `subject_id` is the id of what it is about, where it is about one thing.
    """

    name: Name
    about: Annotated[str, one_of(KEPT)]
    subject_id: Id | None = None
    query: Annotated[str, Field(max_length=LONGEST_QUERY)] = ""


class ViewName(Given):
    """Another name for a view."""

    name: Name


class ViewAnswer(Answer):
    """A report with its period and filters, saved for all members."""

    id: Id
    name: str
    about: str
    subject_id: Id | None
    query: str
    created_by: str
    created_at: Moment


@VIEWS.call(
    "POST",
    "/views",
    scope=saved.SCOPE,
    takes=ViewGiven,
    answers=ViewAnswer,
    refers=True,
    conflicts=True,
)
def create_view(call: Call, given: ViewGiven) -> ViewAnswer:
    """Save a view"""
    new = NewView(given.name, given.about, given.subject_id, given.query)
    return _view(saved.save_view(call.session, call.actor, new, call.now))


@VIEWS.call("GET", "/views", scope="reports:read", takes=Page, answers=Listed[ViewAnswer])
def list_views(call: Call, given: Page) -> Listed[ViewAnswer]:
    """List saved views"""
    return listed(
        given,
        lambda after, limit: saved.list_views(call.session, call.actor, after=after, limit=limit),
        _view,
        id_of,
    )


@VIEWS.call("GET", "/views/{id}", scope="reports:read", answers=ViewAnswer)
def get_view(call: Call, given: Nothing) -> ViewAnswer:
    """Get a saved view"""
    return _view(saved.one_view(call.session, call.actor, call.id))


@VIEWS.call(
    "PATCH",
    "/views/{id}",
    scope=saved.SCOPE,
    takes=ViewName,
    answers=ViewAnswer,
    conflicts=True,
)
def change_view(call: Call, given: ViewName) -> ViewAnswer:
    """Rename a saved view"""
    return _view(saved.rename_view(call.session, call.actor, call.id, given.name, call.now))


@VIEWS.call("DELETE", "/views/{id}", scope=saved.SCOPE)
def delete_view(call: Call, given: Nothing) -> None:
    """Delete a saved view; what it shows stays"""
    saved.delete_view(call.session, call.actor, call.id, call.now)


def _view(view: SavedView) -> ViewAnswer:
    return ViewAnswer(
        id=str(view.id),
        name=view.name,
        about=view.about,
        subject_id=optional_id(view.subject_id),
        query=view.query,
        created_by=view.created_by,
        created_at=view.created_at,
    )
