"""A process that sends letters is killed just when one arrived, before it wrote that down.

What must hold: everybody gets their letter, and what comes twice is one letter of the killed
process, under the same Message-ID.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from cast import make_home
from evidence import Trial
from mailserver import mail_server
from service import wait_until
from sqlalchemy import update

from linkservice.app import close_app, create_app
from linkservice.config import PREFIX, Settings
from linkservice.database import Database
from linkservice.reports.letters import choose_letters
from linkservice.reports.model import LetterSubscription
from linkservice.reports.posting import LEASE
from linkservice.web.postman import Postman
from linkservice.web.service import addresses
from linkservice.workspaces.accounts import add_user
from linkservice.workspaces.model import Workspace

pytestmark = pytest.mark.fault

FROM = "linkservice@example.com"
PEOPLE = 12

_PROGRAM = """
import os
from linkservice.app import create_app
from linkservice.config import load

postman = create_app(load(os.environ)).extensions["letters"]
while True:
    postman.send_due()
"""


@contextmanager
def sender(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A process that sends what is due, again and again."""
    environment = {
        **os.environ,
        PREFIX + "DATA_DIR": str(settings.data_dir),
        PREFIX + "DATABASE_URL": settings.database_url,
        PREFIX + "SMTP_URL": settings.smtp_url,
        PREFIX + "MAIL_FROM": settings.mail_from,
    }
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def make_due(database: Database, day: date) -> None:
    with database.transaction() as session:
        session.execute(update(LetterSubscription).values(due_on=day, not_before=None, tries=0))


def test_of_letters_whose_sender_is_killed_none_is_lost(
    settings: Settings, database: Database, trial: Trial, engine_name: str
) -> None:
    if engine_name == "postgresql" and not trial.soak:
        pytest.skip("a process more takes seconds; claims at once are tested on both databases")
    rng, kills = trial.chance(), trial.size(1, 20)
    now = datetime.now(UTC)
    with database.transaction() as session:
        workspace = session.get_one(Workspace, make_home(session, settings).workspace_id)
        for number in range(PEOPLE):
            member = add_user(session, workspace, f"p{number}@example.com", "viewer", now)
            choose_letters(session, member, "weekly", now)
    copies = 0
    for _ in range(kills):
        make_due(database, now.date() - timedelta(days=1))
        with mail_server() as given:
            ours = replace(settings, smtp_url=given.url, mail_from=FROM)
            with sender(ours) as process:
                some = rng.randrange(1, PEOPLE // 2)
                wait_until(lambda some=some, given=given: len(given.letters) >= some)
                process.send_signal(signal.SIGKILL)
                process.wait()
            app = create_app(ours)
            for ahead in (timedelta(), LEASE):
                Postman(
                    ours,
                    database,
                    app.jinja_env,
                    addresses(app),
                    app.extensions["counters"],
                    lambda ahead=ahead: datetime.now(UTC) + ahead,
                ).send_due()
            close_app(app)
        sent = Counter(letter["Message-ID"] for letter in given.letters)
        whose = Counter(letter["To"] for letter in given.letters)
        assert len(sent) == len(whose) == PEOPLE
        assert sum(sent.values()) <= PEOPLE + 1
        copies += sum(sent.values()) - PEOPLE
    trial.saw(
        f"Senders of letters killed, {engine_name}",
        "no letter lost; at most one copy a kill",
        f"{kills} kills, {PEOPLE * kills} letters, {copies} copies",
    )
