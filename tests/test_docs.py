"""The documentation says what the code does."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import re
from pathlib import Path

import reference

from linkservice.app import close_app, create_app
from linkservice.bundled import bundled
from linkservice.clicks import retention
from linkservice.clicks.event import Click as Record
from linkservice.clicks.model import Click
from linkservice.clicks.salts import MOST_HOURS
from linkservice.clicks.visitor import TOKEN_BYTES, Pseudonyms
from linkservice.config import PREFIX, SETTINGS, load
from linkservice.tables import metadata
from linkservice.web.views.settings import LOGO_BYTES


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


def test_the_privacy_page_has_the_texts_as_they_are() -> None:
    """After a change of a text: `make docs`."""
    page = (reference.ROOT / "docs" / "privacy.md").read_text()
    assert page == reference.privacy_page()
    assert page.count("<!-- text: ") == 5


def test_the_privacy_page_says_what_is_stored() -> None:
    """Every table, every field of a record, every column of a click, and each retention."""
    page = (reference.ROOT / "docs" / "privacy.md").read_text()
    assert named_under(page, "### A record in the spool") == {
        each.name for each in dataclasses.fields(Record)
    }
    columns = {each.name for each in Click.__table__.columns}
    assert named_under(page, "### A click in the database") == columns
    assert set(metadata.tables) - set(re.findall(r"`(\w+)`", page)) == set()
    rows = {cells[-1]: cells[2] for cells in cells_of(page, "## What is stored of customers")}
    for setting in SETTINGS:
        if setting.name.endswith(("_DAYS", "_MONTHS")):
            unit = setting.name.rpartition("_")[2].lower()
            told = rows[f"`{PREFIX}{setting.name}`"]
            assert told.startswith(f"{setting.default} {unit}"), setting.name
    assert f"{retention.DAYS_OF_A_MONTH} days" in rows[f"`{PREFIX}CLICK_RETENTION_MONTHS`"]
    assert f"at most {MOST_HOURS} hours" in page


def test_the_texts_name_the_algorithm_that_makes_tokens() -> None:
    """Where a page or a text to adopt says how a token is made, it says what the code does."""
    salt, packed, agent = bytes(range(32)), bytes((203, 0, 113, 7)), b"Firefox"
    message = (7).to_bytes(8, "big") + b"\x04" + packed + agent
    made = {
        "BLAKE2b": hashlib.blake2b(message, key=salt, digest_size=TOKEN_BYTES).digest(),
        "HMAC-SHA-256": hmac.digest(salt, message, "sha256")[:TOKEN_BYTES],
    }
    token = Pseudonyms(salt, 7).token(packed, agent)
    (used,) = (name for name, each in made.items() if each == token)
    readme = (reference.ROOT / "README.md").read_text()
    page = (reference.ROOT / "docs" / "privacy.md").read_text()
    told = {
        "README.md": readme.partition("| A visitor token of the day: ")[2].partition("|")[0],
        "docs/privacy.md": page.partition("## Who is a visitor")[2].partition("\n#")[0],
        "assessment": page.partition("<!-- text: de assessment -->")[2].partition("<!-- end")[0],
    }
    for where, text in told.items():
        assert set(re.findall(r"HMAC[-\w]*|SHA-\d+|BLAKE\w+", text)) == {used}, where
    texts = "".join(each.read_text() for each in (bundled("templates") / "legal").rglob("*.md"))
    assert set(re.findall(r"HMAC[-\w]*|SHA-\d+|BLAKE\w+", texts)) == {used}


def test_the_documented_proxy_lets_a_logo_through_and_keeps_no_addresses() -> None:
    page = (reference.ROOT / "docs" / "deploy.md").read_text()
    blocks = re.findall(r"(?s)```nginx\n(.*?)```", page)
    servers = re.findall(r"(?ms)^server \{\n.*?^\}", "".join(blocks[:2]))
    assert len(servers) == 2
    assert all("    access_log off;" in server for server in servers)
    (most,) = re.findall(r"client_max_body_size (\d+)m;", page)
    assert int(most) * 1024 * 1024 > LOGO_BYTES


def test_there_is_one_unit_for_systemd() -> None:
    text = "".join(path.read_text() for path in (reference.ROOT / "docs").glob("*.md"))
    assert text.count("# /etc/systemd/system/linkservice.service\n") == 1
    assert len(set(re.findall(r"/opt/linkservice/\S*bin/linkservice\b", text))) == 1


def cells_of(page: str, heading: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    part = page.partition(f"{heading}\n")[2].partition("\n#")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def named_under(page: str, heading: str) -> set[str]:
    """What stands in backticks in the first column of the table under a heading."""
    return {name for cells in cells_of(page, heading) for name in re.findall(r"`(\w+)`", cells[0])}


def test_the_tour_shows_pages_and_pictures_that_are_there(tmp_path: Path) -> None:
    """Written by the script that takes the pictures."""
    tour = (reference.ROOT / "docs" / "pages.md").read_text()
    pictures = {path.name for path in (reference.ROOT / "docs" / "pictures" / "pages").iterdir()}
    assert set(re.findall(r"\(pictures/pages/([a-z-]+\.png)\)", tour)) == pictures
    app = create_app(load({}, data_dir=tmp_path))
    rules = app.url_map.bind("")
    for path in re.findall(r"`(/[^`?]*)", tour):
        assert rules.test(f"/app{path}"), path
    close_app(app)
