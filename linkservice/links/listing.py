"""Which links there are: one by its id or slug, many by what they have.

Not here: the page of a list with its clicks (`reports.link_list`), which is above the clicks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from linkservice.errors import NotFound, Problem
from linkservice.fields import Problems
from linkservice.journeys.model import Stage, Touchpoint
from linkservice.links import tags as tag_rules
from linkservice.links.destination import NOT_TEXT
from linkservice.links.domains import domain_named
from linkservice.links.model import Domain, Link, LinkTag, Tag
from linkservice.links.naming import fold
from linkservice.links.personas import personas_of_links
from linkservice.links.slug import slug_key
from linkservice.workspaces.access import Actor, find, find_ever, inside_id, scoped

LONGEST_FILTER = 260
MOST_IDS = 1_000
"""Ids a filter may name."""

OneState = Literal["live", "paused", "expired", "archived", "deleted"]
State = Literal["current", "live", "paused", "expired", "archived", "deleted", "all"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class LinkFilter:
    """Which links to list; None means any. `q` is part of slug, title or destination.

    The states `live`, `paused`, `expired`, `archived` and `deleted` exclude each other (see
    `state_of`); `current` is the first three, `all` is everything but the deleted ones.
    """

    q: str | None = None
    touchpoint_id: str | None = None
    stage_id: str | None = None
    journey_id: str | None = None
    campaign_id: str | None = None
    tag: str | None = None
    domain: str | None = None
    active: bool | None = None
    ids: Sequence[str] | None = None
    state: str = "current"


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link with what belongs to it; `personas` are inside ids."""

    link: Link
    host: str
    tags: Sequence[str]
    personas: Sequence[int] = ()


def link_view(
    session: Session, actor: Actor, link_id: str, *, also_deleted: bool = False
) -> LinkView:
    """One link. Raises `NotFound`, `Forbidden`."""
    actor.require("links:read")
    look = find_ever if also_deleted else find
    return link_views(session, [look(session, actor, Link, link_id)])[0]


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
    session: Session,
    actor: Actor,
    wanted: LinkFilter,
    *,
    before: int | None,
    limit: int,
    now: datetime,
) -> list[LinkView]:
    """Links in falling order of their ids, at most `limit`, below the id `before`.

    Raises `Invalid` (q, tag, domain, ids, state), `Forbidden`.
    """
    actor.require("links:read")
    query = matching(actor, wanted, now).order_by(Link.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Link.id < before)
    return link_views(session, session.scalars(query).all())


def matching_ids(
    session: Session, actor: Actor, wanted: LinkFilter, now: datetime, *, limit: int
) -> list[str]:
    """The outside ids of at most `limit` matches, the newest first. Raises as `list_links`."""
    actor.require("links:read")
    query = matching(actor, wanted, now).order_by(Link.id.desc()).limit(limit)
    return list(map(str, session.scalars(query.with_only_columns(Link.id))))


def matching(actor: Actor, wanted: LinkFilter, now: datetime) -> Select[Link]:
    """The links of the actor's workspace that `wanted` describes, in no order.

    Raises `Invalid` with every wrong field.
    """
    wanted = _checked(wanted)
    query = select(Link).where(Link.workspace_id == actor.workspace_id)
    return query.where(*_in_state(wanted.state, now), *_having(actor, wanted))


def state_of(link: Link, now: datetime) -> OneState:
    """The one state a link is in; an archived or expired link may be paused as well."""
    if link.deleted_at is not None:
        return "deleted"
    if link.archived_at is not None:
        return "archived"
    if not link.active:
        return "paused"
    if link.expires_at is not None and link.expires_at <= now:
        return "expired"
    return "live"


def link_views(session: Session, links: Sequence[Link]) -> list[LinkView]:
    """The links with their hosts, tags and personas."""
    hosts = dict(
        session.execute(
            select(Domain.id, Domain.host).where(Domain.id.in_({link.domain_id for link in links}))
        ).all()
    )
    ids = [link.id for link in links]
    names, personas = tag_rules.tags_of(session, ids), personas_of_links(session, ids)
    return [
        LinkView(link, hosts[link.domain_id], names[link.id], personas.get(link.id, ()))
        for link in links
    ]


def _checked(wanted: LinkFilter) -> LinkFilter:
    problems = Problems()

    def text(field: str, value: str | None) -> str | None:
        return value and problems.text(field, value, longest=LONGEST_FILTER, empty=True)

    checked = replace(
        wanted,
        q=text("q", wanted.q),
        tag=text("tag", wanted.tag),
        domain=text("domain", wanted.domain),
        state=problems.one_of("state", wanted.state, STATES),
    )
    if wanted.ids is not None and len(wanted.ids) > MOST_IDS:
        problems.add("ids", "too_many", most=MOST_IDS)
    problems.raise_if_any()
    return checked


def _in_state(state: str, now: datetime) -> Sequence[ColumnElement[bool]]:
    """The conditions of a state; of one alone, those of `state_of`."""
    if state == "deleted":
        return (Link.deleted_at.is_not(None),)
    there = Link.deleted_at.is_(None)
    shown = Link.archived_at.is_(None)
    of_state: dict[str, Sequence[ColumnElement[bool]]] = {
        "all": (),
        "archived": (Link.archived_at.is_not(None),),
        "current": (shown,),
        "paused": (shown, Link.active.is_(False)),
        "expired": (shown, Link.active.is_(True), Link.expires_at <= now),
        "live": (
            shown,
            Link.active.is_(True),
            or_(Link.expires_at.is_(None), Link.expires_at > now),
        ),
    }
    return (there, *of_state[state])


def _having(actor: Actor, wanted: LinkFilter) -> Iterator[ColumnElement[bool]]:
    """A condition for each field that is given; an id that is none matches nothing."""
    if wanted.q:
        yield or_(
            Link.slug_key.contains(slug_key(wanted.q), autoescape=True),
            Link.name_key.contains(fold(wanted.q), autoescape=True),
            Link.destination.icontains(wanted.q, autoescape=True),
        )
    if wanted.touchpoint_id is not None:
        yield Link.touchpoint_id == (inside_id(wanted.touchpoint_id) or 0)
    if wanted.stage_id is not None:
        yield Link.touchpoint_id.in_(
            select(Touchpoint.id).where(Touchpoint.stage_id == (inside_id(wanted.stage_id) or 0))
        )
    if wanted.journey_id is not None:
        yield Link.touchpoint_id.in_(
            select(Touchpoint.id)
            .join(Stage, Stage.id == Touchpoint.stage_id)
            .where(Stage.journey_id == (inside_id(wanted.journey_id) or 0))
        )
    if wanted.campaign_id is not None:
        yield Link.campaign_id == (inside_id(wanted.campaign_id) or 0)
    if wanted.tag is not None:
        yield Link.id.in_(
            select(LinkTag.link_id)
            .join(Tag, Tag.id == LinkTag.tag_id)
            .where(Tag.workspace_id == actor.workspace_id, Tag.name == wanted.tag)
        )
    if wanted.domain is not None:
        yield Link.domain_id.in_(select(Domain.id).where(Domain.host == wanted.domain.lower()))
    if wanted.active is not None:
        yield Link.active.is_(wanted.active)
    if wanted.ids is not None:
        yield Link.id.in_([inside_id(link_id) or 0 for link_id in wanted.ids])
