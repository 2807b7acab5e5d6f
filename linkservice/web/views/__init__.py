"""The pages, a module per noun; `DECLARED` is all of them."""

from __future__ import annotations

from itertools import chain

from linkservice.web.views import (
    account,
    campaign,
    conversions,
    cost_report,
    costs,
    downloads,
    entry,
    everywhere,
    finding_files,
    journeys,
    letters,
    link,
    links,
    live,
    members,
    moments,
    new_link,
    notes,
    overview,
    overview_files,
    persona_report,
    personas,
    privacy,
    reach,
    reach_table,
    reports,
    saved,
    search,
    settings,
    shares,
    sheets,
    tags,
    touchpoints,
    welcome,
)

DECLARED = tuple(
    chain.from_iterable(
        module.PAGES.declared
        for module in (
            account,
            conversions,
            campaign,
            cost_report,
            costs,
            downloads,
            entry,
            everywhere,
            finding_files,
            journeys,
            letters,
            link,
            links,
            live,
            members,
            moments,
            new_link,
            notes,
            overview,
            overview_files,
            persona_report,
            personas,
            privacy,
            reach,
            reach_table,
            reports,
            saved,
            search,
            settings,
            shares,
            sheets,
            tags,
            touchpoints,
            welcome,
        )
    )
)
