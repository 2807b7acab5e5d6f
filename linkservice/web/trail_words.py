"""The trail in sentences: what each action is called, with the facts it was noted with.

A test demands a sentence for every action that is noted anywhere.
"""

from __future__ import annotations

from linkservice.web.i18n import N_, gettext
from linkservice.workspaces.access import OPERATOR
from linkservice.workspaces.trail import Note

ACTIONS: dict[str, str] = {
    "annotation.added": N_("Noted “%(name)s”"),
    "annotation.changed": N_("Changed the note “%(name)s”"),
    "annotation.deleted": N_("Deleted the note “%(name)s”"),
    "annotation.restored": N_("Brought the note “%(name)s” back"),
    "campaign.created": N_("Made the campaign “%(name)s”"),
    "campaign.deleted": N_("Deleted the campaign “%(name)s”"),
    "campaign.renamed": N_("Renamed a campaign to “%(name)s”"),
    "cost.added": N_("Entered a cost of %(name)s"),
    "cost.changed": N_("Changed a cost of %(name)s"),
    "cost.deleted": N_("Deleted a cost of %(name)s"),
    "cost.restored": N_("Brought a cost of %(name)s back"),
    "domain.added": N_("Added the domain %(name)s"),
    "domain.changed": N_("Changed the domain %(name)s"),
    "domain.preferred": N_("Chose %(name)s for new links"),
    "domain.removed": N_("Deleted the domain %(name)s"),
    "invitation.revoked": N_("Withdrew the invitation of %(name)s"),
    "journey.created": N_("Made the journey “%(name)s”"),
    "journey.deleted": N_("Deleted the journey “%(name)s”"),
    "journey.renamed": N_("Renamed a journey to “%(name)s”"),
    "journey.restored": N_("Brought the journey “%(name)s” back"),
    "key.created": N_("Made the API key “%(name)s” (%(scopes)s)"),
    "key.revoked": N_("Revoked the API key “%(name)s”"),
    "conversions.imported": N_(
        "Imported conversions from “%(name)s”: %(added)s new, %(changed)s replaced"
    ),
    "link.archived": N_("Archived the link %(name)s"),
    "link.changed": N_("Changed the link %(name)s (%(fields)s)"),
    "link.created": N_("Made the link %(name)s"),
    "link.deleted": N_("Deleted the link %(name)s"),
    "link.paused": N_("Paused the link %(name)s"),
    "link.restored": N_("Brought the link %(name)s back"),
    "link.resumed": N_("Resumed the link %(name)s"),
    "link.unarchived": N_("Took the link %(name)s out of the archive"),
    "link.undone": N_("Undid a change of the link %(name)s (%(fields)s)"),
    "links.changed": N_("Changed %(count)s links at once (%(fields)s)"),
    "links.created": N_("Made %(count)s links at once"),
    "links.undone": N_("Undid a change of %(count)s links"),
    "member.invited": N_("Invited %(name)s (%(role)s)"),
    "member.joined": N_("%(name)s joined (%(role)s)"),
    "member.left": N_("%(name)s left"),
    "member.password_link_made": N_("Made a link for a new password of %(name)s"),
    "member.removed": N_("Removed %(name)s"),
    "member.role_changed": N_("Changed the role of %(name)s from %(before)s to %(after)s"),
    "persona.created": N_("Made the persona “%(name)s”"),
    "persona.deleted": N_("Deleted the persona “%(name)s”"),
    "persona.journey_attached": N_("Changed the personas of the journey “%(name)s”"),
    "persona.link_attached": N_("Changed the personas of the link %(name)s"),
    "persona.renamed": N_("Renamed a persona to “%(name)s”"),
    "reach.added": N_("Entered reach for %(name)s"),
    "reach.changed": N_("Changed reach of %(name)s"),
    "reach.deleted": N_("Deleted reach of %(name)s"),
    "reach.restored": N_("Brought reach of %(name)s back"),
    "reach.imported": N_("Imported reach"),
    "reach.import_undone": N_("Undid an import of reach"),
    "share.created": N_("Shared the report “%(name)s” by a link"),
    "share.revoked": N_("Revoked the link of the shared report “%(name)s”"),
    "sheet.asked": N_("Asked for the sheet “%(name)s” (%(codes)s codes)"),
    "sheet.deleted": N_("Deleted the sheet “%(name)s”"),
    "sheet.resumed": N_("Went on with the sheet “%(name)s”"),
    "sheet.stopped": N_("Stopped the sheet “%(name)s”"),
    "stage.created": N_("Made the stage “%(name)s”"),
    "stage.deleted": N_("Deleted the stage “%(name)s”"),
    "stage.moved": N_("Moved the stage “%(name)s”"),
    "stage.renamed": N_("Renamed a stage to “%(name)s”"),
    "stage.restored": N_("Brought the stage “%(name)s” back"),
    "tag.created": N_("Made the tag “%(name)s”"),
    "tag.deleted": N_("Deleted the tag “%(name)s”"),
    "tag.renamed": N_("Renamed a tag to “%(name)s”"),
    "tag.restored": N_("Brought the tag “%(name)s” back"),
    "touchpoint.changed": N_("Changed the touchpoint “%(name)s”"),
    "touchpoint.created": N_("Made the touchpoint “%(name)s”"),
    "touchpoint.deleted": N_("Deleted the touchpoint “%(name)s”"),
    "touchpoint.moved": N_("Moved the touchpoint “%(name)s” (stage “%(stage)s”)"),
    "touchpoint.restored": N_("Brought the touchpoint “%(name)s” back"),
    "user.password_changed": N_("Set a new password"),
    "user.session_ended": N_("Signed a browser out (%(device)s)"),
    "user.signed_in": N_("Signed in (%(device)s)"),
    "user.signed_out_everywhere": N_("Signed out everywhere"),
    "view.deleted": N_("Deleted the view “%(name)s”"),
    "view.renamed": N_("Renamed a view to “%(name)s”"),
    "view.saved": N_("Saved the view “%(name)s”"),
    "workspace.changed": N_("Changed the workspace (%(fields)s)"),
    "workspace.logo_removed": N_("Removed the logo"),
    "workspace.logo_set": N_("Changed the logo"),
    "workspace.set_up": N_("Finished setting the workspace up"),
}


