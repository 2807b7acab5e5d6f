"""Deletions undone: what comes back, and what was deleted before and stays so; the trail."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from cast import NOW, Home, make_home, make_touchpoint
from sqlalchemy.orm import Session

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Conflict, Forbidden, NotFound
from linkservice.journeys import manage, stages, touchpoints
from linkservice.journeys.model import Stage, Touchpoint
from linkservice.journeys.reach import (
    DeletedReach,
    NewReach,
    ReachSummary,
    add_reach,
    change_reach,
    delete_reach,
    list_reach,
    newest_reach,
    reach_summaries,
    restore_reach,
    values_of,
)
from linkservice.workspaces.access import Actor
from linkservice.workspaces.trail import list_trail

LATER = NOW + timedelta(minutes=1)
MARCH = date(2026, 3, 1)


@pytest.fixture
def ada(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        return make_home(session, settings)


def shape(found: manage.JourneyMap) -> list[tuple[str, list[str]]]:
    return [
        (stage.name, [each.name for each in touchpoints]) for stage, touchpoints in found.stages
    ]


def noted(session: Session, actor: Actor) -> list[tuple[str, str, dict[str, object]]]:
    """The trail, the oldest first."""
    notes = [note for _, note in list_trail(session, actor, before=None, limit=100)]
    return [(note.action, note.name, dict(note.facts)) for note in reversed(notes)]


def test_a_journey_comes_back_with_what_went_with_it(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        made = manage.create_journey(session, ada.actor, "Kauf", NOW, template="standard")
        journey_id = str(made.journey.id)
        stages.delete_stage(session, ada.actor, str(made.stages[1][0].id), NOW)
        touchpoints.delete_touchpoint(session, ada.actor, str(made.stages[0][1][2].id), NOW)
        before = shape(manage.journey_map(session, ada.actor, journey_id))
        manage.delete_journey(session, ada.actor, journey_id, LATER)
        with pytest.raises(NotFound):
            manage.journey_map(session, ada.actor, journey_id)
        assert shape(manage.restore_journey(session, ada.actor, journey_id, LATER)) == before
        assert shape(manage.restore_journey(session, ada.actor, journey_id, LATER)) == before
        assert len(before) == 3


def test_a_stage_comes_back_where_it_was(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        made = manage.create_journey(session, ada.actor, "Kauf", NOW, template="standard")
        journey_id, stage_id = str(made.journey.id), str(made.stages[1][0].id)
        gone = str(made.stages[1][1][0].id)
        touchpoints.delete_touchpoint(session, ada.actor, gone, NOW)
        before = shape(manage.journey_map(session, ada.actor, journey_id))
        stages.delete_stage(session, ada.actor, stage_id, LATER)
        for _ in range(2):
            assert stages.restore_stage(session, ada.actor, stage_id, LATER).position == 1
        assert shape(manage.journey_map(session, ada.actor, journey_id)) == before
        touchpoints.restore_touchpoint(session, ada.actor, gone, LATER)
        after = manage.journey_map(session, ada.actor, journey_id)
        assert shape(after) == shape(made)


def test_touchpoints_come_back_in_the_order_they_had(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        made = manage.create_journey(session, ada.actor, "Kauf", NOW, template="standard")
        ids = [str(each.id) for each in made.stages[0][1]]
        for touchpoint_id in ids[1:6:2]:
            touchpoints.delete_touchpoint(session, ada.actor, touchpoint_id, NOW)
        for touchpoint_id in ids[5:0:-2]:
            touchpoints.restore_touchpoint(session, ada.actor, touchpoint_id, NOW)
        found = manage.journey_map(session, ada.actor, str(made.journey.id))
        assert [str(each.id) for each in found.stages[0][1]] == ids
        assert [each.position for each in found.stages[0][1]] == list(range(len(ids)))


def test_nothing_comes_back_into_what_is_deleted(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        touchpoint = session.get_one(Touchpoint, int(make_touchpoint(session, ada)))
        touchpoint_id, stage_id = str(touchpoint.id), str(touchpoint.stage_id)
        journey_id = str(session.get_one(Stage, touchpoint.stage_id).journey_id)
        touchpoints.delete_touchpoint(session, ada.actor, touchpoint_id, NOW)
        stages.delete_stage(session, ada.actor, stage_id, NOW + timedelta(seconds=1))
        manage.delete_journey(session, ada.actor, journey_id, LATER)
        with pytest.raises(Conflict, match="stage of the touchpoint “Poster”"):
            touchpoints.restore_touchpoint(session, ada.actor, touchpoint_id, LATER)
        with pytest.raises(Conflict, match="journey of the stage “Awareness”"):
            stages.restore_stage(session, ada.actor, stage_id, LATER)
        manage.restore_journey(session, ada.actor, journey_id, LATER)
        stages.restore_stage(session, ada.actor, stage_id, LATER)
        assert (
            touchpoints.restore_touchpoint(session, ada.actor, touchpoint_id, LATER).position == 0
        )


def test_cleo_and_vera_bring_nothing_back(
    database: Database, settings: Settings, ada: Home
) -> None:
    vera = Actor(ada.workspace_id, "vera", frozenset({"journeys:read"}))
    with database.transaction() as session:
        cleo = make_home(session, settings, host="go.cleo.example").actor
        touchpoint = session.get_one(Touchpoint, int(make_touchpoint(session, ada)))
        touchpoint_id, stage_id = str(touchpoint.id), str(touchpoint.stage_id)
        journey_id = str(session.get_one(Stage, touchpoint.stage_id).journey_id)
        manage.delete_journey(session, ada.actor, journey_id, NOW)
        for actor, error in ((cleo, NotFound), (vera, Forbidden)):
            with pytest.raises(error):
                manage.restore_journey(session, actor, journey_id, NOW)
            with pytest.raises(error):
                stages.restore_stage(session, actor, stage_id, NOW)
            with pytest.raises(error):
                touchpoints.restore_touchpoint(session, actor, touchpoint_id, NOW)
            with pytest.raises(error):
                restore_reach(session, actor, touchpoint_id, NewReach(MARCH, 1, "sent"), NOW)
        with pytest.raises(NotFound):
            manage.journey_map(session, ada.actor, journey_id)


def test_a_deleted_reach_entry_can_be_entered_again(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        poster = make_touchpoint(session, ada)
        new = NewReach(MARCH, 500, "printed", date(2026, 3, 9))
        entry_id = str(add_reach(session, ada.actor, poster, new, NOW).id)
        deleted = delete_reach(session, ada.actor, entry_id, NOW)
        assert deleted == DeletedReach(poster, new)
        assert list_reach(session, ada.actor, poster, after=None, limit=9) == []
        back = restore_reach(session, ada.actor, deleted.touchpoint_id, deleted.entry, NOW)
        assert values_of(back) == new


def test_reach_is_listed_by_its_days_and_summed_up(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        poster, flyer, bare = (make_touchpoint(session, ada, name) for name in "pfb")
        for touchpoint_id, day in ((poster, 3), (poster, 7), (poster, 3), (poster, 5), (flyer, 1)):
            new = NewReach(date(2026, 3, day), day, "sent", date(2026, 3, day + 1))
            add_reach(session, ada.actor, touchpoint_id, new, NOW)
        seen: list[tuple[date, int]] = []
        while found := newest_reach(
            session, ada.actor, poster, before=seen[-1] if seen else None, limit=3
        ):
            seen += [(entry.starts_on, entry.id) for entry in found]
        assert seen == sorted(seen, reverse=True)
        assert [day.day for day, _ in seen] == [7, 5, 3, 3]
        assert reach_summaries(session, ada.actor, [int(poster), int(flyer), int(bare)]) == {
            int(poster): ReachSummary(4, 18, "sent", date(2026, 3, 3), date(2026, 3, 8)),
            int(flyer): ReachSummary(1, 1, "sent", MARCH, date(2026, 3, 2)),
        }


def test_everything_done_to_a_journey_is_noted_once(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        actor = ada.actor
        journey_id = str(manage.create_journey(session, actor, "Kauf", NOW).journey.id)
        stage_id = str(stages.create_stage(session, actor, journey_id, "Vorher", NOW).id)
        other_id = str(stages.create_stage(session, actor, journey_id, "Nachher", NOW).id)
        new = touchpoints.NewTouchpoint(stage_id, "Plakat", "poster", "physical", "paid")
        poster = str(touchpoints.create_touchpoint(session, actor, new, NOW).id)
        manage.rename_journey(session, actor, journey_id, "Einkauf", NOW)
        stages.change_stage(session, actor, other_id, {"name": "Davor", "position": 0}, NOW)
        touchpoints.change_touchpoint(
            session, actor, poster, {"name": "Plakat", "kind": "human", "medium": "owned"}, NOW
        )
        touchpoints.move_touchpoint(session, actor, poster, other_id, 0, NOW)
        # What changes nothing is not noted.
        manage.rename_journey(session, actor, journey_id, "Einkauf", NOW)
        stages.change_stage(session, actor, other_id, {"name": "Davor", "position": 0}, NOW)
        touchpoints.move_touchpoint(session, actor, poster, other_id, 7, NOW)
        entry_id = str(add_reach(session, actor, poster, NewReach(MARCH, 5, "sent"), NOW).id)
        change_reach(session, actor, entry_id, {"amount": 6}, NOW)
        change_reach(session, actor, entry_id, {"amount": 6}, NOW)
        deleted = delete_reach(session, actor, entry_id, NOW)
        restore_reach(session, actor, poster, deleted.entry, NOW)
        touchpoints.delete_touchpoint(session, actor, poster, NOW)
        touchpoints.restore_touchpoint(session, actor, poster, NOW)
        stages.delete_stage(session, actor, stage_id, NOW)
        stages.restore_stage(session, actor, stage_id, NOW)
        manage.delete_journey(session, actor, journey_id, NOW)
        manage.restore_journey(session, actor, journey_id, NOW)
        five = {"date": "2026-03-01", "until": None, "amount": 5, "unit": "sent"}
        six = {**five, "amount": 6}
        assert noted(session, actor) == [
            ("journey.created", "Kauf", {"template": None}),
            ("stage.created", "Vorher", {}),
            ("stage.created", "Nachher", {}),
            ("touchpoint.created", "Plakat", {}),
            ("journey.renamed", "Einkauf", {"before": "Kauf"}),
            ("stage.renamed", "Davor", {"before": "Nachher"}),
            ("stage.moved", "Davor", {"position": 0}),
            ("touchpoint.changed", "Plakat", {"fields": "kind, medium"}),
            ("touchpoint.moved", "Plakat", {"stage": "Davor", "position": 0}),
            ("reach.added", "Plakat", five),
            ("reach.changed", "Plakat", six),
            ("reach.deleted", "Plakat", six),
            ("reach.restored", "Plakat", six),
            ("touchpoint.deleted", "Plakat", {}),
            ("touchpoint.restored", "Plakat", {}),
            ("stage.deleted", "Vorher", {}),
            ("stage.restored", "Vorher", {}),
            ("journey.deleted", "Einkauf", {}),
            ("journey.restored", "Einkauf", {}),
        ]
