"""Links over REST: the contract's fields, filters, pages, and who may do what."""

from __future__ import annotations

import pytest
from rest import People, codes, everybody

from linkservice.config import Settings

people = pytest.fixture(everybody)


FIELDS = {
    "id",
    "slug",
    "domain",
    "short_url",
    "scan_url",
    "qr_png_url",
    "destination",
    "title",
    "touchpoint_id",
    "campaign_id",
    "tags",
    "active",
    "created_at",
    "updated_at",
}


def test_a_link_has_the_fields_of_the_contract(people: People, settings: Settings) -> None:
    campaign = people.ben.made("/campaigns", name="Sommer")
    journey = people.ben.made("/journeys", name="Kauf", template="standard", locale="en")
    touchpoint = journey["stages"][0]["touchpoints"][0]
    link = people.ben.made(
        "/links",
        destination="https://example.com/a",
        domain="127.0.0.1:8001",
        slug="Sommer-26",
        title=" Sommer ",
        touchpoint_id=touchpoint["id"],
        campaign_id=campaign["id"],
        tags=["shop", "print"],
        forward_query=True,
        utm={"source": "plakat", "medium": "print"},
        expires_at="2027-01-01T01:00:00+01:00",
    )
    assert link.keys() >= FIELDS
    assert link["short_url"] == "http://127.0.0.1:8001/Sommer-26"
    assert link["scan_url"] == "HTTP://127.0.0.1:8001/Q/SOMMER-26"
    assert link["qr_png_url"] == f"{settings.base_url}/api/v1/links/{link['id']}/qr.png"
    assert link["destination"] == "https://example.com/a?utm_source=plakat&utm_medium=print"
    assert (link["title"], link["tags"]) == ("Sommer", ["print", "shop"])
    assert (link["touchpoint_id"], link["campaign_id"]) == (touchpoint["id"], campaign["id"])
    assert (link["active"], link["forward_query"], link["version"]) == (True, True, 1)
    assert link["expires_at"] == "2027-01-01T00:00:00Z"
    assert link["created_at"] == link["updated_at"]
    assert link["created_at"].endswith("Z")


def test_null_is_the_same_as_leaving_out(people: People) -> None:
    optional = ("domain", "slug", "title", "touchpoint_id", "campaign_id", "tags", "utm")
    link = people.ben.made(
        "/links", destination="https://example.com/", **dict.fromkeys(optional), expires_at=None
    )
    assert (link["title"], link["tags"], link["touchpoint_id"]) == ("", [], None)
    assert len(link["slug"]) == 7


def test_every_wrong_field_is_named(people: People) -> None:
    answer = people.ben.post(
        "/links", destination="ftp://example.com", slug="api", title="a\u0007b", tags=["\n"]
    )
    assert answer.status_code == 422
    assert codes(answer) == {
        ("destination", "destination_scheme"),
        ("slug", "slug_reserved"),
        ("title", "bad_character"),
        ("tags", "empty"),
    }
    answer = people.ben.post("/links", slug=3, colour="red", utm={"source": []}, forward_query=1)
    assert codes(answer) == {
        ("destination", "field_missing"),
        ("slug", "wrong_type"),
        ("colour", "unknown_field"),
        ("utm.source", "wrong_type"),
        ("forward_query", "wrong_type"),
    }


def test_a_taken_slug_is_a_conflict_with_its_own_code(people: People) -> None:
    people.ben.made("/links", destination="https://example.com/", slug="Sommer")
    answer = people.ben.post("/links", destination="https://example.com/", slug="sOMMER")
    assert (answer.status_code, answer.json["code"]) == (409, "slug_taken")
    assert codes(answer) == {("slug", "slug_taken")}


def test_a_deleted_link_is_gone_but_its_slug_stays_taken(people: People) -> None:
    link = people.ben.made("/links", destination="https://example.com/", slug="weg")
    answer = people.ben.delete(f"/links/{link['id']}")
    assert (answer.status_code, answer.data) == (204, b"")
    assert "Content-Type" not in answer.headers
    assert people.ben.get(f"/links/{link['id']}").status_code == 404
    assert people.ben.delete(f"/links/{link['id']}").status_code == 404
    answer = people.ben.post("/links", destination="https://example.com/", slug="weg")
    assert answer.json["code"] == "slug_taken"


