"""Months of touchpoints, summed up from their days"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_COUNTERS = (
    *("clicks", "scans", "visitors", "touchpoint_visitors", "journey_visitors", "tokenless"),
    *("robots", "previews", "prefetches", "scanners", "heads", "own"),
)


def upgrade() -> None:
    op.create_table(
        "touchpoint_months",
        sa.Column("workspace_id", _BIG, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("touchpoint_id", _BIG, nullable=False),
        *(sa.Column(name, _BIG, nullable=False) for name in _COUNTERS),
        sa.PrimaryKeyConstraint(
            "workspace_id", "month", "touchpoint_id", name="pk_touchpoint_months"
        ),
        sqlite_with_rowid=False,
    )
    of_sqlite = op.get_bind().dialect.name == "sqlite"
    month = "date(local_date, 'start of month')" if of_sqlite else "date_trunc('month', local_date)"
    op.execute(
        f"INSERT INTO touchpoint_months (workspace_id, month, touchpoint_id,"
        f" {', '.join(_COUNTERS)})"
        f" SELECT workspace_id, {month}, touchpoint_id,"
        f" {', '.join(f'SUM({name})' for name in _COUNTERS)}"
        f" FROM touchpoint_days GROUP BY workspace_id, {month}, touchpoint_id"
    )


def downgrade() -> None:
    op.drop_table("touchpoint_months")
