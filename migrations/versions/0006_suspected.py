"""Roll-ups of clicks of suspected mail scanners"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "suspected_days",
        sa.Column("link_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("touchpoint_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("workspace_id", _BIG, nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("scans", sa.Integer(), nullable=False),
        sa.Column("visitors", sa.Integer(), nullable=False),
        sa.Column("touchpoint_visitors", sa.Integer(), nullable=False),
        sa.Column("journey_visitors", sa.Integer(), nullable=False),
        sa.Column("tokenless", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("link_id", "local_date", "touchpoint_id", name="pk_suspected_days"),
    )
    op.create_index("ix_suspected_days_workspace_id", "suspected_days", ["workspace_id"])
    op.create_table(
        "suspected_hours",
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("link_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("local_hour", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("scans", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("local_date", "link_id", "local_hour", name="pk_suspected_hours"),
    )
    op.create_table(
        "suspected_facets",
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("link_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("value_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("local_date", "link_id", "value_id", name="pk_suspected_facets"),
    )


def downgrade() -> None:
    # As scanners, which they are taken for: before, there was no other class they could have.
    op.execute(
        "INSERT INTO link_days (link_id, local_date, touchpoint_id, workspace_id, clicks, scans,"
        " visitors, touchpoint_visitors, journey_visitors, tokenless, robots, previews,"
        " prefetches, scanners, heads, own)"
        " SELECT link_id, local_date, touchpoint_id, workspace_id, 0, 0, 0, 0, 0, 0, 0, 0, 0,"
        " clicks, 0, 0 FROM suspected_days WHERE true"
        " ON CONFLICT (link_id, local_date, touchpoint_id)"
        " DO UPDATE SET scanners = link_days.scanners + excluded.scanners"
    )
    op.execute('UPDATE clicks SET "class" = 4 WHERE "class" = 7')
    op.drop_table("suspected_facets")
    op.drop_table("suspected_hours")
    op.drop_table("suspected_days")
