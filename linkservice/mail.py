"""Mail to people, handed to the server the settings name. Not here: what it says (the doors)."""

from __future__ import annotations

import logging
import smtplib
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
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

_postman = ThreadPoolExecutor(max_workers=2, thread_name_prefix="mail")
_room = threading.BoundedSemaphore(MOST_WAITING)


def is_set(settings: Settings) -> bool:
    """Whether there is a server that takes letters."""
    return bool(settings.smtp_url)


def send(settings: Settings, to: str, subject: str, text: str) -> None:
    """Hand one letter of plain text to the mail server; waits until it has it.

    Raises `Failed`, whose reason names no address.
    """
    try:
        letter = _letter(settings, to, subject, text)
        with _connect(settings.smtp_url) as server:
            server.send_message(letter)
    except (OSError, ValueError) as error:
        # smtplib's errors are OSErrors; ValueError is what `email` calls an address or header
        # that is none.
        raise Failed(Problem("", "mail_failed", {"why": _reason(error)})) from None


def try_out(settings: Settings, seconds: float) -> None:
    """Reach the mail server and sign in, without a letter. Raises `Failed` with the reason."""
    try:
        with _connect(settings.smtp_url, seconds):
            pass
    except (OSError, ValueError) as error:
        raise Failed(Problem("", "mail_failed", {"why": _reason(error)})) from None


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


def _letter(settings: Settings, to: str, subject: str, text: str) -> EmailMessage:
    name, sender = parseaddr(settings.mail_from)
    letter = EmailMessage()
    # One address each, so that nothing in them becomes another recipient or header.
    letter["From"] = _address(name, sender)
    letter["To"] = _address("", to)
    letter["Subject"] = " ".join(subject.split())
    letter["Date"] = formatdate()
    letter["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    # No out-of-office notes in return (RFC 3834).
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(text)
    return letter


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
