"""All calls together, as Flask takes them."""

from __future__ import annotations

from flask import Flask

from linkservice.api import docs
from linkservice.api.annotations import ANNOTATIONS
from linkservice.api.conversions import CONVERSIONS
from linkservice.api.cost_report import COST_REPORT
from linkservice.api.costs import COSTS
from linkservice.api.domains import DOMAINS, TAGS
from linkservice.api.door import Door, IdConverter
from linkservice.api.journeys import CAMPAIGNS, JOURNEYS
from linkservice.api.links import LINKS
from linkservice.api.moments import MOMENTS_REPORT
from linkservice.api.personas import PERSONA_REPORT, PERSONAS
from linkservice.api.raw_clicks import RAW_CLICKS
from linkservice.api.report_details import DETAILS
from linkservice.api.reports import REPORTS
from linkservice.api.saved_views import VIEWS
from linkservice.api.touchpoints import REACH, TOUCHPOINTS
from linkservice.api.workspace import WORKSPACE
from linkservice.config import Settings
from linkservice.database import Database

NOUNS = (
    JOURNEYS,
    TOUCHPOINTS,
    REACH,
    COSTS,
    PERSONAS,
    LINKS,
    CAMPAIGNS,
    TAGS,
    DOMAINS,
    CONVERSIONS,
    ANNOTATIONS,
    REPORTS,
    DETAILS,
    RAW_CLICKS,
    COST_REPORT,
    PERSONA_REPORT,
    MOMENTS_REPORT,
    VIEWS,
    WORKSPACE,
)
OPERATIONS = tuple(operation for noun in NOUNS for operation in noun.operations)


def add_to(app: Flask, settings: Settings, database: Database) -> None:
    """Let `app` answer every call of the API and show its document."""
    app.url_map.converters["id"] = IdConverter
    app.register_blueprint(Door(settings, database).routes(OPERATIONS))
    app.register_blueprint(docs.pages(OPERATIONS))
