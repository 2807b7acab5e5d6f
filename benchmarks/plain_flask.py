"""The plain way, to compare with: `python -m benchmarks.plain_flask PORT`.

A Flask view that looks the link up with SQLAlchemy and keeps the click with one COMMIT, on
the same granian, in SQLite's write-ahead mode with `synchronous=NORMAL`, which syncs at
checkpoints only: the counterpart of `SPOOL_SYNC=second`.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Flask, abort, redirect, request
from sqlalchemy import DateTime, String, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from linkservice.config import load
from linkservice.serve.addresses import Address
from linkservice.serve.workers import serve_wsgi

THREADS = 4
"""Threads that hand the interpreter to each other answer less: 16 of them half as much."""

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


class Base(DeclarativeBase):
    """Tables of the comparison."""


class Link(Base):
    """What the benchmark's installation holds; only what the view reads."""

    __tablename__ = "links"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug_key: Mapped[str] = mapped_column(String(256))
    destination: Mapped[str] = mapped_column(String(2048))


class PlainClick(Base):
    """One row a click."""

    __tablename__ = "plain_clicks"
    id: Mapped[int] = mapped_column(primary_key=True)
    link_id: Mapped[int]
    at: Mapped[datetime] = mapped_column(DateTime)
    user_agent: Mapped[str] = mapped_column(String(512))
    referrer: Mapped[str] = mapped_column(String(255))


def make_application(url: str) -> Flask:
    """The application on that database."""
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def _on_connect(connection, record):  # type: ignore[no-untyped-def]  # a driver's own
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    Base.metadata.create_all(engine, tables=[PlainClick.__table__])
    app = Flask(__name__)

    @app.get("/<slug>")
    def follow(slug: str) -> Response:
        with Session(engine) as session:
            link = session.scalar(select(Link).where(Link.slug_key == slug))
            if link is None:
                abort(404)
            click = PlainClick(
                link_id=link.id,
                at=datetime.now(UTC),
                user_agent=request.user_agent.string,
                referrer=request.referrer or "",
            )
            session.add(click)
            to = link.destination
            session.commit()
        return redirect(to)

    return app


if __name__ == "__main__":
    settings = load(os.environ)
    with Address("redirect", "127.0.0.1", int(sys.argv[1]), "").listening() as listener:
        serve_wsgi(lambda: make_application(settings.database_url), listener.fileno(), THREADS)
