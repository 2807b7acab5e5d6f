"""An address the service listens at: may we have it, does it answer, who reaches it how.

The supervisor opens the socket and its workers accept from it. So a customer who is waiting to
be accepted waits for the next worker that has time, whichever of them dies or is restarted
meanwhile; with a socket for each worker (SO_REUSEPORT) the queue of one that ends is lost.
"""

from __future__ import annotations

import errno
import http.client
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from linkservice.errors import Conflict, Failed, Invalid, LinkServiceError, Problem

PATIENCE_SECONDS = 1.0
"""How long the workers of a supervisor that was just killed may take to be gone."""

BACKLOG = 4096
"""Customers who may wait to be accepted, as far as the system allows (`net.core.somaxconn`)."""

_RETRY_SECONDS = 0.05
_FIRST_FD = 3  # SD_LISTEN_FDS_START
_ANSWER_SECONDS = 1.0
_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # translated, not bound
_SOMEWHERE = ("192.0.2.1", 9)  # RFC 5737: leads nowhere, but out of the house


@dataclass(frozen=True, slots=True)
class Address:
    """Where a role listens: `ip` and `port`; `public` is the URL people use for it."""

    role: str
    ip: str
    port: int
    public: str

    @property
    def option(self) -> str:
        """The argument that chose the port."""
        return "port" if self.role == "web" else "link_port"

    def url(self, ip: str | None = None) -> str:
        """The URL that reaches it on this machine, or through another `ip` of it."""
        host = ip or _HERE.get(self.ip, self.ip)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @contextmanager
    def listening(self) -> Iterator[socket.socket]:
        """A socket that listens there, for workers to accept from; nobody else can then.
        It is the one a service manager holds for us, if it does.

        Raises `Conflict` when the port is taken, `Failed` when this user may not have it,
        `Invalid` when the address is not this machine's.
        """
        with self._handed_over() or self._opened() as listener:
            yield listener

    def answers(self) -> bool:
        """Whether the service there calls itself healthy; waits at most a second."""
        host = _HERE.get(self.ip, self.ip)
        connection = http.client.HTTPConnection(host, self.port, timeout=_ANSWER_SECONDS)
        with closing(connection):
            try:
                connection.request("GET", "/healthz")
                return connection.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                return False

    def explained(self, error: OSError) -> LinkServiceError:
        """What to tell a person whom this error keeps from the port."""
        facts = {
            "address": self.ip,
            "port": self.port,
            "option": "--" + self.option.replace("_", "-"),
        }
        if error.errno == errno.EADDRINUSE:
            return Conflict(Problem(self.option, "port_taken", facts))
        if error.errno in (errno.EACCES, errno.EPERM):
            return Failed(Problem(self.option, "port_forbidden", facts))
        if error.errno == errno.EADDRNOTAVAIL:
            return Invalid(Problem("host", "bad_listen_host", {"host": self.ip}))
        return Failed(Problem(self.option, "port_failed", {**facts, "reason": error.strerror}))

    def _handed_over(self) -> socket.socket | None:
        """The socket that was opened for us before we started (sd_listen_fds(3)).

        Who waits in its queue while the service is restarted is served by the next start.
        """
        if os.environ.get("LISTEN_PID") != str(os.getpid()):
            return None
        for fd in range(_FIRST_FD, _FIRST_FD + int(os.environ.get("LISTEN_FDS", "0"))):
            with socket.socket(fileno=os.dup(fd)) as copy:
                if copy.getsockname()[:2] == (self.ip, self.port):
                    return copy.dup()
        return None

    def _opened(self) -> socket.socket:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._listener()
            except OSError as error:
                if error.errno != errno.EADDRINUSE or time.monotonic() >= deadline:
                    raise self.explained(error) from None
            time.sleep(_RETRY_SECONDS)

    def _listener(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.ip else socket.AF_INET
        with ExitStack() as on_error:
            listener = on_error.enter_context(socket.socket(family))
            # Connections of a service that just ended linger for a minute: no obstacle.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.ip, self.port))
            listener.listen(BACKLOG)
            on_error.pop_all()
        return listener


def resolve(host: str) -> str:
    """The IP address to listen at. Raises `Invalid` where `host` names none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, ValueError):
        raise Invalid(Problem("host", "bad_listen_host", {"host": host[:80]})) from None
    return str(found[0][4][0])


def lan_address() -> str | None:
    """This machine's address in its network; None when it is in none. Sends nothing."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect(_SOMEWHERE)
        except OSError:
            return None
        return str(probe.getsockname()[0])


def announcement(addresses: Sequence[Address], lan: str | None) -> list[str]:
    """What a person wants to know: where the service is, and how a phone gets there."""
    lines = []
    for each in addresses:
        title = "App:  " if each.role == "web" else "Links:"
        public = "" if each.public == each.url() else f" (public: {each.public})"
        lines.append(f"{title} {each.url()}{public}")
    if any(each.role == "redirect" and each.public.startswith("https://") for each in addresses):
        return lines  # a phone follows the codes to the public host
    if addresses and addresses[0].ip in ("127.0.0.1", "::1"):
        lines.append("Phone: start it with --host 0.0.0.0 to reach it from a phone.")
    elif addresses and lan:
        lines.append("Phone: " + " ".join(each.url(lan) for each in addresses))
        links = next((each for each in addresses if each.role == "redirect"), None)
        if links and lan not in links.public:
            lines.append(
                f"       Codes hold {links.public}; for a phone to follow them start with "
                f"LINKSERVICE_LINK_URL={links.url(lan)}"
            )
    return lines or ["Ingesting."]
