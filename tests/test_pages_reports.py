"""The overview and the report pages, as each of the cast sees them."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from html import escape, unescape

import pytest
from cast import make_link, make_touchpoint
from conftest import ENGINES
from installed import installed
from people import Browser, Cast, everybody, text_of
from rollups import count, tell
from werkzeug.test import TestResponse

from linkservice.clicks.model import DomainDay, SuspectedDay
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.journeys.model import Journey, Touchpoint
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.journeys.touchpoints import delete_touchpoint
from linkservice.reports.period import day_of

cast = pytest.fixture(everybody)
"""A cast of one's own, for tests that change something."""

STRONG, WEAK, PLAIN = 90, 5, 40
HOSTILE = "“<b>x</b>” & 100% %(name)s {row}"


@dataclass(frozen=True)
class Shop:
    """Ada's posters: one strong, one weak, the others alike; today is the last of 60 days."""

    cast: Cast
    today: date
    journey_id: str
    ids: dict[str, str]
    link_id: str


@pytest.fixture(scope="module", params=ENGINES)
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """Read by all, changed by none."""
    with installed(request, tmp_path_factory) as (settings, database):
        for people in everybody(settings, database):
            yield open_shop(people, database, settings)


def open_shop(cast: Cast, database: Database, settings: Settings) -> Shop:
    now = datetime.now(UTC)
    made = now - timedelta(days=80)
    today = day_of(now, "Europe/Berlin")
    counts = {"Strong": STRONG, "Weak": WEAK} | dict.fromkeys(("C", "D", "E", HOSTILE), PLAIN)
    with database.transaction() as session:
        home, ids, links = cast.home, {}, {}
        for name, visitors in counts.items():
            ids[name] = make_touchpoint(session, home, name, made)
            links[name] = make_link(session, settings, home, touchpoint_id=ids[name], now=made)
            span = NewReach(today - timedelta(days=27), 28_000, "printed", today)
            add_reach(session, home.actor, ids[name], span, now)
            for number in range(60):
                day = today - timedelta(days=number)
                count(session, home, links[name], day, visitors, touchpoint_id=ids[name], robots=1)
        ids["Bare"] = make_touchpoint(session, home, "Bare", made)
        tell(session, links["Strong"], today, 9, 90, country="DE", language="de-DE", device="tv")
        loose = make_link(session, settings, home, now=made)
        count(session, home, loose, today, 11, scans=11)
        misses = {"domain_id": home.domain_id, "workspace_id": home.workspace_id}
        session.add(DomainDay(local_date=today, misses=33, heads=0, **misses))
        journey = session.query(Journey).filter_by(name="Journey of Strong").one()
        return Shop(cast, today, str(journey.id), ids, str(links["Strong"].id))


def pages(shop: Shop) -> list[str]:
    strong = shop.ids["Strong"]
    return [
        "/",
        "/reports",
        "/reports/touchpoints.csv",
        f"/reports/journeys/{shop.journey_id}",
        f"/reports/touchpoints/{strong}",
        f"/reports/touchpoints/{strong}/days.csv",
        f"/reports/links/{shop.link_id}",
        f"/reports/links/{shop.link_id}/days.csv",
    ]


def rows_of(answer: TestResponse) -> list[str]:
    """The touchpoints in the order of the ranking."""
    return re.findall(r'<tr class="is-[a-z-]+">\s*<th scope="row"><a[^>]*>([^<]*)</a>', answer.text)


def test_every_member_reads_every_report(shop: Shop) -> None:
    for browser in (shop.cast.ada, shop.cast.ben, shop.cast.vera):
        for path in pages(shop):
            answer = browser.get(path)
            assert answer.status_code == 200, path
            assert len(gzip.compress(answer.data)) < 100_000


def test_cleo_cannot_see_adas_reports(shop: Shop) -> None:
    for path in pages(shop):
        answer = shop.cast.cleo.get(path)
        if re.search(r"/\d+", path):
            assert answer.status_code == 404, path
        else:
            assert answer.status_code == 200
            assert "Strong" not in answer.text
    assert shop.cast.cleo.get("/reports", journey_id=shop.journey_id).status_code == 404


def test_who_is_not_signed_in_is_asked_to(shop: Shop) -> None:
    for path in pages(shop):
        answer = shop.cast.stranger.get(path)
        assert answer.status_code == 303
        assert "sign-in" in answer.headers["Location"]


