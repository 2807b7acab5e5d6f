"""Every action that is noted anywhere has a sentence, and its facts are there to fill it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import linkservice
from linkservice.web.trail_words import ACTIONS

PACKAGE = Path(linkservice.__file__).parent
_ACTION = re.compile(r"[a-z]+\.[a-z_]+")


NOUNS = {action.partition(".")[0] for action in ACTIONS}


def noted() -> set[str]:
    """Every text in the nouns that reads like an action: ``link.created``."""
    return {
        node.value
        for folder in ("workspaces", "journeys", "links", "sheets")
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
