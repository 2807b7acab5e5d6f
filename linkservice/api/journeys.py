"""The calls of journeys, their stages and campaigns. Touchpoints are in `touchpoints.py`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, cast

from linkservice.api.door import Call, Calls, Listed, Nothing, Page, id_of, listed
from linkservice.api.personas import PersonaIds
from linkservice.api.touchpoints import TouchpointAnswer, touchpoint_answer
from linkservice.api.values import Answer, Changes, Given, Id, Moment, Whole, between, one_of, text
from linkservice.journeys import campaigns, manage, stages
from linkservice.journeys.manage import JourneyMap
from linkservice.journeys.model import LONGEST_NAME, Campaign, Stage
from linkservice.journeys.order import LAST_POSITION
from linkservice.journeys.personas import set_journey_personas
from linkservice.journeys.stages import StageChanges
from linkservice.journeys.template import TEMPLATES
from linkservice.workspaces.model import LOCALES

JOURNEYS = Calls("Journeys")
CAMPAIGNS = Calls("Campaigns")

Name = Annotated[str, text(LONGEST_NAME)]
Position = Annotated[Whole, between(0, LAST_POSITION)]


class JourneyGiven(Given):
    """A journey to be made, empty or from a template in a language."""

    name: Name
    persona_ids: PersonaIds = []  # noqa: RUF012  # pydantic copies defaults
    template: Annotated[str, one_of(TEMPLATES)] | None = None
    locale: Annotated[str, one_of(LOCALES)] | None = None


class JourneyChangesGiven(Changes):
    """What of a journey changes; `persona_ids` are all it is made for."""

    name: Name = ""
    persona_ids: PersonaIds = []  # noqa: RUF012  # pydantic copies defaults


class NameGiven(Given):
    """A name, new or changed."""

    name: Name


class StageGiven(Given):
    """A stage to be made, at `position` (from 0) or as the last one."""

    journey_id: Id
    name: Name
    position: Position | None = None


class StageChangesGiven(Changes):
    """What of a stage changes; the others move on."""

    name: Name = ""
    position: Position = 0


class StageAnswer(Answer):
    """A stage."""

    id: Id
    journey_id: Id
    name: str
    position: int


class StageMapAnswer(StageAnswer):
    """A stage with its touchpoints in order."""

    touchpoints: list[TouchpointAnswer]


class JourneyAnswer(Answer):
    """A journey with its stages in order."""

    id: Id
    name: str
    persona_ids: list[Id]
    created_at: Moment
    stages: list[StageMapAnswer]


class CampaignAnswer(Answer):
    """A campaign."""

    id: Id
    name: str
    created_at: Moment


@JOURNEYS.call(
    "POST",
    "/journeys",
    scope="journeys:write",
    takes=JourneyGiven,
    answers=JourneyAnswer,
    refers=True,
)
def create_journey(call: Call, given: JourneyGiven) -> JourneyAnswer:
    """Make a journey"""
    made = manage.create_journey(
        call.session,
        call.actor,
        given.name,
        call.now,
        template=given.template,
        locale=given.locale,
    )
    return _journey(_made_for(call, made, given.persona_ids) if given.persona_ids else made)


@JOURNEYS.call("GET", "/journeys", scope="journeys:read", takes=Page, answers=Listed[JourneyAnswer])
def list_journeys(call: Call, given: Page) -> Listed[JourneyAnswer]:
    """List journeys with their stages and touchpoints"""
    return listed(
        given,
        lambda after, limit: manage.list_journeys(
            call.session, call.actor, after=after, limit=limit
        ),
        _journey,
        lambda found: found.journey.id,
    )


@JOURNEYS.call("GET", "/journeys/{id}", scope="journeys:read", answers=JourneyAnswer)
def get_journey(call: Call, given: Nothing) -> JourneyAnswer:
    """Get a journey with its stages and touchpoints"""
    return _journey(manage.journey_map(call.session, call.actor, call.id))


@JOURNEYS.call(
    "PATCH",
    "/journeys/{id}",
    scope="journeys:write",
    takes=JourneyChangesGiven,
    answers=JourneyAnswer,
    refers=True,
)
def change_journey(call: Call, given: JourneyChangesGiven) -> JourneyAnswer:
    """Rename a journey, or say whom it is made for"""
    wanted = given.given()
    found = manage.rename_journey(call.session, call.actor, call.id, wanted.get("name"), call.now)
    return _journey(_made_for(call, found, given.persona_ids) if "persona_ids" in wanted else found)


@JOURNEYS.call("DELETE", "/journeys/{id}", scope="journeys:write")
def delete_journey(call: Call, given: Nothing) -> None:
    """Delete a journey with its stages and touchpoints"""
    manage.delete_journey(call.session, call.actor, call.id, call.now)


@JOURNEYS.call(
    "POST",
    "/stages",
    scope="journeys:write",
    takes=StageGiven,
    answers=StageAnswer,
    refers=True,
)
def create_stage(call: Call, given: StageGiven) -> StageAnswer:
    """Make a stage"""
    return _stage(
        stages.create_stage(
            call.session,
            call.actor,
            given.journey_id,
            given.name,
            call.now,
            position=given.position,
        )
    )


@JOURNEYS.call("GET", "/stages/{id}", scope="journeys:read", answers=StageAnswer)
def get_stage(call: Call, given: Nothing) -> StageAnswer:
    """Get a stage"""
    return _stage(stages.one_stage(call.session, call.actor, call.id))


@JOURNEYS.call(
    "PATCH", "/stages/{id}", scope="journeys:write", takes=StageChangesGiven, answers=StageAnswer
)
def change_stage(call: Call, given: StageChangesGiven) -> StageAnswer:
    """Rename or move a stage"""
    changes = cast(StageChanges, given.given())
    return _stage(stages.change_stage(call.session, call.actor, call.id, changes, call.now))


@JOURNEYS.call("DELETE", "/stages/{id}", scope="journeys:write")
def delete_stage(call: Call, given: Nothing) -> None:
    """Delete a stage with its touchpoints"""
    stages.delete_stage(call.session, call.actor, call.id, call.now)


@CAMPAIGNS.call(
    "POST",
    "/campaigns",
    scope="journeys:write",
    takes=NameGiven,
    answers=CampaignAnswer,
    conflicts=True,
)
def create_campaign(call: Call, given: NameGiven) -> CampaignAnswer:
    """Make a campaign"""
    return _campaign(campaigns.create_campaign(call.session, call.actor, given.name, call.now))


@CAMPAIGNS.call(
    "GET", "/campaigns", scope="journeys:read", takes=Page, answers=Listed[CampaignAnswer]
)
def list_campaigns(call: Call, given: Page) -> Listed[CampaignAnswer]:
    """List campaigns"""
    return listed(
        given,
        lambda after, limit: campaigns.list_campaigns(
            call.session, call.actor, after=after, limit=limit
        ),
        _campaign,
        id_of,
    )


@CAMPAIGNS.call("GET", "/campaigns/{id}", scope="journeys:read", answers=CampaignAnswer)
def get_campaign(call: Call, given: Nothing) -> CampaignAnswer:
    """Get a campaign"""
    return _campaign(campaigns.one_campaign(call.session, call.actor, call.id))


@CAMPAIGNS.call(
    "PATCH",
    "/campaigns/{id}",
    scope="journeys:write",
    takes=NameGiven,
    answers=CampaignAnswer,
    conflicts=True,
)
def change_campaign(call: Call, given: NameGiven) -> CampaignAnswer:
    """Rename a campaign"""
    return _campaign(
        campaigns.rename_campaign(call.session, call.actor, call.id, given.name, call.now)
    )


@CAMPAIGNS.call("DELETE", "/campaigns/{id}", scope="journeys:write")
def delete_campaign(call: Call, given: Nothing) -> None:
    """Delete a campaign; its links stay"""
    campaigns.delete_campaign(call.session, call.actor, call.id, call.now)


def _made_for(call: Call, found: JourneyMap, persona_ids: list[Id]) -> JourneyMap:
    """The journey with these personas and no other."""
    outside_id = str(found.journey.id)
    personas = set_journey_personas(call.session, call.actor, outside_id, persona_ids, call.now)
    return replace(found, personas=personas)


def _journey(found: JourneyMap) -> JourneyAnswer:
    return JourneyAnswer(
        id=str(found.journey.id),
        name=found.journey.name,
        persona_ids=[str(number) for number in found.personas],
        created_at=found.journey.created_at,
        stages=[
            StageMapAnswer(
                **_stage(stage).model_dump(),
                touchpoints=[touchpoint_answer(touchpoint) for touchpoint in touchpoints],
            )
            for stage, touchpoints in found.stages
        ],
    )


def _stage(stage: Stage) -> StageAnswer:
    return StageAnswer(
        id=str(stage.id),
        journey_id=str(stage.journey_id),
        name=stage.name,
        position=stage.position,
    )


def _campaign(campaign: Campaign) -> CampaignAnswer:
    return CampaignAnswer(id=str(campaign.id), name=campaign.name, created_at=campaign.created_at)
