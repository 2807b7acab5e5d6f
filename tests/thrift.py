"""What a process of the tests does once, though every test has an application and databases of
its own; and how seldom it looks for garbage.

None of it changes what the tested code does, only what the libraries below it do again.
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from linkservice.workspaces import passwords

_MEMORY, _ROOM = "/dev/shm", 6 * 2**30
"""A folder that Linux keeps in memory, and the bytes that the servers of a few processes may take
of it; they take a tenth.
"""

_STATEMENTS: LRUCache[Any, Any] = LRUCache(5_000)

_ask = PGDialect_psycopg.initialize
_answers: dict[str, Any] = {}

_compile = Rule.compile
_compiled: dict[object, dict[str, Any]] = {}
_COMPILED = ("_parts", "_trace", "_converters", "arguments", "_build", "_build_unknown")
"""What `Rule.compile` finds out."""


def be_thrifty() -> None:
    """For this process, and the processes it starts."""
    # Strong hashes take time, which is their purpose; what is tested does not depend on it.
    passwords.hasher = passwords.Hasher(memory_kib=8, passes=1)
    # Tests start hundreds of processes, and each would compile the package anew; so would each
    # run of the tests what pytest makes of their assertions.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # Requests and statements make little that only the collector can free. With its usual limits
    # it took a quarter of the time of all tests.
    gc.set_threshold(50_000, 20, 20)
    Rule.compile = _compiled_once  # type: ignore[method-assign]  # see there
    _share_statements()


def keep_what_is_there() -> None:
    """What the collected tests and the libraries are made of is there to stay: do not look
    through it again.
    """
    gc.collect()
    gc.freeze()


def roomy_memory() -> str | None:
    """Where files are kept in memory, if there is room for a server's: it has 300 of them for
    each database, and a disk that others use takes half a minute to delete them all.
    """
    try:
        free = shutil.disk_usage(_MEMORY).free
    except OSError:
        return None
    return _MEMORY if free > _ROOM else None


def _compiled_once(rule: Rule) -> None:
    """A rule is compiled for the first application of a process only: 300 rules take longer than
    many tests. All applications have the same converters.
    """
    key = (rule.rule, rule.host, rule.subdomain, repr(rule.defaults), rule.merge_slashes)
    if key not in _compiled:
        _compile(rule)
        _compiled[key] = {name: getattr(rule, name) for name in _COMPILED}
        return
    vars(rule).update(_compiled[key])
    for name in ("_build", "_build_unknown"):
        # A method of the rule it was compiled for.
        setattr(rule, name, _compiled[key][name].__func__.__get__(rule))


def _share_statements() -> None:
    """A statement is compiled once for all databases of a kind, not once for each engine.

    The caches go by dialects, and each engine has its own; all SQLite databases of a process
    are opened by one library, and all its PostgreSQL databases are on one server.
    """
    PGDialect_psycopg.initialize = _asked_once  # type: ignore[method-assign]  # see there
    DefaultDialect.__eq__ = _same_kind  # type: ignore[method-assign, assignment]  # see there
    DefaultDialect.__hash__ = _hash_of_kind  # type: ignore[method-assign, assignment]  # see there
    event.listen(Engine, "engine_connect", _use_shared_statements)


def _asked_once(dialect: PGDialect_psycopg, connection: Connection) -> None:
    """What SQLAlchemy asks a server as an engine connects for the first time (its version, its
    usual schema and the like) is the same for all databases of a server: 8 ms each.
    """
    if not _answers:
        before = dict(vars(dialect))
        _ask(dialect, connection)
        found = vars(dialect).items()
        _answers.update((name, value) for name, value in found if before.get(name) is not value)
        _answers.pop("_type_memos", None)  # which only grows as types are used
    vars(dialect).update(_answers)


def _same_kind(one: object, other: object) -> bool:
    """A dialect equals any other one of its class: what one compiles all can use."""
    return type(one) is type(other)


def _hash_of_kind(dialect: object) -> int:
    """As equal dialects need it."""
    return hash(type(dialect))


def _use_shared_statements(connection: Connection) -> None:
    connection.engine._compiled_cache = _STATEMENTS
