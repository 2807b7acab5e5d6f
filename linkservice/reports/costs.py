"""The report on costs: what clicks, visitors and conversions cost and what they brought, by
touchpoint, channel, medium or campaign.

Decided here: whose clicks a cost was spent for. Clicks are told apart by touchpoint and campaign
at once; each such pair is a cell, and every report adds up the same cells, so that all of them
have the same total, to the cent. What was spent on a touchpoint is shared out among its cells,
what was spent on a campaign among the campaign's: by their visitors (`apportion`), since a
visitor is what either was spent for. So a campaign's money stands with its touchpoints, and each
of them pays as much for a visitor of the campaign as the others: how they differ, only costs that
are entered for each can tell. What was spent and brought nobody has no cell to go to: it stays
the touchpoint's or the campaign's own, and is neither lost nor put on others. Not here: whose a
conversion is (`cost_conversions`), which figures follow (`cost_results`), who is dear for certain
(`paid`, `cost_judging`).

As in all reports, days to come are left out: of a span only the days up to today have been paid
for, and visited. A touchpoint is that of the time of the click, a campaign the link's of today.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.errors import Invalid
from linkservice.fields import Problems
from linkservice.journeys.costs import report_currency
from linkservice.journeys.model import Campaign, Journey, Stage, Touchpoint
from linkservice.links.model import Link
from linkservice.money import apportion, within
from linkservice.reports.campaign_conversions import NO_CAMPAIGN
from linkservice.reports.cost_conversions import Place, gained
from linkservice.reports.cost_judging import BYS, By
from linkservice.reports.cost_results import (
    GROUPS,
    NOTHING,
    CostReport,
    CostRow,
    Costs,
    Gained,
    Group,
    RowKind,
    rank,
)
from linkservice.reports.link_sums import LinkSums, sums_of_links
from linkservice.reports.paid import entries, judged_by_cost
from linkservice.reports.period import Period, choose_period, day_of
from linkservice.reports.places import places
from linkservice.reports.sources import NO_TOUCHPOINT, sources
from linkservice.reports.touchpoint_sums import sums_alone
from linkservice.reports.unpaid import with_unpaid
from linkservice.workspaces.access import Actor
from linkservice.workspaces.model import Workspace


@dataclass(slots=True)
class _Cell:
    """What was counted at a place, and what was spent for it.

    `untold`: some of the touchpoint's conversions may be this campaign's, or another's; `uneven`:
    and a cost was entered only for some of these.
    """

    clicks: int = 0
    visitors: int = 0
    tokenless: int = 0
    gained: Gained = NOTHING
    by_touchpoint: int | None = None
    by_campaign: int | None = None
    untold: bool = False
    uneven: bool = False

    @property
    def is_told(self) -> bool:
        """Whether people came, or bought."""
        return bool(self.clicks or self.gained.conversions or self.gained.value)

    @property
    def is_paid(self) -> bool:
        """Whether a cost was entered for it."""
        return self.by_touchpoint is not None or self.by_campaign is not None

    def add(self, clicks: int, visitors: int, tokenless: int) -> None:
        """Count so many more."""
        # PostgreSQL sums 64-bit columns to a decimal.
        self.clicks += int(clicks)
        self.visitors += int(visitors)
        self.tokenless += int(tokenless)


def cost_report(
    session: Session,
    actor: Actor,
    *,
    first: dt.date | None,
    last: dt.date | None,
    group: str = GROUPS[0],
    sort: str = BYS[0],
    upwards: bool = False,
    suspects: bool = False,
    now: dt.datetime,
) -> CostReport:
    """What was spent, and for how many; with the clicks of suspected mail scanners or without. The
    best by `sort` stand first, or last (`upwards`). Touchpoints are judged in a report of them.

    A row has clicks or a cost; all others say nothing. Raises `Invalid` (from, to, group, sort),
    `Forbidden`.
    """
    actor.require("reports:read")
    period, asked, by = _question(session, actor, first, last, group, sort, now)
    today = day_of(now, period.time_zone)
    touchpoints, campaigns = _spent(session, actor, period, today)
    told = None if asked == "campaign" else campaigns
    cells, untold = _counted(session, actor, period, suspects, told)
    _spend(touchpoints, campaigns, cells)
    _mark(untold, cells)
    valued = any(cell.gained.tells_value for cell in cells.values())
    rows = _rows(cells, asked, valued, _Names.read(session, actor))
    if asked == "touchpoint":
        rows = judged_by_cost(session, actor, period, today, suspects, rows)
    if asked in ("touchpoint", "campaign"):
        rows = with_unpaid(session, actor, period, today, suspects, asked, rows)
    rows.sort(key=lambda row: rank(row, by, upwards))
    totals = _told(list(cells.values()), asked, valued, whole=True)
    currency = report_currency(session, actor)
    return CostReport(period, asked, currency, totals, rows, by, upwards)


def _question(
    session: Session,
    actor: Actor,
    first: dt.date | None,
    last: dt.date | None,
    group: str,
    sort: str,
    now: dt.datetime,
) -> tuple[Period, Group, By]:
    """The period, the grouping and the order; raises every problem of them at once."""
    problems = Problems()
    problems.one_of("group", group, GROUPS)
    problems.one_of("sort", sort, BYS)
    time_zone = session.get_one(Workspace, actor.workspace_id).time_zone
    try:
        period = choose_period(first, last, time_zone, now)
    except Invalid as error:
        problems.take(error)
    problems.raise_if_any()
    return period, cast(Group, group), cast(By, sort)


def _counted(
    session: Session, actor: Actor, period: Period, suspects: bool, told: Collection[int] | None
) -> tuple[defaultdict[Place, _Cell], list[list[Place]]]:
    """The clicks of the period, by their place; and the places among which, for a touchpoint each,
    nobody can tell conversions apart.

    Touchpoints are read whole, links only where they have a campaign: what is left of a touchpoint
    belongs to none. Only campaigns that are `told` are told apart, None: all. A report of
    touchpoints asks for those alone that a cost was entered for: which of a touchpoint's clicks are
    another campaign's makes no difference to any of its rows.
    """
    read = sources(session, actor.workspace_id, period, suspects)
    cells: defaultdict[Place, _Cell] = defaultdict(_Cell)
    for touchpoint_id, sums in sums_alone(session, read, actor.workspace_id, period).items():
        cells[touchpoint_id, NO_CAMPAIGN].add(sums.clicks, sums.visitors, sums.tokenless)
    links = select(Link.id, Link.campaign_id).where(
        Link.workspace_id == actor.workspace_id,
        Link.campaign_id.is_not(None) if told is None else Link.campaign_id.in_(sorted(told)),
    )
    campaign_of: dict[int, int] = {}
    parts: Sequence[LinkSums] = ()
    if told is None or told:
        campaign_of = {link: campaign or NO_CAMPAIGN for link, campaign in session.execute(links)}
        ids = links.with_only_columns(Link.id)
        parts = sums_of_links(session, read, actor.workspace_id, period, ids, campaign_of)
    for part in parts:
        counts = part.clicks, part.visitors, part.tokenless
        cells[part.touchpoint_id, part.whose].add(*counts)
        cells[part.touchpoint_id, NO_CAMPAIGN].add(*(-count for count in counts))
    clicked = [place for place, cell in cells.items() if cell.clicks]
    found, untold = gained(session, actor.workspace_id, period, campaign_of, clicked)
    for place, each in found.items():
        cells[place].gained = each
    # A day of robots alone is no part of a report on people.
    for place in [place for place, cell in cells.items() if not cell.is_told]:
        del cells[place]
    return cells, untold


def _mark(untold: Sequence[Sequence[Place]], cells: defaultdict[Place, _Cell]) -> None:
    """Mark the cells whose conversions nobody can tell apart, of campaigns that have a row."""
    campaigns = {campaign_id for _, campaign_id in cells}
    for some in untold:
        uneven = len({cells[place].is_paid for place in some if place in cells}) > 1
        for place in some:
            if place[1] in campaigns:
                cells[place].untold, cells[place].uneven = True, uneven


def _spent(
    session: Session, actor: Actor, period: Period, today: dt.date
) -> tuple[Mapping[int, int], Mapping[int, int]]:
    """What was spent in the period, so far, on each touchpoint and on each campaign."""
    end = min(period.last, today)
    touchpoints: defaultdict[int, int] = defaultdict(int)
    campaigns: defaultdict[int, int] = defaultdict(int)
    spent = entries(session, actor, period.first, end)
    for touchpoint_id, campaign_id, starts_on, ends_on, amount in spent:
        span = (ends_on - starts_on).days + 1
        begin = max(0, (period.first - starts_on).days)
        part = within(amount, span, begin, min(span, (end - starts_on).days + 1))
        if touchpoint_id is not None:
            touchpoints[touchpoint_id] += part
        elif campaign_id is not None:
            campaigns[campaign_id] += part
    return touchpoints, campaigns


def _spend(
    touchpoints: Mapping[int, int],
    campaigns: Mapping[int, int],
    cells: defaultdict[Place, _Cell],
) -> None:
    """Put what was spent into the cells it was spent for."""
    at_touchpoint: defaultdict[int, list[Place]] = defaultdict(list)
    of_campaign: defaultdict[int, list[Place]] = defaultdict(list)
    for place in sorted(cells):
        at_touchpoint[place[0]].append(place)
        of_campaign[place[1]].append(place)
    for touchpoint_id, cost in touchpoints.items():
        own = at_touchpoint[touchpoint_id] or [(touchpoint_id, NO_CAMPAIGN)]
        for place, share in _shares(cost, own, cells):
            cells[place].by_touchpoint = share
    for campaign_id, cost in campaigns.items():
        own = of_campaign[campaign_id] or [(NO_TOUCHPOINT, campaign_id)]
        for place, share in _shares(cost, own, cells):
            cells[place].by_campaign = share


def _shares(
    cost: int, places: Sequence[Place], cells: defaultdict[Place, _Cell]
) -> list[tuple[Place, int]]:
    """`cost` by the visitors of the places."""
    found = [cells[place] for place in places]
    weights = [cell.visitors + cell.tokenless for cell in found]
    if not any(weights):
        # All who came had been counted as visitors of the touchpoint through another link.
        weights = [cell.clicks for cell in found]
    if not any(weights):
        weights = [1] * len(found)
    return list(zip(places, apportion(cost, weights), strict=True))


@dataclass(frozen=True, slots=True)
class _Names:
    """What touchpoints and campaigns are called, and where touchpoints stand."""

    touchpoints: Mapping[int, tuple[Touchpoint, Stage, Journey]]
    campaigns: Mapping[int, str]

    @classmethod
    def read(cls, session: Session, actor: Actor) -> _Names:
        campaigns = select(Campaign.id, Campaign.name).where(
            Campaign.workspace_id == actor.workspace_id
        )
        return cls(
            {place[0].id: place for place in places(session, actor.workspace_id)},
            {each.id: each.name for each in session.execute(campaigns)},
        )

    def row(self, kind: RowKind, key: str | None, costs: Costs) -> CostRow:
        """The row of what `key` names."""
        if kind == "touchpoint":
            touchpoint, stage, journey = self.touchpoints[int(key or 0)]
            return CostRow(
                kind=kind,
                id=key,
                name=touchpoint.name,
                stage=stage.name,
                journey=journey.name,
                deleted=touchpoint.deleted_at is not None,
                costs=costs,
            )
        name = self.campaigns[int(key or 0)] if kind == "campaign" else key
        return CostRow(kind=kind, id=key, name=name, costs=costs)


def _rows(cells: Mapping[Place, _Cell], group: Group, valued: bool, names: _Names) -> list[CostRow]:
    key_of = _KEYS[group]
    parts: defaultdict[tuple[RowKind, str | None], list[_Cell]] = defaultdict(list)
    for place in sorted(cells):
        parts[key_of(names, place, cells[place])].append(cells[place])
    return [names.row(*key, _told(some, group, valued)) for key, some in parts.items()]


def _told(cells: Sequence[_Cell], group: Group, valued: bool, *, whole: bool = False) -> Costs:
    """The cells as a row, or as the whole report, which tells any value or none; without a cost if
    none has one, without conversions if those of one cannot be told.
    """
    clicks = visitors = tokenless = shared_cost = 0
    clicks_with_cost = visitors_with_cost = tokenless_with_cost = 0
    cost: int | None = None
    gained: list[Gained] | None = []
    gained_with_cost: list[Gained] | None = []
    for cell in cells:
        clicks += cell.clicks
        visitors += cell.visitors
        tokenless += cell.tokenless
        shared_cost += (cell.by_touchpoint if group == "campaign" else cell.by_campaign) or 0
        if cell.is_paid:
            cost = (cost or 0) + (cell.by_touchpoint or 0) + (cell.by_campaign or 0)
            clicks_with_cost += cell.clicks
            visitors_with_cost += cell.visitors + cell.tokenless
            tokenless_with_cost += cell.tokenless
        if cell.untold and group == "campaign" and not whole:
            gained = None
        elif gained is not None and cell.gained is not NOTHING:
            gained.append(cell.gained)
        if not cell.is_paid or gained_with_cost is None:
            continue
        if cell.uneven or (cell.untold and group == "campaign" and not whole):
            gained_with_cost = None
        elif cell.gained is not NOTHING:
            gained_with_cost.append(cell.gained)
    return Costs(
        clicks=clicks,
        visitors=visitors,
        tokenless=tokenless,
        cost=cost,
        shared_cost=shared_cost,
        clicks_with_cost=clicks_with_cost,
        visitors_with_cost=visitors_with_cost,
        tokenless_with_cost=tokenless_with_cost,
        gained=None if gained is None else sum(gained, NOTHING),
        gained_with_cost=None if gained_with_cost is None else sum(gained_with_cost, NOTHING),
        is_valued=valued,
    )


def _by_touchpoint(names: _Names, place: Place, cell: _Cell) -> tuple[RowKind, str | None]:
    touchpoint_id, campaign_id = place
    if touchpoint_id != NO_TOUCHPOINT:
        return "touchpoint", str(touchpoint_id)
    if campaign_id != NO_CAMPAIGN and not cell.clicks:
        return "campaign", str(campaign_id)
    return "none", None


def _by_trait(trait: RowKind) -> Callable[[_Names, Place, _Cell], tuple[RowKind, str | None]]:
    def key(names: _Names, place: Place, cell: _Cell) -> tuple[RowKind, str | None]:
        found = _by_touchpoint(names, place, cell)
        if found[0] != "touchpoint":
            return found
        return trait, getattr(names.touchpoints[place[0]][0], trait)

    return key


def _by_campaign(names: _Names, place: Place, cell: _Cell) -> tuple[RowKind, str | None]:
    return ("none", None) if place[1] == NO_CAMPAIGN else ("campaign", str(place[1]))


_KEYS: dict[Group, Callable[[_Names, Place, _Cell], tuple[RowKind, str | None]]] = {
    "touchpoint": _by_touchpoint,
    "channel": _by_trait("channel"),
    "medium": _by_trait("medium"),
    "campaign": _by_campaign,
}
