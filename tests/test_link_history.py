"""A link's past: what each version changed, the way back, and what the trail says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from cast import NOW, Home, make_home, make_link, make_touchpoint
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Conflict, Forbidden, Invalid, NotFound
from linkservice.journeys.campaigns import create_campaign, delete_campaign
from linkservice.journeys.touchpoints import delete_touchpoint
from linkservice.links import domains, tags
from linkservice.links.bulk import BulkChange, change_links
from linkservice.links.history import (
    Change,
    kept,
    link_history,
    undo,
    undo_many,
)
from linkservice.links.listing import LinkView, link_view
from linkservice.links.manage import (
    LinkChanges,
    NewLink,
    archive_link,
    change_link,
    create_link,
    create_links,
    delete_link,
    restore_link,
    unarchive_link,
)
from linkservice.links.model import Link
from linkservice.workspaces.access import Actor
from linkservice.workspaces.trail import Note, list_trail

LATER = NOW + timedelta(hours=1)


@dataclass
class Desk:
    """Ada at work in one transaction, and Cleo beside her."""

    session: Session
    settings: Settings
    home: Home
    cleo: Home

    def link(self, slug: str | None = None, touchpoint_id: str | None = None) -> str:
        return str(make_link(self.session, self.settings, self.home, slug, touchpoint_id).id)

    def change(self, link_id: str, **wanted: object) -> LinkView:
        changes: LinkChanges = wanted  # type: ignore[assignment]  # the test names the fields
        return change_link(self.session, self.home.actor, self.settings, link_id, changes, LATER)

    def history(self, link_id: str) -> list[Change]:
        return link_history(self.session, self.home.actor, link_id)

    def undo(self, link_id: str, version: int) -> LinkView:
        return undo(self.session, self.home.actor, self.settings, link_id, version, LATER)

    def bulk(self, link_ids: list[str], **wanted: object) -> list[tuple[str, int]]:
        changes: BulkChange = wanted  # type: ignore[assignment]  # the test names the fields
        return change_links(self.session, self.home.actor, link_ids, changes, LATER)

    def undo_many(self, changed: list[tuple[str, int]]) -> int:
        return undo_many(self.session, self.home.actor, self.settings, changed, LATER)

    def tags(self, link_id: str) -> list[str]:
        return list(link_view(self.session, self.home.actor, link_id, also_deleted=True).tags)

    def trail(self) -> list[Note]:
        self.session.flush()
        found = list_trail(self.session, self.home.actor, before=None, limit=100)
        return [note for _, note in found]


@pytest.fixture
def desk(database: Database, settings: Settings) -> Iterator[Desk]:
    with database.transaction() as session:
        home = make_home(session, settings)
        yield Desk(session, settings, home, make_home(session, settings, host="go.cleo.example"))


def shown(change: Change) -> dict[str, tuple[object, object]]:
    return {field.field: (field.before, field.after) for field in change.fields}


def test_the_history_tells_what_each_version_changed(desk: Desk) -> None:
    touchpoint_id = make_touchpoint(desk.session, desk.home, "Plakat")
    campaign = create_campaign(desk.session, desk.home.actor, "Herbst", NOW)
    link_id = desk.link("sommer")
    desk.change(link_id, title="Sommer", destination="https://example.org/")
    desk.change(link_id, touchpoint_id=touchpoint_id, campaign_id=str(campaign.id))
    desk.change(link_id, tags=["print", "shop"])
    desk.change(link_id, tags=["shop", "neu"], expires_at=LATER)
    newest, tagged, placed, first_change, beginning = desk.history(link_id)
    assert shown(newest) == {"expires_at": (None, LATER), "tags": (["print"], ["neu"])}
    assert shown(tagged) == {"tags": ([], ["print", "shop"])}
    assert shown(placed) == {"touchpoint": (None, "Plakat"), "campaign": (None, "Herbst")}
    assert shown(first_change) == {
        "destination": ("https://example.com/", "https://example.org/"),
        "title": ("", "Sommer"),
    }
    assert (beginning.version, beginning.fields, beginning.undoable) == (1, (), False)
    assert (newest.version, newest.at, newest.by, newest.undoable) == (5, LATER, "ada", True)


def test_a_switch_is_shown_as_what_it_is(desk: Desk) -> None:
    link_id = desk.link("sommer")
    desk.change(link_id, append_click_id=True)
    assert shown(desk.history(link_id)[0]) == {"append_click_id": (False, True)}


def test_what_changes_nothing_is_no_version(desk: Desk) -> None:
    link_id = desk.link("sommer")
    desk.change(link_id, tags=["a"])
    notes = len(desk.trail())
    view = desk.change(link_id, active=True, title=" ", tags=["a"], slug="SOMMER")
    assert view.link.version == 2
    assert len(desk.trail()) == notes


def test_undo_sets_back_only_what_that_version_changed(desk: Desk) -> None:
    link_id = desk.link()
    desk.change(link_id, title="eins", tags=["a"])
    desk.change(link_id, destination="https://example.org/")
    view = desk.undo(link_id, 2)
    assert (view.link.title, view.link.destination, view.tags) == ("", "https://example.org/", [])
    assert view.link.version == 4
    again = desk.undo(link_id, 4)
    assert (again.link.title, again.tags) == ("eins", ["a"])


def test_undo_of_a_deletion_restores_the_link_as_it_was(desk: Desk) -> None:
    for active in (True, False):
        link_id = desk.link()
        desk.change(link_id, active=active)
        deleted = delete_link(desk.session, desk.home.actor, link_id, NOW)
        (change, *_) = desk.history(link_id)
        assert shown(change) == {"deleted": (False, True)}
        view = desk.undo(link_id, deleted.link.version)
        assert (view.link.deleted_at, view.link.active) == (None, active)
        assert desk.undo(link_id, view.link.version).link.deleted_at == LATER


def test_a_restored_link_is_paused_if_it_was(desk: Desk) -> None:
    for active in (True, False):
        link_id = desk.link()
        desk.change(link_id, active=active)
        assert not delete_link(desk.session, desk.home.actor, link_id, NOW).link.active
        view = restore_link(desk.session, desk.home.actor, link_id, LATER)
        assert (view.link.deleted_at, view.link.active) == (None, active)


def test_undoing_a_deletion_twice_does_not_resume_what_was_paused_since(desk: Desk) -> None:
    link_id = desk.link()
    version = delete_link(desk.session, desk.home.actor, link_id, NOW).link.version
    restore_link(desk.session, desk.home.actor, link_id, LATER)
    desk.change(link_id, active=False)
    with pytest.raises(Conflict, match="nothing to undo"):
        desk.undo(link_id, version)


def test_an_undo_that_makes_no_sense_is_refused(desk: Desk) -> None:
    touchpoint_id = make_touchpoint(desk.session, desk.home, "Plakat")
    link_id = desk.link(touchpoint_id=touchpoint_id)
    with pytest.raises(Conflict, match="nothing before it"):
        desk.undo(link_id, 1)
    for version in (0, -1, 2, 2**70):
        with pytest.raises((NotFound, Conflict)):
            desk.undo(link_id, version)
    desk.change(link_id, touchpoint_id=None)
    delete_touchpoint(desk.session, desk.home.actor, touchpoint_id, NOW)
    with pytest.raises(Conflict, match="Plakat"):
        desk.undo(link_id, 2)
    desk.change(link_id, title="x")
    delete_link(desk.session, desk.home.actor, link_id, LATER)
    with pytest.raises(Conflict, match="restore it first"):
        desk.undo(link_id, 3)
    assert [change.undoable for change in desk.history(link_id)] == [True, False, False, False]


def test_undo_does_not_lead_back_to_what_is_our_own_host_by_now(desk: Desk) -> None:
    link_id = desk.link()
    desk.change(link_id, destination="https://go.marke.example/a")
    desk.change(link_id, destination="https://example.org/")
    host = "go.marke.example"
    domains.create_domain(desk.session, desk.home.actor, desk.settings, host, NOW)
    with pytest.raises(Invalid, match="loop"):
        desk.undo(link_id, 3)


def test_a_deleted_campaign_leaves_no_trace_of_anothers_change(desk: Desk) -> None:
    campaign = create_campaign(desk.session, desk.home.actor, "Herbst", NOW)
    link_id = desk.link()
    desk.change(link_id, campaign_id=str(campaign.id))
    delete_campaign(desk.session, desk.home.actor, str(campaign.id), NOW)
    desk.session.expire_all()
    desk.change(link_id, title="x")
    assert shown(desk.history(link_id)[0]) == {"title": ("", "x")}


def test_strangers_and_viewers_cannot_undo(desk: Desk) -> None:
    link_id = desk.link()
    desk.change(link_id, title="x")
    session = desk.session
    with pytest.raises(NotFound):
        link_history(session, desk.cleo.actor, link_id)
    with pytest.raises(NotFound):
        undo(session, desk.cleo.actor, desk.settings, link_id, 2, LATER)
    with pytest.raises(NotFound):
        undo_many(session, desk.cleo.actor, desk.settings, [(link_id, 2)], LATER)
    for act in (archive_link, unarchive_link, delete_link, restore_link):
        with pytest.raises(NotFound):
            act(session, desk.cleo.actor, link_id, LATER)
    vera = Actor(desk.home.workspace_id, "vera", frozenset({"links:read"}))
    assert len(link_history(session, vera, link_id)) == 2
    with pytest.raises(Forbidden):
        undo(session, vera, desk.settings, link_id, 2, LATER)
    with pytest.raises(Forbidden):
        change_links(session, vera, [link_id], {"active": False}, LATER)


def test_many_links_change_at_once_and_back(desk: Desk) -> None:
    touchpoint_id = make_touchpoint(desk.session, desk.home)
    campaign_id = str(create_campaign(desk.session, desk.home.actor, "Herbst", NOW).id)
    ids = [desk.link(f"l{number}") for number in range(3)]
    desk.change(ids[0], tags=["alt", "bleibt"], active=False)
    before = {link_id: _state(desk, link_id) for link_id in ids}
    changed = desk.bulk(
        ids,
        add_tags=["neu", "bleibt"],
        remove_tags=["alt"],
        touchpoint_id=touchpoint_id,
        campaign_id=campaign_id,
        active=False,
        archived=True,
    )
    assert [link_id for link_id, _ in changed] == ids
    for link_id in ids:
        link = link_view(desk.session, desk.home.actor, link_id).link
        assert (str(link.touchpoint_id), str(link.campaign_id)) == (touchpoint_id, campaign_id)
        assert (link.active, link.archived_at) == (False, LATER)
        assert desk.tags(link_id) == ["bleibt", "neu"]
    assert desk.undo_many(changed) == 3
    assert {link_id: _state(desk, link_id) for link_id in ids} == before
    assert desk.undo_many(changed) == 0


def test_only_what_changes_counts(desk: Desk) -> None:
    ids = [desk.link(), desk.link()]
    desk.change(ids[0], active=False)
    assert desk.bulk(ids, active=False) == [(ids[1], 2)]
    assert desk.bulk(ids, active=False) == []
    assert desk.bulk([ids[0], ids[0]], touchpoint_id=None, remove_tags=["unbekannt"]) == []


def test_many_are_deleted_and_restored(desk: Desk) -> None:
    ids = [desk.link(), desk.link()]
    desk.change(ids[0], active=False)
    changed = desk.bulk(ids, deleted=True)
    with pytest.raises(NotFound):
        desk.bulk(ids, active=True)
    assert desk.bulk(ids, deleted=False) == [(ids[0], 4), (ids[1], 3)]
    assert [desk.session.get_one(Link, int(link_id)).active for link_id in ids] == [False, True]
    desk.bulk(ids, deleted=True)
    assert desk.undo_many(changed) == 2


def test_all_or_none(desk: Desk, database: Database) -> None:
    mine = desk.link()
    hers = str(make_link(desk.session, desk.settings, desk.cleo).id)
    with pytest.raises(NotFound), desk.session.begin_nested():
        desk.bulk([mine, hers], active=False)
    with pytest.raises(NotFound), desk.session.begin_nested():
        desk.bulk([mine, "nichts"], active=False)
    full = desk.link()
    desk.change(full, tags=[f"t{number}" for number in range(50)])
    with pytest.raises(Invalid, match="50 tags"), desk.session.begin_nested():
        desk.bulk([mine, full], add_tags=["noch einer"])
    assert desk.session.get_one(Link, int(mine)).version == 1
    assert desk.tags(mine) == []
    for wrong in ([], [str(number) for number in range(1, 202)]):
        with pytest.raises(Invalid, match="between 1 and 200 links"):
            desk.bulk(wrong, active=False)
    with pytest.raises(Invalid) as error:
        desk.bulk([mine], add_tags=["a\0"], remove_tags=[""])
    assert {problem.field for problem in error.value.problems} == {"add_tags", "remove_tags"}
    for field in ("touchpoint_id", "campaign_id"):
        with pytest.raises(NotFound):
            desk.bulk([mine], **{field: "999999"})


_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["", "a", "b"]),
        "destination": st.sampled_from(["https://example.com/", "https://example.org/"]),
        "active": st.booleans(),
        "archived": st.booleans(),
        "forward_query": st.booleans(),
        "append_click_id": st.booleans(),
        "expires_at": st.sampled_from([None, NOW, LATER]),
        "tags": st.lists(st.sampled_from(["x", "y", "z"]), unique=True),
    },
)


@hypothesis_settings(max_examples=20)
@given(st.lists(_FIELDS, min_size=1, max_size=4))
def test_undoing_the_newest_version_is_as_if_it_had_not_been(
    desk: Desk, steps: list[dict[str, object]]
) -> None:
    link_id = desk.link()
    for wanted in steps:
        before = _state(desk, link_id)
        version = desk.session.get_one(Link, int(link_id)).version
        view = desk.change(link_id, **wanted)
        if view.link.version == version:
            assert _state(desk, link_id) == before
            continue
        newest = desk.history(link_id)[0]
        assert newest.fields
        assert newest.undoable
        after = _state(desk, link_id)
        undone = desk.undo(link_id, view.link.version)
        assert _state(desk, link_id) == before
        desk.undo(link_id, undone.link.version)
        assert _state(desk, link_id) == after


def test_the_trail_says_what_was_done_to_links(desk: Desk) -> None:
    session, actor = desk.session, desk.home.actor
    link_id = desk.link("sommer")
    desk.change(link_id, title="x", tags=["a"])
    desk.change(link_id, active=False)
    desk.change(link_id, active=True)
    archive_link(session, actor, link_id, NOW)
    unarchive_link(session, actor, link_id, NOW)
    delete_link(session, actor, link_id, NOW)
    restore_link(session, actor, link_id, NOW)
    desk.undo(link_id, 2)
    notes = [note for note in desk.trail() if note.action.startswith("link.")][::-1]
    assert [(note.action, dict(note.facts)) for note in notes] == [
        ("link.created", {}),
        ("link.changed", {"fields": "title, tags"}),
        ("link.paused", {}),
        ("link.resumed", {}),
        ("link.archived", {}),
        ("link.unarchived", {}),
        ("link.deleted", {}),
        ("link.restored", {}),
        ("link.undone", {"version": 2, "fields": "title, tags"}),
    ]
    assert {(note.subject_id, note.name, note.actor) for note in notes} == {
        (int(link_id), "127.0.0.1:8001/sommer", "ada")
    }


def test_the_trail_has_one_entry_for_many_links(desk: Desk) -> None:
    places = [make_touchpoint(desk.session, desk.home, name) for name in ("Poster", "Flyer")]
    new = NewLink("https://example.com/")
    made = create_links(desk.session, desk.home.actor, desk.settings, new, places, NOW)
    ids = [str(view.link.id) for view in made]
    desk.undo_many(desk.bulk(ids, archived=True, add_tags=["x"]))
    notes = [note for note in desk.trail() if note.action.startswith("links.")][::-1]
    assert [(note.action, dict(note.facts)) for note in notes] == [
        ("links.created", {"count": 2}),
        ("links.changed", {"count": 2, "fields": "archived, tags"}),
        ("links.undone", {"count": 2}),
    ]


def test_the_trail_says_what_was_done_to_tags_and_domains(desk: Desk) -> None:
    session, actor = desk.session, desk.home.actor
    new = NewLink("https://example.com/", tags=["alt"])
    create_link(session, actor, desk.settings, new, NOW)
    (counted,) = tags.tags_with_counts(session, actor)
    tag_id = str(counted.tag.id)
    tags.rename_tag(session, actor, tag_id, "alt", NOW)
    tags.rename_tag(session, actor, tag_id, "neu", NOW)
    gone = tags.delete_tag(session, actor, tag_id, NOW)
    tags.restore_tag(session, actor, gone.name, gone.link_ids, NOW)
    domain = domains.create_domain(session, actor, desk.settings, "go.marke.example", NOW)
    root = {"root_redirect": "https://example.com/"}
    for _ in range(2):
        domains.change_domain(session, actor, str(domain.id), root, NOW)
    domains.delete_domain(session, actor, str(domain.id), NOW)
    notes = [note for note in desk.trail() if note.action.startswith(("tag.", "domain."))][::-1]
    assert [(note.action, note.name, dict(note.facts)) for note in notes] == [
        ("tag.renamed", "neu", {"before": "alt"}),
        ("tag.deleted", "neu", {"links": 1}),
        ("tag.restored", "neu", {"links": 1}),
        ("domain.added", "go.marke.example", {}),
        ("domain.changed", "go.marke.example", {"fields": "root_redirect"}),
        ("domain.removed", "go.marke.example", {}),
    ]


def _state(desk: Desk, link_id: str) -> tuple[dict[str, object], list[str]]:
    link = desk.session.scalars(select(Link).where(Link.id == int(link_id))).one()
    return dict(kept(link)), desk.tags(link_id)
