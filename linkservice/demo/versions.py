"""Which version of a link held when it was clicked, of links of the story by their slug."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.clicks.calendar import epoch_ms
from linkservice.links.model import Link, LinkVersion
from linkservice.workspaces.access import Actor


@dataclass(frozen=True, slots=True)
class Versions:
    """A link, with the moments (epoch ms) from which its versions held."""

    link_id: int
    begun: Sequence[int]

    def at(self, moment: int) -> int:
        """The version that held at a moment (epoch ms); the first one before there was any."""
        return max(1, bisect_right(self.begun, moment))


def versions(session: Session, actor: Actor, slugs: Collection[str]) -> dict[str, Versions]:
    """The versions of those of the links that are there."""
    rows = session.execute(
        select(Link.slug, LinkVersion.link_id, LinkVersion.changed_at)
        .join(Link, Link.id == LinkVersion.link_id)
        .where(
            Link.workspace_id == actor.workspace_id,
            Link.deleted_at.is_(None),
            Link.slug.in_(slugs),
        )
        .order_by(LinkVersion.link_id, LinkVersion.version)
    )
    return {
        slug: Versions(link_id, [epoch_ms(moment) for *_, moment in group])
        for (slug, link_id), group in groupby(rows, key=lambda row: (row[0], row[1]))
    }