def test_the_ranking_names_best_and_worst(shop: Shop) -> None:
    answer = shop.cast.vera.get("/reports")
    text = text_of(answer)
    assert rows_of(answer)[0] == "Strong"
    assert rows_of(answer)[-2:] == ["Weak", "Bare"]
    assert "6 judged touchpoints: 1 best, 1 worst, the others as expected. No verdict" in text
    assert re.search(r"90 visitors per 1,000 posters, [a-z0-9. ]+ as many as comparable", text)
    assert "Reach is missing: how many people could have clicked?" in text
    assert "Links without a touchpoint 11 11 11" in text
    clicks = 28 * (STRONG + WEAK + 4 * PLAIN) + 11
    assert f"Total {clicks:,} 11 {clicks:,}" in text
    assert "Misses 33" in text
    assert f"Robots {28 * 6}" in text


def test_only_who_may_enter_reach_is_asked_for_it(shop: Shop) -> None:
    assert "Enter reach" in text_of(shop.cast.ben.get("/reports"))
    assert "Enter reach" not in text_of(shop.cast.vera.get("/reports"))


def test_names_are_shown_as_they_are_and_run_nothing(shop: Shop) -> None:
    for path in ("/", "/reports", f"/reports/touchpoints/{shop.ids[HOSTILE]}"):
        answer = shop.cast.vera.get(path)
        assert "<b>x</b>" not in answer.text
    assert HOSTILE in text_of(answer).replace("&quot;", '"')


def test_columns_sort_both_ways(shop: Shop) -> None:
    for sort in ("name", "clicks", "scans", "visitors", "reach"):
        down = rows_of(shop.cast.vera.get("/reports", sort=sort))
        up = rows_of(shop.cast.vera.get("/reports", sort=sort, order="up"))
        assert len(down) == len(up) == 7
        if sort == "reach":
            assert down[-1] == up[-1] == "Bare"
        if sort == "name":
            assert down.index("Bare") < down.index("C") < down.index("Strong") < down.index("Weak")
        if sort in ("clicks", "visitors"):
            assert down[0] == up[-1] == "Strong"
            assert down[-2:] == up[1::-1] == ["Weak", "Bare"]
    assert rows_of(shop.cast.vera.get("/reports", sort="rowid"))[0] == "Strong"


def test_the_ranking_is_filtered_and_grouped(shop: Shop) -> None:
    answer = shop.cast.vera.get("/reports", verdict="worst", channel="poster", sort="lead")
    assert rows_of(answer) == ["Weak"]
    text = text_of(answer)
    # Judged among six, although it is the only one shown.
    assert "6 judged touchpoints: 1 best, 1 worst" in text
    assert "Verdicts stay those of all touchpoints" in text
    assert f"The one shown {28 * WEAK} 0 {28 * WEAK}" in text
    assert "Channel: Poster; Verdict: worst." in text
    grouped = shop.cast.vera.get("/reports", group="channel")
    assert len(rows_of(grouped)) == 7
    clicks = 28 * (STRONG + WEAK + 4 * PLAIN)
    assert f"Poster 7 touchpoints {clicks:,} 0 {clicks:,} 168,000 printed" in text_of(grouped)
    assert shop.cast.vera.get("/reports", kind="large").status_code == 422
    assert shop.cast.cleo.get("/reports", stage_id="1").status_code == 404


def test_the_overview_says_how_good_the_data_are_and_leads_on(shop: Shop) -> None:
    answer = shop.cast.vera.get("/")
    text = text_of(answer)
    clicks, robots = 28 * (STRONG + WEAK + 4 * PLAIN) + 11, 28 * 6
    share = f"{robots / (clicks + robots):.1%}"
    assert f"Robots {share} of {clicks + robots:,} requests" in text
    assert "Unrecorded clicks 0 every click is recorded" in text
    assert "Waiting to be counted nothing all clicks are counted" in text
    assert "Countries by registries built in, approximate" in text
    for view in ("moments", "costs", "personas", "live"):
        assert f'href="/app/reports/{view}' in answer.text


def test_moments_of_truth_say_what_is_missing(shop: Shop) -> None:
    answer = shop.cast.vera.get("/reports/moments", journey_id=shop.journey_id)
    text = text_of(answer)
    assert "Importance cannot be told yet" in text
    assert re.search(r"Strong Awareness [\d,]+ visitors of other touchpoints on at least 14", text)
    assert "This is association, not cause." in text
    assert shop.cast.cleo.get("/reports/moments", journey_id=shop.journey_id).status_code == 404
    assert "Nothing to compare yet" in text_of(shop.cast.cleo.get("/reports/moments"))


