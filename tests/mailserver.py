"""A mail server of a few lines that keeps what it is given."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

CERTIFICATE = Path(__file__).with_name("mailserver.pem")
ADDRESS = "127.0.0.2"
"""Of this machine, but not one that goes without encryption."""


@dataclass
class Given:
    """What clients told the server."""

    url: str = ""
    recipients: list[str] = field(default_factory=list)
    letters: list[EmailMessage] = field(default_factory=list)
    passwords: list[tuple[str, str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)


@contextmanager
def mail_server(*, tls: str = "none", refuses: str = "", address: str = ADDRESS) -> Iterator[Given]:
    """Serves until the end; `tls` is none, starttls or smtps; `refuses` a recipient."""
    given = Given()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    class Session(socketserver.StreamRequestHandler):
        encrypted = False

        def setup(self) -> None:
            if tls == "smtps":
                self._encrypt()
            super().setup()

        def _encrypt(self) -> None:
            self.request = context.wrap_socket(self.request, server_side=True)
            self.encrypted = True

        def finish(self) -> None:
            super().finish()
            self.request.close()

        def _say(self, *lines: str) -> None:
            for line in lines:
                self.wfile.write(line.encode() + b"\r\n")

        def handle(self) -> None:
            self._say("220 here")
            while line := self.rfile.readline().decode().strip():
                verb, _, rest = line.partition(" ")
                if verb.upper() == "QUIT":
                    self._say("221 bye")
                    return
                self._do(verb.upper(), rest)

        def _do(self, verb: str, rest: str) -> None:
            if verb == "EHLO":
                extra = ["250-STARTTLS"] if tls == "starttls" and not self.encrypted else []
                self._say("250-here", *extra, "250-SMTPUTF8", "250 AUTH PLAIN")
            elif verb == "STARTTLS":
                self._say("220 go")
                self._encrypt()
                super().setup()
            elif verb == "AUTH":
                _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                given.passwords.append((user, password))
                self._say("235 ok")
            elif verb == "RCPT":
                to = rest.partition("<")[2].partition(">")[0]
                given.recipients.append(to)
                self._say(f"550 no {to} here" if to == refuses else "250 ok")
            elif verb == "DATA":
                self._say("354 go")
                lines = iter(self.rfile.readline, b".\r\n")
                data = b"".join(line.removeprefix(b".") for line in lines)
                letter = message_from_bytes(data, policy=policy.default)
                assert isinstance(letter, EmailMessage)
                given.letters.append(letter)
                given.encrypted.append(self.encrypted)
                self._say("250 ok")
                given.arrived.set()
            else:
                self._say("250 ok")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that does not trust the certificate leaves in the middle."""

    with Server((address, 0), Session) as server:
        scheme = "smtps" if tls == "smtps" else "smtp"
        given.url = f"{scheme}://{address}:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield given
        server.shutdown()
