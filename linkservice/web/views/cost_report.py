"""The report on costs: what clicks and visitors cost, on a page and as files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import Response

from linkservice.reports.cost_judging import BYS
from linkservice.reports.cost_results import GROUPS, CostReport, CostRow, Costs, without_cost
from linkservice.reports.costs import cost_report
from linkservice.reports.exported_findings import of_costs
from linkservice.web import cost_verdicts, cost_words, periods
from linkservice.web.cost_badges import badge_word
from linkservice.web.cost_lines import (
    GROUP_WORDS,
    SHARED_SIGN,
    is_shared_out,
    row_name,
    shared_word,
    unknown,
    unpaid_word,
)
from linkservice.web.door import Pages
from linkservice.web.filed import Filed, csv_of, file_of, filters_of, paper_file
from linkservice.web.i18n import gettext
from linkservice.web.page import Page, address
from linkservice.web.periods import Chosen, Here
from linkservice.web.places import journeys_by_name

PAGES = Pages("reports")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the query of the page asks for."""

    chosen: Chosen
    group: str
    sort: str = BYS[0]
    upwards: bool = False

    @property
    def query(self) -> dict[str, str | None]:
        """The fields the addresses of the page carry; nothing for what is usual."""
        return {
            **self.chosen.query,
            "group": None if self.group == GROUPS[0] else self.group,
            "sort": None if self.sort == BYS[0] else self.sort,
            "order": "up" if self.upwards else None,
        }

    @property
    def kept(self) -> str | None:
        """What a share link keeps of it, besides the period."""
        period = self.chosen.query
        return urlencode({k: v for k, v in self.query.items() if v and k not in period}) or None


def asked_costs(query: Mapping[str, str], chosen: Chosen) -> Asked:
    """What fields of an address ask for; what is no such thing is what is usual."""
    group, sort = query.get("group", ""), query.get("sort", "")
    return Asked(
        chosen,
        group if group in GROUPS else GROUPS[0],
        sort if sort in BYS else BYS[0],
        query.get("order") == "up",
    )


def _asked_for(page: Page) -> Asked:
    return asked_costs(page.query, periods.chosen(page.query, page.time_zone, page.now))


class Line(NamedTuple):
    """A row, what it is called, its report on the same days, the form that enters a cost of it
    where none is, and where its costs are changed; None where there is none, or not for this
    reader.
    """

    row: CostRow
    name: str
    href: str | None
    enter: str | None
    edit: str | None


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of the table by what is known of their cost, in the order of the report: whoever
    looks for the cheapest looks among what was `paid` for. `together` are those without a cost
    where they are folded into one line: several, below others.
    """

    paid: list[Line]
    free: list[Line]
    without: list[Line]
    together: Costs | None

    @classmethod
    def of(cls, lines: list[Line]) -> Lines:
        """These lines told apart."""
        costs = [line.row.costs.cost for line in lines]
        without = [line for line, cost in zip(lines, costs, strict=True) if cost is None]
        folded = 1 < len(without) < len(lines)
        return cls(
            paid=[line for line, cost in zip(lines, costs, strict=True) if cost],
            free=[line for line, cost in zip(lines, costs, strict=True) if cost == 0],
            without=without,
            together=without_cost([line.row for line in without]) if folded else None,
        )


@PAGES.get("/reports/costs", scope="reports:read")
def costs_report(page: Page) -> Response:
    """What clicks and visitors cost."""
    asked = _asked_for(page)
    return page.render(
        "reports/costs.html",
        status=asked.chosen.status,
        asked=asked,
        here=Here("costs_report", asked.query),
        groups=[(name, gettext(label)) for name, label in GROUP_WORDS.items()],
        journeys=journeys_by_name(page),
        **cost_context(page, asked),
    )


def cost_context(page: Page, asked: Asked, *, linked: bool = True) -> dict[str, Any]:
    """What a page shows of the report; only `linked` rows lead to their reports and to where
    costs are entered, and only heads of a page of members sort.
    """
    found, chosen = _report(page, asked), asked.chosen
    enters = linked and page.may("journeys:write")
    lines = [
        Line(
            row,
            row_name(row, found.group),
            _href(row, chosen) if linked else None,
            _enter(row) if enters and row.costs.cost is None else None,
            _edit(row) if enters and row.costs.cost is not None else None,
        )
        for row in found.rows
    ]
    return {
        "chosen": chosen,
        "found": found,
        "sentences": cost_verdicts.sentences(found),
        "lines": Lines.of(lines),
        "sortable": linked,
        "line": gettext(GROUP_WORDS[found.group]),
        "several_journeys": cost_words.several_journeys(found),
        "unknown": unknown(found),
        "words": cost_words,
        "shared_sign": SHARED_SIGN,
        "is_shared_out": is_shared_out,
        "shared_word": shared_word,
        "unpaid_word": unpaid_word,
        "said": cost_verdicts,
        "badge_word": badge_word,
        "counted": cost_words.facts(page, chosen, found),
    }


@PAGES.get("/reports/costs/download", scope="reports:read")
def download_costs(page: Page) -> Response:
    """The same report as a file, exact."""
    return file_of(page, _filed(page))


@PAGES.get("/reports/costs.csv", scope="reports:read")
def costs_csv(page: Page) -> Response:
    """The same as a CSV file, under the address it always had."""
    return csv_of(page, _filed(page))


@PAGES.get("/reports/costs/paper", scope="reports:read")
def paper_costs(page: Page) -> Response:
    """The same as PDF."""
    return paper_file(page, _filed(page))


def _filed(page: Page) -> Filed:
    asked = _asked_for(page)
    found = _report(page, replace(asked, chosen=asked.chosen.certain))
    certain = cost_verdicts.part(found)
    return Filed(
        about="costs",
        subject="" if found.group == GROUPS[0] else gettext(GROUP_WORDS[found.group]),
        title=gettext("Costs"),
        found=of_costs(found, filters_of(asked.chosen)),
        facts=cost_words.facts(page, asked.chosen, found),
        parts=[*cost_words.parts(found), *([certain] if certain else [])],
        finding=" ".join(cost_verdicts.sentences(found)),
    )


def _report(page: Page, asked: Asked) -> CostReport:
    period = asked.chosen.period
    return cost_report(
        page.session,
        page.actor,
        first=period.first,
        last=period.last,
        group=asked.group,
        sort=asked.sort,
        upwards=asked.upwards,
        suspects=asked.chosen.suspects,
        now=page.now,
    )


def _href(row: CostRow, chosen: Chosen) -> str | None:
    """Its report on these days; that of a touchpoint outlives it."""
    if row.kind == "touchpoint":
        return address("touchpoint_report_page", id=row.id, **chosen.query)
    if _has_page(row):
        return address("campaign", id=row.id, _anchor="report", **chosen.query)
    return None


def _edit(row: CostRow) -> str | None:
    """Where its costs are listed; a deleted touchpoint has no page any more."""
    return address(row.kind, id=row.id, _anchor="costs") if _has_page(row) else None


def _enter(row: CostRow) -> str | None:
    """The form that enters one."""
    return address(f"new_{row.kind}_cost", id=row.id) if _has_page(row) else None


def _has_page(row: CostRow) -> bool:
    return row.kind in ("touchpoint", "campaign") and not row.deleted
