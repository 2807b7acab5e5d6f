"""Shares of costs, personas, moments of truth and campaigns

No table refers to this one, so it is made anew in SQLite, which can change no condition in place.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_ABOUT = (
    "about IN ('touchpoints', 'journey', 'touchpoint', 'link')",
    "about IN ('touchpoints', 'journey', 'touchpoint', 'link', 'campaign', 'costs', 'personas', "
    "'moments')",
)
_SUBJECT = (
    "(about = 'touchpoints') = (subject_id IS NULL)",
    "(about IN ('touchpoints', 'costs', 'personas')) = (subject_id IS NULL)",
)
_METRIC = (20, 40)
"""Before and since: the longest metric has 21 letters."""


def upgrade() -> None:
    _change(before=0, since=1)


def downgrade() -> None:
    # What cannot be shown any more, or would show more than was shared, ends.
    op.execute(
        "DELETE FROM report_shares WHERE about IN ('campaign', 'costs', 'personas', 'moments')"
        " OR length(metric) > 20 OR (filters <> '' AND about IN ('touchpoints', 'journey'))"
    )
    _change(before=1, since=0)


def _change(before, since):
    if op.get_bind().dialect.name == "postgresql":
        for name in ("about", "subject"):
            # 0011 gave them their names, to which the convention added the same again.
            for known in (f"ck_report_shares_{name}", f"ck_report_shares_ck_report_shares_{name}"):
                op.execute(f"ALTER TABLE report_shares DROP CONSTRAINT IF EXISTS {known}")
        for name, conditions in (("about", _ABOUT), ("subject", _SUBJECT)):
            constraint = op.f(f"ck_report_shares_{name}")
            op.create_check_constraint(constraint, "report_shares", conditions[since])
        op.alter_column("report_shares", "metric", type_=sa.String(_METRIC[since]))
        return
    with op.batch_alter_table(
        "report_shares", copy_from=_table(before), table_kwargs={"sqlite_autoincrement": True}
    ) as table:
        for name, conditions in (("about", _ABOUT), ("subject", _SUBJECT)):
            constraint = op.f(f"ck_report_shares_{name}")
            table.drop_constraint(constraint, type_="check")
            table.create_check_constraint(constraint, conditions[since])
        table.alter_column(
            "metric",
            existing_type=sa.String(_METRIC[before]),
            type_=sa.String(_METRIC[since]),
            existing_nullable=False,
        )


def _table(at):
    """The whole table, since conditions are not read back from SQLite."""
    return sa.Table(
        "report_shares",
        sa.MetaData(),
        sa.Column("id", _BIG, nullable=False),
        sa.Column("workspace_id", _BIG, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("about", sa.String(length=11), nullable=False),
        sa.Column("subject_id", _BIG, nullable=True),
        sa.Column("metric", sa.String(length=_METRIC[at]), nullable=False),
        sa.Column("suspects", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("filters", sa.Text(), server_default="", nullable=False),
        sa.Column("first_date", sa.Date(), nullable=True),
        sa.Column("last_date", sa.Date(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("created_by", sa.String(length=254), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(_ABOUT[at], name="ck_report_shares_about"),
        sa.CheckConstraint(_SUBJECT[at], name="ck_report_shares_subject"),
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
        sa.Index("ix_report_shares_workspace_id", "workspace_id"),
        sqlite_autoincrement=True,
    )
