"""The region whose public holidays are no usual days"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workspaces", sa.Column("holidays", sa.String(32), nullable=True))


def downgrade() -> None:
    op.drop_column("workspaces", "holidays")
