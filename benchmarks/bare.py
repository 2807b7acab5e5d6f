"""A constant 302, served as the link door is: `python -m benchmarks.bare PORT`."""

from __future__ import annotations

import sys
from typing import Any

from linkservice.redirect.answers import redirect
from linkservice.redirect.app import WRITTEN_TOGETHER
from linkservice.serve.addresses import Address
from linkservice.serve.link_port import serve_port

CONNECTIONS = 8_192


class Constant:
    """The least a door can do."""

    together = WRITTEN_TOGETHER

    def begin(self, environ: dict[str, Any], entries: list[Any]) -> Any:
        return redirect("https://www.example.com/offers/23456ab?utm_source=poster")

    def write(self, entries: list[Any]) -> None:
        pass


if __name__ == "__main__":
    with Address("redirect", "127.0.0.1", int(sys.argv[1]), "").listening() as listener:
        serve_port(Constant(), listener, CONNECTIONS, lambda: None)
