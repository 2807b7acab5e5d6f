"""On which local day a click falls, and which days a report covers."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkservice.clicks.calendar import epoch_ms, local_day
from linkservice.errors import Invalid
from linkservice.reports.period import MOST_DAYS, Period, choose_period, day_of
from linkservice.reports.presets import PRESETS, USUAL, days_of
from linkservice.reports.trend import weeks_before
from linkservice.web import periods
from linkservice.web.i18n import sentence, speaking, write_day, write_span

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
ZONES = sorted(available_timezones() - {"localtime"})


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(9998, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001 — Hypothesis takes naive bounds and adds the zone
    st.sampled_from(ZONES),
)
def test_the_day_is_the_calendar_and_the_hour_the_clock_of_the_zone(
    moment: datetime, zone: str
) -> None:
    wall = moment.astimezone(ZoneInfo(zone))
    assert local_day(epoch_ms(moment), zone) == (wall.date(), wall.hour)
    assert day_of(moment, zone) == wall.date()


@pytest.mark.parametrize(
    ("moment", "zone", "day", "hour"),
    [
        ("2025-03-29T22:59:59.999", "Europe/Berlin", "2025-03-29", 23),
        ("2025-03-29T23:00:00.000", "Europe/Berlin", "2025-03-30", 0),
        ("2025-03-30T00:59:59.999", "Europe/Berlin", "2025-03-30", 1),
        ("2025-03-30T01:00:00.000", "Europe/Berlin", "2025-03-30", 3),
        ("2025-03-30T21:59:59.999", "Europe/Berlin", "2025-03-30", 23),
        ("2025-10-26T00:59:59.999", "Europe/Berlin", "2025-10-26", 2),
        ("2025-10-26T01:00:00.000", "Europe/Berlin", "2025-10-26", 2),
        ("2025-10-26T22:59:59.999", "Europe/Berlin", "2025-10-26", 23),
        ("2025-06-01T18:29:59.999", "Asia/Kolkata", "2025-06-01", 23),
        ("2025-06-01T18:30:00.000", "Asia/Kolkata", "2025-06-02", 0),
        ("2025-06-01T18:14:59.999", "Asia/Kathmandu", "2025-06-01", 23),
        ("2025-06-01T18:15:00.000", "Asia/Kathmandu", "2025-06-02", 0),
        ("2025-04-05T14:59:59.999", "Australia/Lord_Howe", "2025-04-06", 1),
        ("2025-04-05T15:00:00.000", "Australia/Lord_Howe", "2025-04-06", 1),
        ("2011-12-30T09:59:59.999", "Pacific/Apia", "2011-12-29", 23),
        ("2011-12-30T10:00:00.000", "Pacific/Apia", "2011-12-31", 0),
        ("1970-06-01T00:44:29.999", "Africa/Monrovia", "1970-05-31", 23),
        ("1970-06-01T00:44:30.000", "Africa/Monrovia", "1970-06-01", 0),
    ],
)
def test_known_moments_fall_on_their_day(moment: str, zone: str, day: str, hour: int) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert local_day(epoch_ms(at), zone) == (date.fromisoformat(day), hour)
    assert day_of(at, zone) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("day", "hours", "minutes_at_two"), [("2025-03-30", 23, 0), ("2025-10-26", 25, 120)]
)
def test_a_click_a_minute_fills_the_days_when_clocks_change(
    day: str, hours: int, minutes_at_two: int
) -> None:
    start = epoch_ms(datetime.fromisoformat(day).replace(tzinfo=UTC)) - 24 * 3_600_000
    buckets = Counter(
        local_day(start + minute * 60_000, "Europe/Berlin") for minute in range(72 * 60)
    )
    changed = {hour: count for (on, hour), count in buckets.items() if on.isoformat() == day}
    assert sum(changed.values()) == hours * 60
    assert changed.get(2, 0) == minutes_at_two


def test_nothing_asked_means_four_weeks_up_to_the_workspaces_today() -> None:
    late = datetime(2026, 6, 15, 22, 30, tzinfo=UTC)
    berlin = choose_period(None, None, "Europe/Berlin", late)
    assert berlin == Period(date(2026, 5, 20), date(2026, 6, 16), "Europe/Berlin")
    assert len(berlin) == len(berlin.days()) == 28
    assert choose_period(None, None, "America/New_York", late).last == date(2026, 6, 15)


def test_one_day_given_means_up_to_today_or_the_four_weeks_before() -> None:
    today = date(2026, 6, 15)
    since = choose_period(date(2026, 6, 1), None, "UTC", NOON)
    assert (since.first, since.last) == (date(2026, 6, 1), today)
    until = choose_period(None, date(2026, 1, 28), "UTC", NOON)
    assert (until.first, until.last) == (date(2026, 1, 1), date(2026, 1, 28))
    ahead = choose_period(date(2026, 7, 1), None, "UTC", NOON)
    assert (ahead.first, ahead.last) == (date(2026, 7, 1), date(2026, 7, 1))
    earliest = choose_period(None, date(1, 1, 5), "UTC", NOON)
    assert earliest.first == date(1, 1, 1)


def test_days_in_the_wrong_order_name_the_field_to() -> None:
    with pytest.raises(Invalid, match="exchange the days") as caught:
        choose_period(date(2026, 2, 2), date(2026, 2, 1), "UTC", NOON)
    assert [problem.field for problem in caught.value.problems] == ["to"]


def test_a_period_has_at_most_ten_years() -> None:
    first = date(2016, 1, 1)
    assert len(choose_period(first, first + timedelta(MOST_DAYS - 1), "UTC", NOON)) == MOST_DAYS
    with pytest.raises(Invalid, match="3,661 days") as caught:
        choose_period(first, first + timedelta(MOST_DAYS), "UTC", NOON)
    assert [problem.field for problem in caught.value.problems] == ["from"]


@pytest.mark.parametrize(
    ("preset", "today", "days"),
    [
        ("28d", "2026-06-15", "2026-05-19 2026-06-15"),
        ("week", "2026-06-15", "2026-06-15 2026-06-15"),
        ("week", "2026-06-21", "2026-06-15 2026-06-21"),
        ("last_week", "2026-06-15", "2026-06-08 2026-06-14"),
        ("last_week", "2026-06-21", "2026-06-08 2026-06-14"),
        ("last_week", "2027-01-02", "2026-12-21 2026-12-27"),
        ("last_month", "2026-03-31", "2026-02-01 2026-02-28"),
        ("last_month", "2027-01-01", "2026-12-01 2026-12-31"),
        ("year", "2026-06-15", "2026-01-01 2026-06-15"),
        ("12m", "2028-02-29", "2027-03-01 2028-02-29"),
        ("fortnight", "2026-06-15", "2026-05-19 2026-06-15"),
    ],
)
def test_a_period_by_its_name_has_these_days(preset: str, today: str, days: str) -> None:
    first, last = days_of(preset, date.fromisoformat(today))
    assert f"{first} {last}" == days


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_last_week_is_a_week_from_monday_on_and_stands_beside_the_one_before(today: date) -> None:
    first, last = days_of("last_week", today)
    assert (first.isoweekday(), last.isoweekday(), len(Period(first, last, "UTC"))) == (1, 7, 7)
    assert timedelta(1) <= today - last <= timedelta(7)
    assert days_of("week", today)[0] == last + timedelta(1)
    assert weeks_before(Period(first, last, "UTC")) == Period(
        first - timedelta(7), last - timedelta(7), "UTC"
    )


def test_the_week_is_that_of_the_workspaces_clock() -> None:
    sunday_in_london = datetime(2026, 6, 14, 23, 30, tzinfo=UTC)
    asked = {"period": "last_week"}
    berlin = periods.chosen(asked, "Europe/Berlin", sunday_in_london).period
    assert berlin == Period(date(2026, 6, 8), date(2026, 6, 14), "Europe/Berlin")
    new_york = periods.chosen(asked, "America/New_York", sunday_in_london).period
    assert new_york == Period(date(2026, 6, 1), date(2026, 6, 7), "America/New_York")


def test_every_period_with_a_name_has_it_in_words() -> None:
    named = [periods.preset_name(preset) for preset in PRESETS]
    alone = [periods.rolling_name(preset) for preset in PRESETS]
    assert len(set(named)) == len(set(alone)) == len(PRESETS)
    assert USUAL in PRESETS


DAYS = st.none() | st.dates(date(2005, 1, 1), date(2040, 1, 1)) | st.dates()


@given(DAYS, DAYS, st.sampled_from(ZONES))
def test_whatever_is_asked_is_a_period_in_order_or_refused(
    first: date | None, last: date | None, zone: str
) -> None:
    today = day_of(NOON, zone)
    end = last or max(first or today, today)
    if first is not None and not 0 <= (end - first).days < MOST_DAYS:
        with pytest.raises(Invalid):
            choose_period(first, last, zone, NOON)
        return
    period = choose_period(first, last, zone, NOON)
    assert first in (None, period.first)
    assert period.last == end
    assert 1 <= len(period) <= MOST_DAYS
    assert [period.number(day) for day in period.days()] == list(range(len(period)))


def test_days_and_numbers_are_written_as_the_language_writes_them() -> None:
    with pytest.raises(Invalid, match="46,347 days, and a report covers at most 3,660") as caught:
        choose_period(date(1900, 1, 1), date(2026, 11, 22), "UTC", NOON)
    with speaking("de"):
        assert "46.347 Tage" in sentence(caught.value.problems[0])
    with pytest.raises(Invalid, match="ends on 2026-02-01, before it begins on 2026") as caught:
        choose_period(date(2026, 2, 2), date(2026, 2, 1), "UTC", NOON)
    with speaking("de"):
        assert "01.02.2026" in sentence(caught.value.problems[0])


@pytest.mark.parametrize(
    ("first", "last", "german", "english"),
    [
        (date(2026, 11, 1), date(2026, 11, 28), "01.–28.11.2026", "1–28 Nov 2026"),
        (date(2026, 10, 27), date(2026, 11, 28), "27.10. – 28.11.2026", "27 Oct – 28 Nov 2026"),
        (
            *(date(2025, 11, 29), date(2026, 11, 28)),
            *("29.11.2025 – 28.11.2026", "29 Nov 2025 – 28 Nov 2026"),
        ),
        (date(2026, 11, 1), date(2026, 11, 1), "01.11.2026", "1 Nov 2026"),
    ],
)
def test_a_span_has_one_form_of_date(first: date, last: date, german: str, english: str) -> None:
    """That of days that stand alone: never a month by name beside one by number."""
    for locale, wanted in (("de", german), ("en", english)):
        with speaking(locale):
            assert write_span(first, last) == wanted
            assert write_span(last, last) == write_day(last)


def test_a_span_leaves_the_year_out_only_where_both_days_have_it() -> None:
    november, december = date(2026, 11, 25), date(2026, 12, 31)
    for locale, same, other in (
        ("de", "25.11. – 31.12.", "31.12.2026 – 02.01.2027"),
        ("en", "25 Nov – 31 Dec", "31 Dec 2026 – 2 Jan 2027"),
    ):
        with speaking(locale):
            assert write_span(november, december, year=False) == same
            assert write_span(december, date(2027, 1, 2), year=False) == other
