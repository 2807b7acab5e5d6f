"""Links of a touchpoint side by side: who takes part, and what pages, files and the API say."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import openpyxl
import pypdfium2
import pytest
from cast import make_link, make_touchpoint
from people import Cast, everybody, text_of
from rollups import count
from test_shares import made, read

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.links.manage import LinkChanges, change_link, delete_link
from linkservice.reports.contested import MOST_LINKS, Contest
from linkservice.reports.touchpoints import touchpoint_detail

cast = pytest.fixture(everybody)

FIRST, LAST = date(2025, 10, 1), date(2025, 10, 28)
PERIOD = {"from": str(FIRST), "to": str(LAST)}
LATER = datetime(2025, 11, 3, tzinfo=UTC)
EARLY = datetime(2025, 9, 1, tzinfo=UTC)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 10, tzinfo=UTC)


@pytest.fixture
def poster(cast: Cast, database: Database) -> str:
    with database.transaction() as session:
        return make_touchpoint(session, cast.home, "Poster")


@pytest.fixture
def hang(cast: Cast, settings: Settings, database: Database, poster: str) -> Any:
    """Hangs up a link that brings so many visitors each day from a day on."""

    def hung(
        title: str,
        visitors: int,
        made: datetime = EARLY,
        first: date = FIRST,
        last: date = LAST,
        step: int = 1,
    ) -> str:
        with database.transaction() as session:
            link = make_link(session, settings, cast.home, touchpoint_id=poster, now=made)
            changes: LinkChanges = {"title": title}
            change_link(session, cast.home.actor, settings, str(link.id), changes, made)
            for number in range(0, (last - first).days + 1, step):
                day = first + timedelta(number)
                more = number * 7 % 3
                count(session, cast.home, link, day, visitors + more, touchpoint_id=poster)
            return str(link.id)

    return hung


@pytest.fixture
def contest(cast: Cast, database: Database, poster: str) -> Any:
    """The contest of a period."""

    def found(first: date = FIRST, last: date = LAST, now: datetime = LATER) -> Contest | None:
        with database.reading() as session:
            return touchpoint_detail(
                session, cast.home.actor, poster, first=first, last=last, now=now
            ).contest

    return found


@pytest.fixture
def change(cast: Cast, settings: Settings, database: Database) -> Any:
    def changed(link_id: str, now: datetime, wanted: LinkChanges) -> None:
        with database.transaction() as session:
            change_link(session, cast.home.actor, settings, link_id, wanted, now)

    return changed


def ids(found: Contest | None) -> list[str] | None:
    return None if found is None else [str(each.link_id) for each in found.links]


def test_every_door_says_which_poster_brings_more(
    cast: Cast, poster: str, hang: Any, contest: Any
) -> None:
    gipfel, regen = hang("Peak", 8), hang("Rain", 16)
    found = contest()
    assert ids(found) == [regen, gipfel]
    assert (found.period.first, found.period.last) == (FIRST, LAST)
    best, worst = found.links
    assert (best.verdict, worst.verdict) == ("best", "worst")
    assert (best.visitors, worst.visitors) == (16 * 28 + 27, 8 * 28 + 27)
    page = text_of(cast.vera.get(f"/reports/touchpoints/{poster}", **PERIOD))
    assert (
        "“Rain” certainly brings more visitors than “Peak”: 65% of both (95%: 62% to 69%)" in page
    )
    assert "Compared are the visitors of 1–28 Oct 2025, when all of them were there." in page
    assert "The share of each link in the visitors of all of them" in page
    path = f"/reports/touchpoints/{poster}"
    told = cast.vera.get(f"{path}/download", **PERIOD, format="json").json["contest"]
    assert [each["id"] for each in told["links"]] == [regen, gipfel]
    assert told["links"][0]["share"] == best.share
    assert told["period"]["from"] == str(FIRST)
    data = cast.vera.get(f"{path}/download", **PERIOD, format="xlsx").data
    sheet = openpyxl.load_workbook(io.BytesIO(data))["Links side by side"]
    rows = list(sheet.iter_rows(values_only=True))
    assert [row[2] for row in rows[1:]] == [regen, gipfel]
    assert rows[1][7] == best.share
    paper = pypdfium2.PdfDocument(cast.vera.get(f"{path}/paper", **PERIOD).data)
    words = " ".join(" ".join(each.get_textpage().get_text_bounded().split()) for each in paper)
    assert "“Rain” certainly brings more visitors" in words
    assert words.count("Links side by side") == 2  # the table, and how it was counted


def test_days_are_those_on_which_all_were_there(hang: Any, contest: Any) -> None:
    """Half a day is no day; before it was made a link has what was imported for it."""
    begun = FIRST + timedelta(9)
    hang("Peak", 8)
    hang("Rain", 12, made=noon(begun), first=begun)
    assert contest().period.first == begun
    late = FIRST + timedelta(3)
    hang("Sun", 9, made=noon(late), first=late + timedelta(1))
    found = contest()
    assert found.period.first == begun
    assert len(found.links) == 3


def test_a_link_that_nobody_saw_takes_no_part(hang: Any, contest: Any) -> None:
    """Whether it hung anywhere nobody knows."""
    hang("Peak", 8)
    hang("Rain", 0, first=LAST, last=FIRST)
    assert contest() is None


def test_a_link_that_hung_for_a_while_is_no_rival_for_the_rest(
    hang: Any, contest: Any, change: Any
) -> None:
    """A poster of Advent beside two that hang all year; it was made long before it hung."""
    first, last = date(2025, 1, 1), date(2025, 10, 28)
    made = noon(date(2024, 9, 1))
    usual = {hang(title, 8, made, first, last) for title in ("Peak", "Rain")}
    hang("Spring", 20, made, date(2025, 3, 1), date(2025, 4, 10))
    late = hang("Autumn", 20, made, date(2025, 9, 20), last)
    assert set(ids(contest(first, last))) == usual
    found = contest(date(2025, 9, 1), last)
    # It hangs since the 20th: from the next day on it is one of three.
    assert set(ids(found)) == {*usual, late}
    assert found.period.first == date(2025, 9, 21)


def test_seldom_is_not_silent(hang: Any, contest: Any) -> None:
    """A visitor every twelfth day, of a year and of four weeks."""
    first, made = date(2025, 1, 1), noon(date(2024, 9, 1))
    hang("Peak", 8, made, first)
    hang("Rain", 1, made, first, step=12)
    assert len(contest(first).links) == 2
    assert len(contest().links) == 2


def test_a_late_one_waits(hang: Any, contest: Any) -> None:
    early = {hang("Peak", 8), hang("Rain", 12)}
    late = FIRST + timedelta(20)
    hang("Sun", 50, made=noon(late), first=late)
    assert set(ids(contest())) == early
    assert contest().period.first == FIRST


def test_who_was_not_there_takes_no_part(hang: Any, contest: Any, change: Any, poster: str) -> None:
    links = [hang(title, 10) for title in ("A", "B", "C", "D", "E")]
    middle = noon(FIRST + timedelta(14))
    change(links[0], middle, {"active": False})
    change(links[1], middle, {"touchpoint_id": None})
    change(links[2], middle, {"expires_at": middle + timedelta(1)})
    change(links[3], middle, {"archived": True})
    assert ids(contest()) == links[3:]  # archived links go on redirecting
    change(links[0], middle + timedelta(2), {"active": True})
    assert set(ids(contest())) == set(links[3:])
    # What came before the break is its own again.
    assert set(ids(contest(last=FIRST + timedelta(13)))) == {links[0], *links[2:]}


def test_a_deleted_link_takes_no_part(
    cast: Cast, database: Database, hang: Any, contest: Any
) -> None:
    first, second = hang("A", 10), hang("B", 10)
    assert set(ids(contest())) == {first, second}
    with database.transaction() as session:
        delete_link(session, cast.home.actor, first, LATER)
    assert contest() is None


def test_where_there_is_no_contest(cast: Cast, poster: str, hang: Any, contest: Any) -> None:
    assert contest() is None
    hang("A", 10)
    assert contest() is None
    hang("B", 10)
    assert contest() is not None
    assert contest(last=FIRST + timedelta(12)) is None  # too few days
    for number in range(MOST_LINKS - 1):
        hang(f"C{number}", 10)
    assert contest() is None  # too many
    page = text_of(cast.vera.get(f"/reports/touchpoints/{poster}", **PERIOD))
    assert "Compared are the visitors" not in page
    told = cast.vera.get(f"/reports/touchpoints/{poster}/download", **PERIOD, format="json").json
    assert told["contest"] is None


def test_what_was_imported_of_the_time_before_counts(hang: Any, contest: Any) -> None:
    """Clicks of a year, for links that were made today."""
    now = noon(date(2025, 11, 2))
    hang("Peak", 8, made=now)
    hang("Rain", 12, made=now)
    assert contest().period.first == FIRST


def test_nothing_certain_is_said_to_be_so(cast: Cast, poster: str, hang: Any) -> None:
    hang("Peak", 8)
    hang("Rain", 9)
    page = text_of(cast.vera.get(f"/reports/touchpoints/{poster}", **PERIOD))
    assert "cannot be told yet: perhaps after about" in page
    assert "more visitors, or in a longer period." in page


def test_guests_are_shown_no_links(cast: Cast, database: Database, poster: str, hang: Any) -> None:
    hang("Peak", 8)
    hang("Rain", 16)
    now = datetime.now(UTC)
    days = {"first": FIRST, "last": LAST}
    token = made(cast.home, database, now, about="touchpoint", subject_id=poster, **days)
    page = text_of(read(cast, token))
    assert "Poster" in page
    assert "Rain" not in page
    assert "side by side" not in page
    paper = pypdfium2.PdfDocument(read(cast, token, form="pdf").data)
    words = " ".join(each.get_textpage().get_text_bounded() for each in paper)
    assert "Poster" in words
    assert "Rain" not in words
    assert "side by side" not in words
