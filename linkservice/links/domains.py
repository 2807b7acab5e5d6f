"""Domains: the branded hosts of a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from linkservice import changes
from linkservice.config import PREFIX, Settings
from linkservice.database import unless_taken
from linkservice.errors import Conflict, Invalid, NotFound, Problem
from linkservice.fields import Problems
from linkservice.links.destination import check_destination
from linkservice.links.host import check_host, is_local, normal_host
from linkservice.links.model import Domain, Link
from linkservice.workspaces.access import Actor, find, page, scoped
from linkservice.workspaces.model import Workspace
from linkservice.workspaces.trail import assign, note


class DomainChanges(TypedDict, total=False):
    """The fields of a domain that can be changed; its host is printed and stays."""

    root_redirect: str | None
    not_found_redirect: str | None


def create_domain(
    session: Session, actor: Actor, settings: Settings, host: str, now: datetime
) -> Domain:
    """A new branded host. Raises `Invalid`, `Conflict` for a host in use, `Forbidden`."""
    actor.require("links:write")
    domain = Domain(workspace_id=actor.workspace_id, host=check_host(host), created_at=now)
    if domain.host == settings.base_url.split("://", 1)[1] != settings.link_host:
        raise Conflict(Problem("host", "host_of_the_app", {"host": domain.host}))
    taken = Conflict(Problem("host", "host_taken", {"host": domain.host}))
    with unless_taken(session, Domain, "host", otherwise=taken):
        session.add(domain)
    changes.announce(session, "domain", now)
    note(session, actor, "domain.added", now, subject_id=domain.id, name=domain.host)
    return domain


def first_domain(
    session: Session, workspace: Workspace, settings: Settings, now: datetime
) -> Domain:
    """The domain a new installation begins with: the host of `LINK_URL`, a public IP included.

    Raises `Invalid` when that is no host.
    """
    domain = Domain(workspace_id=workspace.id, host=_link_host(settings), created_at=now)
    session.add(domain)
    changes.announce(session, "domain", now)
    return domain


def follow_link_url(session: Session, settings: Settings, now: datetime) -> str | None:
    """Let the default domain follow `LINK_URL`; its new host, or None where nothing changes.

    Only while it is a local host: an installation is tried out before it has a name, and
    perhaps on another port. What was printed meanwhile goes on working, since every local
    host stands for the default domain.
    """
    domain = session.scalar(select(Domain).order_by(Domain.id).limit(1))
    host = _link_host(settings)
    if domain is None or domain.host == host or not is_local(domain.host):
        return None
    if session.scalar(select(Domain.id).where(Domain.host == host)) is not None:
        return None
    domain.host = host
    changes.announce(session, "domain", now)
    return host


def one_domain(session: Session, actor: Actor, domain_id: str) -> Domain:
    """One domain. Raises `NotFound`, `Forbidden`."""
    actor.require("links:read")
    return find(session, actor, Domain, domain_id)


def list_domains(
    session: Session, actor: Actor, *, after: int | None, limit: int
) -> Sequence[Domain]:
    """Domains, the oldest first, with ids above `after`."""
    actor.require("links:read")
    return session.scalars(page(actor, Domain, after=after, limit=limit)).all()


def change_domain(
    session: Session, actor: Actor, domain_id: str, wanted: DomainChanges, now: datetime
) -> Domain:
    """Set where `/` and unknown slugs lead. Raises `Invalid`, `NotFound`, `Forbidden`."""
    actor.require("links:write")
    domain = find(session, actor, Domain, domain_id)
    problems = Problems()
    # A redirect to a page of an own domain may be wanted; one to its own root would loop.
    own = {domain.host}
    values: dict[str, str | None] = {}
    if "root_redirect" in wanted:
        values["root_redirect"] = _redirect(problems, "root_redirect", wanted["root_redirect"], own)
    if "not_found_redirect" in wanted:
        values["not_found_redirect"] = _redirect(
            problems, "not_found_redirect", wanted["not_found_redirect"], own
        )
    problems.raise_if_any()
    fields = assign(domain, values)
    if fields:
        changes.announce(session, "domain", now)
        name = domain.host
        note(session, actor, "domain.changed", now, subject_id=domain.id, name=name, fields=fields)
    return domain


def prefer_domain(session: Session, actor: Actor, domain_id: str, now: datetime) -> Domain:
    """Let new links have this host unless another is named. Raises `NotFound`, `Forbidden`."""
    actor.require("links:write")
    domain = find(session, actor, Domain, domain_id)
    if not domain.preferred:
        others = update(Domain).where(Domain.workspace_id == actor.workspace_id)
        session.execute(others.values(preferred=False))
        domain.preferred = True
        note(session, actor, "domain.preferred", now, subject_id=domain.id, name=domain.host)
    return domain


def delete_domain(session: Session, actor: Actor, domain_id: str, now: datetime) -> None:
    """Delete a domain that never had a link: printed slugs stay reserved, and so does the host.

    Raises `Conflict`, `NotFound`, `Forbidden`.
    """
    actor.require("links:write")
    domain = find(session, actor, Domain, domain_id)
    if session.scalar(select(Link.id).where(Link.domain_id == domain.id).limit(1)) is not None:
        raise Conflict(Problem("", "domain_in_use", {"host": domain.host}))
    note(session, actor, "domain.removed", now, subject_id=domain.id, name=domain.host)
    session.delete(domain)
    changes.announce(session, "domain", now)


def domain_named(session: Session, actor: Actor, host: str | None) -> Domain:
    """The workspace's domain with that host, or the one for new links.

    Raises `Invalid`, `NotFound`.
    """
    query = scoped(actor, Domain).order_by(Domain.preferred.desc(), Domain.id).limit(1)
    if host is not None:
        query = query.where(Domain.host == _known_host(host))
    found = session.scalar(query)
    if found is None:
        raise NotFound(Problem("domain", "no_such_domain", {"host": host or ""}))
    return found


def _link_host(settings: Settings) -> str:
    """The host of `LINK_URL` as a domain is stored; raises `Invalid`."""
    try:
        return check_host(settings.link_host)
    except Invalid as error:
        # `check_host` refuses public addresses; whoever sets up the service may begin with one.
        host = normal_host(settings.link_host)
        if any(problem.code != "host_address" for problem in error.problems) or not host:
            problems = (Problem(PREFIX + "LINK_URL", p.code, p.params) for p in error.problems)
            raise Invalid(*problems) from None
        return host


def _known_host(host: str) -> str:
    try:
        return check_host(host)
    except Invalid as error:
        raise Invalid(*(Problem("domain", p.code, p.params) for p in error.problems)) from None


def _redirect(problems: Problems, field: str, value: str | None, own: set[str]) -> str | None:
    if not value:
        return None
    try:
        return check_destination(value, own_hosts=own)
    except Invalid as error:
        for problem in error.problems:
            problems.add(field, problem.code, **problem.params)
        return None
