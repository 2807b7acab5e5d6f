"""The retailer's workspace: made as if its people had worked in it for a year, kept up to date.

All is done through the functions that people's own work takes, in the order in which it would
have happened, so histories and the trail read like a year. Only what came since is added when the
demonstration is started again; what somebody changed in it meanwhile stays.

Not here: the clicks (`clicks`, `asides`), and what is bought (`buying`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TypeAlias

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from linkservice import changes
from linkservice.clicks.calendar import epoch_ms, local_day, zone
from linkservice.config import Settings
from linkservice.demo import retailer, season
from linkservice.demo.journey import LINKS, STAGES, TOUCHPOINTS
from linkservice.demo.logo import logo
from linkservice.demo.reaching import missing_reach, moment_of
from linkservice.demo.retailer import TIME_ZONE
from linkservice.demo.spending import Thing, missing_costs
from linkservice.demo.story import LinkStory, StageStory, TouchpointStory
from linkservice.errors import Conflict, NotFound, Problem
from linkservice.journeys.campaigns import create_campaign
from linkservice.journeys.costs import NewCost, Subject, add_cost, report_currency, subject_of
from linkservice.journeys.manage import create_journey
from linkservice.journeys.model import Campaign, Cost, Reach, Touchpoint
from linkservice.journeys.personas import create_persona
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.journeys.stages import create_stage
from linkservice.journeys.touchpoints import NewTouchpoint, create_touchpoint
from linkservice.links.domains import domain_named, first_domain
from linkservice.links.manage import LinkChanges, NewLink, archive_link, change_link, create_link
from linkservice.links.model import Domain, Link
from linkservice.links.personas import set_link_personas
from linkservice.money import USUAL
from linkservice.workspaces.access import Actor, actor_of_member, operator, scoped
from linkservice.workspaces.accounts import (
    add_user,
    change_workspace,
    create_workspace,
    first_workspace,
)
from linkservice.workspaces.logo import set_logo
from linkservice.workspaces.model import Member, User, Workspace

Event: TypeAlias = tuple[datetime, Callable[[datetime], object]]

PREPARED = timedelta(days=8)
"""How long before a campaign begins its links are made."""


@dataclass(slots=True)
class _Making:
    """The workspace while it is made: the outside ids of what there is already, by name or slug."""

    session: Session
    settings: Settings
    actor: Actor
    begun: date
    stages: dict[str, str] = field(default_factory=dict)
    touchpoints: dict[str, str] = field(default_factory=dict)
    campaigns: dict[str, str] = field(default_factory=dict)
    personas: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)


def furnish(session: Session, settings: Settings, now: datetime) -> Workspace:
    """The demonstration's workspace, made if there is none yet, with reach up to today.

    Raises `Conflict` where the database holds another workspace: nothing invented goes in there.
    """
    try:
        workspace = first_workspace(session)
    except NotFound:
        return _make(session, settings, now)
    if not workspace.demonstration:
        raise Conflict(Problem("", "not_a_demonstration", {"folder": settings.data_dir}))
    _follow(session, workspace, settings, now)
    actor = _member(session, workspace, retailer.EDITOR) or operator(workspace)
    _catch_up(session, actor, begun_on(workspace), now)
    return workspace


def begun_on(workspace: Workspace) -> date:
    """The first day of the story."""
    return workspace.created_at.astimezone(zone(TIME_ZONE)).date()


def slugs_to_tell(session: Session, actor: Actor, *, from_the_beginning: bool) -> set[str]:
    """Whose clicks are told; those that were paused or deleted since get no more."""
    query = scoped(actor, Link)
    if not from_the_beginning:
        query = query.where(Link.active)
    return {link.slug for link in session.scalars(query)}


def guest(session: Session, workspace: Workspace) -> User:
    """Whom a visitor of the demonstration signs in as: its oldest owner."""
    return session.scalars(
        select(User)
        .join(Member, Member.user_id == User.id)
        .where(Member.workspace_id == workspace.id, Member.role == "owner")
        .order_by(Member.id)
        .limit(1)
    ).one()


def _follow(session: Session, workspace: Workspace, settings: Settings, now: datetime) -> None:
    """Let the domain be where the demonstration is started: nothing of it hangs in the streets."""
    domain = domain_named(session, operator(workspace), None)
    taken = select(Domain.id).where(Domain.host == settings.link_host)
    if session.scalar(taken) is None:
        domain.host = settings.link_host
        changes.announce(session, "domain", now)


def _make(session: Session, settings: Settings, now: datetime) -> Workspace:
    begun = local_day(epoch_ms(now), TIME_ZONE)[0] - timedelta(days=season.DAYS - 1)
    start = moment_of(begun, 0)
    workspace = create_workspace(
        session,
        start,
        name=retailer.NAME,
        time_zone=TIME_ZONE,
        brand_colour=retailer.BRAND_COLOUR,
    )
    workspace.demonstration = True
    workspace.set_up_at = start
    first_domain(session, workspace, settings, start)
    for email, role in (
        (retailer.OWNER, "owner"),
        (retailer.EDITOR, "editor"),
        (retailer.VIEWER, "viewer"),
    ):
        add_user(session, workspace, email, role, start)
    session.flush()
    owner = _member(session, workspace, retailer.OWNER)
    editor = _member(session, workspace, retailer.EDITOR)
    assert owner is not None
    assert editor is not None
    set_logo(session, owner, logo(), start)
    change_workspace(session, owner, {"holidays": retailer.HOLIDAYS}, start)
    _make_journey(_Making(session, settings, editor, begun), now)
    return workspace


def _make_journey(making: _Making, now: datetime) -> None:
    start = moment_of(making.begun, 9)
    journey = create_journey(making.session, making.actor, retailer.JOURNEY, start).journey
    for stage in STAGES:
        made = create_stage(making.session, making.actor, str(journey.id), stage.name, start)
        making.stages[stage.name] = str(made.id)
    for campaign in retailer.CAMPAIGNS:
        found = create_campaign(making.session, making.actor, campaign.name, start)
        making.campaigns[campaign.name] = str(found.id)
    for name in retailer.PERSONAS:
        persona = create_persona(making.session, making.actor, name, start)
        making.personas[name] = str(persona.id)
    events = _year(making)
    for when, name, new in missing_reach(making.begun, now, {}):
        events.append((when, _enters(making, name, new)))
    for when, thing, cost in missing_costs(making.begun, now, {}):
        events.append((when, _spends(making, thing, cost)))
    for moment, happen in sorted(events, key=lambda event: event[0]):
        happen(moment)


def _year(making: _Making) -> list[Event]:
    """What happened to touchpoints and links."""
    events: list[Event] = []
    for stage in STAGES:
        for touchpoint in stage.touchpoints:
            opened = moment_of(_day(making, season.exists_from(touchpoint)), 9)
            events.append((opened, _opens(making, stage, touchpoint)))
    for number, link in LINKS:
        events += _life(making, link, TOUCHPOINTS[number])
    return events


def _opens(
    making: _Making, stage: StageStory, touchpoint: TouchpointStory
) -> Callable[[datetime], None]:
    new = NewTouchpoint(
        making.stages[stage.name],
        touchpoint.name,
        touchpoint.channel,
        touchpoint.kind,
        touchpoint.medium,
        touchpoint.moment_of_truth,
        touchpoint.target_rate,
    )

    def happen(moment: datetime) -> None:
        made = create_touchpoint(making.session, making.actor, new, moment)
        making.touchpoints[touchpoint.name] = str(made.id)

    return happen


def _life(making: _Making, link: LinkStory, touchpoint: TouchpointStory) -> list[Event]:
    """How a link is made, moved and ended."""

    def begin(moment: datetime) -> None:
        new = NewLink(
            _destination(link.page),
            slug=link.slug,
            title=link.title,
            touchpoint_id=making.touchpoints[touchpoint.name],
            campaign_id=making.campaigns[link.campaign] if link.campaign else None,
            tags=link.tags,
            utm=dict(link.utm),
            append_click_id=link.click_ids,
            expires_at=moment_of(_day(making, link.ends or 0), 0)
            if link.ending == "expired"
            else None,
        )
        made = create_link(making.session, making.actor, making.settings, new, moment)
        making.links[link.slug] = str(made.link.id)
        personas = [
            making.personas[name] for name, slugs in retailer.PERSONAS.items() if link.slug in slugs
        ]
        set_link_personas(making.session, making.actor, making.links[link.slug], personas, moment)

    def change(wanted: LinkChanges) -> Callable[[datetime], object]:
        return lambda moment: change_link(
            making.session,
            making.actor,
            making.settings,
            making.links[link.slug],
            wanted,
            moment,
        )

    born = moment_of(max(_born(making, link), _day(making, season.exists_from(touchpoint))), 10)
    events: list[Event] = [(born, begin)]
    events += [
        (moment_of(_day(making, day), 11), change({"destination": _destination(page)}))
        for day, page in link.moved
    ]
    if link.ends is not None:
        end = moment_of(_day(making, link.ends), 0)
        if link.ending == "paused":
            events.append((end, change({"active": False})))
        elif link.ending == "archived":
            events.append((end, lambda moment: _archive(making, link, moment)))
    return events


def _archive(making: _Making, link: LinkStory, moment: datetime) -> None:
    archive_link(making.session, making.actor, making.links[link.slug], moment)


def _born(making: _Making, link: LinkStory) -> date:
    """The day a link is made: a campaign's shortly before it first begins."""
    campaign = next((each for each in retailer.CAMPAIGNS if each.name == link.campaign), None)
    first = _day(making, link.born)
    if campaign is None:
        return first
    for year in (making.begun.year, making.begun.year + 1):
        days = season.campaign_days(campaign, year)
        if days is not None and days[1] >= making.begun:
            return max(first, days[0] - PREPARED)
    return first


