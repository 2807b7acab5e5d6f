"""Filtered figures: rows and roll-ups tell the same, values of a facet add up to all clicks, and
what cannot be told is said to be so.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from itertools import product
from typing import Any, get_args

import openpyxl
import pypdfium2
import pytest
from cast import NOW
from conftest import ENGINES
from filtered_scene import (
    DAYS,
    FIRST,
    HALLE,
    LAST,
    MUNICH,
    Scene,
    forget_clicks,
    set_up,
    taken_back,
)
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from installed import installed
from people import everybody, text_of
from rest import Caller, codes
from werkzeug.test import TestResponse

from linkservice.clicks.devices import Device
from linkservice.errors import Invalid, NotFound
from linkservice.reports import reading_back
from linkservice.reports.exported import of_filtered
from linkservice.reports.filtered import (
    Asked,
    FilteredReport,
    filtered_campaign,
    filtered_link,
    filtered_touchpoint,
)
from linkservice.reports.filtered_origins import Origins, filtered_origins
from linkservice.reports.filtered_ranking import filtered_change
from linkservice.reports.filters import DEVICES, FACETS, NAMES, SOURCES, Filters, choose_filters
from linkservice.reports.results import LinkReport, LinkTotals, Value, plain
from linkservice.reports.touchpoints import LinkShare, touchpoint_detail
from linkservice.web.figures import OTHERS
from linkservice.workspaces.keys import create_key

NAMES_OF = {
    "country": "countries",
    "city": "cities",
    "device": "devices",
    "browser": "browsers",
    "system": "systems",
    "language": "languages",
    "referrer": "referrers",
}


@pytest.fixture(scope="module", params=ENGINES)
def scene(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """Read by all, changed by none."""
    with installed(request, tmp_path_factory) as (settings, database):
        for cast in everybody(settings, database):
            yield set_up(settings, database, cast)


@contextmanager
def rolled_up_only() -> Iterator[None]:
    """As if no single click were kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_back, "kept_from", lambda *_: date.max)
        yield


def values_of(report: LinkReport | FilteredReport, facet: str) -> dict[str, int]:
    return {each.value: each.clicks for each in getattr(report, NAMES_OF[facet])}


def summed(reports: Iterable[FilteredReport]) -> Counter[str]:
    """Every figure of the totals."""
    found: Counter[str] = Counter()
    for report in reports:
        found.update(asdict(report.totals))
    return found


SOME = st.sampled_from(
    [
        *(("source", value) for value in SOURCES),
        *(("country", value) for value in ("DE", "unknown", "FR")),
        *(("city", value) for value in (HALLE, MUNICH, "unknown")),
        *(("device", value) for value in ("desktop", "mobile", "other", "tv", "unknown")),
        ("browser", "Firefox"),
        ("browser", "unknown"),
        ("system", "iOS"),
        *(("language", value) for value in ("de", "en-GB", "unknown")),
        *(("referrer", value) for value in ("t.co", "direct", "unknown")),
    ]
)


@hypothesis_settings(max_examples=15, deadline=None)
@given(
    chosen=SOME,
    number=st.integers(0, 5),
    first=st.integers(0, DAYS - 1),
    length=st.integers(1, DAYS),
    suspects=st.booleans(),
)
def test_rows_and_roll_ups_tell_the_same(
    scene: Scene, chosen: tuple[str, str], number: int, first: int, length: int, suspects: bool
) -> None:
    start = FIRST + timedelta(days=first)
    period = {"first": start, "last": min(LAST, start + timedelta(days=length - 1))}
    wanted = {chosen[0]: chosen[1]}
    from_rows = scene.link(number, suspects=suspects, **period, **wanted)
    assert from_rows.is_whole
    with rolled_up_only():
        from_roll_ups = scene.link(number, suspects=suspects, **period, **wanted)
    assert from_roll_ups.single_clicks_from is None
    assert [d.clicks for d in from_rows.days] == [d.clicks for d in from_roll_ups.days]
    assert from_rows.totals.clicks == from_roll_ups.totals.clicks
    if chosen[0] != "source":
        assert values_of(from_rows, chosen[0]) == values_of(from_roll_ups, chosen[0])


@pytest.mark.parametrize("suspects", [False, True])
def test_the_values_of_a_filter_add_up_to_all_clicks(scene: Scene, suspects: bool) -> None:
    plain = scene.unfiltered(suspects=suspects)
    assert plain.totals.clicks > 50
    by_source = [scene.link(suspects=suspects, source=source) for source in SOURCES]
    assert summed(by_source) == Counter(asdict(plain.totals))
    for facet in FACETS:
        assert sum(values_of(plain, facet).values()) == plain.totals.clicks
        of_facet = [
            scene.link(suspects=suspects, **{facet: value}) for value in values_of(plain, facet)
        ]
        sums = summed(of_facet)
        for figure in ("clicks", "scans", "visitors", "tokenless"):
            assert sums[figure] == getattr(plain.totals, figure), (facet, figure)
        assert [r.totals.clicks for r in of_facet] == list(values_of(plain, facet).values())


def test_the_parts_of_a_filtered_report_add_up(scene: Scene) -> None:
    plain = scene.unfiltered()
    scans = scene.link(source="scan")
    assert scans.totals.clicks == scans.totals.scans == plain.totals.scans > 10
    for facet in FACETS:
        assert sum(values_of(scans, facet).values()) == scans.totals.clicks
        clicked = Counter(values_of(scene.link(source="click"), facet))
        assert clicked + Counter(values_of(scans, facet)) == values_of(plain, facet)
    assert sum(hour.clicks for hour in scans.hours) == scans.totals.clicks
    hours = [hour.clicks for hour in scene.link(source="click").hours]
    both = [a + b.clicks for a, b in zip(hours, scans.hours, strict=True)]
    assert both == [hour.clicks for hour in plain.hours]
    assert sum(day.visitors or 0 for day in scans.days) == scans.totals.visitors
    robots = Counter({each.value: each.clicks for each in scans.robots})
    robots.update({each.value: each.clicks for each in scene.link(source="click").robots})
    assert robots == {each.value: each.clicks for each in plain.robots} != {}


