"""What forms and filters offer: a workspace's touchpoints, campaigns, tags and domains."""

from __future__ import annotations

from collections.abc import Sequence

from linkservice.journeys.campaigns import list_campaigns
from linkservice.journeys.manage import JourneyMap, list_journeys
from linkservice.journeys.model import Journey
from linkservice.links.domains import list_domains
from linkservice.links.tags import tags_with_counts
from linkservice.web.page import Page
from linkservice.workspaces.access import scoped

MOST = 1_000
"""Journeys, campaigns or domains a page offers: no workspace has nearly as many."""

Group = tuple[str, list[tuple[str, str]]]


def journeys(page: Page) -> list[JourneyMap]:
    """Every journey with its stages and touchpoints."""
    return list_journeys(page.session, page.actor, after=None, limit=MOST)


def journeys_by_name(page: Page) -> Sequence[Journey]:
    """The journeys whose maps one can choose from, by name."""
    query = scoped(page.actor, Journey).order_by(Journey.name, Journey.id)
    return page.session.scalars(query.limit(MOST)).all()


def touchpoint_groups(maps: list[JourneyMap]) -> list[Group]:
    """Touchpoints by stage; the journey is named where there are several."""
    return [
        (
            f"{each.journey.name} · {stage.name}" if len(maps) > 1 else stage.name,
            [(str(touchpoint.id), touchpoint.name) for touchpoint in touchpoints],
        )
        for each in maps
        for stage, touchpoints in each.stages
        if touchpoints
    ]


def stage_groups(maps: list[JourneyMap]) -> list[Group]:
    """Stages by journey."""
    return [
        (each.journey.name, [(str(stage.id), stage.name) for stage, _ in each.stages])
        for each in maps
        if each.stages
    ]


def campaigns(page: Page) -> list[tuple[str, str]]:
    """Every campaign, the newest first."""
    found = list_campaigns(page.session, page.actor, after=None, limit=MOST)
    return [(str(campaign.id), campaign.name) for campaign in reversed(found)]


def tag_names(page: Page) -> list[str]:
    """Every tag, in alphabetical order."""
    return [counted.tag.name for counted in tags_with_counts(page.session, page.actor)]


def domains(page: Page) -> list[str]:
    """Every host, the one for new links first."""
    found = list_domains(page.session, page.actor, after=None, limit=MOST)
    return [domain.host for domain in sorted(found, key=lambda each: not each.preferred)]
