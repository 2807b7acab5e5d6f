"""Journeys, stages, touchpoints, reach and campaigns over REST."""

from __future__ import annotations

from typing import Any

import pytest
from rest import People, codes, everybody

people = pytest.fixture(everybody)
# Both databases are proved by the nouns' own tests; this is about the door.
pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


TOUCHPOINT = {"name": "Plakat", "channel": "poster", "kind": "physical", "medium": "paid"}


@pytest.fixture
def stage(people: People) -> dict[str, Any]:
    journey = people.ben.made("/journeys", name="Kauf")
    return people.ben.made("/stages", journey_id=journey["id"], name="Vorher")


def test_a_journey_from_the_template_has_the_shape_of_the_contract(people: People) -> None:
    journey = people.ben.made("/journeys", name="Kauf", template="standard", locale="de")
    assert journey.keys() >= {"id", "name", "stages"}
    assert [stage["position"] for stage in journey["stages"]] == list(range(len(journey["stages"])))
    for stage in journey["stages"]:
        assert stage.keys() >= {"id", "name", "position", "touchpoints"}
        for touchpoint in stage["touchpoints"]:
            assert touchpoint.keys() >= {
                "id",
                "name",
                "channel",
                "kind",
                "medium",
                "moment_of_truth",
            }
    english = people.ben.made("/journeys", name="Purchase", template="standard", locale="en")
    assert english["stages"][0]["name"] != journey["stages"][0]["name"]
    assert people.vera.get("/journeys").json == {"items": [journey, english], "next_cursor": None}


def test_a_journey_is_renamed_and_deleted_with_all_it_holds(people: People) -> None:
    journey = people.ben.made("/journeys", name="Kauf", template="standard")
    path = f"/journeys/{journey['id']}"
    assert people.ben.patch(path, name=" Kündigung ").json == {**journey, "name": "Kündigung"}
    assert people.ben.delete(path).status_code == 204
    stage = journey["stages"][0]
    for gone in (path, f"/stages/{stage['id']}", f"/touchpoints/{stage['touchpoints'][0]['id']}"):
        assert people.ben.get(gone).status_code == 404


def test_journeys_come_in_pages(people: People) -> None:
    made = [people.ben.made("/journeys", name=f"Reise {n}")["id"] for n in range(3)]
    first = people.ben.get("/journeys", limit=2).json
    second = people.ben.get("/journeys", limit=2, cursor=first["next_cursor"]).json
    assert [each["id"] for each in first["items"] + second["items"]] == made
    assert second["next_cursor"] is None


def test_stages_move_each_other(people: People, stage: dict[str, Any]) -> None:
    second = people.ben.made("/stages", journey_id=stage["journey_id"], name="Nachher")
    first = people.ben.made("/stages", journey_id=stage["journey_id"], name="Zuerst", position=0)
    assert people.ben.patch(f"/stages/{second['id']}", position=1).json["position"] == 1
    journey = people.ben.get(f"/journeys/{stage['journey_id']}").json
    assert [each["id"] for each in journey["stages"]] == [first["id"], second["id"], stage["id"]]
    assert people.ben.delete(f"/stages/{first['id']}").status_code == 204
    assert codes(people.ben.patch(f"/stages/{second['id']}", position=-1)) == {
        ("position", "out_of_range")
    }


def test_a_touchpoint_is_made_changed_and_deleted(people: People, stage: dict[str, Any]) -> None:
    made = people.ben.made("/touchpoints", stage_id=stage["id"], **TOUCHPOINT)
    assert made == {
        **TOUCHPOINT,
        "id": made["id"],
        "stage_id": stage["id"],
        "position": 0,
        "moment_of_truth": False,
        "target_rate": None,
    }
    path = f"/touchpoints/{made['id']}"
    changed = people.ben.patch(path, moment_of_truth=True, target_rate=0.25, kind="human")
    assert (changed.json["moment_of_truth"], changed.json["target_rate"]) == (True, 0.25)
    assert people.ben.patch(path, target_rate=None).json["target_rate"] is None
    assert people.ben.delete(path).status_code == 204
    assert people.ben.get(path).status_code == 404


