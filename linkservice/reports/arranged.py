"""The ranking as somebody wants to read it: some of its rows, in groups, in another order.

Decided here: which touchpoints a filter keeps, which group a touchpoint stands in, and what may be
said of a group as a whole. Counts add up, visitors too (they are those of touchpoints), reach only
where all have the same unit, and a rate is that of the sums, never a sum or a mean of rates. Not
here: the verdicts. They were reached over all touchpoints before any was left out (`queries`), so
no filter changes one.

A touchpoint is of the campaigns and for the personas of its links of today; where a link names no
persona, the journey's count, as in `personas`. A click is not divided among several of them, so
such a touchpoint stands in a group of its own and the groups add up to the whole.
"""

from __future__ import annotations

import typing
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Literal, TypeAlias

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.fields import Problems
from linkservice.journeys.model import KINDS, MEDIA, Campaign, Journey, Persona, Stage
from linkservice.links.model import Link, LinkPersona
from linkservice.reports.personas import personas_of_touchpoints
from linkservice.reports.ranking import Verdict
from linkservice.reports.results import Metric, TouchpointReport, TouchpointRow
from linkservice.workspaces.access import Actor, find, scoped

Grouping: TypeAlias = Literal["stage", "channel", "kind", "medium", "campaign", "persona"]
GROUPINGS: tuple[Grouping, ...] = ("stage", "channel", "kind", "medium", "campaign", "persona")

Membership: TypeAlias = Literal["one", "several", "none"]

VERDICTS: tuple[Verdict, ...] = (
    "best",
    "as_expected",
    "worst",
    "too_early",
    "no_peers",
    "no_reach",
)
"""From the best down to those that have none."""

SORTS = (
    "name",
    "clicks",
    "scans",
    "visitors",
    "conversions",
    "value",
    "reach",
    "rate",
    "lead",
    "verdict",
)
"""What rows can be sorted by besides the ranking. `lead` is the rate ÷ the mean of the peers: it
compares across units, as a rate does not; by `rate`, rows of one unit stay together.
"""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which touchpoints are shown; what is None keeps all."""

    stage_id: str | None = None
    channel: str | None = None
    kind: str | None = None
    medium: str | None = None
    campaign_id: str | None = None
    persona_id: str | None = None
    verdict: str | None = None

    @property
    def query(self) -> dict[str, str | None]:
        """The fields by name, as addresses and files have them."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return any(self.query.values())


EVERYTHING = Selection()


@dataclass(frozen=True, slots=True)
class Subtotal:
    """What may be said of several touchpoints together; `value` in cents.

    `reach` and `unit` are there where all that have reach have the same unit. `rate` is that of
    the sums in the report's metric, `per` the one unit it is set against; None if a row with clicks
    lacks what its rate is set against, or where units differ. Of clicks a day there is none: days
    the touchpoints shared would count once for each; nor of trends, whose before is not here.
    """

    touchpoints: int
    clicks: int
    scans: int
    visitors: int
    tokenless: int
    conversions: int
    value: int
    reach: int | float | None
    unit: str | None
    rate: float | None
    per: str | None = None


@dataclass(frozen=True, slots=True)
class RowGroup:
    """The touchpoints of one `key`, of several at once or of none; `key` is an id, or the word
    itself where touchpoints share a word.
    """

    key: str | None
    membership: Membership
    name: str | None
    together: Subtotal
    rows: Sequence[TouchpointRow]


@dataclass(frozen=True, slots=True)
class Arranged:
    """The rows that are shown, in order, and in groups if any are asked for.

    `loose` are the links without a touchpoint: shown where nothing is filtered, in no group.
    """

    selection: Selection
    group: Grouping | None
    rows: Sequence[TouchpointRow]
    loose: TouchpointRow | None
    groups: Sequence[RowGroup]
    together: Subtotal

    @property
    def all_rows(self) -> list[TouchpointRow]:
        """What is shown, as it stands in a file: group by group, links without touchpoint last."""
        rows = [row for group in self.groups for row in group.rows] if self.groups else self.rows
        return [*rows, *([self.loose] if self.loose else [])]


Keys = Callable[[TouchpointRow], Collection[str]]


