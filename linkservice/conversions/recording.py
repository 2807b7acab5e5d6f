"""Conversions as a shop's server reports them: once each, by the clicks that led there.

Decided here: which clicks of a conversion count (`attribution_days` of the workspace), which of
them is first and last, and that an event id counts once, however often and by how many at a time
it is sent. What was recorded first stays. Not here: click ids (`click_id`), sums that are
imported (`counts`), reports (`reports/conversions`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import ForUpdateArg

from linkservice.clicks.calendar import epoch_ms, local_day
from linkservice.config import Settings
from linkservice.conversions import months
from linkservice.conversions.click_id import Clicked, ClickIds
from linkservice.conversions.model import (
    LONGEST_EVENT_ID,
    LONGEST_NAME,
    NO_TOUCHPOINT,
    Conversion,
    ConversionDay,
)
from linkservice.database import insert_into, unless_taken
from linkservice.errors import Conflict
from linkservice.fields import Problems
from linkservice.links.model import Link, LinkVersion
from linkservice.workspaces.access import Actor, find, page
from linkservice.workspaces.model import Workspace

MOST_CLICK_IDS = 50
"""Of one conversion."""

LARGEST_VALUE = 10**12
"""In the smallest unit of the currency: ten thousand million euros."""

CLOCKS_DIFFER = timedelta(minutes=5)
"""How far the clock of whoever reports may be from ours."""


@dataclass(frozen=True, slots=True)
class NewConversion:
    """A conversion as it is reported; `value` in the smallest unit of the `currency` (cents).

    Without `occurred_at` it occurred now, without `currency` it has the workspace's. `listed`
    says that the click ids came as a list, for the names of wrong ones.
    """

    event_id: str
    click_ids: Sequence[str]
    listed: bool = True
    occurred_at: datetime | None = None
    value: int | None = None
    currency: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """The conversion as it is stored; not `new` where its event id was there before."""

    conversion: Conversion
    new: bool


@dataclass(frozen=True, slots=True)
class _Click:
    """A click of the workspace's own links, and the touchpoint its link had then."""

    clicked: Clicked
    touchpoint_id: int | None


def record_conversion(
    session: Session, actor: Actor, settings: Settings, new: NewConversion, now: datetime
) -> Recorded:
    """Record a conversion, unless its event id is there already.

    Raises `Invalid` with every wrong field (also forged and foreign click ids), `Forbidden`.
    """
    actor.require("conversions:write")
    # Held for reading: the currency stays what it is while a value is recorded in it.
    workspace = session.get_one(
        Workspace, actor.workspace_id, with_for_update=ForUpdateArg(read=True)
    )
    problems = Problems()
    conversion = _checked(problems, workspace, new, now)
    clicks = _clicks(problems, session, actor, settings, new)
    problems.raise_if_any()
    window = timedelta(days=workspace.attribution_days)
    occurred_at = conversion.occurred_at
    counting = sorted(
        (
            each
            for each in clicks
            if occurred_at - window <= each.clicked.at <= occurred_at + CLOCKS_DIFFER
        ),
        key=lambda each: each.clicked.at,
    )
    if counting:
        _attribute(conversion, counting[0], counting[-1])
    try:
        with unless_taken(session, Conversion, "workspace_id", "event_id", otherwise=Conflict()):
            session.add(conversion)
    except Conflict:
        return Recorded(_stored(session, actor, conversion.event_id), new=False)
    _add_up(session, conversion)
    return Recorded(conversion, new=True)


def one_conversion(session: Session, actor: Actor, outside_id: str) -> Conversion:
    """The conversion with that id. Raises `NotFound`, `Forbidden`."""
    actor.require("reports:read")
    return find(session, actor, Conversion, outside_id)


def list_conversions(
    session: Session, actor: Actor, *, after: int | None, limit: int
) -> Sequence[Conversion]:
    """The next at most `limit` conversions above the id `after`. Raises `Forbidden`."""
    actor.require("reports:read")
    return session.scalars(page(actor, Conversion, after=after, limit=limit)).all()


