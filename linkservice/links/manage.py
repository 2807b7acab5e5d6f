"""Links: one function makes a link for every door; then it is changed, archived, deleted.

Not here: what a slug (`slug.py`) or a destination (`destination.py`) may be, which links
there are (`listing`), many at once (`bulk`), what they were (`history`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict, TypeVar

from sqlalchemy.orm import Session

from linkservice.config import Settings
from linkservice.database import unless_taken
from linkservice.errors import Conflict, Invalid, Problem, SlugTaken
from linkservice.fields import Problems
from linkservice.journeys.model import Campaign, Stage, Touchpoint
from linkservice.links import history
from linkservice.links import tags as tag_rules
from linkservice.links.addresses import own_hosts
from linkservice.links.destination import check_destination, merge_utm
from linkservice.links.domains import domain_named
from linkservice.links.listing import LinkView, link_views
from linkservice.links.model import Domain, Link
from linkservice.links.naming import name_key
from linkservice.links.slug import check_slug, make_slug, slug_key
from linkservice.links.utm import suggest_utm, utm_of
from linkservice.workspaces.access import Actor, find, find_ever
from linkservice.workspaces.trail import note

LONGEST_TITLE = 200
MOST_AT_ONCE = 200
SLUG_ATTEMPTS = 8
"""Generated slugs that may collide in a row: at 10 million links 1 in 10^27."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewLink:
    """What a link is made of; ids are outside ids, `domain` is a host.

    With `utm_from_touchpoint`, the UTM fields that neither `utm` nor the destination has are
    filled from touchpoint and campaign; with `title_from_touchpoint`, an empty title is the
    touchpoint's name.
    """

    destination: str
    domain: str | None = None
    slug: str | None = None
    title: str = ""
    touchpoint_id: str | None = None
    campaign_id: str | None = None
    tags: Sequence[str] = ()
    forward_query: bool = False
    append_click_id: bool = False
    utm: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None
    utm_from_touchpoint: bool = False
    title_from_touchpoint: bool = False


@dataclass(frozen=True, slots=True)
class PlannedLink:
    """A link that would be made, and where it would stand."""

    touchpoint: Touchpoint | None
    stage: Stage | None
    title: str
    destination: str


class LinkChanges(TypedDict, total=False):
    """The fields of a link that can be changed.

    Its domain and slug are printed and stay; whoever sends them must send what they are.
    """

    domain: str | None
    slug: str | None
    destination: str
    title: str
    touchpoint_id: str | None
    campaign_id: str | None
    tags: Sequence[str]
    forward_query: bool
    append_click_id: bool
    utm: Mapping[str, str]
    expires_at: datetime | None
    active: bool
    archived: bool


def create_link(
    session: Session, actor: Actor, settings: Settings, new: NewLink, now: datetime
) -> LinkView:
    """Make a link. Raises `Invalid` (every wrong field), `SlugTaken`, `NotFound`, `Forbidden`."""
    return create_links(session, actor, settings, new, [new.touchpoint_id], now)[0]


def create_links(
    session: Session,
    actor: Actor,
    settings: Settings,
    new: NewLink,
    touchpoint_ids: Sequence[str | None],
    now: datetime,
) -> list[LinkView]:
    """One link to one destination per touchpoint, all or none; raises as `create_link`."""
    actor.require("links:write")
    names = _checked(session, settings, new, touchpoint_ids)
    domain = domain_named(session, actor, new.domain)
    campaign = _campaign(session, actor, new.campaign_id)
    links = []
    for planned in _plan(session, actor, settings, new, touchpoint_ids, campaign):
        link = Link(
            workspace_id=actor.workspace_id,
            domain_id=domain.id,
            destination=planned.destination,
            title=planned.title,
            touchpoint_id=_number(planned.touchpoint),
            campaign_id=_number(campaign),
            forward_query=new.forward_query,
            append_click_id=new.append_click_id,
            active=True,
            expires_at=new.expires_at,
            version=1,
            created_at=now,
            updated_at=now,
        )
        _insert(session, link, new.slug)
        history.remember(session, actor, link, now)
        links.append(link)
    tag_rules.change_tags(session, actor, [link.id for link in links], add=names)
    _note_created(session, actor, links, now)
    return [LinkView(link, domain.host, sorted(names)) for link in links]


