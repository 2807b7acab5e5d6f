"""The first schema"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("sequence", big, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subject", sa.String(length=9), nullable=False),
        sa.Column("domain_id", big, nullable=True),
        sa.Column("slug_key", sa.String(length=256), nullable=True),
        sa.CheckConstraint("subject IN ('link', 'domain', 'workspace')", name="ck_changes_subject"),
        sa.PrimaryKeyConstraint("sequence", name="pk_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_at", "changes", ["at"])

    op.create_table(
        "domain_days",
        sa.Column("domain_id", big, autoincrement=False, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("workspace_id", big, nullable=False),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.Column("heads", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("domain_id", "local_date", name="pk_domain_days"),
    )
    op.create_index("ix_domain_days_workspace_id", "domain_days", ["workspace_id"])

    op.create_table(
        "link_days",
        sa.Column("link_id", big, autoincrement=False, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("touchpoint_id", big, autoincrement=False, nullable=False),
        sa.Column("workspace_id", big, nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("scans", sa.Integer(), nullable=False),
        sa.Column("visitors", sa.Integer(), nullable=False),
        sa.Column("touchpoint_visitors", sa.Integer(), nullable=False),
        sa.Column("journey_visitors", sa.Integer(), nullable=False),
        sa.Column("tokenless", sa.Integer(), nullable=False),
        sa.Column("robots", sa.Integer(), nullable=False),
        sa.Column("previews", sa.Integer(), nullable=False),
        sa.Column("prefetches", sa.Integer(), nullable=False),
        sa.Column("scanners", sa.Integer(), nullable=False),
        sa.Column("heads", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("link_id", "local_date", "touchpoint_id", name="pk_link_days"),
    )
    op.create_index(
        "ix_link_days_workspace_id_local_date", "link_days", ["workspace_id", "local_date"]
    )

    op.create_table(
        "link_facets",
        sa.Column("link_id", big, autoincrement=False, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("facet", sa.String(length=8), nullable=False),
        sa.Column("value", sa.String(length=253), nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "facet IN ('country', 'device', 'browser', 'system', 'language', 'referrer', 'robot')",
            name="ck_link_facets_facet",
        ),
        sa.PrimaryKeyConstraint("link_id", "local_date", "facet", "value", name="pk_link_facets"),
    )
    op.create_table(
        "link_hours",
        sa.Column("link_id", big, autoincrement=False, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("local_hour", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("scans", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("link_id", "local_date", "local_hour", name="pk_link_hours"),
    )
    op.create_table(
        "segments",
        sa.Column("id", big, nullable=False),
        sa.Column("node", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("position", big, nullable=False),
        sa.Column("accepted", big, nullable=False),
        sa.Column("ingested", big, nullable=False),
        sa.Column("rejected", big, nullable=False),
        sa.Column("damaged", big, nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("accepted = ingested + rejected", name="ck_segments_balance"),
        sa.PrimaryKeyConstraint("id", name="pk_segments"),
        sa.UniqueConstraint("node", "name", name="uq_segments_node_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "unrecorded",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("workspace_id", big, autoincrement=False, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("clicks", big, nullable=False),
        sa.PrimaryKeyConstraint("source", "workspace_id", "local_date", name="pk_unrecorded"),
    )
    op.create_table(
        "users",
        sa.Column("id", big, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("locale", sa.String(length=2), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "visitor_tokens",
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=False),
        sa.Column("scope_id", big, autoincrement=False, nullable=False),
        sa.Column("token", sa.LargeBinary(length=16), nullable=False),
        sa.CheckConstraint(
            "scope IN ('link', 'touchpoint', 'journey')", name="ck_visitor_tokens_scope"
        ),
        sa.PrimaryKeyConstraint(
            "local_date", "scope", "scope_id", "token", name="pk_visitor_tokens"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_visitor_tokens_local_date", "visitor_tokens", ["local_date"])

    op.create_table(
        "workspaces",
        sa.Column("id", big, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("brand_colour", sa.String(length=7), nullable=False),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.Column("imprint_url", sa.String(length=2048), nullable=True),
        sa.Column("privacy_url", sa.String(length=2048), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("locale IN ('de', 'en')", name="ck_workspaces_locale"),
        sa.CheckConstraint("length(brand_colour) = 7", name="ck_workspaces_brand_colour"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="ck_workspaces_name_length"),
        sa.PrimaryKeyConstraint("id", name="pk_workspaces"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "api_keys",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("scopes", sa.String(length=255), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", big, nullable=False),
        sa.Column("workspace_id", big, nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="ck_api_keys_name_length"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_api_keys_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("secret_hash", name="uq_api_keys_secret_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_api_keys_workspace_id", "api_keys", ["workspace_id"])

    op.create_table(
        "campaigns",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", big, nullable=False),
        sa.Column("workspace_id", big, nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name="ck_campaigns_name_length"),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="fk_campaigns_workspace_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_campaigns"),
        sa.UniqueConstraint("workspace_id", "name", name="uq_campaigns_workspace_id_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_campaigns_workspace_id", "campaigns", ["workspace_id"])

    op.create_table(
        "clicks",
        sa.Column("segment_id", big, autoincrement=False, nullable=False),
        sa.Column("position", big, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", big, nullable=False),
        sa.Column("domain_id", big, nullable=False),
        sa.Column("link_id", big, nullable=True),
        sa.Column("link_version", sa.Integer(), nullable=False),
        sa.Column("touchpoint_id", big, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("local_hour", sa.SmallInteger(), nullable=False),
        sa.Column("source", sa.String(length=5), nullable=False),
        sa.Column("class", sa.String(length=8), nullable=False),
        sa.Column("miss", sa.Boolean(), nullable=False),
        sa.Column("tokenless", sa.Boolean(), nullable=False),
        sa.Column("new_for_link", sa.Boolean(), nullable=False),
        sa.Column("new_for_touchpoint", sa.Boolean(), nullable=False),
        sa.Column("new_for_journey", sa.Boolean(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("browser", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("referrer", sa.String(length=253), nullable=False),
        sa.Column("robot", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.id"], name="fk_clicks_segment_id"),
        sa.PrimaryKeyConstraint("segment_id", "position", name="pk_clicks"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_clicks_at", "clicks", ["at"])
    op.create_index("ix_clicks_workspace_id_local_date", "clicks", ["workspace_id", "local_date"])

    op.create_table(
        "domains",
        sa.Column("host", sa.String(length=260), nullable=False),
        sa.Column("root_redirect", sa.String(length=2048), nullable=True),
        sa.Column("not_found_redirect", sa.String(length=2048), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", big, nullable=False),
        sa.Column("workspace_id", big, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_domains_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_domains"),
        sa.UniqueConstraint("host", name="uq_domains_host"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_domains_workspace_id", "domains", ["workspace_id"])

    op.create_table(
        "imports",
        sa.Column("workspace_id", big, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("size", big, nullable=False),
        sa.Column("lines", big, nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_imports_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "digest", name="pk_imports"),
    )
    op.create_table(
        "journeys",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", big, nullable=False),
        sa.Column("workspace_id", big, nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name="ck_journeys_name_length"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_journeys_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_journeys"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_journeys_workspace_id", "journeys", ["workspace_id"])

    op.create_table(
        "members",
        sa.Column("user_id", big, nullable=False),
        sa.Column("role", sa.String(length=6), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", big, nullable=False),
        sa.Column("workspace_id", big, nullable=False),
        sa.CheckConstraint("role IN ('owner', 'editor', 'viewer')", name="ck_members_role"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_members_user_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_members_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_members"),
        sa.UniqueConstraint("workspace_id", "user_id", name="uq_members_workspace_id_user_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_members_user_id", "members", ["user_id"])
    op.create_index("ix_members_workspace_id", "members", ["workspace_id"])

    op.create_table(
        "salts",
        sa.Column("workspace_id", big, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_salts_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "local_date", name="pk_salts"),
    )
    op.create_index("ix_salts_expires_at", "salts", ["expires_at"])

    op.create_table(
        "sessions",
        sa.Column("id", big, nullable=False),
        sa.Column("user_id", big, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_sessions_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_sessions_token_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])

    op.create_table(
        "tags",
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("id", big, nullable=False),
        sa.Column("workspace_id", big, nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 50", name="ck_tags_name_length"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_tags_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_tags"),
        sa.UniqueConstraint("workspace_id", "name", name="uq_tags_workspace_id_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tags_workspace_id", "tags", ["workspace_id"])

    op.create_table(
        "stages",
        sa.Column("journey_id", big, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", big, nullable=False),
        sa.Column("workspace_id", big, nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name="ck_stages_name_length"),
        sa.CheckConstraint("position >= 0", name="ck_stages_position"),
        sa.ForeignKeyConstraint(
            ["journey_id"], ["journeys.id"], name="fk_stages_journey_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_stages_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_stages"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_stages_journey_id", "stages", ["journey_id"])
    op.create_index("ix_stages_workspace_id", "stages", ["workspace_id"])

    op.create_table(
        "touchpoints",
        sa.Column("stage_id", big, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=50), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("medium", sa.String(length=6), nullable=False),
        sa.Column("moment_of_truth", sa.Boolean(), nullable=False),
        sa.Column("target_rate", sa.Double(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", big, nullable=False),
        sa.Column("workspace_id", big, nullable=False),
        sa.CheckConstraint("kind IN ('digital', 'human', 'physical')", name="ck_touchpoints_kind"),
        sa.CheckConstraint("medium IN ('paid', 'owned', 'earned')", name="ck_touchpoints_medium"),
        sa.CheckConstraint(
            "length(channel) BETWEEN 1 AND 50", name="ck_touchpoints_channel_length"
        ),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name="ck_touchpoints_name_length"),
        sa.CheckConstraint("target_rate > 0", name="ck_touchpoints_target_rate"),
        sa.ForeignKeyConstraint(
            ["stage_id"], ["stages.id"], name="fk_touchpoints_stage_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="fk_touchpoints_workspace_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_touchpoints"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_touchpoints_stage_id", "touchpoints", ["stage_id"])
    op.create_index("ix_touchpoints_workspace_id", "touchpoints", ["workspace_id"])

    op.create_table(
        "links",
        sa.Column("domain_id", big, nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("slug_key", sa.String(length=256), nullable=False),
        sa.Column("destination", sa.String(length=2048), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("touchpoint_id", big, nullable=True),
        sa.Column("campaign_id", big, nullable=True),
        sa.Column("forward_query", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", big, nullable=False),
        sa.Column("workspace_id", big, nullable=False),
        sa.CheckConstraint("length(slug) BETWEEN 1 AND 64", name="ck_links_slug_length"),
        sa.CheckConstraint("version >= 1", name="ck_links_version"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_links_campaign_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["domain_id"], ["domains.id"], name="fk_links_domain_id"),
        sa.ForeignKeyConstraint(
            ["touchpoint_id"], ["touchpoints.id"], name="fk_links_touchpoint_id"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_links_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_links"),
        sa.UniqueConstraint("domain_id", "slug_key", name="uq_links_domain_id_slug_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_links_campaign_id", "links", ["campaign_id"])
    op.create_index("ix_links_touchpoint_id", "links", ["touchpoint_id"])
    op.create_index("ix_links_workspace_id", "links", ["workspace_id"])
    op.create_index(
        "ix_links_workspace_id_created_at", "links", ["workspace_id", "created_at", "id"]
    )

    op.create_table(
        "reach",
        sa.Column("touchpoint_id", big, nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("amount", big, nullable=False),
        sa.Column("unit", sa.String(length=10), nullable=False),
        sa.Column("id", big, nullable=False),
        sa.Column("workspace_id", big, nullable=False),
        sa.CheckConstraint(
            "unit IN ('sent', 'printed', 'passers_by', 'contacts', 'views')", name="ck_reach_unit"
        ),
        sa.CheckConstraint("amount > 0", name="ck_reach_amount"),
        sa.CheckConstraint("ends_on >= starts_on", name="ck_reach_span"),
        sa.ForeignKeyConstraint(
            ["touchpoint_id"], ["touchpoints.id"], name="fk_reach_touchpoint_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_reach_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reach"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reach_touchpoint_id_starts_on", "reach", ["touchpoint_id", "starts_on"])
    op.create_index("ix_reach_workspace_id", "reach", ["workspace_id"])

    op.create_table(
        "link_tags",
        sa.Column("link_id", big, nullable=False),
        sa.Column("tag_id", big, nullable=False),
        sa.ForeignKeyConstraint(
            ["link_id"], ["links.id"], name="fk_link_tags_link_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tag_id"], ["tags.id"], name="fk_link_tags_tag_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("link_id", "tag_id", name="pk_link_tags"),
    )
    op.create_index("ix_link_tags_tag_id", "link_tags", ["tag_id"])

    op.create_table(
        "link_versions",
        sa.Column("link_id", big, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("destination", sa.String(length=2048), nullable=False),
        sa.Column("touchpoint_id", big, nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["link_id"], ["links.id"], name="fk_link_versions_link_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["touchpoint_id"], ["touchpoints.id"], name="fk_link_versions_touchpoint_id"
        ),
        sa.PrimaryKeyConstraint("link_id", "version", name="pk_link_versions"),
    )


def downgrade() -> None:
    op.drop_table("link_versions")
    op.drop_table("link_tags")
    op.drop_table("reach")
    op.drop_table("links")
    op.drop_table("touchpoints")
    op.drop_table("stages")
    op.drop_table("tags")
    op.drop_table("sessions")
    op.drop_table("salts")
    op.drop_table("members")
    op.drop_table("journeys")
    op.drop_table("imports")
    op.drop_table("domains")
    op.drop_table("clicks")
    op.drop_table("campaigns")
    op.drop_table("api_keys")
    op.drop_table("workspaces")
    op.drop_table("visitor_tokens")
    op.drop_table("users")
    op.drop_table("unrecorded")
    op.drop_table("segments")
    op.drop_table("link_hours")
    op.drop_table("link_facets")
    op.drop_table("link_days")
    op.drop_table("domain_days")
    op.drop_table("changes")
