"""Two workspaces with one object of every kind, and every way a page is asked for one.

Ada's and Cleo's things are called by words nobody else uses (`ADASECRET`, `CLEOSECRET`), so a
word of one workspace on a page of the other is a leak. A page with a new kind of parameter
makes the tests fail until `furnish` makes an object of that kind.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

import pytest
from cast import Home, make_home
from flask import Flask, Request
from people import COMPILED, Browser
from PIL import Image
from snapshot import made_once
from sqlalchemy import Column, Table, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement
from werkzeug.datastructures import ImmutableMultiDict

from linkservice.app import create_app
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.journeys.campaigns import create_campaign
from linkservice.journeys.costs import NewCost, Subject, add_cost
from linkservice.journeys.manage import create_journey
from linkservice.journeys.personas import create_persona, set_journey_personas
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.journeys.stages import create_stage
from linkservice.journeys.touchpoints import NewTouchpoint, create_touchpoint
from linkservice.links.domains import create_domain
from linkservice.links.manage import LinkChanges, NewLink, change_link, create_link
from linkservice.links.personas import set_link_personas
from linkservice.links.tags import create_tag
from linkservice.reports.annotations import NewAnnotation, add_annotation
from linkservice.reports.letters import choose_letters, way_out
from linkservice.reports.model import ReportShare
from linkservice.reports.saved import NewView, save_view
from linkservice.reports.shares import NewShare, create_share
from linkservice.sheets.choice import SheetQuestion
from linkservice.sheets.manage import ask_sheet
from linkservice.sheets.order import Words
from linkservice.tables import metadata
from linkservice.web.door import Declared
from linkservice.web.views import DECLARED
from linkservice.workspaces import one_time, sessions
from linkservice.workspaces.accounts import add_user
from linkservice.workspaces.invitations import invite
from linkservice.workspaces.keys import create_key, list_keys
from linkservice.workspaces.logo import set_logo
from linkservice.workspaces.model import Member, SignInSession, User, Workspace

ADAS, CLEOS = "ADASECRET", "CLEOSECRET"

PERSONAL = frozenset({"sessions"})
"""Kinds that belong to a person, not to a workspace."""

on_one_engine = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
"""For what is decided before the database is asked, or by a condition both read alike."""

TOKENS = frozenset({"setup", "password", "sign-in", "invitation", "shared", "off"})
"""Words before a parameter that is a secret by itself."""

PLAIN = {"version": "2"}
"""Parameters that name nothing by themselves."""


class Noted(ImmutableMultiDict[str, str]):
    """The fields of a request, which note by which names they are asked for."""

    names: ClassVar[set[str]] = set()

    def __getitem__(self, key: str) -> str:
        self.names.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.names.add(str(key))
        return super().__contains__(key)

    def getlist(self, key: str, type: Any = None) -> list[Any]:
        self.names.add(key)
        return super().getlist(key, type)


class NotingRequest(Request):
    """A request whose query and form note what is read of them."""

    parameter_storage_class = Noted


@dataclass(frozen=True)
class Estate:
    """What belongs to one person: `ids` by the word that stands before them in a path,
    `fields` by the name of the field or query parameter that takes them.
    """

    home: Home
    mark: str
    ids: Mapping[str, str]
    fields: Mapping[str, str]


@dataclass(frozen=True)
class World:
    """Ada owns, Ben edits, Vera views; Cleo owns another workspace; a stranger has no account."""

    app: Flask
    settings: Settings
    database: Database
    ada: Browser
    ben: Browser
    vera: Browser
    cleo: Browser
    stranger: Browser
    adas: Estate
    cleos: Estate
    tokens: Mapping[str, str]

    def browser(self, name: str) -> Browser:
        return {
            "ada": self.ada,
            "ben": self.ben,
            "vera": self.vera,
            "cleo": self.cleo,
            "nobody": self.stranger,
        }[name]

    def another_browser_of_ada(self) -> Browser:
        """Signed in just now, whatever became of the first one."""
        with self.database.transaction() as session:
            ada = session.scalars(select(User).where(User.email == "ada@example.com")).one()
            token = sessions.start(session, ada, "Safari, iPhone", datetime.now(UTC))
        return Browser(self.app, self.settings, token)

    def path(self, declared: Declared, estate: Estate) -> str:
        """The path of a page (below `/app`) for one's own object."""

        def value(found: re.Match[str]) -> str:
            word, name = found["word"], found["name"]
            known = PLAIN.get(name) or {**estate.ids, **self.tokens}.get(word)
            if known is None:
                pytest.fail(
                    f"{declared.method} {declared.path}: what may <{name}> after {word!r} be? "
                    "Let `furnish` in tests/belongings.py make an object of that kind and put "
                    f"its id under {word!r} (or into PLAIN, if it names nothing)."
                )
            return f"{word}/{known}"

        return PARAMETER.sub(value, declared.path)


