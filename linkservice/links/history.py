"""What a link was: its versions, what each of them changed, and the way back.

Every change of a link ends in `save`: one new version, one announcement to the redirect
workers. A version is undone by setting the fields it changed to what they were before it;
that is a new version, which can be undone as well. Not here: what may be changed (`manage`,
`bulk`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from typing import TypeAlias

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice import changes
from linkservice.config import Settings
from linkservice.errors import Conflict, NotFound, Problem
from linkservice.journeys.model import Campaign, Touchpoint
from linkservice.links.addresses import own_hosts
from linkservice.links.destination import check_destination
from linkservice.links.listing import LinkView, link_views
from linkservice.links.model import Domain, Link, LinkVersion
from linkservice.links.naming import name_key
from linkservice.links.tags import TagChange, change_tags
from linkservice.workspaces.access import Actor, find_ever
from linkservice.workspaces.trail import note

Kept: TypeAlias = str | int | bool | datetime | None
Shown: TypeAlias = Kept | Sequence[str]
Changed: TypeAlias = tuple[str, int]
"""A link's outside id and the number of a version of it."""

_KEPT = (
    "destination",
    "title",
    "touchpoint_id",
    "campaign_id",
    "forward_query",
    "append_click_id",
    "expires_at",
    "active",
    "archived",
    "deleted",
)
_REFERENCES: dict[str, type[Touchpoint | Campaign]] = {
    "touchpoint_id": Touchpoint,
    "campaign_id": Campaign,
}
"""The fields that hold an id of ours, shown by its name."""

