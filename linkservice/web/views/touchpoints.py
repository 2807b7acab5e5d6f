"""Touchpoints: made, changed and moved on the journey map; and the page of one, with its reach,
its costs and its links.

Decided here: how a channel is typed (its word or one's own), and a target rate (visitors per
1,000 of reach). Not here: entering reach (`reach.py`) and costs (`costs.py`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from flask import Response

from linkservice.errors import Invalid
from linkservice.journeys import manage, stages, touchpoints
from linkservice.journeys import reach as reaches
from linkservice.journeys.costs import Subject
from linkservice.journeys.manage import JourneyMap, Place
from linkservice.journeys.model import CHANNELS, Touchpoint
from linkservice.journeys.touchpoints import NewTouchpoint, TouchpointChanges
from linkservice.links.addresses import short_url
from linkservice.links.listing import LinkFilter
from linkservice.reports.exceeded import exceeded
from linkservice.reports.link_list import link_page
from linkservice.reports.period import day_of
from linkservice.reports.sparklines import DAYS, touchpoint_series
from linkservice.web import fieldwords
from linkservice.web.charts import sparkline
from linkservice.web.cost_box import cost_box
from linkservice.web.door import Pages
from linkservice.web.entries import SHOWN_ENTRIES, before, cursor
from linkservice.web.i18n import gettext, look_up, spoken
from linkservice.web.page import Page, address
from linkservice.web.reach_words import too_little
from linkservice.web.views.journeys import whole

PAGES = Pages("journeys")

PER = 1_000
"""People think of visitors per so many of reach; a rate is stored per one."""

LONGEST_RATE = 30
"""Characters of a rate that is typed."""

SHOWN_LINKS = 20


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen for a touchpoint, each by its code, in the language of the page."""

    channels: Mapping[str, str]
    kinds: Mapping[str, str]
    media: Mapping[str, str]

    @classmethod
    def here(cls) -> Choices:
        return cls(
            *(
                {code: gettext(label) for code, label in words.items()}
                for words in (fieldwords.CHANNELS, fieldwords.KINDS, fieldwords.MEDIA)
            )
        )


@PAGES.get("/stages/<id>/touchpoints/new", scope="journeys:write")
def new_touchpoint(page: Page, id: str) -> Response:
    """The form of a new touchpoint, last in the stage."""
    stage = stages.one_stage(page.session, page.actor, id)
    found = manage.journey_map(page.session, page.actor, str(stage.journey_id))
    return page.render(
        "journeys/touchpoint_form.html",
        title=gettext("New touchpoint"),
        action=address("add_touchpoint", id=id),
        touchpoint=None,
        stage=stage,
        found=found,
        rate="",
        back=address("journey", id=found.journey.id, _anchor=f"stage-{id}"),
        back_to=found.journey.name,
        choices=Choices.here(),
    )


@PAGES.post("/stages/<id>/touchpoints", scope="journeys:write", again=new_touchpoint)
def add_touchpoint(page: Page, id: str) -> Response:
    """Make it; with `another`, on to the next one."""
    form = page.form
    new = NewTouchpoint(
        stage_id=id,
        name=form.text("name"),
        channel=channel_code(form.text("channel")),
        kind=form.text("kind"),
        medium=form.text("medium"),
        moment_of_truth=form.checked("moment_of_truth"),
        target_rate=typed_rate(form.text("target_rate")),
    )
    with _rates_as_typed():
        made = touchpoints.create_touchpoint(page.session, page.actor, new, page.now)
    toast = gettext("The touchpoint “%(name)s” is added.", name=made.name)
    undo = address("delete_touchpoint", id=made.id)
    if form.checked("another"):
        return page.go("new_touchpoint", id=id, toast=toast, undo=undo)
    return _to_card(page, made, toast, undo)


