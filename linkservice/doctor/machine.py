"""What this machine and its owner decide: addresses, proxies, secrets, folders, limits."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from linkservice.config import PREFIX, Settings
from linkservice.links.host import reach_of
from linkservice.readiness import Check

SHORTEST_SECRET = 16
"""Characters; what is shorter can be guessed by trying."""

LEAST_FILES = 4096
"""Connections are files: with fewer, some thousand idle ones keep customers out."""

MANY_HOPS = 3
"""A CDN, a load balancer and a reverse proxy; more are seldom one's own."""

_OF_THE_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "glusterfs", "ceph"}
"""File systems whose locks and syncs may be promised by another machine."""


def checks(settings: Settings) -> Iterator[Check]:
    """All of them."""
    yield Check("settings", True, f"data directory {settings.data_dir}")
    yield _addresses(settings)
    yield _proxies(settings)
    yield _metrics(settings)
    yield _secret(settings)
    yield _folder(settings.data_dir)
    yield _file_system(settings.data_dir)
    yield _files()


def _addresses(settings: Settings) -> Check:
    app, links = urlsplit(settings.base_url), urlsplit(settings.link_url)
    told = f"app {settings.base_url}, links {settings.link_url}"
    reach = {"BASE_URL": reach_of(app.netloc), "LINK_URL": reach_of(links.netloc)}
    for name, url in (("BASE_URL", app), ("LINK_URL", links)):
        if reach[name] == "world" and url.scheme != "https":
            todo = f"{told}; end TLS before it and write https in {PREFIX}{name}."
            return Check("addresses", True, todo, degraded=True)
    if reach["BASE_URL"] == "computer" and reach["LINK_URL"] == "world":
        todo = f"{told}; links in letters lead to this computer only, set {PREFIX}BASE_URL."
        return Check("addresses", True, todo, degraded=True)
    return Check("addresses", True, told)


def _proxies(settings: Settings) -> Check:
    hops = settings.trusted_hops
    behind_one = "https" in (urlsplit(settings.base_url).scheme, urlsplit(settings.link_url).scheme)
    if behind_one and hops == 0:
        return Check(
            "proxies",
            False,
            "TLS is ended by a proxy, whose address every visitor would get; set "
            f"{PREFIX}TRUSTED_HOPS to the number of proxies.",
        )
    if hops > MANY_HOPS:
        todo = f"{hops} are believed; a number too high lets visitors choose their own address."
        return Check("proxies", True, todo, degraded=True)
    return Check("proxies", True, f"{hops} believed" if hops else "none believed")


def _metrics(settings: Settings) -> Check:
    if not settings.metrics_token:
        return Check("metrics", True, "for this machine and private networks, without a token")
    if len(settings.metrics_token) < SHORTEST_SECRET:
        todo = f"the token is short; give {PREFIX}METRICS_TOKEN 32 random characters."
        return Check("metrics", True, todo, degraded=True)
    return Check("metrics", True, "for whoever sends the token")


def _secret(settings: Settings) -> Check:
    if len(settings.secret_key) < SHORTEST_SECRET:
        return Check(
            "secret", False, f"it is short; give {PREFIX}SECRET_KEY 32 random characters or more."
        )
    path = settings.data_dir / "secret_key"
    try:
        found = path.stat()
    except FileNotFoundError:
        return Check("secret", True, "from the environment")
    if stat.S_IMODE(found.st_mode) & 0o077:
        return Check("secret", False, f"others may read it; run `chmod 600 {path}`.")
    return Check("secret", True, "in the data directory, for its owner alone")


def _folder(folder: Path) -> Check:
    found = folder.stat()
    if found.st_uid != os.geteuid():
        return Check(
            "folder",
            True,
            f"{folder} belongs to user {found.st_uid}, you are {os.geteuid()}; run this, and the "
            "service, as its owner.",
            degraded=True,
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        todo = f"others on this machine may look in; run `chmod 700 {folder}`."
        return Check("folder", True, todo, degraded=True)
    return Check("folder", True, "for its owner alone")


def _file_system(folder: Path) -> Check:
    kind = _kind_of(folder)
    if kind in _OF_THE_NETWORK:
        return Check(
            "disk",
            True,
            f"{kind}; over a network locks and syncs may not hold, move {PREFIX}DATA_DIR to a disk "
            "of this machine.",
            degraded=True,
        )
    told = {
        "tmpfs": "tmpfs: in memory, gone with the next start",
        "overlay": "overlay: gone with the container unless it is a volume",
    }
    return Check("disk", True, told.get(kind, kind or "unknown"))


def _kind_of(folder: Path) -> str:
    """The type of the file system that holds `folder`; empty where the system does not say."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    found = {}
    for line in lines:
        before, _, behind = line.partition(" - ")
        found[before.split()[4].replace("\\040", " ")] = behind.split()[0]
    for parent in (folder.resolve(), *folder.resolve().parents):
        if str(parent) in found:
            return found[str(parent)]
    return ""


def _files() -> Check:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < LEAST_FILES:
        todo = f"{hard:,} at most; allow the service more (systemd: LimitNOFILE=65536)."
        return Check("files", True, todo, degraded=True)
    told = "unlimited" if hard == resource.RLIM_INFINITY else f"{hard:,}"
    return Check("files", True, f"{told} may be open at once")