def test_any_field_can_be_changed(people: People) -> None:
    link = people.ben.made("/links", destination="https://example.com/", title="alt", tags=["a"])
    path = f"/links/{link['id']}"
    changed = people.ben.patch(
        path,
        destination="https://example.org/",
        title="neu",
        tags=["b"],
        active=False,
        forward_query=True,
        utm={"campaign": "x", "term": None},
        expires_at="2027-01-01T00:00:00Z",
        slug=link["slug"].upper(),
        domain=link["domain"],
    )
    assert changed.status_code == 200, changed.text
    assert changed.json["destination"] == "https://example.org/?utm_campaign=x"
    assert (changed.json["title"], changed.json["tags"]) == ("neu", ["b"])
    assert (changed.json["active"], changed.json["version"]) == (False, 2)
    assert people.ben.patch(path, expires_at=None).json["expires_at"] is None
    assert people.ben.get(path).json["title"] == "neu"


def test_what_is_printed_cannot_be_changed(people: People) -> None:
    link = people.ben.made("/links", destination="https://example.com/", slug="fest")
    answer = people.ben.patch(f"/links/{link['id']}", slug="lose")
    assert (answer.status_code, codes(answer)) == (409, {("slug", "slug_stays")})
    answer = people.ben.patch(f"/links/{link['id']}", domain="go.example.com")
    assert (answer.status_code, codes(answer)) == (409, {("domain", "domain_stays")})
    answer = people.ben.patch(f"/links/{link['id']}", title=None)
    assert (answer.status_code, codes(answer)) == (422, {("title", "wrong_type")})


def test_bulk_makes_a_link_per_touchpoint_or_none(people: People) -> None:
    journey = people.ben.made("/journeys", name="Kauf", template="standard")
    ids = [each["id"] for stage in journey["stages"] for each in stage["touchpoints"]]
    answer = people.ben.post("/links/bulk", destination="https://example.com/", touchpoint_ids=ids)
    assert answer.status_code == 201
    assert [link["touchpoint_id"] for link in answer.json["items"]] == ids
    assert len({link["slug"] for link in answer.json["items"]}) == len(ids)
    before = people.ben.get("/links", limit=200).json["items"]
    answer = people.ben.post(
        "/links/bulk", destination="https://example.com/", touchpoint_ids=[ids[0], "999999"]
    )
    assert (answer.status_code, codes(answer)) == (404, {("touchpoint_id", "no_such_row")})
    assert people.ben.get("/links", limit=200).json["items"] == before
    answer = people.ben.post("/links/bulk", destination="https://example.com/", touchpoint_ids=[])
    assert codes(answer) == {("touchpoint_ids", "too_few")}


def test_bulk_is_no_link(people: People) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        answer = people.ben.call(method, "/links/bulk")
        assert (answer.status_code, set(answer.allow)) == (405, {"OPTIONS", "POST"})


