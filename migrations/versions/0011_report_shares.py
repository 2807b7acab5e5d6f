"""Reports that are shared by a link"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "report_shares",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("workspace_id", _BIG, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("about", sa.String(length=11), nullable=False),
        sa.Column("subject_id", _BIG, nullable=True),
        sa.Column("metric", sa.String(length=20), nullable=False),
        sa.Column("suspects", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("first_date", sa.Date(), nullable=True),
        sa.Column("last_date", sa.Date(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("created_by", sa.String(length=254), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "about IN ('touchpoints', 'journey', 'touchpoint', 'link')",
            name="ck_report_shares_about",
        ),
        sa.CheckConstraint(
            "(about = 'touchpoints') = (subject_id IS NULL)", name="ck_report_shares_subject"
        ),
        sa.CheckConstraint(
            "(first_date IS NULL) = (last_date IS NULL)", name="ck_report_shares_period"
        ),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="ck_report_shares_name_length"),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="fk_report_shares_workspace_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_report_shares"),
        sa.UniqueConstraint("token_hash", name="uq_report_shares_token_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_report_shares_workspace_id", "report_shares", ["workspace_id"])


def downgrade() -> None:
    op.drop_table("report_shares")
