"""Conversions of links: what a shop reported with the click ids that they had appended.

Decided here: a conversion is the link's of its last click, on the day it occurred. Imported sums
name a touchpoint and no link, so no link has them. Not here: conversions by touchpoint
(`conversions`), by campaign beside what was spent (`cost_conversions`).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from linkservice.conversions.model import Conversion
from linkservice.reports.period import Period


def of_links(
    session: Session, workspace_id: int, links: Sequence[int] | Select[int], period: Period
) -> tuple[int, int]:
    """How many conversions links of the workspace led to in the period, and their value in the
    smallest unit of its currency.
    """
    count, value = session.execute(
        select(func.count(), func.sum(Conversion.value)).where(
            Conversion.workspace_id == workspace_id,
            Conversion.local_date.between(period.first, period.last),
            Conversion.last_link_id.in_(links),
        )
    ).one()
    # PostgreSQL sums 64-bit columns to a decimal.
    return count, int(value or 0)
