"""Facets that wait for those of the next batches"""

import struct
from datetime import date

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ROW = struct.Struct("<iqii")  # day, link, value, clicks


def upgrade() -> None:
    op.create_table(
        "waiting_facets",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_waiting_facets"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Adds what waits, then nothing of it is lost with the table."""
    waiting = sa.table("waiting_facets", sa.column("rows", sa.LargeBinary))
    connection = op.get_bind()
    add = sa.text(
        "INSERT INTO link_facets (local_date, link_id, value_id, clicks)"
        " VALUES (:day, :link, :value, :clicks) ON CONFLICT (local_date, link_id, value_id)"
        " DO UPDATE SET clicks = link_facets.clicks + excluded.clicks"
    ).bindparams(sa.bindparam("day", type_=sa.Date()))
    for (rows,) in connection.execute(sa.select(waiting.c.rows)).all():
        parts = [
            {"day": date.fromordinal(day), "link": link, "value": value, "clicks": clicks}
            for day, link, value, clicks in _ROW.iter_unpack(rows)
        ]
        connection.execute(add, parts)
    op.drop_table("waiting_facets")
