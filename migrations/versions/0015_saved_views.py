"""Saved views of reports"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "saved_views",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("workspace_id", _BIG, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("about", sa.String(length=11), nullable=False),
        sa.Column("subject_id", _BIG, nullable=True),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(length=254), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "about IN ('touchpoints', 'journey', 'touchpoint', 'link', 'campaign', 'costs', "
            "'personas')",
            name="ck_saved_views_about",
        ),
        sa.CheckConstraint(
            "(about IN ('touchpoints', 'costs', 'personas')) = (subject_id IS NULL)",
            name="ck_saved_views_subject",
        ),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="ck_saved_views_name_length"),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="fk_saved_views_workspace_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_saved_views"),
        sa.UniqueConstraint("workspace_id", "name", name="uq_saved_views_workspace_id_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_saved_views_workspace_id", "saved_views", ["workspace_id"])


def downgrade() -> None:
    op.drop_table("saved_views")
