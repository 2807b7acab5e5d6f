"""Conversions by link, for the reports of links and campaigns"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_NAME = "ix_conversions_links"
_COLUMNS = ["workspace_id", "last_link_id", "local_date", "value"]


def upgrade() -> None:
    op.create_index(_NAME, "conversions", _COLUMNS)


def downgrade() -> None:
    op.drop_index(_NAME, table_name="conversions")
