"""PostgreSQL connections that do not wait for a server that says nothing.

A server that is stopped, or cut off without a word, keeps its clients waiting for ever: its
system goes on confirming what they send, so neither TCP nor libpq gives up, and a time limit
that the server itself would watch over does not run out. The driver waits in short steps and can be
asked in between.

Not here: who is so impatient (`redirect`), and SQLite, whose readers nobody keeps waiting.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import Engine


def give_up_after(engine: Engine, seconds: float) -> None:
    """Have every statement of `engine` fail with OperationalError after so long, and every
    attempt to connect (after two seconds at least, which libpq insists on).
    """

    class Impatient(psycopg.Connection[Any]):
        def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
            return super().wait(_bounded(gen, self, seconds), *args, **kwargs)

    def connect(dialect: object, record: object, args: Any, params: Any) -> Impatient:
        return Impatient.connect(*args, **{**params, "connect_timeout": max(2, math.ceil(seconds))})

    event.listen(engine, "do_connect", connect)


def _bounded(
    steps: Generator[Any, Any, Any], connection: psycopg.Connection[Any], seconds: float
) -> Generator[Any, Any, Any]:
    """The same steps; an error once it is too late and still nothing came."""
    deadline = time.monotonic() + seconds
    try:
        wanted = next(steps)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() >= deadline:
                # It is in the middle of a statement: closed, nobody gets it from the pool.
                connection.pgconn.finish()
                raise psycopg.OperationalError(f"no answer within {seconds:g} s")
            wanted = steps.send(ready)
    except StopIteration as done:
        return done.value
