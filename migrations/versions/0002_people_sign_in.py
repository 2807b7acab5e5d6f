"""People sign in"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", big, nullable=False),
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_attempts_at", "attempts", ["at"])
    op.create_index("ix_attempts_key_at", "attempts", ["key", "at"])

    op.create_table(
        "invitations",
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("role", sa.String(length=6), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("invited_by", sa.String(length=254), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", big, nullable=False),
        sa.Column("workspace_id", big, nullable=False),
        sa.CheckConstraint("role IN ('owner', 'editor', 'viewer')", name="ck_invitations_role"),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="fk_invitations_workspace_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.UniqueConstraint("token_hash", name="uq_invitations_token_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_invitations_workspace_id", "invitations", ["workspace_id"])

    op.create_table(
        "one_time_links",
        sa.Column("id", big, nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("user_id", big, nullable=True),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('setup', 'password', 'sign_in')", name="ck_one_time_links_purpose"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_one_time_links_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_one_time_links"),
        sa.UniqueConstraint("token_hash", name="uq_one_time_links_token_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_one_time_links_user_id", "one_time_links", ["user_id"])

    op.create_table(
        "sheets",
        sa.Column("name", sa.String(length=260), nullable=False),
        sa.Column("format", sa.String(length=3), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=254), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("id", big, nullable=False),
        sa.Column("workspace_id", big, nullable=False),
        sa.CheckConstraint("format IN ('pdf', 'zip')", name="ck_sheets_format"),
        sa.CheckConstraint("done BETWEEN 0 AND total", name="ck_sheets_done"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_sheets_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sheets"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sheets_workspace_id", "sheets", ["workspace_id"])

    op.create_table(
        "trail",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=254), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject_id", big, nullable=True),
        sa.Column("name", sa.String(length=260), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("id", big, nullable=False),
        sa.Column("workspace_id", big, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_trail_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_trail"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_trail_workspace_id", "trail", ["workspace_id"])
    op.create_index("ix_trail_workspace_id_id", "trail", ["workspace_id", "id"])

    with op.batch_alter_table("api_keys") as batch_op:
        batch_op.add_column(sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("link_versions") as batch_op:
        batch_op.add_column(
            sa.Column("title", sa.String(length=200), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("campaign_id", big, nullable=True))
        batch_op.add_column(
            sa.Column("forward_query", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("archived", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(
            sa.Column("deleted", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(sa.Column("tags", sa.Text(), nullable=True))
        batch_op.alter_column(
            "changed_by",
            existing_type=sa.VARCHAR(length=120),
            type_=sa.String(length=254),
            existing_nullable=False,
        )
        batch_op.create_foreign_key(
            "fk_link_versions_campaign_id",
            "campaigns",
            ["campaign_id"],
            ["id"],
            ondelete="SET NULL",
        )

    _fill_versions()

    # Not in a batch: where that makes a table anew, SQLite deletes what refers to its rows.
    op.add_column("links", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "links",
        sa.Column(
            "name_key",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            server_default="",
            nullable=False,
        ),
    )
    op.create_index("ix_links_workspace_id_name_key", "links", ["workspace_id", "name_key", "id"])
    op.create_index(
        "ix_links_state",
        "links",
        ["workspace_id", "deleted_at", "archived_at", "active", "expires_at"],
    )
    _fill_name_keys()

    op.drop_index("ix_link_days_workspace_id_local_date", "link_days")
    op.create_index(
        "ix_link_days_clicks",
        "link_days",
        ["workspace_id", "local_date", "link_id", "touchpoint_id", "clicks"],
    )

    with op.batch_alter_table("sessions", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.add_column(sa.Column("workspace_id", big, nullable=True))
        batch_op.add_column(
            sa.Column("device", sa.String(length=80), server_default="", nullable=False)
        )
        batch_op.create_foreign_key(
            "fk_sessions_workspace_id", "workspaces", ["workspace_id"], ["id"], ondelete="SET NULL"
        )

    op.add_column(
        "domains", sa.Column("preferred", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("workspaces", sa.Column("set_up_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "workspaces",
        sa.Column("demonstration", sa.Boolean(), server_default=sa.false(), nullable=False),
    )


_KEPT_NOW = ("title", "campaign_id", "forward_query", "expires_at")


def _fill_versions() -> None:
    """What earlier versions did not keep is taken from the link as it is today."""
    links = sa.table("links", sa.column("id"), *map(sa.column, _KEPT_NOW))
    versions = sa.table("link_versions", sa.column("link_id"), *map(sa.column, _KEPT_NOW))
    today = {
        field: sa.select(links.c[field]).where(links.c.id == versions.c.link_id).scalar_subquery()
        for field in _KEPT_NOW
    }
    op.execute(versions.update().values(today))
    op.execute(
        "UPDATE link_versions SET deleted = true WHERE EXISTS (SELECT 1 FROM links WHERE "
        "links.id = link_versions.link_id AND links.version = link_versions.version "
        "AND links.deleted_at IS NOT NULL)"
    )


def _fill_name_keys() -> None:
    """Titles, or slugs, without case and accents, as the program writes them from now on."""
    links = sa.table("links", *map(sa.column, ("id", "slug", "title", "name_key")))
    connection = op.get_bind()
    keys = []
    for number, slug, title in connection.execute(
        sa.select(links.c.id, links.c.slug, links.c.title)
    ):
        key = _bare(_bare(title or slug).casefold())[:400]
        keys.append({"number": number, "key": key})
    if keys:
        one = links.update().where(links.c.id == sa.bindparam("number"))
        connection.execute(one.values(name_key=sa.bindparam("key")), keys)


def _bare(text):
    letters = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in letters if not "\u0300" <= letter <= "\u036f")


def downgrade() -> None:
    # Not in a batch either, for the same reason.
    op.drop_column("workspaces", "demonstration")
    op.drop_column("workspaces", "set_up_at")
    op.drop_column("domains", "preferred")

    with op.batch_alter_table("sessions", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.drop_constraint("fk_sessions_workspace_id", type_="foreignkey")
        batch_op.drop_column("device")
        batch_op.drop_column("workspace_id")

    op.drop_index("ix_link_days_clicks", "link_days")
    op.create_index(
        "ix_link_days_workspace_id_local_date", "link_days", ["workspace_id", "local_date"]
    )

    op.drop_index("ix_links_state", "links")
    op.drop_index("ix_links_workspace_id_name_key", "links")
    op.drop_column("links", "name_key")
    op.drop_column("links", "archived_at")

    with op.batch_alter_table("link_versions") as batch_op:
        batch_op.drop_constraint("fk_link_versions_campaign_id", type_="foreignkey")
        batch_op.alter_column(
            "changed_by",
            existing_type=sa.String(length=254),
            type_=sa.VARCHAR(length=120),
            existing_nullable=False,
        )
        batch_op.drop_column("tags")
        batch_op.drop_column("deleted")
        batch_op.drop_column("archived")
        batch_op.drop_column("expires_at")
        batch_op.drop_column("forward_query")
        batch_op.drop_column("campaign_id")
        batch_op.drop_column("title")

    with op.batch_alter_table("api_keys") as batch_op:
        batch_op.drop_column("last_used_at")

    op.drop_table("trail")

    op.drop_table("sheets")

    op.drop_table("one_time_links")

    op.drop_table("invitations")

    op.drop_table("attempts")
