"""The proof for closed sums: sound ones are found sound, a wrong one is named and made again, and
what changes or is being closed meanwhile is not called wrong.
"""

from __future__ import annotations

import json
import random
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from cast import NOW
from filtered_scene import forget_clicks
from packed_scene import MUCH_LATER, OCTOBER, Old, in_small_parts, misread, old, pack
from sqlalchemy import Connection, Row, delete, event, func, select, update
from terminal import done, refused, run

from linkservice.cli.output import Progress
from linkservice.clicks import campaign_months, closed_audit, closed_kinds, day_values, idle
from linkservice.clicks.audit import link_name
from linkservice.clicks.closed_audit import ClosedAudit, audit_closed
from linkservice.clicks.closed_day_model import ClosedDay, ValueDay
from linkservice.clicks.model import FacetValue, TouchpointDay, TouchpointMonth
from linkservice.clicks.month_model import CampaignMonth, DayLinks, LinkMonth, LinkWeek, MonthDays
from linkservice.clicks.packed_links import PACKED as OF_LINK
from linkservice.clicks.packed_values import SCANS
from linkservice.conversions import months
from linkservice.conversions.counts import NewCount, import_counts
from linkservice.conversions.model import ConversionMonth
from linkservice.conversions.months_audit import EVERY_KIND
from linkservice.database import Base, Database
from linkservice.journeys.model import Campaign
from linkservice.links.model import Link
from linkservice.workspaces.model import Workspace

__all__ = ["in_small_parts", "old"]  # the fixtures

AFTER = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
"""October is closed by then, and the weeks of November that have clicks."""

MONTH, WEEK, DAY = date(2026, 10, 1), date(2026, 11, 15), timedelta(days=1)
KINDS = (
    *("touchpoint_days", "touchpoint_months", "day_links", "link_weeks", "link_months"),
    *("month_days", "campaign_months", "value_days", "conversion_months"),
)


@pytest.fixture(autouse=True)
def small_campaigns_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign_months, "FEWEST_LINKS", 3)


@pytest.fixture
def closed(old: Old) -> Old:
    """All that there is to close is closed; on PostgreSQL October lies packed."""
    buy(old, 3)
    assert (pack(old.database, MUCH_LATER - 20 * DAY) > 0) != old.database.is_sqlite
    close(old.database)
    return old


def buy(old: Old, conversions: int, day: date = OCTOBER[0]) -> None:
    new = NewCount(day, old.scene.touchpoint_id, conversions, 100)
    with old.database.transaction() as session:
        import_counts(session, old.scene.home.actor, [new], "till", NOW)


def close(database: Database, now: datetime = AFTER) -> None:
    """What an idle ingester does, until nothing is left."""
    works = (*idle.works(database), months.Closing(database).some)
    while any(some(now) for some in works):
        pass


def audited(database: Database, **options: Any) -> ClosedAudit:
    return audit_closed(database, EVERY_KIND, **options)


def wrong(found: ClosedAudit) -> dict[str, int]:
    return {each.kind: each.differing for each in found.kinds if each.differing}


def left_out(found: ClosedAudit) -> dict[str, int]:
    return {each.kind: each.left_out for each in found.kinds if each.left_out}


