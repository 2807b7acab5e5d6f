"""No full address, in no file: after clicks, misses, imports, sign-ins and rude requests.

Every request brings addresses that nobody else has, wherever one may stand: as the client's in
the header a proxy writes, forged left of it, in the other headers, in cookies, referrers and
query strings. Then every byte that was written is searched for each of them: the data directory
with spool and database, the logs, temporary files, a backup, and every row of every table.
"""

from __future__ import annotations

import ipaddress
import json
import random
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cast import Home, make_home
from clients import Answers
from evidence import Trial
from linkport import recorded
from service import BROWSER, Service, running, wait_until
from sqlalchemy import func, select
from traces import Address, Hunt, everything_written

from linkservice.backup import back_up
from linkservice.clicks.imports import import_clicks
from linkservice.clicks.model import Click
from linkservice.clicks.visitor import cut_network
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.links.manage import NewLink, create_link
from linkservice.web.guard import form_token
from linkservice.workspaces.accounts import add_user
from linkservice.workspaces.model import Workspace

pytestmark = pytest.mark.fault

DEPTH = 20
"""Requests sent at once over a connection."""

CHANCE = 0.05
"""The share of IPv4 addresses that may turn up packed: their network stands in the spool, and the
byte behind it is the last one by chance once in 256. One that is stored is found for every click.
"""

ROLES = {"x-forwarded-for": ("redirect", "ingest"), "forwarded": ("redirect", "web", "ingest")}


@dataclass
class Crowd:
    """Makes addresses nobody else has, and remembers them."""

    chance: random.Random
    header: str
    clients: list[Address] = field(default_factory=list)
    others: list[Address] = field(default_factory=list)
    recorded: int = 0

    def address(self) -> Address:
        if self.chance.random() < 0.5:
            first = self.chance.choice([*range(11, 100), *range(128, 172)])
            rest = [self.chance.randrange(256), self.chance.randrange(256)]
            parts = [first, *rest, self.chance.randrange(100, 255)]
            return ipaddress.IPv4Address(".".join(map(str, parts)))
        return ipaddress.IPv6Address((0x2001 << 112) | self.chance.getrandbits(112) | (1 << 63))

    def other(self) -> str:
        self.others.append(self.address())
        return str(self.others[-1])

    def client(self) -> str:
        self.clients.append(self.address())
        return str(self.clients[-1])

    def headers(self) -> list[str]:
        """What a proxy passes on: its own entry last in its header, the rest as a client likes."""
        client, forged = self.client(), self.other()
        node = f'"[{client}]:4711"' if ":" in client else client
        written = {
            "x-forwarded-for": f"X-Forwarded-For: {forged}, {client}",
            "forwarded": f'Forwarded: for="{forged}, for={node};proto=https',
        }[self.header]
        loose = {
            "x-forwarded-for": f"Forwarded: for={self.other()}",
            "forwarded": f"X-Forwarded-For: {self.other()}",
        }[self.header]
        referrer = self.other()
        host = f"[{referrer}]" if ":" in referrer else referrer
        agent = BROWSER if self.chance.random() < 0.8 else "curl/8.5.0"
        return [
            *(written, loose, f"X-Real-IP: {self.other()}", f"True-Client-IP: {self.other()}"),
            f"Cookie: ip={self.other()}; linkservice_own={self.chance.choice('01')}",
            f"Referer: http://{host}/seen/{self.other()}?from={self.other()}",
            *(f"User-Agent: {agent}", "Accept-Language: de-DE,de;q=0.9"),
            *self.chance.choice([[], ["DNT: 1"], ["Sec-GPC: 1"], ["Purpose: prefetch"]]),
        ]

    def request(self) -> bytes:
        """A click, a scan, a look at a preview or a miss."""
        path = self.chance.choice(["/poster", "/poster", "/q/poster", "/poster+", "/nothing"])
        method = self.chance.choice(["GET", "GET", "GET", "HEAD"]) if "+" not in path else "GET"
        # The answer to HEAD has a length and no body, which the reader of answers cannot know.
        method = "GET" if path == "/nothing" else method
        self.recorded += path != "/poster+"
        lines = [f"{method} {path}?ip={self.other()} HTTP/1.1", "Host: 127.0.0.1", *self.headers()]
        return "\r\n".join([*lines, "", ""]).encode()


@pytest.fixture
def home(settings: Settings, database: Database) -> Home:
    now = datetime.now(UTC)
    with database.transaction() as session:
        home = make_home(session, settings, now=now)
        new = NewLink("https://example.com/", slug="poster", forward_query=True)
        create_link(session, home.actor, settings, new, now - timedelta(days=30))
        workspace = session.get_one(Workspace, home.workspace_id)
        add_user(session, workspace, "ada@example.com", "owner", now)
        workspace.own_networks = "198.18.0.0/15"
    return home