def test_without_conversions_the_page_says_how_they_come_in(shop: Shop) -> None:
    for metric in ("conversions_per_click", "value_per_reach"):
        for browser, may in ((shop.cast.ada, True), (shop.cast.vera, False)):
            answer = browser.get("/reports", metric=metric)
            assert "No conversions are reported in this period" in text_of(answer)
            assert ("Import conversions" in answer.text) == may
            assert "needed" not in text_of(answer)
            assert "Strong" not in rows_of(answer)
    how = shop.cast.ada.get("/reports/conversions")
    assert "POST /api/v1/conversions" in text_of(how)


def test_a_trend_says_which_days_it_compares_with(shop: Shop) -> None:
    days = {"period": "custom", "from": "2026-06-01", "to": "2026-06-10"}
    text = text_of(shop.cast.vera.get("/reports", metric="trend", **days))
    # The same weekdays, two weeks before; in the note and in how it was counted.
    assert text.count("Compared with 18–27 May 2026.") == 2


def test_clicks_are_drawn_beside_those_before(shop: Shop) -> None:
    """Wherever the title compares; what had none before has no line of it."""
    for path in (f"/reports/touchpoints/{shop.ids['Strong']}", f"/reports/links/{shop.link_id}"):
        page = shop.cast.ben.get(path, period="7d").text
        assert 'class="chart-line-before"' in page, path
        assert '<th scope="col">Clicks before</th>' in page, path
        none = shop.cast.ben.get(path, period="7d", source="click").text  # by single clicks
        assert 'class="chart-line-before"' not in none, path


def test_what_was_never_scanned_can_be_filtered_by_scans_and_back(shop: Shop) -> None:
    page = f"/reports/links/{shop.link_id}"
    assert re.search(r'href="[^"]*source=scan', shop.cast.vera.get(page).text)
    filtered = shop.cast.vera.get(page, source="scan")
    assert "No click of this period meets the filters" in text_of(filtered)
    chip = re.search(r'<a class="chip" href="([^"]*)"', filtered.text)
    assert chip is not None
    assert "source" not in chip[1]


def test_countries_are_on_a_map(shop: Shop) -> None:
    for path in (f"/reports/links/{shop.link_id}", f"/reports/touchpoints/{shop.ids['Strong']}"):
        answer = shop.cast.vera.get(path)
        # Ninety clicks are too few for a finding.
        assert "Clicks by country" in text_of(answer)
        assert "<title>Germany: 90</title>" in answer.text
        assert len(gzip.compress(answer.data)) < 50_000


def test_filters_are_kept_from_link_to_link(shop: Shop) -> None:
    answer = shop.cast.vera.get(
        "/reports", journey_id=shop.journey_id, metric="clicks_per_day", period="7d"
    )
    assert rows_of(answer) == ["Strong"]
    hrefs = [re.sub("&amp;", "&", href) for href in re.findall(r'href="([^"]+)"', answer.text)]
    for period in ("90d", "12m"):
        (href,) = [href for href in hrefs if f"period={period}" in href]
        assert f"journey_id={shop.journey_id}" in href
        assert "metric=clicks_per_day" in href
    assert "90 clicks a day" in text_of(answer)


def test_a_free_range_is_a_period(shop: Shop) -> None:
    day = shop.today - timedelta(days=3)
    answer = shop.cast.vera.get("/reports", **{"from": day.isoformat(), "to": day.isoformat()})
    assert f"Total {STRONG + WEAK + 4 * PLAIN}" in text_of(answer)


WRONG_DAYS = (
    ("2026-02-30", "", "Not a day"),
    ("2026-03-02", "2026-03-01", "before it begins"),
    ("0001-01-01", "9999-12-31", "at most"),
    ("\ud800", "x" * 5000, "Not a day"),
)


def test_wrong_days_are_named_and_the_usual_ones_shown(shop: Shop) -> None:
    for (first, last, sentence), path in zip(WRONG_DAYS * 2, pages(shop), strict=True):
        query = {"from": first.encode("utf-8", "surrogatepass"), "to": last}
        answer = shop.cast.vera.get(path, **query)
        assert answer.status_code == 422
        assert sentence in text_of(answer)
        # A file of other days would not say so.
        assert ("Until then you see" in text_of(answer)) == (not path.endswith(".csv"))


