"""The calls of domains and tags."""

from __future__ import annotations

from typing import Annotated, cast

from linkservice.api.door import Call, Calls, Listed, Nothing, Page, id_of, listed
from linkservice.api.links import Host, WebAddress
from linkservice.api.values import Answer, Changes, Given, Id, Moment, text
from linkservice.links import domains, tags
from linkservice.links.domains import DomainChanges
from linkservice.links.model import Domain, Tag
from linkservice.links.tags import LONGEST_TAG

DOMAINS = Calls("Domains")
TAGS = Calls("Tags")


class DomainGiven(Given):
    """A branded host to be added."""

    host: Host


class DomainChangesGiven(Changes):
    """Where `/` and unknown slugs of a domain lead; null for its own pages."""

    root_redirect: WebAddress | None = None
    not_found_redirect: WebAddress | None = None


class TagGiven(Given):
    """The name of a tag, new or changed."""

    name: Annotated[str, text(LONGEST_TAG)]


class DomainAnswer(Answer):
    """A branded host."""

    id: Id
    host: str
    root_redirect: str | None
    not_found_redirect: str | None
    created_at: Moment


class TagAnswer(Answer):
    """A word links are sorted by."""

    id: Id
    name: str


@DOMAINS.call(
    "POST",
    "/domains",
    scope="links:write",
    takes=DomainGiven,
    answers=DomainAnswer,
    conflicts=True,
)
def create_domain(call: Call, given: DomainGiven) -> DomainAnswer:
    """Add a domain"""
    return _domain(
        domains.create_domain(call.session, call.actor, call.settings, given.host, call.now)
    )


@DOMAINS.call("GET", "/domains", scope="links:read", takes=Page, answers=Listed[DomainAnswer])
def list_domains(call: Call, given: Page) -> Listed[DomainAnswer]:
    """List domains"""
    return listed(
        given,
        lambda after, limit: domains.list_domains(
            call.session, call.actor, after=after, limit=limit
        ),
        _domain,
        id_of,
    )


@DOMAINS.call("GET", "/domains/{id}", scope="links:read", answers=DomainAnswer)
def get_domain(call: Call, given: Nothing) -> DomainAnswer:
    """Get a domain"""
    return _domain(domains.one_domain(call.session, call.actor, call.id))


@DOMAINS.call(
    "PATCH",
    "/domains/{id}",
    scope="links:write",
    takes=DomainChangesGiven,
    answers=DomainAnswer,
)
def change_domain(call: Call, given: DomainChangesGiven) -> DomainAnswer:
    """Change where a domain's `/` and unknown slugs lead"""
    changes = cast(DomainChanges, given.given())
    return _domain(domains.change_domain(call.session, call.actor, call.id, changes, call.now))


@DOMAINS.call("DELETE", "/domains/{id}", scope="links:write", conflicts=True)
def delete_domain(call: Call, given: Nothing) -> None:
    """Delete a domain that never had a link"""
    domains.delete_domain(call.session, call.actor, call.id, call.now)


@TAGS.call("POST", "/tags", scope="links:write", takes=TagGiven, answers=TagAnswer, conflicts=True)
def create_tag(call: Call, given: TagGiven) -> TagAnswer:
    """Make a tag"""
    return _tag(tags.create_tag(call.session, call.actor, given.name, call.now))


@TAGS.call("GET", "/tags", scope="links:read", takes=Page, answers=Listed[TagAnswer])
def list_tags(call: Call, given: Page) -> Listed[TagAnswer]:
    """List tags"""
    return listed(
        given,
        lambda after, limit: tags.list_tags(call.session, call.actor, after=after, limit=limit),
        _tag,
        id_of,
    )


@TAGS.call("GET", "/tags/{id}", scope="links:read", answers=TagAnswer)
def get_tag(call: Call, given: Nothing) -> TagAnswer:
    """Get a tag"""
    return _tag(tags.one_tag(call.session, call.actor, call.id))


@TAGS.call(
    "PATCH", "/tags/{id}", scope="links:write", takes=TagGiven, answers=TagAnswer, conflicts=True
)
def change_tag(call: Call, given: TagGiven) -> TagAnswer:
    """Rename a tag"""
    return _tag(tags.rename_tag(call.session, call.actor, call.id, given.name, call.now))


@TAGS.call("DELETE", "/tags/{id}", scope="links:write")
def delete_tag(call: Call, given: Nothing) -> None:
    """Delete a tag; it leaves every link"""
    tags.delete_tag(call.session, call.actor, call.id, call.now)


def _domain(domain: Domain) -> DomainAnswer:
    return DomainAnswer(
        id=str(domain.id),
        host=domain.host,
        root_redirect=domain.root_redirect,
        not_found_redirect=domain.not_found_redirect,
        created_at=domain.created_at,
    )


def _tag(tag: Tag) -> TagAnswer:
    return TagAnswer(id=str(tag.id), name=tag.name)
