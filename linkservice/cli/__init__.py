"""The command line door: `linkservice COMMAND`.

Like every door it holds no rules: it parses, calls one function of a noun, and presents.

    door.py        what all commands share: data directory, errors, exit codes
    service.py     serve, demo, db, settings
    doctor.py      doctor
    metrics.py     metrics
    objects.py     key, user, link, qr
    report.py      report, report_costs.py its `costs`, report_changes.py its `changes`,
                   report_transitions.py its `transitions`, report_moments.py its `moments`
    audit.py       audit
    data.py        ingest, clicks, reclassify, backup, restore, node
    click_files.py clicks export
    geo.py         geo
    letters.py     letters
    addresses.py   where the service is reached
    output.py      progress, bars, colour
"""

from __future__ import annotations

import click

from linkservice import __version__
from linkservice.cli import (
    click_files,
    data,
    objects,
    report,
    report_changes,
    report_costs,
    report_moments,
    report_transitions,
    service,
)
from linkservice.cli.audit import audit
from linkservice.cli.conversions import conversions
from linkservice.cli.doctor import doctor
from linkservice.cli.door import Door, takes_data_dir
from linkservice.cli.geo import geo
from linkservice.cli.letters import letters
from linkservice.cli.metrics import show_metrics

__all__ = ["main"]

assert click_files.clicks_export.name in data.clicks.commands  # it joins the group by itself
assert report_changes.changes.name in report.report.commands
assert report_costs.costs.name in report.report.commands
assert report_moments.moments.name in report.report.commands
assert report_transitions.transitions.name in report.report.commands


@takes_data_dir
@click.group(cls=Door)
@click.version_option(__version__, prog_name="linkservice")
def main() -> None:
    """Branded short links and QR codes that say which touchpoint works.

    Settings come from the environment; `linkservice settings` lists them.
    """


for _command in (
    service.serve,
    service.demo,
    objects.key,
    objects.user,
    objects.link,
    objects.qr,
    report.report,
    data.clicks,
    conversions,
    data.ingest,
    audit,
    data.reclassify,
    data.backup,
    data.restore,
    data.node,
    geo,
    letters,
    service.db,
    service.show_settings,
    doctor,
    show_metrics,
):
    main.add_command(_command)
