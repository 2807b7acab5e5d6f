"""MaxMind's download address in a few lines, and what it keeps."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from mmdb_writer import MMDBWriter
from netaddr import IPSet

ACCOUNT, KEY = "123456", "a-Key_0f/MaxMind"
EDITION = "GeoLite2-Country"


def country_file(path: Path, code: str, kind: str = EDITION) -> bytes:
    """An `.mmdb` file of that kind which knows 203.0.113.0/24."""
    writer = MMDBWriter(6, kind, ipv4_compatible=True)
    writer.insert_network(IPSet(["203.0.113.0/24"]), {"country": {"iso_code": code}})
    writer.to_db_file(str(path))
    return path.read_bytes()


def archive(content: bytes, name: str = f"{EDITION}_20261127/{EDITION}.mmdb") -> bytes:
    """What MaxMind hands out: a folder with licences and the file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for each, text in ((f"{EDITION}_20261127/LICENSE.txt", b"terms"), (name, content)):
            member = tarfile.TarInfo(each)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    return packed.getvalue()


@dataclass
class MaxMind:
    """What the server answers, and what it was asked."""

    archive: bytes = b""
    sum: str = ""
    modified: float = 1_700_000_000
    status: int = 200
    short: int = 0
    """Bytes that are missing at the end of the archive."""
    elsewhere: str = ""
    """Another host the archive is kept at, as MaxMind does."""
    url: str = ""
    asked: list[str] = field(default_factory=list)
    told_key: list[bool] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)

    def keeps(self, packed: bytes) -> None:
        """Hand out this archive, with its sum, as newer than before."""
        self.archive, self.sum = packed, hashlib.sha256(packed).hexdigest()
        self.modified += 86_400


@contextmanager
def serving(given: MaxMind | None = None, address: str = "127.0.0.1") -> Iterator[MaxMind]:
    """Serves on a free port until the end."""
    given = given or MaxMind()
    right = "Basic " + base64.b64encode(f"{ACCOUNT}:{KEY}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given.asked.append(self.path)
            given.told_key.append(self.headers["Authorization"] is not None)
            given.agents.append(self.headers["User-Agent"])
            stored = self.path.startswith("/stored")
            if given.status != 200:
                self.answer(given.status)
            elif not stored and self.headers["Authorization"] != right:
                self.answer(401)
            elif self.path.endswith(".sha256"):
                self.answer(200, f"{given.sum}  {EDITION}.tar.gz\n".encode())
            elif given.elsewhere and not stored:
                self.answer(302, location=f"{given.elsewhere}/stored{self.path}")
            elif self.unchanged():
                self.answer(304)
            else:
                self.answer(200, given.archive, given.short)

        def unchanged(self) -> bool:
            since = self.headers["If-Modified-Since"]
            return bool(since) and parsedate_to_datetime(since).timestamp() >= given.modified

        def answer(
            self, status: int, body: bytes = b"", short: int = 0, location: str = ""
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Last-Modified", formatdate(given.modified, usegmt=True))
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(body[: len(body) - short])
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on stderr."""

    with ThreadingHTTPServer((address, 0), Handler) as server:
        given.url = f"http://{address}:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield given
        finally:
            server.shutdown()
            thread.join()


def not_gzip(packed: bytes) -> bytes:
    """The archive without its compression, which nobody asked for."""
    return gzip.decompress(packed)
