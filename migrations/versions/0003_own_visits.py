"""Own visits, and workspaces that count no visitors"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("link_days", sa.Column("own", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "workspaces",
        sa.Column("count_visitors", sa.Boolean(), server_default=sa.true(), nullable=False),
    )
    op.add_column(
        "workspaces", sa.Column("own_networks", sa.Text(), server_default="", nullable=False)
    )


def downgrade() -> None:
    # As clicks of nobody: before, there was no other class they could have.
    op.execute("UPDATE link_days SET heads = heads + own")
    op.execute("UPDATE clicks SET class = 'head' WHERE class = 'own'")
    op.drop_column("workspaces", "own_networks")
    op.drop_column("workspaces", "count_visitors")
    op.drop_column("link_days", "own")
