"""QR sheets: the codes of many links in one file for print; asked for, watched, downloaded."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, current_app, request
from werkzeug.datastructures import MultiDict

from linkservice.errors import Failed, Invalid, Problem
from linkservice.journeys.manage import JourneyMap
from linkservice.links.counts import touchpoint_counts
from linkservice.qr.design import Design, nearest_good
from linkservice.qr.render import svg
from linkservice.sheets import manage
from linkservice.sheets.choice import SIZE_MM, SheetQuestion, order_for
from linkservice.sheets.make import Maker
from linkservice.sheets.order import Order, Words, from_json
from linkservice.web import places
from linkservice.web.door import Pages
from linkservice.web.forms import Form
from linkservice.web.i18n import N_, gettext, ngettext, sentence, write_day, write_number
from linkservice.web.page import Page, address
from linkservice.web.places import Group

PAGES = Pages("sheets")

USUAL = SheetQuestion()
KINDS = {"journey": "journey_id", "campaign": "campaign_id", "tag": "tag"}
"""What a sheet can be of, besides single links, and how addresses name it."""

UNFINISHED = ("waiting", "making", "interrupted")

STATE_WORDS = {
    "waiting": N_("Waiting"),
    "making": N_("Being made"),
    "interrupted": N_("Interrupted"),
    "stopped": N_("Stopped"),
    "failed": N_("Failed"),
    "finished": N_("Ready"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form asks for, as it was typed or as the address says.

    `what` is "journey-7", "campaign-7", "tag-Summer" or "links", which means `link_ids`.
    """

    what: str
    link_ids: Sequence[str]
    format: str
    size_mm: str
    colour: str
    with_archived: bool

    @classmethod
    def of(cls, fields: MultiDict[str, str]) -> Asked:
        """What the fields say; pages that lead here name the journey, campaign, tag or links."""
        named = [f"{kind}-{fields[name]}" for kind, name in KINDS.items() if fields.get(name)]
        link_ids = fields.getlist("link_id")
        return cls(
            what=fields.get("what") or (named or ["links" if link_ids else ""])[0],
            link_ids=link_ids,
            format=fields.get("format", USUAL.format),
            size_mm=fields.get("size_mm", f"{USUAL.size_mm:g}"),
            colour=fields.get("colour", USUAL.colour),
            with_archived="with_archived" in fields,
        )

    @property
    def fields(self) -> dict[str, Any]:
        """The fields that say it."""
        archived = {"with_archived": "1"} if self.with_archived else {}
        return {
            "what": self.what,
            "link_id": list(self.link_ids),
            "format": self.format,
            "size_mm": self.size_mm,
            "colour": self.colour,
            **archived,
        }

    @property
    def chosen(self) -> tuple[str, str]:
        """The kind of what is chosen, and its id or name."""
        kind, _, key = self.what.partition("-")
        return kind, key

    @property
    def size(self) -> float:
        """The size in millimetres; what is no number becomes 0, which no sheet takes."""
        try:
            number = float(self.size_mm.replace(",", "."))
        except ValueError:
            return 0.0
        return number if isfinite(number) else 0.0

    @property
    def question(self) -> SheetQuestion:
        kind, key = self.chosen
        return SheetQuestion(
            journey_id=key if kind == "journey" else None,
            campaign_id=key if kind == "campaign" else None,
            tag=key if kind == "tag" else None,
            link_ids=self.link_ids if kind == "links" else None,
            format=self.format,
            size_mm=self.size,
            colour=self.colour,
            with_archived=self.with_archived,
        )


@PAGES.get("/sheets", scope="links:read")
def sheets(page: Page) -> Response:
    """The last sheets, each with how far it is."""
    found = manage.list_sheets(page.session, page.actor, page.now)
    rows = [(each, manage.sheet_state(each, page.now)) for each in found]
    making = any(state in UNFINISHED for _, state in rows)
    if making:
        _maker().wake()
    return page.render("sheets/list.html", rows=rows, making=making, state_words=STATE_WORDS)


@PAGES.get("/sheets/new", scope="links:read")
def new_sheet(page: Page) -> Response:
    """The form: what is printed and how, with a look at one code and a list of all."""
    asked = Asked.of(page.form.typed if page.form.refused else request.args)
    maps = places.journeys(page)
    groups = _groups(page, maps)
    counts = touchpoint_counts(page.session, page.actor)
    if not asked.what:
        asked = replace(asked, what=_usual_choice(maps, groups, counts))
    if not asked.what:
        return page.render("sheets/nothing.html")
    order, problems = _order(page, asked.question)
    empty = any(problem.code == "sheet_empty" for problem in problems)
    code = ""
    if order is not None:
        try:
            code = _picture(order)
        except Failed as error:
            problems = error.problems
    elif not empty:
        # What is chosen can be told although its looks are wrong.
        plain = replace(asked.question, format="pdf", size_mm=USUAL.size_mm, colour="black")
        order, _ = _order(page, plain)
    if problems and not empty and not page.form.found:
        page = replace(page, form=Form(typed=MultiDict(asked.fields), found=problems))
    tone, reason = _brand_tone(page)
    return page.render(
        "sheets/new.html",
        asked=asked,
        groups=groups,
        order=order,
        code=code,
        empty=empty,
        bare=_bare_touchpoints(asked, maps, counts),
        tone=tone,
        reason=reason,
        sizes=SIZE_MM,
        many=ngettext("%(num)s chosen link", "%(num)s chosen links", len(asked.link_ids)),
    )


