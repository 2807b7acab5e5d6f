"""Mail to people, handed to the server the settings name.

Not here: what it says (the doors), which reports go out when (`reports/letters`).
"""

from __future__ import annotations

import logging
import smtplib
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from urllib.parse import unquote, urlsplit

import idna

from linkservice.config import Settings
from linkservice.errors import Failed, Problem

_log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 20
MOST_WAITING = 200
"""Letters that wait to be handed over; a server that hangs must not fill the memory."""

_PORTS = {"smtp": 587, "smtps": 465}
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")

# Headers are not folded: folding breaks an address that is longer than a line in two, and encodes
# the parts. Mail servers take lines of 998 bytes.
_POLICY = policy.SMTP.clone(max_line_length=998)

_postman = ThreadPoolExecutor(max_workers=2, thread_name_prefix="mail")
_room = threading.BoundedSemaphore(MOST_WAITING)


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter. `html` says the same as `text`; `id` tells it from all others, also when it is
    sent again; `way_out` is the address that ends such letters when it is posted to (RFC 8058).
    """

    to: str
    subject: str
    text: str
    html: str = ""
    id: str = ""
    way_out: str = ""


def is_set(settings: Settings) -> bool:
    """Whether there is a server that takes letters."""
    return bool(settings.smtp_url)


def send(settings: Settings, to: str, subject: str, text: str) -> None:
    """Hand one letter of plain text to the mail server; waits until it has it.

    Raises `Failed`, whose reason names no address.
    """
    with connected(settings) as delivery:
        delivery.hand_over(Letter(to, subject, text))


class Delivery:
    """A connection to the mail server, for several letters one after the other."""

    def __init__(self, settings: Settings, server: smtplib.SMTP) -> None:
        self._settings, self._server = settings, server
        self.is_broken = False
        """Whether the connection ended with a letter: then no other one goes over it."""

    def hand_over(self, letter: Letter) -> None:
        """Give the server one letter; waits until it has it.

        Raises `Failed`, whose reason names no address. The server may have the letter even so,
        where the connection broke (`is_broken`).
        """
        try:
            self._server.send_message(_message(self._settings, letter))
        except (OSError, ValueError) as error:
            # smtplib's errors are OSErrors; ValueError is what `email` calls an address or header
            # that is none.
            refused = isinstance(error, smtplib.SMTPException) and not isinstance(
                error, smtplib.SMTPServerDisconnected
            )
            self.is_broken = not (refused or isinstance(error, ValueError))
            raise _failed(error) from None


@contextmanager
def connected(settings: Settings) -> Iterator[Delivery]:
    """Reach the mail server and sign in. Raises `Failed`."""
    try:
        server = _connect(settings.smtp_url)
    except (OSError, ValueError) as error:
        raise _failed(error) from None
    delivery = Delivery(settings, server)
    try:
        yield delivery
    finally:
        # What was handed over is the server's, whatever it says to a farewell.
        with suppress(OSError):
            if not delivery.is_broken:
                server.quit()
        server.close()


def try_out(settings: Settings, seconds: float) -> None:
    """Reach the mail server and sign in, without a letter. Raises `Failed` with the reason."""
    try:
        with _connect(settings.smtp_url, seconds):
            pass
    except (OSError, ValueError) as error:
        raise _failed(error) from None


def send_later(settings: Settings, to: str, subject: str, text: str) -> None:
    """As `send`, in the background: an answer takes as long with a letter as without one.

    What fails is logged, without the address.
    """
    if not _room.acquire(blocking=False):
        _log.error("a letter was dropped: %d wait for the mail server already", MOST_WAITING)
        return

    def deliver() -> None:
        try:
            send(settings, to, subject, text)
        except Failed as error:
            _log.error("%s", error)
        finally:
            _room.release()

    _postman.submit(deliver)


def _failed(error: Exception) -> Failed:
    return Failed(Problem("", "mail_failed", {"why": _reason(error)}))


def _message(settings: Settings, letter: Letter) -> EmailMessage:
    name, sender = parseaddr(settings.mail_from)
    domain = sender.rpartition("@")[2]
    message = EmailMessage(_POLICY)
    # One address each, so that nothing in them becomes another recipient or header.
    message["From"] = _address(name, sender)
    message["To"] = _address("", letter.to)
    message["Subject"] = " ".join(letter.subject.split())
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{letter.id}@{domain}>" if letter.id else make_msgid(domain=domain)
    # No out-of-office notes in return (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    if letter.way_out:
        message["List-Unsubscribe"] = f"<{letter.way_out}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(letter.text)
    if letter.html:
        message.add_alternative(letter.html, subtype="html")
    return message


def _address(name: str, text: str) -> Address:
    # Split here: the parser behind `Address(addr_spec=…)` reads comments and stumbles over some.
    local, _, domain = text.rpartition("@")
    if not local:
        raise ValueError("the address has no name before the @")
    return Address(name, local, idna.encode(domain, uts46=True).decode())


def _connect(url: str, seconds: float = TIMEOUT_SECONDS) -> smtplib.SMTP:
    """A connection, encrypted where the server can, with the user of the URL signed in."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    trusted = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=seconds, context=trusted)
    else:
        server = smtplib.SMTP(host, port, timeout=seconds)
    try:
        server.ehlo_or_helo_if_needed()
        # A relay on the same machine often has a certificate nobody signed, and needs none.
        private = parts.scheme == "smtps" or host in _THIS_MACHINE
        if not private and server.has_extn("starttls"):
            server.starttls(context=trusted)
            private = True
        if parts.username:
            if not private:
                raise ValueError("it offers no encryption, and a password goes with it")
            server.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _reason(error: Exception) -> str:
    """Why it failed. Servers repeat addresses in what they say, so only their code is told."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "it refused the recipient: " + ", ".join(
            str(code) for code, _ in error.recipients.values()
        )
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate: {error.verify_message}"
    if isinstance(error, smtplib.SMTPException):
        return type(error).__name__
    if isinstance(error, UnicodeError):
        return "an address is none"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error)
