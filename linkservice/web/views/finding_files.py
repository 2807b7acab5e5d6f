"""Files of what stands on pages of more than one report: a journey with its transitions, these
alone, what changed.
"""

from __future__ import annotations

from dataclasses import replace

from flask import Response

from linkservice.reports.exported_findings import of_changes, of_transitions
from linkservice.reports.transitions import TransitionReport, transition_report
from linkservice.web import change_sentences, periods, transition_words
from linkservice.web.asked import (
    Asked,
    arranged_as_asked,
    groups_asked,
    ranking_facts,
    report_asked,
)
from linkservice.web.door import Pages
from linkservice.web.filed import Filed, file_of, filters_of, paper_file
from linkservice.web.i18n import gettext
from linkservice.web.page import Page
from linkservice.web.papers import ranked_parts
from linkservice.web.periods import Chosen
from linkservice.web.ranked import Ranking
from linkservice.web.views.downloads import ranking_file

PAGES = Pages("reports")


@PAGES.get("/reports/journeys/<id>/download", scope="reports:read")
def download_journey(page: Page, id: str) -> Response:
    """The touchpoints of one journey, as its map shows them, and its transitions; a CSV file has
    the touchpoints.
    """
    return file_of(page, _journey(page, id))


@PAGES.get("/reports/journeys/<id>/paper", scope="reports:read")
def paper_journey(page: Page, id: str) -> Response:
    """The same as PDF."""
    return paper_file(page, _journey(page, id))


@PAGES.get("/reports/journeys/<id>/transitions/download", scope="reports:read")
def download_transitions(page: Page, id: str) -> Response:
    """The transitions of one journey."""
    chosen = periods.chosen(page.query, page.time_zone, page.now).certain
    found = _transitions(page, id, chosen)
    filed = Filed(
        about="transitions",
        subject=found.journey,
        subject_id=id,
        title=found.journey,
        found=of_transitions(found, {}),
        facts=transition_words.facts(page, found),
        parts=transition_words.parts(found),
        finding=transition_words.finding(found),
    )
    return file_of(page, filed)


@PAGES.get("/reports/changes/download", scope="reports:read")
def download_changes(page: Page) -> Response:
    """What changed on the period's last three days, as the overview has it, and what did not."""
    chosen = periods.chosen(page.query, page.time_zone, page.now).certain
    found = change_sentences.changed_within(page, chosen)
    filed = Filed(
        about="changes",
        title=gettext("What changed"),
        found=of_changes(found, filters_of(chosen)),
        facts=change_sentences.facts(page, chosen, found),
        parts=change_sentences.parts(found),
    )
    return file_of(page, filed)


def _journey(page: Page, id: str) -> Filed:
    chosen = periods.chosen(page.query, page.time_zone, page.now).certain
    asked = Asked(chosen, id, "visitors_per_reach", "", False)
    report = report_asked(page, asked)
    crossings = _transitions(page, id, chosen)
    seen = arranged_as_asked(page, asked, report)
    ranking = Ranking.of(report)
    rows = [ranking.shown(row, drawn=False) for row in seen.rows]
    ranked, moved = ranking_file(page, asked, report), of_transitions(crossings, {})
    found = replace(
        ranked,
        content={**ranked.content, "transitions": moved.content},
        tables=[*ranked.tables, *moved.tables],
    )
    return Filed(
        about="journey",
        subject=crossings.journey,
        subject_id=id,
        title=crossings.journey,
        found=found,
        facts=[*transition_words.definitions(crossings), *ranking_facts(page, asked, report)],
        parts=[
            *ranked_parts(ranking, groups_asked(asked, seen, ranking, rows)),
            *transition_words.parts(crossings),
        ],
        finding=transition_words.finding(crossings),
    )


def _transitions(page: Page, id: str, chosen: Chosen) -> TransitionReport:
    first, last = chosen.period.first, chosen.period.last
    return transition_report(page.session, page.actor, id, first=first, last=last, now=page.now)
