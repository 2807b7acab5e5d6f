"""The list of links: which match, in which order, page by page, and as CSV."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from cast import NOW, Home, make_home, make_touchpoint
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rollups import COUNTERS
from sqlalchemy import text
from sqlalchemy.orm import Session

from linkservice import schema
from linkservice.clicks.model import LinkDay
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Conflict, Forbidden, Invalid
from linkservice.journeys.campaigns import create_campaign
from linkservice.journeys.model import Stage, Touchpoint
from linkservice.links.counts import campaign_counts, touchpoint_counts
from linkservice.links.listing import (
    STATES,
    LinkFilter,
    list_links,
    matching_ids,
    state_of,
)
from linkservice.links.manage import (
    LinkChanges,
    NewLink,
    archive_link,
    change_link,
    create_link,
    delete_link,
)
from linkservice.links.model import Link
from linkservice.links.tags import (
    create_tag,
    delete_tag,
    restore_tag,
    tags_of,
    tags_with_counts,
)
from linkservice.reports.link_list import CSV_HEAD, SORTS, LinkPage, link_csv, link_page
from linkservice.workspaces.access import Actor

TODAY = NOW.date()


@dataclass
class Desk:
    """Ada at work in one transaction; Cleo has a link of her own."""

    session: Session
    settings: Settings
    home: Home
    cleo: Home

    def link(self, slug: str, days: int = 0, **fields: object) -> Link:
        new = NewLink(f"https://example.com/{slug}", slug=slug, **fields)  # type: ignore[arg-type]  # the test names the fields
        moment = NOW + timedelta(days=days)
        return create_link(self.session, self.home.actor, self.settings, new, moment).link

    def change(self, link: Link, days: int = 0, **wanted: object) -> None:
        changes: LinkChanges = wanted  # type: ignore[assignment]  # the test names the fields
        moment = NOW + timedelta(days=days)
        change_link(self.session, self.home.actor, self.settings, str(link.id), changes, moment)

    def clicks(self, link: Link, count: int, day: date = TODAY) -> None:
        self.session.add(roll_up(self.home, link, count, day))
        self.session.flush()

    def page(self, sort: str = "newest", **asked: object) -> LinkPage:
        limit, cursor = asked.pop("limit", 50), asked.pop("cursor", None)
        return link_page(
            self.session,
            self.home.actor,
            LinkFilter(**asked),  # type: ignore[arg-type]  # the test names the fields
            sort=sort,
            limit=limit,  # type: ignore[arg-type]  # taken out of the fields above
            cursor=cursor,  # type: ignore[arg-type]  # taken out of the fields above
            now=NOW,
        )

    def slugs(self, sort: str = "newest", **asked: object) -> list[str]:
        page = self.page(sort, **asked)
        assert page.total == len(page.rows)
        return [row.view.link.slug for row in page.rows]

    def csv(self, **asked: object) -> list[list[str]]:
        rows = link_csv(
            self.session,
            self.home.actor,
            self.settings,
            LinkFilter(**asked),  # type: ignore[arg-type]  # the test names the fields
            now=NOW,
        )
        file = io.StringIO()
        csv.writer(file).writerows(rows)
        return list(csv.reader(io.StringIO(file.getvalue())))


def roll_up(home: Home, link: Link, clicks: int, day: date) -> LinkDay:
    counts = dict.fromkeys(COUNTERS, 0) | {"clicks": clicks}
    return LinkDay(
        link_id=link.id,
        local_date=day,
        touchpoint_id=link.touchpoint_id or 0,
        workspace_id=home.workspace_id,
        **counts,
    )


@pytest.fixture
def desk(database: Database, settings: Settings) -> Iterator[Desk]:
    with database.transaction() as session:
        home = make_home(session, settings)
        cleo = make_home(session, settings, host="go.cleo.example")
        create_link(session, cleo.actor, settings, NewLink("https://example.com/hers"), NOW)
        yield Desk(session, settings, home, cleo)


def test_each_link_is_in_one_state(desk: Desk) -> None:
    live = desk.link("live", expires_at=NOW + timedelta(days=1))
    paused = desk.link("paused", expires_at=NOW)
    desk.change(paused, active=False)
    expired = desk.link("expired", expires_at=NOW)
    archived = desk.link("archived")
    desk.change(archived, active=False, archived=True)
    deleted = desk.link("deleted")
    archive_link(desk.session, desk.home.actor, str(deleted.id), NOW)
    delete_link(desk.session, desk.home.actor, str(deleted.id), NOW)
    for link in (live, paused, expired, archived, deleted):
        assert state_of(link, NOW) == link.slug
        assert desk.slugs(state=link.slug) == [link.slug]
        assert desk.page(state=link.slug).rows[0].state == link.slug
    assert desk.slugs() == ["expired", "paused", "live"]
    assert desk.slugs(state="all") == ["archived", "expired", "paused", "live"]
    with pytest.raises(Invalid) as error:
        desk.page(state="gone")
    assert error.value.problems[0].field == "state"


def test_links_are_found_by_where_they_stand(desk: Desk) -> None:
    here = make_touchpoint(desk.session, desk.home, "Plakat")
    there = make_touchpoint(desk.session, desk.home, "Flyer")
    campaign = create_campaign(desk.session, desk.home.actor, "Herbst", NOW)
    one = desk.link("eins", touchpoint_id=here, campaign_id=str(campaign.id), tags=["a"])
    two = desk.link("zwei", touchpoint_id=there)
    desk.link("drei")
    stage = desk.session.get_one(Stage, desk.session.get_one(Touchpoint, int(here)).stage_id)
    assert desk.slugs(stage_id=str(stage.id)) == desk.slugs(journey_id=str(stage.journey_id))
    assert desk.slugs(stage_id=str(stage.id)) == desk.slugs(touchpoint_id=here) == ["eins"]
    assert desk.slugs(tag="a") == desk.slugs(campaign_id=str(campaign.id)) == ["eins"]
    assert desk.slugs(ids=[str(one.id), str(two.id), "x"]) == ["zwei", "eins"]
    assert desk.slugs(ids=[]) == desk.slugs(stage_id="x") == desk.slugs(journey_id="999") == []
    row = desk.page(touchpoint_id=here).rows[0]
    assert row.place is not None
    assert (row.place.touchpoint, row.place.stage, row.place.journey, row.campaign) == (
        "Plakat",
        "Awareness",
        "Journey of Plakat",
        "Herbst",
    )
    assert row.view.tags == ["a"]
    with pytest.raises(Invalid):
        desk.page(ids=["1"] * 1001)


def test_a_search_knows_neither_case_nor_accents(desk: Desk) -> None:
    desk.link("s1", title="Größe & ÄPFEL")
    desk.link("Straße")
    for q in ("GRÖẞE", "große", "grosse", "apfel", "Äpfel", "EXAMPLE.com/S1"):
        assert desk.slugs(q=q) == ["s1"], q
    assert desk.slugs(q="STRASSE") == ["Straße"]
    assert desk.slugs(q="%") == ["Straße"]  # its destination is percent-encoded
    assert desk.page(q="hers").total == 0


def test_every_order_has_its_sense(desk: Desk) -> None:
    zebra = desk.link("a", 0, title="Zebra")
    apple = desk.link("z", 1, title="Äpfel")
    untitled = desk.link("Mitte", 2)
    desk.change(zebra, 5, active=False)
    desk.clicks(untitled, 3)
    desk.clicks(apple, 2)
    desk.clicks(apple, 2, TODAY - timedelta(days=29))
    desk.clicks(zebra, 99, TODAY - timedelta(days=30))
    assert desk.slugs("newest") == ["Mitte", "z", "a"]
    assert desk.slugs("name") == ["z", "Mitte", "a"]
    assert desk.slugs("clicks") == ["z", "Mitte", "a"]
    assert desk.slugs("changed") == ["a", "Mitte", "z"]
    with pytest.raises(Invalid) as error:
        desk.page("dearest", limit=0)
    assert {problem.field for problem in error.value.problems} == {"sort", "limit"}


def test_a_row_has_its_clicks_of_thirty_days(desk: Desk) -> None:
    link = desk.link("a")
    desk.clicks(link, 4)
    desk.clicks(link, 3, TODAY - timedelta(days=29))
    desk.clicks(link, 50, TODAY - timedelta(days=30))
    (row,) = desk.page().rows
    assert row.series == [3, *[0] * 28, 4]
    assert row.clicks == 7


@hypothesis_settings(max_examples=12)
@given(
    links=st.lists(
        st.tuples(st.sampled_from(["", "a", "Ä", "b"]), st.integers(0, 2), st.integers(0, 1)),
        max_size=5,
    ),
    sort=st.sampled_from(SORTS),
    limit=st.integers(1, 4),
    q=st.sampled_from([None, "example"]),
)
def test_pages_hold_every_link_once_in_the_lists_order(
    desk: Desk, links: list[tuple[str, int, int]], sort: str, limit: int, q: str | None
) -> None:
    with desk.session.begin_nested() as attempt:
        for number, (title, clicks, day) in enumerate(links):
            link = desk.link(f"slug-{number}", day, title=title)
            if clicks:
                desk.clicks(link, clicks - 1)
        whole = desk.page(sort, q=q)
        seen, cursor = [], None
        while True:
            page = desk.page(sort, limit=limit, cursor=cursor, q=q)
            assert page.total == len(links)
            seen += [row.view.link.id for row in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == [row.view.link.id for row in whole.rows]
        assert len(seen) == len(links)
        attempt.rollback()


def test_a_page_goes_on_where_the_last_one_ended_though_links_were_made(desk: Desk) -> None:
    for number in range(4):
        desk.link(f"n{number}", number)
    first = desk.page(limit=2)
    desk.link("neu", 9)
    delete_link(desk.session, desk.home.actor, str(first.rows[1].view.link.id), NOW)
    second = desk.page(limit=2, cursor=first.next_cursor)
    assert [row.view.link.slug for row in second.rows] == ["n1", "n0"]
    assert (second.total, second.next_cursor) == (4, None)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "ä",
        "W10",
        "\0",
        "A" * 5000,
        "W1tbW1tbW1tb",
        "WyJuZXdlc3QiLDEsMF0",  # ["newest",1,0]
        "WyJuZXdlc3QiLC0xLDFd",  # ["newest",-1,1]
        "WyJuZXdlc3QiLHRydWUsMV0",  # ["newest",true,1]
        "WyJuZXdlc3QiLDkyMjMzNzIwMzY4NTQ3NzU4MDcsMV0",  # ["newest",9223372036854775807,1]
        "WyJuYW1lIiwiYSIsMV0",  # ["name","a",1]
    ],
)
def test_a_bad_cursor_is_refused(desk: Desk, cursor: str) -> None:
    with pytest.raises(Invalid) as error:
        desk.page(cursor=cursor)
    assert [(problem.field, problem.code) for problem in error.value.problems] == [
        ("cursor", "bad_cursor")
    ]


@given(cursor=st.text(max_size=60), sort=st.sampled_from(SORTS))
def test_any_text_is_a_cursor_or_refused(desk: Desk, cursor: str, sort: str) -> None:
    with suppress(Invalid):
        desk.page(sort, cursor=cursor)


@pytest.mark.parametrize("name", ["\\u0000", "\\ud800"])
def test_a_cursor_holds_text_only(desk: Desk, name: str) -> None:
    cursor = base64.urlsafe_b64encode(f'["name","{name}",1]'.encode()).decode()
    with pytest.raises(Invalid):
        desk.page("name", cursor=cursor)


def test_the_csv_holds_all_that_match_and_no_formula(desk: Desk) -> None:
    touchpoint_id = make_touchpoint(desk.session, desk.home, "@Plakat")
    link = desk.link("eins", title="=1+1", touchpoint_id=touchpoint_id, tags=["a", "b"])
    desk.clicks(link, 5)
    desk.link("zwei", title="Äpfel, Öl")
    desk.change(desk.link("drei"), archived=True)
    head, two, one = desk.csv()
    assert head == list(CSV_HEAD)
    assert dict(zip(head, one, strict=True)) == {
        "short_url": "http://127.0.0.1:8001/eins",
        "scan_url": "HTTP://127.0.0.1:8001/Q/EINS",
        "destination": "https://example.com/eins",
        "title": "'=1+1",
        "touchpoint": "'@Plakat",
        "stage": "Awareness",
        "journey": "Journey of @Plakat",
        "campaign": "",
        "tags": "a, b",
        "state": "live",
        "created_at": "2026-11-20T12:00:00+00:00",
        "clicks_30_days": "5",
    }
    assert two[3] == "Äpfel, Öl"
    assert [row[1] for row in desk.csv(state="archived")[1:]] == ["HTTP://127.0.0.1:8001/Q/DREI"]


@pytest.mark.parametrize("sort", SORTS)
def test_the_csv_is_longer_than_a_page_and_in_its_order(
    desk: Desk, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linkservice.reports.link_list.CSV_ROWS_AT_ONCE", 2)
    for number in range(7):
        link = desk.link(f"n{number}", title="t" * (number % 3))
        if number % 2:
            desk.clicks(link, number)
    rows = link_csv(desk.session, desk.home.actor, desk.settings, LinkFilter(), sort=sort, now=NOW)
    listed = [row.view.link.destination for row in desk.page(sort).rows]
    assert [row[2] for row in rows] == ["destination", *listed]


def test_wrong_questions_to_the_csv_are_refused_before_its_first_line(desk: Desk) -> None:
    with pytest.raises(Invalid):
        link_csv(
            desk.session, desk.home.actor, desk.settings, LinkFilter(), sort="dearest", now=NOW
        )
    with pytest.raises(Invalid):
        desk.csv(q="a\0")


def test_who_may_not_read_links_or_reports_sees_no_list(desk: Desk) -> None:
    for scope in ("links:read", "reports:read"):
        actor = Actor(desk.home.workspace_id, "someone", frozenset({scope}))
        with pytest.raises(Forbidden):
            link_page(desk.session, actor, LinkFilter(), now=NOW)
        with pytest.raises(Forbidden):
            link_csv(desk.session, actor, desk.settings, LinkFilter(), now=NOW)
    nobody = Actor(desk.home.workspace_id, "nobody", frozenset())
    for question in (tags_with_counts, campaign_counts, touchpoint_counts):
        with pytest.raises(Forbidden):
            question(desk.session, nobody)
    with pytest.raises(Forbidden):
        matching_ids(desk.session, nobody, LinkFilter(), NOW, limit=1)


def test_all_matches_can_be_chosen(desk: Desk) -> None:
    links = [desk.link(f"n{number}", tags=["a"]) for number in range(3)]
    wanted = LinkFilter(tag="a")
    found = matching_ids(desk.session, desk.home.actor, wanted, NOW, limit=2)
    assert found == [str(links[2].id), str(links[1].id)]


def test_what_is_asked_of_the_api_lists_archived_links_too(desk: Desk) -> None:
    desk.change(desk.link("alt"), archived=True)
    views = list_links(
        desk.session, desk.home.actor, LinkFilter(state="all"), before=None, limit=9, now=NOW
    )
    assert [view.link.slug for view in views] == ["alt"]


def test_tags_campaigns_and_touchpoints_count_their_links(desk: Desk) -> None:
    touchpoint_id = make_touchpoint(desk.session, desk.home)
    campaign = create_campaign(desk.session, desk.home.actor, "Herbst", NOW)
    own = {"touchpoint_id": touchpoint_id, "campaign_id": str(campaign.id)}
    desk.link("a", tags=["x", "Y"], **own)
    desk.change(desk.link("b", tags=["x"], **own), archived=True)
    gone = desk.link("c", tags=["x"], **own)
    delete_link(desk.session, desk.home.actor, str(gone.id), NOW)
    create_tag(desk.session, desk.home.actor, "leer", NOW)
    create_tag(desk.session, desk.cleo.actor, "hers", NOW)
    actor = desk.home.actor
    counted = tags_with_counts(desk.session, actor)
    assert [(each.tag.name, each.links) for each in counted] == [("leer", 0), ("x", 2), ("Y", 1)]
    assert campaign_counts(desk.session, actor) == {campaign.id: 2}
    assert touchpoint_counts(desk.session, actor) == {int(touchpoint_id): 2}


def test_a_deleted_tag_comes_back_to_the_links_that_are_still_there(desk: Desk) -> None:
    actor = desk.home.actor
    link = desk.link("a", tags=["x", "y"])
    tag_id = next(
        str(each.tag.id) for each in tags_with_counts(desk.session, actor) if each.tag.name == "x"
    )
    gone = delete_tag(desk.session, actor, tag_id, NOW)
    desk.session.expire_all()
    assert (gone.name, gone.link_ids) == ("x", [str(link.id)])
    assert tags_of(desk.session, [link.id]) == {link.id: ["y"]}
    (hers,) = matching_ids(desk.session, desk.cleo.actor, LinkFilter(), NOW, limit=9)
    restore_tag(desk.session, actor, "x", [*gone.link_ids, hers, "999", "x"], NOW)
    assert tags_of(desk.session, [link.id, int(hers)]) == {link.id: ["x", "y"], int(hers): []}
    with pytest.raises(Conflict):
        restore_tag(desk.session, actor, "x", [], NOW)


def test_every_state_can_be_asked_for_with_every_order(desk: Desk) -> None:
    desk.clicks(desk.link("a"), 1)
    for state in STATES:
        for sort in SORTS:
            assert desk.page(sort, state=state).total == (state in ("current", "live", "all"))


def test_links_made_before_lists_had_names_are_found_and_sorted(empty_url: str) -> None:
    database = Database(empty_url)
    schema.upgrade(database, "0001")
    with database.writing_connection() as connection:
        for statement in _OLD_ROWS:
            connection.execute(text(statement))
    schema.upgrade(database)
    with database.reading() as session:
        actor = Actor(1, "ada", frozenset({"admin"}))
        page = link_page(session, actor, LinkFilter(), sort="name", now=NOW)
        assert [row.view.link.slug for row in page.rows] == ["a", "Mitte", "z"]
        found = link_page(session, actor, LinkFilter(q="ÄPFEL"), now=NOW)
        assert [row.view.link.slug for row in found.rows] == ["a"]
    schema.downgrade(database, "0001")
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM links")) == 3
    database.close()


_OLD_ROWS = (
    "INSERT INTO workspaces (id, name, time_zone, locale, brand_colour, created_at) VALUES "
    "(1, 'W', 'Europe/Berlin', 'de', '#000000', '2026-01-01')",
    "INSERT INTO domains (id, workspace_id, host, created_at) "
    "VALUES (1, 1, 'go.marke.example', '2026-01-01')",
    *(
        "INSERT INTO links (id, workspace_id, domain_id, slug, slug_key, destination, title, "
        "forward_query, active, version, created_at, updated_at) VALUES "
        f"({number}, 1, 1, '{slug}', '{slug.lower()}', 'https://example.com/', '{title}', false, "
        "true, 1, '2026-01-01', '2026-01-01')"
        for number, (slug, title) in enumerate((("z", "Zebra"), ("a", "Äpfel"), ("Mitte", "")), 1)
    ),
)