def test_two_filters_are_a_part_of_one(scene: Scene) -> None:
    desktop = scene.link(device="desktop")
    both = [
        scene.link(device="desktop", language=value) for value in values_of(desktop, "language")
    ]
    assert len(both) > 1
    assert summed(both)["clicks"] == desktop.totals.clicks
    assert [r.totals.clicks for r in both] == list(values_of(desktop, "language").values())
    assert scene.link(device="desktop", country="FR").totals.clicks == 0


def test_a_touchpoint_has_the_clicks_of_its_time(scene: Scene) -> None:
    with scene.database.reading() as session:
        detail = touchpoint_detail(
            session, scene.home.actor, scene.touchpoint_id, first=FIRST, last=LAST, now=NOW
        )
    found = [
        scene.ask(filtered_touchpoint, scene.touchpoint_id, source=source) for source in SOURCES
    ]
    assert summed(found) == Counter(asdict(detail.totals))
    assert len(found[0].links) == 2
    links = {share.link.id: share.clicks + other.clicks for share, other in _paired(found)}
    assert links == {share.link.id: share.clicks for share in detail.links if share.clicks}
    wanted = scene.ask(filtered_touchpoint, scene.touchpoint_id, country="DE")
    with rolled_up_only():
        from_roll_ups = scene.ask(filtered_touchpoint, scene.touchpoint_id, country="DE")
    missing = wanted.totals.clicks - from_roll_ups.totals.clicks
    assert 0 <= missing <= from_roll_ups.undivided
    assert wanted.undivided == 0


def _paired(found: list[FilteredReport]) -> Iterator[tuple[LinkShare, LinkShare]]:
    other = {share.link.id: share for share in found[1].links}
    return ((share, other[share.link.id]) for share in found[0].links)


def test_a_campaign_adds_up_its_links(scene: Scene) -> None:
    found = scene.ask(filtered_campaign, scene.campaign_id, source="scan")
    assert summed([found]) == summed(scene.link(number, source="scan") for number in range(3))
    with rolled_up_only():
        rolled_up = scene.ask(filtered_campaign, scene.campaign_id, language="de")
    whole = scene.ask(filtered_campaign, scene.campaign_id, language="de")
    assert [d.clicks for d in rolled_up.days] == [d.clicks for d in whole.days]


def test_days_without_single_clicks_have_the_clicks_of_one_filter(scene: Scene) -> None:
    whole, kept = scene.link(device="desktop"), FIRST + timedelta(days=3)
    asked = Asked(FIRST, LAST, Filters(device="desktop"), False, NOW)
    two = replace(asked, filters=Filters(device="desktop", source="click"))
    actor, link_id = scene.home.actor, scene.link_ids[0]
    with taken_back(scene.database) as session:
        forget_clicks(session, scene.home, kept + timedelta(days=1))
        one = filtered_link(session, actor, link_id, asked)
        several = filtered_link(session, actor, link_id, two)
        none = filtered_link(session, actor, link_id, replace(two, last=kept))
    since = kept + timedelta(days=1)
    assert one.single_clicks_from == several.single_clicks_from == since
    assert not one.is_whole
    assert not one.more_single_clicks
    assert [day.clicks for day in one.days] == [day.clicks for day in whole.days]
    assert one.totals.clicks == whole.totals.clicks
    assert [day.scans for day in one.days[:4]] == [None] * 4
    assert [day.visitors for day in one.days[4:]] == [day.visitors for day in whole.days[4:]]
    assert [day.date for day in several.days] == [since + timedelta(days=n) for n in range(4)]
    assert several.totals.clicks == sum(day.clicks for day in several.days)
    assert none.single_clicks_from is None
    assert (none.totals.clicks, list(none.days)) == (0, [])
    for found, told in ((several, [each.name for each in fields(LinkTotals)]), (none, [])):
        filed = of_filtered(replace(found, links=()), link_id, [], {}, by_link=False)
        tables = {table.name: table for table in filed.tables}
        assert [name for name, _ in tables["totals"].rows] == told


@pytest.mark.parametrize("report", [filtered_link, filtered_touchpoint, filtered_campaign])
def test_filtered_figures_stand_beside_the_same_weekday_before(scene: Scene, report: Any) -> None:
    """The last day, when it is over, beside the one a week earlier, which is the first."""
    subject = {
        filtered_link: scene.link_ids[0],
        filtered_touchpoint: scene.touchpoint_id,
        filtered_campaign: scene.campaign_id,
    }[report]
    actor, tomorrow = scene.home.actor, NOW + timedelta(days=1)

    def ask(day: date, now: datetime, **filters: str) -> FilteredReport:
        asked = Asked(day, day, Filters(**filters), False, now)
        with scene.database.reading() as session:
            found: FilteredReport = report(session, actor, subject, asked)
            return found

    for filters in (
        {"device": "desktop"},
        {"source": "scan"},
        {"device": "desktop", "source": "scan"},
    ):
        now, before = (ask(day, tomorrow, **filters) for day in (LAST, FIRST))
        assert before.totals.clicks
        assert now.change is not None
        for told, figures in ((now, now.change.now), (before, now.change.before)):
            totals = told.totals
            assert figures == {
                "clicks": totals.clicks,
                "scans": totals.scans,
                "visitors": totals.visitors,
            }
        assert list(now.change.days) == list(before.days)
        assert before.change is None, "recording began then"
        assert ask(LAST, NOW, **filters).change is None, "the day is not over"
        with rolled_up_only():
            rolled_up = ask(LAST, tomorrow, **filters)
        if len(filters) > 1:
            assert rolled_up.change is None
        else:
            assert rolled_up.change is not None
            days = [(day.date, day.clicks) for day in rolled_up.change.days]
            assert days == [(day.date, day.clicks) for day in before.days]
            assert {*rolled_up.change.now} == {
                "clicks",
                *({"scans"} & {f"{filters.get('source')}s"}),
            }


