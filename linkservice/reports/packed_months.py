"""The closed months of a period, as they were packed: a year as a dozen values.

Not here: which months are closed and what is in them (`clicks.months`, `conversions.months`), the
days beside them (`period.days_beside`).
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from linkservice.clicks.month_model import MonthDays
from linkservice.conversions.model import ConversionMonth
from linkservice.database import AS_BYTES, read_once
from linkservice.reports.period import Period, whole_months


def packed_months(
    session: Session,
    rows: type[MonthDays | ConversionMonth],
    packed: InstrumentedAttribute[bytes | None],
    workspace_id: int,
    period: Period,
) -> dict[date, bytes]:
    """What the column holds of the whole months of the period that are closed for the workspace;
    read once in a session that reads.
    """
    begin, end = whole_months(period)
    query = select(rows.month, packed).where(
        rows.workspace_id == workspace_id, rows.month >= begin, rows.month < end
    )
    key = packed_months, rows, packed.key, workspace_id, begin, end
    found = read_once(
        session, key, lambda: session.execute(query, execution_options=AS_BYTES).all()
    )
    return {month: value for month, value in found if value is not None}
