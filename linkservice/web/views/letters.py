"""Letters about reports: whether one gets them, what they look like, and the way out."""

from __future__ import annotations

from flask import Response

from linkservice import mail
from linkservice.reports import letters as subscriptions
from linkservice.reports.digest import digest_of
from linkservice.reports.letters import OFF, RHYTHMS, Recipient, Rhythm
from linkservice.reports.period import day_of
from linkservice.web.door import PUBLIC, Pages
from linkservice.web.i18n import N_, gettext, speaking, write_day
from linkservice.web.letter_looks import class_look, style_sheet
from linkservice.web.letters import as_text, words_of
from linkservice.web.page import Page, address

PAGES = Pages("settings")

RHYTHM_WORDS: dict[str, str] = {
    OFF: N_("Never"),
    "weekly": N_("Every Monday, about the week before"),
    "monthly": N_("On the first of each month, about the month before"),
}


@PAGES.get("/account/letters", scope="reports:read")
def letters(page: Page) -> Response:
    """Whether, and how often, the reports come by e-mail."""
    found = subscriptions.letters_of(page.session, page.who.member)
    return page.render(
        "settings/letters.html",
        found=found,
        rhythms=[(name, gettext(label)) for name, label in RHYTHM_WORDS.items()],
        mail=mail.is_set(page.settings),
        hour=f"{subscriptions.SENT_FROM:%H:%M}",
    )


@PAGES.post("/account/letters", scope="reports:read", again=letters)
def choose_letters(page: Page) -> Response:
    """Have letters weekly, monthly, or not at all."""
    member, wish = page.who.member, page.form.text("rhythm")
    subscriptions.choose_letters(page.session, member, wish, page.now)
    found = subscriptions.letters_of(page.session, member)
    if found is None:
        toast = gettext("You get no letters about this workspace.")
    else:
        toast = gettext("The next letter comes on %(day)s.", day=write_day(found.due_on, "full"))
    return page.go("letters", toast=toast)


@PAGES.get("/account/letters/preview", scope="reports:read")
def letter_preview(page: Page) -> Response:
    """The letter about the last full week or month, as it would be sent now."""
    rhythm: Rhythm = "monthly" if page.query.get("rhythm") == "monthly" else "weekly"
    due_on = subscriptions.last_due(rhythm, day_of(page.now, page.time_zone))
    period = subscriptions.period_of_letter(rhythm, due_on, page.time_zone)
    found = digest_of(page.session, page.actor, period, page.now)
    recipient = Recipient(page.who.member, page.who.user, page.home)
    with speaking(recipient.locale, page.time_zone):
        words = words_of(page.settings, address, recipient, rhythm, found)
        text = as_text(words)
    return page.render(
        "settings/letter_preview.html",
        letter=words,
        text=text,
        look=class_look,
        rules=style_sheet(),
        rhythm=rhythm,
        rhythms=[(name, gettext(RHYTHM_WORDS[name])) for name in RHYTHMS],
    )


@PAGES.get("/letters/off/<token>", scope=PUBLIC, bare=True)
def leave_letters(page: Page, token: str) -> Response:
    """Where the link in a letter leads: a button that ends such letters."""
    return _way_out(page, token, done=False)


@PAGES.post("/letters/off/<token>", scope=PUBLIC, again=leave_letters, bare=True, one_click=True)
def end_letters(page: Page, token: str) -> Response:
    """End a member's letters; mail programs ask for it by themselves (RFC 8058)."""
    member_id = subscriptions.member_of(page.settings, token)
    subscriptions.stop_letters(page.session, member_id)
    return _way_out(page, token, done=True)


def _way_out(page: Page, token: str, *, done: bool) -> Response:
    member_id = subscriptions.member_of(page.settings, token)
    recipient = subscriptions.recipient_of(page.session, member_id)
    return page.render("shared/letters_off.html", token=token, recipient=recipient, done=done)
