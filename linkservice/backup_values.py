"""How a backup writes the values of rows in JSON, and reads them again: each column has a kind."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Literal, TypeAlias

from sqlalchemy import Table

from linkservice.database import LocalDay, UtcDateTime

Kind: TypeAlias = Literal["text", "integer", "number", "flag", "moment", "day", "bytes"]
Plain: TypeAlias = str | int | float | bool | None
Value: TypeAlias = Plain | datetime | date | bytes


def kinds(table: Table) -> dict[str, Kind]:
    """Of each of its columns."""
    return {
        # A decorated type does not tell what it gives.
        each.name: _DECORATED.get(type(each.type)) or _KINDS[each.type.python_type]
        for each in table.columns
    }


_DECORATED: Mapping[type, Kind] = {UtcDateTime: "moment", LocalDay: "day"}
_KINDS: Mapping[type, Kind] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "flag",
    date: "day",
    bytes: "bytes",
}
_WRITTEN_AS: Mapping[Kind, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "flag": (bool,),
}
"""The kinds that JSON has itself; all others are written as text."""


def plain(value: Value) -> Plain:
    """The value as JSON can hold it."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    # A datetime is a date, too; UtcDateTime gives it in UTC.
    return value.isoformat() if isinstance(value, date) else value


def value_of(plain: object, kind: Kind) -> Value:
    """What `plain` was given. Raises ValueError for what it never gives."""
    if plain is None:
        return None
    # By identity, since True is an int to Python.
    if type(plain) not in _WRITTEN_AS.get(kind, (str,)):
        raise ValueError(f"{kind} written as {type(plain).__name__}")
    if not isinstance(plain, str) or kind == "text":
        return plain  # type: ignore[return-value]  # it is one of the types just looked for
    if kind == "bytes":
        return base64.b64decode(plain, validate=True)
    if kind == "day":
        return date.fromisoformat(plain)
    moment = datetime.fromisoformat(plain)
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(UTC)
