"""Days that are long over lie packed on PostgreSQL, and nobody can tell: whatever is read, whatever
comes later, whatever is put right.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from cast import NOW, make_home
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some
from packed_scene import (
    FIRST,
    LAST,
    MUCH_LATER,
    OCTOBER,
    Old,
    everything,
    in_small_parts,
    lying_as_rows,
    misread,
    old,
    only_old,
    pack,
    plain,
    roll_ups_tell_the_clicks,
    rows,
)
from sqlalchemy import delete, event, func, insert, select, true

from linkservice.clicks import closed_days, closed_sums, day_links, packing, retention
from linkservice.clicks.audit import audit
from linkservice.clicks.ledger_model import LedgerEntry
from linkservice.clicks.model import Click as ClickRow
from linkservice.clicks.packed_model import EveryClick, PackedClicks, PackedLinkDay
from linkservice.clicks.packing import AFTER_DAYS, Packing
from linkservice.clicks.reclassify import reclassify
from linkservice.clicks.spans import Closing
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.links.model import Link
from linkservice.reports.links import campaign_report, link_report
from linkservice.reports.touchpoints import touchpoint_detail
from linkservice.tables import metadata

__all__ = ["in_small_parts", "old"]

on_postgresql = pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
in_parts = pytest.mark.usefixtures("in_small_parts")

CLOSED = (
    *("value_days", "closed_days", "link_months", "closed_months", "link_weeks", "closed_weeks"),
    *("month_days", "day_links"),
)


@on_postgresql
@in_parts
def test_whatever_is_read_is_the_same_before_meanwhile_and_after(old: Old) -> None:
    right, of_rows, proof = everything(old), rows(old.database), audit(old.settings, old.database)
    roll_ups_tell_the_clicks(old.database)
    steps = 0
    while Packing(old.database).some(MUCH_LATER):
        steps += 1
        assert rows(old.database) == of_rows
        if steps % 9 == 1:
            assert everything(old) == right
    assert steps > 30
    assert lying_as_rows(old.database) == [0, 0, 0]
    assert everything(old) == right
    assert rows(old.database) == of_rows
    assert audit(old.settings, old.database) == proof
    assert proof.difference == 0


@on_postgresql
def test_files_are_written_in_batches_smaller_than_what_lies_packed(
    old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = everything(old)
    monkeypatch.setattr(packing, "CLICKS_IN_ONE", 100)
    pack(old.database)
    monkeypatch.setattr("linkservice.clicks.export.BATCH", 9)
    assert everything(old) == right


@on_postgresql
def test_a_day_is_packed_once_it_has_long_been_over(old: Old) -> None:
    day, database = LAST - timedelta(days=3), old.database
    assert pack(database, NOW + timedelta(days=AFTER_DAYS - 3)) > 0
    with database.reading() as session:
        assert session.scalar(select(func.min(ClickRow.local_day))) == day.toordinal()
        assert session.scalar(select(func.max(PackedLinkDay.local_date))) < day
    assert not Packing(database).some(NOW + timedelta(days=AFTER_DAYS - 3))
    assert Packing(database).some(NOW + timedelta(days=AFTER_DAYS - 2))


@on_postgresql
def test_few_clicks_of_a_day_stay_rows_until_there_are_more(
    old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "FEWEST_CLICKS", 10)
    days = ClickRow.workspace_id, ClickRow.local_day
    sizes = select(*days, func.count()).group_by(*days).order_by(*days)

    def lying() -> list[tuple[int, int, int]]:
        with old.database.reading() as session:
            return [(row[0], row[1], row[2]) for row in session.execute(sizes)]

    few = [each for each in lying() if each[2] < 10]
    assert 0 < len(few) < len(lying())
    right, of_rows = everything(old), rows(old.database)
    packer = Packing(old.database)
    while packer.some(MUCH_LATER):
        pass
    assert lying() == few
    assert (everything(old), rows(old.database)) == (right, of_rows)
    old.come(70)
    assert not packer.some(MUCH_LATER), "days it is done with are looked at again tomorrow"
    assert pack(old.database, MUCH_LATER + timedelta(days=1)) > 0
    assert all(size < 10 for _, _, size in lying())


@on_postgresql
@in_parts
def test_what_is_summed_up_of_packed_days_is_what_was_of_rows(old: Old) -> None:
    def close() -> dict[str, list[tuple[object, ...]]]:
        made = (
            day_links.Closing(old.database),
            closed_days.Closing(old.database),
            *(Closing(old.database, spans) for spans in closed_sums.SPANS),
        )
        while any(each.some(MUCH_LATER) for each in made):
            pass
        with old.database.reading() as session:
            tables = [metadata.tables[name] for name in CLOSED]
            return {
                each.name: sorted(map(tuple, session.execute(select(each))), key=repr)
                for each in tables
            }

    right = close()
    assert all(right[name] for name in ("value_days", "link_months", "month_days", "day_links"))
    told = everything(old)
    with old.database.transaction() as session:
        for name in CLOSED:
            session.execute(delete(metadata.tables[name]))
    pack(old.database)
    again = close()
    assert again == right
    assert everything(old) == told


@on_postgresql
@in_parts
def test_late_clicks_of_a_packed_day_are_counted_once(old: Old) -> None:
    pack(old.database)
    before = len(rows(old.database)["clicks"])
    for seed in (10, 11):
        came = old.come(seed)
        assert lying_as_rows(old.database)[0] == came
        right, of_rows = everything(old), rows(old.database)
        roll_ups_tell_the_clicks(old.database)
        before += came
        assert len(of_rows["clicks"]) == before
        assert audit(old.settings, old.database).difference == 0
        assert pack(old.database) > 0
        assert lying_as_rows(old.database) == [0, 0, 0]
        assert (everything(old), rows(old.database)) == (right, of_rows)


@on_postgresql
@in_parts
def test_packed_clicks_are_put_right_to_the_digit(old: Old) -> None:
    right, of_rows = everything(old), rows(old.database)
    pack(old.database)
    for seed in (1, 2):
        changed = misread(old.database, seed, 0.5 / seed)
        assert changed > 20
        assert rows(old.database)["facets"] != of_rows["facets"]
        roll_ups_tell_the_clicks(old.database)
        if seed == 1:
            wrong, of_wrong = everything(old), rows(old.database)
            pack(old.database)
            assert (everything(old), rows(old.database)) == (wrong, of_wrong)
    assert reclassify(old.settings, old.database, lambda _done, _total: None).changed > 20
    assert rows(old.database) == of_rows
    assert everything(old) == right
    assert audit(old.settings, old.database).difference == 0
    pack(old.database)
    assert lying_as_rows(old.database) == [0, 0, 0]
    assert rows(old.database) == of_rows
    with old.database.reading() as session:
        for row in session.scalars(select(PackedLinkDay)):
            assert all(count > 0 for count in (*row.hour_clicks, *row.value_clicks))


@on_postgresql
@in_parts
def test_retention_deletes_what_lies_packed_and_changes_no_report(old: Old) -> None:
    scene, database = old.scene, old.database
    first = OCTOBER[1] + timedelta(days=1)

    def told() -> list[object]:
        days = {"first": FIRST, "last": LAST, "now": NOW}
        with database.reading() as session:
            link = link_report(session, scene.home.actor, scene.link_ids[0], **days)
            of = touchpoint_detail(session, scene.home.actor, scene.touchpoint_id, **days)
            return [link.totals, link.days, link.countries, link.hours, of.totals, of.cities]

    right, kept = told(), rows(database)["clicks"]
    pack(database, NOW + timedelta(days=AFTER_DAYS - 3))
    lying = lying_as_rows(database)[0]
    assert 0 < lying < len(kept)
    retention.keep_house(only_old(old.settings), database, NOW + timedelta(days=20))
    with database.reading() as session:
        assert session.scalar(select(func.min(EveryClick.local_day))) >= first.toordinal()
    day = [column.name for column in ClickRow.__table__.columns].index("local_day")
    left = [row for row in kept if row[day] >= first.toordinal()]
    assert rows(database)["clicks"] == left
    assert lying < len(left) < len(kept)
    assert told() == right
    retention.keep_house(old.settings, database, NOW + timedelta(days=900))
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(EveryClick)) == 0
        assert session.scalar(select(func.count()).select_from(PackedClicks)) == 0
    assert told() == right


@on_postgresql
@in_parts
def test_packing_that_is_given_up_half_way_loses_nothing(old: Old) -> None:
    of_rows, database = rows(old.database), old.database

    def give_up(*arguments: object) -> None:
        if "INSERT INTO packed" in str(arguments[2]):
            raise InterruptedError

    given_up = 0
    for left in range(200):
        if left % 2 == 0:
            event.listen(database.engine, "after_cursor_execute", give_up)
            try:
                Packing(database).some(MUCH_LATER)
            except InterruptedError:
                given_up += 1
            finally:
                event.remove(database.engine, "after_cursor_execute", give_up)
        elif not Packing(database).some(MUCH_LATER):
            break
        assert rows(database) == of_rows
    assert given_up > 30
    assert lying_as_rows(database) == [0, 0, 0]


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_sqlite_keeps_rows(old: Old) -> None:
    statements: list[str] = []
    event.listen(
        old.database.engine, "before_cursor_execute", lambda *each: statements.append(each[2])
    )
    assert not Packing(old.database).some(MUCH_LATER)
    assert statements == []
    assert lying_as_rows(old.database)[0] == len(rows(old.database)["clicks"]) > 0


@some.composite
def clicks_of_a_day(draw: some.DrawFn) -> list[dict[str, int]]:
    """Some clicks of some segments, whatever their columns may hold."""
    keys = some.tuples(some.integers(1, 3), some.integers(0, 2**31 - 1))
    return [
        {
            "segment_id": segment_id,
            "position": position,
            "time_ms": 1_790_000_000_000 + draw(some.integers(0, 90_000_000)),
            **{name: draw(some.integers(0, 2**bits - 1)) for name, bits in BITS.items()},
        }
        for segment_id, position in draw(some.sets(keys, min_size=1, max_size=12))
    ]


BITS = {
    **dict.fromkeys(("domain_id", "link_id", "touchpoint_id"), 63),
    **dict.fromkeys(("link_version", "agent_id", "country_id", "language_id"), 31),
    **dict.fromkeys(("referrer_id", "city_id"), 31),
    **dict.fromkeys(("local_hour", "class", "flags"), 15),
}


@on_postgresql
@in_parts
def test_packed_and_unpacked_it_is_the_same_row(settings: Settings, database: Database) -> None:
    """And nothing is a row again but what lies with what is asked for."""
    with database.transaction() as session:
        homes = [make_home(session, settings, host=f"go{each}.example") for each in range(2)]
        session.add_all(
            LedgerEntry(
                node="n", name=str(each), position=0, accepted=0, ingested=0, rejected=0, damaged=0
            )
            for each in range(3)
        )
    table = ClickRow.__table__

    @hypothesis_settings(max_examples=30)
    @given(clicks_of_a_day(), some.data())
    def law(clicks: list[dict[str, int]], data: some.DataObject) -> None:
        for number, click in enumerate(clicks):
            click["workspace_id"] = homes[number % 2].workspace_id
            click["local_day"] = OCTOBER[number % 3 == 0].toordinal()
        with database.transaction() as session:
            for lie in (ClickRow, PackedClicks):
                session.execute(delete(lie))
            session.execute(insert(table), clicks)
        right = rows(database)["clicks"]
        pack(database)
        assert rows(database)["clicks"] == right
        assert lying_as_rows(database)[0] == 0
        wanted = data.draw(some.sets(some.sampled_from([(row[0], row[1]) for row in right])))
        with database.writing_connection() as connection:
            packing.unpack(connection, wanted)
        assert rows(database)["clicks"] == right
        with database.reading() as session:
            found = {tuple(each) for each in session.execute(select(table.c[:2]))}
        assert found >= wanted
        assert found or not wanted

    law()


@on_postgresql
def test_of_a_campaign_of_very_many_links_packed_days_are_told(old: Old) -> None:
    """More of them than a statement may have parameters."""
    database, campaign = old.database, int(old.scene.campaign_id)
    right = everything(old)["campaign"]
    pack(database)
    with database.transaction() as session:
        first = select(Link).where(Link.id == old.links[0]).subquery()
        many = func.generate_series(1, 70_000).table_valued("number").render_derived()
        copies = {each.name: first.c[each.name] for each in Link.__table__.columns}
        slug = func.concat("many-", many.c.number)
        copies |= {"id": many.c.number + 1_000, "slug": slug, "slug_key": slug}
        rows_of = select(*copies.values()).join_from(first, many, true())
        session.execute(insert(Link).from_select(list(copies), rows_of))
    with database.reading() as session:
        days = {"first": FIRST, "last": LAST, "now": NOW}
        found = plain(campaign_report(session, old.scene.home.actor, str(campaign), **days))
    assert found["hours"] == right["hours"]
