"""Links as every door makes them: rules, races, versions, and whose they are."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from cast import NOW, Home, make_home, make_link, make_touchpoint
from sqlalchemy import func, select

from linkservice.changes import Change
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Conflict, Forbidden, Invalid, LinkServiceError, NotFound, SlugTaken
from linkservice.journeys.touchpoints import delete_touchpoint
from linkservice.links import domains, tags
from linkservice.links.addresses import scan_url, short_url
from linkservice.links.listing import LinkFilter, link_by_slug, link_view, list_links
from linkservice.links.manage import (
    NewLink,
    change_link,
    create_link,
    create_links,
    delete_link,
)
from linkservice.links.model import Link, LinkVersion
from linkservice.workspaces.access import Actor


@pytest.fixture
def ada(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        return make_home(session, settings)


@pytest.fixture
def cleo(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        return make_home(session, settings, host="go.cleo.example")


def problems_of(error: pytest.ExceptionInfo[LinkServiceError]) -> set[tuple[str, str]]:
    return {(problem.field, problem.code) for problem in error.value.problems}


def test_a_slug_is_taken_whatever_its_case(
    database: Database, settings: Settings, ada: Home
) -> None:
    with database.transaction() as session:
        make_link(session, settings, ada, "Straße")
    with pytest.raises(SlugTaken, match="STRASSE"), database.transaction() as session:
        make_link(session, settings, ada, "STRASSE")


def test_the_same_slug_is_free_on_another_domain(
    database: Database, settings: Settings, ada: Home, cleo: Home
) -> None:
    with database.transaction() as session:
        make_link(session, settings, ada, "sommer")
        make_link(session, settings, cleo, "sommer")


def test_of_two_who_want_a_slug_at_once_one_gets_it(
    database: Database, settings: Settings, ada: Home
) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(4)

    def want() -> None:
        start.wait()
        try:
            with database.transaction() as session:
                make_link(session, settings, ada, "sommer")
            outcomes.append("made")
        except SlugTaken:
            outcomes.append("taken")

    threads = [threading.Thread(target=want) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made", "taken", "taken", "taken"]


def test_every_wrong_field_is_named_at_once(
    database: Database, settings: Settings, ada: Home
) -> None:
    new = NewLink("javascript:alert(1)", slug="a b", title="x" * 201, tags=["t" * 51])
    with pytest.raises(Invalid) as error, database.transaction() as session:
        create_link(session, ada.actor, settings, new, NOW)
    assert {field for field, _ in problems_of(error)} == {"destination", "slug", "title", "tags"}


@pytest.mark.parametrize("host", ["127.0.0.1:8001", "LOCALHOST:8001", "127.0.0.1:8000"])
def test_a_destination_never_leads_back_to_us(
    database: Database, settings: Settings, ada: Home, host: str
) -> None:
    with pytest.raises(Invalid), database.transaction() as session:
        create_link(session, ada.actor, settings, NewLink(f"http://{host}/x"), NOW)


def test_nor_to_another_workspaces_branded_host(
    database: Database, settings: Settings, ada: Home, cleo: Home
) -> None:
    with pytest.raises(Invalid), database.transaction() as session:
        create_link(session, ada.actor, settings, NewLink("https://GO.Cleo.example./x"), NOW)


def test_one_destination_and_many_touchpoints_all_or_none(
    database: Database, settings: Settings, ada: Home, cleo: Home
) -> None:
    with database.transaction() as session:
        mine = [make_touchpoint(session, ada, name) for name in ("Poster", "Flyer")]
        hers = make_touchpoint(session, cleo)
    new = NewLink("https://example.com/", tags=["herbst"], utm={"source": "print"})
    with pytest.raises(NotFound), database.transaction() as session:
        create_links(session, ada.actor, settings, new, [*mine, hers], NOW)
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Link)) == 0
        made = create_links(session, ada.actor, settings, new, mine, NOW)
        assert [str(view.link.touchpoint_id) for view in made] == mine
        assert {view.link.destination for view in made} == {"https://example.com/?utm_source=print"}
        assert all(view.tags == ["herbst"] for view in made)
        assert len({view.link.slug for view in made}) == 2


def test_each_change_is_a_version_and_is_announced(
    database: Database, settings: Settings, ada: Home
) -> None:
    later = NOW + timedelta(hours=1)
    with database.transaction() as session:
        link = make_link(session, settings, ada, "sommer")
        link_id = str(link.id)
        wanted = {"destination": "https://example.org/neu", "active": False}
        view = change_link(session, ada.actor, settings, link_id, wanted, later)
        assert (view.link.version, view.link.updated_at) == (2, later)
        delete_link(session, ada.actor, link_id, later)
    with database.reading() as session:
        versions = session.scalars(select(LinkVersion).order_by(LinkVersion.version)).all()
        assert [version.destination for version in versions][:2] == [
            "https://example.com/",
            "https://example.org/neu",
        ]
        assert [version.changed_by for version in versions] == ["ada"] * 3
        announced = session.scalars(select(Change).where(Change.subject == "link")).all()
        assert [(change.domain_id, change.slug_key) for change in announced] == [
            (ada.domain_id, "sommer")
        ] * 3


def test_a_deleted_links_slug_stays_taken(
    database: Database, settings: Settings, ada: Home
) -> None:
    with database.transaction() as session:
        link_id = str(make_link(session, settings, ada, "sommer").id)
        delete_link(session, ada.actor, link_id, NOW)
    with pytest.raises(NotFound), database.reading() as session:
        link_view(session, ada.actor, link_id)
    with pytest.raises(SlugTaken), database.transaction() as session:
        make_link(session, settings, ada, "sommer")


def test_cleo_cannot_see_or_touch_adas_link(
    database: Database, settings: Settings, ada: Home, cleo: Home
) -> None:
    with database.transaction() as session:
        link_id = str(make_link(session, settings, ada, "sommer").id)
    with database.reading() as session:
        assert list_links(session, cleo.actor, LinkFilter(), before=None, limit=10, now=NOW) == []
        with pytest.raises(NotFound):
            link_view(session, cleo.actor, link_id)
        for slug in ("sommer", "\0", "\ud800"):
            with pytest.raises(NotFound):
                link_by_slug(session, cleo.actor, slug)
    with database.transaction() as session:
        with pytest.raises(NotFound):
            change_link(session, cleo.actor, settings, link_id, {"title": "x"}, NOW)
        with pytest.raises(NotFound):
            delete_link(session, cleo.actor, link_id, NOW)
        new = NewLink("https://example.com/", domain=ada.host)
        with pytest.raises(NotFound):
            create_link(session, cleo.actor, settings, new, NOW)


def test_vera_may_read_and_not_write(database: Database, settings: Settings, ada: Home) -> None:
    vera = Actor(ada.workspace_id, "vera", frozenset({"links:read"}))
    with database.transaction() as session:
        link_id = str(make_link(session, settings, ada, "sommer").id)
        assert link_view(session, vera, link_id).link.slug == "sommer"
        with pytest.raises(Forbidden, match="links:write"):
            create_link(session, vera, settings, NewLink("https://example.com/"), NOW)


def test_links_are_found_by_what_they_have(
    database: Database, settings: Settings, ada: Home
) -> None:
    with database.transaction() as session:
        touchpoint_id = make_touchpoint(session, ada)
        new = NewLink(
            "https://example.com/100%25_off",
            slug="Aktion",
            title="Herbstaktion",
            touchpoint_id=touchpoint_id,
            tags=["herbst", "print"],
        )
        create_link(session, ada.actor, settings, new, NOW)
        make_link(session, settings, ada, "anders")

    def found(**wanted: object) -> list[str]:
        with database.reading() as session:
            views = list_links(
                session,
                ada.actor,
                LinkFilter(**wanted),
                before=None,
                limit=10,
                now=NOW,
            )
            return [view.link.slug for view in views]

    assert found() == ["anders", "Aktion"]
    assert found(q="AKTION") == found(q="100%25_") == found(tag="print") == ["Aktion"]
    assert found(touchpoint_id=touchpoint_id) == ["Aktion"]
    assert found(touchpoint_id="no id") == found(tag="nichts") == found(active=False) == []
    assert found(domain=ada.host) == ["anders", "Aktion"]


def test_how_a_link_is_written(settings: Settings) -> None:
    assert short_url(settings, settings.link_host, "Sommer") == "http://127.0.0.1:8001/Sommer"
    assert scan_url(settings, "go.marke.de", "a7k2p") == "HTTPS://GO.MARKE.DE/Q/A7K2P"


def test_a_domain_with_printed_links_cannot_be_deleted(
    database: Database, settings: Settings, ada: Home
) -> None:
    with database.transaction() as session:
        empty = domains.create_domain(session, ada.actor, settings, "Go.Marke.de", NOW)
        assert empty.host == "go.marke.de"
        with pytest.raises(Conflict, match=r"go\.marke\.de"):
            domains.create_domain(session, ada.actor, settings, "go.marke.de", NOW)
        domains.delete_domain(session, ada.actor, str(empty.id), NOW)
        make_link(session, settings, ada, "sommer")
        with pytest.raises(Conflict, match="must not break"):
            domains.delete_domain(session, ada.actor, str(ada.domain_id), NOW)


def test_tags_are_the_workspaces_own(
    database: Database, settings: Settings, ada: Home, cleo: Home
) -> None:
    with database.transaction() as session:
        tag = tags.create_tag(session, ada.actor, "Herbst", NOW)
        tags.create_tag(session, cleo.actor, "Herbst", NOW)
        with pytest.raises(Conflict):
            tags.create_tag(session, ada.actor, "Herbst", NOW)
        with pytest.raises(NotFound):
            tags.delete_tag(session, cleo.actor, str(tag.id), NOW)


def test_a_deleted_touchpoint_may_be_sent_back_unchanged(
    database: Database, settings: Settings, ada: Home
) -> None:
    with database.transaction() as session:
        touchpoint_id = make_touchpoint(session, ada)
        link_id = str(make_link(session, settings, ada, "sommer", touchpoint_id).id)
        delete_touchpoint(session, ada.actor, touchpoint_id, NOW)
        wanted = {"touchpoint_id": touchpoint_id, "title": "neu"}
        view = change_link(session, ada.actor, settings, link_id, wanted, NOW)
        assert (str(view.link.touchpoint_id), view.link.title) == (touchpoint_id, "neu")
