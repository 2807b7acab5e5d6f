"""What links had in a closed month; the ingester fills it, closing all months once more"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("link_months", sa.Column("sums", sa.LargeBinary(), nullable=True))
    op.add_column("month_days", sa.Column("links", sa.LargeBinary(), nullable=True))
    for table in ("link_months", "month_days", "closed_months"):
        op.execute(sa.text(f"DELETE FROM {table}"))


def downgrade() -> None:
    op.drop_column("month_days", "links")
    op.drop_column("link_months", "sums")
