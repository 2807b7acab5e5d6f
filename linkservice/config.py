"""Every setting, once: its name, default and help. Nothing else reads the environment."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from ada_url import URL

from linkservice.errors import Invalid, Problem

PREFIX = "LINKSERVICE_"

_ADDRESS = r"[!#-'*+./0-9=?A-Z^_a-z{|}~-]+@[0-9A-Za-z.-]+"
_SENDER = re.compile(rf'{_ADDRESS}|[^<>@",;:\\]*<{_ADDRESS}>')

SpoolSync = Literal["always", "second", "off"]
ForwardedHeader = Literal["x-forwarded-for", "forwarded"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the settings table: `PREFIX + name` in the environment."""

    name: str
    default: str
    help: str
    parse: Callable[[str], Any]
    secret: bool = False


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    parse.__doc__ = f"a whole number from {low} to {high}"
    return parse


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError
        return text

    parse.__doc__ = "one of " + ", ".join(allowed)
    return parse


def _origin(text: str) -> str:
    """http:// or https:// with a host and, where needed, a port; no path"""
    # As browsers read it, so that the host is the one they will ask for: in punycode, and
    # without the port that goes without saying.
    url = URL(text)
    if url.protocol not in ("http:", "https:") or url.username or url.password:
        raise ValueError
    if url.pathname != "/" or url.search or url.hash:
        raise ValueError
    return str(url.origin)


def _mail_server(text: str) -> str:
    """smtp://user:password@host:587 or smtps://user:password@host:465"""
    if text:
        url = urlsplit(text)
        if url.scheme not in ("smtp", "smtps") or not url.hostname or url.port == 0:
            raise ValueError
        if url.path not in ("", "/") or url.query or url.fragment:
            raise ValueError
    return text


def _sender(text: str) -> str:
    """an address such as linkservice@example.com, or Name <linkservice@example.com>"""
    if text and not (_SENDER.fullmatch(text) and text.isprintable()):
        raise ValueError
    return text


def _account(text: str) -> str:
    """the digits of an account number"""
    if text and not re.fullmatch(r"[0-9]{1,20}", text):
        raise ValueError
    return text


def _key(text: str) -> str:
    """a licence key without spaces"""
    if text and not re.fullmatch(r"[!-~]{1,200}", text):
        raise ValueError
    return text


