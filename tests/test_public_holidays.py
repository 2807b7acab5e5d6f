"""Which days are unlike their weekday, and how a workspace says where it is."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from linkservice.errors import Invalid
from linkservice.fields import Problems
from linkservice.web.i18n import speaking
from linkservice.web.regions import region_groups, region_name
from linkservice.workspaces.public_holidays import (
    FreeDay,
    checked_region,
    countries,
    free_days,
    states,
)


def free(region: str, day: date) -> list[FreeDay]:
    return free_days(region, day, day, "de")


@pytest.mark.parametrize(
    ("region", "day", "name"),
    [
        ("DE", date(2025, 10, 3), "Tag der Deutschen Einheit"),
        ("DE-BW", date(2026, 6, 4), "Fronleichnam"),
        ("DE-BY", date(2026, 8, 15), "Mariä Himmelfahrt"),
        ("DE-SN", date(2026, 11, 18), "Buß- und Bettag"),
        ("AT", date(2026, 10, 26), "Nationalfeiertag"),
    ],
)
def test_public_holidays_are_free_and_named(region: str, day: date, name: str) -> None:
    assert free(region, day) == [FreeDay(day, "public_holiday", name)]


def test_states_differ() -> None:
    corpus_christi, reformation = date(2026, 6, 4), date(2025, 10, 31)
    assert free("DE-BE", corpus_christi) == free("DE", corpus_christi) == []
    assert free("DE-HH", reformation)[0].reason == "public_holiday"
    assert free("DE-BY", reformation) == []
    # Kept in a few places of these states alone.
    for state in ("DE-SN", "DE-TH"):
        assert free_days(state, corpus_christi, corpus_christi + timedelta(1)) == []


def test_the_days_between_the_years_are_free() -> None:
    found = free_days("DE-NW", date(2026, 12, 23), date(2027, 1, 2))
    first = date(2026, 12, 24)
    assert [each.date for each in found] == [first + timedelta(number) for number in range(9)]
    reasons = [each.reason for each in found]
    assert reasons.count("public_holiday") == 3
    assert reasons.count("between_years") == 6
    # Christmas is no holiday everywhere.
    assert free_days("TR", date(2026, 12, 23), date(2026, 12, 31)) == []


def test_a_day_between_a_holiday_and_a_weekend_is_free() -> None:
    ascension = date(2026, 5, 14)  # always a Thursday
    found = free_days("DE", ascension - timedelta(3), ascension + timedelta(4))
    assert [(each.date.day, each.reason) for each in found] == [
        (14, "public_holiday"),
        (15, "bridge_day"),
    ]


def test_names_are_told_in_the_language_asked_for() -> None:
    day = date(2025, 10, 3)
    assert free_days("DE", day, day)[0].name == "German Unity Day"
    assert free_days("DE", day, day, "de")[0].name == "Tag der Deutschen Einheit"


def test_without_a_region_no_day_is_free() -> None:
    assert free_days(None, date(2026, 12, 24), date(2026, 12, 26)) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [("de-by", "DE-BY"), (" AT ", "AT"), ("CH-zh", "CH-ZH"), ("", None), (None, None)],
)
def test_a_region_is_a_country_or_one_of_its_states(given: str | None, kept: str | None) -> None:
    problems = Problems()
    assert checked_region(problems, "holidays", given) == kept
    problems.raise_if_any()


@pytest.mark.parametrize("given", ["Bavaria", "DE-XX", "XX", "DE-", "-BY", "DEU", "__class__"])
def test_what_is_no_region_is_refused(given: str) -> None:
    problems = Problems()
    checked_region(problems, "holidays", given)
    if given == "DE-":  # a country all the same
        problems.raise_if_any()
        return
    with pytest.raises(Invalid) as error:
        problems.raise_if_any()
    (problem,) = error.value.problems
    assert problem.code == "bad_region"


def test_pages_offer_states_by_name_and_all_countries() -> None:
    with speaking("de"):
        germany, austria, _, others = region_groups(None)
        assert germany[0] == "Deutschland"
        assert ("DE-NW", "Nordrhein-Westfalen") in germany[1]
        assert ("AT-9", "Wien") in austria[1]
        assert ("FR", "Frankreich") in others[1]
        assert region_groups("FR-57")[0] == ("Jetzt eingestellt", [("FR-57", "FR-57")])
        assert region_groups("DE-BY")[0] == germany
        assert region_name("DE-BY") == "Deutschland, Bayern"
    with speaking("en"):
        assert region_name("AT") == "Austria"
        assert region_name("DE-BY") == "Germany, Bavaria"
        names = dict(region_groups(None)[0][1])
        assert names["DE-NW"] == "North Rhine-Westphalia"
        assert names["DE-HH"] == "Hamburg"


def test_every_country_has_holidays_and_states_that_can_be_chosen() -> None:
    assert len(countries()) > 150
    for country in ("DE", "AT", "CH", "US", "GB"):
        assert len(states(country)) == len({code for code, _ in states(country)})
        problems = Problems()
        assert all(
            checked_region(problems, "holidays", code) == code for code, _ in states(country)
        )
        problems.raise_if_any()
