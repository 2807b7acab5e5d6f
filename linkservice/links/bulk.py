"""Many links at once: one change to all of them, all or none, with the way back.

Not here: making many links (`manage.create_links`), undoing what was done (`history`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.errors import NotFound, Problem
from linkservice.fields import Problems
from linkservice.links import history
from linkservice.links import tags as tag_rules
from linkservice.links.manage import MOST_AT_ONCE, campaign_number, touchpoint_number
from linkservice.links.model import Link
from linkservice.workspaces.access import Actor, inside_id
from linkservice.workspaces.trail import note


class BulkChange(TypedDict, total=False):
    """What changes of every link; what is left out stays. Ids are outside ids, None for none."""

    add_tags: Sequence[str]
    remove_tags: Sequence[str]
    touchpoint_id: str | None
    campaign_id: str | None
    active: bool
    archived: bool
    deleted: bool


def change_links(
    session: Session,
    actor: Actor,
    link_ids: Sequence[str],
    wanted: BulkChange,
    now: datetime,
) -> list[history.Changed]:
    """Change at most `MOST_AT_ONCE` links, all or none.

    Returns the links that changed, each with the version that did it: what
    `history.undo_many` takes. Deleted links are found only to be restored. Raises `Invalid`,
    `NotFound`, `Forbidden`.
    """
    actor.require("links:write")
    problems = Problems()
    add = tag_rules.checked_names(problems, wanted.get("add_tags", ()), "add_tags")
    remove = tag_rules.checked_names(problems, wanted.get("remove_tags", ()), "remove_tags")
    if not 1 <= len(link_ids) <= MOST_AT_ONCE:
        problems.add("link_ids", "how_many_links", most=MOST_AT_ONCE)
    problems.raise_if_any()
    values = _values(session, actor, wanted)
    links = _found(session, actor, link_ids, also_deleted=wanted.get("deleted") is False)
    before = {link.id: history.kept(link) for link in links}
    for link in links:
        history.put(session, link, values, now)
    tags = tag_rules.change_tags(session, actor, list(before), add=add, remove=remove)
    changed: list[history.Changed] = []
    fields: dict[str, None] = {}
    for link in links:
        saved = history.save(session, actor, link, before[link.id], now, tags.get(link.id))
        if saved:
            changed.append((str(link.id), link.version))
            fields |= dict.fromkeys(saved)
    if changed:
        note(session, actor, "links.changed", now, count=len(changed), fields=", ".join(fields))
    return changed


def _values(session: Session, actor: Actor, wanted: BulkChange) -> dict[str, history.Kept]:
    values: dict[str, history.Kept] = {
        state: wanted[state] for state in ("active", "archived", "deleted") if state in wanted
    }
    if "touchpoint_id" in wanted:
        values["touchpoint_id"] = touchpoint_number(session, actor, wanted["touchpoint_id"])
    if "campaign_id" in wanted:
        values["campaign_id"] = campaign_number(session, actor, wanted["campaign_id"])
    return values


def _found(
    session: Session, actor: Actor, link_ids: Sequence[str], *, also_deleted: bool
) -> list[Link]:
    """The links in the order of their ids; raises `NotFound` for the first that is not there."""
    numbers = {inside_id(link_id) or 0: link_id for link_id in link_ids}
    query = select(Link).where(Link.workspace_id == actor.workspace_id, Link.id.in_(numbers))
    if not also_deleted:
        query = query.where(Link.deleted_at.is_(None))
    found = {link.id: link for link in session.scalars(query.order_by(Link.id))}
    for number, link_id in numbers.items():
        if number not in found:
            what = {"what": "link", "id": link_id[:40]}
            raise NotFound(Problem("link_ids", "no_such_row", what))
    return list(found.values())
