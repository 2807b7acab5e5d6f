"""The reference pages, written from the code: `python tests/reference.py` writes them anew."""

from __future__ import annotations

import inspect
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from linkservice.app import create_app
from linkservice.bundled import bundled
from linkservice.cli import main
from linkservice.config import PREFIX, SETTINGS, load
from linkservice.web.legal import filled_in

ROOT = Path(__file__).parent.parent

_CLI_HEAD = """# Command line

Written from the code (`make docs`); a test keeps it so. Exit codes: 0 done, 1 failed, 2 wrong
usage; errors are one line on stderr.
"""

_API_HEAD = """# REST API

Written from the code (`make docs`); a test keeps it so. The exact schemas are in the service
itself: `GET /api/v1/openapi.json` (OpenAPI 3.1), to be read at `/api/v1/docs`.

* `Authorization: Bearer KEY`, with a key of `linkservice key add NAME [--scope …]`. The scope
  `admin` includes all others.
* JSON keys are snake_case, ids opaque strings, times RFC 3339 in UTC, dates local days of the
  workspace, ranges inclusive.
* Lists are `{"items": […], "next_cursor": "…"|null}`, with `limit` (1–200, default 50) and
  `cursor`.
* Errors are `application/problem+json`: `{type, title, status, detail, code, errors: [{field,
  code, message}]}`: 400 malformed JSON, 401, 403, 404 (also other workspaces' ids), 409 conflict,
  413, 415, 422 wrong or unknown fields, 503 with the reason.
* A link's own parameters win over those of `forward_query`, which appends the visitor's query.
* A PNG's true size is in the header `X-QR-Size-Mm`: its modules are whole pixels.
* In every figure `clicks` includes `scans`: a scan is a click that came from a QR code.
"""


def command_reference() -> str:
    """`docs/cli.md`."""
    return "\n".join([_CLI_HEAD, *_commands(main, ("linkservice",))])


def api_reference() -> str:
    """`docs/api.md`."""
    lines = [_API_HEAD]
    group = ""
    for path, method, call in _calls():
        if call["tags"][0] != group:
            group = call["tags"][0]
            lines += [f"## {group}\n", "| Call | What it does | Scope |", "|---|---|---|"]
        scope = ", ".join(f"`{s}`" for each in call.get("security", []) for s in each["key"])
        lines.append(f"| `{method.upper()} {path}` | {call['summary']} | {scope or 'none'} |")
    return _separated(lines)


def privacy_page() -> str:
    """`docs/privacy.md`, with the texts to adopt as they are in `templates/legal`."""
    texts = Environment(
        loader=FileSystemLoader(bundled("templates") / "legal"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # Markdown, of ours
    )
    with tempfile.TemporaryDirectory() as folder:
        facts = filled_in(
            load({}, data_dir=folder),
            "[Name des Unternehmens]",
            "[go.example.com]",
            ["[go.example.com]"],
            count_visitors=True,
            click_ids=True,
            cities=True,
        )

    def written(found: re.Match[str]) -> str:
        text = texts.get_template(f"{found['language']}/{found['name']}.md").render(facts)
        return f"{found['begin']}\n{text.strip()}\n<!-- end -->"

    return _TEXT.sub(written, (ROOT / "docs" / "privacy.md").read_text())


_TEXT = re.compile(
    r"(?s)(?P<begin><!-- text: (?P<language>\w+) (?P<name>\w+) -->)\n.*?<!-- end -->"
)


def settings_table() -> str:
    """The rows of the README's settings table."""
    return "\n".join(
        f"| `{PREFIX}{each.name}` | {f'`{each.default}`' if each.default else '(empty)'} "
        f"| {each.help} |"
        for each in SETTINGS
    )


def _commands(command: click.Command, words: tuple[str, ...]) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name in command.commands:
            yield from _commands(command.commands[name], (*words, name))
        return
    arguments = [each.make_metavar(_context(command)) for each in _arguments(command)]
    yield f"## `{' '.join([*words, *arguments])}`\n"
    yield inspect.cleandoc(command.help or "") + "\n"
    options = [each for each in command.params if isinstance(each, click.Option)]
    rows = [record for each in options if (record := each.get_help_record(_context(command)))]
    yield "| Option | Meaning |\n|---|---|"
    cells = [(names.replace("|", r"\|"), text.replace("  ", " ")) for names, text in rows]
    yield "\n".join(f"| `{names}` | {text} |" for names, text in cells) + "\n"


def _arguments(command: click.Command) -> list[click.Argument]:
    return [each for each in command.params if isinstance(each, click.Argument)]


def _context(command: click.Command) -> click.Context:
    return click.Context(command)


def _calls() -> Iterator[tuple[str, str, dict[str, Any]]]:
    with tempfile.TemporaryDirectory() as folder:
        client = create_app(load({}, data_dir=folder)).test_client()
        paths = client.get("/api/v1/openapi.json").get_json()["paths"]
    calls = [(path, method, call) for path, of in paths.items() for method, call in of.items()]
    order = list(dict.fromkeys(call["tags"][0] for _, _, call in calls))
    yield from sorted(calls, key=lambda each: order.index(each[2]["tags"][0]))


def _separated(lines: list[str]) -> str:
    """A blank line before each heading but the first."""
    text = "\n".join(lines)
    return text.replace(" |\n## ", " |\n\n## ") + "\n"


if __name__ == "__main__":
    (ROOT / "docs" / "cli.md").write_text(command_reference())
    (ROOT / "docs" / "api.md").write_text(api_reference())
    (ROOT / "docs" / "privacy.md").write_text(privacy_page())