def arranged(
    session: Session,
    actor: Actor,
    report: TouchpointReport,
    *,
    selection: Selection = EVERYTHING,
    group: str | None = None,
    sort: str | None = None,
    reverse: bool = False,
) -> Arranged:
    """The report as it is asked for; without a `sort` in its own order.

    Raises `Invalid` (kind, medium, verdict, group, sort), `NotFound` (stage_id, campaign_id,
    persona_id), `Forbidden`.
    """
    actor.require("reports:read")
    check_arrangement(session, actor, selection, group, sort)
    placed = [row for row in report.touchpoints if row.id is not None]
    kept = [row for row in placed if _is_kept(row, selection)]
    for by, wanted in (("campaign", selection.campaign_id), ("persona", selection.persona_id)):
        if wanted is not None:
            keys = _keys(session, actor, typing.cast(Grouping, by))
            kept = [row for row in kept if wanted in keys(row)]
    rows = in_order(kept, sort, reverse=reverse)
    groups: Sequence[RowGroup] = ()
    asked = typing.cast("Grouping | None", group)
    if asked is not None:
        names = _names(session, actor, asked, rows)
        groups = in_groups(rows, _keys(session, actor, asked), names, report.metric)
    loose = next((row for row in report.touchpoints if row.id is None), None)
    return Arranged(
        selection,
        asked,
        rows,
        None if selection else loose,
        groups,
        together(rows, report.metric),
    )


def in_order(
    rows: Sequence[TouchpointRow], sort: str | None, *, reverse: bool = False
) -> list[TouchpointRow]:
    """By one of `SORTS`, names from A and figures from the top, or the other way round; what has
    no such figure stands last either way, ties as they stood.
    """
    if sort is None:
        return list(rows)
    key = _SORT_KEYS[sort]
    known = [(key(row), row) for row in rows]
    have = [each for each in known if each[0] is not None]
    # The keys of one column are all of one type.
    have.sort(key=lambda each: typing.cast("tuple[float, ...]", each[0]), reverse=reverse)
    return [row for _, row in have] + [row for each, row in known if each is None]


def lead(row: TouchpointRow) -> float:
    """How many times its peers' mean a row's rate is; 0 where it has none."""
    mean = row.peers.mean if row.peers is not None else 0.0
    return (row.rate or 0.0) / mean if mean else 0.0


def in_groups(
    rows: Sequence[TouchpointRow], keys: Keys, names: Mapping[str, str], metric: Metric
) -> list[RowGroup]:
    """The rows by their one key, in the order of `names`; then those of several, then of none."""
    found: defaultdict[tuple[Membership, str | None], list[TouchpointRow]] = defaultdict(list)
    for row in rows:
        of = keys(row)
        if len(of) == 1:
            (only,) = of
            found["one", only].append(row)
        else:
            found["several" if of else "none", None].append(row)
    places: list[tuple[Membership, str | None]] = [("one", key) for key in names]
    places += [("several", None), ("none", None)]
    return [
        RowGroup(key, how, names[key] if key else None, together(members, metric), members)
        for how, key in places
        if (members := found.get((how, key)))
    ]


def together(rows: Sequence[TouchpointRow], metric: Metric) -> Subtotal:
    """What may be said of these rows as a whole."""
    units = {row.unit for row in rows if row.unit is not None and row.reach}
    reach = sum((Fraction(row.reach) for row in rows), Fraction())
    one_unit = len(units) == 1
    pers = {row.per for row in rows if row.rate is not None}
    whole = int(reach) if reach.denominator == 1 else float(reach)
    return Subtotal(
        touchpoints=len(rows),
        clicks=sum(row.clicks for row in rows),
        scans=sum(row.scans for row in rows),
        visitors=sum(row.visitors for row in rows),
        tokenless=sum(row.tokenless for row in rows),
        conversions=sum(row.conversions for row in rows),
        value=sum(row.value for row in rows),
        reach=whole if one_unit else None,
        unit=next(iter(units)) if one_unit else None,
        rate=_rate_of_sums(rows, metric, reach if one_unit else None),
        per=next(iter(pers)) if len(pers) == 1 else None,
    )


def _rate_of_sums(
    rows: Sequence[TouchpointRow], metric: Metric, reach: Fraction | None
) -> float | None:
    """`reach` is that of all rows together, where it has one unit."""
    clicks = sum(row.clicks for row in rows)
    counted = sum(row.visitors + row.tokenless for row in rows)
    value = sum(row.value for row in rows)
    if metric == "conversions_per_click" and clicks:
        return sum(row.conversions for row in rows) / clicks
    if metric == "scans_per_click" and clicks:
        return sum(row.scans for row in rows) / clicks
    if metric == "value_per_reach" and counted and all(row.unit is None for row in rows):
        return value / counted
    if metric in ("visitors_per_reach", "value_per_reach") and reach:
        comparable = all(row.reach or (not row.clicks and not row.value) for row in rows)
        of_all = counted if metric == "visitors_per_reach" else value
        return float(of_all / reach) if comparable else None
    return None