def test_what_there_is_no_time_to_read_twice_is_not_compared(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(LAST, LAST, Filters(device="desktop"), False, NOW + timedelta(days=1))
    actor, link_id = scene.home.actor, scene.link_ids[0]
    with scene.database.reading() as session:
        plenty = filtered_link(session, actor, link_id, asked)
        monkeypatch.setattr(reading_back, "ROWS_OF_ONE", 1)
        little = filtered_link(session, actor, link_id, asked)
    assert plenty.change is not None
    assert little.change is not None
    assert {*plenty.change.now} == {"clicks", "scans", "visitors"}
    assert little.change.now == {"clicks": plenty.change.now["clicks"]}
    assert little.change.before == {"clicks": plenty.change.before["clicks"]}


def test_no_more_rows_are_read_than_there_is_time_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = scene.link(device="desktop")
    monkeypatch.setattr(reading_back, "ROWS_OF_ONE", 1_500)
    found = scene.link(device="desktop")
    assert found.more_single_clicks
    assert found.single_clicks_from is not None
    assert FIRST < found.single_clicks_from <= LAST
    assert found.days[0].clicks == whole.days[0].clicks
    assert found.totals.clicks == whole.totals.clicks
    assert found.totals.visitors < whole.totals.visitors
    everything = scene.link(device="desktop", everything=True)
    assert replace(everything, filters=whole.filters, links=whole.links) == whole


def test_values_are_written_one_way_and_checked() -> None:
    asked = {"country": " de ", "device": "MOBILE", "source": "Scan", "period": "7d"}
    assert choose_filters(asked).given == {"source": "scan", "country": "DE", "device": "mobile"}
    assert choose_filters({"country": "Unknown"}).country == "unknown"
    assert not choose_filters({})
    with pytest.raises(Invalid) as refused:
        choose_filters({"country": "Germany", "device": "toaster", "source": "fax", "browser": ""})
    assert {problem.field for problem in refused.value.problems} == {
        *("country", "device", "source", "browser")
    }
    assert {*DEVICES} == {*get_args(Device), "unknown"}
    assert {*NAMES} == {"source", *FACETS}


def test_what_is_anothers_is_not_there(scene: Scene) -> None:
    asked = Asked(FIRST, LAST, Filters(country="DE"), False, NOW)
    for report, subject in (
        (filtered_link, scene.link_ids[0]),
        (filtered_touchpoint, scene.touchpoint_id),
        (filtered_campaign, scene.campaign_id),
    ):
        with scene.database.reading() as session, pytest.raises(NotFound):
            report(session, scene.cast.foreign.actor, subject, asked)


# The pages


PERIOD = {"from": FIRST.isoformat(), "to": LAST.isoformat()}


def facet_links(answer: TestResponse) -> dict[str, str]:
    """Where the names in the cards of facets lead."""
    found = re.findall(r'<a href="([^"]+)" class="chart-name">([^<]+)</a>', answer.text)
    return {name: unescape(place).removeprefix("/app") for place, name in found}


def test_why_nothing_is_compared_is_said_alike_with_filters_and_without(scene: Scene) -> None:
    vera = scene.cast.vera
    begins, comes = PERIOD, {"from": "2099-03-01", "to": "2099-03-03"}
    said = {
        "en": (
            (begins, "No comparison yet: there are no figures of the same length before."),
            (comes, "No comparison yet: no day of this period is over."),
        ),
        "de": (
            (
                begins,
                "Noch kein Vergleich: Davor gibt es keine Zahlen für einen gleich langen Zeitraum.",
            ),
            (comes, "Noch kein Vergleich: Von diesem Zeitraum ist noch kein Tag um."),
        ),
    }
    places = ("/", f"/campaigns/{scene.campaign_id}", f"/links/{scene.link_ids[0]}")
    try:
        for language, notes in said.items():
            vera.post("/language", locale=language)
            for (days, note), place, one in product(notes, places, ({}, {"country": "DE"})):
                assert note in text_of(vera.get(place, **days, **one)), (language, place, one)
    finally:
        vera.post("/language", locale="en")
    paper = f"/reports/campaigns/{scene.campaign_id}/paper"
    for one in ({}, {"country": "DE"}):
        printed = pypdfium2.PdfDocument(vera.get(paper, **begins, **one).data)
        words = " ".join(printed[0].get_textpage().get_text_bounded().split())
        assert said["en"][0][1] in words
    with rolled_up_only():
        later = {"from": LAST.isoformat(), "to": LAST.isoformat()}
        untold = vera.get(places[1], **later, country="DE", device="desktop")
        assert "No comparison: too little can be told" in text_of(untold)


@pytest.mark.parametrize("about", ["link", "touchpoint", "campaign"])
def test_any_value_filters_the_page_and_a_chip_takes_it_away(scene: Scene, about: str) -> None:
    place, report, subject = {
        "link": (f"/links/{scene.link_ids[0]}", filtered_link, scene.link_ids[0]),
        "touchpoint": (
            f"/reports/touchpoints/{scene.touchpoint_id}",
            filtered_touchpoint,
            scene.touchpoint_id,
        ),
        "campaign": (f"/campaigns/{scene.campaign_id}", filtered_campaign, scene.campaign_id),
    }[about]
    vera = scene.cast.vera
    plain = vera.get(place, **PERIOD, scanners="include")
    links = facet_links(plain)
    assert {"Germany", "Computer", "Firefox", "Windows", "Scanned", "t.co"} <= {*links}
    filtered = vera.get(links["Germany"].partition("#")[0])
    assert filtered.status_code == 200
    assert "Country: Germany" in text_of(filtered)
    assert "country=DE" in links["Germany"]
    assert "scanners=include" in links["Germany"]
    found = scene.ask(report, subject, suspects=True, country="DE")
    figures = dict(re.findall(r'<dt>([^<]+)</dt><dd class="stat-value">(\d+)<', filtered.text))
    assert figures == {
        "Clicks": str(found.totals.clicks),
        "Scans": str(found.totals.scans),
        "Visitors": str(found.totals.visitors),
    }
    assert "No comparison" in text_of(filtered)
    both = vera.get(facet_links(filtered)["Computer"].partition("#")[0])
    assert "Device: Computer" in text_of(both)
    chips = [
        unescape(place).removeprefix("/app").partition("#")[0]
        for place in re.findall(r'<a class="chip" href="([^"]+)"', both.text)
    ]
    assert "Country: Germany" not in text_of(vera.get(chips[0]))
    assert "Device: Computer" in text_of(vera.get(chips[0]))
    assert "Source Single clicks of the whole period." in text_of(both)


def test_a_filtered_campaign_says_whose_its_links_and_visitors_are(scene: Scene) -> None:
    """Visitors are those of links; conversions are gone, and it says why; it stays the campaign."""
    vera, place = scene.cast.vera, f"/campaigns/{scene.campaign_id}"
    page = vera.get(place, **PERIOD, source="scan")
    told = text_of(page)
    for shown in (told, text_of(vera.get(place, **PERIOD))):
        assert "Visitors are counted by day and link" in shown
        assert "day and touchpoint" not in shown
        assert "who comes by two links of the campaign counts twice" in shown
    assert "Conversions and costs hold for all clicks" in told
    assert "Its links" not in told
    assert "The campaign's links" in told
    way = re.search(r'<a href="/app([^"]+)">The campaign.{1,5}s touchpoints with', page.text)
    assert way
    led = vera.get(unescape(way[1]))
    assert f"campaign_id={scene.campaign_id}" in way[1]
    assert led.status_code == 200
    assert "Scanned or clicked: Scanned" in text_of(led)
    name = f"/reports/links/{scene.link_ids[0]}"
    assert "counted by day and link" in text_of(vera.get(name, **PERIOD))
    touchpoint = f"/reports/touchpoints/{scene.touchpoint_id}"
    assert "counted by day and touchpoint" in text_of(vera.get(touchpoint, **PERIOD, source="scan"))


@pytest.mark.parametrize("about", ["links", "campaigns"])
def test_a_filtered_file_names_what_a_filter_leaves_none_of_as_the_api(
    scene: Scene, about: str
) -> None:
    subject = scene.link_ids[0] if about == "links" else scene.campaign_id
    place = f"/reports/{about}/{subject}/download"
    filed = json.loads(
        scene.cast.vera.get(place, format="json", **PERIOD, source="scan").data,
    )
    gained = {"conversions": None, "value": None, "currency": None}
    assert {name: filed[name] for name in gained} == gained


def test_files_hold_what_the_filtered_page_shows(scene: Scene) -> None:
    query = {**PERIOD, "source": "scan", "device": "desktop"}
    found = scene.link(source="scan", device="desktop")
    vera, place = scene.cast.vera, f"/reports/links/{scene.link_ids[0]}"
    content = json.loads(vera.get(f"{place}/download", format="json", **query).data)
    assert content["totals"] == asdict(found.totals)
    assert content["filters"] == {
        "scanners": "apart",
        "source": "scan",
        "device": "desktop",
        "single_clicks_from": FIRST.isoformat(),
    }
    assert {"term": "Source", "text": "Single clicks of the whole period."} in content["counted"]
    lines = vera.get(f"{place}/download", format="csv", **query).data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(lines)))
    days = [int(row["clicks"]) for row in rows if row["table"] == "days"]
    assert days == [day.clicks for day in found.days]
    assert {row["asked_device"] for row in rows} == {"desktop"}
    last = {**query, "from": LAST.isoformat(), "to": LAST.isoformat()}
    beside = json.loads(vera.get(f"{place}/download", format="json", **last).data)["days_before"]
    assert beside == [plain(found.days[0])]
    alone = vera.get(f"{place}/days.csv", **query).data.decode("utf-8-sig")
    told = [int(row["clicks"]) for row in csv.DictReader(io.StringIO(alone))]
    assert told == days


