"""Who belongs to the workspace: invitations, roles, and the way in for whoever is invited."""

from __future__ import annotations

from typing import Any

from flask import Response

from linkservice import mail
from linkservice.web.door import PUBLIC, Pages
from linkservice.web.i18n import N_, gettext, speaking
from linkservice.web.page import Page, address
from linkservice.workspaces import invitations
from linkservice.workspaces import members as people
from linkservice.workspaces.model import ROLES

PAGES = Pages("settings")

ROLE_WORDS = {"owner": N_("Owner"), "editor": N_("Editor"), "viewer": N_("Viewer")}
ROLE_NOTES = {
    "owner": N_("may do all: members, API keys and settings too"),
    "editor": N_("makes and changes links, journeys and reach"),
    "viewer": N_("reads links and reports"),
}


@PAGES.get("/settings/members", scope="admin")
def members(page: Page) -> Response:
    """Members and open invitations."""
    return page.render("settings/members.html", **_context(page))


@PAGES.post("/settings/members", scope="admin", again=members, own_transactions=True)
def invite(page: Page) -> Response:
    """Invite somebody: by a letter where mail is set, else by the link that is shown once."""
    email, role = page.form.text("email"), page.form.text("role")
    with page.database.transaction() as session:
        wanted, token = invitations.invite(session, page.actor, email, role, page.now)
        email = wanted.email
    # Only once the invitation is kept: a letter cannot be taken back.
    place = page.settings.base_url + address("invitation", token=token)
    if mail.is_set(page.settings):
        mail.send_later(page.settings, email, *_letter(page, place))
    return page.render("settings/members.html", made=place, made_for=email, **_context(page))


@PAGES.post("/settings/invitations/<id>/revoke", scope="admin")
def revoke_invitation(page: Page, id: str) -> Response:
    """Let an invitation work no more."""
    invitations.revoke_invitation(page.session, page.actor, id, page.now)
    return page.go("members", toast=gettext("The invitation is withdrawn."))


@PAGES.post("/settings/members/<id>/role", scope="admin", again=members)
def change_role(page: Page, id: str) -> Response:
    """Give a member another role, which signs them out; whoever changes their own stays in."""
    before = {str(each.id): each.role for each in people.list_members(page.session, page.actor)}
    token = people.change_role(
        page.session, page.actor, id, page.form.text("role"), page.now, own=page.who.session
    )
    if token:
        toast = gettext("The role is changed.")
        return page.keep_session(page.go("account", toast=toast), token)
    if before.get(id) == page.form.text("role"):
        return page.go("members")
    toast = gettext(
        "The role is changed. The member was signed out and has it after signing in again."
    )
    return page.go("members", toast=toast)


@PAGES.post("/settings/members/<id>/remove", scope="admin", again=members)
def remove_member(page: Page, id: str) -> Response:
    """Take somebody out of the workspace."""
    people.remove_member(page.session, page.actor, id, page.now)
    return page.go("members", toast=gettext("The member is removed and signed out."))


@PAGES.post("/settings/members/<id>/password-link", scope="admin", again=members)
def member_password_link(page: Page, id: str) -> Response:
    """A link by which a member chooses a new password: shown once, to be handed over."""
    token = people.password_link(page.session, page.actor, id, page.now)
    place = page.settings.base_url + address("choose_password", token=token)
    return page.render("settings/members.html", password_link=place, **_context(page))


@PAGES.get("/invitation/<token>", scope=PUBLIC)
def invitation(page: Page, token: str) -> Response:
    """What an invitation offers, and how to accept it."""
    invited = invitations.look_at_invitation(page.session, token, page.now)
    email = invited.invitation.email
    own = page.user is not None and page.user.email == email
    return page.render(
        "entry/invitation.html", token=token, invited=invited, own=own, roles=ROLE_WORDS
    )


@PAGES.post("/invitation/<token>", scope=PUBLIC, again=invitation, own_transactions=True)
def accept_invitation(page: Page, token: str) -> Response:
    """Join: as who is signed in, with the account's password, or with a new one."""
    with page.database.reading() as session:
        invited = invitations.look_at_invitation(session, token, page.now)
    if page.signed_in is not None and page.signed_in.user.email == invited.invitation.email:
        with page.database.transaction() as session:
            begun = invitations.join(session, page.signed_in, token, page.now)
    else:
        begun = invitations.accept(
            page.database,
            page.settings,
            token,
            page.form.text("password"),
            page.network,
            page.device,
            page.now,
            replacing=page.session_token,
        )
    toast = gettext("Welcome to “%(workspace)s”.", workspace=invited.workspace.name)
    return page.keep_session(page.go("overview", toast=toast), begun)


def _context(page: Page) -> dict[str, Any]:
    return {
        "people": people.list_members(page.session, page.actor),
        "invitations": invitations.list_invitations(page.session, page.actor),
        "roles": [(role, gettext(ROLE_WORDS[role]), gettext(ROLE_NOTES[role])) for role in ROLES],
        "mail": mail.is_set(page.settings),
    }


def _letter(page: Page, place: str) -> tuple[str, str]:
    """Subject and text, in the language of the workspace: the other's is not known yet."""
    with speaking(page.home.locale):
        subject = gettext("Invitation to the workspace “%(workspace)s”", workspace=page.home.name)
        text = gettext(
            "Hello,\n\n%(by)s invites you to the workspace “%(workspace)s” on linkservice, where "
            "links, QR codes and their reports are kept. Accept here within seven days:\n\n"
            "%(place)s\n",
            by=page.actor.name,
            workspace=page.home.name,
            place=place,
        )
    return subject, text
