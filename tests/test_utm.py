"""UTM parameters and slugs made from names; what a form says of a slug."""

from __future__ import annotations

import pytest
from cast import NOW, Home, make_home, make_link, make_touchpoint
from hypothesis import given
from hypothesis import strategies as st

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Forbidden, Invalid, NotFound
from linkservice.journeys.campaigns import create_campaign
from linkservice.journeys.model import CHANNELS, KINDS, MEDIA, Campaign, Touchpoint
from linkservice.links.destination import UTM_NAMES, merge_utm
from linkservice.links.manage import NewLink, create_links, delete_link, preview_links
from linkservice.links.model import Link
from linkservice.links.naming import (
    SlugState,
    fold,
    name_key,
    slug_state,
    slugify,
    suggest_slug,
)
from linkservice.links.slug import SLUG_MAX, check_slug
from linkservice.links.utm import suggest_utm, utm_of
from linkservice.workspaces.access import Actor


@pytest.fixture
def ada(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        return make_home(session, settings)


def touchpoint(
    channel: str, kind: str, medium: str, name: str = "Überall & nirgends"
) -> Touchpoint:
    return Touchpoint(channel=channel, kind=kind, medium=medium, name=name)


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Größe & Äpfel", "groesse-aepfel"),
        ("Grösse", "groesse"),
        ("A\u0308pfel", "aepfel"),
        ("SOMMER 2026!", "sommer-2026"),
        ("Café à la crème", "cafe-a-la-creme"),
        ("  --  ", ""),
        ("Плакат 3", "плакат-3"),
        ("½ Preis", "1-2-preis"),
        ("ein sehr langer Titel der nicht ganz passt", "ein-sehr-langer-titel-der-nicht-ganz"),
        ("x" * 99, "x" * 40),
    ],
)
def test_words_become_slugs(text: str, slug: str) -> None:
    assert slugify(text) == slug


@given(st.text())
def test_a_slug_of_any_text_is_short_and_stays_what_it_is(text: str) -> None:
    slug = slugify(text)
    assert len(slug) <= 40
    assert slugify(slug) == slug
    assert "--" not in slug
    assert slug.strip("-") == slug


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(text.upper()) == fold(text.lower()) or not text.isascii()


def test_names_sort_without_case_and_accents() -> None:
    titles = ["Zettel", "äpfel 2", "Apfel", "Öl", "nudel", "Straße", "strasse 2"]
    assert sorted(titles, key=lambda title: name_key(title, "s")) == [
        "Apfel",
        "äpfel 2",
        "nudel",
        "Öl",
        "Straße",
        "strasse 2",
        "Zettel",
    ]
    assert name_key("", "Sommer") == "sommer"


@pytest.mark.parametrize(
    ("place", "source", "medium"),
    [
        (("email", "digital", "owned"), "newsletter", "email"),
        (("poster", "physical", "paid"), "poster", "offline"),
        (("social", "digital", "paid"), "social", "paid_social"),
        (("social", "digital", "earned"), "social", "social"),
        (("ads_online", "digital", "paid"), "ads", "cpc"),
        (("phone", "human", "owned"), "phone", "offline"),
        (("product_page", "digital", "owned"), "product-page", "website"),
        (("Bäckertüte", "physical", "owned"), "baeckertuete", "offline"),
        (("Verzeichnis", "digital", "earned"), "verzeichnis", "referral"),
    ],
)
def test_a_touchpoint_fills_source_and_medium(
    place: tuple[str, str, str], source: str, medium: str
) -> None:
    found = suggest_utm(touchpoint(*place), Campaign(name="Größenwahn 26"))
    assert found == {
        "source": source,
        "medium": medium,
        "campaign": "groessenwahn-26",
        "content": "ueberall-nirgends",
    }


def test_every_channel_kind_and_medium_gives_what_a_destination_takes() -> None:
    for channel in (*CHANNELS, "!", "ß" * 50):
        for kind in KINDS:
            for medium in MEDIA:
                found = suggest_utm(touchpoint(channel, kind, medium, "ö" * 200), None)
                assert found.keys() <= set(UTM_NAMES)
                assert found["medium"]
                assert utm_of(merge_utm("https://example.com/", found)) == found


def test_without_a_touchpoint_the_title_is_the_content() -> None:
    assert suggest_utm(None, None, "Große Aktion") == {"content": "grosse-aktion"}
    assert suggest_utm(None, None) == {}


@given(
    st.dictionaries(
        st.sampled_from(UTM_NAMES), st.from_regex(r"[a-zä&=#?+% ]{0,9}[a-z]", fullmatch=True)
    )
)
def test_what_was_merged_is_read_back(utm: dict[str, str]) -> None:
    expected = {name: value.strip() for name, value in utm.items()}
    assert utm_of(merge_utm("https://example.com/a?b=c#utm_term=no", utm)) == expected


