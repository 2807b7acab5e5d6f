"""The list of links as its page and its CSV show it: with names, states and recent clicks.

Decided here: the orders a list has, and its cursor, which says where a page ended and stays
right while links are made and changed. Not here: which links match (`links.listing`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, NoReturn, TypeAlias, TypeVar, cast, get_args

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from linkservice.cells import Cell, harmless
from linkservice.clicks.model import LinkDay
from linkservice.config import Settings
from linkservice.errors import Invalid, Problem
from linkservice.fields import Problems
from linkservice.journeys.model import Campaign, Journey, Stage, Touchpoint
from linkservice.links.addresses import scan_url, short_url
from linkservice.links.destination import NOT_TEXT
from linkservice.links.listing import (
    LinkFilter,
    LinkView,
    OneState,
    link_views,
    matching,
    state_of,
)
from linkservice.links.model import Link
from linkservice.reports.sparklines import last_days, link_series
from linkservice.workspaces.access import LARGEST_ID, Actor

Sort = Literal["newest", "name", "clicks", "changed"]
SORTS: tuple[Sort, ...] = get_args(Sort)
MOST_ROWS = 200
LONGEST_CURSOR = 4_000
CSV_ROWS_AT_ONCE = 1_000
FEW_MATCHES = 1_000

CSV_HEAD = (
    "short_url",
    "scan_url",
    "destination",
    "title",
    "touchpoint",
    "stage",
    "journey",
    "campaign",
    "tags",
    "state",
    "created_at",
    "clicks_30_days",
)

Key: TypeAlias = str | int | datetime
KeyT = TypeVar("KeyT", str, int, datetime)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """What a touchpoint, its stage and its journey are called."""

    touchpoint: str
    stage: str
    journey: str


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link as the list shows it; `series` are its clicks of the last `sparklines.DAYS` days,
    the oldest first, and `clicks` their sum.
    """

    view: LinkView
    state: OneState
    place: Place | None
    campaign: str | None
    clicks: int
    series: Sequence[int]