_SORT_KEYS: dict[str, Callable[[TouchpointRow], tuple[object, ...] | None]] = {
    "name": lambda row: ((row.name or "").casefold(),),
    "clicks": lambda row: (-row.clicks,),
    "scans": lambda row: (-row.scans,),
    "visitors": lambda row: (-row.visitors,),
    "conversions": lambda row: (-row.conversions,),
    "value": lambda row: (-row.value,),
    "reach": lambda row: (-row.reach,) if row.reach else None,
    "rate": lambda row: (row.per or "", -row.rate) if row.rate is not None else None,
    "lead": lambda row: (-lead(row),) if row.peers and row.rate is not None else None,
    "verdict": lambda row: (VERDICTS.index(row.verdict), -lead(row)),
}


def check_arrangement(
    session: Session, actor: Actor, selection: Selection, group: str | None, sort: str | None
) -> None:
    """Whether there is all that is asked for. Raises as `arranged` does."""
    problems = Problems()
    words: tuple[tuple[str, str | None, Sequence[str]], ...] = (
        ("kind", selection.kind, KINDS),
        ("medium", selection.medium, MEDIA),
        ("verdict", selection.verdict, VERDICTS),
        ("group", group, GROUPINGS),
        ("sort", sort, SORTS),
    )
    for name, value, allowed in words:
        if value is not None:
            problems.one_of(name, value, allowed)
    problems.raise_if_any()
    if selection.stage_id is not None:
        find(session, actor, Stage, selection.stage_id, "stage_id")
    if selection.campaign_id is not None:
        find(session, actor, Campaign, selection.campaign_id, "campaign_id")
    if selection.persona_id is not None:
        find(session, actor, Persona, selection.persona_id, "persona_id")


def _is_kept(row: TouchpointRow, selection: Selection) -> bool:
    return all(
        wanted is None or getattr(row, name) == wanted
        for name, wanted in selection.query.items()
        if name not in ("campaign_id", "persona_id")
    )


def _keys(session: Session, actor: Actor, by: Grouping) -> Keys:
    """How to tell which groups a row belongs to."""
    if by == "campaign":
        campaigns = _campaigns(session, actor)
        return lambda row: campaigns.get(row.id or "", ())
    if by == "persona":
        personas = _personas(session, actor)
        return lambda row: personas.get(row.id or "", ())
    field = "stage_id" if by == "stage" else by
    return lambda row: (getattr(row, field),)


def _names(
    session: Session, actor: Actor, by: Grouping, rows: Sequence[TouchpointRow]
) -> dict[str, str]:
    """What groups are called, in their order: stages as the journeys have them, campaigns and
    personas by name, words by falling clicks.
    """
    if by == "stage":
        query = (
            select(Stage.id, Stage.name)
            .join(Journey, Journey.id == Stage.journey_id)
            .where(Stage.workspace_id == actor.workspace_id)
            .order_by(Journey.id, Stage.position, Stage.id)
        )
        return {str(key): name for key, name in session.execute(query)}
    if by in ("campaign", "persona"):
        model: type[Campaign | Persona] = Campaign if by == "campaign" else Persona
        found = session.scalars(scoped(actor, model).order_by(model.name, model.id))
        return {str(each.id): each.name for each in found}
    clicks: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        clicks[getattr(row, by)] += row.clicks
    return {word: word for word in sorted(clicks, key=lambda word: (-clicks[word], word))}


def _campaigns(session: Session, actor: Actor) -> dict[str, set[str]]:
    """The campaigns of each touchpoint's links of today."""
    query = (
        select(Link.touchpoint_id, Link.campaign_id)
        .where(
            Link.workspace_id == actor.workspace_id,
            Link.touchpoint_id.is_not(None),
            Link.campaign_id.is_not(None),
            Link.deleted_at.is_(None),
        )
        .distinct()
    )
    found: defaultdict[str, set[str]] = defaultdict(set)
    for touchpoint_id, campaign_id in session.execute(query):
        found[str(touchpoint_id)].add(str(campaign_id))
    return found


def _personas(session: Session, actor: Actor) -> dict[str, set[str]]:
    """Whom each touchpoint's links are made for; a link that names nobody is for its journey's,
    and so is a touchpoint without links.
    """
    query = (
        select(Link.touchpoint_id, LinkPersona.persona_id)
        .join(LinkPersona, LinkPersona.link_id == Link.id, isouter=True)
        .where(
            Link.workspace_id == actor.workspace_id,
            Link.touchpoint_id.is_not(None),
            Link.deleted_at.is_(None),
        )
        .distinct()
    )
    of_links: defaultdict[int, set[int | None]] = defaultdict(set)
    for touchpoint_id, persona_id in session.execute(query):
        if touchpoint_id is not None:
            of_links[touchpoint_id].add(persona_id)
    found: dict[str, set[str]] = {}
    for touchpoint_id, of_journey in personas_of_touchpoints(session, actor).items():
        named = of_links.get(touchpoint_id, {None})
        every = {*named, *(of_journey if None in named else ())}
        found[str(touchpoint_id)] = {str(each) for each in every if each is not None}
    return found