@pytest.mark.parametrize("about", ["links", "touchpoints", "campaigns"])
def test_papers_hold_the_filtered_figures(scene: Scene, about: str) -> None:
    report, subject = {
        "links": (filtered_link, scene.link_ids[0]),
        "touchpoints": (filtered_touchpoint, scene.touchpoint_id),
        "campaigns": (filtered_campaign, scene.campaign_id),
    }[about]
    found = scene.ask(report, subject, country="DE")
    answer = scene.cast.vera.get(f"/reports/{about}/{subject}/paper", **PERIOD, country="DE")
    assert answer.mimetype == "application/pdf", answer.text
    file = pypdfium2.PdfDocument(answer.data)
    whole = " ".join(" ".join(each.get_textpage().get_text_bounded().split()) for each in file)
    assert "Country: Germany" in whole
    assert f"Clicks {found.totals.clicks} Scans {found.totals.scans}" in whole
    assert "Single clicks of the whole period." in whole


def test_paper_tells_what_is_counted_apart_where_there_is_any(scene: Scene) -> None:
    """As its page; tables have every figure."""
    place = f"/campaigns/{scene.campaign_id}"
    seen = []
    nowhere = {"country": "unknown", "city": "unknown"}
    some: list[dict[str, str]] = [{}, {"country": "DE"}, {"language": "fr"}, nowhere]
    for filters in some:
        query, vera = {**PERIOD, **filters}, scene.cast.vera
        shown = text_of(vera.get(place, **query))
        file = pypdfium2.PdfDocument(vera.get(f"/reports{place}/paper", **query).data)
        whole = " ".join(" ".join(each.get_textpage().get_text_bounded().split()) for each in file)
        totals = whole.partition("Also counted")[2].partition("Links")[0]
        data = vera.get(f"/reports{place}/download", format="json", **query).data
        counts = json.loads(data)["totals"]
        for name, label in OTHERS.items():
            if count := counts.get(name, 0):
                seen.append(name)
                assert f"{label} {count}" in totals
                assert f"{label} " in shown
            else:
                assert f"{label} 0" not in whole
        assert re.search(r"Campaign: \S", whole[:200]), whole[:200]
    assert "robots" in seen


