"""Conversions in reports: reported and imported, by first and last touch; parts sum to totals,
and page, API, files and command line say the same.
"""

from __future__ import annotations

import json
import re
from datetime import date

import pytest
from cast import NOW
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import delete
from test_downloads import as_csv, as_json, as_workbook
from test_pages_reports import Shop, shop
from test_papers import pages_of
from test_reports import FIRST, LAST, World, ada, session
from test_reports import NOW as THEN

from linkservice.conversions.model import Conversion, ConversionCount, ConversionDay
from linkservice.journeys.campaigns import create_campaign
from linkservice.journeys.model import Touchpoint
from linkservice.journeys.touchpoints import delete_touchpoint
from linkservice.links.model import Link
from linkservice.reports.links import campaign_report, link_report
from linkservice.reports.queries import touchpoint_report
from linkservice.reports.results import TouchpointReport

__all__ = ["ada", "session", "shop"]

DIGIT = st.integers(0, 9)


def reported(
    of: World,
    touchpoint: Touchpoint | None,
    day: date = FIRST,
    how: str = "last",
    conversions: int = 1,
    value: int = 0,
) -> None:
    of.session.add(
        ConversionDay(
            workspace_id=of.actor.workspace_id,
            local_date=day,
            touchpoint_id=touchpoint.id if touchpoint else 0,
            attribution=how,
            conversions=conversions,
            value=value,
        )
    )
    of.session.flush()


def report(of: World, attribution: str = "last", **more: str) -> TouchpointReport:
    return touchpoint_report(
        of.session,
        of.actor,
        first=FIRST,
        last=LAST,
        attribution=attribution,
        now=THEN,
        **more,
    )


def gained(found: TouchpointReport) -> dict[str | None, tuple[int, int]]:
    return {row.name: (row.conversions, row.value) for row in found.touchpoints}


def test_first_and_last_touch_are_two_reports_of_one_total(ada: World) -> None:
    poster, letter = ada.touchpoint("Poster"), ada.touchpoint("Newsletter")
    reported(ada, poster, how="first", conversions=3, value=300)
    reported(ada, letter, how="last", conversions=2, value=250)
    reported(ada, None, how="last", conversions=1, value=50)
    last, first = report(ada), report(ada, "first")
    assert gained(last) == {"Poster": (0, 0), "Newsletter": (2, 250), None: (1, 50)}
    assert gained(first) == {"Poster": (3, 300), "Newsletter": (0, 0)}
    assert (last.attribution, first.attribution) == ("last", "first")
    assert (last.totals.conversions, last.totals.value) == (3, 300)
    assert (first.totals.conversions, first.totals.value) == (3, 300)


def test_only_days_of_the_period_count(ada: World) -> None:
    poster = ada.touchpoint("Poster")
    reported(ada, poster, date(2026, 5, 31))
    reported(ada, poster, FIRST)
    reported(ada, poster, LAST)
    reported(ada, poster, date(2026, 6, 11))
    assert report(ada).totals.conversions == 2


def test_a_deleted_touchpoint_keeps_its_conversions(ada: World) -> None:
    poster = ada.touchpoint("Poster")
    reported(ada, poster, value=7)
    delete_touchpoint(ada.session, ada.actor, str(poster.id), NOW)
    (row,) = report(ada).touchpoints
    assert (row.deleted, row.conversions, row.value) == (True, 1, 7)


@hypothesis_settings(max_examples=30)
@given(
    parts=st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 9),
            st.booleans(),
            st.integers(0, 9),
            st.integers(0, 9),
        ),
        max_size=12,
        unique_by=lambda part: part[:3],
    )
)
def test_parts_sum_to_totals(ada: World, parts: list[tuple[int, int, bool, int, int]]) -> None:
    """Whatever was reported or imported, of whichever touchpoint, on whichever day."""
    places = [None, *(ada.touchpoint(f"T{number}") for number in range(3))]
    for place, day, imported, conversions, value in parts:
        where, on = places[place], FIRST.replace(day=1 + day)
        worth = value * 10**10
        if imported and where is not None:
            ada.session.add(
                ConversionCount(
                    workspace_id=ada.actor.workspace_id,
                    local_date=on,
                    touchpoint_id=where.id,
                    source="shop",
                    conversions=conversions,
                    value=worth,
                    imported_at=NOW,
                )
            )
        else:
            reported(ada, where, on, "first" if imported else "last", conversions, worth)
    ada.session.flush()
    for attribution in ("last", "first"):
        found = report(ada, attribution)
        assert found.totals.conversions == sum(row.conversions for row in found.touchpoints)
        assert found.totals.value == sum(row.value for row in found.touchpoints)
    whole = sum(part[3] for part in parts if not (part[2] and part[0] == 0))
    assert report(ada).totals.conversions == whole
    for model in (ConversionDay, ConversionCount):
        ada.session.execute(delete(model))
    for place in places[1:]:
        assert place is not None
        ada.session.delete(place)
    ada.session.flush()


