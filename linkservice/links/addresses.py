"""How a link is written: its short URL and the URL its QR code holds."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import unquote, urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.config import Settings
from linkservice.links.model import Domain
from linkservice.links.slug import scan_path, short_path


def origin(settings: Settings, host: str) -> str:
    """``https://host``; for the host of `LINK_URL` whatever scheme that setting names."""
    return settings.link_url if host == settings.link_host else f"https://{host}"


def short_url(settings: Settings, host: str, slug: str) -> str:
    """What is printed in text: ``https://go.marke.de/sommer``."""
    return origin(settings, host) + short_path(slug)


def readable(url: str) -> str:
    """A short URL as people read it, without the scheme: ``go.marke.de/Grüße``."""
    return unquote(url.removeprefix("https://").removeprefix("http://"))


def scan_url(settings: Settings, host: str, slug: str) -> str:
    """What the QR code holds: in capitals, so that it fits the denser alphanumeric mode."""
    return origin(settings, host).upper() + scan_path(slug)


def own_hosts(session: Session, settings: Settings) -> Collection[str]:
    """Every host a destination must not lead back to: all domains and the app's own."""
    hosts = set(session.scalars(select(Domain.host)))
    return hosts | {settings.link_host, urlsplit(settings.base_url).netloc}
