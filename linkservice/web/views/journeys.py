"""Journeys and their stages: the list, and the map on which a journey is built.

Not here: touchpoints (`touchpoints.py`) and reach (`reach.py`), nor the map of the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response
from markupsafe import Markup

from linkservice.errors import Invalid, Problem
from linkservice.journeys import manage, stages
from linkservice.journeys.manage import JourneyMap
from linkservice.journeys.model import Stage, Touchpoint
from linkservice.journeys.reach import reach_summaries
from linkservice.links.counts import touchpoint_counts
from linkservice.reports.sparklines import DAYS, touchpoint_series
from linkservice.web import fieldwords
from linkservice.web.charts import sparkline
from linkservice.web.door import Pages
from linkservice.web.i18n import gettext, ngettext
from linkservice.web.page import Page, address
from linkservice.workspaces.access import inside_id

PAGES = Pages("journeys")

SHOWN = 24
"""Journeys on a page of the list."""


@dataclass(frozen=True, slots=True)
class Card:
    """A touchpoint on the map, with its links and its clicks of the last `DAYS` days."""

    touchpoint: Touchpoint
    links: int
    clicks: int
    spark: Markup


@dataclass(frozen=True, slots=True)
class Drawn:
    """A journey as it is shown: its stages with their cards, and what they come to."""

    found: JourneyMap
    stages: Sequence[tuple[Stage, Sequence[Card]]]
    spark: Markup

    @property
    def cards(self) -> list[Card]:
        return [card for _, cards in self.stages for card in cards]

    @property
    def links(self) -> int:
        return sum(card.links for card in self.cards)

    @property
    def clicks(self) -> int:
        return sum(card.clicks for card in self.cards)


@PAGES.get("/journeys", scope="journeys:read")
def journeys(page: Page) -> Response:
    """All journeys, the oldest first."""
    after = inside_id(page.query.get("after", ""))
    found = manage.list_journeys(page.session, page.actor, after=after, limit=SHOWN + 1)
    shown = found[:SHOWN]
    return page.render(
        "journeys/journeys.html",
        journeys=drawn(page, shown),
        after=after,
        more=shown[-1].journey.id if len(found) > SHOWN else None,
    )


@PAGES.get("/journeys/new", scope="journeys:write")
def new_journey(page: Page) -> Response:
    """The form of a new journey."""
    return page.render("journeys/new.html")


@PAGES.post("/journeys", scope="journeys:write", again=new_journey)
def add_journey(page: Page) -> Response:
    """Make a journey, from the template or empty, in the language of the workspace."""
    made = manage.create_journey(
        page.session,
        page.actor,
        page.form.text("name"),
        page.now,
        template=page.form.optional("template"),
    )
    toast = gettext("The journey is made. Keep what you have, delete the rest.")
    if not made.stages:
        toast = gettext("The journey is made. Begin with its first stage.")
    return page.go("journey", id=made.journey.id, toast=toast)


@PAGES.get("/journeys/<id>", scope="journeys:read")
def journey(page: Page, id: str) -> Response:
    """The journey map."""
    found = manage.journey_map(page.session, page.actor, id)
    (shown,) = drawn(page, [found])
    with_reach = reach_summaries(
        page.session, page.actor, [card.touchpoint.id for card in shown.cards]
    )
    return page.render(
        "journeys/journey.html",
        journey=found.journey,
        shown=shown,
        without_reach=len(shown.cards) - len(with_reach),
        channels=fieldwords.CHANNELS,
        kinds=fieldwords.KINDS,
        media=fieldwords.MEDIA,
    )


@PAGES.get("/journeys/<id>/edit", scope="journeys:write")
def edit_journey(page: Page, id: str) -> Response:
    """The form of its name."""
    found = manage.journey_map(page.session, page.actor, id).journey
    return page.render(
        "journeys/name.html",
        title=gettext("Rename the journey"),
        action=address("change_journey", id=id),
        label=gettext("Name of the journey"),
        name=found.name,
        button=gettext("Rename"),
        back=address("journey", id=id),
        back_to=found.name,
    )


@PAGES.post("/journeys/<id>", scope="journeys:write", again=edit_journey)
def change_journey(page: Page, id: str) -> Response:
    """Rename it."""
    before = manage.journey_map(page.session, page.actor, id).journey.name
    found = manage.rename_journey(page.session, page.actor, id, sent(page, "name"), page.now)
    toast = gettext("The journey is now called “%(name)s”.", name=found.journey.name)
    return page.go(
        "journey", id=id, toast=toast, undo=address("change_journey", id=id, name=before)
    )


@PAGES.post("/journeys/<id>/delete", scope="journeys:write")
def delete_journey(page: Page, id: str) -> Response:
    """Delete it with all in it; its links go on."""
    name = manage.journey_map(page.session, page.actor, id).journey.name
    manage.delete_journey(page.session, page.actor, id, page.now)
    toast = gettext("The journey “%(name)s” is deleted. Its links go on.", name=name)
    return page.go("journeys", toast=toast, undo=address("restore_journey", id=id))


@PAGES.post("/journeys/<id>/restore", scope="journeys:write")
def restore_journey(page: Page, id: str) -> Response:
    """Bring it back."""
    found = manage.restore_journey(page.session, page.actor, id, page.now)
    toast = gettext("The journey “%(name)s” is back.", name=found.journey.name)
    return page.go("journey", id=id, toast=toast)


@PAGES.get("/journeys/<id>/stages/new", scope="journeys:write")
def new_stage(page: Page, id: str) -> Response:
    """The form of a new stage."""
    found = manage.journey_map(page.session, page.actor, id).journey
    return page.render(
        "journeys/name.html",
        title=gettext("New stage"),
        action=address("add_stage", id=id),
        label=gettext("Name of the stage"),
        name="",
        button=gettext("Add stage"),
        back=address("journey", id=id),
        back_to=found.name,
    )


@PAGES.post("/journeys/<id>/stages", scope="journeys:write", again=new_stage)
def add_stage(page: Page, id: str) -> Response:
    """Add a stage, as the last one."""
    made = stages.create_stage(page.session, page.actor, id, page.form.text("name"), page.now)
    toast = gettext("The stage “%(name)s” is added.", name=made.name)
    return to_stage(page, made, toast, address("delete_stage", id=made.id))


@PAGES.post("/journeys/<id>/stages/place", scope="journeys:write")
def place_stage(page: Page, id: str) -> Response:
    """Put the stage `id` of the form where it was dropped."""
    manage.journey_map(page.session, page.actor, id)  # raises where the journey is not there
    return _moved(page, page.form.text("id"), page.form.integer("position"))


@PAGES.get("/stages/<id>/edit", scope="journeys:write")
def edit_stage(page: Page, id: str) -> Response:
    """The form of its name."""
    found = stages.one_stage(page.session, page.actor, id)
    of = manage.journey_map(page.session, page.actor, str(found.journey_id)).journey
    return page.render(
        "journeys/name.html",
        title=gettext("Rename the stage"),
        action=address("change_stage", id=id),
        label=gettext("Name of the stage"),
        name=found.name,
        button=gettext("Rename"),
        back=address("journey", id=of.id, _anchor=f"stage-{id}"),
        back_to=of.name,
    )


@PAGES.post("/stages/<id>", scope="journeys:write", again=edit_stage)
def change_stage(page: Page, id: str) -> Response:
    """Rename it."""
    before = stages.one_stage(page.session, page.actor, id).name
    found = stages.change_stage(
        page.session, page.actor, id, {"name": sent(page, "name")}, page.now
    )
    toast = gettext("The stage is now called “%(name)s”.", name=found.name)
    return to_stage(page, found, toast, address("change_stage", id=id, name=before))


@PAGES.post("/stages/<id>/move", scope="journeys:write")
def move_stage(page: Page, id: str) -> Response:
    """One place to the `left` or `right`, or (to undo that) to a `position`."""
    if "position" in page.query:
        return _moved(page, id, whole(page.query["position"], "position"))
    step = 1 if page.form.text("direction") == "right" else -1
    found = stages.one_stage(page.session, page.actor, id)
    return _moved(page, id, max(found.position + step, 0))


@PAGES.post("/stages/<id>/delete", scope="journeys:write")
def delete_stage(page: Page, id: str) -> Response:
    """Delete it with its touchpoints; their links go on."""
    found = stages.one_stage(page.session, page.actor, id)
    of = manage.journey_map(page.session, page.actor, str(found.journey_id))
    count = next(len(inside) for stage, inside in of.stages if stage.id == found.id)
    stages.delete_stage(page.session, page.actor, id, page.now)
    toast = ngettext(
        "The stage “%(name)s” is deleted with %(num)s touchpoint.",
        "The stage “%(name)s” is deleted with %(num)s touchpoints.",
        count,
        name=found.name,
    )
    if not count:
        toast = gettext("The stage “%(name)s” is deleted.", name=found.name)
    undo = address("restore_stage", id=id)
    return page.go("journey", id=found.journey_id, toast=toast, undo=undo)


@PAGES.post("/stages/<id>/restore", scope="journeys:write")
def restore_stage(page: Page, id: str) -> Response:
    """Bring it back to where it was."""
    found = stages.restore_stage(page.session, page.actor, id, page.now)
    return to_stage(page, found, gettext("The stage “%(name)s” is back.", name=found.name))


def drawn(page: Page, found: Sequence[JourneyMap]) -> list[Drawn]:
    """The journeys with their links and clicks, in two queries however many they are."""
    links = touchpoint_counts(page.session, page.actor)
    series = touchpoint_series(page.session, page.actor, page.now)
    none = [0] * DAYS

    def card(touchpoint: Touchpoint) -> Card:
        days = series.get(touchpoint.id, none)
        return Card(touchpoint, links.get(touchpoint.id, 0), sum(days), sparkline(days))

    def all_days(each: JourneyMap) -> list[int]:
        inside = [series.get(one.id, none) for _, ones in each.stages for one in ones]
        return [sum(day) for day in zip(*inside, strict=True)] or none

    return [
        Drawn(
            each,
            [(stage, [card(one) for one in inside]) for stage, inside in each.stages],
            sparkline(all_days(each)),
        )
        for each in found
    ]


def sent(page: Page, name: str) -> str:
    """A field of the form, or, where an undo brings back what was before, of the query."""
    return page.form.text(name) if name in page.form.typed else page.query.get(name, "")


def whole(text: str, name: str) -> int:
    """A place as an undo's address has it. Raises `Invalid`."""
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise Invalid(Problem(name, "not_a_number"))
    return int(text)


def to_stage(page: Page, found: Stage, toast: str, undo: str = "") -> Response:
    """To its place on the map."""
    here = f"stage-{found.id}"
    return page.go("journey", id=found.journey_id, toast=toast, undo=undo, _anchor=here)


def _moved(page: Page, id: str, position: int) -> Response:
    before = stages.one_stage(page.session, page.actor, id).position
    found = stages.change_stage(page.session, page.actor, id, {"position": position}, page.now)
    toast = gettext("The stage “%(name)s” is moved.", name=found.name)
    return to_stage(page, found, toast, address("move_stage", id=id, position=before))