def test_conversions_per_click_divide_to_their_rate(ada: World) -> None:
    for number in range(5):
        place = ada.touchpoint(f"T{number}")
        ada.count(ada.link().id, FIRST, place, clicks=1_000, touchpoint_visitors=900)
        reported(ada, place, conversions=9 if number == 3 else 90)
    idle = ada.touchpoint("Idle")
    found = report(ada, metric="conversions_per_click")
    rows = {row.name: row for row in found.touchpoints}
    assert {name: row.rate for name, row in rows.items()} == {
        **{f"T{number}": 0.009 if number == 3 else 0.09 for number in range(5)},
        idle.name: None,
    }
    assert rows["T3"].verdict == "worst"
    assert rows["Idle"].verdict == "no_reach"
    assert rows["T3"].peers is not None
    assert rows["T3"].peers.mean == pytest.approx(0.09, rel=0.02)


def test_value_without_a_conversion_is_judged_all_the_same(ada: World) -> None:
    poster = ada.touchpoint("Poster")
    ada.reach(poster, FIRST, 1_000)
    reported(ada, poster, conversions=0, value=2_709)
    (row,) = report(ada, metric="value_per_reach").touchpoints
    assert (row.conversions, row.value, row.rate) == (0, 2_709, 2.709)
    assert row.low is not None
    assert row.high is not None
    assert 0 < row.low < 2.709 < row.high


def test_scans_per_click_divide_to_their_rate(ada: World) -> None:
    for number in range(5):
        place = ada.touchpoint(f"T{number}")
        ada.count(ada.link().id, FIRST, place, clicks=1_000, scans=90 if number == 3 else 500)
    ada.touchpoint("Idle")
    found = report(ada, metric="scans_per_click")
    rows = {row.name: row for row in found.touchpoints}
    assert {name: row.rate for name, row in rows.items()} == {
        **{f"T{number}": 0.09 if number == 3 else 0.5 for number in range(5)},
        "Idle": None,
    }
    assert (rows["T3"].verdict, rows["Idle"].verdict) == ("worst", "no_reach")


def bought(
    workspace_id: int, event_id: str, day: date, last: int, first: int, value: int | None
) -> Conversion:
    return Conversion(
        workspace_id=workspace_id,
        event_id=event_id,
        occurred_at=NOW,
        local_date=day,
        value=value,
        currency="EUR",
        first_link_id=first,
        last_link_id=last,
        last_clicked_at=NOW,
        recorded_at=NOW,
    )


def test_a_link_and_a_campaign_tell_conversions_by_the_last_click(ada: World) -> None:
    """Not those of other links, other days, or of a click that was the first only."""
    one, two, other = ada.link(), ada.link(), ada.link()
    campaign = create_campaign(ada.session, ada.actor, "Autumn", NOW)
    one.campaign_id = two.campaign_id = campaign.id
    told = [
        (FIRST, one.id, other.id, 1_999),
        (LAST, one.id, one.id, None),
        (LAST, two.id, one.id, 500),
        (FIRST, other.id, one.id, 70),
        (FIRST.replace(year=2025), one.id, one.id, 3),
    ]
    for number, (day, last, first, value) in enumerate(told):
        ada.session.add(bought(ada.actor.workspace_id, f"e{number}", day, last, first, value))
    ada.session.flush()
    asked = {"first": FIRST, "last": LAST, "now": THEN}
    of_link = link_report(ada.session, ada.actor, str(one.id), **asked)
    together = campaign_report(ada.session, ada.actor, str(campaign.id), **asked)
    assert (of_link.conversions, of_link.value, of_link.currency) == (2, 1_999, "EUR")
    assert (together.conversions, together.value) == (3, 2_499)


def test_a_links_page_files_and_api_tell_the_same_conversions(shop: Shop) -> None:
    path = f"/reports/links/{shop.link_id}"
    assert "Conversions per click" not in shop.cast.vera.get(path).text
    with shop.cast.ada.client.application.extensions["database"].transaction() as session:
        workspace_id = session.get_one(Link, int(shop.link_id)).workspace_id
        sold = bought(workspace_id, "sold", shop.today, int(shop.link_id), 0, 567_890)
        session.add(sold)
    for page in (path, f"/links/{shop.link_id}"):
        assert re.search(
            r"Conversions per click.*5,678\.90|5,678\.90.*Conversions per click",
            re.sub(r"\s+", " ", shop.cast.vera.get(page).text),
        )
    content = as_json(shop, f"{path}/download")
    assert (content["conversions"], content["value"], content["currency"]) == (1, 567_890, "EUR")
    figures = {line["figure"]: line["count"] for line in as_csv(shop, f"{path}/download")}
    assert (figures["conversions"], figures["value"]) == ("1", "5678.90")
    totals = dict(as_workbook(shop, f"{path}/download")["Totals"][1:])
    assert (totals["Conversions"], totals["Value (EUR)"]) == (1, 5678.9)
    assert "Value (EUR) 5,678.90" in " ".join(pages_of(shop, f"{path}/paper"))


