"""The calls of personas, and of the report on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from linkservice.api.door import Call, Calls, Listed, Nothing, Page, id_of, listed
from linkservice.api.reports import PeriodAnswer, PeriodQuery, period_answer
from linkservice.api.values import Answer, Given, Id, Moment, one_of, text
from linkservice.journeys import personas
from linkservice.journeys.model import LONGEST_NAME, Persona
from linkservice.journeys.personas import MOST_PERSONAS
from linkservice.reports.conversions import ATTRIBUTIONS, Attribution
from linkservice.reports.personas import (
    METRICS,
    Metric,
    PersonaRow,
    PersonaShare,
    Reversal,
    persona_report,
)

PERSONAS = Calls("Personas")
PERSONA_REPORT = Calls("Reports")

PersonaIds = Annotated[list[Id], Field(max_length=MOST_PERSONAS)]


class PersonaGiven(Given):
    """The name of a persona, new or changed."""

    name: Annotated[str, text(LONGEST_NAME)]


class PersonaAnswer(Answer):
    """An invented customer that journeys and links are made for."""

    id: Id
    name: str
    created_at: Moment


class PersonaReportQuery(PeriodQuery):
    """The period, and what rates are of."""

    metric: Annotated[str, one_of(METRICS)] = METRICS[0]
    attribution: Annotated[str, one_of(ATTRIBUTIONS)] = ATTRIBUTIONS[0]


class PersonaReportAnswer(Answer):
    """The share of scans, or conversions per click, by touchpoint and persona, and what the mix
    turns around.
    """

    period: PeriodAnswer
    metric: Metric
    attribution: Attribution
    personas: Sequence[PersonaShare]
    rows: Sequence[PersonaRow]
    reversals: Sequence[Reversal]


@PERSONAS.call(
    "POST",
    "/personas",
    scope="journeys:write",
    takes=PersonaGiven,
    answers=PersonaAnswer,
    conflicts=True,
)
def create_persona(call: Call, given: PersonaGiven) -> PersonaAnswer:
    """Make a persona"""
    return _persona(personas.create_persona(call.session, call.actor, given.name, call.now))


@PERSONAS.call("GET", "/personas", scope="journeys:read", takes=Page, answers=Listed[PersonaAnswer])
def list_personas(call: Call, given: Page) -> Listed[PersonaAnswer]:
    """List personas"""
    return listed(
        given,
        lambda after, limit: personas.list_personas(
            call.session, call.actor, after=after, limit=limit
        ),
        _persona,
        id_of,
    )


@PERSONAS.call("GET", "/personas/{id}", scope="journeys:read", answers=PersonaAnswer)
def get_persona(call: Call, given: Nothing) -> PersonaAnswer:
    """Get a persona"""
    return _persona(personas.one_persona(call.session, call.actor, call.id))


@PERSONAS.call(
    "PATCH",
    "/personas/{id}",
    scope="journeys:write",
    takes=PersonaGiven,
    answers=PersonaAnswer,
    conflicts=True,
)
def change_persona(call: Call, given: PersonaGiven) -> PersonaAnswer:
    """Rename a persona"""
    return _persona(
        personas.rename_persona(call.session, call.actor, call.id, given.name, call.now)
    )


@PERSONAS.call("DELETE", "/personas/{id}", scope="journeys:write")
def delete_persona(call: Call, given: Nothing) -> None:
    """Delete a persona; its journeys and links stay"""
    personas.delete_persona(call.session, call.actor, call.id, call.now)


@PERSONA_REPORT.call(
    "GET",
    "/reports/personas",
    scope="reports:read",
    takes=PersonaReportQuery,
    answers=PersonaReportAnswer,
)
def report_personas(call: Call, given: PersonaReportQuery) -> PersonaReportAnswer:
    """Report how touchpoints do by persona"""
    found = persona_report(
        call.session,
        call.actor,
        first=given.first,
        last=given.last,
        metric=given.metric,
        attribution=given.attribution,
        suspects=given.scanners == "include",
        now=call.now,
    )
    return PersonaReportAnswer(
        period=period_answer(found.period),
        metric=found.metric,
        attribution=found.attribution,
        personas=found.personas,
        rows=found.rows,
        reversals=found.reversals,
    )


def _persona(persona: Persona) -> PersonaAnswer:
    return PersonaAnswer(id=str(persona.id), name=persona.name, created_at=persona.created_at)
