"""Every action that is noted anywhere has a sentence, and its facts are there to fill it."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from pathlib import Path

import linkservice
from linkservice.web.i18n import speaking
from linkservice.web.trail_words import ACTIONS, told
from linkservice.workspaces.trail import Note

PACKAGE = Path(linkservice.__file__).parent
_ACTION = re.compile(r"[a-z]+\.[a-z_]+")


NOUNS = {action.partition(".")[0] for action in ACTIONS}


def noted() -> set[str]:
    """Every text in the nouns that reads like an action: ``link.created``."""
    return {
        node.value
        for folder in ("workspaces", "journeys", "links", "sheets", "conversions", "reports")
        for path in (PACKAGE / folder).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _ACTION.fullmatch(node.value)
        and node.value.partition(".")[0] in NOUNS
    }


def test_every_noted_action_has_a_sentence_and_no_sentence_is_left_over() -> None:
    # In the tables' own references a point stands between table and column.
    assert noted() - {"workspaces.id", "users.id", "links.id"} == set(ACTIONS)


def test_fields_and_browsers_are_told_in_words() -> None:
    def said(action: str, **facts: object) -> str:
        now = datetime(2026, 3, 1, tzinfo=UTC)
        with speaking("de"):
            return told(Note(now, "Ada", action, None, "", facts))

    assert said("workspace.changed", fields="brand_colour, other") == (
        "Arbeitsbereich geändert (Markenfarbe, other)"
    )
    for device in ("", ", "):
        assert said("user.signed_in", device=device) == "Angemeldet (unbekannter Browser)"
    assert said("user.signed_in", device="Firefox, Linux") == "Angemeldet (Firefox, Linux)"
