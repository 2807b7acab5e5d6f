"""Reports by e-mail: on which days, to whom, what they say, and that each is sent once."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from html import unescape
from urllib.parse import urlsplit

import pytest
from belongings import on_one_engine
from cast import Home, make_home, make_link, make_touchpoint
from conftest import ENGINES
from flask import Flask
from installed import installed
from mailserver import Given, mail_server
from people import COMPILED, Browser, text_of
from rollups import count
from sqlalchemy import func, select
from terminal import done, refused

from linkservice.app import close_app, create_app
from linkservice.config import PREFIX, Settings, load
from linkservice.conversions.counts import NewCount, import_counts
from linkservice.database import Database
from linkservice.errors import Failed, Invalid
from linkservice.journeys.costs import NewCost, Subject, add_cost
from linkservice.journeys.model import Touchpoint
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.reports import posting
from linkservice.reports.annotations import NewAnnotation, add_annotation
from linkservice.reports.digest import before_letter, digest_of
from linkservice.reports.letters import (
    OFF,
    RHYTHMS,
    Rhythm,
    choose_letters,
    is_due,
    is_too_late,
    last_due,
    letters_of,
    next_due,
    period_of_letter,
    recipient_of,
    way_out,
)
from linkservice.reports.model import LetterSubscription
from linkservice.reports.queries import touchpoint_report
from linkservice.reports.trend import Counts
from linkservice.web.i18n import speaking
from linkservice.web.letters import as_text, words_of
from linkservice.web.postman import Postman, Round
from linkservice.web.service import addresses
from linkservice.workspaces import members, sessions
from linkservice.workspaces.access import Actor
from linkservice.workspaces.accounts import add_user
from linkservice.workspaces.keys import create_key
from linkservice.workspaces.model import Member, User, Workspace

SUNDAY = date(2025, 6, 15)
MADE = datetime(2025, 1, 6, tzinfo=UTC)
ASKED = datetime(2025, 6, 12, 12, tzinfo=UTC)  # a Thursday
BEFORE = datetime(2025, 6, 16, 4, 59, 59, tzinfo=UTC)  # Monday, a second to seven in Berlin
NOW = datetime(2025, 6, 16, 5, tzinfo=UTC)
WEEK = timedelta(days=7)
FROM = "Müller GmbH <linkservice@example.com>"


@dataclass
class Clock:
    """What the postman's watch shows."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Office:
    """Ada's shop with Vera, who reads German, and Ben, who reads English; and its postman."""

    settings: Settings
    database: Database
    actor: Actor
    given: Given
    members: dict[str, int]
    desk: Flask
    clock: Clock = field(default_factory=Clock)
    apps: list[Flask] = field(default_factory=list)

    @property
    def app(self) -> Flask:
        """The pages of this office, once somebody looks at them."""
        if not self.apps:
            self.apps.append(create_app(self.settings))
            self.apps[0].jinja_env.bytecode_cache = COMPILED
        return self.apps[0]

    def postman(self, database: Database | None = None) -> Postman:
        # Templates and addresses are the same in every office.
        return Postman(
            self.settings,
            database or self.database,
            self.desk.jinja_env,
            addresses(self.desk),
            self.desk.extensions["counters"],
            self.clock,
        )

    def choose(self, name: str, wish: str, now: datetime = ASKED) -> None:
        with self.database.transaction() as session:
            choose_letters(session, session.get_one(Member, self.members[name]), wish, now)

    def due_on(self, name: str) -> date | None:
        with self.database.reading() as session:
            found = letters_of(session, session.get_one(Member, self.members[name]))
            return None if found is None else found.due_on

    def browser(self, name: str) -> Browser:
        with self.database.transaction() as session:
            user = session.get_one(User, session.get_one(Member, self.members[name]).user_id)
            token = sessions.start(session, user, "Firefox, Linux", datetime.now(UTC))
        return Browser(self.app, self.settings, token)

    def letter_to(self, name: str) -> EmailMessage:
        return next(each for each in self.given.letters if each["To"] == f"{name}@example.com")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    app = create_app(load({}, data_dir=tmp_path_factory.mktemp("desk")))
    app.jinja_env.bytecode_cache = COMPILED
    yield app
    close_app(app)


