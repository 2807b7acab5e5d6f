"""Touchpoints by persona: how large a share of the clicks came by scan, or how many conversions
they led to, and what the mix hides.

Decided here: whose a click is. It is the persona's that its link is made for or, where the link
names none, its touchpoint's journey. With several personas nobody can tell which of them clicked:
such clicks stand apart, as do those of links and journeys without one, and parts sum to totals.
Personas are those of today, as campaigns are. Not here: the formulas (`standardised`).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.fields import Problems
from linkservice.journeys.model import Journey, Persona, Stage, Touchpoint
from linkservice.journeys.personas import personas_of_journeys
from linkservice.links.model import Link, LinkPersona
from linkservice.reports.conversions import ATTRIBUTIONS, Attribution
from linkservice.reports.link_sums import sums_of_links
from linkservice.reports.period import Period, choose_period
from linkservice.reports.persona_conversions import NOBODY, conversions_by_persona, only
from linkservice.reports.sources import NO_TOUCHPOINT, sources
from linkservice.reports.standardised import (
    Part,
    crude,
    is_beyond_chance,
    reversals,
    standardised,
)
from linkservice.reports.touchpoint_sums import sums_alone
from linkservice.workspaces.access import Actor, scoped
from linkservice.workspaces.model import Workspace

Parts = Mapping[int, Part]
"""What was counted for each persona, by inside id."""

Metric: TypeAlias = Literal["scans_per_click", "conversions_per_click"]
METRICS: tuple[Metric, ...] = get_args(Metric)

MOST_REVERSALS = 20


@dataclass(frozen=True, slots=True)
class PersonaShare:
    """A persona: its clicks in all, how many of them were scans, and its conversions; None where
    some that may be its cannot be told by persona.
    """

    id: str
    name: str
    clicks: int
    scans: int
    conversions: int | None


@dataclass(frozen=True, slots=True)
class PersonaCell:
    """The clicks of a touchpoint for a persona; `rate` is scans, or conversions, ÷ clicks, None
    without clicks, and of conversions where some of the touchpoint's cannot be told by persona; nor
    can then `conversions`, of a persona that has clicks there.
    """

    persona_id: str
    clicks: int
    scans: int
    conversions: int | None
    rate: float | None


@dataclass(frozen=True, slots=True)
class PersonaRow:
    """A touchpoint with a cell for every persona.

    `other_clicks` and `other_conversions` are those of several personas or none. `rate` is of all
    cells together, `standardised_rate` what it were with everybody's mix of personas; None where it
    lacks clicks of a persona that others have.
    """

    id: str
    name: str
    stage: str
    journey: str
    deleted: bool
    clicks: int
    other_clicks: int
    conversions: int
    other_conversions: int
    cells: Sequence[PersonaCell]
    rate: float | None
    standardised_rate: float | None

    @property
    def is_whole(self) -> bool:
        """Whether the cells are all of it, so that `rate` is the touchpoint's own."""
        return not (self.other_clicks or self.other_conversions)


@dataclass(frozen=True, slots=True)
class Reversal:
    """`higher` has the higher rate (of `metric`) altogether, and with every persona the lower one;
    unless it is `certain`, chance may explain that.
    """

    metric: Metric
    higher_id: str
    higher: str
    higher_rate: float
    lower_id: str
    lower: str
    lower_rate: float
    certain: bool


@dataclass(frozen=True, slots=True)
class PersonaReport:
    """Touchpoints with clicks by persona, by falling standardised rate, and Simpson reversals by
    any metric, those of the one asked for first.
    """

    period: Period
    metric: Metric
    attribution: Attribution
    personas: Sequence[PersonaShare]
    rows: Sequence[PersonaRow]
    reversals: Sequence[Reversal]

    @property
    def by_conversions(self) -> bool:
        """Whether rates are of conversions, not of scans."""
        return self.metric == "conversions_per_click"


@dataclass(slots=True)
class _Counted:
    """What was counted at a touchpoint, by persona or `NOBODY`."""

    clicks: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    scans: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    conversions: Mapping[int, int] = field(default_factory=dict)
    untold: bool = False

    def parts(self, metric: Metric) -> dict[int, Part]:
        """By persona, those alone that clicks can be told of."""
        if metric == "conversions_per_click" and self.untold:
            return {}
        successes = self.scans if metric == "scans_per_click" else self.conversions
        return {
            key: Part(successes.get(key, 0), count)
            for key, count in self.clicks.items()
            if key and count
        }

    def gained(self, persona: int) -> int | None:
        """Its conversions; None where nobody can tell how many of the imported are its too."""
        known = self.conversions.get(persona, 0)
        return None if self.untold and (known or self.clicks.get(persona)) else known

    @property
    def is_anything(self) -> bool:
        return any(self.clicks.values()) or any(self.conversions.values())


