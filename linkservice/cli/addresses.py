"""Where the service is reached: by the options of `serve`, and as it was last started.

The environment decides. Where it says nothing, `BASE_URL` and `LINK_URL` follow the ports
the service is started with, and other commands take them from that start: a short URL that
is printed in another shell must lead to the service that runs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from linkservice.config import PREFIX, Settings

FILE = "addresses.json"

_NAMES = ("BASE_URL", "LINK_URL")
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104  # compared, not bound


def from_options(
    host: str, port: int, link_port: int, environ: Mapping[str, str]
) -> dict[str, str]:
    """The addresses that these options mean, by the settings' fields; those not in `environ`.

    Who listens everywhere is reached at least from the machine itself.
    """
    name = "127.0.0.1" if listens_everywhere(host) else host
    shown = f"[{name}]" if ":" in name else name
    urls = (f"http://{shown}:{port}", f"http://{shown}:{link_port}")
    return _unless_set(dict(zip(_NAMES, urls, strict=True)), environ)


def listens_everywhere(host: str) -> bool:
    """Whether `host` stands for all addresses of this machine."""
    return host in _WILDCARDS


def last_served(data_dir: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The addresses of the last start, by the settings' fields; those not in `environ`."""
    try:
        found = json.loads((data_dir / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return _unless_set(found if isinstance(found, dict) else {}, environ)


def remember(settings: Settings) -> None:
    """Keep where the service is being started."""
    urls = {name: getattr(settings, name.lower()) for name in _NAMES}
    temporary = settings.data_dir / f".{FILE}.{os.getpid()}.tmp"
    temporary.write_text(json.dumps(urls) + "\n")
    temporary.replace(settings.data_dir / FILE)


def _unless_set(urls: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name.lower(): str(urls[name])
        for name in _NAMES
        if name in urls and not environ.get(PREFIX + name, "").strip()
    }