_VERBS = {
    ("active", True): "link.resumed",
    ("active", False): "link.paused",
    ("archived", True): "link.archived",
    ("archived", False): "link.unarchived",
    ("deleted", True): "link.deleted",
    ("deleted", False): "link.restored",
}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field before and after a change.

    `touchpoint` and `campaign` are shown by their names of today. Of `tags`, `before` has
    those that were taken off and `after` those that were put on.
    """

    field: str
    before: Shown
    after: Shown


@dataclass(frozen=True, slots=True)
class Change:
    """A version of a link: when and by whom, and what it changed; the first one nothing.

    `undoable` is whether undoing it would change something and the link's state allows it.
    """

    version: int
    at: datetime
    by: str
    fields: Sequence[FieldChange]
    undoable: bool


def link_history(session: Session, actor: Actor, link_id: str) -> list[Change]:
    """Every version of a link, deleted ones included, the newest first.

    Raises `NotFound`, `Forbidden`.
    """
    actor.require("links:read")
    link = find_ever(session, actor, Link, link_id)
    versions = _versions(session, link)
    names = _names(session, versions)
    today = kept(link)
    found = [Change(versions[0].version, versions[0].changed_at, versions[0].changed_by, (), False)]
    for before, after in pairwise(versions):
        tags = _tags_of(after)
        fields = _differences(before, after)
        shown = [_shown(field, *values, names) for field, values in fields.items()]
        if tags.added or tags.removed:
            shown.append(FieldChange("tags", tags.removed, tags.added))
        back = _way_back(fields, today)
        undoable = bool(back or tags.added or tags.removed)
        allowed = not today["deleted"] or back.get("deleted") is False
        found.append(
            Change(after.version, after.changed_at, after.changed_by, shown, undoable and allowed)
        )
    return found[::-1]


def undo(
    session: Session, actor: Actor, settings: Settings, link_id: str, version: int, now: datetime
) -> LinkView:
    """Set what `version` changed back to what it was before.

    Raises `Conflict` where that makes no sense, `Invalid` where the old destination is no
    longer allowed, `NotFound`, `Forbidden`.
    """
    actor.require("links:write")
    link = find_ever(session, actor, Link, link_id)
    fields = _undone(session, actor, settings, link, version, now)
    if not fields:
        raise Conflict(Problem("", "nothing_to_undo"))
    view = link_views(session, [link])[0]
    note(
        session,
        actor,
        "link.undone",
        now,
        subject_id=link.id,
        name=name_of(session, link),
        version=version,
        fields=", ".join(fields),
    )
    return view


def undo_many(
    session: Session,
    actor: Actor,
    settings: Settings,
    changed: Sequence[Changed],
    now: datetime,
) -> int:
    """Undo a version of each link, all or none; how many links changed by it.

    What is already as it was before stays so. Raises as `undo`.
    """
    actor.require("links:write")
    count = 0
    for link_id, version in changed:
        link = find_ever(session, actor, Link, link_id)
        count += bool(_undone(session, actor, settings, link, version, now))
    if count:
        note(session, actor, "links.undone", now, count=count)
    return count


def kept(row: Link | LinkVersion) -> dict[str, Kept]:
    """The fields a version keeps, of a link or of a version."""
    if isinstance(row, LinkVersion):
        return {field: getattr(row, field) for field in _KEPT}
    states = {"archived": row.archived_at is not None, "deleted": row.deleted_at is not None}
    return {field: states[field] if field in states else getattr(row, field) for field in _KEPT}


def put(session: Session, link: Link, values: Mapping[str, Kept], now: datetime) -> None:
    """Set fields of `kept`; what is set to what it is keeps its moment."""
    for field, value in values.items():
        if field == "archived":
            if value is not (link.archived_at is not None):
                link.archived_at = now if value else None
        elif field == "deleted":
            _put_deleted(session, link, bool(value), now)
        else:
            setattr(link, field, value)
    link.name_key = name_key(link.title, link.slug)


def save(
    session: Session,
    actor: Actor,
    link: Link,
    before: Mapping[str, Kept],
    now: datetime,
    tags: TagChange | None = None,
) -> list[str]:
    """Keep what `link` is now as its next version; the names of the fields that changed.

    `before` is what it was (`kept`). Where nothing changed there is no new version.
    """
    changed = [field for field, value in kept(link).items() if value != before[field]]
    if tags is not None:
        changed.append("tags")
    if changed:
        link.version += 1
        link.updated_at = now
        session.flush()
        remember(session, actor, link, now, tags)
    return changed


def remember(
    session: Session, actor: Actor, link: Link, now: datetime, tags: TagChange | None = None
) -> None:
    """Keep this version for its clicks, and tell the redirect workers."""
    session.add(
        LinkVersion(
            link_id=link.id,
            version=link.version,
            **kept(link),
            tags=None if tags is None else json.dumps(asdict(tags), ensure_ascii=False),
            changed_at=now,
            changed_by=actor.name,
        )
    )
    changes.announce(session, "link", now, domain_id=link.domain_id, slug_key=link.slug_key)


def note_change(
    session: Session, actor: Actor, link: Link, changed: Sequence[str], now: datetime
) -> None:
    """Note in the trail what `save` changed, by its own word where there is one."""
    if not changed:
        return
    today = kept(link)
    state = next((field for field in ("deleted", "archived", "active") if field in changed), "")
    alone = set(changed) <= {state} or state == "deleted"
    verb = _VERBS.get((state, bool(today.get(state)))) if alone else None
    name = name_of(session, link)
    if verb is not None:
        note(session, actor, verb, now, subject_id=link.id, name=name)
        return
    fields = ", ".join(changed)
    note(session, actor, "link.changed", now, subject_id=link.id, name=name, fields=fields)


def name_of(session: Session, link: Link) -> str:
    """What a link is called in the trail: ``go.marke.de/sommer``."""
    return f"{session.get_one(Domain, link.domain_id).host}/{link.slug}"


def _put_deleted(session: Session, link: Link, deleted: bool, now: datetime) -> None:
    """A deleted link is not active, so that it answers 410; restored, it is as it was."""
    if deleted is (link.deleted_at is not None):
        return
    if deleted:
        link.deleted_at, link.active = now, False
        return
    link.deleted_at = None
    alive = session.scalar(
        select(LinkVersion)
        .where(LinkVersion.link_id == link.id, LinkVersion.deleted.is_(False))
        .order_by(LinkVersion.version.desc())
        .limit(1)
    )
    link.active = alive is not None and alive.active


def _undone(
    session: Session, actor: Actor, settings: Settings, link: Link, version: int, now: datetime
) -> list[str]:
    """The names of the fields that changed by undoing `version`."""
    if version == 1:
        raise Conflict(Problem("", "undo_first"))
    if not 1 < version <= link.version:
        raise NotFound(Problem("", "no_such_version", {"version": version}))
    before, after = session.scalars(
        select(LinkVersion)
        .where(LinkVersion.link_id == link.id, LinkVersion.version.in_((version - 1, version)))
        .order_by(LinkVersion.version)
    )
    today = kept(link)
    back = _way_back(_differences(before, after), today)
    if today["deleted"] and back.get("deleted") is not False:
        raise Conflict(Problem("", "link_deleted"))
    _check_still_there(session, settings, back)
    put(session, link, back, now)
    tags = _tags_of(after)
    put_back = change_tags(session, actor, [link.id], add=tags.removed, remove=tags.added)
    return save(session, actor, link, today, now, put_back.get(link.id))


def _way_back(
    fields: Mapping[str, tuple[Kept, Kept]], today: Mapping[str, Kept]
) -> dict[str, Kept]:
    """What undoing these changes would set that is otherwise today."""
    return {field: before for field, (before, _) in fields.items() if today[field] != before}


def _differences(before: LinkVersion, after: LinkVersion) -> dict[str, tuple[Kept, Kept]]:
    """The fields in which two versions differ. Who deletes or restores says nothing of
    `active`, which follows.
    """
    was, now = kept(before), kept(after)
    found = {field: (was[field], now[field]) for field in _KEPT if was[field] != now[field]}
    if "deleted" in found:
        found.pop("active", None)
    return found


def _check_still_there(session: Session, settings: Settings, back: Mapping[str, Kept]) -> None:
    """Refuse what was right once and would be wrong today."""
    destination = back.get("destination")
    if isinstance(destination, str):
        check_destination(destination, own_hosts=own_hosts(session, settings))
    touchpoint_id = back.get("touchpoint_id")
    if touchpoint_id is not None:
        touchpoint = session.get_one(Touchpoint, touchpoint_id)
        if touchpoint.deleted_at is not None:
            raise Conflict(Problem("touchpoint_id", "touchpoint_gone", {"name": touchpoint.name}))


def _versions(session: Session, link: Link) -> Sequence[LinkVersion]:
    return session.scalars(
        select(LinkVersion).where(LinkVersion.link_id == link.id).order_by(LinkVersion.version)
    ).all()


def _tags_of(version: LinkVersion) -> TagChange:
    return TagChange() if version.tags is None else TagChange(**json.loads(version.tags))


def _names(session: Session, versions: Sequence[LinkVersion]) -> dict[tuple[str, int], str]:
    """What the touchpoints and campaigns of the versions are called."""
    found: dict[tuple[str, int], str] = {}
    for field, model in _REFERENCES.items():
        ids = {getattr(version, field) for version in versions} - {None}
        rows = session.execute(select(model.id, model.name).where(model.id.in_(ids)))
        found.update({(field, number): name for number, name in rows})
    return found


def _shown(
    field: str, before: Kept, after: Kept, names: Mapping[tuple[str, int], str]
) -> FieldChange:
    if field not in _REFERENCES:
        return FieldChange(field, before, after)
    was, now = (
        names.get((field, value)) if isinstance(value, int) else None for value in (before, after)
    )
    return FieldChange(field.removesuffix("_id"), was, now)
