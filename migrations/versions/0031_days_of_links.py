"""What links had day by day, in closed months and on days that are over, and sums of imported
conversions by month; the ingester fills them, closing all months once more
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("link_months", sa.Column("days", sa.LargeBinary(), nullable=True))
    op.add_column("conversion_months", sa.Column("imported", sa.LargeBinary(), nullable=True))
    op.create_table(
        "day_links",
        sa.Column("workspace_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("links", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "local_date", name="pk_day_links"),
    )
    op.create_index(
        "ix_day_links_reopened",
        "day_links",
        ["workspace_id", "local_date"],
        sqlite_where=sa.text("links IS NULL"),
        postgresql_where=sa.text("links IS NULL"),
    )
    for table in ("link_months", "month_days", "closed_months"):
        op.execute(sa.text(f"DELETE FROM {table}"))
    op.execute(sa.text("UPDATE conversion_months SET first = NULL, last = NULL"))
    if op.get_bind().dialect.name == "postgresql":
        # Read whole each time: to unpack what the server packed takes longer than to read it.
        for table, column in (
            ("month_days", "days"),
            ("month_days", "links"),
            ("day_links", "links"),
        ):
            op.execute(sa.text(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL"))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for column in ("days", "links"):
            op.execute(
                sa.text(f"ALTER TABLE month_days ALTER COLUMN {column} SET STORAGE EXTENDED")
            )
    op.drop_table("day_links")
    op.drop_column("conversion_months", "imported")
    op.drop_column("link_months", "days")
    # Their sums have more columns than the code before reads.
    for table in ("link_months", "month_days", "closed_months"):
        op.execute(sa.text(f"DELETE FROM {table}"))
