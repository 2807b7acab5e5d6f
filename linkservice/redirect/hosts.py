"""Which domain a Host header asks for, and what the link door has to know of it.

Not here: when the domains are read again (`resolver`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.clicks.visitor import Network, parse_network
from linkservice.links.host import is_local, normal_host
from linkservice.links.model import Domain
from linkservice.redirect.answers import Answer
from linkservice.workspaces.model import Workspace

HOSTS_KEPT = 1_000
"""Spellings of our hosts that are remembered; a stranger can invent more of them."""


@dataclass(frozen=True, slots=True)
class Brand:
    """What the pages of a workspace look like and link to."""

    name: str
    locale: str
    colour: str
    imprint_url: str | None
    privacy_url: str | None


@dataclass(frozen=True, slots=True)
class DomainRule:
    """A branded host as the link door needs it."""

    id: int
    workspace_id: int
    host: str
    root_redirect: str | None
    not_found_redirect: str | None
    time_zone: str
    brand: Brand
    count_visitors: bool = True
    own_networks: tuple[Network, ...] = ()
    not_found: dict[str, Answer] = field(default_factory=dict, compare=False)
    """The page that says there is no such link, by Accept-Language (`app`)."""


class Hosts:
    """The domains by host; replaced as a whole, so that a lookup never mixes two states."""

    def __init__(self, domains: list[DomainRule]) -> None:
        self._of_host = {domain.host: domain for domain in domains}
        # The oldest domain also answers for local hosts, before any name points here.
        self._default = min(domains, key=lambda domain: domain.id, default=None)
        self.of_header: dict[str, DomainRule] = {}
        self.zones = {domain.workspace_id: domain.time_zone for domain in domains}

    def find(self, header: str) -> DomainRule | None:
        """The domain of a Host header, with or without its port; `of_header` has those seen."""
        host = normal_host(header)
        if not host:
            return None
        found = self._of_host.get(host)
        if found is None and not host.startswith("["):
            found = self._of_host.get(host.partition(":")[0])
        if found is None and is_local(host):
            found = self._default
        if found is not None:
            if len(self.of_header) >= HOSTS_KEPT:
                self.of_header.clear()
            self.of_header[header] = found
        return found


def read_hosts(session: Session) -> Hosts:
    """All domains there are."""
    rows = session.execute(
        select(Domain, Workspace)
        .join(Workspace, Workspace.id == Domain.workspace_id)
        .order_by(Domain.id)
    )
    return Hosts([_domain_rule(domain, workspace) for domain, workspace in rows])


def _domain_rule(domain: Domain, workspace: Workspace) -> DomainRule:
    return DomainRule(
        id=domain.id,
        workspace_id=workspace.id,
        host=domain.host,
        root_redirect=domain.root_redirect,
        not_found_redirect=domain.not_found_redirect,
        time_zone=workspace.time_zone,
        brand=Brand(
            workspace.name,
            workspace.locale,
            workspace.brand_colour,
            workspace.imprint_url,
            workspace.privacy_url,
        ),
        count_visitors=workspace.count_visitors,
        own_networks=tuple(map(parse_network, workspace.own_networks.split())),
    )
