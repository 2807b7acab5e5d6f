"""What keeps sums from lacking what somebody was just adding: for `spans`, `day_links` and
`closed_days`, and for the months of `conversions`.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

_PG_LOCK = 0x6D6F6E74  # any number that nothing else of this database locks by ("mont")


def lock(connection: Connection, *, shared: bool) -> None:
    """Whoever changes days shares it to the end of the transaction, whoever sums up is alone.
    SQLite has one writer in any case.
    """
    if connection.dialect.name != "sqlite":
        function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        connection.execute(text(f"SELECT {function}({_PG_LOCK})"))