FIELDS: dict[str, str] = {
    "active": N_("Active"),
    "append_click_id": N_("Append a click id"),
    "archived": N_("Archived"),
    "attribution_days": N_("Days between click and conversion"),
    "brand_colour": N_("Brand colour"),
    "campaign_id": N_("Campaign"),
    "channel": N_("Channel"),
    "count_visitors": N_("Count visitors"),
    "currency": N_("Currency"),
    "deleted": N_("Deleted"),
    "destination": N_("Destination"),
    "expires_at": N_("Expires"),
    "forward_query": N_("Pass the query on"),
    "holidays": N_("Public holidays"),
    "imprint_url": N_("Imprint"),
    "kind": N_("Kind"),
    "locale": N_("Language"),
    "medium": N_("Medium"),
    "moment_of_truth": N_("Moment of truth"),
    "name": N_("Name"),
    "not_found_redirect": N_("Where unknown links lead"),
    "own_networks": N_("Own networks"),
    "privacy_url": N_("Privacy notice"),
    "root_redirect": N_("Where the bare host leads"),
    "tags": N_("Tags"),
    "target_rate": N_("Target rate"),
    "time_zone": N_("Time zone"),
    "title": N_("Title"),
    "touchpoint_id": N_("Touchpoint"),
}
"""What the names in the fact `fields` are called; one that is not here stays as it is."""


def who(actor: str) -> str:
    """Who did it, in the language spoken now: people by their address, as it is."""
    return gettext("command line") if actor == OPERATOR else actor


def told(note: Note) -> str:
    """What was done, in the language spoken now."""
    facts = {name: "" if value is None else value for name, value in note.facts.items()}
    if "fields" in facts:
        names = str(facts["fields"]).split(", ")
        facts["fields"] = ", ".join(gettext(FIELDS[n]) if n in FIELDS else n for n in names)
    if "device" in facts:
        # What says nothing was once kept as ", ".
        facts["device"] = str(facts["device"]).strip(", ") or gettext("unknown browser")
    return gettext(ACTIONS[note.action], **{**facts, "name": note.name})
