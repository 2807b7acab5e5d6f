"""The proof that no click is lost, and that closed sums are what their days add up to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from linkservice.cli.door import Command, current_database, read_settings
from linkservice.cli.output import Progress
from linkservice.config import Settings
from linkservice.logs import on_one_line

if TYPE_CHECKING:
    from linkservice.clicks.audit import Audit, Difference
    from linkservice.clicks.closed_audit import ClosedAudit
    from linkservice.database import Database


@click.command(cls=Command)
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "json")),
    default="table",
    show_default=True,
    help="How it is written.",
)
@click.option(
    "--deep",
    is_flag=True,
    help="Read all segments in the spool again, and compare what is closed with its days.",
)
@click.option(
    "--reopen", is_flag=True, help="With --deep: have closed sums that differ made again."
)
def audit(form: str, deep: bool, reopen: bool) -> int:
    """Prove that no click is lost or doubled.

    Every accepted click must be ingested, rejected or pending, of every node, link and day;
    the exit code is 0 if that is so, else 1, and the first differences are named. Compared
    are the records of the spool, the ledger and the sums of days; not the sums of hours and
    of countries, devices and the like, nor the rows of single clicks. A finished segment
    whose file rotted since is named (by its length; with --deep by what it still holds),
    but is no difference: its clicks are counted.

    With --deep the sums of days and months that reports read instead of days are made once
    more and compared, which takes as long as closing them did. It only reads, may run beside
    the service, and may be interrupted. What differs is a difference; with --reopen reports
    read the days at once, and the ingester closes them again.
    """
    from linkservice.clicks.audit import audit as compare

    if reopen and not deep:
        raise click.UsageError("--reopen goes with --deep")
    settings = read_settings()
    with current_database(settings) as database:
        with Progress("Reading") as bar:
            if deep:
                bar.total = _spooled_bytes(settings)
            found = compare(settings, database, deep=deep, progress=bar.advance if deep else None)
        closed = _compare_closed(database, reopen=reopen) if deep else None
    if form == "json":
        click.echo(json.dumps({**_as_json(found), **_closed_as_json(closed)}))
    else:
        for line in (*_audit_lines(found), *_closed_lines(closed, reopened=reopen)):
            click.echo(line)
    return 0 if found.proven and (closed is None or closed.proven) else 1


def totals(found: Audit) -> dict[str, int]:
    """The numbers that must come out even, by their names."""
    names = ("accepted", "ingested", "rejected", "pending", "unrecorded", "damaged", "difference")
    return {name: getattr(found, name) for name in names}


def _as_json(found: Audit) -> dict[str, object]:
    differences = [_difference(each) for each in found.differences]
    return {
        **totals(found),
        "nodes": [{**asdict(each), "difference": each.difference} for each in found.nodes],
        "days": [{**asdict(each), "difference": each.difference} for each in found.days],
        "first_difference": differences[0] if differences else None,
        "differences": differences,
    }


def _difference(each: Difference) -> dict[str, object]:
    return {**asdict(each), "date": each.date.isoformat() if each.date else None}


def _audit_lines(found: Audit) -> Iterator[str]:
    for name, number in totals(found).items():
        yield f"{name:<12}{number:>16,}"
    if len(found.nodes) > 1:
        yield f"{'node':<32}{'accepted':>16}{'ingested':>16}{'rejected':>12}{'pending':>12}"
        for node in found.nodes:
            numbers = f"{node.accepted:>16,}{node.ingested:>16,}{node.rejected:>12,}"
            yield f"{node.name:<32}{numbers}{node.pending:>12,}"
    for place, each in enumerate(found.differences):
        when = f" on {each.date}" if each.date else ""
        first = "first difference: " if place == 0 else ""
        yield (
            f"{first}{each.subject} {each.name}{when}:"
            f" {each.accepted:,} accepted, {each.counted:,} counted"
        )


def _compare_closed(database: Database, *, reopen: bool) -> ClosedAudit:
    from linkservice.clicks.closed_audit import audit_closed
    from linkservice.conversions.months_audit import EVERY_KIND

    with Progress("Comparing") as bar:

        def advance(kind: str, done: int, total: int) -> None:
            bar.label = f"Comparing {kind}"
            bar.at(done, total)

        return audit_closed(database, EVERY_KIND, reopen=reopen, progress=advance)


def _closed_as_json(closed: ClosedAudit | None) -> dict[str, object]:
    if closed is None:
        return {"closed": [], "closed_differences": []}
    return {
        "closed": [asdict(each) for each in closed.kinds],
        "closed_differences": [
            {
                "kind": each.kind,
                "workspace_id": str(each.workspace_id),
                "date": each.date.isoformat(),
                "subject": each.subject,
                "name": each.name,
            }
            for each in closed.differences
        ],
    }


def _closed_lines(closed: ClosedAudit | None, *, reopened: bool) -> Iterator[str]:
    if closed is None:
        return
    yield f"{'summed up':<20}{'compared':>12}{'different':>12}{'left out':>12}"
    for kind in closed.kinds:
        numbers = f"{kind.checked:>12,}{kind.differing:>12,}{kind.left_out:>12,}"
        yield f"{kind.kind:<20}{numbers}"
    for each in closed.differences:
        what = f"{each.subject} {on_one_line(each.name)}"
        yield f"different: {each.kind} of workspace {each.workspace_id}, {each.date}: {what}"
    if reopened and closed.differences:
        yield "Made right or reopened; the running service closes again what is reopened."
    elif closed.differences:
        yield "`linkservice audit --deep --reopen` has these made again."


def _spooled_bytes(settings: Settings) -> int:
    from linkservice.clicks.segment import segments

    return sum(segment.size for segment in segments(settings.spool_dir))