def persona_report(
    session: Session,
    actor: Actor,
    *,
    first: dt.date | None,
    last: dt.date | None,
    metric: str = METRICS[0],
    attribution: str = "last",
    suspects: bool = False,
    now: dt.datetime,
) -> PersonaReport:
    """The share of scans, or conversions per click, by touchpoint and persona; with the clicks of
    suspected mail scanners or without. Raises `Invalid` (from, to, metric, attribution),
    `Forbidden`.
    """
    actor.require("reports:read")
    time_zone = session.get_one(Workspace, actor.workspace_id).time_zone
    problems = Problems()
    problems.one_of("metric", metric, METRICS)
    problems.one_of("attribution", attribution, ATTRIBUTIONS)
    problems.raise_if_any()
    asked, by = cast(Metric, metric), cast(Attribution, attribution)
    period = choose_period(first, last, time_zone, now)
    personas = session.scalars(scoped(actor, Persona).order_by(Persona.name, Persona.id)).all()
    counted = _counted(session, actor, period, suspects, by)
    parts = {touchpoint_id: each.parts(asked) for touchpoint_id, each in counted.items()}
    mix: defaultdict[int, int] = defaultdict(int)
    for each in parts.values():
        for key, part in each.items():
            mix[key] += part.trials
    rows = [
        _row(place, counted[place[0].id], personas, mix, asked)
        for place in _places(session, actor)
        if place[0].id in counted
    ]
    return PersonaReport(
        period,
        asked,
        by,
        [_share(persona, counted.values()) for persona in personas],
        sorted(rows, key=_rank),
        [
            found
            for each in sorted(METRICS, key=lambda each: each != asked)
            for found in _reversals(rows, counted, each)
        ],
    )


def _counted(
    session: Session, actor: Actor, period: Period, suspects: bool, attribution: Attribution
) -> dict[int, _Counted]:
    """The clicks and conversions of each touchpoint, by the one persona they were made for."""
    read = sources(session, actor.workspace_id, period, suspects)
    of_link = _personas_of_links(session, actor)
    of_touchpoint = personas_of_touchpoints(session, actor)
    found: defaultdict[int, _Counted] = defaultdict(_Counted)

    def count(touchpoint_id: int, persona: int, clicks: int, scans: int) -> None:
        if clicks or scans:
            found[touchpoint_id].clicks[persona] += clicks
            found[touchpoint_id].scans[persona] += scans

    for touchpoint_id, all_of_it in sums_alone(session, read, actor.workspace_id, period).items():
        if touchpoint_id != NO_TOUCHPOINT:
            persona = only(of_touchpoint.get(touchpoint_id, []))
            count(touchpoint_id, persona, all_of_it.clicks, all_of_it.scans)
    # What links have that are for personas of their own is taken from what their touchpoint has.
    own = select(LinkPersona.link_id).join(Link, Link.id == LinkPersona.link_id)
    own = own.where(Link.workspace_id == actor.workspace_id)
    whose = {link_id: only(personas) for link_id, personas in of_link.items()}
    for sums in sums_of_links(session, read, actor.workspace_id, period, own, whose):
        if sums.touchpoint_id != NO_TOUCHPOINT:
            before = only(of_touchpoint.get(sums.touchpoint_id, []))
            count(sums.touchpoint_id, before, -sums.clicks, -sums.scans)
            count(sums.touchpoint_id, sums.whose, sums.clicks, sums.scans)
    clicked = {
        number: [persona for persona, clicks in each.clicks.items() if clicks]
        for number, each in found.items()
    }
    gained = conversions_by_persona(
        session, actor.workspace_id, period, attribution, of_link, of_touchpoint, clicked
    )
    for touchpoint_id, each in gained.items():
        found[touchpoint_id].conversions = each.conversions
        found[touchpoint_id].untold = each.untold
    return {number: each for number, each in found.items() if each.is_anything}