@PAGES.get("/touchpoints/<id>", scope="journeys:read")
def touchpoint(page: Page, id: str) -> Response:
    """One touchpoint: what it is, its reach, its costs, its links."""
    found = touchpoints.one_touchpoint(page.session, page.actor, id)
    place = _map_of(page, found)
    stage = next(stage for stage, _ in place.stages if stage.id == found.stage_id)
    begin = before(page.query.get("before", ""))
    entries = reaches.newest_reach(
        page.session, page.actor, id, before=begin, limit=SHOWN_ENTRIES + 1
    )
    wanted = LinkFilter(touchpoint_id=id)
    links = link_page(page.session, page.actor, wanted, limit=SHOWN_LINKS, now=page.now)
    days = touchpoint_series(page.session, page.actor, page.now).get(found.id, [0] * DAYS)
    reach = reaches.reach_summaries(page.session, page.actor, [found.id]).get(found.id)
    more_came = None
    if reach is not None:
        more_came = exceeded(page.session, page.actor, found.id, reach.first, page.now)
    return page.render(
        "journeys/touchpoint.html",
        touchpoint=found,
        stage=stage,
        journey=place.journey,
        rate=written_rate(found.target_rate),
        clicks=sum(days),
        spark=sparkline(days),
        reach=reach,
        exceeding=too_little(more_came),
        entries=entries[:SHOWN_ENTRIES],
        more=cursor(entries),
        first_page=begin is None,
        costs=cost_box(page, Subject("touchpoint", id)),
        links=links,
        link_rows=[
            (
                row,
                short_url(page.settings, row.view.host, row.view.link.slug),
                sparkline(row.series),
            )
            for row in links.rows
        ],
        today=day_of(page.now, page.time_zone),
        units=fieldwords.UNITS,
        choices=Choices.here(),
    )


@PAGES.get("/touchpoints/<id>/edit", scope="journeys:write")
def edit_touchpoint(page: Page, id: str) -> Response:
    """The form of all its fields."""
    found = touchpoints.one_touchpoint(page.session, page.actor, id)
    place = _map_of(page, found)
    return page.render(
        "journeys/touchpoint_form.html",
        title=gettext("Change the touchpoint"),
        action=address("change_touchpoint", id=id),
        touchpoint=found,
        stage=next(stage for stage, _ in place.stages if stage.id == found.stage_id),
        found=place,
        rate=written_rate(found.target_rate),
        back=address("touchpoint", id=id),
        back_to=found.name,
        choices=Choices.here(),
    )


@PAGES.post("/touchpoints/<id>", scope="journeys:write", again=edit_touchpoint)
def change_touchpoint(page: Page, id: str) -> Response:
    """Change what the form says."""
    form = page.form
    found = touchpoints.one_touchpoint(page.session, page.actor, id)
    wanted: TouchpointChanges = {
        "name": form.text("name"),
        "channel": channel_code(form.text("channel")),
        "kind": form.text("kind"),
        "medium": form.text("medium"),
        "moment_of_truth": form.checked("moment_of_truth"),
    }
    # A rate set by a program may have more digits than are shown.
    if form.text("target_rate").strip() != written_rate(found.target_rate):
        wanted["target_rate"] = typed_rate(form.text("target_rate"))
    if form.text("stage_id") != str(found.stage_id):
        wanted["stage_id"] = form.text("stage_id")
    with _rates_as_typed():
        found = touchpoints.change_touchpoint(page.session, page.actor, id, wanted, page.now)
    toast = gettext("The touchpoint “%(name)s” is changed.", name=found.name)
    return page.go_back("touchpoint", id=id, toast=toast)


@PAGES.post("/journeys/<id>/touchpoints/place", scope="journeys:write")
def place_touchpoint(page: Page, id: str) -> Response:
    """Put the touchpoint `id` of the form into the stage `list`, where it was dropped."""
    manage.journey_map(page.session, page.actor, id)  # raises where the journey is not there
    place = Place(page.form.text("list"), page.form.integer("position"))
    return _move(page, page.form.text("id"), place)


@PAGES.post("/touchpoints/<id>/move", scope="journeys:write")
def move_touchpoint(page: Page, id: str) -> Response:
    """One place `up` or `down`, to the end of another stage, or (to undo) to where it was."""
    if "position" in page.query:
        stage_id = page.query.get("stage_id", "")
        return _move(page, id, Place(stage_id, whole(page.query["position"], "position")))
    found = touchpoints.one_touchpoint(page.session, page.actor, id)
    place = _map_of(page, found)
    stage_id = page.form.text("stage_id")
    if stage_id:
        length = next((len(ones) for one, ones in place.stages if str(one.id) == stage_id), 0)
        return _move(page, id, Place(stage_id, length))
    beside = manage.neighbours(place, id)
    direction = page.form.text("direction")
    if direction == "up" and "up" in beside:
        return _move(page, id, beside["up"])
    if direction == "down" and "down" in beside:
        return _move(page, id, beside["down"])
    return _to_card(page, found)


@PAGES.post("/touchpoints/<id>/star", scope="journeys:write")
def star_touchpoint(page: Page, id: str) -> Response:
    """Mark a moment of truth (`on` 1), or take the mark away."""
    wanted = page.form.text("on") == "1"
    found = touchpoints.change_touchpoint(
        page.session, page.actor, id, {"moment_of_truth": wanted}, page.now
    )
    toast = gettext("“%(name)s” is a moment of truth.", name=found.name)
    if not wanted:
        toast = gettext("“%(name)s” is no moment of truth any more.", name=found.name)
    return _to_card(page, found, toast)


