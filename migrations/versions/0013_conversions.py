"""Conversions, and links that append a click id"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for table in ("links", "link_versions"):
        op.add_column(
            table,
            sa.Column("append_click_id", sa.Boolean(), server_default=sa.false(), nullable=False),
        )
    op.add_column(
        "workspaces",
        sa.Column("attribution_days", sa.Integer(), server_default="30", nullable=False),
    )
    op.create_table(
        "conversions",
        sa.Column("event_id", sa.String(200), nullable=False),
        sa.Column("name", sa.String(100), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("value", _BIG, nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("first_link_id", _BIG, nullable=True),
        sa.Column("first_touchpoint_id", _BIG, nullable=True),
        sa.Column("first_clicked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_link_id", _BIG, nullable=True),
        sa.Column("last_touchpoint_id", _BIG, nullable=True),
        sa.Column("last_clicked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", _BIG, nullable=False),
        sa.Column("workspace_id", _BIG, nullable=False),
        sa.CheckConstraint("value >= 0", name="ck_conversions_value"),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="fk_conversions_workspace_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_conversions"),
        sa.UniqueConstraint(
            "workspace_id", "event_id", name="uq_conversions_workspace_id_event_id"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_conversions_workspace_id", "conversions", ["workspace_id"])
    op.create_table(
        "conversion_days",
        sa.Column("workspace_id", _BIG, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("touchpoint_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("attribution", sa.String(5), nullable=False),
        sa.Column("conversions", _BIG, nullable=False),
        sa.Column("value", _BIG, nullable=False),
        sa.CheckConstraint(
            "attribution IN ('first', 'last')", name="ck_conversion_days_attribution"
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id",
            "local_date",
            "touchpoint_id",
            "attribution",
            name="pk_conversion_days",
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "conversion_counts",
        sa.Column("workspace_id", _BIG, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("touchpoint_id", _BIG, nullable=False),
        sa.Column("source", sa.String(50), nullable=False),
        sa.Column("conversions", _BIG, nullable=False),
        sa.Column("value", _BIG, nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("conversions >= 0", name="ck_conversion_counts_conversions"),
        sa.CheckConstraint("value >= 0", name="ck_conversion_counts_value"),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="fk_conversion_counts_workspace_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["touchpoint_id"],
            ["touchpoints.id"],
            name="fk_conversion_counts_touchpoint_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "local_date", "touchpoint_id", "source", name="pk_conversion_counts"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_conversion_counts_touchpoint_id", "conversion_counts", ["touchpoint_id"])


def downgrade() -> None:
    op.drop_table("conversion_counts")
    op.drop_table("conversion_days")
    op.drop_table("conversions")
    op.drop_column("workspaces", "attribution_days")
    for table in ("links", "link_versions"):
        op.drop_column(table, "append_click_id")
