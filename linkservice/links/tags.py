"""Tags: the words a workspace sorts its links by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from linkservice.database import unless_taken
from linkservice.errors import Conflict, Problem
from linkservice.fields import Problems
from linkservice.links.model import LinkTag, Tag
from linkservice.workspaces.access import Actor, find, page, scoped

LONGEST_TAG = 50
MOST_TAGS = 50


def create_tag(session: Session, actor: Actor, name: str) -> Tag:
    """Raises `Invalid`, `Conflict` for a name in use, `Forbidden`."""
    actor.require("links:write")
    return _store(session, Tag(workspace_id=actor.workspace_id), name)


def one_tag(session: Session, actor: Actor, tag_id: str) -> Tag:
    """One tag. Raises `NotFound`, `Forbidden`."""
    actor.require("links:read")
    return find(session, actor, Tag, tag_id)


def list_tags(session: Session, actor: Actor, *, after: int | None, limit: int) -> Sequence[Tag]:
    """Tags, the oldest first, with ids above `after`."""
    actor.require("links:read")
    return session.scalars(page(actor, Tag, after=after, limit=limit)).all()


def rename_tag(session: Session, actor: Actor, tag_id: str, name: str) -> Tag:
    """Raises `Invalid`, `Conflict` for a name in use, `NotFound`, `Forbidden`."""
    actor.require("links:write")
    return _store(session, find(session, actor, Tag, tag_id), name)


def delete_tag(session: Session, actor: Actor, tag_id: str) -> None:
    """Take it off every link. Raises `NotFound`, `Forbidden`."""
    actor.require("links:write")
    session.delete(find(session, actor, Tag, tag_id))
    session.flush()


def checked_names(problems: Problems, names: Iterable[str]) -> list[str]:
    """Clean, distinct tag names in their order; notes what is wrong under `tags`."""
    clean = list(dict.fromkeys(problems.text("tags", n, longest=LONGEST_TAG) for n in names))
    if len(clean) > MOST_TAGS:
        problems.add("tags", "too_many_tags", most=MOST_TAGS)
    return clean


def set_tags(session: Session, actor: Actor, link_ids: list[int], names: list[str]) -> None:
    """Give the links exactly these tags; unknown ones are made."""
    known = {
        tag.name: tag for tag in session.scalars(scoped(actor, Tag).where(Tag.name.in_(names)))
    }
    for name in names:
        if name not in known:
            known[name] = Tag(workspace_id=actor.workspace_id, name=name)
            session.add(known[name])
    session.flush()
    session.execute(delete(LinkTag).where(LinkTag.link_id.in_(link_ids)))
    session.add_all(
        LinkTag(link_id=link_id, tag_id=known[name].id) for link_id in link_ids for name in names
    )
    session.flush()


def tags_of(session: Session, link_ids: list[int]) -> dict[int, list[str]]:
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