def test_all_that_is_closed_is_sound(closed: Old) -> None:
    written: list[str] = []

    @event.listens_for(closed.database.engine, "before_cursor_execute")
    def note(connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
        if statement.split()[0] not in ("SELECT", "BEGIN"):
            written.append(statement)

    told: list[tuple[str, int, int]] = []
    found = audited(closed.database, progress=lambda *each: told.append(each))
    assert (found.proven, found.differences) == (True, ())
    assert [each.kind for each in found.kinds] == list(KINDS)
    assert all(each.checked for each in found.kinds), found.kinds
    assert left_out(found) == {}
    assert written == []
    ends = {kind: (passed, size) for kind, passed, size in told}
    assert {kind for kind, (passed, size) in ends.items() if passed == size > 0} == set(KINDS)


# one wrong value

Named = tuple[date, str, str]
"""A day, and what is found on it."""


def other(content: bytes) -> bytes:
    """The last byte is another one."""
    return content[:-1] + bytes((content[-1] ^ 1,))


def other_within(content: bytes) -> bytes:
    return zlib.compress(other(zlib.decompress(content)))


def cut(content: bytes) -> bytes:
    return content[:-1]


def spoil(
    old: Old, model: type[Base], column: str, change: Callable[[bytes], bytes], *where: Any
) -> Row[Any]:
    """Change one packed value; its row as it was."""
    table = model.__table__
    key, content = table.primary_key.columns, table.c[column]
    query = select(*table.columns).where(func.length(content) > 0, *where).order_by(*key)
    with old.database.transaction() as session:
        row = session.execute(query.limit(1)).one()
        this = [each == getattr(row, each.name) for each in key]
        session.execute(update(table).where(*this).values({column: change(getattr(row, column))}))
    return row


def link(old: Old, link_id: int) -> str:
    with old.database.reading() as session:
        return link_name(session, link_id)


def last_link(old: Old, content: bytes) -> str:
    return link(old, int(np.frombuffer(content, OF_LINK)["link_id"][-1]))


def of_touchpoints(old: Old, model: Any, day: Any) -> Named:
    """A visitor more at the first touchpoint, in November."""
    own = model.touchpoint_id == int(old.scene.touchpoint_id)
    with old.database.transaction() as session:
        at = session.scalar(select(func.max(day)).where(own))
        change = update(model).where(own, day == at).values(visitors=model.visitors + 1)
        assert session.execute(change).rowcount == 1
    assert at is not None
    return at, "touchpoint", "Poster"


def touchpoint_days(old: Old) -> Named:
    return of_touchpoints(old, TouchpointDay, TouchpointDay.local_date)


def touchpoint_months(old: Old) -> Named:
    return of_touchpoints(old, TouchpointMonth, TouchpointMonth.month)


def no_touchpoint_month(old: Old) -> Named:
    own = TouchpointMonth.workspace_id == old.foreign.workspace_id
    with old.database.transaction() as session:
        session.execute(delete(TouchpointMonth).where(own))
    return MONTH, "touchpoint", "none"


def links_of_a_day(old: Old) -> Named:
    row = spoil(old, DayLinks, "links", other)
    return row.local_date, "link", last_link(old, row.links)


def half_a_day(old: Old) -> Named:
    row = spoil(old, DayLinks, "links", cut, DayLinks.workspace_id == old.scene.home.workspace_id)
    with old.database.reading() as session:
        name = session.get_one(Workspace, row.workspace_id).name
    return row.local_date, "workspace", name


def hours_of_a_week(old: Old) -> Named:
    row = spoil(old, LinkWeek, "hours", other)
    return row.week, "link", link(old, row.link_id)


def no_week(old: Old) -> Named:
    with old.database.transaction() as session:
        key = session.execute(select(LinkWeek.first, LinkWeek.link_id)).first()
        assert key is not None
        session.execute(
            delete(LinkWeek).where(LinkWeek.first == key[0], LinkWeek.link_id == key[1])
        )
    return key[0], "link", link(old, key[1])


def of_a_month(column: str) -> Callable[[Old], Named]:
    def spoiled(old: Old) -> Named:
        row = spoil(old, LinkMonth, column, other)
        return row.month, "link", link(old, row.link_id)

    return spoiled


def days_of_a_month(old: Old) -> Named:
    row = spoil(old, MonthDays, "days", other, MonthDays.workspace_id == old.foreign.workspace_id)
    return row.month, "touchpoint", "none"


def links_of_a_month(old: Old) -> Named:
    row = spoil(old, MonthDays, "links", other)
    return row.month, "link", last_link(old, row.links)


def of_a_campaign(change: Callable[[bytes], bytes]) -> Callable[[Old], Named]:
    def spoiled(old: Old) -> Named:
        row = spoil(old, CampaignMonth, "days", change)
        with old.database.reading() as session:
            return row.month, "campaign", session.get_one(Campaign, row.campaign_id).name

    return spoiled


def of_a_value(change: Callable[[bytes], bytes]) -> Callable[[Old], Named]:
    def spoiled(old: Old) -> Named:
        row = spoil(old, ValueDay, "cells", change, ValueDay.value_id == SCANS)
        return date.fromordinal(row.local_day), "value", "source scan"

    return spoiled


def no_value(old: Old) -> Named:
    """A country that nobody came from."""
    with old.database.transaction() as session:
        value = session.scalar(
            select(FacetValue.id).where(FacetValue.facet == "country", FacetValue.value == "DE")
        )
        day = session.scalar(select(func.max(ValueDay.local_day)))
        own = ValueDay.value_id == value, ValueDay.local_day == day
        assert session.execute(delete(ValueDay).where(*own)).rowcount == 1
    return date.fromordinal(day or 0), "value", "country DE"


def no_closed_day(old: Old) -> Named:
    """Reports take it for a day without clicks."""
    with old.database.transaction() as session:
        own = ClosedDay.workspace_id == old.scene.home.workspace_id
        day = OCTOBER[0].toordinal() + 1
        gone = session.execute(delete(ClosedDay).where(own, ClosedDay.local_day == day))
        assert gone.rowcount == 1
        name = session.get_one(Workspace, old.scene.home.workspace_id).name
    return date.fromordinal(day), "workspace", name


def conversions(column: str) -> Callable[[Old], Named]:
    def spoiled(old: Old) -> Named:
        row = spoil(old, ConversionMonth, column, other)
        return row.month, "touchpoint", "Poster"

    return spoiled


ROUNDS: tuple[dict[str, Callable[[Old], Named]], ...] = (
    {
        "touchpoint_days": touchpoint_days,
        "day_links": links_of_a_day,
        "link_weeks": hours_of_a_week,
        "link_months": of_a_month("hours"),
        "month_days": days_of_a_month,
        "campaign_months": of_a_campaign(other_within),
        "value_days": of_a_value(other_within),
        "conversion_months": conversions("first"),
    },
    {
        "touchpoint_months": touchpoint_months,
        "day_links": half_a_day,
        "link_weeks": no_week,
        "link_months": of_a_month("facets"),
        "month_days": links_of_a_month,
        "campaign_months": of_a_campaign(cut),
        "value_days": of_a_value(cut),
        "conversion_months": conversions("last"),
    },
    {
        "touchpoint_months": no_touchpoint_month,
        "link_months": of_a_month("sums"),
        "value_days": no_value,
        "conversion_months": conversions("imported"),
    },
    {"link_months": of_a_month("days"), "value_days": no_closed_day},
)


def test_what_is_wrong_is_named_and_made_again(closed: Old) -> None:
    """A value of each kind at once, and again once these are made again."""
    for spoiled in ROUNDS:
        named = {kind: each(closed) for kind, each in spoiled.items()}
        one_each = dict.fromkeys(spoiled, 1)
        found = audited(closed.database)
        # The months of touchpoints are compared with their days.
        also = {"touchpoint_months"} if "touchpoint_days" in spoiled else set()
        assert wrong(found) == one_each | dict.fromkeys(also, 1)
        assert {
            each.kind: (each.date, each.subject, each.name)
            for each in found.differences
            if each.kind not in also
        } == named
        assert wrong(audited(closed.database, reopen=True)) == one_each
        again, open_ = audited(closed.database), set(spoiled) - {*KINDS[:2]}
        assert (again.proven, left_out(again)) == (True, dict.fromkeys(open_, 1))
        close(closed.database)
    after = audited(closed.database)
    assert (after.proven, left_out(after)) == (True, {})


# what changes meanwhile


@pytest.fixture
def a_bit_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_audit, "SECONDS_AT_ONCE", 0)
    monkeypatch.setattr(day_values, "CLICKS_AT_ONCE", 25)
    monkeypatch.setattr(closed_kinds, "LINKS_AT_ONCE", 2)