def _checked(
    problems: Problems, workspace: Workspace, new: NewConversion, now: datetime
) -> Conversion:
    """The conversion without its clicks."""
    event_id = problems.text("event_id", new.event_id, longest=LONGEST_EVENT_ID)
    name = None
    if new.name is not None:
        name = problems.text("name", new.name, longest=LONGEST_NAME)
    if new.value is not None:
        problems.number("value", new.value, low=0, high=LARGEST_VALUE)
    if new.currency not in (None, workspace.currency):
        problems.add("currency", "other_value_currency", currency=workspace.currency)
    occurred_at = now if new.occurred_at is None else new.occurred_at
    if occurred_at > now + CLOCKS_DIFFER:
        problems.add("occurred_at", "in_the_future")
    day, _ = local_day(epoch_ms(occurred_at), workspace.time_zone)
    return Conversion(
        workspace_id=workspace.id,
        event_id=event_id,
        name=name,
        occurred_at=occurred_at,
        local_date=day,
        value=new.value,
        currency=workspace.currency,
        recorded_at=now,
    )


def _clicks(
    problems: Problems, session: Session, actor: Actor, settings: Settings, new: NewConversion
) -> list[_Click]:
    """The clicks behind the ids; those of another workspace's links are as unknown as forged."""
    if not 1 <= len(new.click_ids) <= MOST_CLICK_IDS:
        problems.add("click_ids", "how_many_click_ids", most=MOST_CLICK_IDS)
        return []
    ids = ClickIds(settings.secret_key)
    found = []
    for number, text in enumerate(new.click_ids):
        clicked = ids.read(text)
        click = None if clicked is None else _placed(session, actor, clicked)
        if click is None:
            problems.add(f"click_ids.{number}" if new.listed else "click_id", "unknown_click_id")
        else:
            found.append(click)
    return found


def _placed(session: Session, actor: Actor, clicked: Clicked) -> _Click | None:
    """The click with the touchpoint of the link's version; None where the link is not ours."""
    row = session.execute(
        select(LinkVersion.touchpoint_id)
        .join(Link, Link.id == LinkVersion.link_id)
        .where(
            Link.workspace_id == actor.workspace_id,
            LinkVersion.link_id == clicked.link_id,
            LinkVersion.version == clicked.version,
        )
    ).one_or_none()
    return None if row is None else _Click(clicked, row.touchpoint_id)


def _attribute(conversion: Conversion, first: _Click, last: _Click) -> None:
    """Note the clicks; of their moments the second, which is enough for what is reported."""
    conversion.first_link_id = first.clicked.link_id
    conversion.first_touchpoint_id = first.touchpoint_id
    conversion.first_clicked_at = first.clicked.at.replace(microsecond=0)
    conversion.last_link_id = last.clicked.link_id
    conversion.last_touchpoint_id = last.touchpoint_id
    conversion.last_clicked_at = last.clicked.at.replace(microsecond=0)


def _stored(session: Session, actor: Actor, event_id: str) -> Conversion:
    return session.scalars(
        select(Conversion).where(
            Conversion.workspace_id == actor.workspace_id, Conversion.event_id == event_id
        )
    ).one()


def _add_up(session: Session, conversion: Conversion) -> None:
    """Add it to the sums of its day, in the transaction that records it."""
    parts = sorted(_parts(conversion))
    if parts:
        months.reopen(session, conversion.workspace_id, [conversion.local_date])
    # In one order: two that come at once wait for each other's rows, never crosswise.
    for touchpoint_id, attribution in parts:
        insert = insert_into(ConversionDay, session).values(
            workspace_id=conversion.workspace_id,
            local_date=conversion.local_date,
            touchpoint_id=touchpoint_id,
            attribution=attribution,
            conversions=1,
            value=conversion.value or 0,
        )
        session.execute(
            insert.on_conflict_do_update(
                index_elements=["workspace_id", "local_date", "touchpoint_id", "attribution"],
                set_={
                    "conversions": ConversionDay.conversions + insert.excluded.conversions,
                    "value": ConversionDay.value + insert.excluded.value,
                },
            )
        )


def _parts(conversion: Conversion) -> Iterator[tuple[int, str]]:
    """Touchpoint and attribution of the sums it belongs to; none if no click counts."""
    if conversion.first_link_id is not None:
        yield conversion.first_touchpoint_id or NO_TOUCHPOINT, "first"
        yield conversion.last_touchpoint_id or NO_TOUCHPOINT, "last"
