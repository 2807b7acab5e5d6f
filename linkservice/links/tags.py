"""Tags: the words a workspace sorts its links by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, delete, func, select
from sqlalchemy.orm import Session

from linkservice.database import unless_taken
from linkservice.errors import Conflict, Invalid, Problem
from linkservice.fields import Problems
from linkservice.links.model import Link, LinkTag, Tag
from linkservice.workspaces.access import Actor, find, inside_id, page, scoped
from linkservice.workspaces.trail import note

LONGEST_TAG = 50
MOST_TAGS = 50
IDS_AT_ONCE = 10_000
"""Ids in one statement: databases take some 30,000 parameters."""


@dataclass(frozen=True, slots=True)
class TagChange:
    """Names of the tags a link got and lost."""

    added: Sequence[str] = ()
    removed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class TagCount:
    """A tag and how many links carry it; deleted links do not count."""

    tag: Tag
    links: int


@dataclass(frozen=True, slots=True)
class DeletedTag:
    """What `restore_tag` needs: the name, and the outside ids of the links that carried it."""

    name: str
    link_ids: Sequence[str]


def create_tag(session: Session, actor: Actor, name: str, now: datetime) -> Tag:
    """Raises `Invalid`, `Conflict` for a name in use, `Forbidden`."""
    actor.require("links:write")
    tag = _store(session, Tag(workspace_id=actor.workspace_id), name)
    note(session, actor, "tag.created", now, subject_id=tag.id, name=tag.name)
    return tag


def one_tag(session: Session, actor: Actor, tag_id: str) -> Tag:
    """One tag. Raises `NotFound`, `Forbidden`."""
    actor.require("links:read")
    return find(session, actor, Tag, tag_id)


def list_tags(session: Session, actor: Actor, *, after: int | None, limit: int) -> Sequence[Tag]:
    """Tags, the oldest first, with ids above `after`."""
    actor.require("links:read")
    return session.scalars(page(actor, Tag, after=after, limit=limit)).all()


def tags_with_counts(session: Session, actor: Actor) -> list[TagCount]:
    """All tags in the order of their names, with the number of their links."""
    actor.require("links:read")
    query = (
        scoped(actor, Tag)
        .add_columns(func.count(Link.id))
        .outerjoin(LinkTag, LinkTag.tag_id == Tag.id)
        .outerjoin(Link, and_(Link.id == LinkTag.link_id, Link.deleted_at.is_(None)))
        .group_by(Tag.id)
    )
    counted = [TagCount(tag, links) for tag, links in session.execute(query)]
    return sorted(counted, key=lambda each: (each.tag.name.casefold(), each.tag.name))


def rename_tag(session: Session, actor: Actor, tag_id: str, name: str, now: datetime) -> Tag:
    """Raises `Invalid`, `Conflict` for a name in use, `NotFound`, `Forbidden`."""
    actor.require("links:write")
    tag = find(session, actor, Tag, tag_id)
    before = tag.name
    _store(session, tag, name)
    if tag.name != before:
        note(session, actor, "tag.renamed", now, subject_id=tag.id, name=tag.name, before=before)
    return tag


def delete_tag(session: Session, actor: Actor, tag_id: str, now: datetime) -> DeletedTag:
    """Take it off every link. Raises `NotFound`, `Forbidden`."""
    actor.require("links:write")
    tag = find(session, actor, Tag, tag_id)
    carried = session.scalars(
        select(LinkTag.link_id).where(LinkTag.tag_id == tag.id).order_by(LinkTag.link_id)
    ).all()
    note(
        session,
        actor,
        "tag.deleted",
        now,
        subject_id=tag.id,
        name=tag.name,
        links=len(carried),
    )
    session.delete(tag)
    session.flush()
    return DeletedTag(tag.name, list(map(str, carried)))


def restore_tag(
    session: Session, actor: Actor, name: str, link_ids: Sequence[str], now: datetime
) -> Tag:
    """Make a deleted tag again and hang it on those of the links that are still there.

    It gets a new id. Raises `Invalid`, `Conflict` for a name in use, `Forbidden`.
    """
    actor.require("links:write")
    tag = _store(session, Tag(workspace_id=actor.workspace_id), name)
    numbers = sorted({inside_id(link_id) or 0 for link_id in link_ids})
    own = select(Link.id).where(Link.workspace_id == actor.workspace_id)
    there: list[int] = []
    for first in range(0, len(numbers), IDS_AT_ONCE):
        some = numbers[first : first + IDS_AT_ONCE]
        there += session.scalars(own.where(Link.id.in_(some)))
    session.add_all(LinkTag(link_id=number, tag_id=tag.id) for number in there)
    session.flush()
    name = tag.name
    note(session, actor, "tag.restored", now, subject_id=tag.id, name=name, links=len(there))
    return tag


def checked_names(problems: Problems, names: Iterable[str], field: str = "tags") -> list[str]:
    """Clean, distinct tag names in their order; notes what is wrong under `field`."""
    clean = list(dict.fromkeys(problems.text(field, n, longest=LONGEST_TAG) for n in names))
    if len(clean) > MOST_TAGS:
        problems.add(field, "too_many_tags", most=MOST_TAGS)
    return clean


def change_tags(
    session: Session,
    actor: Actor,
    link_ids: Sequence[int],
    *,
    add: Collection[str] = (),
    remove: Collection[str] = (),
) -> dict[int, TagChange]:
    """Add and remove tags of the links; unknown ones to be added are made.

    Returns what changed, of each link where something did. Raises `Invalid` (tags) where a
    link would carry more than `MOST_TAGS`.
    """
    if not (add or remove):
        return {}
    before = tags_of(session, link_ids)
    changed = {}
    for link_id, names in before.items():
        added = [name for name in add if name not in names]
        removed = [name for name in remove if name in names]
        if len(names) + len(added) - len(removed) > MOST_TAGS:
            raise Invalid(Problem("tags", "too_many_tags", {"most": MOST_TAGS}))
        if added or removed:
            changed[link_id] = TagChange(added, removed)
    ids = _ids(session, actor, add, remove)
    for link_id, change in changed.items():
        session.add_all(LinkTag(link_id=link_id, tag_id=ids[name]) for name in change.added)
    session.flush()
    gone = [ids[name] for name in remove if name in ids]
    session.execute(
        delete(LinkTag).where(LinkTag.link_id.in_(list(changed)), LinkTag.tag_id.in_(gone))
    )
    return changed


def tags_of(session: Session, link_ids: Sequence[int]) -> dict[int, list[str]]:
    """The tag names of each link, in alphabetical order."""
    rows = session.execute(
        select(LinkTag.link_id, Tag.name)
        .join(Tag, Tag.id == LinkTag.tag_id)
        .where(LinkTag.link_id.in_(link_ids))
        .order_by(Tag.name)
    )
    found: dict[int, list[str]] = {link_id: [] for link_id in link_ids}
    for link_id, name in rows:
        found[link_id].append(name)
    return found


def _ids(
    session: Session, actor: Actor, add: Collection[str], remove: Collection[str]
) -> dict[str, int]:
    """The ids of the tags by name; those of `add` that are unknown are made."""
    query = scoped(actor, Tag).where(Tag.name.in_([*add, *remove]))
    known = {tag.name: tag for tag in session.scalars(query)}
    new = [
        Tag(workspace_id=actor.workspace_id, name=name)
        for name in dict.fromkeys(add)
        if name not in known
    ]
    session.add_all(new)
    session.flush()
    return {tag.name: tag.id for tag in (*known.values(), *new)}


def _store(session: Session, tag: Tag, name: str) -> Tag:
    problems = Problems()
    name = problems.text("name", name, longest=LONGEST_TAG)
    problems.raise_if_any()
    taken = Conflict(Problem("name", "name_taken", {"name": name}))
    # Named inside, so that a refusal undoes no more than the name.
    with unless_taken(session, Tag, "workspace_id", "name", otherwise=taken):
        tag.name = name
        session.add(tag)
    return tag
