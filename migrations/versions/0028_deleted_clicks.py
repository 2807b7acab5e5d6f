"""From which day on clicks are all there, noted: seen from the rows, a late one would mislead"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "deleted_clicks",
        sa.Column("workspace_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("before", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_deleted_clicks"),
    )
    number = (
        "CAST(julianday({}) - 1721424.5 AS INTEGER)"
        if op.get_bind().dialect.name == "sqlite"
        else "({} - DATE '0001-01-01') + 1"
    )
    # So far they were seen from the rows: where there were sums before the first row, its day
    # might just have been going.
    op.execute(
        "INSERT INTO deleted_clicks (workspace_id, before)"
        " SELECT sums.workspace_id, coalesce(rows.first, sums.last) + 1"
        f" FROM (SELECT workspace_id, {number.format('min(local_date)')} AS first,"
        f" {number.format('max(local_date)')} AS last FROM touchpoint_days"
        " GROUP BY workspace_id) AS sums"
        " LEFT JOIN (SELECT workspace_id, min(local_day) AS first FROM clicks"
        " GROUP BY workspace_id) AS rows ON rows.workspace_id = sums.workspace_id"
        " WHERE rows.first IS NULL OR rows.first > sums.first"
    )


def downgrade() -> None:
    op.drop_table("deleted_clicks")
