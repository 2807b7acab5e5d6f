"""`letters`: the reports that members get by e-mail, listed and sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from linkservice.cli.door import Group, current_database, read_settings
from linkservice.cli.output import coloured, fit, report_form, write_report

if TYPE_CHECKING:
    from linkservice.reports.letters import Recipient
    from linkservice.reports.model import LetterSubscription

COLUMNS = ("id", "workspace", "email", "rhythm", "language", "due_on", "tries", "sent_at")


@click.group(cls=Group)
def letters() -> None:
    """Reports by e-mail."""


@letters.command("list")
@report_form
def letters_list(form: str) -> None:
    """List who gets letters, how often, and when the next is due.

    Due days are those of each workspace's time zone; letters are sent from 7:00 on. `tries` counts
    how often the next one could not be handed to the mail server.
    """
    from linkservice.reports.letters import list_letters

    with current_database(read_settings(make=False)) as database, database.reading() as session:
        rows = [_row(*each) for each in list_letters(session)]
    document = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    write_report(form, document, [list(COLUMNS), *rows], _table(rows))


@letters.command("send")
def letters_send() -> int:
    """Send the letters that are due now, as the service does by itself once a minute.

    For a timer where the app runs in another WSGI server. Exit code 1 if one could not be sent.
    """
    from linkservice import mail
    from linkservice.app import close_app, create_app
    from linkservice.errors import Failed, Problem
    from linkservice.logs import log_to_stderr

    settings = read_settings()
    if not mail.is_set(settings):
        raise Failed(Problem("", "no_mail_server"))
    log_to_stderr(settings)
    with current_database(settings):
        app = create_app(settings)
        try:
            done = app.extensions["letters"].send_due()
        finally:
            close_app(app)
    said = [f"Sent {done.sent}"]
    said += [f"failed {done.failed}, tried again later"] if done.failed else []
    said += [f"left out {done.late}, long past"] if done.late else []
    click.echo("; ".join(said) + ".")
    return 1 if done.failed else 0


def _row(found: LetterSubscription, recipient: Recipient) -> list[str | int | None]:
    sent = None if found.sent_at is None else f"{found.sent_at:%Y-%m-%dT%H:%M:%SZ}"
    return [
        str(found.id),
        recipient.workspace.name,
        recipient.user.email,
        found.rhythm,
        recipient.locale,
        found.due_on.isoformat(),
        found.tries,
        sent,
    ]


def _table(rows: Sequence[Sequence[str | int | None]]) -> Iterator[str]:
    head = f"{'Due':<10}  {'How often':<9}  {'Workspace':<24}  {'Failed':>6}  To"
    yield coloured(head, bold=True)
    for _, workspace, email, rhythm, _, due_on, tries, _ in rows:
        yield f"{due_on:<10}  {rhythm:<9}  {fit(str(workspace), 24)}  {tries:>6}  {email}"