@pytest.fixture
def office(settings: Settings, database: Database, desk: Flask) -> Iterator[Office]:
    yield from open_office(settings, database, desk)


def open_office(settings: Settings, database: Database, desk: Flask) -> Iterator[Office]:
    with mail_server() as given:
        settings = replace(settings, smtp_url=given.url, mail_from=FROM)
        with database.transaction() as session:
            home = make_home(session, settings, now=MADE)
            workspace = session.get_one(Workspace, home.workspace_id)
            workspace.name, workspace.set_up_at = "Müller & Töchter", MADE
            people = {}
            for name, role, locale in (
                ("ada", "owner", None),
                ("vera", "viewer", None),
                ("ben", "editor", "en"),
            ):
                member = add_user(session, workspace, f"{name}@example.com", role, MADE)
                session.get_one(User, member.user_id).locale = locale
                people[name] = member.id
        office = Office(settings, database, home.actor, given, people, desk)
        yield office
        for app in office.apps:
            close_app(app)


@pytest.fixture(scope="module", params=ENGINES)
def posted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, desk: Flask
) -> Iterator[Office]:
    """One with figures, whose letters to Ben and Vera are sent; read by all, changed by none."""
    with installed(request, tmp_path_factory) as (settings, database):
        for office in open_office(settings, database, desk):
            furnish(office)
            for name in ("ben", "vera"):
                office.choose(name, "weekly")
            assert office.postman().send_due() == Round(sent=2)
            yield office


def furnish(office: Office) -> None:
    """Six posters for 13 weeks, which cost the same: one strong, one weak, one that nearly stopped
    on the last days.
    """
    usual = dict.fromkeys(("Café “Süd”", "D", "E", "F"), 40) | {"Strong": 90, "Weak": 5}
    home = Home(office.actor.workspace_id, 0, "", office.actor)
    noted = NewAnnotation(SUNDAY - timedelta(days=2), "Radio spot")
    with office.database.transaction() as session:
        add_annotation(session, office.actor, noted, MADE)
        for name, visitors in usual.items():
            touchpoint = make_touchpoint(session, home, name, MADE)
            link = make_link(session, office.settings, home, touchpoint_id=touchpoint, now=MADE)
            span = NewReach(SUNDAY - timedelta(days=90), 91_000, "printed", SUNDAY)
            add_reach(session, office.actor, touchpoint, span, MADE)
            spent = NewCost(SUNDAY - timedelta(days=27), 840_00, "EUR", SUNDAY)
            add_cost(session, office.actor, Subject("touchpoint", touchpoint), spent, MADE)
            for number in range(91):
                day = SUNDAY - timedelta(days=number)
                came = 2 if name == "F" and number < 3 else visitors + number % 3
                count(session, home, link, day, came, touchpoint_id=touchpoint, robots=1, scans=2)


# Days


@pytest.mark.parametrize(
    ("rhythm", "after", "due", "first", "last"),
    [
        ("weekly", date(2025, 6, 12), date(2025, 6, 16), date(2025, 6, 9), date(2025, 6, 15)),
        ("weekly", date(2025, 6, 16), date(2025, 6, 23), date(2025, 6, 16), date(2025, 6, 22)),
        ("monthly", date(2025, 1, 31), date(2025, 2, 1), date(2025, 1, 1), date(2025, 1, 31)),
        ("monthly", date(2024, 2, 1), date(2024, 3, 1), date(2024, 2, 1), date(2024, 2, 29)),
        ("monthly", date(2024, 12, 31), date(2025, 1, 1), date(2024, 12, 1), date(2024, 12, 31)),
    ],
)
def test_each_letter_is_about_the_week_or_month_before(
    rhythm: Rhythm, after: date, due: date, first: date, last: date
) -> None:
    assert next_due(rhythm, after) == due
    period = period_of_letter(rhythm, due, "Europe/Berlin")
    assert (period.first, period.last) == (first, last)


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_no_day_is_in_two_letters_or_in_none(rhythm: Rhythm) -> None:
    due = next_due(rhythm, date(2023, 12, 1))
    for _ in range(60):
        following = next_due(rhythm, due)
        period = period_of_letter(rhythm, following, "UTC")
        assert (period.first, period.last) == (due, following - timedelta(days=1))
        assert {last_due(rhythm, day) for day in period.days()} == {due}
        due = following


