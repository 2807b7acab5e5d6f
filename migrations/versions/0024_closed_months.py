"""Hours and facets of links summed up by month; the ingester fills them"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "closed_months",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("links", _BIG, nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("month", name="pk_closed_months"),
    )
    op.create_table(
        "link_months",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("link_id", _BIG, nullable=False),
        sa.Column("hours", sa.LargeBinary(), nullable=True),
        sa.Column("facets", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("month", "link_id", name="pk_link_months"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_link_months_reopened",
        "link_months",
        ["month", "link_id"],
        sqlite_where=sa.text("hours IS NULL"),
        postgresql_where=sa.text("hours IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("link_months")
    op.drop_table("closed_months")
