"""A report that is shared by a link, as PDF: what its page shows, for whoever may open that page.

Not here: who may (`shares`), which tables there are (the views of each report).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias, cast

from flask import Response

from linkservice.reports import shares
from linkservice.reports.model import Kept, ReportShare
from linkservice.reports.personas import METRICS as PERSONA_METRICS
from linkservice.web.page import Page
from linkservice.web.views.cost_report import paper_costs
from linkservice.web.views.downloads import paper_of_one, paper_reports, paper_touchpoint
from linkservice.web.views.finding_files import paper_journey
from linkservice.web.views.moments import paper_moments
from linkservice.web.views.overview_files import paper_overview
from linkservice.web.views.persona_report import paper_personas

Print: TypeAlias = Callable[[Page, str], Response]

_PRINTED: Mapping[Kept, Print] = {
    "touchpoints": lambda page, subject: paper_reports(page),
    "journey": paper_journey,
    "touchpoint": paper_touchpoint,
    "link": lambda page, subject: paper_of_one(page, "link", subject, ""),
    "campaign": lambda page, subject: paper_of_one(page, "campaign", subject, ""),
    "costs": lambda page, subject: paper_costs(page),
    "personas": lambda page, subject: paper_personas(page),
    "moments": lambda page, subject: paper_moments(page),
    "overview": lambda page, subject: paper_overview(page),
}


def shared_paper(page: Page, share: ReportShare, title: str) -> Response:
    """The PDF under the share's `title`, of its days and filters, whatever the address says. Raises
    `NotFound` where its subject is gone.
    """
    assert page.guest is not None
    period = shares.period_of(page.session, share, page.now)
    subject = str(share.subject_id)
    asked = {
        **shares.asked_of(share),
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "metric": share.metric if _is_known(share) else "",
        "scanners": "include" if share.suspects else "",
        "journey_id": subject if share.about in ("journey", "moments") and share.subject_id else "",
    }
    guest = replace(page.guest, title=title, asked=asked)
    return _PRINTED[cast(Kept, share.about)](replace(page, guest=guest), subject)


def _is_known(share: ReportShare) -> bool:
    """Whether the report has the metric: one on personas that was shared before there was a choice
    has that of the others.
    """
    return share.about != "personas" or share.metric in PERSONA_METRICS
