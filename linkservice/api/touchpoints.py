"""The calls of touchpoints and their reach."""

from __future__ import annotations

from typing import Annotated, cast

from linkservice.api.door import Call, Calls, Listed, Nothing, Page, id_of, listed
from linkservice.api.values import (
    Answer,
    Changes,
    Day,
    Given,
    Id,
    Whole,
    between,
    described,
    one_of,
    text,
)
from linkservice.journeys import reach as reaches
from linkservice.journeys import touchpoints
from linkservice.journeys.model import (
    CHANNELS,
    KINDS,
    LONGEST_NAME,
    MEDIA,
    UNITS,
    Reach,
    Touchpoint,
)
from linkservice.journeys.order import LAST_POSITION
from linkservice.journeys.reach import LARGEST_AMOUNT, NewReach, ReachChanges, values_of
from linkservice.journeys.touchpoints import (
    LARGEST_RATE,
    LONGEST_CHANNEL,
    SMALLEST_RATE,
    NewTouchpoint,
    TouchpointChanges,
)

TOUCHPOINTS = Calls("Touchpoints")
REACH = Calls("Reach")

Name = Annotated[str, text(LONGEST_NAME)]
Channel = Annotated[str, text(LONGEST_CHANNEL), described(examples=list(CHANNELS))]
Position = Annotated[Whole, between(0, LAST_POSITION)]
Kind = Annotated[str, one_of(KINDS)]
Medium = Annotated[str, one_of(MEDIA)]
TargetRate = Annotated[float, between(SMALLEST_RATE, LARGEST_RATE)]
Amount = Annotated[Whole, between(1, LARGEST_AMOUNT)]
Unit = Annotated[str, one_of(UNITS)]
# 2000 to 2100, as the noun has it.
ReachDay = Annotated[Day, described(pattern="^(?:20[0-9]{2}|2100)-")]


class TouchpointGiven(Given):
    """A touchpoint to be made, last in its stage."""

    stage_id: Id
    name: Name
    channel: Channel
    kind: Kind
    medium: Medium
    moment_of_truth: bool = False
    target_rate: TargetRate | None = None


class TouchpointChangesGiven(Changes):
    """What of a touchpoint changes; `stage_id` is a stage of the same journey, `position` the
    place in it (from 0; the others move on). Without a position another stage means its end.
    """

    stage_id: Id = ""
    position: Position = 0
    name: Name = ""
    channel: Channel = ""
    kind: Kind = ""
    medium: Medium = ""
    moment_of_truth: bool = False
    target_rate: TargetRate | None = None


class ReachGiven(Given):
    """`amount` people on `date`, or spread evenly over `date`…`until`."""

    date: ReachDay
    until: ReachDay | None = None
    amount: Amount
    unit: Unit


class ReachChangesGiven(Changes):
    """What of a reach entry changes; `until` null means one day."""

    date: ReachDay = reaches.FIRST_DAY
    until: ReachDay | None = None
    amount: Amount = 1
    unit: Unit = ""


class TouchpointAnswer(Answer):
    """A touchpoint; `position` is its place in the stage, `target_rate` visitors per reach."""

    id: Id
    stage_id: Id
    position: int
    name: str
    channel: str
    kind: Kind
    medium: Medium
    moment_of_truth: bool
    target_rate: float | None


class ReachAnswer(Answer):
    """A reach entry; `until` is null for one day."""

    id: Id
    touchpoint_id: Id
    date: Day
    until: Day | None
    amount: int
    unit: Unit


@TOUCHPOINTS.call(
    "POST",
    "/touchpoints",
    scope="journeys:write",
    takes=TouchpointGiven,
    answers=TouchpointAnswer,
    refers=True,
)
def create_touchpoint(call: Call, given: TouchpointGiven) -> TouchpointAnswer:
    """Make a touchpoint"""
    new = NewTouchpoint(**given.model_dump())
    return touchpoint_answer(touchpoints.create_touchpoint(call.session, call.actor, new, call.now))


