"""Periods of shared reports that roll otherwise than by 28 days"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("preset", sa.String(length=10), server_default="28d", nullable=False)
    op.add_column("report_shares", column)


def downgrade() -> None:
    # Whoever opened one would read of other days than were shared.
    op.execute("DELETE FROM report_shares WHERE first_date IS NULL AND preset <> '28d'")
    op.drop_column("report_shares", "preset")
