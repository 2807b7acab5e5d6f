"""The closed months of conversions, compared with their days; and all that is closed, to be looked
at in turn.

Not here: how it is looked at (`clicks.closed_audit`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from linkservice.clicks.closed_audit import (
    AGREES,
    OPEN,
    Kind,
    Look,
    Unequal,
    first_differing,
    of_table,
    touchpoint_or_workspace,
)
from linkservice.clicks.closed_kinds import (
    CAMPAIGN_MONTHS,
    DAY_LINKS,
    LINK_MONTHS,
    LINK_WEEKS,
    MONTH_DAYS,
)
from linkservice.clicks.touchpoint_audit import TOUCHPOINT_DAYS, TOUCHPOINT_MONTHS
from linkservice.clicks.value_days_audit import VALUE_DAYS
from linkservice.conversions import months
from linkservice.conversions.model import ConversionMonth


def _month(session: Session, row: Row[Any]) -> Look:
    key = row.workspace_id, row.month
    if row.last is None:
        return OPEN
    columns = (months.PACKED, months.PACKED, months.IMPORTED)
    stored = row.first, row.last, row.imported
    right = months.packed(session, *key)
    for one, other, form in zip(stored, right, columns, strict=True):
        if one != other:
            touchpoint_id = first_differing(one, other, form, "touchpoint_id")
            named = touchpoint_or_workspace(session, row.workspace_id, touchpoint_id)
            return Look(1, unequal=[Unequal(ConversionMonth.__tablename__, *key, *named, key)])
    return AGREES


def _reopen(session: Session, unequal: Sequence[Unequal]) -> None:
    for each in unequal:
        months.reopen(session, each.workspace_id, [each.date])


EVERY_KIND: Sequence[Kind] = (
    TOUCHPOINT_DAYS,
    TOUCHPOINT_MONTHS,
    DAY_LINKS,
    LINK_WEEKS,
    LINK_MONTHS,
    MONTH_DAYS,
    CAMPAIGN_MONTHS,
    VALUE_DAYS,
    of_table(ConversionMonth, _month, _reopen),
)
"""None before what it is made from."""