def test_wrong_touchpoints_are_refused_field_by_field(
    people: People, stage: dict[str, Any]
) -> None:
    wrong = {**TOUCHPOINT, "kind": "astral", "medium": "", "channel": " ", "target_rate": 0}
    answer = people.ben.post("/touchpoints", stage_id=stage["id"], **wrong)
    assert (answer.status_code, codes(answer)) == (
        422,
        {
            ("kind", "not_one_of"),
            ("medium", "not_one_of"),
            ("channel", "empty"),
            ("target_rate", "bad_target_rate"),
        },
    )
    for rate in (5e-324, 1e7, -1, "0.1", True):
        answer = people.ben.post(
            "/touchpoints", stage_id=stage["id"], **TOUCHPOINT, target_rate=rate
        )
        assert (answer.status_code, {field for field, _ in codes(answer)}) == (
            422,
            {"target_rate"},
        )
    answer = people.ben.post("/touchpoints", stage_id="0", **TOUCHPOINT)
    assert (answer.status_code, codes(answer)) == (404, {("stage_id", "no_such_row")})


def test_a_touchpoint_stays_in_its_journey(people: People, stage: dict[str, Any]) -> None:
    touchpoint = people.ben.made("/touchpoints", stage_id=stage["id"], **TOUCHPOINT)
    other = people.ben.made("/journeys", name="Andere", template="standard")
    answer = people.ben.patch(f"/touchpoints/{touchpoint['id']}", stage_id=other["stages"][0]["id"])
    assert (answer.status_code, codes(answer)) == (409, {("stage_id", "stage_of_other_journey")})


def test_a_touchpoint_moves_in_its_journey(people: People) -> None:
    journey = people.ben.made("/journeys", name="Kauf", template="standard")
    first, second, *_ = journey["stages"]
    moved, *others = [each["id"] for each in first["touchpoints"]]
    path = f"/touchpoints/{moved}"
    assert people.ben.patch(path, position=2).json["position"] == 2
    answer = people.ben.patch(path, stage_id=second["id"], position=1)
    assert (answer.json["stage_id"], answer.json["position"]) == (second["id"], 1)
    found = people.ben.get(f"/journeys/{journey['id']}").json["stages"]
    assert [each["id"] for each in found[0]["touchpoints"]] == others
    assert found[1]["touchpoints"][1]["id"] == moved
    assert [each["position"] for each in found[1]["touchpoints"]] == list(range(6))
    assert codes(people.ben.patch(path, position=100_001)) == {("position", "out_of_range")}


def test_reach_is_entered_listed_changed_and_deleted(people: People, stage: dict[str, Any]) -> None:
    touchpoint = people.ben.made("/touchpoints", stage_id=stage["id"], **TOUCHPOINT)
    path = f"/touchpoints/{touchpoint['id']}/reach"
    day = people.ben.made(path, date="2026-11-02", amount=500, unit="printed")
    span = people.ben.made(path, date="2026-11-03", until="2026-11-09", amount=7, unit="printed")
    assert (day["date"], day["until"]) == ("2026-11-02", None)
    assert (span["until"], span["touchpoint_id"]) == ("2026-11-09", touchpoint["id"])
    assert people.vera.get(path).json == {"items": [day, span], "next_cursor": None}
    changed = people.ben.patch(f"/reach/{span['id']}", until=None, amount=8.0)
    assert (changed.json["until"], changed.json["amount"]) == (None, 8)
    assert people.ben.delete(f"/reach/{day['id']}").status_code == 204
    assert [each["id"] for each in people.ben.get(path).json["items"]] == [span["id"]]


