"""What the clicks of a benchmark came to and what they cost.

Conversions of every day, money of every month, a campaign for every link, and three personas, one
of the journey and others of every tenth link: some reports are made of nothing else.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from benchmarks.history import Past, do_all
from linkservice.conversions import months
from linkservice.conversions.counts import NewCount, import_counts
from linkservice.database import Database
from linkservice.journeys.campaigns import create_campaign
from linkservice.journeys.costs import NewCost, Subject, add_cost
from linkservice.journeys.model import Cost, Journey, Touchpoint
from linkservice.journeys.personas import create_persona, set_journey_personas
from linkservice.links.model import Link, LinkPersona
from linkservice.workspaces.access import SCOPES, Actor
from linkservice.workspaces.model import Workspace

PERSONAS = 3
CAMPAIGNS = 20
DAYS_AT_ONCE = 30


def add_gains(database: Database, past: Past, seed: int) -> None:
    """Conversions at two of three touchpoints, costs of paid ones; unless there are some."""
    rng = random.Random(f"gains {seed}")
    days = [past.begun.date() + timedelta(days=number) for number in range(past.days)]
    for begin in range(0, past.days, DAYS_AT_ONCE):
        with database.transaction() as session:
            if begin == 0 and session.scalar(select(func.count()).select_from(Cost)):
                return
            workspace = session.scalars(select(Workspace)).one()
            actor = Actor(workspace.id, "benchmark", frozenset(SCOPES))
            touchpoints = session.scalars(select(Touchpoint).order_by(Touchpoint.id)).all()
            some = days[begin : begin + DAYS_AT_ONCE]
            _convert(session, actor, touchpoints, some, rng)
            _spend(session, actor, touchpoints, some, rng, workspace.currency, past)
            if begin == 0:
                _attach(session, actor, past)
    do_all(months.Closing(database).some)


def _convert(
    session: Session,
    actor: Actor,
    touchpoints: Sequence[Touchpoint],
    days: Sequence[date],
    rng: random.Random,
) -> None:
    counts = [
        NewCount(
            day, str(each.id), number := rng.randrange(9), number * rng.randrange(2_000, 9_000)
        )
        for each in touchpoints
        if each.id % 3
        for day in days
    ]
    import_counts(session, actor, counts, "benchmark", datetime.now(UTC))


def _spend(
    session: Session,
    actor: Actor,
    touchpoints: Sequence[Touchpoint],
    days: Sequence[date],
    rng: random.Random,
    currency: str,
    past: Past,
) -> None:
    for each in touchpoints:
        if each.medium == "paid":
            new = NewCost(days[0], rng.randrange(10_000, 500_000), currency, days[-1])
            add_cost(session, actor, Subject("touchpoint", str(each.id)), new, past.begun)


def _attach(session: Session, actor: Actor, past: Past) -> None:
    personas = [
        create_persona(session, actor, f"Persona {number}", past.begun).id
        for number in range(PERSONAS)
    ]
    for journey_id in session.scalars(select(Journey.id)).all():
        set_journey_personas(session, actor, str(journey_id), [str(personas[0])], past.begun)
    campaigns = [
        create_campaign(session, actor, f"Campaign {number}", past.begun).id
        for number in range(CAMPAIGNS)
    ]
    for number, campaign_id in enumerate(campaigns):
        session.execute(
            update(Link).where(Link.id % CAMPAIGNS == number).values(campaign_id=campaign_id)
        )
    session.add_all(
        LinkPersona(link_id=link_id, persona_id=personas[link_id // 10 % PERSONAS])
        for link_id in session.scalars(select(Link.id).where(Link.id % 10 == 0))
    )