def test_a_wrong_day_stays_to_be_corrected(shop: Shop) -> None:
    answer = shop.cast.vera.get("/reports", **{"from": "2026-13-01", "to": "2026-11-02"})
    # A date input would be emptied by the browser.
    assert 'name="from" type="text" value="2026-13-01"' in answer.text
    assert 'name="to" type="date" value="2026-11-02"' in answer.text


def mistyped(shop: Shop) -> list[tuple[str, str, str, str]]:
    """Where, which field, what stands in it, and what is said."""
    one = f"/reports/touchpoints/{shop.ids['Strong']}"
    link = f"/reports/links/{shop.link_id}"
    filtered = ["/", "/reports", one, link, f"/links/{shop.link_id}"]
    filtered += ["/reports/download", "/overview/paper", f"{link}/days.csv", "/reports/clicks"]
    return [
        *((path, "country", "Germanyy", "“Germanyy” is no country") for path in filtered),
        ("/reports", "device", "<i>", "“<i>” cannot be chosen here"),
        ("/reports", "city", "x" * 300, "At most 253 characters, this has 300"),
        ("/reports", "kind", "large", "“large” cannot be chosen here"),
        ("/reports", "metric", "visitor_per_reach", "cannot be chosen here"),
        ("/reports/personas", "metric", "clicks", "“clicks” cannot be chosen here"),
        ("/reports/moments", "metric", "clicks", "“clicks” cannot be chosen here"),
        (one, "attribution", "frist", "“frist” cannot be chosen here"),
        ("/reports/costs/download", "from", "yesterday", "Not a day"),
        ("/reports", "journey_id", "999", "There is no journey “999”"),
    ]


def test_a_wrong_field_of_the_address_is_named_on_a_page_that_goes_on(shop: Shop) -> None:
    """With what was typed, what it may be, and the address without it; all else is kept."""
    for path, name, value, sentence in mistyped(shop):
        query = {name: value, "scanners": "include"}
        answer = shop.cast.vera.get(path, **query)
        assert answer.status_code == (404 if name == "journey_id" else 422), path
        text = text_of(answer)
        assert "This cannot be shown as it was asked for" in text
        assert sentence in unescape(text), path
        assert 'aria-label="Main"' in answer.text
        without = re.search(r'class="chip" href="/app([^"]+)"', answer.text)
        assert without
        assert unescape(without[1]) == f"{path}?scanners=include"
        if name != "journey_id":
            assert f'value="{escape(value[:60])}' in answer.text
            assert '<input type="hidden" name="scanners" value="include">' in answer.text


def test_what_was_meant_is_one_click_away(shop: Shop) -> None:
    query = {"country": "Germanyy", "device": "desktop", "source": "scann"}
    answer = shop.cast.vera.get("/reports", **query)
    meant = re.findall(r'<p class="note meant"><a href="/app([^"]+)">([^<]+)</a>', answer.text)
    assert [(unescape(place), words) for place, words in meant] == [
        ("/reports?country=Germanyy&device=desktop&source=scan", "Did you mean “Scanned”?"),
        ("/reports?country=DE&device=desktop&source=scann", "Did you mean “Germany”?"),
    ]
    for typed in ("deutschlnd", "deu"):
        assert "Did you mean “Germany”?" in shop.cast.vera.get("/", country=typed).text


def test_who_is_not_signed_in_and_programs_get_no_page_of_the_app(shop: Shop) -> None:
    asked = shop.cast.vera.client.get("/app/reports?kind=x", headers={"Accept": "application/json"})
    assert (asked.status_code, 'aria-label="Main"' in asked.text) == (422, False)
    stranger = shop.cast.stranger.get("/reports", country="Germanyy")
    assert stranger.status_code == 303


def test_no_query_breaks_a_page(shop: Shop) -> None:
    for value in ("\U0001f600", "%00", "9" * 400, "<script>"):
        for path in pages(shop):
            fields = ("period", "sort", "order", "figure", "journey_id", "metric")
            answer = shop.cast.vera.get(path, **dict.fromkeys(fields, value))
            assert answer.status_code in (200, 404, 422)
            assert "<script>" not in answer.text


