"""How single values are written in JSON and in queries, and how the schema describes them.

Decided here: types and sizes, which pydantic checks. What else the schema says of a value
(its pattern, its range, its enumeration) describes a rule that a noun checks; the constants
are the noun's own.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?")

_CONTROL = r"\u0000-\u001f\u007f-\u009f"


def _trimmed(refused: str, *, empty: bool = False) -> str:
    """The pattern (ECMA-262) of texts that hold nothing `refused` once they are trimmed."""
    core = rf"[^\s{refused}](?:[^{refused}]*[^\s{refused}])?"
    return rf"^\s*(?:{core})?\s*$" if empty else rf"^\s*{core}\s*$"


TEXT = _trimmed(_CONTROL + r"\u2028\u2029")
TEXT_OR_EMPTY = _trimmed(_CONTROL + r"\u2028\u2029", empty=True)
WEB_ADDRESS = r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#@\\]+(?:[/?#]\S*)?$"
PARAMETER_VALUE = _trimmed(_CONTROL, empty=True)


class Given(BaseModel):
    """Base of what a caller sends: exact types, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema.get("properties", {}).values():
        field.pop("default", None)


class Changes(Given):
    """Base of what a PATCH takes: a field that is left out stays as it is.

    So the defaults of the fields mean nothing and are not shown; `given()` has only what
    was sent.
    """

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    def given(self) -> dict[str, Any]:
        """The fields that were sent."""
        return self.model_dump(exclude_unset=True)


class Answer(BaseModel):
    """Base of what the service answers; every field is always there."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


def described(**keywords: Any) -> Any:
    """A field whose schema has these JSON Schema keywords besides its type."""
    # Any: pydantic types FieldInfo and JSON values so.
    return Field(json_schema_extra=keywords)


def text(longest: int, *, empty: bool = False) -> Any:
    """A text of one line, as `Problems.text` takes it."""
    shortest = 0 if empty else 1
    pattern = TEXT_OR_EMPTY if empty else TEXT
    return Field(min_length=shortest, max_length=longest, json_schema_extra={"pattern": pattern})


def between(least: float, most: float) -> Any:
    """A number that a noun holds within these bounds, both included."""
    return described(minimum=least, maximum=most)


def one_of(allowed: Collection[str]) -> Any:
    """A word of an enumeration."""
    return described(enum=list(allowed))


# Both take what they make, since answers hold such values too.
def _day(value: object) -> object:
    if type(value) is date:
        return value
    if isinstance(value, str):
        try:
            if _DAY.fullmatch(value):
                return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("day", "a day")


def _moment(value: object) -> object:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            if _MOMENT.fullmatch(value):
                return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise PydanticCustomError("moment", "a moment")


def _whole(value: object) -> object:
    # JSON knows one kind of number: 3.0 is a whole one.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _from_query(pattern: re.Pattern[str], convert: type[int] | type[float]) -> BeforeValidator:
    def read(value: object) -> object:
        return convert(value) if isinstance(value, str) and pattern.fullmatch(value) else value

    return BeforeValidator(read)


def _flag(value: object) -> object:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
"""A local day, ``2026-03-29``."""

Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""A moment as RFC 3339 writes it, with its offset; kept in UTC."""

Whole = Annotated[int, BeforeValidator(_whole)]
WHOLE_IN_QUERY = _from_query(_WHOLE, int)
NUMBER_IN_QUERY = _from_query(_NUMBER, float)
"""Behind the bounds in an `Annotated`: pydantic describes bounds only next to the type."""

QueryFlag = Annotated[bool, BeforeValidator(_flag)]

Id = str
"""An outside id: opaque to whoever reads it."""


def optional_id(number: int | None) -> Id | None:
    """The outside id of another row, where there is one."""
    return None if number is None else str(number)
