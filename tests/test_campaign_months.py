"""Packed months of a campaign tell what the days of its links do, whatever is added afterwards."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from datetime import date

import numpy as np
import pytest
from closed_scene import idle_until
from filtered_scene import HALLE, taken_back
from packed_scene import FIRST, LAST, MUCH_LATER, OCTOBER, Old, old, pack
from sqlalchemy import Connection, delete, func, select, text, update

from linkservice.clicks import bulk, campaign_months, campaign_values, closed_sums
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import FacetValue, LinkFacet
from linkservice.clicks.month_model import CampaignMonth
from linkservice.clicks.packed_model import PackedLinkDay
from linkservice.clicks.reclassify import reclassify
from linkservice.clicks.spans import Closing
from linkservice.journeys.campaigns import create_campaign, delete_campaign
from linkservice.links.manage import LinkChanges, change_link
from linkservice.reports import reading_back
from linkservice.reports.filtered import FilteredDay, filtered_campaign

__all__ = ["old"]  # the fixture

MONTHS = [date(2026, 10, 1), date(2026, 11, 1)]
PERIODS = ((FIRST, LAST), OCTOBER, (date(2026, 10, 26), date(2026, 11, 15)))
FILTERS: tuple[Mapping[str, str], ...] = (
    {"country": "DE"},
    {"country": "unknown"},
    {"city": HALLE},
    {"city": "unknown"},
    {"device": "other"},
    {"browser": "Firefox"},
    {"language": "de"},
    {"referrer": "direct"},
    {"referrer": "nowhere.example"},
    {"source": "scan"},
)


@pytest.fixture(autouse=True)
def small_campaigns_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign_months, "FEWEST_LINKS", 3)


@pytest.fixture(autouse=True)
def from_roll_ups_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no single click were kept."""
    monkeypatch.setattr(reading_back, "kept_from", lambda *_: date.max)


def close(old: Old) -> int:
    """Close all months, and pack those of campaigns; how many of these."""
    for spans in closed_sums.SPANS:
        closing = Closing(old.database, spans)
        while closing.some(MUCH_LATER):
            pass
    closing_campaigns, months = campaign_months.Closing(old.database), 0
    while closing_campaigns.some(MUCH_LATER):
        months += 1
    return months


def packed(old: Old) -> list[date]:
    with old.database.reading() as session:
        months = select(CampaignMonth.month).where(CampaignMonth.days.is_not(None))
        return sorted(session.scalars(months))


def told(old: Old) -> list[list[FilteredDay]]:
    """The days of each period with each filter; some have clicks."""
    found = [
        list(
            old.scene.ask(
                filtered_campaign, old.scene.campaign_id, first=first, last=last, **given
            ).days
        )
        for first, last in PERIODS
        for given in FILTERS
    ]
    assert sum(any(day.clicks for day in days) for days in found) > 20
    return found


def told_by_rows(old: Old) -> list[list[FilteredDay]]:
    with old.database.transaction() as session:
        there = session.execute(select(CampaignMonth.__table__)).mappings().all()
        session.execute(delete(CampaignMonth))
    found = told(old)
    with old.database.transaction() as session:
        if there:
            session.execute(CampaignMonth.__table__.insert(), [dict(row) for row in there])
    return found


def clicks_without_rows(old: Old) -> int:
    """How many are told to be direct while the facets of links are gone."""
    with taken_back(old.database) as session:
        for rows in (LinkFacet, PackedLinkDay):
            session.execute(delete(rows))
        asked = {"first": FIRST, "last": LAST, "referrer": "direct"}
        days = old.scene.ask_in(session, filtered_campaign, old.scene.campaign_id, **asked).days
    return sum(day.clicks for day in days)


def test_packed_months_tell_what_rows_tell(old: Old) -> None:
    right = told(old)
    assert close(old) == len(MONTHS)
    assert packed(old) == MONTHS
    assert told(old) == right
    assert clicks_without_rows(old) > 0


def test_of_days_that_lie_packed_as_of_others(old: Old) -> None:
    right = told(old)
    pack(old.database)
    assert close(old) == len(MONTHS)
    assert told(old) == right


def test_small_and_very_large_campaigns_are_not_packed(
    old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign_months, "FEWEST_LINKS", 4)
    assert close(old) == 0
    monkeypatch.setattr(campaign_months, "FEWEST_LINKS", 1)
    monkeypatch.setattr(campaign_months, "MOST_LINKS", 2)
    assert close(old) == 0


@pytest.mark.parametrize("seed", range(3))
def test_late_clicks_reopen_their_month_alone(old: Old, seed: int) -> None:
    close(old)
    assert old.come(10 + seed, clicks=30)
    assert packed(old) == MONTHS[1:]
    right = told_by_rows(old)
    assert told(old) == right
    assert close(old) == 1
    assert packed(old) == MONTHS
    assert told(old) == right


def test_clicks_of_another_workspace_reopen_nothing(old: Old) -> None:
    close(old)
    days = np.array([OCTOBER[0].toordinal()])
    with old.database.writing_connection() as connection:
        closed_sums.reopen(connection, days, np.array([old.foreign_link]))
    assert packed(old) == MONTHS
    with old.database.writing_connection() as connection:
        # Of a link that belongs to no campaign now: it may have belonged to this one.
        closed_sums.reopen(connection, days, np.array([old.links[-1]]))
    assert packed(old) == MONTHS[1:]


