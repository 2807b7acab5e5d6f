"""Which links belong on a sheet, in which order, and whether it can be made at all.

Not here: the sheet as it waits and is kept (`manage`), how it looks (`layout`, `archive`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from linkservice.config import Settings
from linkservice.errors import Invalid, NotFound, Problem
from linkservice.fields import Problems
from linkservice.journeys.model import Campaign, Journey, Stage, Touchpoint
from linkservice.links.addresses import scan_url, short_url
from linkservice.links.model import Domain, Link, LinkTag, Tag
from linkservice.links.tags import LONGEST_TAG
from linkservice.qr.design import Design, encode, print_size
from linkservice.sheets.model import FORMATS
from linkservice.sheets.order import Label, Order, Words
from linkservice.workspaces.access import Actor, find, inside_id, scoped
from linkservice.workspaces.model import Workspace

SIZE_MM = (20, 100)
MOST_CODES = 500


@dataclass(frozen=True, slots=True)
class SheetQuestion:
    """What a sheet is asked for by: exactly one of journey, campaign, tag and links.

    Ids are outside ids, `tag` is a name. `colour` is "black", "brand" or `#rrggbb`. Paused
    links are on it (a poster is printed before the link goes live), archived ones on request.
    """

    journey_id: str | None = None
    campaign_id: str | None = None
    tag: str | None = None
    link_ids: Sequence[str] | None = None
    format: str = "pdf"
    size_mm: float = 40.0
    colour: str = "black"
    with_archived: bool = False


def order_for(
    session: Session, actor: Actor, settings: Settings, question: SheetQuestion, words: Words
) -> Order:
    """Everything the sheet is made from. Raises as `manage.ask_sheet` does."""
    foreground = _checked(session, actor, question)
    heading, links = _chosen(session, actor, question, words)
    if not question.with_archived:
        links = links.where(Link.archived_at.is_(None))
    labels = _labels(session, settings, links)
    order = Order(heading, words, float(question.size_mm), foreground, labels)
    _refuse_fine_print(order)
    return order


def unknown(field: str, what: str, outside_id: str) -> NotFound:
    """What is raised for an id or name that is not the workspace's."""
    return NotFound(Problem(field, "no_such_row", {"what": what, "id": outside_id[:40]}))


def _checked(session: Session, actor: Actor, question: SheetQuestion) -> str:
    """The colour of the modules; raises every problem of the fields at once."""
    problems = Problems()
    choices = (question.journey_id, question.campaign_id, question.tag, question.link_ids)
    if sum(choice is not None for choice in choices) != 1:
        problems.add("", "sheet_one_choice")
    if question.tag is not None:
        problems.text("tag", question.tag, longest=LONGEST_TAG)
    if question.link_ids is not None and len(question.link_ids) > MOST_CODES:
        problems.add("link_ids", "sheet_too_many", most=MOST_CODES, found=len(question.link_ids))
    problems.one_of("format", question.format, FORMATS)
    least, most = SIZE_MM
    size = question.size_mm
    # True is an int to Python, but nobody's size.
    if isinstance(size, bool) or not isinstance(size, int | float) or not least <= size <= most:
        problems.add("size_mm", "qr_size", least=least, most=most)
    foreground = _foreground(session, actor, problems, question.colour)
    problems.raise_if_any()
    return foreground


def _foreground(session: Session, actor: Actor, problems: Problems, colour: str) -> str:
    named = {
        "black": "#000000",
        "brand": session.get_one(Workspace, actor.workspace_id).brand_colour,
    }
    foreground = named.get(colour, colour)
    try:
        Design(foreground)
    except Invalid as error:
        for problem in error.problems:
            problems.add("colour", problem.code, **problem.params)
    return foreground


def _chosen(
    session: Session, actor: Actor, question: SheetQuestion, words: Words
) -> tuple[str, Select[Link]]:
    """The heading, and the links of the one choice that was made."""
    links = scoped(actor, Link)
    if question.journey_id is not None:
        journey = find(session, actor, Journey, question.journey_id, "journey_id")
        within = (
            select(Touchpoint.id)
            .join(Stage, Stage.id == Touchpoint.stage_id)
            .where(Stage.journey_id == journey.id)
            .where(Stage.deleted_at.is_(None), Touchpoint.deleted_at.is_(None))
        )
        return journey.name, links.where(Link.touchpoint_id.in_(within))
    if question.campaign_id is not None:
        campaign = find(session, actor, Campaign, question.campaign_id, "campaign_id")
        return campaign.name, links.where(Link.campaign_id == campaign.id)
    if question.tag is not None:
        tag = session.scalar(scoped(actor, Tag).where(Tag.name == question.tag))
        if tag is None:
            raise unknown("tag", "tag", question.tag)
        carrying = select(LinkTag.link_id).where(LinkTag.tag_id == tag.id)
        return tag.name, links.where(Link.id.in_(carrying))
    assert question.link_ids is not None
    return words.heading, links.where(Link.id.in_(_known(session, actor, question.link_ids)))


def _known(session: Session, actor: Actor, link_ids: Sequence[str]) -> set[int]:
    """The numbers behind the ids; `NotFound` names the first that is not the workspace's."""
    numbers = {link_id: inside_id(link_id) for link_id in link_ids}
    wanted = {number for number in numbers.values() if number is not None}
    query = select(Link.id).where(Link.workspace_id == actor.workspace_id)
    known = set(session.scalars(query.where(Link.id.in_(wanted), Link.deleted_at.is_(None))))
    for link_id, number in numbers.items():
        if number not in known:
            raise unknown("link_ids", "link", link_id)
    return known


def _labels(session: Session, settings: Settings, links: Select[Link]) -> list[Label]:
    """The labels in the order of the journey map; links without a touchpoint come last.

    Raises `Invalid` where there are none, or too many.
    """
    chosen = links.subquery()
    rows = session.execute(
        select(
            Link.title,
            Link.slug,
            Domain.host,
            Touchpoint.name.label("touchpoint"),
            Stage.name.label("stage"),
            Journey.name.label("journey"),
        )
        .join(chosen, chosen.c.id == Link.id)
        .join(Domain, Domain.id == Link.domain_id)
        .outerjoin(Touchpoint, Touchpoint.id == Link.touchpoint_id)
        .outerjoin(Stage, Stage.id == Touchpoint.stage_id)
        .outerjoin(Journey, Journey.id == Stage.journey_id)
        .order_by(
            Journey.id.is_(None),
            Journey.id,
            Stage.position,
            Stage.id,
            Touchpoint.position,
            Touchpoint.id,
            Link.id,
        )
        .limit(MOST_CODES + 1)
    ).all()
    if not rows:
        raise Invalid(Problem("", "sheet_empty"))
    if len(rows) > MOST_CODES:
        found = session.scalar(select(func.count()).select_from(chosen))
        raise Invalid(Problem("", "sheet_too_many", {"most": MOST_CODES, "found": found}))
    return [_label(settings, row) for row in rows]


def _label(
    settings: Settings, row: Row[str, str, str, str | None, str | None, str | None]
) -> Label:
    title, slug, host, touchpoint, stage, journey = row
    return Label(
        title,
        touchpoint or "",
        stage or "",
        journey or "",
        slug,
        short_url(settings, host, slug),
        scan_url(settings, host, slug),
    )


def _refuse_fine_print(order: Order) -> None:
    """Look at the longest scan URL alone: encoding hundreds would keep the writer waiting."""
    longest = max((label.scan_url for label in order.labels), key=len)
    print_size(encode(longest).edge, order.size_mm)