@pytest.mark.parametrize(
    ("header", "engine_name"),
    [
        ("x-forwarded-for", "sqlite"),
        ("forwarded", "postgresql"),
        pytest.param("x-forwarded-for", "postgresql", marks=pytest.mark.soak),
        pytest.param("forwarded", "sqlite", marks=pytest.mark.soak),
    ],
    indirect=["engine_name"],
)
def test_no_full_address_is_in_any_file(
    settings: Settings,
    database: Database,
    home: Home,
    tmp_path: Path,
    trial: Trial,
    header: str,
    engine_name: str,
) -> None:
    crowd = Crowd(trial.chance(), header)
    clicks = trial.size(60, 10_000)
    environment = {
        "LINKSERVICE_TRUSTED_HOPS": "1",
        "LINKSERVICE_FORWARDED_HEADER": header,
        "LINKSERVICE_LOG_LEVEL": "debug",
        "TMPDIR": str(tmp_path / "temporary"),
    }
    (tmp_path / "temporary").mkdir()
    with running(
        settings,
        tmp_path,
        roles=ROLES[header],
        workers=1,
        environment=environment,
    ) as service:
        imported = bring_in(settings, database, home, crowd, trial.size(20, 1_000))
        click(service, [crowd.request() for _ in range(clicks)])
        be_rude(service.link_port, crowd)
        if "web" in ROLES[header]:
            be_rude(service.port, crowd)
            sign_in_badly(service, settings, crowd, trial.size(5, 40))
        wait_until(lambda: stored(database) >= crowd.recorded + imported)
        assert service.stop() == 0
    back_up(settings, database, tmp_path / "backup.zip", datetime.now(UTC), lambda done, of: None)
    addresses = crowd.clients + crowd.others
    hunt = Hunt(addresses)
    for name, data in everything_written(tmp_path, database):
        hunt.search(data)
        assert not hunt.found.certain, f"{name} holds {sorted(hunt.found.certain)[:5]}"
    v4 = sum(each.version == 4 for each in addresses)
    assert len(hunt.found.packed) < CHANCE * v4
    # The right ones were read, and what may be kept of them is there.
    kept = {each.network for each in recorded(settings.spool_dir)}
    assert kept <= {cut_network(str(each)) for each in crowd.clients} | {b""}
    assert len(kept) > clicks / 2
    trial.saw(
        f"addresses in files, {header}, {engine_name}",
        "after 10,000 clicks no full address in any file, log, table or backup",
        f"{clicks:,} clicks, {imported:,} imported, {len(addresses):,} addresses searched, 0 found",
    )


def click(service: Service, requests: Sequence[bytes]) -> None:
    """Send them in turns over kept connections, and wait for every answer."""
    with closing(socket.create_connection(("127.0.0.1", service.link_port), 30)) as connection:
        answers = Answers()
        for first in range(0, len(requests), DEPTH):
            part = requests[first : first + DEPTH]
            connection.sendall(b"".join(part))
            missing = len(part)
            while missing:
                data = connection.recv(65536)
                assert data
                missing -= len(answers.feed(data))


def bring_in(settings: Settings, database: Database, home: Home, crowd: Crowd, clicks: int) -> int:
    """Import past clicks with whole addresses; the file goes afterwards, it is not ours."""
    now = datetime.now(UTC)
    path = settings.data_dir.parent / "past.jsonl"
    with path.open("w") as file:
        for number in range(clicks):
            at = now - timedelta(days=2, seconds=number)
            line = {
                "time": at.isoformat(),
                "slug": "poster",
                "source": "click",
                "user_agent": BROWSER,
                "address": crowd.client(),
                "referrer": f"http://{crowd.other()}/" if number % 2 else "news.example",
            }
            file.write(json.dumps(line) + "\n")
    import_clicks(settings, database, home.actor, path, now, lambda done: None)
    path.unlink()
    return clicks


def be_rude(port: int, crowd: Crowd) -> None:
    """What a server, a log or a traceback may repeat."""
    for line in (
        f"GET http://{crowd.other()}/ HTTP/1.1\r\nHost: {crowd.other()}\r\n",
        f"GET /%00{crowd.other()}?ip={crowd.other()} HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        f"BREW /{crowd.other()} HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        f"GET /{crowd.other()} HTTP/1.1\r\nHost: [{crowd.other()}\r\nX: {crowd.other()}\r\n",
        f"GET /app/links/{crowd.other()}?q={crowd.other()} HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        "POST /api/v1/links HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n"
        f"Authorization: Bearer {crowd.other()}\r\n",
    ):
        exchange(port, line + "\r\n".join([*crowd.headers(), "Connection: close", "", "{}x"]))


def sign_in_badly(service: Service, settings: Settings, crowd: Crowd, times: int) -> None:
    """Attempts are counted by account and network."""
    secret = replace(settings, secret_key="a secret nobody may read")
    for number in range(times):
        email = "ada@example.com" if number % 2 else f"{crowd.other()}@example.com"
        token = form_token(secret, "visit")
        body = f"csrf={token}&email={email.replace(':', '%3A')}&password={crowd.other()}"
        lines = [
            "POST /app/sign-in HTTP/1.1",
            f"Host: 127.0.0.1:{service.port}",
            *(each for each in crowd.headers() if not each.startswith("Cookie")),
            "Cookie: linkservice-visit=visit",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        answer = exchange(service.port, "\r\n".join([*lines, "", body]))
        assert answer[9:12] in (b"401", b"422", b"429"), answer[:200]


def exchange(port: int, text: str) -> bytes:
    """One request over a connection of its own; whatever comes back."""
    with closing(socket.create_connection(("127.0.0.1", port), 30)) as connection:
        connection.sendall(text.encode())
        return b"".join(_received(connection))


def _received(connection: socket.socket) -> Iterator[bytes]:
    try:
        while data := connection.recv(65536):
            yield data
    except OSError:
        return


def stored(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Click)) or 0