def _enters(making: _Making, name: str, new: NewReach) -> Callable[[datetime], object]:
    return lambda moment: add_reach(
        making.session, making.actor, making.touchpoints[name], new, moment
    )


def _spends(making: _Making, thing: Thing, new: NewCost) -> Callable[[datetime], object]:
    kind, name = thing
    places = making.touchpoints if kind == "touchpoint" else making.campaigns
    return lambda moment: add_cost(
        making.session, making.actor, Subject(kind, places[name]), new, moment
    )


def _catch_up(session: Session, actor: Actor, begun: date, now: datetime) -> None:
    """Enter the reach since it was last entered, where nobody changed what is reached."""
    rows = session.execute(
        select(Touchpoint.name, Touchpoint.id, func.max(Reach.ends_on), func.min(Reach.unit))
        .join(Reach, Reach.touchpoint_id == Touchpoint.id)
        .where(Touchpoint.workspace_id == actor.workspace_id, Touchpoint.deleted_at.is_(None))
        .group_by(Touchpoint.name, Touchpoint.id)
    )
    known = {name: (str(number), last, unit) for name, number, last, unit in rows}
    until = {name: last for name, (_, last, _) in known.items()}
    for moment, name, new in missing_reach(begun, now, until):
        touchpoint_id, _, unit = known.get(name, ("", None, None))
        if unit == new.unit:
            add_reach(session, actor, touchpoint_id, new, moment)
    _spend_on(session, actor, begun, now)


