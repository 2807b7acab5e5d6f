"""Reports shared by a link: made, listed, revoked, and what opens them.

Whoever has the link reads the one report and nothing else; a password may be asked for. A link
that is unknown, revoked or expired, and one whose subject is deleted, are the same `NotFound`,
so that nobody learns which. The token is told once and kept as a hash. Not here: how a shared
report looks (the web door).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import cast
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Invalid, NotFound, Problem
from linkservice.fields import Problems
from linkservice.journeys.model import Campaign, Journey, Touchpoint
from linkservice.links.model import Link
from linkservice.reports.arranged import EVERYTHING, Selection, check_arrangement
from linkservice.reports.conversions import ATTRIBUTIONS
from linkservice.reports.cost_judging import BYS
from linkservice.reports.cost_results import GROUPS
from linkservice.reports.filters import NAMES, Filters, choose_filters
from linkservice.reports.model import KEPT, LONGEST_NAME, Kept, ReportShare
from linkservice.reports.period import Period, choose_period, day_of
from linkservice.reports.presets import PRESETS, USUAL, days_of
from linkservice.reports.results import METRICS, Metric
from linkservice.workspaces import attempts, passwords, trail
from linkservice.workspaces.access import Actor, find, hash_secret, scoped
from linkservice.workspaces.model import Workspace

OF_CLICKS: tuple[Kept, ...] = ("touchpoint", "link", "campaign")
"""Those whose clicks can be filtered."""

RANKED: tuple[Kept, ...] = ("touchpoints", "journey")
"""Those whose rows can be filtered, grouped and sorted besides."""

_ARRANGED = ("group", "sort", "order", "attribution")

_ASKED: Mapping[str, Collection[str]] = {
    **dict.fromkeys(OF_CLICKS, NAMES),
    "touchpoint": (*NAMES, "attribution"),
    **dict.fromkeys(RANKED, (*NAMES, *EVERYTHING.query, *_ARRANGED)),
    "costs": ("group", "sort", "order"),
    "personas": ("attribution",),
    "overview": NAMES,
}
"""What of a page's address is kept, besides its period and metric."""

SCOPE = "reports:share"
"""What it takes: to show others a report is more than to read it."""

LONGEST = timedelta(days=366)
"""A link that is forgotten must end by itself."""

OPENED_FOR = timedelta(hours=12)
"""How long a browser that gave the password is believed."""

_SUBJECTS: dict[str, type[Journey] | type[Touchpoint] | type[Link] | type[Campaign]] = {
    "journey": Journey,
    "touchpoint": Touchpoint,
    "link": Link,
    "campaign": Campaign,
    "moments": Journey,
}


@dataclass(frozen=True, slots=True)
class SharePassword:
    """A password as it was typed, and what is stored of it; "" where it is none that may be."""

    typed: str
    hashed: str

    @classmethod
    def of(cls, typed: str) -> SharePassword:
        """To be made before a transaction opens: hashing takes long, and on SQLite everybody who
        writes would wait for it.
        """
        problems = Problems()
        passwords.check(problems, "password", typed, "")
        try:
            problems.raise_if_any()
        except Invalid:
            return cls(typed, "")
        return cls(typed, passwords.hasher.hash(typed))


@dataclass(frozen=True, slots=True)
class NewShare:
    """What a share link is to show; `asked` are the fields of the page's address, by their names.
    Without `first` and `last` the period rolls, as `preset` says.
    """

    name: str
    about: str
    subject_id: str | None
    expires_at: datetime | None
    first: date | None = None
    last: date | None = None
    preset: str = USUAL
    metric: str = METRICS[0]
    suspects: bool = False
    asked: Mapping[str, str] = field(default_factory=dict)
    password: SharePassword | None = None


def create_share(
    session: Session, actor: Actor, new: NewShare, now: datetime
) -> tuple[ReportShare, str]:
    """A new share link and its token, which is known only now.

    Raises `Invalid` (name, about, metric, period, from, to, expires_at, password, fields of the
    page), `NotFound` (subject, fields of the page), `Forbidden`.
    """
    actor.require(SCOPE)
    problems = Problems()
    name = problems.text("name", new.name, longest=LONGEST_NAME)
    problems.one_of("about", new.about, KEPT)
    problems.one_of("metric", new.metric, METRICS)
    problems.one_of("period", new.preset, PRESETS)
    period = _fixed(session, actor, new, problems, now)
    if new.expires_at is None:
        problems.add("expires_at", "empty")
    elif new.expires_at <= now:
        problems.add("expires_at", "expiry_past")
    elif new.expires_at > now + LONGEST:
        problems.add("expires_at", "share_too_long", days=LONGEST.days)
    if new.password:
        passwords.check(problems, "password", new.password.typed, "")
    problems.raise_if_any()
    filters = _checked(session, actor, new)
    subject = None
    if new.about in _SUBJECTS:
        model = _SUBJECTS[new.about]
        subject = find(session, actor, model, new.subject_id or "", "subject").id
    token = secrets.token_urlsafe(32)
    share = ReportShare(
        workspace_id=actor.workspace_id,
        name=name,
        about=new.about,
        subject_id=subject,
        metric=new.metric,
        suspects=new.suspects,
        filters=filters,
        first_date=period.first if period else None,
        last_date=period.last if period else None,
        preset=USUAL if period else new.preset,
        token_hash=hash_secret(token),
        password_hash=new.password.hashed if new.password else None,
        created_by=actor.name,
        created_at=now,
        expires_at=new.expires_at,
    )
    session.add(share)
    session.flush()
    trail.note(session, actor, "share.created", now, subject_id=share.id, name=name)
    return share, token


