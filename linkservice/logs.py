"""What the log says: one line per event whatever came in, and nobody's secrets.

Decided here: how an event is written, as text for people or JSON for machines, and what of it
is left out. Not here: what is worth an event (whoever logs it), access logs of redirects (there
are none: `/metrics` counts them, the spool records them).

Left out, in messages, fields and tracebacks alike: query strings and fragments, the paths of
http(s) URLs (a referrer's path may say who reads what), user and password of any URL, e-mail
addresses up to their @, API keys, the links that work once, session cookies and other headers
that sign in, the settings that are secret, and all but the network of an address that is not
this machine's own.

A rule that is in doubt hides: what the log lost can be asked for again, what it told cannot be
taken back.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import math
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import TracebackType
from urllib.parse import quote, unquote, urlsplit

from linkservice.config import SETTINGS, Settings

LONGEST_TEXT = 8_000
"""Characters of a message that are written; the rest may be somebody's upload."""

HIDDEN = "…"

_SHORTEST_SECRET = 5
"""A password shorter than this hides too much that only looks like it."""

# In this order: the larger thing first, so that no half of it stays. Only a space ends what is
# hidden: a line end or a control character in the middle may be the sender's trick.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"(?is)((?:proxy-)?authorization|(?:set-)?cookie)(\"?'?\s*[:=]).*"),
        r"\1\2 …",
    ),
    (re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30}://)[^ ]{0,1000}@"), r"\1…@"),
    # Escaped ones too, as they stand in JSON and in other URLs.
    (
        re.compile(
            r"(?i)(https?(?::|%3a)(?:\\?/|%2f){2}[^\s/?#\\\"'<>%]+)(?:[/?#]|\\/|%2f|%3f|%23)[^ ]+"
        ),
        r"\1/…",
    ),
    (re.compile(r"(/(?:setup|password|sign-in|invitation|letters/off)/)[^ ]+"), r"\1…"),
    (re.compile(r"(?<=[^ ])([?#])[^ ]+"), r"\1…"),
    (re.compile(r"(\?)[^ =]*=[^ ]*"), r"\1…"),
    (re.compile(r"[\w.+-]{1,64}@(?=[\w-]+\.)"), "…@"),
    (re.compile(r"lsk_[A-Za-z0-9_-]+"), "lsk_…"),
    (
        re.compile(
            r"(?i)(bearer\s+|(?:password|passwd|secret|token|api[_-]?key)\"?'?\s*[:=]\s*)[^ ]+"
        ),
        r"\1…",
    ),
    # What `secrets.token_urlsafe(32)` makes: sessions, links that work once, form tokens.
    (
        re.compile(r"(?<![A-Za-z0-9_-])(?=[A-Za-z_-]*[0-9])(?=[a-z0-9_-]*[A-Z])[A-Za-z0-9_-]{40,}"),
        HIDDEN,
    ),
)
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3,}")
_IPV6 = re.compile(r"(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])")


class Redactor:
    """Takes out of a text what no log may hold; `settings` name further secrets."""

    def __init__(self, settings: Settings) -> None:
        secrets = {each for each in _secrets(settings) if len(each) >= _SHORTEST_SECRET}
        spellings = secrets | {quote(each, safe="") for each in secrets}
        self._secrets = sorted(spellings, key=len, reverse=True)
        self._own_hosts = _hosts(settings)

    def __call__(self, text: str) -> str:
        """One line of printable characters without secrets."""
        text = _cut(text)
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        for pattern, instead in _RULES:
            text = pattern.sub(instead, text)
        text = _IPV6.sub(self._network, _IPV4.sub(self._network, text))
        return on_one_line(text)

    def _network(self, found: re.Match[str]) -> str:
        """The network of an address; as it is, one of this machine or of a server we use."""
        text = found[0]
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            # `1.2.3.4.5` is none, and what holds one goes as well; `12:34:56` is the time.
            return text if ":" in text else ".".join([*text.split(".")[:3], "x"])
        if address.is_loopback or address.is_unspecified or text in self._own_hosts:
            return text
        if address.version == 4:
            return ".".join([*text.split(".")[:3], "x"])
        return ":".join([*address.exploded.split(":")[:3], ":x"])