def test_it_is_due_at_seven_on_the_workspaces_clock() -> None:
    monday = date(2025, 6, 16)
    assert not is_due(monday, "Europe/Berlin", BEFORE)
    assert is_due(monday, "Europe/Berlin", NOW)
    assert is_due(monday, "Pacific/Kiritimati", datetime(2025, 6, 15, 17, tzinfo=UTC))
    assert not is_due(monday, "America/New_York", NOW)
    # On the day the clocks change it is seven all the same.
    assert is_due(date(2025, 3, 30), "Europe/Berlin", datetime(2025, 3, 30, 5, tzinfo=UTC))
    assert not is_due(date(2025, 3, 30), "Europe/Berlin", datetime(2025, 3, 30, 4, 59, tzinfo=UTC))
    thursday = datetime(2025, 6, 19, 21, 59, tzinfo=UTC)
    assert not is_too_late("weekly", monday, "Europe/Berlin", thursday)
    assert is_too_late("weekly", monday, "Europe/Berlin", thursday + timedelta(minutes=1))
    assert not is_too_late("monthly", monday, "Europe/Berlin", thursday + WEEK)


# Who gets them


@on_one_engine
def test_the_first_letter_comes_on_the_next_due_day(office: Office) -> None:
    office.choose("vera", "weekly")
    assert office.due_on("vera") == date(2025, 6, 16)
    office.choose("vera", "weekly", NOW)  # chosen already: nothing changes
    assert office.due_on("vera") == date(2025, 6, 16)
    office.choose("vera", "monthly", NOW)
    assert office.due_on("vera") == date(2025, 7, 1)
    # Of the day it is asked for none is sent: it may have been already.
    office.choose("vera", "weekly", BEFORE)
    assert office.due_on("vera") == date(2025, 6, 23)
    office.choose("vera", OFF)
    office.choose("vera", OFF)
    assert office.due_on("vera") is None
    with pytest.raises(Invalid):
        office.choose("vera", "hourly")


@on_one_engine
def test_who_leaves_gets_none(office: Office) -> None:
    office.choose("ben", "weekly")
    with office.database.transaction() as session:
        members.remove_member(session, office.actor, str(office.members["ben"]), ASKED)
    assert office.postman().send_due() == Round()
    with office.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(LetterSubscription)) == 0


# Sent once


def test_a_letter_is_sent_once_and_the_next_one_a_week_later(office: Office) -> None:
    office.choose("vera", "weekly")
    office.clock.now = BEFORE
    postman = office.postman()
    assert postman.send_due() == Round()
    office.clock.now = NOW
    assert postman.send_due() == Round(sent=1)
    assert office.given.recipients == ["vera@example.com"]
    for _ in range(3):
        assert postman.send_due() == Round()
    office.clock.now = NOW + WEEK
    assert postman.send_due() == Round(sent=1)
    ids = {letter["Message-ID"] for letter in office.given.letters}
    assert len(ids) == len(office.given.letters) == 2
    assert office.due_on("vera") == date(2025, 6, 30)