@TOUCHPOINTS.call("GET", "/touchpoints/{id}", scope="journeys:read", answers=TouchpointAnswer)
def get_touchpoint(call: Call, given: Nothing) -> TouchpointAnswer:
    """Get a touchpoint"""
    return touchpoint_answer(touchpoints.one_touchpoint(call.session, call.actor, call.id))


@TOUCHPOINTS.call(
    "PATCH",
    "/touchpoints/{id}",
    scope="journeys:write",
    takes=TouchpointChangesGiven,
    answers=TouchpointAnswer,
    conflicts=True,
)
def change_touchpoint(call: Call, given: TouchpointChangesGiven) -> TouchpointAnswer:
    """Change a touchpoint"""
    changes = cast(TouchpointChanges, given.given())
    return touchpoint_answer(
        touchpoints.change_touchpoint(call.session, call.actor, call.id, changes, call.now)
    )


@TOUCHPOINTS.call("DELETE", "/touchpoints/{id}", scope="journeys:write")
def delete_touchpoint(call: Call, given: Nothing) -> None:
    """Delete a touchpoint; its links go on"""
    touchpoints.delete_touchpoint(call.session, call.actor, call.id, call.now)


@REACH.call(
    "POST",
    "/touchpoints/{id}/reach",
    scope="journeys:write",
    takes=ReachGiven,
    answers=ReachAnswer,
    conflicts=True,
)
def create_reach(call: Call, given: ReachGiven) -> ReachAnswer:
    """Enter reach for a touchpoint"""
    new = NewReach(**given.model_dump())
    return _reach(reaches.add_reach(call.session, call.actor, call.id, new, call.now))


@REACH.call(
    "GET",
    "/touchpoints/{id}/reach",
    scope="journeys:read",
    takes=Page,
    answers=Listed[ReachAnswer],
)
def list_reach(call: Call, given: Page) -> Listed[ReachAnswer]:
    """List the reach of a touchpoint"""
    return listed(
        given,
        lambda after, limit: reaches.list_reach(
            call.session, call.actor, call.id, after=after, limit=limit
        ),
        _reach,
        id_of,
    )


@REACH.call("GET", "/reach/{id}", scope="journeys:read", answers=ReachAnswer)
def get_reach(call: Call, given: Nothing) -> ReachAnswer:
    """Get a reach entry"""
    return _reach(reaches.one_reach(call.session, call.actor, call.id))


@REACH.call(
    "PATCH",
    "/reach/{id}",
    scope="journeys:write",
    takes=ReachChangesGiven,
    answers=ReachAnswer,
    conflicts=True,
)
def change_reach(call: Call, given: ReachChangesGiven) -> ReachAnswer:
    """Change a reach entry"""
    changes = cast(ReachChanges, given.given())
    return _reach(reaches.change_reach(call.session, call.actor, call.id, changes, call.now))


@REACH.call("DELETE", "/reach/{id}", scope="journeys:write")
def delete_reach(call: Call, given: Nothing) -> None:
    """Delete a reach entry"""
    reaches.delete_reach(call.session, call.actor, call.id, call.now)


def touchpoint_answer(touchpoint: Touchpoint) -> TouchpointAnswer:
    """The touchpoint as it is answered, alone or within its journey."""
    return TouchpointAnswer(
        id=str(touchpoint.id),
        stage_id=str(touchpoint.stage_id),
        position=touchpoint.position,
        name=touchpoint.name,
        channel=touchpoint.channel,
        kind=touchpoint.kind,
        medium=touchpoint.medium,
        moment_of_truth=touchpoint.moment_of_truth,
        target_rate=touchpoint.target_rate,
    )


def _reach(entry: Reach) -> ReachAnswer:
    return ReachAnswer(
        id=str(entry.id),
        touchpoint_id=str(entry.touchpoint_id),
        date=entry.starts_on,
        until=values_of(entry).until,
        amount=entry.amount,
        unit=entry.unit,
    )
