"""The calls of conversions: reported by a shop's server, and listed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from linkservice.api.door import Call, Calls, Listed, Nothing, Page, Repeated, id_of, listed
from linkservice.api.values import Answer, Day, Given, Id, Moment, described, optional_id, text
from linkservice.conversions import counts, recording
from linkservice.conversions.click_id import FORM, PARAMETER
from linkservice.conversions.counts import MOST_CONVERSIONS, USUAL_SOURCE, NewCount
from linkservice.conversions.model import (
    LONGEST_EVENT_ID,
    LONGEST_NAME,
    LONGEST_SOURCE,
    Conversion,
)
from linkservice.conversions.recording import LARGEST_VALUE, MOST_CLICK_IDS, NewConversion
from linkservice.journeys.reach_table import MOST_ROWS

CONVERSIONS = Calls("Conversions")

ClickId = Annotated[
    str,
    Field(max_length=200),
    described(pattern=f"^{FORM}$", description=f"What the destination received as `{PARAMETER}`."),
]


class ConversionGiven(Given):
    """Something a customer did, with one click id or several; `value` in cents (the smallest unit
    of the workspace's currency). The same `event_id` again counts once.
    """

    event_id: Annotated[str, text(LONGEST_EVENT_ID)]
    click_id: ClickId | None = None
    click_ids: Annotated[list[ClickId], Field(min_length=1, max_length=MOST_CLICK_IDS)] | None = (
        None
    )
    occurred_at: Moment | None = None
    value: Annotated[int, Field(ge=0, le=LARGEST_VALUE)] | None = None
    currency: Annotated[str, described(pattern="^[A-Z]{3}$")] | None = None
    name: Annotated[str, text(LONGEST_NAME)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> ConversionGiven:
        if (self.click_id is None) == (self.click_ids is None):
            raise PydanticCustomError("click_id_or_ids", "either of the two")
        return self

    def new(self) -> NewConversion:
        """The same for the noun."""
        listed = self.click_ids is not None
        return NewConversion(
            event_id=self.event_id,
            click_ids=self.click_ids or [self.click_id or ""],
            listed=listed,
            occurred_at=self.occurred_at,
            value=self.value,
            currency=self.currency,
            name=self.name,
        )


class CountGiven(Given):
    """The conversions of a touchpoint on a day; `value` in cents."""

    date: Day
    touchpoint_id: Id
    conversions: Annotated[int, Field(ge=0, le=MOST_CONVERSIONS)]
    value: Annotated[int, Field(ge=0, le=LARGEST_VALUE)] = 0


class CountsGiven(Given):
    """Sums of days and touchpoints from a `source`; a row replaces the one that is there."""

    items: Annotated[list[CountGiven], Field(min_length=1, max_length=MOST_ROWS)]
    source: Annotated[str, text(LONGEST_SOURCE)] = USUAL_SOURCE


class CountsAnswer(Answer):
    """How many rows were new, had another figure before, or were there already."""

    added: int
    changed: int
    unchanged: int


class ClickAnswer(Answer):
    """A click that led to a conversion, by the link and the touchpoint the link had then."""

    link_id: Id
    touchpoint_id: Id | None
    clicked_at: Moment


class ConversionAnswer(Answer):
    """A conversion. `date` is its day in the workspace; without a click that counts, `first` and
    `last` are null and it is in no report.
    """

    id: Id
    event_id: str
    name: str | None
    occurred_at: Moment
    date: Day
    value: int | None
    currency: str
    first: ClickAnswer | None
    last: ClickAnswer | None
    recorded_at: Moment


@CONVERSIONS.call(
    "POST",
    "/conversions",
    scope="conversions:write",
    takes=ConversionGiven,
    answers=ConversionAnswer,
    repeatable=True,
)
def record_conversion(
    call: Call, given: ConversionGiven
) -> ConversionAnswer | Repeated[ConversionAnswer]:
    """Report a conversion; the same event id again counts once"""
    done = recording.record_conversion(
        call.session, call.actor, call.settings, given.new(), call.now
    )
    answer = _conversion(done.conversion)
    return answer if done.new else Repeated(answer)


@CONVERSIONS.call(
    "GET", "/conversions", scope="reports:read", takes=Page, answers=Listed[ConversionAnswer]
)
def list_conversions(call: Call, given: Page) -> Listed[ConversionAnswer]:
    """List conversions, the oldest first"""
    return listed(
        given,
        lambda after, limit: recording.list_conversions(
            call.session, call.actor, after=after, limit=limit
        ),
        _conversion,
        id_of,
    )


@CONVERSIONS.call("GET", "/conversions/{id}", scope="reports:read", answers=ConversionAnswer)
def get_conversion(call: Call, given: Nothing) -> ConversionAnswer:
    """Get a conversion"""
    return _conversion(recording.one_conversion(call.session, call.actor, call.id))


@CONVERSIONS.call(
    "POST",
    "/conversion-counts",
    scope="conversions:write",
    takes=CountsGiven,
    answers=CountsAnswer,
    refers=True,
)
def import_counts(call: Call, given: CountsGiven) -> CountsAnswer:
    """Import conversions as sums by day and touchpoint; the same row again replaces"""
    rows = [NewCount(**each.model_dump()) for each in given.items]
    done = counts.import_counts(call.session, call.actor, rows, given.source, call.now)
    return CountsAnswer(added=done.added, changed=done.changed, unchanged=done.unchanged)


def _conversion(found: Conversion) -> ConversionAnswer:
    return ConversionAnswer(
        id=str(found.id),
        event_id=found.event_id,
        name=found.name,
        occurred_at=found.occurred_at,
        date=found.local_date,
        value=found.value,
        currency=found.currency,
        first=_click(found.first_link_id, found.first_touchpoint_id, found.first_clicked_at),
        last=_click(found.last_link_id, found.last_touchpoint_id, found.last_clicked_at),
        recorded_at=found.recorded_at,
    )


def _click(
    link_id: int | None, touchpoint_id: int | None, clicked_at: datetime | None
) -> ClickAnswer | None:
    if link_id is None or clicked_at is None:
        return None
    return ClickAnswer(
        link_id=str(link_id), touchpoint_id=optional_id(touchpoint_id), clicked_at=clicked_at
    )
