"""Notes on days"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "annotations",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("text", sa.String(80), nullable=False),
        sa.Column("created_by", sa.String(254), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", _BIG, nullable=False),
        sa.Column("workspace_id", _BIG, nullable=False),
        sa.CheckConstraint("length(text) BETWEEN 1 AND 80", name="ck_annotations_text_length"),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="fk_annotations_workspace_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_annotations"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_annotations_workspace_id", "annotations", ["workspace_id"])
    op.create_index("ix_annotations_workspace_id_day", "annotations", ["workspace_id", "day"])


def downgrade() -> None:
    op.drop_table("annotations")
