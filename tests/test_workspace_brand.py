"""A workspace's settings, its logo and its first run: what is kept, and what the trail says."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from cast import NOW, Home, make_home
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from sqlalchemy import func, select

from linkservice.changes import Change
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Forbidden, Invalid
from linkservice.workspaces.access import Actor
from linkservice.workspaces.accounts import change_workspace
from linkservice.workspaces.first_run import finish_first_run
from linkservice.workspaces.logo import LARGEST_SIDE, MOST_BYTES, as_logo, remove_logo, set_logo
from linkservice.workspaces.model import Workspace
from linkservice.workspaces.trail import list_trail


@pytest.fixture
def ada(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        return make_home(session, settings)


def written(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def kept(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(as_logo(data)))
    picture.load()
    return picture


def code(data: bytes) -> str:
    with pytest.raises(Invalid) as error:
        as_logo(data)
    (problem,) = error.value.problems
    assert (problem.field, bool(problem.sentence)) == ("logo", True)
    return problem.code


RED = Image.new("RGB", (40, 20), "#ff0000")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_logo_is_kept_as_png(kind: str) -> None:
    logo = kept(written(RED, kind))
    assert (logo.format, logo.size, logo.mode) == ("PNG", (40, 20), "RGBA")
    red, green, blue, opaque = logo.getpixel((20, 10))
    assert (red > 250, green < 5, blue < 5, opaque) == (True, True, True, 255)


def test_a_large_logo_is_scaled_down_in_proportion() -> None:
    assert kept(written(Image.new("L", (LARGEST_SIDE, 1024)))).size == (512, 128)
    assert kept(written(Image.new("1", (1, LARGEST_SIDE)))).size == (1, 512)


def test_a_logo_stays_transparent_and_grey() -> None:
    assert kept(written(Image.new("RGBA", (9, 9), (0, 0, 255, 0)))).getpixel((4, 4))[3] == 0
    assert kept(written(Image.new("I;16", (9, 9), 32768))).getpixel((4, 4)) == (128, 128, 128, 255)


def test_nothing_but_pixels_is_kept() -> None:
    remarks = PngImagePlugin.PngInfo()
    remarks.add_text("Author", "Ada at home")
    exif = Image.Exif()
    exif[0x0112] = 6  # lying on its side
    exif[0x8298] = "Ada at home"
    tagged = written(RED, pnginfo=remarks, exif=exif, icc_profile=b"Ada at home", dpi=(72, 72))
    data = as_logo(tagged)
    assert (b"Ada at home" in tagged, b"Ada at home" in data) == (True, False)
    chunks = {name for name in (b"tEXt", b"eXIf", b"iCCP", b"pHYs") if name in data}
    assert chunks == set()
    assert kept(tagged).size == (20, 40)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "logo_missing"),
        (b"\x00" * (MOST_BYTES + 1), "logo_too_large"),
        (b"<?xml version='1.0'?><SVG onload='alert(1)'/>", "logo_svg"),
        (b"<html><script>", "logo_unreadable"),
        (written(RED, "GIF"), "logo_unreadable"),
        (written(RED, "BMP"), "logo_unreadable"),
        (written(RED)[:50], "logo_unreadable"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_logo_is_refused_with_its_reason(data: bytes, problem: str) -> None:
    assert code(data) == problem


@pytest.mark.parametrize("size", [(LARGEST_SIDE + 1, 1), (10_000, 10_000), (20_000, 20_000)])
def test_a_logo_of_too_many_pixels_is_refused(size: tuple[int, int]) -> None:
    assert code(written(Image.new("1", size))) == "logo_too_many_pixels"


WHOLE = [written(RED, kind) for kind in ("PNG", "JPEG", "WEBP")]


@given(st.sampled_from(WHOLE), st.integers(0, 2000), st.binary(min_size=1, max_size=8))
@example(WHOLE[0], 16, b"\x7f\xff\xff\xff\x7f\xff\xff\xff")
def test_a_damaged_picture_is_refused_or_read(whole: bytes, at: int, damage: bytes) -> None:
    at %= len(whole)
    data = whole[:at] + damage + whole[at + len(damage) :]
    try:
        logo = as_logo(data)
    except Invalid:
        return
    assert Image.open(io.BytesIO(logo)).format == "PNG"


def test_a_logo_is_set_noted_and_removed(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        set_logo(session, ada.actor, written(RED), NOW)
        logo = session.get_one(Workspace, ada.workspace_id).logo
        assert logo is not None
        assert logo.startswith(b"\x89PNG")
        with pytest.raises(Invalid):
            set_logo(session, ada.actor, b"no picture", NOW)
        assert session.get_one(Workspace, ada.workspace_id).logo == logo
        remove_logo(session, ada.actor, NOW)
        remove_logo(session, ada.actor, NOW)
        assert session.get_one(Workspace, ada.workspace_id).logo is None
        notes = [note.action for _, note in list_trail(session, ada.actor, before=None, limit=9)]
        assert notes == ["workspace.logo_removed", "workspace.logo_set"]
        assert session.scalar(select(func.count()).select_from(Change)) == 2


def test_changed_settings_are_named_in_the_trail(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        wanted = {"name": " Morgenrot ", "locale": "de", "brand_colour": "#AA0000"}
        change_workspace(session, ada.actor, wanted, NOW)
        change_workspace(session, ada.actor, wanted, NOW)
        with pytest.raises(Invalid, match="time_zone"):
            change_workspace(session, ada.actor, {"name": "Abend", "time_zone": "Mond"}, NOW)
        assert session.get_one(Workspace, ada.workspace_id).name == "Morgenrot"
        ((_, note),) = list_trail(session, ada.actor, before=None, limit=9)
    assert (note.action, note.name) == ("workspace.changed", "Morgenrot")
    assert dict(note.facts) == {"fields": "name, brand_colour"}


def test_the_first_run_ends_once(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        finish_first_run(session, ada.actor, NOW)
        finish_first_run(session, ada.actor, NOW + timedelta(days=1))
        assert session.get_one(Workspace, ada.workspace_id).set_up_at == NOW
        ((_, note),) = list_trail(session, ada.actor, before=None, limit=9)
    assert note.action == "workspace.set_up"


def test_ben_changes_nothing_of_the_workspace(database: Database, ada: Home) -> None:
    ben = Actor(ada.workspace_id, "ben", frozenset({"links:write", "journeys:write"}))
    with database.transaction() as session:
        with pytest.raises(Forbidden):
            set_logo(session, ben, written(RED), NOW)
        with pytest.raises(Forbidden):
            remove_logo(session, ben, NOW)
        with pytest.raises(Forbidden):
            finish_first_run(session, ben, NOW)
        with pytest.raises(Forbidden):
            change_workspace(session, ben, {"name": "Bens"}, NOW)