class Text(logging.Formatter):
    """For people at a terminal: `2026-11-27 09:00:00,123 INFO redirect 1 started`."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        lines = [_message(record), *_trace(record)]
        told = " | ".join(self._redact(line) for line in lines)
        return f"{self.formatTime(record)} {record.levelname} {told}"


class Json(logging.Formatter):
    """For machines: one object a line, its keys in the order of `docs/operations.md`."""

    def __init__(self, redact: Callable[[str], str], role: str) -> None:
        super().__init__()
        self._redact = redact
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "role": self._role,
            "process": record.process,
            "logger": self._redact(record.name),
            "message": self._redact(_message(record)),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            for name, value in fields.items():
                # JSON has no word for what is no number.
                number = isinstance(value, int | float) and math.isfinite(value)
                plain = value if number else self._redact(str(value))
                event.setdefault(str(name), plain)
        if trace := _trace(record):
            event["traceback"] = "\n".join(self._redact(line) for line in trace)
        # ASCII: nothing depends on how the terminal or the pipe is set up.
        return json.dumps(event)


def log_to_stderr(settings: Settings, role: str = "serve") -> None:
    """One line per event on stderr, unless whoever embeds us has arranged it otherwise.

    Also for what would otherwise be written in many lines: warnings, and exceptions that
    nobody caught.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(settings, role))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
    # They report on every step: of asking for the schema's revision, of cutting a font down.
    for chatty in ("alembic", "fontTools"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if handler in logging.getLogger().handlers:
        logging.captureWarnings(True)
        sys.excepthook = _log_uncaught
        threading.excepthook = _log_uncaught_of_thread


def writes_json() -> bool:
    """Whether stderr is this process's log for machines: then nothing else may stand there."""
    return any(isinstance(each.formatter, Json) for each in logging.getLogger().handlers)


def formatter(settings: Settings, role: str) -> logging.Formatter:
    """The formatter of `LOG_FORMAT`."""
    redact = Redactor(settings)
    return Json(redact, role) if settings.log_format == "json" else Text(redact)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # whatever an argument's __str__ or a wrong placeholder raises
        told = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        return f"{told:.200} (its arguments do not fit)"


def _trace(record: logging.LogRecord) -> list[str]:
    """The traceback's lines, the frames first; none where there is none."""
    told = ""
    if record.exc_info and record.exc_info[0] is not None:
        told = "".join(traceback.format_exception(*record.exc_info))
    elif record.exc_text:
        told = record.exc_text
    if record.stack_info:
        told = f"{told}\n{record.stack_info}"
    # Only at newlines: an exception's text may hold other things that Python calls line ends.
    return [line for line in told.split("\n") if line.strip()]


def on_one_line(text: str) -> str:
    """Whatever is not printable as its escape: line ends, control and bidi marks, surrogates."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in text
    )


def _cut(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    # The last word goes too: a half of a secret is one that no rule finds.
    kept = text[: text.rfind(" ", 0, LONGEST_TEXT) + 1]
    return f"{kept} (and {len(text) - len(kept)} more characters)"


def _secrets(settings: Settings) -> Iterable[str]:
    for setting in SETTINGS:
        value = str(getattr(settings, setting.name.lower()))
        if setting.secret and "://" not in value:
            yield value
        elif setting.secret:
            password = value.partition("://")[2].rpartition("@")[0].partition(":")[2]
            yield from (password, unquote(password))


def _hosts(settings: Settings) -> set[str]:
    """The addresses in our own settings: where the database is may be told."""
    values = (settings.database_url, settings.smtp_url, settings.base_url, settings.link_url)
    hosts = set()
    for value in values:
        try:
            hosts.add(urlsplit(value).hostname or "")
        except ValueError:
            continue
    return hosts


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger(__name__).critical("ended by an error", exc_info=(kind, error, trace))


def _log_uncaught_of_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or issubclass(args.exc_type, SystemExit):
        return
    name = args.thread.name if args.thread else "?"
    logging.getLogger(__name__).critical(
        "thread %s ended by an error",
        name,
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
    )