def preview_links(
    session: Session,
    actor: Actor,
    settings: Settings,
    new: NewLink,
    touchpoint_ids: Sequence[str | None],
) -> list[PlannedLink]:
    """What `create_links` would make; raises what it would, but for a taken slug."""
    actor.require("links:write")
    _checked(session, settings, new, touchpoint_ids)
    domain_named(session, actor, new.domain)
    campaign = _campaign(session, actor, new.campaign_id)
    return _plan(session, actor, settings, new, touchpoint_ids, campaign)


def change_link(
    session: Session,
    actor: Actor,
    settings: Settings,
    link_id: str,
    wanted: LinkChanges,
    now: datetime,
) -> LinkView:
    """Change a link; live in every worker within a second.

    Where nothing changes there is no new version. Raises `Invalid` with every wrong field,
    `Conflict`, `NotFound`, `Forbidden`.
    """
    actor.require("links:write")
    link = find(session, actor, Link, link_id)
    _refuse_other_place(session, link, wanted)
    problems = Problems()
    destination = wanted.get("destination", link.destination)
    if "destination" in wanted or wanted.get("utm"):
        hosts = own_hosts(session, settings)
        utm = wanted.get("utm", {})
        destination = _noted(problems, lambda: _destination(destination, utm, hosts)) or destination
    title = problems.text(
        "title", wanted.get("title", link.title), longest=LONGEST_TITLE, empty=True
    )
    names = tag_rules.checked_names(problems, wanted["tags"]) if "tags" in wanted else None
    problems.raise_if_any()
    values: dict[str, history.Kept] = {"destination": destination, "title": title}
    # What is sent back unchanged stays, even if the touchpoint was deleted meanwhile.
    if "touchpoint_id" in wanted and wanted["touchpoint_id"] != str(link.touchpoint_id):
        values["touchpoint_id"] = touchpoint_number(session, actor, wanted["touchpoint_id"])
    if "campaign_id" in wanted:
        values["campaign_id"] = campaign_number(session, actor, wanted["campaign_id"])
    for name in ("forward_query", "append_click_id", "expires_at", "active", "archived"):
        if name in wanted:
            values[name] = wanted[name]
    before = history.kept(link)
    history.put(session, link, values, now)
    tags = None if names is None else _set_tags(session, actor, link, names)
    changed = history.save(session, actor, link, before, now, tags)
    history.note_change(session, actor, link, changed, now)
    return link_views(session, [link])[0]


def archive_link(session: Session, actor: Actor, link_id: str, now: datetime) -> LinkView:
    """It leaves the lists and goes on redirecting. Raises `NotFound`, `Forbidden`."""
    return _put(session, actor, link_id, {"archived": True}, now)


def unarchive_link(session: Session, actor: Actor, link_id: str, now: datetime) -> LinkView:
    """Put it back into the lists. Raises `NotFound`, `Forbidden`."""
    return _put(session, actor, link_id, {"archived": False}, now)


def delete_link(session: Session, actor: Actor, link_id: str, now: datetime) -> LinkView:
    """Delete softly: it answers 410 from now on and its slug stays taken.

    Raises `NotFound` (also for a deleted link), `Forbidden`.
    """
    return _put(session, actor, link_id, {"deleted": True}, now)


def restore_link(session: Session, actor: Actor, link_id: str, now: datetime) -> LinkView:
    """Undelete a link, active or paused as it was before. Raises `NotFound`, `Forbidden`."""
    return _put(session, actor, link_id, {"deleted": False}, now)


def touchpoint_number(session: Session, actor: Actor, outside_id: str | None) -> int | None:
    """The inside id of a touchpoint to choose, None for none. Raises `NotFound`."""
    return _number(_touchpoint(session, actor, outside_id))


def campaign_number(session: Session, actor: Actor, outside_id: str | None) -> int | None:
    """The inside id of a campaign to choose, None for none. Raises `NotFound`."""
    return _number(_campaign(session, actor, outside_id))


def _put(
    session: Session,
    actor: Actor,
    link_id: str,
    values: Mapping[str, history.Kept],
    now: datetime,
) -> LinkView:
    actor.require("links:write")
    look = find if values.get("deleted") is not False else find_ever
    link = look(session, actor, Link, link_id)
    before = history.kept(link)
    history.put(session, link, values, now)
    changed = history.save(session, actor, link, before, now)
    history.note_change(session, actor, link, changed, now)
    return link_views(session, [link])[0]


