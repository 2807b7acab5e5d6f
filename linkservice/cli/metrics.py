"""`metrics`: the figures of `/metrics` where no app port answers.

Not here: what they are (`linkservice/metrics`).
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from linkservice.cli.door import Command, any_database, now, read_settings


@click.command("metrics", cls=Command)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write them into FILE, which is never seen half written.",
)
def show_metrics(output: Path | None) -> None:
    """Print this machine's figures for Prometheus.

    For machines without an app port: run it every minute with `-o` into the folder of
    node_exporter's textfile collector, under a name that ends in `.prom`.
    """
    from linkservice import metrics

    settings = read_settings()
    with any_database(settings) as database:
        text = metrics.text(settings, database, now())
    if output is None:
        click.echo(text, nl=False)
        return
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    temporary.write_text(text)
    temporary.replace(output)
