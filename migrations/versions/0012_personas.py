"""Personas, attached to journeys and links"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "personas",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", _BIG, nullable=False),
        sa.Column("workspace_id", _BIG, nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name="ck_personas_name_length"),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="fk_personas_workspace_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_personas"),
        sa.UniqueConstraint("workspace_id", "name", name="uq_personas_workspace_id_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_personas_workspace_id", "personas", ["workspace_id"])
    for thing in ("journey", "link"):
        table, key = f"{thing}_personas", f"{thing}_id"
        op.create_table(
            table,
            sa.Column(key, _BIG, nullable=False),
            sa.Column("persona_id", _BIG, nullable=False),
            sa.ForeignKeyConstraint(
                [key], [f"{thing}s.id"], name=f"fk_{table}_{key}", ondelete="CASCADE"
            ),
            sa.ForeignKeyConstraint(
                ["persona_id"],
                ["personas.id"],
                name=f"fk_{table}_persona_id",
                ondelete="CASCADE",
            ),
            sa.PrimaryKeyConstraint(key, "persona_id", name=f"pk_{table}"),
        )
        op.create_index(f"ix_{table}_persona_id", table, ["persona_id"])


def downgrade() -> None:
    op.drop_table("link_personas")
    op.drop_table("journey_personas")
    op.drop_table("personas")
