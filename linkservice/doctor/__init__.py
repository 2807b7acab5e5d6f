"""Everything a running service depends on, looked at on its owner's word, with what to do.

Decided here: in which order it is looked at, and that a dead database is asked once only. Not
here: what `/readyz` looks at as well (`readiness`), how it is told (`cli/doctor`).

    machine.py   settings, files, limits: what this machine and its owner decide
    stores.py    database, spool, geography: what is kept
    network.py   domains, the app's address, the mail server: what is reached from outside

It takes seconds, since it syncs to the disk and asks our own hosts; so it is a command and no
page.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.doctor import machine, network, stores
from linkservice.readiness import Check, check_all


def examine(
    settings: Settings, database: Database, now: datetime, *, ask_hosts: bool
) -> Iterator[Check]:
    """Every check, as it is made. `ask_hosts`: also look names up and call our own hosts."""
    yield from machine.checks(settings)
    if stores.is_absent(database):
        yield stores.absent(database)
        return
    found = {check.name: check for check in check_all(settings, database, now)}
    del found["process"]  # that is this command's own
    there = found["database"].ok and found["schema"].ok
    if there:
        found["database"] = stores.database(settings, database)
    elif not found["database"].ok:
        found["database"] = stores.silent_database(database)
    yield from found.values()
    yield stores.sync(settings)
    yield stores.segments_kept(settings, now)
    yield stores.geography(settings, now)
    if there:
        yield from stores.contents(settings, database, now)
    if ask_hosts:
        yield from network.checks(settings, stores.hosts(database) if there else [])
