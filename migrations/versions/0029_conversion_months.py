"""The conversions of a closed month, packed; the ingester fills them"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "conversion_months",
        sa.Column("workspace_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("first", sa.LargeBinary(), nullable=True),
        sa.Column("last", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "month", name="pk_conversion_months"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_conversion_months_changed",
        "conversion_months",
        ["month"],
        sqlite_where=sa.text("last IS NULL"),
        postgresql_where=sa.text("last IS NULL"),
    )
    month = (
        "date(local_date, 'start of month')"
        if op.get_bind().dialect.name == "sqlite"
        else "CAST(date_trunc('month', local_date) AS DATE)"
    )
    op.execute(
        f"INSERT INTO conversion_months (workspace_id, month) SELECT workspace_id, {month}"
        f" FROM conversion_days UNION SELECT workspace_id, {month} FROM conversion_counts"
    )


def downgrade() -> None:
    op.drop_table("conversion_months")
