"""What the links of campaigns had of each value in closed months; the ingester fills them"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "campaign_months",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("campaign_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("workspace_id", _BIG, nullable=False),
        sa.Column("links", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("days", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("month", "campaign_id", name="pk_campaign_months"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Packed already: the server would try it once more.
        op.execute(sa.text("ALTER TABLE campaign_months ALTER COLUMN days SET STORAGE EXTERNAL"))


def downgrade() -> None:
    op.drop_table("campaign_months")
