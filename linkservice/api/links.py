"""The calls of links: made, listed, changed, deleted, and their QR codes."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, cast

from pydantic import Field
from pydantic.fields import FieldInfo
from sqlalchemy.orm import Session

from linkservice.api.door import PREFIX, Call, Calls, File, Listed, Nothing, Page, listed
from linkservice.api.personas import PersonaIds
from linkservice.api.values import (
    NUMBER_IN_QUERY,
    PARAMETER_VALUE,
    WEB_ADDRESS,
    WHOLE_IN_QUERY,
    Answer,
    Changes,
    Given,
    Id,
    Moment,
    QueryFlag,
    described,
    optional_id,
    text,
)
from linkservice.config import Settings
from linkservice.links import listing, manage
from linkservice.links.addresses import scan_url, short_url
from linkservice.links.destination import DESTINATION_MAX, UTM_MAX
from linkservice.links.host import HOST_MAX
from linkservice.links.listing import LONGEST_FILTER, LinkFilter, LinkView, State
from linkservice.links.manage import LONGEST_TITLE, MOST_AT_ONCE, LinkChanges, NewLink
from linkservice.links.personas import set_link_personas
from linkservice.links.slug import RESERVED, SLUG_MAX
from linkservice.links.tags import LONGEST_TAG, MOST_TAGS
from linkservice.qr import design, render
from linkservice.qr.render import Rendered
from linkservice.workspaces.access import Actor

LINKS = Calls("Links")

# The letter ſ counts as s where slugs are compared.
_RESERVED = "|".join(
    "".join(f"[{c}{c.upper()}{'ſ' if c == 's' else ''}]" if c.isalpha() else f"[{c}]" for c in word)
    for word in sorted(RESERVED)
)
_INVISIBLE = "\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u3164\\ufe00-\\ufe0f\\uffa0"
# Not reserved; no mark but after a letter; nothing invisible; no dot at an end.
SLUG = (
    rf"^(?!(?:{_RESERVED})$)(?!.*(?:[\p{{Nd}}._-]\p{{M}}|[{_INVISIBLE}]))"
    r"[\p{L}\p{Nd}_-](?:[\p{L}\p{M}\p{Nd}._-]*[\p{L}\p{M}\p{Nd}_-])?$"
)

_REST = "(?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
Host = Annotated[
    str,
    Field(max_length=HOST_MAX),
    described(
        anyOf=[
            {"format": "idn-hostname"},
            {"pattern": rf"^(?:[A-Za-z0-9]{_REST}\.){{0,8}}[A-Za-z]{_REST}:[1-9][0-9]{{0,3}}$"},
            {"pattern": r"^(?:127\.0\.0\.1|\[::1\])(?::[1-9][0-9]{0,3})?$"},
        ],
        description="A host name, with its port where that is neither 80 nor 443.",
    ),
]

WebAddress = Annotated[
    str,
    Field(min_length=1, max_length=DESTINATION_MAX),
    described(format="iri", pattern=WEB_ADDRESS),
]
Slug = Annotated[
    str,
    Field(min_length=1, max_length=SLUG_MAX),
    described(pattern=SLUG, description="Case never tells two slugs apart."),
]
Title = Annotated[str, text(LONGEST_TITLE, empty=True)]
Tags = Annotated[list[Annotated[str, text(LONGEST_TAG)]], Field(max_length=MOST_TAGS)]
UtmValue = Annotated[str, Field(max_length=UTM_MAX), described(pattern=PARAMETER_VALUE)]
FilterText = Annotated[str, text(LONGEST_FILTER, empty=True)]

_STATES: dict[bool | None, State] = {None: "all", True: "archived", False: "current"}


class Utm(Given):
    """UTM parameters that are merged into the destination."""

    source: UtmValue | None = None
    medium: UtmValue | None = None
    campaign: UtmValue | None = None
    term: UtmValue | None = None
    content: UtmValue | None = None


class _LinkFields(Given):
    """What one link and several links are made of; null is the same as leaving out."""

    destination: WebAddress
    domain: Host | None = None
    title: Title | None = None
    campaign_id: Id | None = None
    tags: Tags | None = None
    persona_ids: PersonaIds | None = None
    forward_query: bool = False
    append_click_id: bool = False
    utm: Utm | None = None
    expires_at: Moment | None = None

    def new(self) -> NewLink:
        """The same for the noun."""
        return NewLink(
            **self.model_dump(exclude_none=True, exclude={"touchpoint_ids", "persona_ids"})
        )


class LinkGiven(_LinkFields):
    """A link to be made; without a slug it gets a generated one."""

    slug: Slug | None = None
    touchpoint_id: Id | None = None


class LinksGiven(_LinkFields):
    """Links to one destination, one per touchpoint; all are made or none.

    With `utm_from_touchpoint`, UTM parameters that are not given are filled from touchpoint
    and campaign; with `title_from_touchpoint`, a link without title gets the touchpoint's name.
    """

    touchpoint_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_AT_ONCE)]
    utm_from_touchpoint: bool = False
    title_from_touchpoint: bool = False


class LinkChangesGiven(Changes):
    """What of a link changes; `slug` and `domain` are printed and must stay what they are."""

    destination: WebAddress = ""
    domain: str = ""
    slug: str = ""
    title: Title = ""
    touchpoint_id: Id | None = None
    campaign_id: Id | None = None
    tags: Tags = []  # noqa: RUF012  # pydantic copies defaults
    persona_ids: PersonaIds = []  # noqa: RUF012  # pydantic copies defaults
    forward_query: bool = False
    append_click_id: bool = False
    utm: Utm = Utm()
    expires_at: Moment | None = None
    active: bool = True
    archived: bool = False

    def wanted(self) -> LinkChanges:
        """The same for the noun."""
        wanted = self.given()
        wanted.pop("persona_ids", None)
        if "utm" in wanted:
            wanted["utm"] = self.utm.model_dump(exclude_none=True)
        return cast(LinkChanges, wanted)


class LinkQuery(Page):
    """Which links to list; `q` is part of slug, title or destination.

    Archived links are listed unless `archived` is false; true lists them alone.
    """

    q: FilterText | None = None
    touchpoint_id: Id | None = None
    tag: FilterText | None = None
    campaign_id: Id | None = None
    domain: FilterText | None = None
    active: QueryFlag | None = None
    archived: QueryFlag | None = None

    def wanted(self) -> LinkFilter:
        """The same for the noun."""
        given = self.model_dump(exclude={"limit", "cursor", "archived"})
        return LinkFilter(**given, state=_STATES[self.archived])


def _within(bounds: tuple[int, int]) -> FieldInfo:
    # Here and not only in the noun: an SVG takes no dpi and would not look at a wrong one.
    least, most = bounds
    return cast(FieldInfo, Field(ge=least, le=most))


class PictureQuery(Given):
    """How large the code is printed; a PNG by millimetres at a dpi, or by pixels a module."""

    size_mm: Annotated[float, _within(design.SIZE_MM), NUMBER_IN_QUERY] | None = None
    dpi: Annotated[int, _within(design.DPI), WHOLE_IN_QUERY] | None = None
    module_px: Annotated[int, _within(design.MODULE_PX), WHOLE_IN_QUERY] | None = None


class LinkAnswer(Answer):
    """A link."""

    id: Id
    slug: str
    domain: str
    short_url: str
    scan_url: str
    qr_png_url: str
    destination: str
    title: str
    touchpoint_id: Id | None
    campaign_id: Id | None
    tags: list[str]
    persona_ids: list[Id]
    forward_query: bool
    append_click_id: bool
    active: bool
    archived: bool
    expires_at: Moment | None
    version: int
    created_at: Moment
    updated_at: Moment


class LinksAnswer(Answer):
    """The links that were made."""

    items: list[LinkAnswer]


@LINKS.call(
    "POST",
    "/links",
    scope="links:write",
    takes=LinkGiven,
    answers=LinkAnswer,
    refers=True,
    conflicts=True,
)
def create_link(call: Call, given: LinkGiven) -> LinkAnswer:
    """Make a link"""
    made = manage.create_link(*_who(call), given.new(), call.now)
    return _link(call, _made_for(call, made, given.persona_ids or None))


@LINKS.call(
    "POST", "/links/bulk", scope="links:write", takes=LinksGiven, answers=LinksAnswer, refers=True
)
def create_links(call: Call, given: LinksGiven) -> LinksAnswer:
    """Make one link per touchpoint, all or none"""
    made = manage.create_links(*_who(call), given.new(), given.touchpoint_ids, call.now)
    personas = given.persona_ids or None
    return LinksAnswer(items=[_link(call, _made_for(call, view, personas)) for view in made])


@LINKS.call("GET", "/links", scope="links:read", takes=LinkQuery, answers=Listed[LinkAnswer])
def list_links(call: Call, given: LinkQuery) -> Listed[LinkAnswer]:
    """List links, the newest first"""
    wanted = given.wanted()
    return listed(
        given,
        lambda before, limit: listing.list_links(
            call.session, call.actor, wanted, before=before, limit=limit, now=call.now
        ),
        lambda view: _link(call, view),
        lambda view: view.link.id,
    )


@LINKS.call("GET", "/links/{id}", scope="links:read", answers=LinkAnswer)
def get_link(call: Call, given: Nothing) -> LinkAnswer:
    """Get a link"""
    return _link(call, listing.link_view(call.session, call.actor, call.id))


@LINKS.call(
    "PATCH",
    "/links/{id}",
    scope="links:write",
    takes=LinkChangesGiven,
    answers=LinkAnswer,
    refers=True,
    conflicts=True,
)
def change_link(call: Call, given: LinkChangesGiven) -> LinkAnswer:
    """Change a link; live within a second"""
    found = manage.change_link(*_who(call), call.id, given.wanted(), call.now)
    return _link(call, _made_for(call, found, given.given().get("persona_ids")))


@LINKS.call("DELETE", "/links/{id}", scope="links:write")
def delete_link(call: Call, given: Nothing) -> None:
    """Delete a link; its slug stays taken"""
    manage.delete_link(call.session, call.actor, call.id, call.now)


@LINKS.call(
    "GET", "/links/{id}/qr.png", scope="links:read", takes=PictureQuery, answers="image/png"
)
def get_link_png(call: Call, given: PictureQuery) -> File:
    """Get the QR code of a link as PNG"""
    return _file(
        render.png(_scan_url(call), module_px=given.module_px, size_mm=given.size_mm, dpi=given.dpi)
    )


@LINKS.call(
    "GET", "/links/{id}/qr.svg", scope="links:read", takes=PictureQuery, answers="image/svg+xml"
)
def get_link_svg(call: Call, given: PictureQuery) -> File:
    """Get the QR code of a link as SVG; only its size in millimetres matters"""
    return _file(render.svg(_scan_url(call), size_mm=given.size_mm))


def _who(call: Call) -> tuple[Session, Actor, Settings]:
    return call.session, call.actor, call.settings


def _made_for(call: Call, view: LinkView, persona_ids: list[Id] | None) -> LinkView:
    """The link with these personas and no other; None leaves them as they are."""
    if persona_ids is None:
        return view
    outside_id = str(view.link.id)
    personas = set_link_personas(call.session, call.actor, outside_id, persona_ids, call.now)
    return replace(view, personas=personas)


def _link(call: Call, view: LinkView) -> LinkAnswer:
    link = view.link
    settings = call.settings
    return LinkAnswer(
        id=str(link.id),
        slug=link.slug,
        domain=view.host,
        short_url=short_url(settings, view.host, link.slug),
        scan_url=scan_url(settings, view.host, link.slug),
        qr_png_url=f"{settings.base_url}{PREFIX}/links/{link.id}/qr.png",
        destination=link.destination,
        title=link.title,
        touchpoint_id=optional_id(link.touchpoint_id),
        campaign_id=optional_id(link.campaign_id),
        tags=list(view.tags),
        persona_ids=[str(number) for number in view.personas],
        forward_query=link.forward_query,
        append_click_id=link.append_click_id,
        active=link.active,
        archived=link.archived_at is not None,
        expires_at=link.expires_at,
        version=link.version,
        created_at=link.created_at,
        updated_at=link.updated_at,
    )


def _scan_url(call: Call) -> str:
    view = listing.link_view(call.session, call.actor, call.id)
    return scan_url(call.settings, view.host, view.link.slug)


def _file(picture: Rendered) -> File:
    """The file, and in its headers how large it truly is."""
    headers = {}
    if picture.size_mm is not None:
        headers["X-QR-Size-Mm"] = f"{picture.size_mm:.3f}"
    if picture.width_px is not None:
        headers["X-QR-Width-Px"] = str(picture.width_px)
    return File(picture.data, picture.media_type, headers)
