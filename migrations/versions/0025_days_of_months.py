"""The days of touchpoints in a closed month, packed; the ingester fills them"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "month_days",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("workspace_id", _BIG, nullable=False),
        sa.Column("days", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("month", "workspace_id", name="pk_month_days"),
    )
    op.create_index(
        "ix_month_days_reopened",
        "month_days",
        ["month", "workspace_id"],
        sqlite_where=sa.text("days IS NULL"),
        postgresql_where=sa.text("days IS NULL"),
    )
    op.add_column(
        "closed_months", sa.Column("workspaces", _BIG, nullable=False, server_default="0")
    )
    # What is closed has its links, and is gone through once more for its workspaces.
    op.execute(sa.text("UPDATE closed_months SET whole = false"))


def downgrade() -> None:
    op.drop_column("closed_months", "workspaces")
    op.drop_table("month_days")
