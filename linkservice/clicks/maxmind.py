"""Fetches the country file of MaxMind with an account's key; only when its owner asks.

The archive is checked against MaxMind's SHA-256, the file in it is opened before it takes
the old one's place, and that by a rename: whoever reads meanwhile has the old or the new
one, and whatever goes wrong leaves the old one.

Not here: which file is read (`clicks/geodata.py`).
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from typing import IO

import maxminddb

from linkservice import __version__
from linkservice.clicks.geodata import Description, chosen_file, describe
from linkservice.config import Settings
from linkservice.errors import Conflict, Failed, Invalid, Problem, Unavailable

HOST = "https://download.maxmind.com"

PATIENCE_SECONDS = 30
"""Without a byte for so long, the connection is taken to be dead."""

LARGEST_BYTES = 1 << 30
"""Of an archive and of the file in it; MaxMind's largest has a fifth of that."""

_PIECE = 1 << 16

Progress = Callable[[int, int], None]
"""Is called with the bytes that are done, and with all (0: not known)."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The file that is there now, and whether it is a new one."""

    file: Description
    changed: bool


def update(settings: Settings, progress: Progress, host: str = HOST) -> Fetched:
    """Fetch the edition of the settings, if MaxMind has a newer one than is there.

    Raises `Invalid` without account and key, or where MaxMind refuses them; `Conflict` where
    `GEOIP_DB` names a file of another maker; `Unavailable` where MaxMind cannot be reached or
    wants to be asked later; `Failed` where what came is damaged.
    """
    if not (settings.maxmind_account_id and settings.maxmind_license_key):
        raise Invalid(Problem("", "maxmind_key_missing"))
    target = chosen_file(settings).path
    edition = settings.maxmind_edition
    old = _present(target, edition)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    address = f"{host}/geoip/databases/{edition}/download?suffix=tar.gz"
    with tempfile.TemporaryDirectory(prefix=".geo-", dir=target.parent) as folder:
        archive = Path(folder) / "archive.tar.gz"
        modified = _download(settings, address, archive, target if old else None, progress)
        if modified is None and old is not None:
            return Fetched(old, changed=False)
        _check_sum(settings, f"{address}.sha256", archive)
        new = Path(folder) / target.name
        _unpack(archive, new)
        found = _readable(new, edition)
        if modified:
            os.utime(new, (modified, modified))
        _keep(new, target)
    return Fetched(Description(target, found.kind, found.made, found.networks), changed=True)


def _present(target: Path, edition: str) -> Description | None:
    """The old file, if it can be read; refuses to overwrite what is not MaxMind's edition."""
    try:
        old = describe(target)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError):
        return None
    if old.kind != edition:
        raise Conflict(
            Problem("", "geo_file_of_other", {"path": target, "kind": old.kind, "edition": edition})
        )
    return old


def _download(
    settings: Settings, address: str, archive: Path, old: Path | None, progress: Progress
) -> float | None:
    """Write the archive. Returns its time (seconds of the epoch, 0 if untold), None if no newer."""
    headers = {}
    if old is not None:
        headers["If-Modified-Since"] = formatdate(old.stat().st_mtime, usegmt=True)
    try:
        with _ask(settings, address, headers) as answer, archive.open("wb") as file:
            total = int(answer.headers.get("Content-Length") or 0)
            done = 0
            while piece := answer.read(_PIECE):
                done += len(piece)
                if done > LARGEST_BYTES:
                    raise Failed(Problem("", "geo_damaged", {"why": "it is far too large"}))
                file.write(piece)
                progress(done, total)
            if total and done != total:
                raise _unreachable(f"{done:,} of {total:,} bytes came")
            return _time(answer.headers.get("Last-Modified"))
    except _NotNewer:
        return None
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(str(getattr(error, "reason", "") or error)) from error


def _check_sum(settings: Settings, address: str, archive: Path) -> None:
    try:
        with _ask(settings, address, {}) as answer:
            told = answer.read(1024).decode("ascii", "replace").split()
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(str(getattr(error, "reason", "") or error)) from error
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not told or told[0].lower() != found:
        raise Failed(
            Problem("", "geo_damaged", {"why": "its SHA-256 is not the one it should have"})
        )


class _NotNewer(Exception):
    """MaxMind has nothing newer (304)."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows MaxMind to where it keeps the files, without telling that host the key."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        old_host = urllib.parse.urlsplit(req.full_url)[:2]
        if new is not None and urllib.parse.urlsplit(newurl)[:2] != old_host:
            new.remove_header("Authorization")
        return new


def _ask(settings: Settings, address: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    pair = f"{settings.maxmind_account_id}:{settings.maxmind_license_key}".encode()
    request = urllib.request.Request(  # noqa: S310 - the address is ours
        address,
        headers={
            "Authorization": "Basic " + base64.b64encode(pair).decode(),
            "User-Agent": f"linkservice/{__version__}",
            **headers,
        },
    )
    opener = urllib.request.build_opener(_Redirects)
    try:
        answer: http.client.HTTPResponse = opener.open(request, timeout=PATIENCE_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 304:
            raise _NotNewer from None
        raise _refusal(settings, error.code) from None
    return answer


def _refusal(settings: Settings, status: int) -> Invalid | Unavailable:
    if status == 401:
        return Invalid(Problem("", "maxmind_key_refused"))
    if status in (403, 404):
        return Invalid(Problem("", "maxmind_no_edition", {"edition": settings.maxmind_edition}))
    if status == 429:
        return Unavailable(Problem("", "maxmind_too_often"))
    return _unreachable(f"it answered {status}")


def _unreachable(why: str) -> Unavailable:
    return Unavailable(Problem("", "maxmind_unreachable", {"why": why}))


def _time(text: str | None) -> float:
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except (TypeError, ValueError):
        return 0.0


def _unpack(archive: Path, new: Path) -> None:
    """Write the one `.mmdb` file of the archive, wherever in it it lies."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                if file is None or not member.name.endswith(".mmdb"):
                    continue
                if member.size > LARGEST_BYTES:
                    break
                with file, new.open("wb") as target:
                    while piece := file.read(_PIECE):
                        target.write(piece)
                return
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise Failed(Problem("", "geo_damaged", {"why": error})) from error
    raise Failed(Problem("", "geo_damaged", {"why": "no .mmdb file is in it"}))


def _readable(new: Path, edition: str) -> Description:
    try:
        found = describe(new)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise Failed(Problem("", "geo_damaged", {"why": error})) from error
    if found.kind != edition:
        raise Failed(Problem("", "geo_damaged", {"why": f"it is {found.kind}, not {edition}"}))
    return found


def _keep(new: Path, target: Path) -> None:
    """Put the new file in the place of the old, on stable storage."""
    with new.open("rb") as file:
        os.fsync(file.fileno())
    new.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
