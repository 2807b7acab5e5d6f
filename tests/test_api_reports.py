"""Reports and QR codes over REST."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest
import zxingcpp
from PIL import Image
from rest import People, codes, everybody

from linkservice.clicks.model import LinkDay, SuspectedDay
from linkservice.database import Database

people = pytest.fixture(everybody)
# Both databases are proved by the nouns' own tests; this is about the door.
pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)

TOTALS = {
    "clicks",
    "scans",
    "visitors",
    "journey_visitors",
    "robots",
    "previews",
    "prefetches",
    "scanners",
    "suspected",
    "heads",
    "own",
    "misses",
    "unrecorded",
}
ROW = {
    "id",
    "name",
    "stage",
    "journey",
    "kind",
    "clicks",
    "scans",
    "visitors",
    "tokenless",
    "reach",
    "unit",
    "rate",
    "low",
    "high",
    "verdict",
    "peers",
    "more_reach_needed",
}
FACETS = {"countries", "cities", "devices", "browsers", "systems", "languages", "referrers"} | {
    "robots"
}


def clicked(
    database: Database, people: People, link: dict[str, str], day: str, clicks: int
) -> None:
    """Roll-ups of a day of the link, as the ingester leaves them."""
    counts = dict.fromkeys(
        (
            "scans",
            "touchpoint_visitors",
            "journey_visitors",
            "robots",
            "previews",
            "prefetches",
            "scanners",
            "heads",
            "own",
        ),
        0,
    )
    with database.transaction() as session:
        session.add(
            LinkDay(
                link_id=int(link["id"]),
                local_date=date.fromisoformat(day),
                touchpoint_id=int(link["touchpoint_id"] or 0),
                workspace_id=people.ada.home.workspace_id,
                clicks=clicks,
                visitors=clicks,
                tokenless=0,
                **counts,
            )
        )


def test_the_touchpoint_report_has_the_shape_of_the_contract(
    people: People, database: Database
) -> None:
    journey = people.ada.made("/journeys", name="Kauf", template="standard")
    touchpoint = journey["stages"][0]["touchpoints"][0]
    link = people.ada.made(
        "/links", destination="https://example.com/", touchpoint_id=touchpoint["id"]
    )
    loose = people.ada.made("/links", destination="https://example.com/")
    clicked(database, people, link, "2026-11-02", 3)
    clicked(database, people, loose, "2026-11-03", 2)
    query = {"from": "2026-11-01", "to": "2026-11-07"}
    report = people.vera.get("/reports/touchpoints", **query).json
    assert report["period"] == {**query, "time_zone": "Europe/Berlin"}
    assert report["metric"] == "visitors_per_reach"
    assert report["totals"].keys() >= TOTALS
    assert all(row.keys() >= ROW for row in report["touchpoints"])
    assert report["totals"]["clicks"] == sum(row["clicks"] for row in report["touchpoints"]) == 5
    [row] = [row for row in report["touchpoints"] if row["id"] == touchpoint["id"]]
    assert (row["name"], row["clicks"], row["verdict"]) == (touchpoint["name"], 3, "no_reach")
    [row] = [row for row in report["touchpoints"] if row["id"] is None]
    assert row["clicks"] == 2
    query |= {"journey_id": journey["id"], "metric": "clicks_per_day"}
    report = people.vera.get("/reports/touchpoints", **query).json
    assert (report["metric"], report["totals"]["clicks"]) == ("clicks_per_day", 3)
    query |= {"stage_id": journey["stages"][0]["id"], "group": "kind", "sort": "name"}
    report = people.vera.get("/reports/touchpoints", **query, order="up").json
    names = [row["name"] for row in report["touchpoints"]]
    assert {row["stage_id"] for row in report["touchpoints"]} == {query["stage_id"]}
    together = [group["together"]["clicks"] for group in report["groups"]]
    assert sum(together) == report["shown"]["clicks"] == 3
    assert sum(len(group["touchpoint_ids"]) for group in report["groups"]) == len(names)
    answer = people.vera.get("/reports/touchpoints", sort="luck")
    assert (answer.status_code, codes(answer)) == (422, {("sort", "not_one_of")})


def test_the_link_report_has_the_shape_of_the_contract(people: People, database: Database) -> None:
    link = people.ada.made("/links", destination="https://example.com/")
    clicked(database, people, link, "2026-11-02", 3)
    query = {"from": "2026-11-01", "to": "2026-11-03"}
    report = people.vera.get(f"/reports/links/{link['id']}", **query).json
    assert report.keys() >= {"totals", "days", "hours"} | FACETS
    assert report["period"] == {**query, "time_zone": "Europe/Berlin"}
    assert [day["clicks"] for day in report["days"]] == [0, 3, 0]
    assert report["days"][1] == {"date": "2026-11-02", "clicks": 3, "scans": 0, "visitors": 3}
    assert report["totals"]["clicks"] == 3
    assert len(report["hours"]) == 168


def test_suspected_scanners_are_scanners_or_clicks_as_the_question_says(
    people: People, database: Database
) -> None:
    link = people.ada.made("/links", destination="https://example.com/")
    clicked(database, people, link, "2026-11-02", 3)
    with database.transaction() as session:
        session.add(
            SuspectedDay(
                link_id=int(link["id"]),
                local_date=date(2026, 11, 2),
                touchpoint_id=0,
                workspace_id=people.ada.home.workspace_id,
                clicks=5,
                visitors=1,
                **dict.fromkeys(("scans", "touchpoint_visitors", "journey_visitors"), 0),
                tokenless=0,
            )
        )
    query = {"from": "2026-11-01", "to": "2026-11-03"}
    for path in ("/reports/touchpoints", f"/reports/links/{link['id']}"):
        for choice, clicks, scanners in (("apart", 3, 5), ("include", 8, 0)):
            totals = people.vera.get(path, **query, scanners=choice).json["totals"]
            assert (totals["clicks"], totals["scanners"]) == (clicks, scanners)
            assert totals["suspected"] == 5
        assert people.vera.get(path, **query).json["totals"]["scanners"] == 5
        answer = people.vera.get(path, scanners="maybe")
        assert (answer.status_code, codes(answer)) == (422, {("scanners", "not_one_of")})
        assert "apart, include" in answer.json["errors"][0]["message"]


def test_wrong_questions_are_refused(people: People) -> None:
    answer = people.vera.get("/reports/touchpoints", **{"from": "2026-11-02", "to": "2026-11-01"})
    assert (answer.status_code, codes(answer)) == (422, {("to", "period_order")})
    answer = people.vera.get("/reports/touchpoints", **{"from": "gestern"}, metric="x")
    assert codes(answer) == {("from", "wrong_type")}
    assert codes(people.vera.get("/reports/touchpoints", metric="x")) == {("metric", "not_one_of")}
    answer = people.vera.get("/reports/touchpoints", journey_id="999999")
    assert (answer.status_code, codes(answer)) == (404, {("journey_id", "no_such_row")})


def test_cleo_reads_no_report_of_adas(people: People) -> None:
    journey = people.ada.made("/journeys", name="Kauf")
    link = people.ada.made("/links", destination="https://example.com/")
    assert people.cleo.get(f"/reports/links/{link['id']}").status_code == 404
    assert people.cleo.get("/reports/touchpoints", journey_id=journey["id"]).status_code == 404
    assert people.cleo.get("/reports/touchpoints").json["touchpoints"] == []


def test_the_qr_codes_of_a_link_are_scanned_as_its_scan_url(people: People) -> None:
    link = people.ada.made("/links", destination="https://example.com/", slug="aktion_ü")
    answer = people.vera.get(f"/links/{link['id']}/qr.png", module_px=4)
    assert (answer.status_code, answer.content_type) == (200, "image/png")
    picture = Image.open(BytesIO(answer.data))
    assert answer.headers["X-QR-Width-Px"] == str(picture.width)
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == [link["scan_url"]]
    answer = people.vera.get(f"/links/{link['id']}/qr.svg", size_mm=30)
    assert (answer.status_code, answer.content_type) == (200, "image/svg+xml")
    assert answer.headers["X-QR-Size-Mm"] == "30.000"
    assert link["scan_url"] in answer.text


def test_the_true_size_is_told_and_the_picture_cached(people: People) -> None:
    link = people.ada.made("/links", destination="https://example.com/")
    path = f"/links/{link['id']}/qr.png"
    answer = people.vera.get(path, size_mm=25.5, dpi=600)
    size, width = float(answer.headers["X-QR-Size-Mm"]), int(answer.headers["X-QR-Width-Px"])
    assert abs(size - 25.5) < 1
    assert round(size / 25.4 * 600) == width
    assert answer.headers["Cache-Control"] == "private, no-cache"
    again = people.vera.call(
        "GET", f"{path}?size_mm=25.5&dpi=600", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")


def test_wrong_sizes_are_refused(people: People) -> None:
    link = people.ada.made("/links", destination="https://example.com/")
    path = f"/links/{link['id']}/qr"
    for query, field in (
        ({"size_mm": "9"}, "size_mm"),
        ({"size_mm": "nan"}, "size_mm"),
        ({"size_mm": "1e2"}, "size_mm"),
        ({"size_mm": "10"}, "size_mm"),
        ({"dpi": "71"}, "dpi"),
        ({"module_px": "2.5"}, "module_px"),
        ({"module_px": "4", "size_mm": "30"}, "module_px"),
    ):
        answer = people.vera.get(f"{path}.png", **query)
        assert answer.status_code == 422
        assert {name for name, _ in codes(answer)} == {field}
    assert people.vera.get(f"{path}.svg", dpi=1).status_code == 422
    assert people.vera.get(f"{path}.gif").status_code == 404
    assert people.cleo.get(f"{path}.png").status_code == 404
