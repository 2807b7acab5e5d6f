"""Letters about reports that members asked for"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "letter_subscriptions",
        sa.Column("member_id", _BIG, nullable=False),
        sa.Column("rhythm", sa.String(7), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", _BIG, nullable=False),
        sa.Column("workspace_id", _BIG, nullable=False),
        sa.CheckConstraint(
            "rhythm IN ('weekly', 'monthly')", name="ck_letter_subscriptions_rhythm"
        ),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["members.id"],
            name="fk_letter_subscriptions_member_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="fk_letter_subscriptions_workspace_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_letter_subscriptions"),
        sa.UniqueConstraint("member_id", name="uq_letter_subscriptions_member_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_letter_subscriptions_due_on", "letter_subscriptions", ["due_on"])
    op.create_index(
        "ix_letter_subscriptions_workspace_id", "letter_subscriptions", ["workspace_id"]
    )


def downgrade() -> None:
    op.drop_table("letter_subscriptions")
