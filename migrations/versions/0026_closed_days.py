"""Days that are closed, summed up by the values of their clicks; the ingester fills them"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "closed_days",
        sa.Column("workspace_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("local_day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "local_day", name="pk_closed_days"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_closed_days_open",
        "closed_days",
        ["workspace_id", "local_day"],
        sqlite_where=sa.text("NOT closed"),
        postgresql_where=sa.text("NOT closed"),
    )
    op.create_table(
        "value_days",
        sa.Column("workspace_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("local_day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("cells", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "local_day", "value_id", name="pk_value_days"),
    )


def downgrade() -> None:
    op.drop_table("value_days")
    op.drop_table("closed_days")
