"""The walls of the house, and the things that must be said once and for all."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from linkservice.errors import Problem
from linkservice.wording import SENTENCES

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "linkservice"


def test_imports_go_downward_only() -> None:
    # In a process of its own: the linter reconfigures logging for all who come after it.
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout


def problem_codes() -> Iterator[tuple[str, str]]:
    """Every code given to `Problem(…)` or `problems.add(…)`, with the file that gives it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or len(node.args) < 2:
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            code = node.args[1]
            tells = name == "Problem" or method == "add"
            if tells and isinstance(code, ast.Constant) and isinstance(code.value, str):
                yield code.value, path.name


def test_every_problem_has_a_sentence_and_every_sentence_a_problem() -> None:
    used = {code for code, _ in problem_codes()}
    assert used - SENTENCES.keys() == set()
    text = "".join(path.read_text() for path in PACKAGE.rglob("*.py") if path.name != "wording.py")
    assert {code for code in SENTENCES if f'"{code}"' not in text} == set()


def test_sentences_say_what_to_do_and_end() -> None:
    for code, text in SENTENCES.items():
        assert text[0].isupper() or text[0] in "“{", code
        assert text.endswith((".", "}", "?")), code


def test_a_problem_names_its_field() -> None:
    assert str(Problem("slug", "empty")) == "slug: This must not be empty."


def test_exceptions_to_the_rules_carry_their_reason() -> None:
    bare = re.compile(r"#\s*(noqa|type:\s*ignore)(:\s*[A-Z0-9, ]+|\[[a-z-, ]+\])?\s*$")
    found = [
        f"{path.name}:{number}"
        for folder in (PACKAGE, ROOT / "tests")
        for path in sorted(folder.rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if bare.search(line)
    ]
    assert found == []
