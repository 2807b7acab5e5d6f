"""The processes of a running service: who starts, watches and stops them.

`serve` is a small single-threaded supervisor without a database connection. It starts
redirect workers (link port), web workers (app port) and the ingester, each a process of
its own, so that a report that computes never makes a customer wait and one that dies takes
nobody along.

    supervisor.py   starts, restarts and drains them, in which order
    process.py      one child: how it starts, when again, that it dies with its parent
    signals.py      signals as something to wait for
    addresses.py    ports: held against a second service, asked whether they answer
    workers.py      what runs inside the children (`python -m linkservice.serve`)
"""

from __future__ import annotations

from linkservice.serve.supervisor import REDIRECT_WORKERS, ROLES, serve

__all__ = ["REDIRECT_WORKERS", "ROLES", "serve"]