def test_a_page_that_cannot_tell_all_says_since_when(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_back, "ROWS_OF_ONE", 1_500)
    place, query = f"/reports/links/{scene.link_ids[0]}", {**PERIOD, "language": "de"}
    answer = scene.cast.vera.get(place, **query)
    assert "Clicks are those of the whole period; all else is counted from" in text_of(answer)
    found = scene.link(language="de")
    there = [day for day in found.days if day.scans is not None]
    scans = sum(day.scans or 0 for day in there)
    clicked = sum(day.clicks for day in there) - scans
    assert f"Scanned {scans} " in text_of(answer)
    assert f"Clicked {clicked} " in text_of(answer)
    wider = re.search(r'href="([^"]+)">Count all single clicks', answer.text)
    assert wider
    whole = scene.cast.vera.get(unescape(wider[1]).removeprefix("/app").partition("#")[0])
    assert "all else is counted from" not in text_of(whole)
    with rolled_up_only():
        text = text_of(scene.cast.vera.get(place, **query))
        assert "only clicks can be told" in text
        several = text_of(scene.cast.vera.get(place, **query, source="scan"))
        assert "none of this period are kept any more" in several


def test_a_filter_that_cannot_be_is_refused(scene: Scene) -> None:
    answer = scene.cast.vera.get(f"/reports/links/{scene.link_ids[0]}", country="Germany")
    assert answer.status_code == 422
    assert "“Germany” is no country" in text_of(answer)


def test_the_api_takes_the_same_filters(scene: Scene) -> None:
    app = scene.cast.ada.client.application
    with scene.database.transaction() as session:
        key = create_key(session, scene.home.actor, "program", ("reports:read",), NOW)
    caller = Caller(app.test_client(), key, scene.home)
    for path, report, subject in (
        ("links", filtered_link, scene.link_ids[0]),
        ("touchpoints", filtered_touchpoint, scene.touchpoint_id),
        ("campaigns", filtered_campaign, scene.campaign_id),
    ):
        answer = caller.get(f"/reports/{path}/{subject}", **PERIOD, country="de", source="click")
        assert answer.status_code == 200, answer.text
        found = scene.ask(report, subject, country="DE", source="click")
        assert answer.json["totals"] == asdict(found.totals)
        assert answer.json["filters"] == {"source": "click", "country": "DE"}
        assert answer.json["single_clicks_from"] == FIRST.isoformat()
        plain = caller.get(f"/reports/{path}/{subject}", **PERIOD)
        assert plain.json["filters"] == {}
        assert sum(day["clicks"] for day in plain.json["days"]) == plain.json["totals"]["clicks"]
    refused = caller.get(f"/reports/links/{scene.link_ids[0]}", country="Germany", device="toaster")
    assert codes(refused) == {("country", "bad_country"), ("device", "not_one_of")}


def untimed(text: str) -> str:
    """Without the minute in which a shared page was read: it may turn between two readings."""
    without, times = re.subn(r", \d?\d:\d\d (?=Shared with)", "", text)
    assert times == 1
    return without


@pytest.mark.parametrize("about", ["link", "touchpoint"])
def test_a_filtered_report_is_shared_as_it_is(scene: Scene, about: str) -> None:
    report, subject, place = {
        "link": (filtered_link, scene.link_ids[0], f"/reports/links/{scene.link_ids[0]}"),
        "touchpoint": (
            filtered_touchpoint,
            scene.touchpoint_id,
            f"/reports/touchpoints/{scene.touchpoint_id}",
        ),
    }[about]
    ben = scene.cast.ben
    page = ben.get(place, **PERIOD, country="DE", device="desktop")
    form = re.search(r'href="/app(/reports/shares\?[^"]+)"', page.text)
    assert form
    asked = ben.get(unescape(form[1]))
    hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', asked.text))
    fields = {name: unescape(hidden[name]) for name in ("about", "subject", "filters")}
    assert fields == {"about": about, "subject": subject, "filters": "country=DE&device=desktop"}
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    shared = {**fields, **PERIOD, "days": "fixed", "expires_at": until, "name": "Germany"}
    made = ben.post("/reports/shares", **shared)
    assert "Country: Germany · Device: Computer" in text_of(made)
    link = re.search(r"/app(/shared/[\w-]{43})", made.text)
    assert link
    shown = scene.cast.stranger.get(link[1])
    # What is shared is fixed: its readers filter by nothing, right or wrong.
    asked_more = scene.cast.stranger.get(link[1], country="Germanyy", device="foo", **{"from": "x"})
    assert asked_more.status_code == 200
    assert untimed(text_of(asked_more)) == untimed(text_of(shown))
    found = scene.ask(report, subject, country="DE", device="desktop")
    figures = dict(re.findall(r'<dt>([^<]+)</dt><dd class="stat-value">(\d+)<', shown.text))
    assert figures["Clicks"] == str(found.totals.clicks)
    assert figures["Visitors"] == str(found.totals.visitors)
    assert "Country: Germany · Device: Computer" in text_of(shown)
    assert facet_links(shown) == {}
    assert "/app/reports" not in shown.text
    assert "onversions hold for all clicks, not for these alone" in text_of(shown)
    assert f"Visitors are counted by day and {about}" in text_of(shown)