def _spend_on(session: Session, actor: Actor, begun: date, now: datetime) -> None:
    """Enter the costs since they were last entered, of what somebody entered some for before."""
    if report_currency(session, actor) != USUAL:
        return
    known: dict[Thing, Subject] = {}
    until: dict[Thing, date] = {}
    for cost in session.scalars(scoped(actor, Cost)):
        subject = subject_of(cost)
        row: Touchpoint | Campaign
        if subject.kind == "touchpoint":
            row = session.get_one(Touchpoint, int(subject.id))
        else:
            row = session.get_one(Campaign, int(subject.id))
        thing = subject.kind, row.name
        until[thing] = max(cost.ends_on, until.get(thing, cost.ends_on))
        if not (isinstance(row, Touchpoint) and row.deleted_at):
            known[thing] = subject
    for moment, thing, new in missing_costs(begun, now, until):
        if thing in known:
            add_cost(session, actor, known[thing], new, moment)


def _destination(page: str) -> str:
    return f"{retailer.SHOP}/{page}"


def _member(session: Session, workspace: Workspace, email: str) -> Actor | None:
    """The actor behind one of the retailer's people; None if somebody removed them."""
    found = session.execute(
        select(Member, User)
        .join(User, User.id == Member.user_id)
        .where(Member.workspace_id == workspace.id, User.email == email)
    ).one_or_none()
    return None if found is None else actor_of_member(*found)


def _day(making: _Making, number: int) -> date:
    return making.begun + timedelta(days=number)
