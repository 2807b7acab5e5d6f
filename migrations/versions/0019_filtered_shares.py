"""Filters of shared reports"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("filters", sa.Text(), server_default="", nullable=False)
    op.add_column("report_shares", column)


def downgrade() -> None:
    op.drop_column("report_shares", "filters")