PARAMETER = re.compile(r"(?P<word>[\w.-]+)/<(?:\w+:)?(?P<name>\w+)>")


def kinds_in(declared: Declared) -> set[str]:
    """The words before the ids in a page's path."""
    found = PARAMETER.finditer(declared.path)
    return {each["word"] for each in found if each["name"] not in PLAIN} - TOKENS


def pages(method: str) -> list[Declared]:
    """Every declared page of that method."""
    return [each for each in DECLARED if each.method == method]


@dataclass(frozen=True)
class Made:
    """What `everything` has put into a database, to be put into the next one as it is."""

    signed_in: Mapping[str, str]
    adas: Estate
    cleos: Estate
    tokens: Mapping[str, str]
    newcomer: int


def everything(settings: Settings, database: Database) -> Iterator[World]:
    """A fixture where a module says ``world = pytest.fixture(everything)``."""
    made = made_once("everything", database, lambda: _make(settings, database))
    app = create_app(settings)
    app.jinja_env.bytecode_cache = COMPILED
    app.request_class = NotingRequest
    browsers = {name: Browser(app, settings, token) for name, token in made.signed_in.items()}
    yield World(
        app,
        settings,
        database,
        **browsers,
        stranger=Browser(app, settings),
        adas=made.adas,
        cleos=made.cleos,
        # Signed with the key of this data directory.
        tokens={**made.tokens, "off": way_out(settings, made.newcomer)},
    )
    app.extensions["database"].close()


def _make(settings: Settings, database: Database) -> Made:
    now = datetime.now(UTC)
    with database.transaction() as session:
        home = make_home(session, settings, now=now)
        foreign = make_home(session, settings, host="go.cleosecret.example", now=now)
        signed_in = {
            name: _sign_up(session, name, place, role, now)
            for name, place, role in (
                ("ada", home, "owner"),
                ("ben", home, "editor"),
                ("vera", home, "viewer"),
                ("cleo", foreign, "owner"),
            )
        }
        adas = furnish(session, settings, home, ADAS, now)
        cleos = furnish(session, settings, foreign, CLEOS, now)
        newcomer = _newcomer(session, home, now)
        tokens = _tokens(session, settings, home, newcomer, now)
        member_id = newcomer.id
    return Made(signed_in, adas, cleos, tokens, member_id)