def test_of_several_at_once_one_sends(office: Office) -> None:
    """Each with a database connection of its own, as processes have."""
    for name in ("ben", "vera"):
        office.choose(name, "weekly")
    databases = [Database(office.settings.database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        rounds = list(pool.map(lambda each: office.postman(each).send_due(), databases))
    for each in databases:
        each.close()
    assert sum(each.sent for each in rounds) == 2
    assert sorted(office.given.recipients) == ["ben@example.com", "vera@example.com"]


def test_of_many_that_claim_a_letter_one_has_it(office: Office) -> None:
    office.choose("vera", "weekly")
    with office.database.reading() as session:
        (due,) = posting.due_letters(session, NOW)
    databases = [Database(office.settings.database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(lambda each: posting.claim(each, due, NOW), databases * 5))
    for each in databases:
        each.close()
    (claim,) = [each for each in claims if each is not None]
    with office.database.reading() as session:
        assert posting.due_letters(session, NOW) == []
    assert posting.note_sent(office.database, claim, NOW)
    assert not posting.note_sent(office.database, claim, NOW)


def test_what_died_between_the_server_and_the_database_comes_again_as_a_copy(
    office: Office,
) -> None:
    """The server has the letter, the process is gone before it is written down."""
    office.choose("vera", "weekly")
    postman = office.postman()

    def died(*arguments: object) -> bool:
        raise SystemExit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(posting, "note_sent", died)
        with pytest.raises(SystemExit):
            postman.send_due()
    assert postman.send_due() == Round()  # claimed by the one that died
    office.clock.now = NOW + posting.LEASE
    assert postman.send_due() == Round(sent=1)
    first, second = office.given.letters
    assert first["Message-ID"] == second["Message-ID"]
    assert postman.send_due() == Round()


def test_a_claim_that_lapsed_is_not_sent_and_not_written_down(office: Office) -> None:
    """A process that was stopped for an hour finds that its letter is another's."""
    office.choose("vera", "weekly")
    with office.database.reading() as session:
        (due,) = posting.due_letters(session, NOW)
    old = posting.claim(office.database, due, NOW)
    assert old is not None
    later = NOW + timedelta(hours=1)
    new = posting.claim(office.database, due, later)
    assert new is not None
    assert not posting.note_sent(office.database, old, later)
    assert not posting.note_failed(office.database, old, later)
    assert posting.note_sent(office.database, new, later)


# When it cannot be sent


@on_one_engine
def test_while_the_mail_server_is_away_letters_wait(office: Office) -> None:
    office.choose("vera", "weekly")
    away = replace(office.settings, smtp_url="smtp://127.0.0.2:9")
    here, office.settings = office.settings, away
    with pytest.raises(Failed, match="mail server"):
        office.postman().send_due()
    office.settings = here
    assert office.postman().send_due() == Round(sent=1)


@on_one_engine
def test_a_refused_letter_is_tried_again_later_and_the_others_go(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("ben", "vera"):
        office.choose(name, "weekly")
    with mail_server(refuses="ben@example.com") as given, caplog.at_level(logging.INFO):
        office.settings = replace(office.settings, smtp_url=given.url)
        postman = office.postman()
        assert postman.send_due() == Round(sent=1, failed=1)
        assert postman.send_due() == Round()
        waited = timedelta()
        for pause in (5, 15, 45, 135):
            waited += timedelta(minutes=pause)
            office.clock.now = NOW + waited - timedelta(seconds=1)
            assert postman.send_due() == Round()
            office.clock.now = NOW + waited
            assert postman.send_due() == Round(failed=1)
        assert [letter["To"] for letter in given.letters] == ["vera@example.com"]
        # Then its days are long past: the next letter is about this week.
        office.clock.now = NOW + timedelta(days=4)
        assert postman.send_due() == Round(late=1)
    assert office.due_on("ben") == date(2025, 6, 23)
    assert "550" in caplog.text
    assert "example.com" not in caplog.text


def test_after_a_month_away_only_the_last_week_is_told(office: Office) -> None:
    office.choose("vera", "weekly")
    office.clock.now = NOW + 4 * WEEK
    assert office.postman().send_due() == Round(late=1)
    assert office.due_on("vera") == date(2025, 7, 21)
    assert office.given.letters == []


# What they say


def forms(letter: EmailMessage) -> tuple[str, str]:
    """The letter as text, and what a person reads of its HTML."""
    plain, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None
    assert html is not None
    return plain.get_content().replace("\r\n", "\n"), html.get_content()


def test_the_figures_are_those_of_page_and_api_to_the_digit(posted: Office) -> None:
    text, html = forms(posted.letter_to("ben"))
    with posted.database.transaction() as session:
        key = create_key(session, posted.actor, "report", ["reports:read"], MADE)
    days = {"from": "2025-06-09", "to": "2025-06-15"}
    client = posted.app.test_client()
    headers = {"Authorization": f"Bearer {key}"}
    report = client.get("/api/v1/reports/touchpoints", query_string=days, headers=headers).json
    totals = report["totals"]
    told = dict(re.findall(r"(?m)^(Visitors|Clicks|Scans): ([\d,]+)", text))
    assert {name.lower(): int(value.replace(",", "")) for name, value in told.items()} == {
        name: totals[name] for name in ("visitors", "clicks", "scans")
    }
    page = text_of(posted.browser("ben").get("/", **days))
    for name, value in told.items():
        assert f"{name} {value} " in page
    assert "Compared with the week before: 2–8 Jun 2025." in text
    assert re.search(r"Visitors: [\d,]+ \([^)]* than the week before\)", text)
    sentences = re.findall(r"(?m)^[▲▼] .*?: (.*)$", text)
    assert len(sentences) == 4
    read = unescape(re.sub("</?span[^>]*>", "", html))
    for sentence in sentences:
        assert sentence in read
        if "usual" not in sentence:  # the page judges what changed up to yesterday
            assert sentence in page
    assert "Robots 42" in text
    assert totals["robots"] == 42


def test_it_names_the_best_the_worst_and_what_changed(posted: Office) -> None:
    english, _ = forms(posted.letter_to("ben"))
    german, html = forms(posted.letter_to("vera"))
    subject = posted.letter_to("ben")["Subject"]
    assert subject.startswith("Müller & Töchter, 9–15 Jun 2025: Visitors 1,")
    assert "▲ Strong (Awareness), best: " in english
    assert "▼ Weak (Awareness), worst: " in english
    assert re.search(r"▼ F \(Awareness\), unusually few: .* on 13–15 Jun, where", english)
    assert "▼ F (Awareness), ungewöhnlich wenige: 13.–15.06.: " in german
    assert re.search(r"▲ Strong \(Awareness\), am besten: .* Besucher je .*95\s%", german)
    assert 'lang="de"' in html
    assert "Müller &amp; Töchter" in html
    assert "Notes: 13 Jun: Radio spot." in english
    assert "Notizen: 13. Juni Radio spot." in german
    assert "yesterday" not in english
    assert "Gestern" not in german


def test_it_says_where_to_save_as_the_report_on_costs_does(posted: Office) -> None:
    english, html = forms(posted.letter_to("ben"))
    days = {"from": "2025-06-09", "to": "2025-06-15"}
    page = text_of(posted.browser("ben").get("/reports/costs", **days))
    told = english[english.index("\nCosts\n") :].split("\n")[3]
    assert told.startswith("“Weak” costs €5.12 per visitor, 7 times as much")
    assert "save there first. Then at “F”: as certainly dearer than others. Visitors are " in told
    assert told.endswith("€1,260.00 spent: a visitor cost €0.74.")
    assert told in page
    assert told in unescape(re.sub("</?span[^>]*>", "", html))
    assert f"{posted.settings.base_url}/app/reports/costs?from=2025-06-09&to=2025-06-15" in english
    german, _ = forms(posted.letter_to("vera"))
    assert "Kosten\n\n„Weak“ kostet 5,12\u00a0€ je Besucher" in german


def test_without_a_cost_it_says_nothing_of_costs(office: Office) -> None:
    office.choose("ben", "weekly")
    assert office.postman().send_due() == Round(sent=1)
    english, _ = forms(office.letter_to("ben"))
    assert "Costs" not in english
    assert "/reports/costs" not in english


def test_a_month_is_compared_with_the_whole_month_before(posted: Office) -> None:
    """31 days with 30, conversions too; the month in which recording began with nothing."""
    april, may, march = (
        period_of_letter("monthly", due, "Europe/Berlin")
        for due in (date(2025, 5, 1), date(2025, 6, 1), date(2025, 4, 1))
    )
    with suppress(InterruptedError), posted.database.transaction() as session:
        (touchpoint,) = session.scalars(select(Touchpoint).limit(1))
        sold = [
            NewCount(day, str(touchpoint.id), number)
            for day, number in ((april.first, 10), (april.last, 10), (may.last, 30))
        ]
        import_counts(session, posted.actor, sold, "Till", NOW)
        found, first = (digest_of(session, posted.actor, days, NOW) for days in (may, march))
        whole = touchpoint_report(
            session, posted.actor, first=april.first, last=april.last, now=NOW
        ).totals
        recipient = recipient_of(session, posted.members["ben"])
        assert recipient
        told = {}
        for locale in ("en", "de"):
            with speaking(locale):
                words = words_of(
                    posted.settings, addresses(posted.desk), recipient, "monthly", found
                )
            told[locale] = as_text(words)
        raise InterruptedError
    assert first.before is None
    assert found.before
    assert (found.before.period.first, found.before.period.last) == (april.first, april.last)
    assert found.before.counts == Counts(whole.clicks, whole.scans, whole.visitors)
    assert found.before.conversions == 20
    assert "Conversions: 30 (50% more than in April 2025)" in told["en"]
    assert "Compared with the whole month of April 2025: 30 days beside 31." in told["en"]
    assert "Conversions: 30 (50\u00a0% mehr als im April 2025)" in told["de"]
    assert "Verglichen wird mit dem ganzen April 2025: 30 Tage neben 31." in told["de"]
    assert re.search(r"Visitors: [\d,]+ \([^)]*in April 2025\)", told["en"])


def test_weeks_and_months_have_one_before() -> None:
    for rhythm in RHYTHMS:
        period = period_of_letter(rhythm, date(2024, 3, 1), "Europe/Berlin")
        before = before_letter(period)
        assert before.last + timedelta(days=1) == period.first
        assert len(before) == {"weekly": 7, "monthly": 31}[rhythm]


def test_the_html_loads_nothing_and_looks_by_itself(posted: Office) -> None:
    _, html = forms(posted.letter_to("vera"))
    assert not re.search(r"<(img|script|link|iframe|object|video|form|style)\b|url\(|@import", html)
    tags = re.findall(r"<(h1|h2|p|a|th|td|table|body|div|span)\b([^>]*)>", html)
    assert len(tags) > 20
    assert [tag for tag, attributes in tags if 'style="' not in attributes] == []


@pytest.mark.parametrize("name", ["ben", "vera"])
def test_its_intervals_stand_on_one_line_each(posted: Office, name: str) -> None:
    _, html = forms(posted.letter_to(name))
    whole = re.findall(r'<span style="white-space:nowrap">([^<]*)</span>', html)
    assert len(whole) > 4
    assert any(re.match(r"\(95\s?%: \d\S*–", each) for each in whole)
    told = re.sub(r"(?s)<title>.*?</title>", "", html)
    assert len(re.findall(r"\d[^ \n<]*–[^ \n<]*\d", told)) == len(whole)


def test_every_address_in_it_opens(posted: Office) -> None:
    text, html = forms(posted.letter_to("vera"))
    places = set(re.findall(r"(?m)^http://\S+$", text))
    assert places == {unescape(each) for each in re.findall(r'href="([^"]+)"', html)}
    assert len(places) > 6
    adapter = posted.app.url_map.bind("", default_method="GET")
    views = {adapter.match(urlsplit(place).path)[0] for place in places}
    wanted = ("overview", "reports", "touchpoint_report_page", "costs_report")
    wanted += ("letters", "leave_letters")
    assert views == {f"app.{name}" for name in wanted}


@on_one_engine
def test_names_stay_text(office: Office) -> None:
    """Of a workspace called like a header or a script."""
    with office.database.transaction() as session:
        workspace = session.get_one(Workspace, office.actor.workspace_id)
        workspace.name = "<script>alert(1)</script> %(x)s"
    office.choose("vera", "weekly")
    office.postman().send_due()
    _, html = forms(office.letter_to("vera"))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; %(x)s" in html


# The way out


@on_one_engine
def test_the_headers_let_mail_programs_end_it(office: Office) -> None:
    office.choose("vera", "weekly")
    office.postman().send_due()
    raw = dict(office.letter_to("vera").raw_items())
    token = way_out(office.settings, office.members["vera"])
    place = f"{office.settings.base_url}/app/letters/off/{token}"
    assert raw["List-Unsubscribe"].strip() == f"<{place}>"
    assert raw["List-Unsubscribe-Post"].strip() == "List-Unsubscribe=One-Click"
    # A program posts it: no cookie, no token of a form, whatever origin.
    client = office.app.test_client()
    asked = {"List-Unsubscribe": "One-Click"}
    path = f"/app/letters/off/{token}"
    for headers in ({}, {"Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site"}):
        answer = client.post(path, data=asked, headers=headers)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
    assert office.due_on("vera") is None


@on_one_engine
def test_a_person_presses_a_button(office: Office) -> None:
    office.choose("ben", "weekly")
    client = office.app.test_client()
    path = f"/app/letters/off/{way_out(office.settings, office.members['ben'])}"
    for _ in range(2):  # whatever looks at the link, such as a scanner, ends nothing
        page = client.get(path)
        assert "Shall letters with reports about “Müller & Töchter” stop?" in text_of(page)
    assert office.due_on("ben") is not None
    assert client.post(path).status_code == 409
    (token,) = re.findall(r'name="csrf" value="([^"]+)"', page.text)
    # What browsers send from a page that keeps its address to itself.
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
    answer = client.post(path, data={"csrf": token}, headers=headers)
    assert "you get no more letters" in text_of(answer)
    assert office.due_on("ben") is None


@on_one_engine
def test_another_token_ends_nothing(office: Office) -> None:
    office.choose("vera", "weekly")
    mine = way_out(office.settings, office.members["ben"])
    other = f"{office.members['vera']}.{mine.partition('.')[2]}"
    client = office.app.test_client()
    for token in (other, "x", "1.", ".", f"{office.members['vera']}", mine[:-1] + "é", "0.x"):
        for answer in (
            client.get(f"/app/letters/off/{token}"),
            client.post(f"/app/letters/off/{token}", data={"List-Unsubscribe": "One-Click"}),
        ):
            assert answer.status_code == 404, token
    assert office.due_on("vera") is not None


# The pages, the command line


@on_one_engine
def test_members_choose_for_themselves(office: Office) -> None:
    browser = office.browser("vera")
    assert 'value="off" checked' in browser.get("/account/letters").text
    page = browser.done("/account/letters", rhythm="weekly")
    assert 'value="weekly" checked' in page.text
    assert "The next letter comes on Monday" in text_of(page)
    assert office.due_on("vera") is not None
    assert office.due_on("ben") is None
    assert browser.post("/account/letters", rhythm="daily").status_code == 422
    browser.done("/account/letters", rhythm="off")
    assert office.due_on("vera") is None


@on_one_engine
@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_the_preview_is_the_letter_about_the_last_days(office: Office, rhythm: Rhythm) -> None:
    browser = office.browser("ben")
    page = browser.get("/account/letters/preview", rhythm=rhythm)
    assert page.status_code == 200
    assert "style=" not in page.text
    shown = text_of(page)
    assert "Müller & Töchter" in shown
    assert "No touchpoint stands out" in shown
    due = last_due(rhythm, datetime.now(UTC).date())
    assert office.given.letters == []
    assert office.due_on("ben") is None
    assert str(due.year) in shown or rhythm == "weekly"


@on_one_engine
def test_the_command_line_lists_and_sends(office: Office) -> None:
    office.choose("vera", "weekly")
    assert "2025-06-16  weekly" in done(office.settings, "letters", "list")
    listed = done(office.settings, "letters", "list", "--format", "csv")
    assert "vera@example.com,weekly,de,2025-06-16,0," in listed
    mail = {PREFIX + "SMTP_URL": office.given.url, PREFIX + "MAIL_FROM": FROM}
    # By the real clock its days are long past.
    assert done(office.settings, "letters", "send", **mail) == "Sent 0; left out 1, long past.\n"
    counted = 'linkservice_letters_total{result="late"} 1'
    assert counted in done(office.settings, "metrics")
    assert "No mail server" in refused(office.settings, "letters", "send")
