"""Days of touchpoints, summed up from those of links"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_COUNTERS = (
    *("clicks", "scans", "visitors", "touchpoint_visitors", "journey_visitors", "tokenless"),
    *("robots", "previews", "prefetches", "scanners", "heads", "own"),
)


def upgrade() -> None:
    op.create_table(
        "touchpoint_days",
        sa.Column("workspace_id", _BIG, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("touchpoint_id", _BIG, nullable=False),
        *(sa.Column(name, _BIG, nullable=False) for name in _COUNTERS),
        sa.PrimaryKeyConstraint(
            "workspace_id", "local_date", "touchpoint_id", name="pk_touchpoint_days"
        ),
        sqlite_with_rowid=False,
    )
    op.execute(
        f"INSERT INTO touchpoint_days (workspace_id, local_date, touchpoint_id,"
        f" {', '.join(_COUNTERS)})"
        f" SELECT workspace_id, local_date, touchpoint_id,"
        f" {', '.join(f'SUM({name})' for name in _COUNTERS)}"
        " FROM link_days GROUP BY workspace_id, local_date, touchpoint_id"
    )


def downgrade() -> None:
    op.drop_table("touchpoint_days")