def test_everywhere_the_same_figures(shop: Shop) -> None:
    """The page, its files and the API present one report."""
    strong = shop.ids["Strong"]
    with shop.cast.ada.client.application.extensions["database"].transaction() as session:
        workspace_id = session.get_one(Touchpoint, int(strong)).workspace_id
        session.add(
            ConversionDay(
                workspace_id=workspace_id,
                local_date=shop.today,
                touchpoint_id=int(strong),
                attribution="last",
                conversions=1_234,
                value=567_890,
            )
        )
    page = shop.cast.vera.get("/reports")
    text = re.sub(r"<[^>]+>|\s+", " ", page.text)
    assert "1.234" in text or "1,234" in text
    assert re.search(r"5[.,]678[.,]90", text)
    answer = shop.cast.vera.get("/reports/download", format="json")
    content = json.loads(answer.data)
    (row,) = [row for row in content["touchpoints"] if row["id"] == strong]
    assert (row["conversions"], row["value"]) == (1_234, 567_890)
    assert (content["totals"]["conversions"], content["totals"]["value"]) == (1_234, 567_890)
    first = shop.cast.vera.get("/reports/download", format="json", attribution="first")
    assert json.loads(first.data)["totals"]["conversions"] == 0
    one = shop.cast.vera.get(f"/reports/touchpoints/{strong}")
    assert re.search(r"5[.,]678[.,]90", one.text)
    judged = shop.cast.vera.get("/reports", metric="conversions_per_click")
    assert judged.status_code == 200
    assert "Conversions" in judged.text
    for metric in ("value_per_reach", "trend"):
        page = shop.cast.vera.get("/reports", metric=metric)
        assert page.status_code == 200
        assert ("What was bought" in page.text) == (metric == "value_per_reach")
        said = json.loads(
            shop.cast.vera.get("/reports/download", format="json", metric=metric).data
        )
        (row,) = [row for row in said["touchpoints"] if row["id"] == strong]
        assert said["metric"] == metric
        assert row["per"] in ("day", row["unit"])
        if metric == "value_per_reach":
            assert row["rate"] == pytest.approx(row["value"] / row["reach"])
    assert shop.cast.vera.get("/reports/paper", metric="trend").status_code == 200
    money_is_in_euros(shop, strong)


def money_is_in_euros(shop: Shop, strong: str) -> None:
    """Nobody reads 567890 for 5,678.90 € in a file for people."""
    for metric in ("visitors_per_reach", "value_per_reach"):
        content = as_json(shop, "/reports/download", metric=metric)
        (row,) = [row for row in content["touchpoints"] if row["id"] == strong]
        scale = 100 if metric == "value_per_reach" else 1
        lines = as_csv(shop, "/reports/download", metric=metric)
        (line,) = [line for line in lines if line["id"] == strong]
        assert (line["value"], line["currency"]) == ("5678.90", "EUR")
        for name in ("rate", "low", "high"):
            assert float(line[name]) == pytest.approx(row[name] / scale, rel=1e-15)
        assert float(line["peers_mean"]) == row["peers"]["mean"] / scale
    for path, query in (("/reports", {"group": "channel"}), ("/overview", {})):
        sheets = as_workbook(shop, f"{path}/download", **query)
        head, *rows = sheets["Touchpoints"]
        (told,) = [dict(zip(head, row, strict=True)) for row in rows if row[0] == strong]
        assert (told["Value (EUR)"], told["Currency"]) == (5678.9, "EUR")
        assert dict(sheets["Totals"][1:])["Value (EUR)"] == 5678.9
    paper = " ".join(pages_of(shop, "/reports/paper"))
    assert re.search(r"Total [\d,]+ [\d,]+ [\d,]+ [\d,]+ €5,678\.90", paper), paper
    # Its last lines tell them: no other table does once more.
    assert "Value (EUR)" not in paper
    for metric in ("visitors_per_reach", "value_per_reach"):
        paper = " ".join(pages_of(shop, "/reports/paper", metric=metric))
        assert re.search(r"Strong .{0,60}1,234 €5,678.90 ", paper), paper