def test_wrong_reach_is_refused(people: People, stage: dict[str, Any]) -> None:
    touchpoint = people.ben.made("/touchpoints", stage_id=stage["id"], **TOUCHPOINT)
    path = f"/touchpoints/{touchpoint['id']}/reach"
    wrong = {"date": "2026-11-02", "until": "2026-11-01", "amount": 0, "unit": "kilos"}
    answer = people.ben.post(path, **wrong)
    assert (answer.status_code, codes(answer)) == (
        422,
        {("until", "until_before_date"), ("amount", "out_of_range"), ("unit", "not_one_of")},
    )
    for date in ("2026-02-30", "20261102", "2026-W45-1", 5, None, "1999-12-31"):
        answer = people.ben.post(path, date=date, amount=1, unit="sent")
        assert answer.status_code == 422
        assert "date" in {field for field, _ in codes(answer)}
    for amount in (1.5, "1", True, 10**30, -1):
        answer = people.ben.post(path, date="2026-11-02", amount=amount, unit="sent")
        assert (answer.status_code, {field for field, _ in codes(answer)}) == (422, {"amount"})
    people.ben.made(path, date="2026-11-02", amount=1, unit="sent")
    answer = people.ben.post(path, date="2026-11-02", amount=1, unit="views")
    assert (answer.status_code, codes(answer)) == (409, {("unit", "other_unit")})


def test_campaigns_have_names_of_their_own(people: People) -> None:
    summer = people.ben.made("/campaigns", name="Sommer")
    winter = people.ben.made("/campaigns", name="Winter")
    for answer in (
        people.ben.post("/campaigns", name=" Sommer"),
        people.ben.patch(f"/campaigns/{winter['id']}", name="Sommer"),
    ):
        assert (answer.status_code, codes(answer)) == (409, {("name", "name_taken")})
    people.cleo.made("/campaigns", name="Sommer")
    renamed = people.ben.patch(f"/campaigns/{winter['id']}", name="Herbst").json
    assert people.vera.get("/campaigns").json["items"] == [summer, renamed]
    assert people.ben.delete(f"/campaigns/{summer['id']}").status_code == 204
    assert people.ben.get(f"/campaigns/{summer['id']}").status_code == 404


def test_cleo_sees_nothing_of_adas_journeys(people: People) -> None:
    journey = people.ada.made("/journeys", name="Kauf", template="standard")
    stage = journey["stages"][0]
    touchpoint = stage["touchpoints"][0]
    reach = people.ada.made(
        f"/touchpoints/{touchpoint['id']}/reach", date="2026-11-02", amount=1, unit="sent"
    )
    campaign = people.ada.made("/campaigns", name="Sommer")
    for noun, found, change in (
        ("journeys", journey, {"name": "x"}),
        ("stages", stage, {"name": "x"}),
        ("touchpoints", touchpoint, {"name": "x"}),
        ("reach", reach, {"amount": 2}),
        ("campaigns", campaign, {"name": "x"}),
    ):
        path = f"/{noun}/{found['id']}"
        assert people.cleo.get(path).status_code == 404
        assert people.cleo.patch(path, **change).status_code == 404
        assert people.cleo.delete(path).status_code == 404
    path = f"/touchpoints/{touchpoint['id']}/reach"
    assert people.cleo.get(path).status_code == 404
    assert people.cleo.post(path, date="2026-11-02", amount=1, unit="sent").status_code == 404
    assert people.cleo.post("/stages", journey_id=journey["id"], name="x").status_code == 404
    assert people.cleo.get("/journeys").json["items"] == []
    assert people.ada.get(f"/journeys/{journey['id']}").json == journey


def test_vera_may_not_change_journeys(people: People) -> None:
    for answer in (
        people.vera.post("/journeys", name="x"),
        people.vera.post("/stages", journey_id="1", name="x"),
        people.vera.patch("/touchpoints/1", name="x"),
        people.vera.delete("/reach/1"),
        people.vera.post("/campaigns", name="x"),
    ):
        assert (answer.status_code, codes(answer)) == (403, {("", "scope_missing")})