@pytest.mark.usefixtures("a_bit_at_a_time", "in_small_parts")
def test_what_changes_meanwhile_is_not_wrong(closed: Old) -> None:
    chance = random.Random(7)
    works = (*idle.works(closed.database), months.Closing(closed.database).some)
    happened = Counter[str]()

    def meanwhile(kind: str, *_: int) -> None:
        what = chance.choice(("come", "misread", "buy", "close", "close", "nothing"))
        happened[kind] += what != "nothing"
        number = chance.randrange(10**6)
        if what == "come":
            closed.come(number, chance.choice((OCTOBER, (WEEK, WEEK + DAY))), 3)
        elif what == "misread":
            misread(closed.database, number, 0.05)
        elif what == "buy":
            buy(closed, number)
        elif what == "close":
            for work in works:
                work(AFTER)

    found = audited(closed.database, progress=meanwhile)
    assert found.proven, found.differences
    assert len(happened) == len(KINDS)
    assert left_out(found)
    close(closed.database)
    found = audited(closed.database)
    assert (found.proven, left_out(found)) == (True, {})


@pytest.mark.usefixtures("a_bit_at_a_time")
def test_what_nobody_reads_or_can_recount_is_left_out(closed: Old) -> None:
    with closed.database.transaction() as session:
        forget_clicks(session, closed.scene.home, OCTOBER[0] + DAY)
        session.execute(update(Link).where(Link.id == closed.links[0]).values(campaign_id=None))
    found = audited(closed.database)
    assert (found.proven, left_out(found)) == (True, {"campaign_months": 1, "value_days": 1})
    # A day whose clicks change while they are read: its last ones are others than its first.
    parts = 0

    def meanwhile(kind: str, *_: int) -> None:
        nonlocal parts
        parts += kind == "value_days"
        if kind == "value_days" and parts == 3:
            closed.come(99, clicks=40)

    found = audited(closed.database, progress=meanwhile)
    assert found.proven
    assert 1 < left_out(found)["value_days"] <= 8


