"""Campaigns: made, renamed, deleted, and whose they are."""

from __future__ import annotations

import pytest
from cast import NOW, Home, make_home, make_link

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Conflict, Forbidden, Invalid, NotFound
from linkservice.journeys import campaigns
from linkservice.links.model import Link
from linkservice.workspaces.access import Actor
from linkservice.workspaces.trail import list_trail


@pytest.fixture
def ada(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        return make_home(session, settings)


def test_a_campaigns_name_is_its_own_in_the_workspace(
    database: Database, settings: Settings, ada: Home
) -> None:
    with database.transaction() as session:
        cleo = make_home(session, settings, host="go.cleo.example")
        campaigns.create_campaign(session, ada.actor, "Herbst", NOW)
        winter = campaigns.create_campaign(session, ada.actor, "Winter", NOW)
        campaigns.create_campaign(session, cleo.actor, "Herbst", NOW)
        with pytest.raises(Conflict):
            campaigns.rename_campaign(session, ada.actor, str(winter.id), "Herbst", NOW)


def test_the_links_of_a_deleted_campaign_stay(
    database: Database, settings: Settings, ada: Home
) -> None:
    with database.transaction() as session:
        campaign = campaigns.create_campaign(session, ada.actor, "Herbst", NOW)
        link = make_link(session, settings, ada, "herbst")
        link.campaign_id = campaign.id
        session.flush()
        campaigns.delete_campaign(session, ada.actor, str(campaign.id), NOW)
        session.expire_all()
        assert session.get_one(Link, link.id).campaign_id is None
        with pytest.raises(NotFound):
            campaigns.one_campaign(session, ada.actor, str(campaign.id))


def test_what_is_done_to_a_campaign_is_noted(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        campaign = campaigns.create_campaign(session, ada.actor, " Herbst ", NOW)
        campaign_id = campaign.id
        campaigns.rename_campaign(session, ada.actor, str(campaign_id), "Herbst", NOW)
        campaigns.rename_campaign(session, ada.actor, str(campaign_id), "Winter", NOW)
        with pytest.raises(Invalid):
            campaigns.rename_campaign(session, ada.actor, str(campaign_id), " ", NOW)
        campaigns.delete_campaign(session, ada.actor, str(campaign_id), NOW)
        notes = [note for _, note in list_trail(session, ada.actor, before=None, limit=9)][::-1]
    assert [(note.action, note.name, dict(note.facts)) for note in notes] == [
        ("campaign.created", "Herbst", {}),
        ("campaign.renamed", "Winter", {"before": "Herbst"}),
        ("campaign.deleted", "Winter", {}),
    ]
    assert {note.subject_id for note in notes} == {campaign_id}


def test_cleo_and_vera_change_no_campaign(
    database: Database, settings: Settings, ada: Home
) -> None:
    vera = Actor(ada.workspace_id, "vera", frozenset({"journeys:read"}))
    with database.transaction() as session:
        cleo = make_home(session, settings, host="go.cleo.example").actor
        campaign_id = str(campaigns.create_campaign(session, ada.actor, "Herbst", NOW).id)
        for actor, error in ((cleo, NotFound), (vera, Forbidden)):
            with pytest.raises(error):
                campaigns.rename_campaign(session, actor, campaign_id, "x", NOW)
            with pytest.raises(error):
                campaigns.delete_campaign(session, actor, campaign_id, NOW)
        assert campaigns.one_campaign(session, vera, campaign_id).name == "Herbst"