@dataclass(frozen=True, slots=True)
class LinkPage:
    """A part of the list, how many links match in all, and where the next part begins."""

    rows: Sequence[LinkRow]
    total: int
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of the list: its query gives links with the key they are ordered by."""

    query: Select[Link, Key]
    key: ColumnElement[Key]
    rising: bool

    def behind(self, value: Key, link_id: int) -> ColumnElement[bool]:
        """What comes after the row with that key and id."""
        # The first half says nothing new; with it, an index begins at the right place.
        if self.rising:
            return and_(self.key >= value, or_(self.key > value, Link.id > link_id))
        return and_(self.key <= value, or_(self.key < value, Link.id < link_id))


def link_page(
    session: Session,
    actor: Actor,
    wanted: LinkFilter,
    *,
    sort: str = "newest",
    cursor: str | None = None,
    limit: int = 50,
    now: datetime,
) -> LinkPage:
    """The links that match, in the order of `sort`, after `cursor`.

    Raises `Invalid` (the filter's fields, sort, cursor, limit), `Forbidden`.
    """
    actor.require("links:read")
    actor.require("reports:read")
    problems = Problems()
    problems.one_of("sort", sort, SORTS)
    problems.number("limit", limit, low=1, high=MOST_ROWS)
    problems.raise_if_any()
    matches = matching(actor, wanted, now)
    total, few = None, None
    if wanted.q:
        # A search reads every link; for few matches once is enough.
        ids = session.scalars(matches.with_only_columns(Link.id).limit(FEW_MATCHES + 1)).all()
        if len(ids) <= FEW_MATCHES:
            total, few = len(ids), ids
            matches = select(Link).where(Link.id.in_(ids))
    end = None if cursor is None else _read_cursor(sort, cursor)
    found: list[Row[Link, Key]] = []
    for part in _parts(session, actor, matches, sort, now, few):
        query = part.query if end is None else part.query.where(part.behind(*end))
        found += session.execute(query.limit(limit + 1 - len(found)))
        if len(found) > limit:
            break
    shown = found[:limit]
    more = len(found) > limit
    if total is None and (more or cursor is not None):
        total = session.scalar(matches.with_only_columns(func.count()))
    rows = _rows(session, actor, [link for link, _ in shown], now)
    next_cursor = _cursor(sort, shown[-1][1], shown[-1][0].id) if more else None
    return LinkPage(rows, len(shown) if total is None else total, next_cursor)


def link_csv(
    session: Session,
    actor: Actor,
    settings: Settings,
    wanted: LinkFilter,
    *,
    sort: str = "newest",
    now: datetime,
) -> Iterator[list[Cell]]:
    """A head line, then a line for each link that matches, whatever their number.

    Raises as `link_page`, before the first line.
    """
    actor.require("links:read")
    actor.require("reports:read")
    problems = Problems()
    problems.one_of("sort", sort, SORTS)
    problems.raise_if_any()
    parts = _parts(session, actor, matching(actor, wanted, now), sort, now)
    return _lines(session, actor, settings, parts, now)


def _lines(
    session: Session, actor: Actor, settings: Settings, parts: Sequence[_Part], now: datetime
) -> Iterator[list[Cell]]:
    yield list(CSV_HEAD)
    for part in parts:
        found = session.execute(part.query.execution_options(yield_per=CSV_ROWS_AT_ONCE))
        for some in found.partitions():
            for row in _rows(session, actor, [link for link, _ in some], now):
                yield _line(settings, row)


def _line(settings: Settings, row: LinkRow) -> list[Cell]:
    link, host, place = row.view.link, row.view.host, row.place
    words = (
        short_url(settings, host, link.slug),
        scan_url(settings, host, link.slug),
        link.destination,
        link.title,
        place.touchpoint if place else "",
        place.stage if place else "",
        place.journey if place else "",
        row.campaign or "",
        ", ".join(row.view.tags),
        row.state,
        link.created_at.isoformat(timespec="seconds"),
    )
    return [*map(harmless, words), row.clicks]


def _parts(
    session: Session,
    actor: Actor,
    matches: Select[Link],
    sort: str,
    now: datetime,
    few: Sequence[int] | None = None,
) -> list[_Part]:
    """The list in its order; by clicks in two parts, since most links have none, and those
    with clicks are then found from the clicks: of the `few` links alone, if they are known.
    """
    if sort == "newest":
        return [_part(matches, Link.created_at)]
    if sort == "name":
        return [_part(matches, Link.name_key, rising=True)]
    if sort == "changed":
        return [_part(matches, Link.updated_at)]
    period = last_days(session, actor, now)
    days = LinkDay.local_date.between(period.first, period.last), LinkDay.clicks > 0
    of_workspace = LinkDay.workspace_id == actor.workspace_id
    sums = (
        select(LinkDay.link_id, func.sum(LinkDay.clicks).label("clicks"))
        .where(of_workspace if few is None else LinkDay.link_id.in_(few), *days)
        .group_by(LinkDay.link_id)
        .subquery()
    )
    without = ~exists().where(LinkDay.link_id == Link.id, *days)
    return [
        _part(matches.join(sums, sums.c.link_id == Link.id), sums.c.clicks),
        _part(matches.where(without), literal(0)),
    ]


def _part(
    matches: Select[Link],
    key: ColumnElement[KeyT] | InstrumentedAttribute[KeyT],
    *,
    rising: bool = False,
) -> _Part:
    """In falling order of the key, or rising; ties by id."""
    query = matches.add_columns(key)
    column = cast(ColumnElement[Key], key)
    if rising:
        return _Part(query.order_by(key, Link.id), column, rising)
    return _Part(query.order_by(key.desc(), Link.id.desc()), column, rising)


def _cursor(sort: str, key: Key, link_id: int) -> str:
    if isinstance(key, datetime):
        key = (key - _EPOCH) // _MICROSECOND
    # PostgreSQL sums to a decimal where SQLite counts in whole numbers.
    plain = key if isinstance(key, str) else int(key)
    text = json.dumps([sort, plain, link_id], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(sort: str, cursor: str) -> tuple[Key, int]:
    """The key and the id in a cursor of this order. Raises `Invalid`."""
    if len(cursor) > LONGEST_CURSOR:
        _refuse()
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        of_sort, key, link_id = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        _refuse()
    if of_sort != sort or type(link_id) is not int or not 0 < link_id <= LARGEST_ID:
        _refuse()
    if sort == "name":
        if not isinstance(key, str) or NOT_TEXT.search(key):
            _refuse()
        return key, link_id
    if type(key) is not int or not 0 <= key <= LARGEST_ID:
        _refuse()
    if sort == "clicks":
        return key, link_id
    try:
        return _EPOCH + key * _MICROSECOND, link_id
    except OverflowError:
        _refuse()


def _refuse() -> NoReturn:
    raise Invalid(Problem("cursor", "bad_cursor"))


def _rows(session: Session, actor: Actor, links: Sequence[Link], now: datetime) -> list[LinkRow]:
    """What the list shows of the links; four queries, however many they are."""
    series = link_series(session, actor, [link.id for link in links], now)
    places = _places(session, links)
    campaigns = _campaigns(session, links)
    return [
        LinkRow(
            view=view,
            state=state_of(view.link, now),
            place=places.get(view.link.touchpoint_id),
            campaign=campaigns.get(view.link.campaign_id),
            clicks=sum(series[view.link.id]),
            series=series[view.link.id],
        )
        for view in link_views(session, links)
    ]


def _places(session: Session, links: Sequence[Link]) -> Mapping[int | None, Place]:
    rows = session.execute(
        select(Touchpoint.id, Touchpoint.name, Stage.name, Journey.name)
        .join(Stage, Stage.id == Touchpoint.stage_id)
        .join(Journey, Journey.id == Stage.journey_id)
        .where(Touchpoint.id.in_({link.touchpoint_id for link in links} - {None}))
    )
    return {number: Place(*names) for number, *names in rows}


def _campaigns(session: Session, links: Sequence[Link]) -> Mapping[int | None, str]:
    ids = {link.campaign_id for link in links} - {None}
    rows = session.execute(select(Campaign.id, Campaign.name).where(Campaign.id.in_(ids)))
    return dict(rows.all())