def test_the_overview_says_what_stands_out(shop: Shop) -> None:
    answer = shop.cast.vera.get("/")
    text = text_of(answer)
    today = STRONG + WEAK + 4 * PLAIN + 11
    assert f"Clicks today {today} from {today} visitors" in text
    assert re.search(r"Strong ▲ best .* Weak ▼ worst", text)
    assert "about as many as before" in text
    assert f'href="/app/reports/journeys/{shop.journey_id}"' in answer.text
    # What the best and the worst cost is one step away, for the same days.
    head = shop.cast.vera.get("/", period="7d").text.partition("Best and worst")[2]
    assert re.match(r'[^<]*</h2>.{,60}href="/app/reports/costs\?period=7d">Costs<', head)
    strip = f"strip-{shop.journey_id}"
    for live in ("next-step", "figures", "curve", "outstanding", strip, "latest"):
        assert re.search(rf'id="{live}"[^>]* data-live', answer.text)
    scans = shop.cast.vera.get("/", figure="scans")
    assert re.search(r'aria-current="true">Scans<', scans.text)


def test_an_empty_workspace_is_led_on(cast: Cast, database: Database, settings: Settings) -> None:
    assert "Begin with a journey" in text_of(cast.cleo.get("/"))
    with database.transaction() as session:
        touchpoint_id = make_touchpoint(session, cast.foreign)
    assert "waiting for links" in text_of(cast.cleo.get("/"))
    with database.transaction() as session:
        link = make_link(session, settings, cast.foreign, touchpoint_id=touchpoint_id)
        link_id = str(link.id)
    assert "Next: scan a code" in text_of(cast.cleo.get("/"))
    empty = text_of(cast.cleo.get(f"/reports/links/{link_id}"))
    assert "Nobody has clicked in this period." in empty
    assert "Nothing to compare yet" in text_of(cast.ada.get("/reports"))


def test_the_map_says_each_verdict_in_sign_and_word(shop: Shop) -> None:
    answer = shop.cast.vera.get(f"/reports/journeys/{shop.journey_id}")
    assert re.search(r'map-card is-best".*?Strong.*?▲.*?best', answer.text, re.DOTALL)
    assert "90 per 1,000 posters" in text_of(answer)
    assert shop.cast.vera.get("/reports/journeys/x").status_code == 404


def test_a_touchpoint_stands_beside_its_peers(shop: Shop) -> None:
    text = text_of(shop.cast.vera.get(f"/reports/touchpoints/{shop.ids['Strong']}"))
    assert "90 visitors per 1,000 posters" in text
    assert "Compared with 5 others: 33 per 1,000 posters on average." in text
    assert re.search(r"Beside its peers .*Strong .*Weak", text)
    assert "28,000 printed" in text
    assert "Germany 90" in text
    assert "German (Germany)" in text
    assert "Television 90" in text


def test_what_has_no_peers_stands_beside_its_target_rate_or_alone(
    cast: Cast, database: Database, settings: Settings
) -> None:
    now, ids = datetime.now(UTC), {}
    made, today = now - timedelta(days=40), day_of(now, "Europe/Berlin")
    with database.transaction() as session:
        for name in ("Aimed", "Alone"):
            ids[name] = make_touchpoint(session, cast.home, name, made)
            link = make_link(session, settings, cast.home, touchpoint_id=ids[name], now=made)
            span = NewReach(today - timedelta(days=27), 28_000, "printed", today)
            add_reach(session, cast.home.actor, ids[name], span, now)
            for number in range(28):
                day = today - timedelta(days=number)
                count(session, cast.home, link, day, STRONG, touchpoint_id=ids[name])
        session.get_one(Touchpoint, int(ids["Aimed"])).target_rate = 0.05
    aimed, alone = (
        text_of(cast.vera.get(f"/reports/touchpoints/{ids[name]}")) for name in ("Aimed", "Alone")
    )
    assert "Compared with the target rate: 50 per 1,000 posters." in aimed
    assert re.search(r"Beside its target rate .*Aimed .*The dashed line is the target rate.", aimed)
    assert "Target rate 50." in aimed
    assert "Beside its" not in alone


def test_a_deleted_touchpoint_is_marked(cast: Cast, database: Database, settings: Settings) -> None:
    now = datetime.now(UTC)
    with database.transaction() as session:
        touchpoint_id = make_touchpoint(session, cast.home, "Poster", now)
        link = make_link(session, settings, cast.home, touchpoint_id=touchpoint_id, now=now)
        today = day_of(now, "Europe/Berlin")
        count(session, cast.home, link, today, 3, touchpoint_id=touchpoint_id)
        delete_touchpoint(session, cast.home.actor, touchpoint_id, now)
    assert "Poster deleted" in text_of(cast.vera.get("/reports"))
    page = text_of(cast.ada.get(f"/reports/touchpoints/{touchpoint_id}"))
    assert "deleted" in page
    assert "To the touchpoint" not in page


