"""Everything that can go wrong, as a tree. Errors carry codes; the doors carry words.

    LinkServiceError
    ├── Invalid            422  one or more fields are wrong
    ├── Unauthenticated    401  no key, or not a valid one
    ├── Forbidden          403  the key or role does not allow it
    ├── NotFound           404  no such thing, or another workspace's
    ├── Conflict           409  the state of the data forbids it
    │   └── SlugTaken      409  the slug belongs to another link of the domain
    ├── TooManyRequests    429  wait `retry_after` seconds
    ├── Unavailable        503  database, schema or spool is not ready
    └── Failed             500  an operation stopped; says what to do (command line)

A `Problem` names one field, what is wrong with it (`code`) and the facts a sentence
needs (`params`). The English sentences are in `wording.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import ClassVar

from linkservice.wording import sentence


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong field: its outside name ("" for the whole), a stable code and facts."""

    field: str
    code: str
    params: Mapping[str, object] = dataclass_field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """What happened and what to do, without the field's name."""
        return sentence(self.code, self.params)

    def __str__(self) -> str:
        return f"{self.field}: {self.sentence}" if self.field else self.sentence


class LinkServiceError(Exception):
    """Base of all errors the product raises on purpose."""

    code: ClassVar[str] = "failed"
    status: ClassVar[int] = 500

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "; ".join(map(str, self.problems)) or self.code


class Invalid(LinkServiceError):
    code = "invalid"
    status = 422


class Unauthenticated(LinkServiceError):
    code = "unauthenticated"
    status = 401


class Forbidden(LinkServiceError):
    code = "forbidden"
    status = 403


class NotFound(LinkServiceError):
    code = "not_found"
    status = 404


class Conflict(LinkServiceError):
    code = "conflict"
    status = 409


class SlugTaken(Conflict):
    code = "slug_taken"

    def __init__(self, slug: str) -> None:
        super().__init__(Problem("slug", "slug_taken", {"slug": slug}))


class TooManyRequests(LinkServiceError):
    code = "too_many_requests"
    status = 429

    def __init__(self, retry_after: int, code: str = "too_many_requests") -> None:
        # Never "1 minutes": who waits a little longer loses nothing.
        super().__init__(Problem("", code, {"minutes": max(2, -(-retry_after // 60))}))
        self.retry_after = retry_after


class Unavailable(LinkServiceError):
    code = "unavailable"
    status = 503


class Failed(LinkServiceError):
    code = "failed"
    status = 500