@PAGES.post("/touchpoints/<id>/copy", scope="journeys:write")
def copy_touchpoint(page: Page, id: str) -> Response:
    """The same once more right behind it, without reach and links."""
    found = touchpoints.one_touchpoint(page.session, page.actor, id)
    name = gettext("%(name)s (copy)", name=found.name)
    made = touchpoints.duplicate_touchpoint(page.session, page.actor, id, name, page.now)
    toast = gettext("The touchpoint “%(name)s” is added.", name=made.name)
    return _to_card(page, made, toast, address("delete_touchpoint", id=made.id))


@PAGES.post("/touchpoints/<id>/delete", scope="journeys:write")
def delete_touchpoint(page: Page, id: str) -> Response:
    """Delete it; its links go on."""
    found = touchpoints.one_touchpoint(page.session, page.actor, id)
    stage = stages.one_stage(page.session, page.actor, str(found.stage_id))
    touchpoints.delete_touchpoint(page.session, page.actor, id, page.now)
    return page.go(
        "journey",
        id=stage.journey_id,
        toast=gettext("The touchpoint “%(name)s” is deleted. Its links go on.", name=found.name),
        undo=address("restore_touchpoint", id=id),
        _anchor=f"stage-{stage.id}",
    )


@PAGES.post("/touchpoints/<id>/restore", scope="journeys:write")
def restore_touchpoint(page: Page, id: str) -> Response:
    """Bring it back to where it was."""
    found = touchpoints.restore_touchpoint(page.session, page.actor, id, page.now)
    return _to_card(page, found, gettext("The touchpoint “%(name)s” is back.", name=found.name))


def channel_code(text: str) -> str:
    """The code of a channel by its word, English or as the page speaks; one's own as it is."""
    word = " ".join(text.split()).casefold()
    for code in CHANNELS:
        label = fieldwords.CHANNELS[code]
        if word in (code, label.casefold(), look_up(label).casefold()):
            return code
    return text.strip()


def typed_rate(text: str) -> float | None:
    """A target rate typed as visitors per `PER` of reach, such as 41.5; None for nothing, not
    a number for what is none, which no rule of the noun lets pass.

    Both decimal signs are understood; what groups thousands is read so before three digits.
    """
    bare = re.sub(r"[\s'’]", "", text)
    if not bare:
        return None
    point, group = (",", ".") if spoken() == "de" else (".", ",")
    if re.fullmatch(rf"[0-9]{{1,3}}(\{group}[0-9]{{3}})+(\{point}[0-9]+)?", bare):
        bare = bare.replace(group, "")
    if len(bare) > LONGEST_RATE or not re.fullmatch(r"[0-9]+([.,][0-9]+)?", bare):
        return math.nan
    return float(bare.replace(",", ".")) / PER


def written_rate(rate: float | None) -> str:
    """As `typed_rate` reads it, without grouping."""
    if rate is None:
        return ""
    text = f"{rate * PER:.9f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if spoken() == "de" else text


@contextmanager
def _rates_as_typed() -> Iterator[None]:
    """The noun tells bounds of a rate per one, people typed one per `PER`."""
    try:
        yield
    except Invalid as error:
        raise Invalid(
            *(
                replace(problem, code="not_a_rate") if problem.field == "target_rate" else problem
                for problem in error.problems
            )
        ) from None


def _map_of(page: Page, found: Touchpoint) -> JourneyMap:
    stage = stages.one_stage(page.session, page.actor, str(found.stage_id))
    return manage.journey_map(page.session, page.actor, str(stage.journey_id))


def _move(page: Page, id: str, place: Place) -> Response:
    found = touchpoints.one_touchpoint(page.session, page.actor, id)
    before = Place(str(found.stage_id), found.position)
    found = touchpoints.move_touchpoint(
        page.session, page.actor, id, place.stage_id, place.position, page.now
    )
    stage = stages.one_stage(page.session, page.actor, str(found.stage_id))
    toast = gettext("“%(name)s” is moved.", name=found.name)
    if before.stage_id != str(stage.id):
        toast = gettext("“%(name)s” now stands in “%(stage)s”.", name=found.name, stage=stage.name)
    back = address("move_touchpoint", id=id, stage_id=before.stage_id, position=before.position)
    return _to_card(page, found, toast, back)


def _to_card(page: Page, found: Touchpoint, toast: str = "", undo: str = "") -> Response:
    """To its place on the map."""
    stage = stages.one_stage(page.session, page.actor, str(found.stage_id))
    here = f"touchpoint-{found.id}"
    return page.go("journey", id=stage.journey_id, toast=toast, undo=undo, _anchor=here)
