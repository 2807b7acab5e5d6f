"""What a person typed, and what is wrong with it; so that no form ever forgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from werkzeug.datastructures import FileStorage, MultiDict

from linkservice.errors import Invalid, Problem
from linkservice.fields import iso_day
from linkservice.web.i18n import sentence

CSRF = "csrf"
SECRETS = frozenset({CSRF, "password", "new_password", "current_password"})
"""Fields whose content is never written into a page."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a request, by name; empty before anything was sent.

    A template shows `value(name, default)`: what was typed once the form was refused, the
    default before. `problems(name)` are the sentences to be shown beside the field.
    """

    typed: MultiDict[str, str] = field(default_factory=MultiDict)
    files: Mapping[str, FileStorage] = field(default_factory=dict)
    found: Sequence[Problem] = ()
    again: bool = False

    @property
    def refused(self) -> bool:
        """Whether what was typed is shown again: something of it could not be done, or it was
        sent to be looked at before it is done (`again`).
        """
        return self.again or bool(self.found)

    @property
    def all_problems(self) -> list[tuple[str, str]]:
        """Every problem: the field's name ("" for the whole) and the sentence."""
        return [(problem.field, sentence(problem)) for problem in self.found]

    def problems(self, name: str) -> list[str]:
        """What is wrong with the field."""
        return [text for field, text in self.all_problems if field == name]

    def value(self, name: str, default: object = "") -> object:
        """What belongs into the field."""
        return self.typed.get(name, "") if self.refused else default

    def shows_day(self, name: str, default: object = "") -> bool:
        """Whether a date input can hold what belongs into it: a browser empties one that is given
        anything but a day.
        """
        text = str(self.value(name, default))
        return not text or iso_day(text) is not None

    def values(self, name: str, default: Sequence[str] = ()) -> Sequence[str]:
        """What is chosen in a field of several."""
        return self.typed.getlist(name) if self.refused else default

    def text(self, name: str) -> str:
        """What was typed; "" if the field was not sent."""
        return self.typed.get(name, "")

    def optional(self, name: str) -> str | None:
        """What was typed; None for nothing or blanks."""
        return self.typed.get(name, "").strip() or None

    def every(self, name: str) -> list[str]:
        """All values of a field of several."""
        return self.typed.getlist(name)

    def checked(self, name: str) -> bool:
        """Whether a box was ticked."""
        return name in self.typed

    def integer(self, name: str) -> int:
        """A whole number, however its thousands are grouped. Raises `Invalid`."""
        bare = "".join(c for c in self.text(name) if c not in " .,\u00a0\u202f'’")
        if not (bare.isascii() and bare.isdigit() and len(bare) <= 18):
            raise Invalid(Problem(name, "not_a_number"))
        return int(bare)

    def day(self, name: str) -> date | None:
        """A day as date inputs send it; None for nothing. Raises `Invalid`."""
        text = self.text(name).strip()
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            raise Invalid(Problem(name, "not_a_day")) from None

    def kept(self) -> list[tuple[str, str]]:
        """All that was typed but secrets, to be sent again."""
        return [(name, text) for name, text in self.typed.items(multi=True) if name not in SECRETS]
