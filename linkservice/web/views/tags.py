"""Campaigns and tags: what links are sorted by."""

from __future__ import annotations

from flask import Response

from linkservice.journeys.campaigns import create_campaign, delete_campaign, rename_campaign
from linkservice.journeys.campaigns import list_campaigns as every_campaign
from linkservice.links import tags as words
from linkservice.links.counts import campaign_counts
from linkservice.web.door import Pages
from linkservice.web.forms import Form
from linkservice.web.i18n import gettext
from linkservice.web.page import Page, address
from linkservice.web.places import MOST

PAGES = Pages("links")


@PAGES.get("/campaigns", scope="journeys:read")
def campaigns(page: Page, id: str = "") -> Response:
    """Every campaign with its links; `id` is one that could not be renamed."""
    found = every_campaign(page.session, page.actor, after=None, limit=MOST)
    counts = campaign_counts(page.session, page.actor)
    rows = [(campaign, counts.get(campaign.id, 0)) for campaign in reversed(found)]
    return page.render("links/campaigns.html", campaigns=rows, refused=id, new=_new(page, id))


@PAGES.post("/campaigns", scope="journeys:write", again=campaigns)
def add_campaign(page: Page) -> Response:
    """A new campaign."""
    made = create_campaign(page.session, page.actor, page.form.text("name"), page.now)
    return page.go("campaigns", toast=gettext("“%(name)s” is made.", name=made.name))


@PAGES.post("/campaigns/<id>", scope="journeys:write", again=campaigns)
def change_campaign(page: Page, id: str) -> Response:
    """Another name; its links stay with it."""
    rename_campaign(page.session, page.actor, id, page.form.text("name"), page.now)
    return page.go("campaigns", toast=gettext("The campaign is renamed."))


@PAGES.post("/campaigns/<id>/delete", scope="journeys:write")
def remove_campaign(page: Page, id: str) -> Response:
    """Delete it; its links go on without a campaign."""
    delete_campaign(page.session, page.actor, id, page.now)
    return page.go("campaigns", toast=gettext("The campaign is deleted; its links go on."))


@PAGES.get("/tags", scope="links:read")
def tags(page: Page, id: str = "") -> Response:
    """Every tag with its links; `id` is one that could not be renamed."""
    rows = words.tags_with_counts(page.session, page.actor)
    return page.render("links/tags.html", tags=rows, refused=id, new=_new(page, id))


@PAGES.post("/tags", scope="links:write", again=tags)
def add_tag(page: Page) -> Response:
    """A new tag."""
    made = words.create_tag(page.session, page.actor, page.form.text("name"), page.now)
    return page.go("tags", toast=gettext("“%(name)s” is made.", name=made.name))


@PAGES.post("/tags/<id>", scope="links:write", again=tags)
def change_tag(page: Page, id: str) -> Response:
    """Another name; it stays on its links."""
    words.rename_tag(page.session, page.actor, id, page.form.text("name"), page.now)
    return page.go("tags", toast=gettext("The tag is renamed."))


@PAGES.post("/tags/<id>/delete", scope="links:write")
def remove_tag(page: Page, id: str) -> Response:
    """Take it off every link; the toast brings it back."""
    gone = words.delete_tag(page.session, page.actor, id, page.now)
    undo = address("bring_tag_back", name=gone.name, links=".".join(gone.link_ids))
    return page.go("tags", toast=gettext("“%(name)s” is deleted.", name=gone.name), undo=undo)


@PAGES.post("/tags/restore", scope="links:write", again=tags)
def bring_tag_back(page: Page) -> Response:
    """Make a deleted tag again and put it on the links that carried it."""
    ids = [each for each in page.query.get("links", "").split(".") if each]
    name = page.query.get("name", "")
    back = words.restore_tag(page.session, page.actor, name, ids, page.now)
    return page.go("tags", toast=gettext("“%(name)s” is back.", name=back.name))


def _new(page: Page, refused: str) -> Form:
    """What the form of a new one shows: nothing of a name that was meant for another."""
    return Form() if refused else page.form
