"""Databases on a PostgreSQL server for the tests of one process, made ready again after use.

To copy a migrated database takes far longer than to empty one that a test has hardly filled. One
is used again only if it is as it was: nobody else is connected to it, its tables are those of the
migrations, and few rows were in them. Else the next test gets a new copy.
"""

from __future__ import annotations

import time
import uuid
from contextlib import closing

import psycopg
from sqlalchemy import create_engine, make_url, text

from linkservice import schema
from linkservice.database import Database
from linkservice.tables import metadata

FEW = 5_000
"""Rows that are deleted more quickly than the database is copied, and leave no large file."""

PARTING_SECONDS = 0.1
"""How long the server may take to notice that a test has closed its connections."""

_LOOK = """
SELECT (SELECT version_num FROM alembic_version),
  (SELECT (count(*), max(oid), sum(relfilenode::bigint)) FROM pg_class)::text,
  (SELECT (count(*), sum(atttypid::bigint)) FROM pg_attribute WHERE NOT attisdropped)::text,
  (SELECT (count(*), max(oid)) FROM pg_constraint)::text,
  (SELECT (count(*), max(oid)) FROM pg_attrdef)::text,
  (SELECT count(*) FROM pg_stat_activity
   WHERE datname = current_database() AND pid <> pg_backend_pid())
"""
"""The shape of the tables, and how many others are connected."""

_FIRST_NUMBERS = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE last_value IS NOT NULL
"""


class Server:
    """A server at `url`; `own` if it is ours alone and goes with all that is in it."""

    def __init__(self, url: str, *, own: bool) -> None:
        self._admin = create_engine(
            url.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
        )
        self._own = own
        self._made: list[str] = []
        self._ready: list[str] = []
        self._cleaners: dict[str, psycopg.Connection[tuple[object, ...]]] = {}
        self._template = self._create("")
        with closing(Database(self._url_of(self._template))) as database:
            schema.upgrade(database)
        with self._connection(self._template) as connection:
            *self._shape, _ = connection.execute(_LOOK).fetchone() or ()
        tables = [table.name for table in reversed(metadata.sorted_tables)]
        self._clear = ";".join([*(f"DELETE FROM {name}" for name in tables), _FIRST_NUMBERS])

    def empty(self) -> str:
        """The URL of a database without tables."""
        return self._url_of(self._create(""))

    def migrated(self) -> str:
        """The URL of a database with the current tables, and nothing in them."""
        return self._url_of(self._ready.pop() if self._ready else self._create(self._template))

    def give_back(self, url: str) -> None:
        """A migrated database that is needed no more: another test gets it if it may."""
        name = str(make_url(url).database)
        if self._cleared(name):
            self._ready.append(name)
        elif self._own:
            self._drop_unless_used(name)

    def close(self) -> None:
        """Our own server goes with all it holds; somebody else's is left as it was found."""
        for cleaner in self._cleaners.values():
            cleaner.close()
        if not self._own:
            with self._admin.connect() as connection:
                for name in self._made:
                    connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        self._admin.dispose()

    def _drop_unless_used(self, name: str) -> None:
        # Nor is it waited for: whoever is still connected goes with the server.
        with self._admin.connect() as connection:
            used = "SELECT count(*) FROM pg_stat_activity WHERE datname = :name"
            if not connection.scalar(text(used), {"name": name}):
                connection.execute(text(f"DROP DATABASE {name}"))
                self._made.remove(name)

    def _create(self, template: str) -> str:
        name = f"linkservice_{uuid.uuid4().hex}"
        source = f" TEMPLATE {template}" if template else ""
        with self._admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}{source}"))
        self._made.append(name)
        return name

    def _url_of(self, name: str) -> str:
        return self._admin.url.set(database=name).render_as_string(hide_password=False)

    def _cleared(self, name: str) -> bool:
        # A connection that has cleared a database before knows all its tables by now, and takes
        # 4 ms; a new one takes 20. While tests use the database it does nothing.
        cleaner = self._cleaners.pop(name, None) or self._connection(name)
        if not self._clear_with(cleaner):
            cleaner.close()
            return False
        self._cleaners[name] = cleaner
        return True

    def _clear_with(self, connection: psycopg.Connection[tuple[object, ...]]) -> bool:
        if not self._alone(connection):
            return False
        with connection.transaction():
            cleared = connection.execute(self._clear)
            deleted = cleared.rowcount
            while cleared.nextset():
                deleted += cleared.rowcount
            return deleted <= FEW

    def _alone(self, connection: psycopg.Connection[tuple[object, ...]]) -> bool:
        """Whether nobody else is connected, and the tables are those of the migrations."""
        until = time.monotonic() + PARTING_SECONDS
        while True:
            *shape, others = connection.execute(_LOOK).fetchone() or ()
            connection.rollback()
            if shape != self._shape or not others or time.monotonic() > until:
                return shape == self._shape and not others
            time.sleep(0.001)

    def _connection(self, name: str) -> psycopg.Connection[tuple[object, ...]]:
        url = self._url_of(name).replace("postgresql+psycopg://", "postgresql://")
        return psycopg.connect(url, prepare_threshold=None)  # which takes no two statements
