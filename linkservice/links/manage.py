"""Links: one function makes a link for every door; edit, pause, delete, list.

Not here: what a slug (`slug.py`) or a destination (`destination.py`) may be.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypedDict, TypeVar

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from linkservice import changes
from linkservice.config import Settings
from linkservice.database import unless_taken
from linkservice.errors import Conflict, Invalid, NotFound, Problem, SlugTaken
from linkservice.fields import Problems
from linkservice.journeys.model import Campaign, Touchpoint
from linkservice.links import tags as tag_rules
from linkservice.links.addresses import own_hosts
from linkservice.links.destination import NOT_TEXT, check_destination, merge_utm
from linkservice.links.domains import domain_named
from linkservice.links.model import Domain, Link, LinkTag, LinkVersion, Tag
from linkservice.links.slug import check_slug, make_slug, slug_key
from linkservice.workspaces.access import Actor, find, inside_id, scoped

LONGEST_TITLE = 200
LONGEST_FILTER = 260
MOST_AT_ONCE = 200
SLUG_ATTEMPTS = 8
"""Generated slugs that may collide in a row: at 10 million links 1 in 10^27."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewLink:
    """What a link is made of; ids are outside ids, `domain` is a host."""

    destination: str
    domain: str | None = None
    slug: str | None = None
    title: str = ""
    touchpoint_id: str | None = None
    campaign_id: str | None = None
    tags: Sequence[str] = ()
    forward_query: bool = False
    utm: dict[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None


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
    utm: dict[str, str]
    expires_at: datetime | None
    active: bool


@dataclass(frozen=True, slots=True)
class LinkFilter:
    """Which links to list; None means any. `q` is part of slug, title or destination."""

    q: str | None = None
    touchpoint_id: str | None = None
    campaign_id: str | None = None
    tag: str | None = None
    domain: str | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link with what belongs to it."""

    link: Link
    host: str
    tags: Sequence[str]


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
    destination, title, names = _checked(session, settings, new, touchpoint_ids)
    domain = domain_named(session, actor, new.domain)
    campaign_id = _campaign_id(session, actor, new.campaign_id)
    places = [_touchpoint_id(session, actor, each) for each in touchpoint_ids]
    links = []
    for touchpoint_id in places:
        link = Link(
            workspace_id=actor.workspace_id,
            domain_id=domain.id,
            destination=destination,
            title=title,
            touchpoint_id=touchpoint_id,
            campaign_id=campaign_id,
            forward_query=new.forward_query,
            active=True,
            expires_at=new.expires_at,
            version=1,
            created_at=now,
            updated_at=now,
        )
        _insert(session, link, new.slug)
        _remember(session, actor, link, now)
        links.append(link)
    if names:
        tag_rules.set_tags(session, actor, [link.id for link in links], names)
    return [LinkView(link, domain.host, sorted(names)) for link in links]


def change_link(
    session: Session,
    actor: Actor,
    settings: Settings,
    link_id: str,
    wanted: LinkChanges,
    now: datetime,
) -> LinkView:
    """Change a link; live in every worker within a second.

    Raises `Invalid` with every wrong field, `Conflict`, `NotFound`, `Forbidden`.
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
    # What is sent back unchanged stays, even if the touchpoint was deleted meanwhile.
    if "touchpoint_id" in wanted and wanted["touchpoint_id"] != str(link.touchpoint_id):
        link.touchpoint_id = _touchpoint_id(session, actor, wanted["touchpoint_id"])
    if "campaign_id" in wanted:
        link.campaign_id = _campaign_id(session, actor, wanted["campaign_id"])
    if names is not None:
        tag_rules.set_tags(session, actor, [link.id], names)
    link.destination = destination
    link.title = title
    link.forward_query = wanted.get("forward_query", link.forward_query)
    link.active = wanted.get("active", link.active)
    link.expires_at = wanted.get("expires_at", link.expires_at)
    _next_version(session, actor, link, now)
    return link_views(session, [link])[0]


def delete_link(session: Session, actor: Actor, link_id: str, now: datetime) -> None:
    """Delete softly: it answers 410 from now on and its slug stays taken."""
    actor.require("links:write")
    link = find(session, actor, Link, link_id)
    link.deleted_at = now
    link.active = False
    _next_version(session, actor, link, now)


def link_view(session: Session, actor: Actor, link_id: str) -> LinkView:
    """One link. Raises `NotFound`, `Forbidden`."""
    actor.require("links:read")
    return link_views(session, [find(session, actor, Link, link_id)])[0]


def link_by_slug(session: Session, actor: Actor, slug: str, host: str | None = None) -> LinkView:
    """The link with that slug on the domain (the first one if none is named)."""
    actor.require("links:read")
    domain = domain_named(session, actor, host)
    # Lone surrogates and NUL are no text to a database, and no link has them.
    key = "" if NOT_TEXT.search(slug) else slug_key(slug)
    found = session.scalar(
        scoped(actor, Link).where(Link.domain_id == domain.id, Link.slug_key == key)
    )
    if found is None:
        raise NotFound(Problem("slug", "no_such_slug", {"slug": slug[:80], "host": domain.host}))
    return link_views(session, [found])[0]


def list_links(
    session: Session, actor: Actor, wanted: LinkFilter, *, before: int | None, limit: int
) -> list[LinkView]:
    """Links, newest first, at most `limit`, with ids below `before`.

    Raises `Invalid` (q, tag, domain), `Forbidden`.
    """
    actor.require("links:read")
    wanted = _checked_filter(wanted)
    query = scoped(actor, Link).order_by(Link.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Link.id < before)
    if wanted.q:
        parts = (Link.slug_key, slug_key(wanted.q)), (Link.title, wanted.q)
        found = [column.icontains(text, autoescape=True) for column, text in parts]
        query = query.where(or_(*found, Link.destination.icontains(wanted.q, autoescape=True)))
    if wanted.touchpoint_id is not None:
        query = query.where(Link.touchpoint_id == (inside_id(wanted.touchpoint_id) or 0))
    if wanted.campaign_id is not None:
        query = query.where(Link.campaign_id == (inside_id(wanted.campaign_id) or 0))
    if wanted.tag is not None:
        query = query.where(
            Link.id.in_(
                select(LinkTag.link_id)
                .join(Tag, Tag.id == LinkTag.tag_id)
                .where(Tag.workspace_id == actor.workspace_id, Tag.name == wanted.tag)
            )
        )
    if wanted.domain is not None:
        query = query.where(
            Link.domain_id.in_(select(Domain.id).where(Domain.host == wanted.domain.lower()))
        )
    if wanted.active is not None:
        query = query.where(Link.active.is_(wanted.active))
    return link_views(session, session.scalars(query).all())


def _checked_filter(wanted: LinkFilter) -> LinkFilter:
    problems = Problems()

    def text(field: str, value: str | None) -> str | None:
        return value and problems.text(field, value, longest=LONGEST_FILTER, empty=True)

    checked = replace(
        wanted,
        q=text("q", wanted.q),
        tag=text("tag", wanted.tag),
        domain=text("domain", wanted.domain),
    )
    problems.raise_if_any()
    return checked


def link_views(session: Session, links: Sequence[Link]) -> list[LinkView]:
    """The links with their hosts and tags."""
    hosts = dict(
        session.execute(
            select(Domain.id, Domain.host).where(Domain.id.in_({link.domain_id for link in links}))
        ).all()
    )
    names = tag_rules.tags_of(session, [link.id for link in links])
    return [LinkView(link, hosts[link.domain_id], names[link.id]) for link in links]


def _checked(
    session: Session, settings: Settings, new: NewLink, touchpoint_ids: Sequence[str | None]
) -> tuple[str, str, list[str]]:
    """The stored destination, title and tag names; raises every problem of the fields at once."""
    problems = Problems()
    hosts = own_hosts(session, settings)
    destination = _noted(problems, lambda: _destination(new.destination, new.utm, hosts))
    if new.slug is not None:
        slug = new.slug
        _noted(problems, lambda: check_slug(slug))
        if len(touchpoint_ids) > 1:
            problems.add("slug", "slug_for_many")
    if not 1 <= len(touchpoint_ids) <= MOST_AT_ONCE:
        problems.add("touchpoint_ids", "how_many_touchpoints", most=MOST_AT_ONCE)
    title = problems.text("title", new.title, longest=LONGEST_TITLE, empty=True)
    names = tag_rules.checked_names(problems, new.tags)
    problems.raise_if_any()
    assert destination is not None
    return destination, title, names


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


def _destination(text: str, utm: dict[str, str], hosts: Collection[str]) -> str:
    return merge_utm(check_destination(text, own_hosts=hosts), utm)


def _insert(session: Session, link: Link, chosen: str | None) -> None:
    """Insert with the chosen or a generated slug; the database judges whether it is free."""
    for _ in range(SLUG_ATTEMPTS if chosen is None else 1):
        link.slug = make_slug() if chosen is None else check_slug(chosen)
        link.slug_key = slug_key(link.slug)
        taken = SlugTaken(link.slug)
        with (
            suppress(SlugTaken),
            unless_taken(session, Link, "domain_id", "slug_key", otherwise=taken),
        ):
            session.add(link)
        if link.id is not None:
            return
    raise SlugTaken(link.slug)


def _next_version(session: Session, actor: Actor, link: Link, now: datetime) -> None:
    link.version += 1
    link.updated_at = now
    session.flush()
    _remember(session, actor, link, now)


def _remember(session: Session, actor: Actor, link: Link, now: datetime) -> None:
    """Keep this version for its clicks, and tell the redirect workers."""
    session.add(
        LinkVersion(
            link_id=link.id,
            version=link.version,
            destination=link.destination,
            touchpoint_id=link.touchpoint_id,
            active=link.active,
            changed_at=now,
            changed_by=actor.name,
        )
    )
    changes.announce(session, "link", now, domain_id=link.domain_id, slug_key=link.slug_key)


def _touchpoint_id(session: Session, actor: Actor, outside_id: str | None) -> int | None:
    if outside_id is None:
        return None
    return find(session, actor, Touchpoint, outside_id, "touchpoint_id").id


def _campaign_id(session: Session, actor: Actor, outside_id: str | None) -> int | None:
    if outside_id is None:
        return None
    return find(session, actor, Campaign, outside_id, "campaign_id").id
