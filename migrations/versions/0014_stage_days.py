"""Visitors at one stage of a journey, and at two on the same day

What was ingested before cannot be counted any more: no row says who a visitor was.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KEY = ("workspace_id", "local_date", "stage_id", "other_id")


def upgrade() -> None:
    op.create_table(
        "stage_days",
        *(
            sa.Column(name, sa.Date() if name == "local_date" else _BIG, nullable=False)
            for name in _KEY
        ),
        sa.Column("visitors", _BIG, nullable=False),
        sa.PrimaryKeyConstraint(*_KEY, name="pk_stage_days"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("stage_days")
