"""Shares of the overview; saved views of the overview and of moments of truth

No table refers to these two, so they are made anew in SQLite, which can change no condition in
place.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_CONDITIONS = {
    "report_shares": {
        "about": (
            "about IN ('touchpoints', 'journey', 'touchpoint', 'link', 'campaign', 'costs', "
            "'personas', 'moments')",
            "about IN ('touchpoints', 'journey', 'touchpoint', 'link', 'campaign', 'costs', "
            "'personas', 'moments', 'overview')",
        ),
        "subject": (
            "(about IN ('touchpoints', 'costs', 'personas')) = (subject_id IS NULL)",
            "(about IN ('touchpoints', 'costs', 'personas', 'overview')) = (subject_id IS NULL)",
        ),
    },
    "saved_views": {
        "about": (
            "about IN ('touchpoints', 'journey', 'touchpoint', 'link', 'campaign', 'costs', "
            "'personas')",
            "about IN ('touchpoints', 'journey', 'touchpoint', 'link', 'campaign', 'costs', "
            "'personas', 'moments', 'overview')",
        ),
        "subject": (
            "(about IN ('touchpoints', 'costs', 'personas')) = (subject_id IS NULL)",
            "(about IN ('touchpoints', 'costs', 'personas', 'moments', 'overview')) = "
            "(subject_id IS NULL)",
        ),
    },
}
"""Before and since, by table and by what they are about."""


def upgrade() -> None:
    for table in _CONDITIONS:
        _change(table, before=0, since=1)


def downgrade() -> None:
    # What cannot be shown any more ends.
    op.execute("DELETE FROM report_shares WHERE about = 'overview'")
    op.execute("DELETE FROM saved_views WHERE about IN ('moments', 'overview')")
    for table in _CONDITIONS:
        _change(table, before=1, since=0)


def _change(table, before, since):
    conditions = _CONDITIONS[table]
    if op.get_bind().dialect.name == "postgresql":
        for name in conditions:
            # The first migrations gave them names to which the convention added the same again.
            for known in (f"ck_{table}_{name}", f"ck_{table}_ck_{table}_{name}"):
                op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {known}")
        for name, each in conditions.items():
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, each[since])
        return
    with op.batch_alter_table(
        table, copy_from=_TABLES[table](before), table_kwargs={"sqlite_autoincrement": True}
    ) as made:
        for name, each in conditions.items():
            constraint = op.f(f"ck_{table}_{name}")
            made.drop_constraint(constraint, type_="check")
            made.create_check_constraint(constraint, each[since])


def _shares(at):
    """The whole table, since conditions are not read back from SQLite."""
    return sa.Table(
        "report_shares",
        sa.MetaData(),
        sa.Column("id", _BIG, nullable=False),
        sa.Column("workspace_id", _BIG, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("about", sa.String(length=11), nullable=False),
        sa.Column("subject_id", _BIG, nullable=True),
        sa.Column("metric", sa.String(length=40), nullable=False),
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
        *_conditions("report_shares", at),
        sa.CheckConstraint(
            "(first_date IS NULL) = (last_date IS NULL)", name="ck_report_shares_period"
        ),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="ck_report_shares_name_length"),
        *_keys("report_shares"),
        sa.UniqueConstraint("token_hash", name="uq_report_shares_token_hash"),
        sa.Index("ix_report_shares_workspace_id", "workspace_id"),
        sqlite_autoincrement=True,
    )


def _views(at):
    return sa.Table(
        "saved_views",
        sa.MetaData(),
        sa.Column("id", _BIG, nullable=False),
        sa.Column("workspace_id", _BIG, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("about", sa.String(length=11), nullable=False),
        sa.Column("subject_id", _BIG, nullable=True),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(length=254), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *_conditions("saved_views", at),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="ck_saved_views_name_length"),
        *_keys("saved_views"),
        sa.UniqueConstraint("workspace_id", "name", name="uq_saved_views_workspace_id_name"),
        sa.Index("ix_saved_views_workspace_id", "workspace_id"),
        sqlite_autoincrement=True,
    )


def _conditions(table, at):
    return [
        sa.CheckConstraint(each[at], name=f"ck_{table}_{name}")
        for name, each in _CONDITIONS[table].items()
    ]


def _keys(table):
    return (
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=f"fk_{table}_workspace_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )


_TABLES = {"report_shares": _shares, "saved_views": _views}
