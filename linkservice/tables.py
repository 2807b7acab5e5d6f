"""Every table of the product: importing this module fills the metadata."""

from __future__ import annotations

from linkservice import changes
from linkservice.clicks import claims, closed_day_model, ledger_model, month_model, packed_model
from linkservice.clicks import model as clicks
from linkservice.conversions import model as conversions
from linkservice.database import Base
from linkservice.journeys import model as journeys
from linkservice.links import model as links
from linkservice.reports import model as reports
from linkservice.sheets import model as sheets
from linkservice.workspaces import model as workspaces

__all__ = [
    "changes",
    "claims",
    "clicks",
    "closed_day_model",
    "conversions",
    "journeys",
    "ledger_model",
    "links",
    "metadata",
    "month_model",
    "packed_model",
    "reports",
    "sheets",
    "workspaces",
]

metadata = Base.metadata
