"""All sums of what links had, reopened together: of days, of weeks and of months.

Whoever changes the days of links calls this, so that none is forgotten. Not here: what is done to
each (`spans`, `day_links`, `campaign_months`), and the sums of single clicks (`closed_days`).
"""

from __future__ import annotations

from sqlalchemy import Connection

from linkservice.clicks import campaign_months, day_links
from linkservice.clicks.closing_lock import lock
from linkservice.clicks.grouping import Ints
from linkservice.clicks.months import MONTHS
from linkservice.clicks.weeks import WEEKS

SPANS = MONTHS, WEEKS
"""In the order they are closed in: as long as there is a month to close, no week is."""


def reopen(
    connection: Connection, days: Ints, link_ids: Ints, workspace_ids: Ints | None = None
) -> None:
    """Have what these links had on these days (`date.toordinal()`) summed up again wherever it has
    been; also what these workspaces had, unless only hours and facets change (None). Within the
    transaction that changes it.
    """
    if not len(days):
        return
    lock(connection, shared=True)
    for spans in SPANS:
        spans.reopen(connection, days, link_ids, workspace_ids)
    campaign_months.reopen(connection, days, link_ids)
    if workspace_ids is not None:
        day_links.reopen(connection, workspace_ids, days)
