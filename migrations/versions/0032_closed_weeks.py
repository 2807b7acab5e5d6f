"""Hours and facets of links summed up by week until their month is; the ingester fills them"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "closed_weeks",
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("links", _BIG, nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("week", name="pk_closed_weeks"),
    )
    op.create_table(
        "link_weeks",
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("link_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("hours", sa.LargeBinary(), nullable=True),
        sa.Column("facets", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("week", "link_id", name="pk_link_weeks"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_link_weeks_reopened",
        "link_weeks",
        ["week", "link_id"],
        sqlite_where=sa.text("hours IS NULL"),
        postgresql_where=sa.text("hours IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("link_weeks")
    op.drop_table("closed_weeks")