def _checked(
    session: Session, settings: Settings, new: NewLink, touchpoint_ids: Sequence[str | None]
) -> list[str]:
    """The tag names; raises every problem of the fields at once."""
    problems = Problems()
    hosts = own_hosts(session, settings)
    _noted(problems, lambda: _destination(new.destination, new.utm, hosts))
    if new.slug is not None:
        slug = new.slug
        _noted(problems, lambda: check_slug(slug))
        if len(touchpoint_ids) > 1:
            problems.add("slug", "slug_for_many")
    if not 1 <= len(touchpoint_ids) <= MOST_AT_ONCE:
        problems.add("touchpoint_ids", "how_many_touchpoints", most=MOST_AT_ONCE)
    problems.text("title", new.title, longest=LONGEST_TITLE, empty=True)
    names = tag_rules.checked_names(problems, new.tags)
    problems.raise_if_any()
    return names


def _plan(
    session: Session,
    actor: Actor,
    settings: Settings,
    new: NewLink,
    touchpoint_ids: Sequence[str | None],
    campaign: Campaign | None,
) -> list[PlannedLink]:
    """A link for each touchpoint of what is `_checked`."""
    destination = _destination(new.destination, new.utm, own_hosts(session, settings))
    present = utm_of(destination)
    title = Problems().text("title", new.title, longest=LONGEST_TITLE, empty=True)
    planned = []
    for touchpoint_id in touchpoint_ids:
        touchpoint = _touchpoint(session, actor, touchpoint_id)
        stage = None if touchpoint is None else session.get_one(Stage, touchpoint.stage_id)
        called = title
        if not title and touchpoint is not None and new.title_from_touchpoint:
            called = touchpoint.name
        leads_to = destination
        if new.utm_from_touchpoint:
            suggested = suggest_utm(touchpoint, campaign, title)
            missing = {name: suggested[name] for name in suggested.keys() - present.keys()}
            leads_to = merge_utm(destination, missing)
        planned.append(PlannedLink(touchpoint, stage, called, leads_to))
    return planned


def _note_created(session: Session, actor: Actor, links: Sequence[Link], now: datetime) -> None:
    """One entry in the trail, however many links were made."""
    if len(links) > 1:
        note(session, actor, "links.created", now, count=len(links))
        return
    name = history.name_of(session, links[0])
    note(session, actor, "link.created", now, subject_id=links[0].id, name=name)


def _set_tags(
    session: Session, actor: Actor, link: Link, names: Sequence[str]
) -> tag_rules.TagChange | None:
    """Give the link exactly these tags."""
    others = [each for each in tag_rules.tags_of(session, [link.id])[link.id] if each not in names]
    return tag_rules.change_tags(session, actor, [link.id], add=names, remove=others).get(link.id)


def _refuse_other_place(session: Session, link: Link, wanted: LinkChanges) -> None:
    slug, host = wanted.get("slug"), wanted.get("domain")
    if slug is not None and slug_key(slug) != link.slug_key:
        raise Conflict(Problem("slug", "slug_stays", {"slug": link.slug}))
    own = session.get_one(Domain, link.domain_id).host
    if host is not None and host.lower() != own:
        raise Conflict(Problem("domain", "domain_stays", {"host": own}))


def _noted(problems: Problems, rule: Callable[[], T]) -> T | None:
    try:
        return rule()
    except Invalid as error:
        problems.take(error)
        return None


def _destination(text: str, utm: Mapping[str, str], hosts: Collection[str]) -> str:
    return merge_utm(check_destination(text, own_hosts=hosts), utm)


def _insert(session: Session, link: Link, chosen: str | None) -> None:
    """Insert with the chosen or a generated slug; the database judges whether it is free."""
    for _ in range(SLUG_ATTEMPTS if chosen is None else 1):
        link.slug = make_slug() if chosen is None else check_slug(chosen)
        link.slug_key = slug_key(link.slug)
        link.name_key = name_key(link.title, link.slug)
        taken = SlugTaken(link.slug)
        with (
            suppress(SlugTaken),
            unless_taken(session, Link, "domain_id", "slug_key", otherwise=taken),
        ):
            session.add(link)
        if link.id is not None:
            return
    raise SlugTaken(link.slug)


def _touchpoint(session: Session, actor: Actor, outside_id: str | None) -> Touchpoint | None:
    if outside_id is None:
        return None
    return find(session, actor, Touchpoint, outside_id, "touchpoint_id")


def _campaign(session: Session, actor: Actor, outside_id: str | None) -> Campaign | None:
    if outside_id is None:
        return None
    return find(session, actor, Campaign, outside_id, "campaign_id")


def _number(row: Touchpoint | Campaign | None) -> int | None:
    return None if row is None else row.id
