"""The click id, which a link that is asked to appends to its destination: made, and read again.

Decided here: what it says (link, the link's version, the millisecond of the click), how it is
signed, and where in an address it stands. It is kept nowhere and names nobody: whoever bought
something with it in the address was brought there by this link at that time. The random number in
it tells two clicks of one moment apart. Not here: what counts as a conversion (`recording`).

The redirect's hot lane imports this module.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote_plus

PARAMETER = "lsid"

FORM = r"[A-Za-z0-9_-]{44}"
"""What a click id looks like; 33 bytes, so that none of its characters is left to chance."""

_KIND, _OF_SECONDS = 2, 1
"""The ids that are made; and older ones, whose last number is random altogether."""

_BODY = struct.Struct(">BQIII")
"""Which kind of id it is, link, its version, second since 1970, millisecond and a random number."""

_RANDOM_BITS = 22
"""Of the last number; those above have the millisecond."""

_SIGNATURE_BYTES = 12
"""96 bits: with a thousand guesses a second, one is right in 10^18 years."""

_CLICK_ID = re.compile(FORM)


@dataclass(frozen=True, slots=True)
class Clicked:
    """What a click id says: which version of a link was clicked, and when (to the millisecond; of
    older ids to the second).
    """

    link_id: int
    version: int
    at: datetime


class ClickIds:
    """Makes click ids and reads them, with the secret key of the installation."""

    def __init__(self, secret_key: str) -> None:
        self._key = hmac.digest(secret_key.encode(), b"click id", "sha256")

    def make(self, link_id: int, version: int, now_ms: int) -> str:
        """A click id of that version of a link, clicked at `now_ms` (milliseconds since 1970)."""
        chance = int.from_bytes(os.urandom(4), "big") >> 32 - _RANDOM_BITS
        last = now_ms % 1000 << _RANDOM_BITS | chance
        body = _BODY.pack(_KIND, link_id, version, now_ms // 1000, last)
        return base64.urlsafe_b64encode(body + self._signature(body)).decode()

    def read(self, text: str) -> Clicked | None:
        """What it says; None for a text that no key of ours has signed."""
        if not _CLICK_ID.fullmatch(text):
            return None
        raw = base64.urlsafe_b64decode(text)
        body = raw[: _BODY.size]
        if not hmac.compare_digest(raw[_BODY.size :], self._signature(body)):
            return None
        kind, link_id, version, second, last = _BODY.unpack(body)
        if kind not in (_KIND, _OF_SECONDS):
            return None
        past = timedelta(milliseconds=last >> _RANDOM_BITS if kind == _KIND else 0)
        return Clicked(link_id, version, datetime.fromtimestamp(second, UTC) + past)

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:_SIGNATURE_BYTES]


def appended(location: str, click_id: str) -> str:
    """`location` with the click id as its last parameter; one that was there (of an address that
    was copied after a click) goes. Never raises.
    """
    before, hash_sign, fragment = location.partition("#")
    head, _, query = before.partition("?")
    kept = [piece for piece in query.split("&") if piece and not _is_click_id(piece)]
    kept.append(f"{PARAMETER}={click_id}")
    return f"{head}?{'&'.join(kept)}{hash_sign}{fragment}"


def _is_click_id(piece: str) -> bool:
    return unquote_plus(piece.partition("=")[0]) == PARAMETER