def test_only_what_can_be_filtered_is_shared_with_filters(scene: Scene) -> None:
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    fields = {"name": "A", "about": "touchpoints", "days": "rolling", "expires_at": until}
    for filters in ("country=Germany", "hour=9"):
        answer = scene.cast.ben.post("/reports/shares", **fields, filters=filters)
        assert answer.status_code == 422


@pytest.mark.parametrize("suspects", [False, True])
@pytest.mark.parametrize("filters", [{"device": "desktop"}, {"country": "DE", "source": "scan"}])
def test_the_ranking_has_what_each_touchpoint_has(
    scene: Scene, filters: dict[str, str], suspects: bool
) -> None:
    """And its links without one; the values of a filter add up to the whole ranking."""
    found = scene.ranking(suspects=suspects, **filters)
    assert found.filtered is not None
    assert found.filtered.is_whole
    for row in found.touchpoints:
        if row.id is not None:
            alone = scene.ask(filtered_touchpoint, row.id, suspects=suspects, **filters).totals
            counts = (alone.clicks, alone.scans, alone.visitors, alone.tokenless)
            assert (row.clicks, row.scans, row.visitors, row.tokenless) == counts
        assert (row.verdict, row.rate, row.reach, row.conversions) == ("no_reach", None, 0, 0)
    links = sum(
        (scene.link(number, suspects=suspects, **filters).totals.clicks) for number in range(6)
    )
    assert found.totals.clicks == sum(row.clicks for row in found.touchpoints) == links


def test_the_rankings_of_all_values_add_up_to_the_whole(scene: Scene) -> None:
    whole = asdict(scene.ranking().totals)
    both = [asdict(scene.ranking(source=source).totals) for source in SOURCES]
    for name in set(whole) - {"misses", "heads", "unrecorded"}:
        assert whole[name] == sum(totals[name] for totals in both), name


def test_what_a_filter_leaves_a_rate_of_is_judged(scene: Scene) -> None:
    """Clicks a day and scans per click of the same clicks; a trend where there is a time before."""
    by_day = scene.ranking(metric="clicks_per_day", device="desktop")
    for row in by_day.touchpoints:
        if row.id is not None:
            assert row.per == "day"
            assert row.rate is not None
            assert row.rate <= row.clicks
    scans = scene.ranking(metric="scans_per_click", device="desktop")
    assert {row.rate for row in scans.touchpoints if row.clicks and row.id} == {
        row.scans / row.clicks for row in scans.touchpoints if row.clicks and row.id
    }
    tomorrow = NOW + timedelta(days=1)
    trend = scene.ranking(metric="trend", first=LAST, now=tomorrow, device="desktop")
    before = {
        row.id: row for row in scene.ranking(first=FIRST, last=FIRST, device="desktop").touchpoints
    }
    compared = [row for row in trend.touchpoints if row.rate is not None]
    assert compared
    for row in compared:
        then = before[row.id]
        assert row.rate == pytest.approx(
            (row.visitors + row.tokenless) / (then.visitors + then.tokenless)
        )