def list_shares(session: Session, actor: Actor) -> Sequence[ReportShare]:
    """The workspace's share links, the newest first, those that ended too. Raises `Forbidden`."""
    actor.require(SCOPE)
    return session.scalars(scoped(actor, ReportShare).order_by(ReportShare.id.desc())).all()


def is_live(share: ReportShare, now: datetime) -> bool:
    """Whether the link still opens something."""
    return share.revoked_at is None and share.expires_at > now


def revoke_share(session: Session, actor: Actor, share_id: str, now: datetime) -> ReportShare:
    """Let a share link work no more; one that was revoked before stays so.

    Raises `NotFound`, `Forbidden`.
    """
    actor.require(SCOPE)
    share = find(session, actor, ReportShare, share_id)
    if share.revoked_at is None:
        share.revoked_at = now
        trail.note(session, actor, "share.revoked", now, subject_id=share.id, name=share.name)
    return share


def live_share(session: Session, token: str, now: datetime) -> ReportShare:
    """The share link of that token. Raises `NotFound` (``share_gone``)."""
    query = select(ReportShare).where(ReportShare.token_hash == hash_secret(token))
    share = session.scalar(query)
    if share is None or not is_live(share, now):
        raise gone()
    return share


def gone() -> NotFound:
    """What is said of every link that opens nothing, whyever."""
    return NotFound(Problem("", "share_gone"))


def reader_of(share: ReportShare) -> Actor:
    """Whoever has the link: may read reports, and is shown this one, with the names of campaigns
    and personas that it is kept to.
    """
    scopes = frozenset({"reports:read", "journeys:read"})
    return Actor(share.workspace_id, f"share {share.id}", scopes)


def period_of(session: Session, share: ReportShare, now: datetime) -> Period:
    """The days that are shown: those that were fixed, or those the preset has at this moment."""
    time_zone = session.get_one(Workspace, share.workspace_id).time_zone
    if share.first_date is None:
        return Period(*days_of(share.preset, day_of(now, time_zone)), time_zone)
    return choose_period(share.first_date, share.last_date, time_zone, now)


def asked_of(share: ReportShare) -> dict[str, str]:
    """What its page is asked for, besides the period and the metric."""
    return dict(parse_qsl(share.filters))


def filters_of(share: ReportShare) -> Filters:
    """What the clicks it shows have in common."""
    return choose_filters(asked_of(share))


def metric_of(share: ReportShare) -> Metric:
    """What its touchpoints are compared by."""
    return cast(Metric, share.metric)


# The password


def pass_for(
    database: Database,
    settings: Settings,
    token: str,
    password: str,
    network: bytes,
    now: datetime,
) -> tuple[int, str]:
    """The id of the share and what a browser keeps as proof that its password is known.

    Raises `NotFound`, `Invalid` (password), `TooManyRequests`.
    """
    with database.reading() as session:
        share = live_share(session, token, now)
        share_id, stored = share.id, share.password_hash
    counters = attempts.of_share(settings, share_id, network)
    taken = attempts.take(database, counters, now)
    # Outside of any transaction: it takes longer than all the rest.
    if stored is not None and not passwords.hasher.verify(stored, password):
        raise Invalid(Problem("password", "share_password_wrong"))
    with database.transaction() as session:
        attempts.take_back(session, taken)
    until = int((now + OPENED_FOR).timestamp())
    return share_id, f"{until}.{_proof(settings, share_id, stored, until)}"


def is_open(settings: Settings, share: ReportShare, kept: str, now: datetime) -> bool:
    """Whether the share asks for no password, or the browser keeps a proof that is not over."""
    if share.password_hash is None:
        return True
    until, _, proof = kept.partition(".")
    if not (until.isascii() and until.isdigit() and len(until) < 12):
        return False
    wanted = _proof(settings, share.id, share.password_hash, int(until))
    right = hmac.compare_digest(proof.encode("utf-8", "surrogatepass"), wanted.encode())
    return right and int(until) > now.timestamp()


def _proof(settings: Settings, share_id: int, stored: str | None, until: int) -> str:
    message = f"share\0{share_id}\0{stored}\0{until}".encode()
    return hmac.digest(settings.secret_key.encode(), message, "sha256").hex()


def _checked(session: Session, actor: Actor, new: NewShare) -> str:
    """What is asked of the page, to be kept: only what it knows, and what there is."""
    given = {name: value for name, value in new.asked.items() if value}
    problems = Problems()
    for name in given:
        if name not in _ASKED.get(new.about, ()):
            problems.add(name, "unknown_field")
    problems.raise_if_any()
    filters = choose_filters(given).given
    for name, allowed in (("attribution", ATTRIBUTIONS), ("order", ("up",))):
        if name in given:
            problems.one_of(name, given[name], allowed)
    problems.raise_if_any()
    if new.about in RANKED:
        selection = Selection(**{name: given.get(name) for name in EVERYTHING.query})
        check_arrangement(session, actor, selection, given.get("group"), given.get("sort"))
    else:
        for name, words in (("group", GROUPS), ("sort", BYS)):
            if name in given:
                problems.one_of(name, given[name], words)
        problems.raise_if_any()
    return urlencode({**given, **filters})


def _fixed(
    session: Session, actor: Actor, new: NewShare, problems: Problems, now: datetime
) -> Period | None:
    """The days that are kept; None where they roll. One of them alone is no fixed period."""
    if new.first is None and new.last is None:
        return None
    for name, day in (("from", new.first), ("to", new.last)):
        if day is None:
            problems.add(name, "empty")
    time_zone = session.get_one(Workspace, actor.workspace_id).time_zone
    try:
        return choose_period(new.first, new.last, time_zone, now)
    except Invalid as error:
        problems.take(error)
        return None
