"""Lean click rows and facets, visitors' keys, and what the audit compares with

Words become numbers of a dictionary, and what ingest adds to lies together by day. No other
table refers to those that are rebuilt here.

Down again, the tokens of the last days cannot be had back from their keys: a visitor who
comes again on the day of the downgrade is counted once more.
"""

import datetime

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

FACET = "facet IN ('country', 'device', 'browser', 'system', 'language', 'referrer', 'robot')"
CLASSES = ("person", "robot", "preview", "prefetch", "scanner", "head", "own")
SCOPES = ("link", "touchpoint", "journey")


def upgrade() -> None:
    _make_dictionary()
    _make_lean_facets()
    _make_days_first(days_first=True)
    _make_lean_clicks()
    _make_visitor_keys()
    _make_accepted_days()


def downgrade() -> None:
    op.drop_table("accepted_days")
    op.drop_table("nodes")
    op.drop_table("visitor_keys")
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
    _make_worded_clicks()
    _make_days_first(days_first=False)
    _make_worded_facets()
    op.drop_table("agents")
    op.drop_table("facet_values")


def _make_dictionary() -> None:
    op.create_table(
        "facet_values",
        sa.Column("id", big, nullable=False),
        sa.Column("facet", sa.String(length=8), nullable=False),
        sa.Column("value", sa.String(length=253), nullable=False),
        sa.CheckConstraint(FACET, name="ck_facet_values_facet"),
        sa.PrimaryKeyConstraint("id", name="pk_facet_values"),
        sa.UniqueConstraint("facet", "value", name="uq_facet_values_facet_value"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "agents",
        sa.Column("id", big, nullable=False),
        sa.Column("robot", sa.String(length=64), nullable=False),
        sa.Column("tag", sa.String(length=16), nullable=False),
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("browser", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agents"),
        sa.UniqueConstraint(
            "robot",
            "tag",
            "device",
            "browser",
            "system",
            name="uq_agents_robot_tag_device_browser_system",
        ),
        sqlite_autoincrement=True,
    )
    op.execute(
        "INSERT INTO facet_values (facet, value)"
        " SELECT facet, value FROM link_facets"
        " UNION SELECT 'country', country FROM clicks"
        " UNION SELECT 'language', language FROM clicks"
        " UNION SELECT 'referrer', referrer FROM clicks"
    )
    op.execute(
        "INSERT INTO agents (robot, tag, device, browser, system)"
        " SELECT DISTINCT robot, '', device, browser, system FROM clicks"
    )


def _make_lean_facets() -> None:
    _set_aside("link_facets")
    op.create_table(
        "link_facets",
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("link_id", big, autoincrement=False, nullable=False),
        sa.Column("value_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("local_date", "link_id", "value_id", name="pk_link_facets"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO link_facets (local_date, link_id, value_id, clicks)"
        " SELECT old.local_date, old.link_id, facet_values.id, old.clicks"
        " FROM link_facets_before AS old"
        " JOIN facet_values ON facet_values.facet = old.facet AND facet_values.value = old.value"
        " ORDER BY old.local_date, old.link_id, facet_values.id"
    )
    op.drop_table("link_facets_before")


def _make_worded_facets() -> None:
    _set_aside("link_facets")
    op.create_table(
        "link_facets",
        sa.Column("link_id", big, autoincrement=False, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("facet", sa.String(length=8), nullable=False),
        sa.Column("value", sa.String(length=253), nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.CheckConstraint(FACET, name="ck_link_facets_facet"),
        sa.PrimaryKeyConstraint("link_id", "local_date", "facet", "value", name="pk_link_facets"),
    )
    op.execute(
        "INSERT INTO link_facets (link_id, local_date, facet, value, clicks)"
        " SELECT old.link_id, old.local_date, facet, value, old.clicks"
        " FROM link_facets_before AS old JOIN facet_values ON facet_values.id = old.value_id"
    )
    op.drop_table("link_facets_before")


def _make_days_first(*, days_first: bool) -> None:
    _set_aside("link_hours")
    day = sa.Column("local_date", sa.Date(), nullable=False)
    link = sa.Column("link_id", big, autoincrement=False, nullable=False)
    first = (day, link) if days_first else (link, day)
    options = {"sqlite_with_rowid": False} if days_first else {}
    op.create_table(
        "link_hours",
        *first,
        sa.Column("local_hour", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("scans", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            *(column.name for column in first), "local_hour", name="pk_link_hours"
        ),
        **options,
    )
    op.execute(
        "INSERT INTO link_hours (local_date, link_id, local_hour, clicks, scans)"
        " SELECT local_date, link_id, local_hour, clicks, scans FROM link_hours_before"
        " ORDER BY local_date, link_id, local_hour"
    )
    op.drop_table("link_hours_before")


def _make_lean_clicks() -> None:
    op.drop_index("ix_clicks_at", "clicks")
    op.drop_index("ix_clicks_workspace_id_local_date", "clicks")
    _set_aside("clicks")
    op.create_table(
        "clicks",
        sa.Column("segment_id", big, autoincrement=False, nullable=False),
        sa.Column("position", big, autoincrement=False, nullable=False),
        sa.Column("time_ms", big, nullable=False),
        sa.Column("workspace_id", big, nullable=False),
        sa.Column("domain_id", big, nullable=False),
        sa.Column("link_id", big, nullable=False),
        sa.Column("link_version", sa.Integer(), nullable=False),
        sa.Column("touchpoint_id", big, nullable=False),
        sa.Column("local_day", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("country_id", sa.Integer(), nullable=False),
        sa.Column("language_id", sa.Integer(), nullable=False),
        sa.Column("referrer_id", sa.Integer(), nullable=False),
        sa.Column("local_hour", sa.SmallInteger(), nullable=False),
        sa.Column("class", sa.SmallInteger(), nullable=False),
        sa.Column("flags", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.id"], name="fk_clicks_segment_id"),
        sa.PrimaryKeyConstraint("segment_id", "position", name="pk_clicks"),
        sqlite_with_rowid=False,
    )
    # Days count from 1 January of the year 1, as Python's `date.toordinal` does.
    if _is_sqlite():
        time_ms = (
            "CAST(strftime('%s', old.at) AS INTEGER) * 1000"
            " + CAST(substr(old.at || '000', 21, 3) AS INTEGER)"
        )
        local_day = "CAST(julianday(old.local_date) - 1721424.5 AS INTEGER)"
    else:
        time_ms = "CAST(floor(extract(epoch FROM old.at) * 1000) AS bigint)"
        local_day = "old.local_date - DATE '0001-01-01' + 1"
    classes = " ".join(f"WHEN '{name}' THEN {number}" for number, name in enumerate(CLASSES))
    flags = " + ".join(
        f"CASE WHEN {condition} THEN {bit} ELSE 0 END"
        for condition, bit in (
            ("old.source = 'scan'", 1),
            ("old.miss", 2),
            ("old.tokenless", 4),
            ("old.new_for_link", 8),
            ("old.new_for_touchpoint", 16),
            ("old.new_for_journey", 32),
        )
    )
    op.execute(  # every part of it is written above
        "INSERT INTO clicks (segment_id, position, time_ms, workspace_id, domain_id, link_id,"
        " link_version, touchpoint_id, local_day, agent_id, country_id, language_id, referrer_id,"
        " local_hour, class, flags)"
        f" SELECT old.segment_id, old.position, {time_ms}, old.workspace_id, old.domain_id,"
        f" coalesce(old.link_id, 0), old.link_version, old.touchpoint_id, {local_day}, agents.id,"
        f" countries.id, languages.id, referrers.id, old.local_hour, CASE old.class {classes} END,"
        f" {flags}"
        " FROM clicks_before AS old"
        " JOIN agents ON agents.robot = old.robot AND agents.tag = ''"
        " AND agents.device = old.device AND agents.browser = old.browser"
        " AND agents.system = old.system"
        + "".join(
            f" JOIN facet_values AS {plural} ON {plural}.facet = '{facet}'"
            f" AND {plural}.value = old.{facet}"
            for facet, plural in _OF_ROWS.items()
        )
    )
    op.drop_table("clicks_before")
    op.create_index("ix_clicks_workspace_id_local_day", "clicks", ["workspace_id", "local_day"])


_OF_ROWS = {"country": "countries", "language": "languages", "referrer": "referrers"}


def _make_worded_clicks() -> None:
    op.drop_index("ix_clicks_workspace_id_local_day", "clicks")
    _set_aside("clicks")
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
    if _is_sqlite():
        at = (
            "strftime('%Y-%m-%d %H:%M:%S', old.time_ms / 1000, 'unixepoch')"
            " || printf('.%03d000', old.time_ms % 1000)"
        )
        local_date = "date(old.local_day + 1721424.5)"
    else:
        at = "to_timestamp(old.time_ms / 1000.0)"
        local_date = "DATE '0001-01-01' + (old.local_day - 1)"
    classes = " ".join(f"WHEN {number} THEN '{name}'" for number, name in enumerate(CLASSES))
    op.execute(
        "INSERT INTO clicks (segment_id, position, at, workspace_id, domain_id, link_id,"
        " link_version, touchpoint_id, local_date, local_hour, source, class, miss, tokenless,"
        " new_for_link, new_for_touchpoint, new_for_journey, country, device, browser, system,"
        " language, referrer, robot)"
        f" SELECT old.segment_id, old.position, {at}, old.workspace_id, old.domain_id,"
        f" nullif(old.link_id, 0), old.link_version, old.touchpoint_id, {local_date},"
        " old.local_hour, CASE WHEN old.flags & 1 > 0 THEN 'scan' ELSE 'click' END,"
        f" CASE old.class {classes} END, old.flags & 2 > 0, old.flags & 4 > 0,"
        " old.flags & 8 > 0, old.flags & 16 > 0, old.flags & 32 > 0, countries.value,"
        " agents.device, agents.browser, agents.system, languages.value, referrers.value,"
        " agents.robot"
        " FROM clicks_before AS old JOIN agents ON agents.id = old.agent_id"
        + "".join(
            f" JOIN facet_values AS {plural} ON {plural}.id = old.{facet}_id"
            for facet, plural in _OF_ROWS.items()
        )
    )
    op.drop_table("clicks_before")
    op.create_index("ix_clicks_at", "clicks", ["at"])
    op.create_index("ix_clicks_workspace_id_local_date", "clicks", ["workspace_id", "local_date"])


def _make_visitor_keys() -> None:
    op.create_table(
        "visitor_keys",
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("batch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("local_date", "batch", name="pk_visitor_keys"),
    )
    connection = op.get_bind()
    tokens = sa.table(
        "visitor_tokens",
        sa.column("local_date", sa.Date()),
        sa.column("scope", sa.String()),
        sa.column("scope_id", sa.BigInteger()),
        sa.column("token", sa.LargeBinary()),
    )
    stored = sa.table(
        "visitor_keys",
        sa.column("local_date", sa.Date()),
        sa.column("batch", sa.Integer()),
        sa.column("keys", sa.LargeBinary()),
    )
    days: list[datetime.date] = list(
        connection.scalars(sa.select(tokens.c.local_date).distinct().order_by(tokens.c.local_date))
    )
    for day in days:
        rows = connection.execute(
            sa.select(tokens.c.scope, tokens.c.scope_id, tokens.c.token).where(
                tokens.c.local_date == day
            )
        )
        keys = sorted({_visitor_key(scope, number, bytes(token)) for scope, number, token in rows})
        written = b"".join(key.to_bytes(8, "little") for key in keys)
        connection.execute(sa.insert(stored), {"local_date": day, "batch": 1, "keys": written})
    op.drop_index("ix_visitor_tokens_local_date", "visitor_tokens")
    op.drop_table("visitor_tokens")


def _visitor_key(scope: str, number: int, token: bytes) -> int:
    """As `clicks.counted` makes it."""
    first, second = (int.from_bytes(half, "little") for half in (token[:8], token[8:]))
    return first ^ _mixed(second) ^ _mixed(number << 2 | SCOPES.index(scope))


def _mixed(number: int) -> int:
    word = 2**64 - 1
    mixed = (number + 0x9E3779B97F4A7C15) & word
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & word
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & word
    return mixed ^ (mixed >> 31)


def _make_accepted_days() -> None:
    op.create_table(
        "nodes",
        sa.Column("id", big, nullable=False),
        sa.Column("node", sa.String(length=32), nullable=False),
        sa.Column("uncounted", big, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_nodes"),
        sa.UniqueConstraint("node", name="uq_nodes_node"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "accepted_days",
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("node_id", big, autoincrement=False, nullable=False),
        sa.Column("domain_id", big, autoincrement=False, nullable=False),
        sa.Column("link_id", big, autoincrement=False, nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "local_date", "node_id", "domain_id", "link_id", name="pk_accepted_days"
        ),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO nodes (node, uncounted) SELECT node, sum(accepted) FROM segments GROUP BY node"
    )
    # What was counted so far, of no node: from here on a difference shows.
    op.execute(
        "INSERT INTO accepted_days (local_date, node_id, domain_id, link_id, accepted, rejected)"
        " SELECT link_days.local_date, 0, links.domain_id, link_days.link_id,"
        " sum(clicks + robots + previews + prefetches + scanners + heads + own), 0"
        " FROM link_days JOIN links ON links.id = link_days.link_id"
        " GROUP BY link_days.local_date, links.domain_id, link_days.link_id"
    )
    op.execute(
        "INSERT INTO accepted_days (local_date, node_id, domain_id, link_id, accepted, rejected)"
        " SELECT local_date, 0, domain_id, 0, misses + heads, 0 FROM domain_days"
    )


def _set_aside(table: str) -> None:
    """Give a table's name free for its successor, whose key is to have the usual name, too."""
    op.rename_table(table, f"{table}_before")
    if not _is_sqlite():
        op.execute(f"ALTER TABLE {table}_before RENAME CONSTRAINT pk_{table} TO pk_{table}_before")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
