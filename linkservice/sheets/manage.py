"""Sheets: asked for, listed, stopped, taken up again, deleted, and their files handed out.

Decided here: in what state a sheet is, and how many may wait. Not here: which links are on it
(`choice`), the making (`make`), how it looks (`layout`, `archive`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session, defer

from linkservice.config import Settings
from linkservice.errors import Conflict, Problem
from linkservice.sheets.choice import SheetQuestion, order_for, unknown
from linkservice.sheets.model import STILL_FOR, Sheet, unfinished
from linkservice.sheets.naming import file_name
from linkservice.sheets.order import Words, to_json
from linkservice.workspaces import trail
from linkservice.workspaces.access import Actor, inside_id, scoped

MOST_UNFINISHED = 10
"""Sheets of one workspace that may wait or be made at the same time."""

MOST_LISTED = 50
KEPT = timedelta(hours=24)

State = Literal["waiting", "making", "interrupted", "stopped", "failed", "finished"]

_MEDIA_TYPES = {"pdf": "application/pdf", "zip": "application/zip"}


@dataclass(frozen=True, slots=True)
class SheetFile:
    """A finished sheet as it is downloaded."""

    name: str
    media_type: str
    data: bytes


def ask_sheet(
    session: Session,
    actor: Actor,
    settings: Settings,
    question: SheetQuestion,
    words: Words,
    now: datetime,
) -> Sheet:
    """Note a sheet to be made; a `Maker` takes it up once this transaction is committed.

    Raises `Invalid` with every wrong field, or (field "") where no link matches; `NotFound`
    for ids and tags that are not the workspace's; `Conflict` while too many sheets wait;
    `Forbidden`. Sheets that have expired are deleted on the way.
    """
    actor.require("links:read")
    order = order_for(session, actor, settings, question, words)
    session.execute(delete(Sheet).where(Sheet.expires_at <= now))
    _refuse_crowd(session, actor)
    sheet = Sheet(
        workspace_id=actor.workspace_id,
        name=order.heading,
        format=question.format,
        question=to_json(order),
        total=len(order.labels),
        done=0,
        created_at=now,
        created_by=actor.name,
        expires_at=now + KEPT,
    )
    session.add(sheet)
    session.flush()
    _note(session, actor, "sheet.asked", sheet, now)
    return sheet


def sheet_state(sheet: Sheet, now: datetime) -> State:
    """What becomes of it: see `STILL_FOR` for what tells "making" from "interrupted"."""
    if sheet.finished_at is not None:
        return "finished"
    if sheet.problem is not None:
        return "failed"
    if sheet.stopped_at is not None:
        return "stopped"
    if sheet.beat_at is None:
        return "waiting"
    return "making" if sheet.beat_at >= now - STILL_FOR else "interrupted"


def sheet_problem(sheet: Sheet) -> Problem | None:
    """Why it failed; its `field` is the name of the label that could not be made, or ""."""
    if sheet.problem is None:
        return None
    kept = json.loads(sheet.problem)
    return Problem(kept["field"], kept["code"], kept["params"])


def list_sheets(session: Session, actor: Actor, now: datetime) -> Sequence[Sheet]:
    """The sheets of the workspace that have not expired, the newest first; without files."""
    actor.require("links:read")
    query = _without_file(scoped(actor, Sheet)).where(Sheet.expires_at > now)
    return session.scalars(query.order_by(Sheet.id.desc()).limit(MOST_LISTED)).all()


def one_sheet(session: Session, actor: Actor, sheet_id: str, now: datetime) -> Sheet:
    """One sheet, without its file. Raises `NotFound` (an expired one as well), `Forbidden`."""
    actor.require("links:read")
    query = _without_file(scoped(actor, Sheet))
    number = inside_id(sheet_id)
    sheet = session.scalar(query.where(Sheet.id == number, Sheet.expires_at > now))
    if sheet is None:
        raise unknown("sheet_id", "sheet", sheet_id)
    return sheet


def sheet_file(session: Session, actor: Actor, sheet_id: str, now: datetime) -> SheetFile:
    """The finished file. Raises `Conflict` while there is none, `NotFound`, `Forbidden`."""
    sheet = one_sheet(session, actor, sheet_id, now)
    if sheet.data is None:
        raise Conflict(Problem("", "sheet_unfinished"))
    name = f"{file_name(sheet.name)}.{sheet.format}"
    return SheetFile(name, _MEDIA_TYPES[sheet.format], sheet.data)


def stop_sheet(session: Session, actor: Actor, sheet_id: str, now: datetime) -> Sheet:
    """Stop one that waits or is made: its maker notices within a second. Others stay as they are.

    Raises `NotFound`, `Forbidden`.
    """
    sheet = _locked(session, actor, sheet_id, now)
    if sheet_state(sheet, now) in ("waiting", "making", "interrupted"):
        sheet.stopped_at = now
        _note(session, actor, "sheet.stopped", sheet, now)
    return sheet


def resume_sheet(session: Session, actor: Actor, sheet_id: str, now: datetime) -> Sheet:
    """Let one that was stopped or failed be made from the start. Others stay as they are.

    Raises `Conflict` while too many sheets wait, `NotFound`, `Forbidden`.
    """
    sheet = _locked(session, actor, sheet_id, now)
    if sheet_state(sheet, now) in ("stopped", "failed"):
        _refuse_crowd(session, actor)
        sheet.stopped_at = sheet.beat_at = sheet.problem = None
        sheet.done = 0
        _note(session, actor, "sheet.resumed", sheet, now)
    return sheet


def delete_sheet(session: Session, actor: Actor, sheet_id: str, now: datetime) -> None:
    """Delete the sheet and its file. Raises `NotFound`, `Forbidden`."""
    sheet = _locked(session, actor, sheet_id, now)
    _note(session, actor, "sheet.deleted", sheet, now)
    session.delete(sheet)
    session.flush()


def _refuse_crowd(session: Session, actor: Actor) -> None:
    waiting = session.scalar(
        select(func.count())
        .select_from(Sheet)
        .where(Sheet.workspace_id == actor.workspace_id, *unfinished())
    )
    if waiting is not None and waiting >= MOST_UNFINISHED:
        raise Conflict(Problem("", "sheet_crowd", {"most": MOST_UNFINISHED}))


def _locked(session: Session, actor: Actor, sheet_id: str, now: datetime) -> Sheet:
    """The sheet, held against its maker until the transaction ends."""
    sheet = one_sheet(session, actor, sheet_id, now)
    session.refresh(
        sheet, ["done", "beat_at", "stopped_at", "finished_at", "problem"], with_for_update=True
    )
    return sheet


def _without_file(query: Select[Sheet]) -> Select[Sheet]:
    return query.options(defer(Sheet.data), defer(Sheet.question))


def _note(session: Session, actor: Actor, action: str, sheet: Sheet, now: datetime) -> None:
    trail.note(
        session,
        actor,
        action,
        now,
        subject_id=sheet.id,
        name=sheet.name,
        format=sheet.format,
        codes=sheet.total,
    )