def furnish(
    session: Session,
    settings: Settings,
    home: Home,
    mark: str,
    now: datetime,
    nth: int = 1,
    low: str = "",
) -> Estate:
    """One object of every kind in a workspace, all of them called by `mark` (and by `low`
    where only hosts and slugs will do).
    """
    actor = home.actor
    low = low or f"{mark.lower()}-{nth}"
    workspace = session.get_one(Workspace, home.workspace_id)
    workspace.name = f"{mark} workspace"
    workspace.set_up_at = now
    set_logo(session, actor, _picture(), now)
    journey = create_journey(session, actor, f"{mark} journey {nth}", now).journey
    stage = create_stage(session, actor, str(journey.id), f"{mark} stage {nth}", now)
    create_stage(session, actor, str(journey.id), f"{mark} second stage {nth}", now)
    touchpoint = create_touchpoint(
        session,
        actor,
        NewTouchpoint(str(stage.id), f"{mark} touchpoint {nth}", "poster", "physical", "paid"),
        now,
    )
    new_reach = NewReach(date(2026, 3, 1), 1000, "printed")
    reach = add_reach(session, actor, str(touchpoint.id), new_reach, now)
    campaign = create_campaign(session, actor, f"{mark} campaign {nth}", now)
    new_cost = NewCost(date(2026, 3, 1), 120050, "EUR")
    cost = add_cost(session, actor, Subject("touchpoint", str(touchpoint.id)), new_cost, now)
    add_cost(session, actor, Subject("campaign", str(campaign.id)), new_cost, now)
    persona = create_persona(session, actor, f"{mark} persona {nth}", now)
    set_journey_personas(session, actor, str(journey.id), [str(persona.id)], now)
    tag = create_tag(session, actor, f"{mark} tag {nth}", now)
    # Names are echoed by the page they are asked of: so these two are called like nobody.
    domain = create_domain(session, actor, settings, f"go{home.workspace_id}-{nth}.example", now)
    known_tag = f"known {home.workspace_id}-{nth}"
    new = NewLink(
        f"https://{low}.example/",
        slug=f"{low}-link",
        title=f"{mark} link {nth}",
        touchpoint_id=str(touchpoint.id),
        campaign_id=str(campaign.id),
        tags=[tag.name, known_tag],
    )
    link = create_link(session, actor, settings, new, now).link
    changes: LinkChanges = {"title": f"{mark} link {nth}, changed"}
    change_link(session, actor, settings, str(link.id), changes, now)
    set_link_personas(session, actor, str(link.id), [str(persona.id)], now)
    create_key(session, actor, f"{mark} key {nth}", [], now)
    noted = NewAnnotation(date(2026, 3, 1), f"{mark} note {nth}")
    annotation = add_annotation(session, actor, noted, now)
    member = add_user(session, workspace, f"member@{low}.example", "viewer", now)
    invitation, _ = invite(session, actor, f"invited@{low}.example", "viewer", now)
    ids = {
        "workspaces": workspace.id,
        "journeys": journey.id,
        "stages": stage.id,
        "touchpoints": touchpoint.id,
        "reach": reach.id,
        "costs": cost.id,
        "campaigns": campaign.id,
        "personas": persona.id,
        "tags": tag.id,
        "domains": domain.id,
        "links": link.id,
        "keys": list_keys(session, actor)[0].id,
        "members": member.id,
        "invitations": invitation.id,
        "sessions": _other_browser(session, home, mark, now),
        "sheets": _sheet(session, settings, home, str(journey.id), now),
        "views": save_view(
            session, actor, NewView(f"{mark} view {nth}", "link", str(link.id)), now
        ).id,
        "annotations": annotation.id,
        "shares": _share(session, home, f"{mark} share {nth}", now)[0].id,
    }
    named = {name: str(number) for name, number in ids.items()}
    fields = {
        "workspace_id": str(home.workspace_id),
        "journey_id": named["journeys"],
        "stage_id": named["stages"],
        "touchpoint_id": named["touchpoints"],
        "touchpoint_ids": named["touchpoints"],
        "campaign_id": named["campaigns"],
        "persona_id": named["personas"],
        "persona_ids": named["personas"],
        "link_id": named["links"],
        "link_ids": named["links"],
        "like": named["links"],
        "id": named["links"],
        "list": named["stages"],
        "changed": f"{link.id}-2",
        "links": named["links"],
        "domain": domain.host,
        "tag": known_tag,
        "what": f"journey-{journey.id}",
    }
    return Estate(home, mark, named, fields)


def belongings(database: Database, workspace_id: int) -> dict[str, list[tuple[Any, ...]]]:
    """Every row that belongs to a workspace or its members, by table, to be compared."""
    found = {}
    with database.reading() as session:
        for table in metadata.sorted_tables:
            condition = _owned(table, workspace_id)
            if condition is None:
                continue
            # That a browser was seen is no change of anything.
            columns = [column for column in table.columns if column.name != "seen_at"]
            rows = session.execute(select(*columns).where(condition)).all()
            found[table.name] = sorted((tuple(row) for row in rows), key=repr)
    return found


def strays(database: Database) -> list[str]:
    """Rows that refer to another workspace's: there may never be any."""
    found = []
    with database.reading() as session:
        for table in metadata.sorted_tables:
            for key in table.foreign_keys:
                here, there = _owner(table), _owner(key.column.table, alias=True)
                if here is None or there is None or key.column.table.name == "workspaces":
                    continue
                (own, source), (other, target) = here, there
                column = target.c[key.column.name]
                query = (
                    select(func.count())
                    .select_from(source.join(target, key.parent == column))
                    .where(own != other)
                )
                if session.scalar(query):
                    found.append(f"{table.name}.{key.parent.name}")
    return found