def _edition(text: str) -> str:
    """the name of an edition, such as GeoLite2-Country"""
    if not re.fullmatch(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*", text) or len(text) > 60:
        raise ValueError
    return text


def _text(text: str) -> str:
    """any text"""
    return text


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "DATA_DIR",
        "./var",
        "Folder for the database, the spool, the secret key and locks.",
        Path,
    ),
    Setting(
        "DATABASE_URL",
        "",
        "SQLAlchemy URL; empty means SQLite in the data directory. PostgreSQL: "
        "`postgresql://user:password@host/name`.",
        _text,
        secret=True,
    ),
    Setting(
        "BASE_URL", "http://127.0.0.1:8000", "Where people reach the app and the API.", _origin
    ),
    Setting(
        "LINK_URL", "http://127.0.0.1:8001", "Where the default domain's links are served.", _origin
    ),
    Setting(
        "SECRET_KEY",
        "",
        "Signs what the service hands out; empty means one is made and kept in the data directory.",
        _text,
        secret=True,
    ),
    Setting(
        "SPOOL_SYNC",
        "always",
        "When a click is on stable storage: `always` before its redirect leaves, `second` at "
        "most a second later, `off` when the operating system likes.",
        _choice("always", "second", "off"),
    ),
    Setting(
        "SPOOL_RETENTION_DAYS",
        "7",
        "Days an ingested spool segment is kept for replays.",
        _integer(0, 3650),
    ),
    Setting(
        "TOKEN_RETENTION_DAYS",
        "8",
        "Days the visitor tokens of a day are kept so that a replay counts nobody twice.",
        _integer(1, 3650),
    ),
    Setting(
        "CLICK_RETENTION_MONTHS",
        "25",
        "Months single clicks are kept; the roll-ups stay.",
        _integer(1, 1200),
    ),
    Setting(
        "TRUSTED_HOPS",
        "0",
        "Reverse proxies before the service whose entry in `FORWARDED_HEADER` is believed.",
        _integer(0, 16),
    ),
    Setting(
        "FORWARDED_HEADER",
        "x-forwarded-for",
        "Where those proxies write the client's address: `x-forwarded-for`, or `forwarded` "
        "(RFC 7239); the other one is never read.",
        _choice("x-forwarded-for", "forwarded"),
    ),
    Setting(
        "GEOIP_DB",
        "",
        "Path of a MaxMind, DB-IP or ipinfo `.mmdb` file; empty means what `geo update` fetched, "
        "else the built-in country data.",
        _text,
    ),
    Setting(
        "MAXMIND_ACCOUNT_ID",
        "",
        "Number of the MaxMind account that `geo update` fetches with.",
        _account,
    ),
    Setting(
        "MAXMIND_LICENSE_KEY",
        "",
        "Licence key of that account.",
        _key,
        secret=True,
    ),
    Setting(
        "MAXMIND_EDITION",
        "GeoLite2-Country",
        "What `geo update` fetches, such as `GeoLite2-City` or `GeoIP2-Country`.",
        _edition,
    ),
    Setting(
        "LINK_CACHE",
        "100000",
        "Links each redirect worker keeps in memory beyond `LINK_STORE`, those used last; "
        "some 400 bytes each.",
        _integer(1, 100_000_000),
    ),
    Setting(
        "LINK_STORE",
        "1000000",
        "Links each redirect worker keeps packed in memory, used or not; some 70 bytes each.",
        _integer(0, 100_000_000),
    ),
    Setting(
        "SMTP_URL",
        "",
        "Mail server for invitations, forgotten passwords and reports by e-mail: "
        "`smtp://user:password@host:587` (STARTTLS where it is offered) or `smtps://…`; "
        "empty means no mail.",
        _mail_server,
        secret=True,
    ),
    Setting(
        "MAIL_FROM",
        "",
        "Whom letters come from, such as `linkservice@example.com`; needed with `SMTP_URL`.",
        _sender,
    ),
    Setting(
        "LOG_LEVEL", "info", "How much is logged.", _choice("debug", "info", "warning", "error")
    ),
    Setting(
        "LOG_FORMAT",
        "text",
        "`text` for people at a terminal, `json` for machines: one object a line.",
        _choice("text", "json"),
    ),
    Setting(
        "METRICS_TOKEN",
        "",
        "Whoever asks for `/metrics` must send it (`Authorization: Bearer …`); empty means that "
        "only this machine and private networks are answered.",
        _text,
        secret=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The parsed settings; made by `load`, passed to whoever needs them."""

    data_dir: Path
    database_url: str
    base_url: str
    link_url: str
    secret_key: str
    spool_sync: SpoolSync
    spool_retention_days: int
    token_retention_days: int
    click_retention_months: int
    trusted_hops: int
    forwarded_header: ForwardedHeader
    geoip_db: str
    maxmind_account_id: str
    maxmind_license_key: str
    maxmind_edition: str
    link_cache: int
    link_store: int
    smtp_url: str
    mail_from: str
    log_level: str
    log_format: str
    metrics_token: str

    @property
    def spool_dir(self) -> Path:
        """Folder of the spool segments."""
        return self.data_dir / "spool"

    @property
    def link_host(self) -> str:
        """Host (with its port, if it has one) of the default domain."""
        return urlsplit(self.link_url).netloc


def load(
    environ: Mapping[str, str], *, make: bool = True, **overrides: str | Path | None
) -> Settings:
    """Parse the settings from `environ`; `overrides` (by field name) win over it.

    Makes the data directory, and the secret key where none is set, so that the value is
    the same in every process. Without `make` nothing is written: for whoever only reads, and may
    have the wrong folder; a secret key that is not there yet is then one that nobody else has.
    Raises `Invalid` naming the first wrong setting.
    """
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        given = overrides.get(setting.name.lower())
        text = str(given) if given is not None else environ.get(PREFIX + setting.name, "")
        values[setting.name.lower()] = _parse(setting, text.strip() or setting.default)
    _refuse_unknown(environ)
    if values["smtp_url"] and not values["mail_from"]:
        raise Invalid(Problem(PREFIX + "MAIL_FROM", "bad_mail_from"))
    data_dir = cast(Path, values["data_dir"]).expanduser().absolute()
    values["data_dir"] = data_dir
    if make:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    values["database_url"] = values["database_url"] or f"sqlite:///{data_dir / 'linkservice.db'}"
    values["secret_key"] = values["secret_key"] or _kept_secret(data_dir / "secret_key", make)
    return Settings(**{field.name: values[field.name] for field in fields(Settings)})


def take_secret(environ: MutableMapping[str, str], settings: Settings) -> None:
    """Remove the secret key from `environ`: the WSGI server hands all of it to every request.

    The key is kept in the data directory instead, where child processes find it.
    """
    if environ.pop(PREFIX + "SECRET_KEY", None):
        path = settings.data_dir / "secret_key"
        path.unlink(missing_ok=True)
        _keep(path, settings.secret_key)


def _parse(setting: Setting, text: str) -> Any:
    try:
        if "\0" in text:
            raise ValueError
        return setting.parse(text)
    except ValueError:
        wanted = setting.parse.__doc__ or "a valid value"
        shown = "…" if setting.secret else text
        raise Invalid(
            Problem(PREFIX + setting.name, "bad_setting", {"value": shown, "wanted": wanted})
        ) from None


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    known = {PREFIX + setting.name for setting in SETTINGS}
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known and not name.startswith(PREFIX + "TEST_"):
            raise Invalid(Problem(name, "unknown_setting", {}))


def _kept_secret(path: Path, make: bool) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        if not make:
            return secrets.token_urlsafe(32)
        _keep(path, secrets.token_urlsafe(32))
        return path.read_text().strip()


def _keep(path: Path, secret: str) -> None:
    """Write the secret once, readable by its owner only; an existing file wins."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as file:
        file.write(secret + "\n")