@PAGES.post("/sheets", scope="links:read", again=new_sheet)
def ask_sheet(page: Page) -> Response:
    """Ask for the sheet, or only look at what it would be."""
    asked = Asked.of(page.form.typed)
    if page.form.text("deed") != "make":
        return page.go("new_sheet", **asked.fields)
    question, words = asked.question, _words(page, asked.question)
    made = manage.ask_sheet(page.session, page.actor, page.settings, question, words, page.now)
    return page.go("sheet", id=made.id)


@PAGES.get("/sheets/<id>", scope="links:read")
def sheet(page: Page, id: str) -> Response:
    """How far it is; once it is ready, its file."""
    found = manage.one_sheet(page.session, page.actor, id, page.now)
    state = manage.sheet_state(found, page.now)
    if state in UNFINISHED:
        _maker().wake()
    problem = manage.sheet_problem(found)
    return page.render(
        "sheets/sheet.html",
        sheet=found,
        order=from_json(found.question),
        state=state,
        state_words=STATE_WORDS,
        making=state in UNFINISHED,
        failure=problem and (problem.field, sentence(problem)),
    )


@PAGES.get("/sheets/<id>/file", scope="links:read")
def sheet_file(page: Page, id: str) -> Response:
    """The finished file, to be saved."""
    file = manage.sheet_file(page.session, page.actor, id, page.now)
    return page.file(file.data, file.media_type, file.name)


@PAGES.post("/sheets/<id>/stop", scope="links:read")
def stop_sheet(page: Page, id: str) -> Response:
    """Stop it; it can be taken up again."""
    found = manage.stop_sheet(page.session, page.actor, id, page.now)
    if manage.sheet_state(found, page.now) != "stopped":
        return page.go_back("sheet", id=id)
    toast = gettext("The sheet is stopped.")
    return page.go_back("sheet", id=id, toast=toast, undo=address("resume_sheet", id=id))


@PAGES.post("/sheets/<id>/resume", scope="links:read", again=sheet)
def resume_sheet(page: Page, id: str) -> Response:
    """Let it be made from the start; the page it leads to sees to that."""
    manage.resume_sheet(page.session, page.actor, id, page.now)
    return page.go_back("sheet", id=id)


@PAGES.post("/sheets/<id>/delete", scope="links:read")
def delete_sheet(page: Page, id: str) -> Response:
    """Delete it with its file; its links stay."""
    manage.delete_sheet(page.session, page.actor, id, page.now)
    return page.go("sheets", toast=gettext("The sheet is deleted."))


def _maker() -> Maker:
    """Whoever looks at an unfinished sheet wakes it, since requests alone start no thread."""
    maker: Maker = current_app.extensions["sheets"]
    return maker


def _words(page: Page, question: SheetQuestion) -> Words:
    today = write_day(page.now.astimezone(ZoneInfo(page.time_zone)).date())
    chosen = len(set(question.link_ids or ()))
    return Words(
        heading=ngettext(
            "%(num)s chosen link, %(day)s", "%(num)s chosen links, %(day)s", chosen, day=today
        ),
        date=today,
        size=f"{write_number(question.size_mm)} mm",
        page=gettext("Page {page} of {pages}"),
        code=gettext("{count} QR code"),
        codes=gettext("{count} QR codes"),
        advice=gettext("Print at actual size (100%%)"),
        language=page.locale,
    )


def _order(page: Page, question: SheetQuestion) -> tuple[Order | None, Sequence[Problem]]:
    """What the sheet would be made from, or why it cannot be. Raises `NotFound`."""
    words = _words(page, question)
    try:
        return order_for(page.session, page.actor, page.settings, question, words), ()
    except Invalid as error:
        return None, error.problems


def _picture(order: Order) -> str:
    """The first code in its print size, as an address that holds it. Raises `Failed`."""
    design = Design(order.foreground)
    drawn = svg(order.labels[0].scan_url, design=design, size_mm=order.size_mm)
    return f"data:{drawn.media_type};base64,{base64.b64encode(drawn.data).decode()}"


def _brand_tone(page: Page) -> tuple[str, str | None]:
    """The brand colour, or the nearest that scans and why the brand colour does not."""
    brand = page.home.brand_colour
    try:
        Design(brand)
    except Invalid as error:
        return nearest_good(brand), sentence(error.problems[0])
    return brand, None


def _groups(page: Page, maps: list[JourneyMap]) -> list[Group]:
    groups = [
        (gettext("Journeys"), [(f"journey-{m.journey.id}", m.journey.name) for m in maps]),
        (gettext("Campaigns"), [(f"campaign-{id}", name) for id, name in places.campaigns(page)]),
        (gettext("Tags"), [(f"tag-{name}", name) for name in places.tag_names(page)]),
    ]
    return [(heading, members) for heading, members in groups if members]


def _usual_choice(maps: list[JourneyMap], groups: list[Group], counts: Mapping[int, int]) -> str:
    """The first journey that has links, else the first of all choices; "" without any."""
    for each in maps:
        if any(touchpoint.id in counts for _, row in each.stages for touchpoint in row):
            return f"journey-{each.journey.id}"
    return next((value for _, members in groups for value, _ in members), "")


def _bare_touchpoints(asked: Asked, maps: list[JourneyMap], counts: Mapping[int, int]) -> list[str]:
    """Names of the touchpoints of the chosen journey that have no link yet."""
    return [
        touchpoint.name
        for each in maps
        if asked.chosen == ("journey", str(each.journey.id))
        for _, row in each.stages
        for touchpoint in row
        if touchpoint.id not in counts
    ]
