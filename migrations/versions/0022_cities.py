"""Cities of clicks, where the country file knows them

Clicks that are there keep an unknown city (0). On SQLite only the small table of words is
rebuilt, to which no other refers; its condition is not read back, so the table is told whole.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KNOWN = "'country', 'device', 'browser', 'system', 'language', 'referrer', 'robot'"
_FACET = (f"facet IN ({_KNOWN})", f"facet IN ({_KNOWN}, 'city')")
_CHECK = "ck_facet_values_facet"
_SEQUENCE = "FROM sqlite_sequence WHERE name = 'facet_values'"


def upgrade() -> None:
    op.add_column("clicks", sa.Column("city_id", sa.Integer(), server_default="0", nullable=False))
    _change(before=0, since=1)


def downgrade() -> None:
    """Cities are forgotten; all else of the clicks stays as it is."""
    for table in ("link_facets", "suspected_facets"):
        op.execute(
            f"DELETE FROM {table} WHERE value_id IN"
            " (SELECT id FROM facet_values WHERE facet = 'city')"
        )
    # What waits to be added may name them still: such rows then have no words, and are not told.
    op.execute("DELETE FROM facet_values WHERE facet = 'city'")
    op.drop_column("clicks", "city_id")
    _change(before=1, since=0)


def _change(before, since):
    if op.get_bind().dialect.name == "postgresql":
        # The naming convention may have put its prefix before the name once more.
        for known in (_CHECK, f"ck_facet_values_{_CHECK}"):
            op.execute(f"ALTER TABLE facet_values DROP CONSTRAINT IF EXISTS {known}")
        op.create_check_constraint(op.f(_CHECK), "facet_values", _FACET[since])
        return
    last = op.get_bind().scalar(sa.text(f"SELECT seq {_SEQUENCE}"))
    with op.batch_alter_table(
        "facet_values", copy_from=_table(before), table_kwargs={"sqlite_autoincrement": True}
    ) as table:
        table.drop_constraint(op.f(_CHECK), type_="check")
        table.create_check_constraint(op.f(_CHECK), _FACET[since])
    if last:
        # The new table begins behind its last row, but numbers of deleted cities may wait to be
        # added to roll-ups: they must not come to mean other words.
        op.execute(f"DELETE {_SEQUENCE}")
        op.execute(f"INSERT INTO sqlite_sequence (name, seq) VALUES ('facet_values', {last})")


def _table(at):
    return sa.Table(
        "facet_values",
        sa.MetaData(),
        sa.Column("id", _BIG, nullable=False),
        sa.Column("facet", sa.String(length=8), nullable=False),
        sa.Column("value", sa.String(length=253), nullable=False),
        sa.CheckConstraint(_FACET[at], name=op.f(_CHECK)),
        sa.PrimaryKeyConstraint("id", name="pk_facet_values"),
        sa.UniqueConstraint("facet", "value", name="uq_facet_values_facet_value"),
        sqlite_autoincrement=True,
    )
