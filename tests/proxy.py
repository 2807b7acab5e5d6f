"""nginx, with the configuration that `docs/deploy.md` gives."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from service import free_ports, wait_until

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
PAGE = Path(__file__).parents[1] / "docs" / "deploy.md"

_AROUND = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {documented}
}}
"""


@contextmanager
def nginx_before(ports: Sequence[int], folder: Path) -> Iterator[int]:
    """nginx before the services at these ports, as documented; its own port."""
    assert NGINX is not None
    port, _ = free_ports()
    folder.mkdir()
    config = folder / "nginx.conf"
    config.write_text(_AROUND.format(folder=folder, documented=documented(port, ports)))
    process = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(config)])
    try:
        wait_until(lambda: _listens(port), lambda: (folder / "error.log").read_text())
        yield port
    finally:
        process.terminate()
        process.wait()


def documented(port: int, ports: Sequence[int]) -> str:
    """The page's configuration with other ports, one line for each service."""
    block = re.search(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert block
    text, listens = re.subn(r"listen 80;", f"listen 127.0.0.1:{port};", block[1])
    first, *_ = lines = re.findall(r" +server 127\.0\.0\.1:\d+.*\n", text)
    assert (listens, len(lines)) == (1, 2)
    text = text.replace(lines[1], "")
    return text.replace(
        first, "".join(re.sub(r"(?<=:)\d+", str(each), first, count=1) for each in ports)
    )


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