def lines_of(answer: TestResponse) -> list[list[str]]:
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_files_have_the_figures_of_the_page(shop: Shop) -> None:
    head, *lines = lines_of(shop.cast.vera.get("/reports/touchpoints.csv", period="7d"))
    assert head[:2] == ["id", "name"]
    by_name = {line[1]: dict(zip(head, line, strict=True)) for line in lines}
    assert by_name["Strong"]["clicks"] == str(7 * STRONG)
    assert by_name[HOSTILE]["verdict"] == "as_expected"
    for path in (
        f"/reports/touchpoints/{shop.ids['Strong']}/days.csv",
        f"/reports/links/{shop.link_id}/days.csv",
    ):
        head, *lines = lines_of(shop.cast.vera.get(path, period="7d"))
        assert head == ["date", "clicks", "scans", "visitors"]
        assert len(lines) == 7
        assert lines[-1] == [shop.today.isoformat(), str(STRONG), "0", str(STRONG)]


def test_touchpoints_without_a_link_are_one_line(cast: Cast, database: Database) -> None:
    with database.transaction() as session:
        for number in range(5):
            make_touchpoint(session, cast.home, f"Bare {number}")
    answer = cast.vera.get("/reports")
    assert rows_of(answer) == []
    assert "5 touchpoints have no link yet Bare 0 · Awareness Bare 1" in text_of(answer)
    assert len(lines_of(cast.vera.get("/reports/touchpoints.csv"))) == 6
    assert "New link" in text_of(cast.ben.get("/reports"))


def german(browser: Browser, path: str) -> str:
    browser.post("/language", locale="de")
    text = text_of(browser.get(path)).replace("\u00a0", " ")
    browser.post("/language", locale="en")
    return text


def test_reports_speak_german(shop: Shop) -> None:
    text = german(shop.cast.vera, "/reports")
    assert "90 Besucher je 1.000 Plakate" in text
    assert "vergleichbare Touchpoints (95 %:" in text
    assert "Deutsch (Deutschland)" in german(shop.cast.vera, f"/reports/links/{shop.link_id}")


def test_a_reader_counts_suspected_scanners_and_leaves_them_out_again(shop: Shop) -> None:
    vera = shop.cast.vera
    for path in (
        "/",
        "/reports",
        f"/reports/touchpoints/{shop.ids['Strong']}",
        f"/reports/links/{shop.link_id}",
    ):
        page = vera.get(path, period="7d").text
        assert "Count suspected mail scanners" in page, path
        assert "period=7d&amp;scanners=include" in page, path
        assert "Clicks of suspected mail scanners are counted." not in page, path
        page = vera.get(path, period="7d", scanners="include").text
        assert "Clicks of suspected mail scanners are counted." in page, path
        assert "Leave them out" in page, path
        # What the page leads to keeps the choice.
        assert "period=90d&amp;scanners=include" in page, path


def test_suspected_scanners_are_offered_in_sight_and_told_of_before_the_figures(
    cast: Cast, database: Database, settings: Settings
) -> None:
    now = datetime.now(UTC)
    with database.transaction() as session:
        place = make_touchpoint(session, cast.home, "Newsletter")
        link = make_link(session, settings, cast.home, touchpoint_id=place)
        today = day_of(now, "Europe/Berlin")
        count(session, cast.home, link, today, 10, touchpoint_id=place, scanners=2)
        none = ("scans", "touchpoint_visitors", "journey_visitors", "tokenless")
        session.add(
            SuspectedDay(
                link_id=link.id,
                local_date=today,
                touchpoint_id=int(place),
                workspace_id=cast.home.workspace_id,
                clicks=3,
                visitors=1,
                **dict.fromkeys(none, 0),
            )
        )
        link_id = link.id
    for path in ("/", "/reports", f"/reports/touchpoints/{place}", f"/reports/links/{link_id}"):
        page = cast.vera.get(path)
        assert "(of them suspected: 3)" in text_of(page), path
        seen = re.sub("<details.*?</details>", "", page.text, flags=re.DOTALL)
        assert "Count suspected mail scanners" in seen, path
        page = cast.vera.get(path, scanners="include")
        assert "of them suspected" not in text_of(page), path
        told = page.text.index("Clicks of suspected mail scanners are counted.")
        assert told < page.text.index('id="ranking"' if path == "/reports" else 'id="figures"')