# the command


def test_the_command_names_what_is_wrong_and_has_it_made_again(
    closed: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = closed.settings
    day, _, name = links_of_a_day(closed)
    assert "summed up" not in done(settings, "audit")
    failed = run(settings, "audit", "--deep")
    number = closed.scene.home.workspace_id
    assert failed.exit_code == 1
    assert f"different: day_links of workspace {number}, {day}: link {name}" in failed.stdout
    assert "audit --deep --reopen" in failed.stdout
    told = json.loads(run(settings, "audit", "--deep", "--format", "json").stdout)
    assert (told["difference"], told["first_difference"]) == (0, None)
    assert [each for each in told["closed"] if each["differing"]] == [
        {"kind": "day_links", "checked": 16, "differing": 1, "left_out": 0}
    ]
    assert told["closed_differences"] == [
        {
            "kind": "day_links",
            "workspace_id": str(number),
            "date": str(day),
            "subject": "link",
            "name": name,
        }
    ]
    assert run(settings, "audit", "--deep", "--reopen").exit_code == 1
    assert "different:" not in done(settings, "audit", "--deep")
    assert "--deep" in refused(settings, "audit", "--reopen", code=2)

    monkeypatch.setattr(Progress, "at", stopped)
    interrupted = run(settings, "audit", "--deep")
    assert (interrupted.exit_code, interrupted.stdout) == (1, "")
    assert interrupted.stderr.endswith("linkservice: Stopped.\n")


def stopped(*_: object) -> None:
    raise KeyboardInterrupt