def _personas_of_links(session: Session, actor: Actor) -> dict[int, list[int]]:
    query = (
        select(LinkPersona.link_id, LinkPersona.persona_id)
        .join(Link, Link.id == LinkPersona.link_id)
        .where(Link.workspace_id == actor.workspace_id)
    )
    found: defaultdict[int, list[int]] = defaultdict(list)
    for link_id, persona_id in session.execute(query):
        found[link_id].append(persona_id)
    return found


def personas_of_touchpoints(session: Session, actor: Actor) -> dict[int, list[int]]:
    """The inside ids of the personas of each touchpoint's journey, of all there ever were."""
    query = (
        select(Touchpoint.id, Stage.journey_id)
        .join(Stage, Stage.id == Touchpoint.stage_id)
        .where(Touchpoint.workspace_id == actor.workspace_id)
    )
    journey_of = {row[0]: row[1] for row in session.execute(query)}
    of_journey = personas_of_journeys(session, set(journey_of.values()))
    return {place: of_journey.get(journey, []) for place, journey in journey_of.items()}


def _places(session: Session, actor: Actor) -> list[tuple[Touchpoint, str, str]]:
    """All touchpoints there ever were, in the order the journeys give them."""
    query = (
        select(Touchpoint, Stage.name, Journey.name)
        .join(Stage, Stage.id == Touchpoint.stage_id)
        .join(Journey, Journey.id == Stage.journey_id)
        .where(Touchpoint.workspace_id == actor.workspace_id)
        .order_by(Journey.id, Stage.position, Stage.id, Touchpoint.position, Touchpoint.id)
    )
    return [(touchpoint, stage, journey) for touchpoint, stage, journey in session.execute(query)]


def _row(
    place: tuple[Touchpoint, str, str],
    counted: _Counted,
    personas: Sequence[Persona],
    mix: Mapping[int, int],
    metric: Metric,
) -> PersonaRow:
    touchpoint, stage, journey = place
    parts = counted.parts(metric)
    nothing = Part(0, 0)
    cells = [
        PersonaCell(
            str(each.id),
            counted.clicks.get(each.id, 0),
            counted.scans.get(each.id, 0),
            counted.gained(each.id),
            parts.get(each.id, nothing).rate,
        )
        for each in personas
    ]
    return PersonaRow(
        id=str(touchpoint.id),
        name=touchpoint.name,
        stage=stage,
        journey=journey,
        deleted=touchpoint.deleted_at is not None,
        clicks=sum(counted.clicks.values()),
        other_clicks=counted.clicks.get(NOBODY, 0),
        conversions=sum(counted.conversions.values()),
        other_conversions=counted.conversions.get(NOBODY, 0),
        cells=cells,
        rate=crude(parts),
        standardised_rate=standardised(parts, mix),
    )


def _share(persona: Persona, counted: Collection[_Counted]) -> PersonaShare:
    clicks, scans = (
        sum(getattr(each, name).get(persona.id, 0) for each in counted)
        for name in ("clicks", "scans")
    )
    gained = [each.gained(persona.id) for each in counted]
    known = [each for each in gained if each is not None]
    conversions = sum(known) if len(known) == len(gained) else None
    return PersonaShare(str(persona.id), persona.name, clicks, scans, conversions)


def _reversals(
    rows: Sequence[PersonaRow], counted: Mapping[int, _Counted], metric: Metric
) -> list[Reversal]:
    """Every pair that the mix turns around, those of the most clicks first."""
    parts = [(row, counted[int(row.id)].parts(metric)) for row in rows]
    compared = sorted(
        ((row, of_row, rate) for row, of_row in parts if (rate := crude(of_row)) is not None),
        key=lambda each: -each[0].clicks,
    )
    found = reversals([of_row for _, of_row, _ in compared])[:MOST_REVERSALS]
    return [
        Reversal(
            metric,
            higher.id,
            higher.name,
            higher_rate,
            lower.id,
            lower.name,
            lower_rate,
            is_beyond_chance(one, other),
        )
        for (higher, one, higher_rate), (lower, other, lower_rate) in (
            (compared[first], compared[second]) for first, second in found
        )
    ]


def _rank(row: PersonaRow) -> tuple[bool, float, bool, float, int]:
    """By falling standardised rate, then by the rate as it is, then by clicks."""
    standard, rate = row.standardised_rate, row.rate
    return standard is None, -(standard or 0.0), rate is None, -(rate or 0.0), -row.clicks
