"""The documentation says what the code does."""

from __future__ import annotations

import re

import reference


def test_the_settings_table_lists_every_setting() -> None:
    assert reference.settings_table() in (reference.ROOT / "README.md").read_text()


def test_the_command_reference_is_true() -> None:
    """After a change of a command: `make docs`."""
    assert (reference.ROOT / "docs" / "cli.md").read_text() == reference.command_reference()


def test_the_api_reference_is_true() -> None:
    """After a change of a call: `make docs`."""
    assert (reference.ROOT / "docs" / "api.md").read_text() == reference.api_reference()


def test_the_readmes_pictures_and_pages_are_there() -> None:
    readme = (reference.ROOT / "README.md").read_text()
    paths = re.findall(r"\]\((docs/[^)#]+)\)", readme)
    assert len(paths) > 5
    assert [path for path in paths if not (reference.ROOT / path).is_file()] == []


def test_the_architecture_page_names_what_is_there() -> None:
    """Every package and module of the package is on the page a newcomer reads."""
    page = (reference.ROOT / "docs" / "architecture.md").read_text()
    words = set(re.findall(r"[a-z_0-9]+", page))
    package = reference.ROOT / "linkservice"
    modules = {path.stem for path in package.rglob("*.py") if not path.stem.startswith("__")}
    packages = {path.parent.name for path in package.rglob("__init__.py")}
    assert (modules | packages) - words == set()
