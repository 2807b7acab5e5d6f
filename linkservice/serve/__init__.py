"""The processes of a running service: who starts, watches and stops them.

`serve` is a small single-threaded supervisor without a database connection. It starts
redirect workers (link port), web workers (app port) and the ingester, each a process of
its own, so that a report that computes never makes a customer wait and one that dies takes
nobody along.

    supervisor.py   starts, restarts and drains them, in which order
    renewal.py      replaces them one after the other: a restart nobody notices
    process.py      one child: how it starts, when again, that it dies with its parent
    signals.py      signals as something to wait for
    addresses.py    ports: opened for the workers, asked whether they answer
    workers.py      what runs inside the children (`python -m linkservice.serve`)
    forks.py        a worker in a fork of its own, and another one when it dies
    link_port.py    redirects: one event loop for all connections
    connection.py   one of them: its requests in order, and when it ends
    reading.py      requests out of bytes
    server.py       pages: granian on an open socket, leaving without hanging up
"""

from __future__ import annotations

from linkservice.serve.supervisor import REDIRECT_WORKERS, ROLES, serve

__all__ = ["REDIRECT_WORKERS", "ROLES", "serve"]
