"""The calls of costs: what was spent on touchpoints and campaigns."""

from __future__ import annotations

from typing import Annotated, cast

from linkservice.api.door import Call, Calls, Listed, Nothing, Page, id_of, listed
from linkservice.api.touchpoints import ReachDay
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
    optional_id,
)
from linkservice.journeys import costs
from linkservice.journeys.costs import LARGEST_COST, CostChanges, NewCost, Subject, values_of
from linkservice.journeys.model import Cost
from linkservice.journeys.reach import FIRST_DAY
from linkservice.money import CURRENCIES

COSTS = Calls("Costs")

Money = Annotated[
    Whole,
    between(0, LARGEST_COST),
    described(description="In the smallest unit of the currency: 12050 is 120.50 EUR."),
]
Currency = Annotated[
    str, one_of(CURRENCIES), described(description="ISO 4217; the workspace's own.")
]


class CostGiven(Given):
    """What was spent on `date`, or evenly over `date`…`until`; 0 says that it cost nothing."""

    date: ReachDay
    until: ReachDay | None = None
    amount: Money
    currency: Currency


class CostChangesGiven(Changes):
    """What of a cost changes; `until` null means one day."""

    date: ReachDay = FIRST_DAY
    until: ReachDay | None = None
    amount: Money = 0
    currency: Currency = ""


class CostAnswer(Answer):
    """A cost of a touchpoint or of a campaign, the other id is null; `until` is null for one
    day.
    """

    id: Id
    touchpoint_id: Id | None
    campaign_id: Id | None
    date: Day
    until: Day | None
    amount: Money
    currency: str


@COSTS.call(
    "POST",
    "/touchpoints/{id}/costs",
    scope="journeys:write",
    takes=CostGiven,
    answers=CostAnswer,
    conflicts=True,
)
def create_touchpoint_cost(call: Call, given: CostGiven) -> CostAnswer:
    """Enter a cost of a touchpoint"""
    return _created(call, Subject("touchpoint", call.id), given)


@COSTS.call(
    "GET",
    "/touchpoints/{id}/costs",
    scope="journeys:read",
    takes=Page,
    answers=Listed[CostAnswer],
)
def list_touchpoint_costs(call: Call, given: Page) -> Listed[CostAnswer]:
    """List the costs of a touchpoint"""
    return _listed(call, Subject("touchpoint", call.id), given)


@COSTS.call(
    "POST",
    "/campaigns/{id}/costs",
    scope="journeys:write",
    takes=CostGiven,
    answers=CostAnswer,
    conflicts=True,
)
def create_campaign_cost(call: Call, given: CostGiven) -> CostAnswer:
    """Enter a cost of a campaign"""
    return _created(call, Subject("campaign", call.id), given)


@COSTS.call(
    "GET",
    "/campaigns/{id}/costs",
    scope="journeys:read",
    takes=Page,
    answers=Listed[CostAnswer],
)
def list_campaign_costs(call: Call, given: Page) -> Listed[CostAnswer]:
    """List the costs of a campaign"""
    return _listed(call, Subject("campaign", call.id), given)


@COSTS.call("GET", "/costs/{id}", scope="journeys:read", answers=CostAnswer)
def get_cost(call: Call, given: Nothing) -> CostAnswer:
    """Get a cost"""
    return _cost(costs.one_cost(call.session, call.actor, call.id))


@COSTS.call(
    "PATCH",
    "/costs/{id}",
    scope="journeys:write",
    takes=CostChangesGiven,
    answers=CostAnswer,
    conflicts=True,
)
def change_cost(call: Call, given: CostChangesGiven) -> CostAnswer:
    """Change a cost"""
    changes = cast(CostChanges, given.given())
    return _cost(costs.change_cost(call.session, call.actor, call.id, changes, call.now))


@COSTS.call("DELETE", "/costs/{id}", scope="journeys:write")
def delete_cost(call: Call, given: Nothing) -> None:
    """Delete a cost"""
    costs.delete_cost(call.session, call.actor, call.id, call.now)


def _created(call: Call, subject: Subject, given: CostGiven) -> CostAnswer:
    new = NewCost(**given.model_dump())
    return _cost(costs.add_cost(call.session, call.actor, subject, new, call.now))


def _listed(call: Call, subject: Subject, given: Page) -> Listed[CostAnswer]:
    return listed(
        given,
        lambda after, limit: costs.list_costs(
            call.session, call.actor, subject, after=after, limit=limit
        ),
        _cost,
        id_of,
    )


def _cost(entry: Cost) -> CostAnswer:
    return CostAnswer(
        id=str(entry.id),
        touchpoint_id=optional_id(entry.touchpoint_id),
        campaign_id=optional_id(entry.campaign_id),
        date=entry.starts_on,
        until=values_of(entry).until,
        amount=entry.amount,
        currency=entry.currency,
    )
