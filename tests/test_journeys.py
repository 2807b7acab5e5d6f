"""Journeys, stages, touchpoints, reach and campaigns: made, moved, deleted, and whose they are."""

from __future__ import annotations

from datetime import date

import pytest
from cast import NOW, Home, make_home, make_touchpoint

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Conflict, Invalid, NotFound
from linkservice.journeys import manage, stages, touchpoints
from linkservice.journeys.model import KINDS, MEDIA, Touchpoint
from linkservice.journeys.reach import NewReach, add_reach, change_reach, delete_reach
from linkservice.journeys.template import STANDARD


@pytest.fixture
def ada(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        return make_home(session, settings)


@pytest.fixture
def cleo(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        return make_home(session, settings, host="go.cleo.example")


@pytest.mark.parametrize(
    ("locale", "first"), [("de", "Vor dem Kauf"), ("en", "Before the purchase")]
)
def test_the_standard_journey_speaks_both_languages(
    database: Database, ada: Home, locale: str, first: str
) -> None:
    with database.transaction() as session:
        made = manage.create_journey(
            session, ada.actor, "Kundin", NOW, template="standard", locale=locale
        )
        assert made.stages[0][0].name == first
        assert [len(touchpoints) for _, touchpoints in made.stages] == [8, 5, 6, 8]
        assert [stage.position for stage, _ in made.stages] == [0, 1, 2, 3]


def test_the_templates_words_are_known() -> None:
    for stage in STANDARD:
        for touchpoint in stage.touchpoints:
            assert touchpoint.kind in KINDS
            assert touchpoint.medium in MEDIA
            assert touchpoint.de
            assert touchpoint.en


def test_stages_move_and_keep_an_order_without_gaps(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        journey_id = str(manage.create_journey(session, ada.actor, "J", NOW).journey.id)
        for name in ("a", "b", "c"):
            stages.create_stage(session, ada.actor, journey_id, name, NOW)
        first = stages.create_stage(session, ada.actor, journey_id, "first", NOW, position=0)
        stages.change_stage(
            session, ada.actor, str(first.id), {"position": 99, "name": "last"}, NOW
        )
        names = [s.name for s, _ in manage.journey_map(session, ada.actor, journey_id).stages]
        assert names == ["a", "b", "c", "last"]


def test_wrong_fields_of_a_touchpoint_are_all_named(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        stage_id = str(session.get_one(Touchpoint, int(make_touchpoint(session, ada))).stage_id)
        new = touchpoints.NewTouchpoint(stage_id, " ", "c" * 51, "robot", "free", target_rate=0.0)
        with pytest.raises(Invalid) as error:
            touchpoints.create_touchpoint(session, ada.actor, new, NOW)
    fields = {problem.field for problem in error.value.problems}
    assert fields == {"name", "channel", "kind", "medium", "target_rate"}


def test_a_touchpoint_stays_in_its_journey(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        poster = make_touchpoint(session, ada, "Poster")
        flyer = session.get_one(Touchpoint, int(make_touchpoint(session, ada, "Flyer")))
        with pytest.raises(Conflict, match="another journey"):
            touchpoints.change_touchpoint(
                session, ada.actor, poster, {"stage_id": str(flyer.stage_id)}, NOW
            )


def test_deleting_a_journey_deletes_all_in_it(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        made = manage.create_journey(session, ada.actor, "J", NOW, template="standard")
        touchpoint_id = str(made.stages[0][1][0].id)
        manage.delete_journey(session, ada.actor, str(made.journey.id), NOW)
        session.expire_all()
        with pytest.raises(NotFound):
            manage.journey_map(session, ada.actor, str(made.journey.id))
        with pytest.raises(NotFound):
            touchpoints.delete_touchpoint(session, ada.actor, touchpoint_id, NOW)


def test_cleo_cannot_use_what_is_adas(database: Database, ada: Home, cleo: Home) -> None:
    with database.transaction() as session:
        touchpoint_id = make_touchpoint(session, ada)
        touchpoint = session.get_one(Touchpoint, int(touchpoint_id))
        new = touchpoints.NewTouchpoint(str(touchpoint.stage_id), "x", "other", "human", "owned")
        with pytest.raises(NotFound, match="stage_id"):
            touchpoints.create_touchpoint(session, cleo.actor, new, NOW)
        with pytest.raises(NotFound):
            add_reach(
                session, cleo.actor, touchpoint_id, NewReach(date(2026, 11, 1), 5, "sent"), NOW
            )


def test_reach_is_dated_positive_and_of_one_unit(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        touchpoint_id = make_touchpoint(session, ada)
        entry = add_reach(
            session, ada.actor, touchpoint_id, NewReach(date(2026, 11, 1), 5000, "printed"), NOW
        )
        assert entry.ends_on == date(2026, 11, 1)
        with pytest.raises(Conflict, match="printed"):
            add_reach(
                session, ada.actor, touchpoint_id, NewReach(date(2026, 11, 2), 1, "sent"), NOW
            )
        new = NewReach(date(1999, 1, 2), 0, "people", until=date(1999, 1, 1))
        with pytest.raises(Invalid) as error:
            add_reach(session, ada.actor, touchpoint_id, new, NOW)
        assert {p.field for p in error.value.problems} == {"date", "until", "amount", "unit"}


def test_a_moved_one_day_entry_stays_one_day_long(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        touchpoint_id = make_touchpoint(session, ada)
        new = NewReach(date(2026, 11, 1), 5000, "printed")
        entry_id = str(add_reach(session, ada.actor, touchpoint_id, new, NOW).id)
        moved = change_reach(session, ada.actor, entry_id, {"date": date(2026, 11, 5)}, NOW)
        assert (moved.starts_on, moved.ends_on) == (date(2026, 11, 5), date(2026, 11, 5))
        with pytest.raises(Invalid, match="until"):
            change_reach(session, ada.actor, entry_id, {"until": date(2026, 11, 4)}, NOW)
        session.rollback()


def test_the_last_entry_may_change_its_unit(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        touchpoint_id = make_touchpoint(session, ada)
        new = NewReach(date(2026, 11, 1), 5000, "printed")
        entry_id = str(add_reach(session, ada.actor, touchpoint_id, new, NOW).id)
        assert change_reach(session, ada.actor, entry_id, {"unit": "sent"}, NOW).unit == "sent"
        delete_reach(session, ada.actor, entry_id, NOW)