def test_pages_hold_every_link_once_the_newest_first(people: People) -> None:
    made = [
        people.ben.made("/links", destination=f"https://example.com/{n}")["id"] for n in range(5)
    ]
    seen, cursor = [], None
    while True:
        query = {"limit": 2} if cursor is None else {"limit": 2, "cursor": cursor}
        page = people.ben.get("/links", **query).json
        assert page.keys() == {"items", "next_cursor"}
        seen += [link["id"] for link in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


def test_links_are_found_by_what_they_are(people: People) -> None:
    journey = people.ben.made("/journeys", name="Kauf", template="standard")
    touchpoint = journey["stages"][0]["touchpoints"][0]["id"]
    campaign = people.ben.made("/campaigns", name="Sommer")["id"]
    one = people.ben.made(
        "/links",
        destination="https://example.com/",
        slug="eins",
        title="Große Aktion",
        touchpoint_id=touchpoint,
        campaign_id=campaign,
        tags=["a"],
    )["id"]
    two = people.ben.made("/links", destination="https://example.org/zwei", slug="zwei")["id"]
    people.ben.patch(f"/links/{two}", active=False)

    def found(**query: str) -> list[str]:
        return [link["id"] for link in people.ben.get("/links", **query).json["items"]]

    assert found(q="EINS") == found(q="aktion") == found(touchpoint_id=touchpoint) == [one]
    assert found(campaign_id=campaign) == found(tag="a") == found(active="true") == [one]
    assert found(q="example.org") == found(active="false") == [two]
    assert found(domain="127.0.0.1:8001") == [two, one]
    assert found(q="%") == found(tag="b") == found(domain="go.cleo.example") == []
    assert found(touchpoint_id="x") == []
    assert people.ben.get("/links", active="1").status_code == 422
    assert codes(people.ben.get("/links", q="a\0b")) == {("q", "bad_character")}


def test_an_archived_link_is_listed_unless_asked_otherwise(people: People) -> None:
    kept = people.ben.made("/links", destination="https://example.com/")
    old = people.ben.made("/links", destination="https://example.com/")
    assert (old["archived"], old["active"]) == (False, True)
    changed = people.ben.patch(f"/links/{old['id']}", archived=True).json
    assert (changed["archived"], changed["active"], changed["version"]) == (True, True, 2)

    def found(**query: str) -> list[str]:
        return [link["id"] for link in people.ben.get("/links", **query).json["items"]]

    assert found() == [old["id"], kept["id"]]
    assert found(archived="true") == [old["id"]]
    assert found(archived="false") == [kept["id"]]
    assert not people.ben.patch(f"/links/{old['id']}", archived=False).json["archived"]
    assert found(archived="true") == []


def test_what_is_sent_back_unchanged_makes_no_version(people: People) -> None:
    link = people.ben.made("/links", destination="https://example.com/", tags=["a"], title="x")
    body = {
        field: link[field]
        for field in ("destination", "domain", "slug", "title", "touchpoint_id", "tags", "active")
    }
    assert people.ben.patch(f"/links/{link['id']}", **body).json == link


def test_bulk_fills_utm_and_titles_from_the_touchpoints(people: People) -> None:
    journey = people.ben.made("/journeys", name="Kauf", template="standard", locale="de")
    touchpoint = journey["stages"][0]["touchpoints"][0]
    answer = people.ben.post(
        "/links/bulk",
        destination="https://example.com/",
        touchpoint_ids=[touchpoint["id"]],
        utm={"source": "eigen"},
        utm_from_touchpoint=True,
        title_from_touchpoint=True,
    )
    (link,) = answer.json["items"]
    assert link["title"] == touchpoint["name"]
    assert "utm_source=eigen&utm_medium=" in link["destination"]
    assert "utm_content=" in link["destination"]


def test_vera_may_look_but_not_touch(people: People) -> None:
    link = people.ben.made("/links", destination="https://example.com/")
    path = f"/links/{link['id']}"
    assert people.vera.get(path).json == link
    for answer in (
        people.vera.post("/links", destination="https://example.com/"),
        people.vera.post("/links/bulk", nonsense=1),
        people.vera.patch(path, title="x"),
        people.vera.delete(path),
    ):
        assert (answer.status_code, codes(answer)) == (403, {("", "scope_missing")})


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_cleo_cannot_see_adas_link(people: People, method: str) -> None:
    link = people.ada.made("/links", destination="https://example.com/")
    body = {"json": {"title": "mein"}} if method == "PATCH" else {}
    answer = people.cleo.call(method, f"/links/{link['id']}", **body)
    unknown = people.cleo.call(method, "/links/999999", **body)
    assert answer.status_code == unknown.status_code == 404
    assert answer.text.replace(link["id"], "999999") == unknown.text
    assert people.cleo.get("/links").json["items"] == []


def test_cleo_cannot_hang_her_link_on_adas_things(people: People) -> None:
    journey = people.ada.made("/journeys", name="Kauf", template="standard")
    touchpoint = journey["stages"][0]["touchpoints"][0]["id"]
    campaign = people.ada.made("/campaigns", name="Sommer")["id"]
    for field, value in (
        ("touchpoint_id", touchpoint),
        ("campaign_id", campaign),
        ("domain", people.ada.home.host),
    ):
        body = {"destination": "https://example.com/", field: value}
        answer = people.cleo.post("/links", **body)
        assert answer.status_code == 404
        assert {name for name, _ in codes(answer)} == {field}
