"""Texts to adopt as people paste them: clean text without marks, and HTML.

Decided here: which marks the texts of `templates/legal` use (a line in bold alone is a heading;
bold, code, lists and tables), and what becomes of them. Not here: which texts there are (`legal`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, TypeAlias

from markupsafe import Markup, escape

Kind: TypeAlias = Literal["heading", "paragraph", "list", "table"]

_MARKED = re.compile(r"\*\*(.+?)\*\*|`(.+?)`")
_RULE = re.compile(r"\|[-| :]+\|")


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together, without the marks at their beginnings; of a table its rows."""

    kind: Kind
    lines: list[list[str]]


def blocks_of(text: str) -> Iterator[Block]:
    """The text, block by block; blank lines between them say nothing else."""
    for kind, group in groupby(text.splitlines(), _kind):
        lines = [line.strip() for line in group]
        if kind == "table":
            rows = [line.strip("|").split("|") for line in lines if not _RULE.fullmatch(line)]
            yield Block(kind, [[cell.strip() for cell in row] for row in rows])
        elif kind == "list":
            yield Block(kind, [[line[2:]] for line in lines])
        elif kind is not None:
            yield from (Block(kind, [[line]]) for line in lines)


def _kind(line: str) -> Kind | None:
    line = line.strip()
    if not line:
        return None
    if line.startswith("|"):
        return "table"
    if line.startswith("- "):
        return "list"
    whole = _MARKED.fullmatch(line)
    return "heading" if whole and whole[1] and "**" not in whole[1] else "paragraph"


def as_plain(text: str) -> str:
    """The text as one types it: no marks, a dash before what is listed, a table's rows as
    "head: content".
    """
    return "\n\n".join(map(_plain, blocks_of(text))) + "\n"


def _plain(block: Block) -> str:
    if block.kind == "table":
        _, *rows = block.lines
        return "\n".join(": ".join(map(_unmarked, row)) for row in rows)
    before = "– " if block.kind == "list" else ""
    return "\n".join(before + _unmarked(line) for (line,) in block.lines)


def _unmarked(line: str) -> str:
    return _MARKED.sub(lambda found: found[1] or found[2], line)


def as_html(text: str) -> Markup:
    """The text with its headings, lists and tables; everything else in it is escaped."""
    return Markup("\n").join(map(_html, blocks_of(text)))


def _html(block: Block) -> Markup:
    if block.kind == "table":
        head, *rows = block.lines
        heads = Markup("").join(map(Markup('<th scope="col">{}</th>').format, map(_inline, head)))
        lines = Markup("").join(map(_row, rows))
        return Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(
            heads, lines
        )
    if block.kind == "list":
        items = Markup("").join(
            Markup("<li>{}</li>").format(_inline(line)) for (line,) in block.lines
        )
        return Markup("<ul>{}</ul>").format(items)
    ((line,),) = block.lines
    if block.kind == "heading":
        return Markup("<h3>{}</h3>").format(_unmarked(line))
    return Markup("<p>{}</p>").format(_inline(line))


def _row(row: list[str]) -> Markup:
    head, *cells = map(_inline, row)
    rest = Markup("").join(map(Markup("<td>{}</td>").format, cells))
    return Markup('<tr><th scope="row">{}</th>{}</tr>').format(head, rest)


def _inline(line: str) -> Markup:
    """A line with what is bold and what is code in it."""
    parts, end = [], 0
    for found in _MARKED.finditer(line):
        parts.append(escape(line[end : found.start()]))
        tag = "strong" if found[1] else "code"
        parts.append(Markup("<{0}>{1}</{0}>").format(tag, found[1] or found[2]))
        end = found.end()
    return Markup("").join([*parts, escape(line[end:])])