def test_a_link_that_comes_or_goes_changes_all_months(old: Old) -> None:
    close(old)
    without = told(old)
    move(old, old.links[3], old.scene.campaign_id)
    assert told(old) == told_by_rows(old) != without
    assert close(old) == len(MONTHS)
    assert told(old) == told_by_rows(old) != without
    assert clicks_without_rows(old) > 0
    move(old, old.links[3], None)
    assert told(old) == told_by_rows(old) == without
    assert close(old) == len(MONTHS)
    assert told(old) == without


def test_another_link_for_one_is_not_the_same_campaign(old: Old) -> None:
    close(old)
    before = told(old)
    move(old, old.links[0], None)
    move(old, old.links[4], old.scene.campaign_id)
    assert told(old) == told_by_rows(old) != before


def move(old: Old, link: int, campaign: str | None) -> None:
    with old.database.transaction() as session:
        changes = LinkChanges(campaign_id=campaign)
        change_link(session, old.scene.home.actor, old.settings, str(link), changes, MUCH_LATER)


def test_what_a_deleted_campaign_had_is_deleted(old: Old) -> None:
    close(old)
    with old.database.transaction() as session:
        delete_campaign(session, old.scene.home.actor, old.scene.campaign_id, MUCH_LATER)
    assert close(old) == 0
    assert packed(old) == []


def test_a_campaign_without_clicks_has_empty_months(old: Old) -> None:
    with old.database.transaction() as session:
        made = create_campaign(session, old.scene.home.actor, "Nothing yet", MUCH_LATER)
        campaign = str(made.id)
    for link in old.links[3:]:
        move(old, link, campaign)
    with old.database.transaction() as session:
        for rows in (LinkFacet, PackedLinkDay):
            session.execute(delete(rows).where(rows.link_id.in_(old.links[3:])))
    assert close(old) == 2 * len(MONTHS)
    days = old.scene.ask(filtered_campaign, campaign, first=FIRST, last=LAST, country="DE").days
    assert sum(day.clicks for day in days) == 0


def test_what_is_reclassified_is_told_as_it_is_now(old: Old) -> None:
    close(old)
    before = told(old)
    with old.database.transaction() as session:
        # As if those of Firefox had been something else.
        session.execute(
            update(FacetValue)
            .where(FacetValue.facet == "browser", FacetValue.value == "Firefox")
            .values(value="Netscape")
        )
        session.execute(text("UPDATE agents SET browser = 'Netscape' WHERE browser = 'Firefox'"))
    assert told(old) != before
    assert reclassify(old.settings, old.database, lambda _now, _total: None).changed
    assert packed(old) == []
    assert told(old) == before
    assert close(old) == len(MONTHS)
    assert told(old) == before


def test_packing_waits_for_whoever_is_adding_to_a_day(old: Old) -> None:
    with old.database.reading() as session:
        value = session.scalar(
            select(func.min(FacetValue.id)).where(FacetValue.facet == "referrer")
        )
    assert value
    day, link = OCTOBER[0].toordinal(), old.links[0]
    closing = threading.Thread(target=close, args=(old,))
    close_spans_only(old)
    with old.database.writing_connection() as connection:
        bulk.add(connection, LinkFacet, np.array([[day, link, value, 5]], np.int64))
        closed_sums.reopen(connection, np.array([day]), np.array([link]))
        closing.start()
        time.sleep(0.3)
        assert not packed(old)
    closing.join()
    assert packed(old) == MONTHS
    assert told(old) == told_by_rows(old)


def close_spans_only(old: Old) -> None:
    closing = Closing(old.database, closed_sums.MONTHS)
    while closing.some(MUCH_LATER):
        pass


def test_a_month_that_changes_while_it_is_read_is_packed_again(
    old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = campaign_values.packed

    def read_and_change(connection: Connection, *of: object) -> bytes:
        found = read(connection, *of)
        monkeypatch.undo()
        monkeypatch.setattr(campaign_months, "FEWEST_LINKS", 3)
        monkeypatch.setattr(reading_back, "kept_from", lambda *_: date.max)
        old.come(33, (MONTHS[1], LAST), 40)  # of the month that is packed first
        return found

    close_spans_only(old)
    monkeypatch.setattr(campaign_values, "packed", read_and_change)
    closing = campaign_months.Closing(old.database)
    assert closing.some(MUCH_LATER)
    assert not packed(old)
    assert close(old) == len(MONTHS)
    assert told(old) == told_by_rows(old)


def test_links_that_change_while_a_month_is_read_are_noticed(
    old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = campaign_values.packed

    def move_and_read(connection: Connection, *of: object) -> bytes:
        monkeypatch.setattr(campaign_values, "packed", read)
        found = read(connection, *of)
        move(old, old.links[3], old.scene.campaign_id)
        return found

    close_spans_only(old)
    monkeypatch.setattr(campaign_values, "packed", move_and_read)
    assert campaign_months.Closing(old.database).some(MUCH_LATER)
    assert told(old) == told_by_rows(old)
    assert close(old) == len(MONTHS)
    assert told(old) == told_by_rows(old)


def test_an_idle_ingester_packs_months(old: Old) -> None:
    close_spans_only(old)
    idle_until(Ingester(old.settings, old.database), lambda: packed(old) == MONTHS)
    assert packed(old) == MONTHS
    assert told(old) == told_by_rows(old)


def test_a_digest_tells_sets_of_links_apart() -> None:
    rng = random.Random(7)
    some = rng.sample(range(1, 10_000), 500)
    assert campaign_months.digest(some) == campaign_months.digest(sorted(some))
    digests = {campaign_months.digest(some[:size]) for size in range(500)}
    assert len(digests) == 500
    assert campaign_months.digest([1, 4]) != campaign_months.digest([2, 3])