def test_a_slug_is_free_taken_reserved_or_invalid(
    database: Database, settings: Settings, ada: Home
) -> None:
    with database.transaction() as session:
        for slug in ("Sommer", "sommer-2", "herbst-9", "x" * SLUG_MAX):
            make_link(session, settings, ada, slug)
        gone = make_link(session, settings, ada, "weg")
        delete_link(session, ada.actor, str(gone.id), NOW)

    def state(slug: str, host: str | None = None) -> SlugState:
        with database.reading() as session:
            return slug_state(session, ada.actor, host, slug)

    def told(slug: str) -> tuple[str, str | None, str | None]:
        found = state(slug)
        return found.state, found.problem and found.problem.code, found.suggestion

    assert state("winter", ada.host) == SlugState("free")
    assert told("SOMMER") == ("taken", "slug_taken", "SOMMER-3")
    assert told("herbst-9") == ("taken", "slug_taken", "herbst-10")
    assert told("weg") == ("taken", "slug_taken", "weg-2")
    assert told("x" * SLUG_MAX) == ("taken", "slug_taken", "x" * (SLUG_MAX - 2) + "-2")
    assert told("api") == ("reserved", "slug_reserved", "api-2")
    assert told("Großer Sommer") == ("invalid", "slug_character", "grosser-sommer")
    for hopeless in ("", "\0", "\ud800", "!"):
        found = state(hopeless)
        assert (found.state, found.suggestion) == ("invalid", None)
    with pytest.raises(NotFound):
        state("winter", "go.cleo.example")
    with pytest.raises(Invalid):
        state("winter", "no host")


@given(text=st.text(max_size=80))
def test_any_text_is_judged_and_every_suggestion_is_valid(
    database: Database, ada: Home, text: str
) -> None:
    with database.reading() as session:
        found = slug_state(session, ada.actor, None, text)
        suggested = suggest_slug(session, ada.actor, None, text)
    assert (found.problem is None) == (found.state == "free")
    for slug in (found.suggestion, suggested):
        assert slug is None or check_slug(slug) == slug


def test_a_title_suggests_a_free_slug(database: Database, settings: Settings, ada: Home) -> None:
    with database.transaction() as session:
        assert suggest_slug(session, ada.actor, None, "Große Aktion!") == "grosse-aktion"
        make_link(session, settings, ada, "grosse-aktion")
        assert suggest_slug(session, ada.actor, None, "Große Aktion!") == "grosse-aktion-2"
        assert suggest_slug(session, ada.actor, None, "…") is None
        nobody = Actor(ada.workspace_id, "nobody", frozenset())
        with pytest.raises(Forbidden):
            suggest_slug(session, nobody, None, "x")
        with pytest.raises(Forbidden):
            slug_state(session, nobody, None, "x")


def test_the_preview_is_what_is_made(database: Database, settings: Settings, ada: Home) -> None:
    with database.transaction() as session:
        places = [make_touchpoint(session, ada, name) for name in ("Plakat Süd", "Flyer")]
        campaign_id = str(create_campaign(session, ada.actor, "Herbst", NOW).id)
        new = NewLink(
            "https://example.com/?utm_medium=eigen",
            campaign_id=campaign_id,
            utm={"source": "stadt"},
            utm_from_touchpoint=True,
            title_from_touchpoint=True,
        )
        planned = preview_links(session, ada.actor, settings, new, [*places, None])
        assert session.query(Link).count() == 0
        assert [each.destination for each in planned] == [
            "https://example.com/?utm_medium=eigen&utm_source=stadt&utm_campaign=herbst"
            "&utm_content=plakat-sued",
            "https://example.com/?utm_medium=eigen&utm_source=stadt&utm_campaign=herbst"
            "&utm_content=flyer",
            "https://example.com/?utm_medium=eigen&utm_source=stadt&utm_campaign=herbst",
        ]
        assert [each.title for each in planned] == ["Plakat Süd", "Flyer", ""]
        assert [each.stage and each.stage.name for each in planned] == [
            "Awareness",
            "Awareness",
            None,
        ]
        made = create_links(session, ada.actor, settings, new, [*places, None], NOW)
        assert [(view.link.destination, view.link.title) for view in made] == [
            (each.destination, each.title) for each in planned
        ]


def test_a_preview_refuses_what_cannot_be_made(
    database: Database, settings: Settings, ada: Home
) -> None:
    with database.reading() as session:
        with pytest.raises(Invalid) as error:
            preview_links(session, ada.actor, settings, NewLink("x:", title="a\0"), [])
        assert {problem.field for problem in error.value.problems} == {
            "destination",
            "title",
            "touchpoint_ids",
        }
        for touchpoint_ids, new in (
            (["999999"], NewLink("https://example.com/")),
            ([None], NewLink("https://example.com/", campaign_id="9")),
            ([None], NewLink("https://example.com/", domain="go.cleo.example")),
        ):
            with pytest.raises(NotFound):
                preview_links(session, ada.actor, settings, new, touchpoint_ids)
        long = NewLink("https://example.com/" + "a" * 2020, title="x", utm_from_touchpoint=True)
        with pytest.raises(Invalid, match="2,048"):
            preview_links(session, ada.actor, settings, long, [None])