def _owner(table: Table, *, alias: bool = False) -> tuple[Column[Any], Any] | None:
    """The column that says whose a row is, and what to select from."""
    if "workspace_id" in table.c and table.name != "sessions":
        source = table.alias() if alias else table
        return source.c.workspace_id, source
    if "link_id" in table.c and not alias:
        links = metadata.tables["links"].alias()
        return links.c.workspace_id, table.join(links, table.c.link_id == links.c.id)
    return None


def _owned(table: Table, workspace_id: int) -> ColumnElement[bool] | None:
    tables = metadata.tables
    members, links = tables["members"], tables["links"]
    people = select(members.c.user_id).where(members.c.workspace_id == workspace_id)
    if table.name in ("workspaces", "users"):
        return table.c.id.in_(people) if table.name == "users" else table.c.id == workspace_id
    if table.name == "sessions":
        return or_(table.c.workspace_id == workspace_id, table.c.user_id.in_(people))
    if "workspace_id" in table.c:
        return table.c.workspace_id == workspace_id
    if "link_id" in table.c:
        owned = select(links.c.id).where(links.c.workspace_id == workspace_id)
        return table.c.link_id.in_(owned)
    return table.c.user_id.in_(people) if "user_id" in table.c else None


def _sign_up(session: Session, name: str, home: Home, role: str, now: datetime) -> str:
    workspace = session.get_one(Workspace, home.workspace_id)
    email = "cleo@cleosecret.example" if name == "cleo" else f"{name}@example.com"
    member = add_user(session, workspace, email, role, now)
    user = session.get_one(User, member.user_id)
    return sessions.start(session, user, "Firefox, Linux", now)


def _other_browser(session: Session, home: Home, mark: str, now: datetime) -> int:
    """Another signed-in browser of the owner."""
    own = select(SignInSession.user_id).where(SignInSession.workspace_id == home.workspace_id)
    user = session.get_one(User, session.scalars(own.order_by(SignInSession.id)).first())
    sessions.start(session, user, f"{mark} browser", now)
    return session.scalars(select(func.max(SignInSession.id))).one()


def _sheet(session: Session, settings: Settings, home: Home, journey_id: str, now: datetime) -> int:
    """A finished sheet; its file is not looked at."""
    words = Words("Links", "1 March 2026", "40 mm")
    question = SheetQuestion(journey_id=journey_id)
    sheet = ask_sheet(session, home.actor, settings, question, words, now)
    sheet.done, sheet.data = sheet.total, b"%PDF-1.7"
    sheet.beat_at = sheet.finished_at = now
    return sheet.id


def _share(session: Session, home: Home, name: str, now: datetime) -> tuple[ReportShare, str]:
    """A report of all touchpoints that anybody with the link reads, and its token."""
    new = NewShare(name, "touchpoints", None, now + timedelta(days=30))
    return create_share(session, home.actor, new, now)


def _newcomer(session: Session, home: Home, now: datetime) -> Member:
    """Somebody without a password, who gets letters."""
    workspace = session.get_one(Workspace, home.workspace_id)
    member = add_user(session, workspace, "newcomer@example.com", "viewer", now)
    choose_letters(session, member, "weekly", now)
    return member


def _tokens(
    session: Session, settings: Settings, home: Home, newcomer: Member, now: datetime
) -> dict[str, str]:
    """A live secret for each kind of link that carries one; no installation with people in it
    can be set up, so that one is dead.
    """
    user = session.get_one(User, newcomer.user_id)
    shown = make_home(session, settings, host="go.demonstration.example", now=now)
    demonstration = session.get_one(Workspace, shown.workspace_id)
    demonstration.demonstration = True
    guest = add_user(session, demonstration, "guest@example.com", "viewer", now)
    _, invitation = invite(session, home.actor, "soon@example.com", "viewer", now)
    return {
        "setup": "a-dead-token",
        "password": one_time.password_link(session, user, now, timedelta(hours=1)),
        "sign-in": one_time.sign_in_link(session, session.get_one(User, guest.user_id), now),
        "invitation": invitation,
        "shared": _share(session, home, "A shared report", now)[1],
    }


def _picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "#0b5fff").save(file, "PNG")
    return file.getvalue()
