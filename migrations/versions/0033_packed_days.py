"""Clicks, hours and facets of days long over, packed on PostgreSQL; the ingester fills them"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_OF_CLICKS = {
    "segment_id": sa.BigInteger,
    "position": sa.Integer,
    "after_ms": sa.Integer,
    "domain_id": sa.BigInteger,
    "link_id": sa.BigInteger,
    "link_version": sa.Integer,
    "touchpoint_id": sa.BigInteger,
    "agent_id": sa.Integer,
    "country_id": sa.Integer,
    "language_id": sa.Integer,
    "referrer_id": sa.Integer,
    "local_hour": sa.SmallInteger,
    "class": sa.SmallInteger,
    "flags": sa.SmallInteger,
    "city_id": sa.Integer,
}
_OF_LINK_DAYS = {
    "local_hour": sa.SmallInteger,
    "hour_clicks": sa.Integer,
    "hour_scans": sa.Integer,
    "value_id": sa.Integer,
    "value_clicks": sa.Integer,
}

_CLICK = (
    *("segment_id", "position", "time_ms", "workspace_id", "domain_id", "link_id"),
    *("link_version", "touchpoint_id", "local_day", "agent_id", "country_id", "language_id"),
    *("referrer_id", "local_hour", "class", "flags", "city_id"),
)
_PACKED_CLICK = ", ".join(
    {
        "time_ms": "since_ms + unnest(after_ms) AS time_ms",
        "position": "CAST(unnest(position) AS BIGINT) AS position",
    }.get(name, f"unnest({name}) AS {name}" if name in _OF_CLICKS else name)
    for name in _CLICK
)
_ENDS = ("first_segment_id", "first_position", "last_segment_id", "last_position")
_INDEXES = ("workspace_id", "local_day"), ("last_segment_id", "last_position")

_VIEWS = {
    "every_click": (
        f"SELECT {', '.join(_CLICK)}, segment_id AS {_ENDS[0]}, position AS {_ENDS[1]},"
        f" segment_id AS {_ENDS[2]}, position AS {_ENDS[3]} FROM clicks",
        f"SELECT {_PACKED_CLICK}, {', '.join(_ENDS)} FROM packed_clicks",
    ),
    "every_link_hour": (
        "SELECT local_date, link_id, local_hour, clicks, scans FROM link_hours",
        "SELECT local_date, link_id, unnest(local_hour) AS local_hour,"
        " unnest(hour_clicks) AS clicks, unnest(hour_scans) AS scans FROM packed_link_days",
    ),
    "every_link_facet": (
        "SELECT local_date, link_id, value_id, clicks FROM link_facets",
        "SELECT local_date, link_id, unnest(value_id) AS value_id, unnest(value_clicks) AS clicks"
        " FROM packed_link_days",
    ),
}


def upgrade() -> None:
    op.create_table(
        "packed_clicks",
        *(
            sa.Column(name, _BIG, autoincrement=False, nullable=False)
            for name in (*_ENDS, "workspace_id")
        ),
        sa.Column("local_day", sa.Integer(), nullable=False),
        sa.Column("since_ms", _BIG, nullable=False),
        *_many(_OF_CLICKS),
        sa.PrimaryKeyConstraint("first_segment_id", "first_position", name="pk_packed_clicks"),
    )
    for columns in _INDEXES:
        op.create_index(f"ix_packed_clicks_{'_'.join(columns)}", "packed_clicks", list(columns))
    op.create_table(
        "packed_link_days",
        sa.Column("local_date", sa.Date().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("link_id", _BIG, autoincrement=False, nullable=False),
        *_many(_OF_LINK_DAYS),
        sa.PrimaryKeyConstraint("local_date", "link_id", name="pk_packed_link_days"),
    )
    packs = op.get_bind().dialect.name != "sqlite"
    for name, (rows, packed) in _VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {rows}{' UNION ALL ' + packed if packs else ''}")


def downgrade() -> None:
    for name in _VIEWS:
        op.execute(f"DROP VIEW {name}")
    if op.get_bind().dialect.name != "sqlite":
        _unpack()
    op.drop_table("packed_link_days")
    for columns in _INDEXES:
        op.drop_index(f"ix_packed_clicks_{'_'.join(columns)}", "packed_clicks")
    op.drop_table("packed_clicks")


def _many(columns: dict[str, type[sa.Integer]]) -> list[sa.Column[list[int]]]:
    return [
        sa.Column(name, sa.ARRAY(kind).with_variant(sa.JSON(), "sqlite"), nullable=False)
        for name, kind in columns.items()
    ]


def _unpack() -> None:
    """Make rows of all that lies packed; where rows came later, they add up."""
    # An ingester that was not stopped would pack more meanwhile, which would be dropped.
    op.execute("LOCK TABLE packed_clicks, packed_link_days IN EXCLUSIVE MODE")
    op.execute(
        f"INSERT INTO clicks ({', '.join(_CLICK)}) SELECT {_PACKED_CLICK} FROM packed_clicks"
    )
    for table, view, key, sums in (
        ("link_hours", "every_link_hour", "local_date, link_id, local_hour", ("clicks", "scans")),
        ("link_facets", "every_link_facet", "local_date, link_id, value_id", ("clicks",)),
    ):
        added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in sums)
        op.execute(
            f"INSERT INTO {table} ({key}, {', '.join(sums)}) {_VIEWS[view][1]}"
            f" ON CONFLICT ({key}) DO UPDATE SET {added}"
        )
