"""The workspace's logo: any common picture that is sent, kept as a small PNG.

It is decoded and written anew, so that nothing but its pixels is kept: no metadata, and no
file that a browser could take for something else. Hence no SVG, which may hold scripts.
"""

from __future__ import annotations

import io
from datetime import datetime

from PIL import Image, ImageOps
from sqlalchemy.orm import Session

from linkservice import changes
from linkservice.errors import Invalid, Problem
from linkservice.workspaces.access import Actor
from linkservice.workspaces.model import Workspace
from linkservice.workspaces.trail import note

MOST_BYTES = 2_000_000
LARGEST_SIDE = 4096
"""Pixels a side of what is sent; decoded it then takes at most 64 MB."""

KEPT_SIDE = 512
"""Pixels a side of what is kept."""

FORMATS = ("PNG", "JPEG", "WEBP")
_BEGINNING = 1000
"""Bytes in which an SVG says that it is one."""


def set_logo(session: Session, actor: Actor, data: bytes, now: datetime) -> None:
    """Keep the picture as the workspace's logo. Raises `Invalid`, `Forbidden`."""
    actor.require("admin")
    workspace = session.get_one(Workspace, actor.workspace_id)
    workspace.logo = as_logo(data)
    changes.announce(session, "workspace", now)
    note(session, actor, "workspace.logo_set", now, name=workspace.name)


def remove_logo(session: Session, actor: Actor, now: datetime) -> None:
    """Go without a logo. Raises `Forbidden`."""
    actor.require("admin")
    workspace = session.get_one(Workspace, actor.workspace_id)
    if workspace.logo is not None:
        workspace.logo = None
        changes.announce(session, "workspace", now)
        note(session, actor, "workspace.logo_removed", now, name=workspace.name)


def as_logo(data: bytes) -> bytes:
    """The picture as a PNG of at most `KEPT_SIDE` pixels a side. Raises `Invalid`."""
    if not data:
        raise Invalid(Problem("logo", "logo_missing"))
    if len(data) > MOST_BYTES:
        raise Invalid(Problem("logo", "logo_too_large", {"most": MOST_BYTES // 1_000_000}))
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    # A damaged file makes Pillow's decoders raise nearly anything, here and when they read on.
    except Exception:
        is_svg = b"<svg" in data[:_BEGINNING].lower()
        raise Invalid(Problem("logo", "logo_svg" if is_svg else "logo_unreadable")) from None
    # The size stands in the file's head: nothing is decoded yet.
    if max(picture.size) > LARGEST_SIDE:
        raise _too_many_pixels()
    try:
        return _as_png(picture)
    except Exception:
        raise Invalid(Problem("logo", "logo_unreadable")) from None


def _as_png(picture: Image.Image) -> bytes:
    """Its pixels, upright, as a PNG."""
    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I"):
        # Greys of 16 bits: `convert` would cut them off at 255 instead.
        upright = upright.point(lambda level: level * (1 / 256))
    small = upright.convert("RGBA")
    small.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.LANCZOS)
    # What Pillow remembers of the file it would write into the next one.
    small.info.clear()
    written = io.BytesIO()
    small.save(written, "PNG", optimize=True)
    return written.getvalue()


def _too_many_pixels() -> Invalid:
    return Invalid(Problem("logo", "logo_too_many_pixels", {"most": LARGEST_SIDE}))
