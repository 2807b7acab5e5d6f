"""Costs of touchpoints and campaigns, in the workspace's currency"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "workspaces", sa.Column("currency", sa.String(3), server_default="EUR", nullable=False)
    )
    op.create_table(
        "costs",
        sa.Column("touchpoint_id", _BIG, nullable=True),
        sa.Column("campaign_id", _BIG, nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("amount", _BIG, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("id", _BIG, nullable=False),
        sa.Column("workspace_id", _BIG, nullable=False),
        sa.CheckConstraint("ends_on >= starts_on", name="ck_costs_span"),
        sa.CheckConstraint("amount >= 0", name="ck_costs_amount"),
        sa.CheckConstraint("length(currency) = 3", name="ck_costs_currency"),
        sa.CheckConstraint(
            "(touchpoint_id IS NULL) != (campaign_id IS NULL)", name="ck_costs_subject"
        ),
        sa.ForeignKeyConstraint(
            ["touchpoint_id"],
            ["touchpoints.id"],
            name="fk_costs_touchpoint_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_costs_campaign_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_costs_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_costs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_costs_workspace_id", "costs", ["workspace_id"])
    op.create_index("ix_costs_touchpoint_id_starts_on", "costs", ["touchpoint_id", "starts_on"])
    op.create_index("ix_costs_campaign_id_starts_on", "costs", ["campaign_id", "starts_on"])


def downgrade() -> None:
    op.drop_table("costs")
    op.drop_column("workspaces", "currency")
