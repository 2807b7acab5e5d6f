"""Reach that cannot be: more visitors than people who could have come, in words.

Not here: of which touchpoints that is so, and why they stay among the peers (`reports/judging`); in
which days it is looked for where reach is entered (`reports/exceeded`).
"""

from __future__ import annotations

from collections.abc import Sequence

from linkservice.reports.exceeded import Exceeded
from linkservice.reports.results import TouchpointRow
from linkservice.web.i18n import gettext, write_number, write_span

_NAMED = 3
"""So many are named, the others counted."""


def exceeding(rows: Sequence[TouchpointRow]) -> str:
    """Which touchpoints have more visitors than reach, and what follows; "" where none has."""
    found = [row for row in rows if row.exceeds_reach]
    if not found:
        return ""
    told = [_told(row) for row in found[:_NAMED]]
    if len(found) > _NAMED:
        told.append(f"+ {write_number(len(found) - _NAMED)}")
    names = ", ".join(told)
    return gettext(
        "More visitors than reach: %(names)s. Check the entry: as it stands, it also raises what "
        "others of that unit are compared with.",
        names=names,
    )


def too_little(found: Exceeded | None) -> str:
    """That the reach of one touchpoint is less than its visitors; "" where it is not."""
    if found is None:
        return ""
    return gettext(
        "More visitors than reach: in these days (%(days)s) %(visitors)s visitors came, with a "
        "reach of %(reach)s. Check the entry: as it stands, it also raises what others of that "
        "unit are compared with.",
        visitors=write_number(found.visitors),
        reach=write_number(round(found.reach)),
        days=write_span(found.period.first, found.period.last),
    )


def _told(row: TouchpointRow) -> str:
    facts = {"name": row.name or "", "visitors": write_number(row.visitors + row.tokenless)}
    reach = write_number(round(row.reach))
    return gettext("“%(name)s” (%(visitors)s of %(reach)s)", reach=reach, **facts)
