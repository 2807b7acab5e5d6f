"""Domains, tags and the workspace over REST."""

from __future__ import annotations

import pytest
from rest import People, codes, everybody

people = pytest.fixture(everybody)
# Both databases are proved by the nouns' own tests; this is about the door.
pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


def test_a_domain_is_added_pointed_and_deleted(people: People) -> None:
    domain = people.ben.made("/domains", host="Go.Müller.example")
    assert domain["host"] == "go.xn--mller-kva.example"
    path = f"/domains/{domain['id']}"
    changed = people.ben.patch(path, root_redirect="https://müller.example")
    assert changed.json["root_redirect"] == "https://xn--mller-kva.example/"
    assert people.ben.patch(path, root_redirect=None).json["root_redirect"] is None
    hosts = [each["host"] for each in people.vera.get("/domains").json["items"]]
    assert hosts == [people.ben.home.host, domain["host"]]
    assert people.ben.delete(path).status_code == 204
    assert people.ben.get(path).status_code == 404


def test_a_host_belongs_to_one_workspace(people: People) -> None:
    answer = people.ben.post("/domains", host="go.cleo.example")
    assert (answer.status_code, codes(answer)) == (409, {("host", "host_taken")})
    answer = people.ben.post("/domains", host="127.0.0.1:8000")
    assert (answer.status_code, codes(answer)) == (409, {("host", "host_of_the_app")})


@pytest.mark.parametrize("host", ["", "https://go.example.com", "8.8.8.8", "a b", "x" * 254])
def test_wrong_hosts_are_refused(people: People, host: str) -> None:
    answer = people.ben.post("/domains", host=host)
    assert (answer.status_code, {field for field, _ in codes(answer)}) == (422, {"host"})


def test_a_domain_with_links_stays(people: People) -> None:
    domain = people.ben.made("/domains", host="go.marke.example")
    link = people.ben.made("/links", destination="https://example.com/", domain=domain["host"])
    assert link["short_url"].startswith("https://go.marke.example/")
    people.ben.delete(f"/links/{link['id']}")
    answer = people.ben.delete(f"/domains/{domain['id']}")
    assert (answer.status_code, codes(answer)) == (409, {("", "domain_in_use")})


def test_tags_are_made_renamed_and_taken_off_every_link(people: People) -> None:
    link = people.ben.made("/links", destination="https://example.com/", tags=["alt", "gut"])
    old, good = people.vera.get("/tags").json["items"]
    assert (old["name"], good["name"]) == ("alt", "gut")
    assert people.ben.patch(f"/tags/{old['id']}", name="neu").json["name"] == "neu"
    answer = people.ben.patch(f"/tags/{old['id']}", name="gut")
    assert (answer.status_code, codes(answer)) == (409, {("name", "name_taken")})
    assert people.ben.delete(f"/tags/{good['id']}").status_code == 204
    assert people.ben.get(f"/links/{link['id']}").json["tags"] == ["neu"]
    people.ben.made("/tags", name="gut")


def test_cleo_cannot_reach_adas_domains_and_tags(people: People) -> None:
    domain = people.ada.made("/domains", host="go.marke.example")
    tag = people.ada.made("/tags", name="a")
    for path, change in (
        (f"/domains/{domain['id']}", {"root_redirect": None}),
        (f"/tags/{tag['id']}", {"name": "b"}),
    ):
        assert people.cleo.get(path).status_code == 404
        assert people.cleo.patch(path, **change).status_code == 404
        assert people.cleo.delete(path).status_code == 404
        assert people.vera.patch(path, **change).status_code == 403
    assert people.cleo.get("/tags").json["items"] == []


def test_ada_changes_her_workspace_and_nobody_else_may(people: People) -> None:
    before = people.ada.get("/workspace").json
    changed = people.ada.patch(
        "/workspace",
        name="Marke",
        time_zone="Asia/Kolkata",
        locale="en",
        brand_colour="#00AA11",
        imprint_url="https://marke.example/impressum",
    )
    assert changed.json == {
        "id": before["id"],
        "name": "Marke",
        "time_zone": "Asia/Kolkata",
        "locale": "en",
        "brand_colour": "#00aa11",
        "imprint_url": "https://marke.example/impressum",
        "privacy_url": None,
        "count_visitors": True,
        "own_networks": [],
        "holidays": None,
        "attribution_days": 30,
        "currency": "EUR",
    }
    assert people.ada.get("/workspace").json == changed.json
    assert people.cleo.get("/workspace").json["id"] != before["id"]
    assert people.ben.get("/workspace").status_code == 403
    assert people.ben.patch("/workspace", name="x").status_code == 403


def test_ada_counts_no_visitors_and_lists_her_networks(people: People) -> None:
    networks = ["203.0.113.77/24", "2001:DB8:7::/48", "203.0.113.0/24", "::ffff:198.51.100.7"]
    changed = people.ada.patch("/workspace", count_visitors=False, own_networks=networks)
    assert changed.status_code == 200
    assert changed.json["count_visitors"] is False
    assert changed.json["own_networks"] == ["203.0.113.0/24", "2001:db8:7::/48", "198.51.100.7"]
    # What is not sent stays.
    assert people.ada.patch("/workspace", name="Marke").json["count_visitors"] is False
    refused = people.ada.patch("/workspace", own_networks=["203.0.113.7", "our office"])
    assert (refused.status_code, codes(refused)) == (422, {("own_networks", "bad_network")})
    assert "Line 2: “our office” is no network" in refused.json["detail"]
    assert people.ada.patch("/workspace", own_networks=["x"] * 101).status_code == 422
    assert people.ada.patch("/workspace", own_networks=[]).json["own_networks"] == []


def test_ada_says_whose_holidays_are_kept(people: People) -> None:
    assert people.ada.patch("/workspace", holidays="de-by").json["holidays"] == "DE-BY"
    assert people.ada.patch("/workspace", name="Marke").json["holidays"] == "DE-BY"
    refused = people.ada.patch("/workspace", holidays="Bavaria")
    assert (refused.status_code, codes(refused)) == (422, {("holidays", "bad_region")})
    assert people.ada.patch("/workspace", holidays=None).json["holidays"] is None


def test_a_wrong_workspace_is_refused_field_by_field(people: People) -> None:
    answer = people.ada.patch(
        "/workspace",
        name=" ",
        time_zone="Mond/Krater",
        locale="fr",
        brand_colour="red",
        imprint_url="javascript:alert(1)",
        privacy_url="http://[",
    )
    assert (answer.status_code, codes(answer)) == (
        422,
        {
            ("name", "empty"),
            ("time_zone", "bad_time_zone"),
            ("locale", "not_one_of"),
            ("brand_colour", "bad_colour"),
            ("imprint_url", "bad_notice_url"),
            ("privacy_url", "bad_notice_url"),
        },
    )
