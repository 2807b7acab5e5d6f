"""A line of a file of past clicks: its fields, what may stand in them, and the click it means.

Not here: what becomes of the lines (`imports`).
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.event import MAX_USER_AGENT, Source, clip
from linkservice.clicks.visitor import cut_network
from linkservice.errors import Invalid, Problem
from linkservice.fields import Problems
from linkservice.links.host import is_local, normal_host
from linkservice.links.model import Domain, Link, LinkVersion
from linkservice.links.slug import slug_key
from linkservice.workspaces.access import Actor, scoped

LONGEST_LINE = 64 * 1024
FIRST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)

_TEXTS = ("domain", "slug", "source", "user_agent", "address", "referrer", "language")
_REQUIRED = ("time", "slug", "source", "user_agent", "address")


@dataclass(frozen=True, slots=True)
class Line:
    """A checked line: when, on which link, by whom."""

    time_ms: int
    link: Target
    source: Source
    user_agent: str
    address: str
    referrer: str
    language: str


@dataclass(frozen=True, slots=True)
class Target:
    """A link with the moments (epoch ms) from which its versions 1, 2, … held."""

    link_id: int
    domain_id: int
    changed_ms: Sequence[int]

    def version_at(self, time_ms: int) -> int:
        """The version that held then; the first one for clicks older than the link."""
        return max(1, bisect_right(self.changed_ms, time_ms))


class Reader:
    """Reads lines against the links the workspace has; clicks lie at most a day ahead of `now`."""

    def __init__(self, session: Session, actor: Actor, now: datetime) -> None:
        self._latest = now + timedelta(days=1)
        domains = session.scalars(scoped(actor, Domain).order_by(Domain.id)).all()
        self._hosts = {domain.host: domain.id for domain in domains}
        self._first = domains[0].id if domains else None
        self._links = _targets(session, actor)

    def read(self, lines: Sequence[bytes], before: int) -> list[Line]:
        """The clicks of these lines, of which blank ones have none.

        `before` lines stand before them. Raises `Invalid` for the first wrong line, with
        everything wrong in it.
        """
        clicks = []
        for number, line in enumerate(lines, before + 1):
            if not line.strip():
                continue
            try:
                clicks.append(self._read(line))
            except Invalid as error:
                raise Invalid(
                    *(
                        Problem(f"line {number}, {p.field}".removesuffix(", "), p.code, p.params)
                        for p in error.problems
                    )
                ) from None
        return clicks

    def _read(self, line: bytes) -> Line:
        fields = _fields(line)
        problems = Problems()
        time_ms = _time_ms(problems, fields["time"] or "", self._latest)
        source = problems.one_of("source", fields["source"] or "", ("click", "scan"))
        address = fields["address"] or ""
        if address.strip() and not cut_network(address):
            problems.add("address", "bad_address")
        link = None
        try:
            link = self._link(fields)
        except Invalid as error:
            problems.take(error)
        problems.raise_if_any()
        assert link is not None
        return Line(
            time_ms=time_ms,
            link=link,
            source=Source.SCAN if source == "scan" else Source.CLICK,
            user_agent=clip(fields["user_agent"] or "", MAX_USER_AGENT),
            address=address,
            referrer=fields.get("referrer") or "",
            language=fields.get("language") or "",
        )

    def _link(self, fields: dict[str, Any]) -> Target:
        host = fields.get("domain") or ""
        name = normal_host(host)
        # Local hosts stand for the first domain, as they do at the link port.
        first = not host or (is_local(name) and name not in self._hosts)
        domain_id = self._first if first else self._hosts.get(name)
        if domain_id is None:
            raise Invalid(Problem("domain", "no_such_domain", {"host": host[:80]}))
        found = self._links.get((domain_id, slug_key(fields["slug"] or "")))
        if found is None:
            params = {"slug": (fields["slug"] or "")[:80], "host": host[:80] or "the first domain"}
            raise Invalid(Problem("slug", "no_such_slug", params))
        return found


def _targets(session: Session, actor: Actor) -> dict[tuple[int, str], Target]:
    changed: dict[int, list[int]] = {}
    rows = session.execute(
        select(LinkVersion.link_id, LinkVersion.changed_at)
        .join(Link, Link.id == LinkVersion.link_id)
        .where(Link.workspace_id == actor.workspace_id)
        .order_by(LinkVersion.link_id, LinkVersion.version)
    )
    for link_id, moment in rows:
        changed.setdefault(link_id, []).append(epoch_ms(moment))
    # Deleted links too: their clicks happened.
    links = session.execute(
        select(Link.id, Link.domain_id, Link.slug_key).where(
            Link.workspace_id == actor.workspace_id
        )
    )
    return {
        (domain_id, key): Target(link_id, domain_id, changed[link_id])
        for link_id, domain_id, key in links
    }


def _fields(line: bytes) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise Invalid(Problem("", "line_too_long", {"longest": LONGEST_LINE}))
    try:
        fields = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        raise Invalid(Problem("", "line_not_json")) from None
    if not isinstance(fields, dict):
        raise Invalid(Problem("", "line_not_json"))
    problems = [
        Problem(str(name)[:40], "unknown_field") for name in fields if name not in ("time", *_TEXTS)
    ]
    problems += [Problem(name, "field_missing") for name in _REQUIRED if name not in fields]
    problems += [
        Problem(name, "not_a_text")
        for name in ("time", *_TEXTS)
        if not isinstance(fields.get(name), str | None)
    ]
    if problems:
        raise Invalid(*problems)
    return fields


def _time_ms(problems: Problems, text: str, latest: datetime) -> int:
    """Epoch milliseconds of an ISO 8601 moment; notes what is wrong under `time`."""
    try:
        # It stops reading at a NUL.
        moment = datetime.fromisoformat(text if text.isprintable() else "")
    except ValueError:
        problems.add("time", "bad_time")
        return 0
    if moment.tzinfo is None:
        problems.add("time", "bad_time")
    elif not FIRST_MOMENT <= moment <= latest:
        problems.add("time", "time_out_of_range", first=FIRST_MOMENT.date())
    else:
        return epoch_ms(moment)
    return 0