def test_a_ranking_counts_as_far_back_as_there_is_time(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = scene.ranking(device="desktop")
    monkeypatch.setattr(reading_back, "ROWS_OF_ONE", 200)
    found = scene.ranking(device="desktop")
    assert found.filtered is not None
    assert found.filtered.more_single_clicks
    assert found.filtered.single_clicks_from is not None
    since = found.filtered.single_clicks_from
    monkeypatch.undo()
    later = scene.ranking(first=since, device="desktop")
    assert found.totals == later.totals
    assert found.totals.clicks < whole.totals.clicks
    with rolled_up_only():
        none = scene.ranking(device="desktop")
    assert none.filtered is not None
    assert (none.filtered.single_clicks_from, none.totals.clicks) == (None, 0)
    assert [row.name for row in none.touchpoints] == [
        row.name for row in whole.touchpoints if row.id
    ]


def test_the_filtered_ranking_is_one_on_page_files_and_api(scene: Scene) -> None:
    vera, query = scene.cast.vera, {**PERIOD, "country": "DE", "device": "desktop"}
    found = scene.ranking(country="DE", device="desktop")
    page = vera.get("/reports", **query)
    text = text_of(page)
    assert "Country: Germany" in text
    assert "Device: Computer" in text
    assert "What can be compared with filters: “Clicks a day”, “Scans per click”, “Trend”." in text
    scanned = text_of(vera.get("/reports", **PERIOD, source="scan"))
    assert "What can be compared with filters: “Clicks a day”, “Trend”." in scanned
    assert "Verdict" not in page.text.partition("<tbody>")[0].partition("<table")[2]
    (total,) = re.findall(r"<th scope=\"row\">Total</th><td[^>]*>([\d,]+)<", page.text)
    assert total == str(found.totals.clicks)
    judged = vera.get("/reports", **query, metric="clicks_per_day")
    assert judged.status_code == 200
    assert "Verdict" in judged.text
    said = json.loads(vera.get("/reports/download", **query, format="json").data)
    assert said["totals"] == asdict(found.totals)
    assert said["filtered"]["filters"] == {"country": "DE", "device": "desktop"}
    assert vera.get("/reports/paper", **query).status_code == 200
    from_touchpoint = vera.get(f"/reports/touchpoints/{scene.touchpoint_id}", **query)
    assert "country=DE" in from_touchpoint.text.partition("All touchpoints with these")[0][-400:]
    refused = vera.get("/reports", country="Germany")
    assert refused.status_code == 422


def test_the_overview_tells_of_filtered_clicks(scene: Scene) -> None:
    """Its figures are those of the ranking, and its days add up to them."""
    found = scene.ranking(country="DE")
    assert found.filtered is not None
    days = found.filtered.days
    for name in ("clicks", "scans", "visitors"):
        assert sum(getattr(day, name) for day in days) == getattr(found.totals, name)
    assert [day.date for day in days] == [FIRST + timedelta(days=n) for n in range(DAYS)]
    page = scene.cast.vera.get("/", **PERIOD, country="DE")
    figures = dict(re.findall(r">(\w+)</a></dt><dd class=.stat-value.>(\d+)<", page.text))
    assert figures["Clicks"] == str(found.totals.clicks)
    assert figures["Visitors"] == str(found.totals.visitors)
    assert "Country: Germany" in text_of(page)
    assert "Touchpoints with the most of these clicks" in page.text
    assert "No click of this period" in scene.cast.vera.get("/", **PERIOD, country="FR").text
    assert "Filter clicks" in scene.cast.vera.get("/", **PERIOD).text
    assert "/app/overview/download?format=csv" in page.text
    query = {**PERIOD, "country": "DE"}
    file = scene.cast.vera.get("/overview/download", **query, format="json").json
    totals = plain(found.totals)
    assert isinstance(totals, dict)
    # Conversions have no country: nought of them would be untrue.
    untold = dict.fromkeys(("conversions", "value", "misses", "unrecorded"))
    assert file["totals"] == totals | untold
    empty = ("reach", "value", "verdict")
    assert {row[name] for row in file["touchpoints"] for name in empty} == {None}
    assert file["days"] == [plain(day) for day in days]
    assert file["filters"]["country"] == "DE"
    assert [int(day["clicks"]) for day in lines_of(scene, "/overview", "days", **query)] == [
        day.clicks for day in days
    ]
    paper = pypdfium2.PdfDocument(scene.cast.vera.get("/overview/paper", **query).data)
    words = " ".join(paper[0].get_textpage().get_text_bounded().split())
    assert f"Clicks {found.totals.clicks} " in words
    assert "Country: Germany" in words
    assert scene.cast.vera.get("/", country="Germany").status_code == 422


def test_the_filtered_overview_compares_with_the_weekday_before(scene: Scene) -> None:
    now, before = (scene.ranking(first=day, last=day, device="desktop") for day in (LAST, FIRST))
    actor, filters = scene.home.actor, Filters(device="desktop")
    with scene.database.reading() as session:
        change = filtered_change(
            session, actor, now, filters, suspects=False, today=LAST + timedelta(days=1)
        )
        today = filtered_change(session, actor, now, filters, suspects=False, today=LAST)
        early = filtered_change(session, actor, before, filters, suspects=False, today=LAST)
    assert change is not None
    for figures, totals in ((change.now, now.totals), (change.before, before.totals)):
        assert figures == {
            "clicks": totals.clicks,
            "scans": totals.scans,
            "visitors": totals.visitors,
        }
    assert (change.weeks, today, early) == (1, None, None)
    assert before.filtered
    assert list(change.days) == list(before.filtered.days)


@pytest.mark.parametrize("figure", ["visitors", "clicks", "scans"])
def test_the_filtered_overview_draws_the_time_before(scene: Scene, figure: str) -> None:
    """A figure at a time, as without filters, on its page, its paper and in its files."""
    days = {"from": LAST.isoformat(), "to": LAST.isoformat(), "device": "desktop"}
    now, before = (scene.ranking(first=day, last=day, device="desktop") for day in (LAST, FIRST))
    page = scene.cast.vera.get("/", **days, figure=figure)
    table = re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", page.text.partition("<tbody>")[2])
    told = [getattr(each.totals, figure) for each in (now, before)]
    assert [int(cell) for cell in table[1:3]] == told
    assert f'aria-current="true">{figure.capitalize()}</a>' in page.text
    assert "Without the line" not in page.text
    assert "Without the line" in scene.cast.vera.get("/", **PERIOD, device="desktop").text
    file = scene.cast.vera.get("/overview/download", **days, format="json").json
    assert before.filtered
    assert file["days_before"] == [plain(day) for day in before.filtered.days]
    assert file["change"]["weeks"] == 1
    paper = pypdfium2.PdfDocument(
        scene.cast.vera.get("/overview/paper", **days, figure=figure).data
    )
    words = " ".join(paper[0].get_textpage().get_text_bounded().split())
    assert " Before" in words


def test_a_filtered_link_and_touchpoint_draw_the_time_before(scene: Scene) -> None:
    days = {"from": LAST.isoformat(), "to": LAST.isoformat(), "device": "desktop"}
    for path in (f"touchpoints/{scene.touchpoint_id}", f"links/{scene.link_ids[0]}"):
        page = scene.cast.vera.get(f"/reports/{path}", **days).text
        assert 'class="chart-line-before"' in page, path
        assert re.search(r'<th scope="col">(Clicks before|Before)</th>', page), path


def origins(scene: Scene, **filters: str) -> Origins | None:
    report = scene.ranking(**filters)
    with scene.database.reading() as session:
        return filtered_origins(
            session,
            scene.home.actor,
            report,
            choose_filters(filters),
            compared=False,
            suspects=False,
        )


def lines_of(scene: Scene, path: str, table: str, **query: str) -> list[dict[str, str]]:
    """The lines of one table of a CSV."""
    text = scene.cast.vera.get(f"{path}/download", **query, format="csv").text
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    return [row for row in rows if row["table"] == table]


def in_all_files(scene: Scene, values: Sequence[Value], name: str, **filters: str) -> None:
    """The values of one facet are what the filtered overview is saved with, and no other's are."""
    query = {**PERIOD, **filters}
    (other,) = {"countries", "devices"} - {name}
    told = [(each.value, each.clicks) for each in values]
    assert told
    lines = lines_of(scene, "/overview", name, **query)
    assert [(line["value"], int(line["clicks"])) for line in lines] == told
    assert lines[0]["asked_origins_from"] == FIRST.isoformat()
    file = scene.cast.vera.get("/overview/download", **query, format="json").json
    assert [(each["value"], each["clicks"]) for each in file[name]] == told
    assert (file["origins_from"], file.get(other)) == (FIRST.isoformat(), [])
    book = openpyxl.load_workbook(
        io.BytesIO(scene.cast.vera.get("/overview/download", **query, format="xlsx").data)
    )
    sheet = list(book[name.capitalize()].iter_rows(values_only=True))[1:]
    assert [(row[0], row[2]) for row in sheet] == told
    assert other.capitalize() not in book.sheetnames
    paper = pypdfium2.PdfDocument(scene.cast.vera.get("/overview/paper", **query).data)
    words = " ".join(" ".join(p.get_textpage().get_text_bounded().split()) for p in paper)
    for row in sheet:
        assert f"{row[1]} {row[2]}" in words.partition(name.capitalize())[2]


def test_files_of_a_filtered_ranking_say_nothing_of_reach(scene: Scene) -> None:
    """That it is missing would be untrue; what its clicks can be judged by is judged."""
    query = {**PERIOD, "country": "DE"}
    for metric, judged in (("visitors_per_reach", False), ("clicks_per_day", True)):
        asked = {**query, "metric": metric}
        text = scene.cast.vera.get("/reports/download", **asked, format="csv").text
        rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
        assert rows
        for name in ("reach", "unit", "conversions", "value"):
            assert {row[name] for row in rows} == {""}, name
        assert bool("".join(row["verdict"] for row in rows)) == judged
        content = scene.cast.vera.get("/reports/download", **asked, format="json").json
        assert all(row["verdict"] for row in content["touchpoints"])
        paper = pypdfium2.PdfDocument(scene.cast.vera.get("/reports/paper", **asked).data)
        assert ("Verdict" in paper[0].get_textpage().get_text_bounded()) == judged


def test_the_filtered_overview_says_where_and_with_what_clicks_came(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, whole = origins(scene, country="DE"), scene.ranking(country="DE")
    assert found is not None
    assert found.since == FIRST
    assert [each.value for each in found.countries] == ["DE"]
    for each in found.devices:
        assert each.clicks == scene.ranking(country="DE", device=each.value).totals.clicks
    for values in (found.countries, found.devices):
        assert sum(each.clicks for each in values) == whole.totals.clicks
    page = scene.cast.vera.get("/", **PERIOD, country="DE")
    assert ">Devices<" in page.text
    assert ">Countries<" not in page.text
    assert re.search(r'href="[^"]*country=DE[^"]*device=desktop', page.text)
    in_all_files(scene, found.devices, "devices", country="DE")
    found_by_device = origins(scene, device="mobile")
    assert found_by_device is not None
    in_all_files(scene, found_by_device.countries, "countries", device="mobile")
    # There is less time: of fewer days than the page, which is still whole.
    cost = reading_back.ROWS_OF_ONE
    while found is not None and found.since == FIRST:
        cost = cost * 3 // 4
        monkeypatch.setattr(reading_back, "ROWS_OF_ONE", cost)
        found = origins(scene, country="DE")
    assert scene.ranking(country="DE").totals == whole.totals
    assert found is None or found.since > FIRST
    assert "would take longer to read" in text_of(scene.cast.vera.get("/", **PERIOD, country="DE"))


def test_cities_are_on_the_page_in_the_files_and_in_the_api(scene: Scene) -> None:
    """The same clicks everywhere; the two called alike would be two."""
    expected = values_of(scene.unfiltered(), "city")
    assert set(expected) == {HALLE, MUNICH, "unknown"}
    page = scene.cast.vera.get(f"/reports/links/{scene.link_ids[0]}", **PERIOD)
    told = text_of(page)
    assert "Halle (Sachsen-Anhalt, Germany)" in told
    assert "Where from" in told
    assert "Cities are not known" not in told
    assert "city=DE/Sachsen-Anhalt/Halle" in unescape(page.text)
    answer = scene.cast.vera.get(
        f"/reports/links/{scene.link_ids[0]}/download", **PERIOD, format="json"
    )
    assert {each["value"]: each["clicks"] for each in json.loads(answer.text)["cities"]} == expected
    chosen = scene.link(city=HALLE)
    assert chosen.totals.clicks == expected[HALLE]
    for path in ("/", "/reports"):
        form = scene.cast.vera.get(path, **PERIOD, city=HALLE)
        options = form.text.partition('<select id="f-city"')[2].partition("</select>")[0]
        named = re.findall(r'value="([^"]*)"( selected)?>([^<]+)', options)
        assert named == [
            ("", "", "All"),
            (HALLE, " selected", "Halle (Sachsen-Anhalt, Germany)"),
            (MUNICH, "", "München (Germany)"),
        ]
        elsewhere = scene.cast.cleo.get(path, **PERIOD)
        assert 'id="f-city"' not in elsewhere.text
    assert {each.value for each in chosen.countries} == {"DE"}
