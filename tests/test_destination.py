"""Destinations: what browsers can open, what is merged in, where a link leads now."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from ada_url import URL
from hypothesis import example, given
from hypothesis import strategies as st

from linkservice.errors import Invalid
from linkservice.links.destination import (
    DESTINATION_MAX,
    QUERY_MAX,
    UTM_MAX,
    UTM_NAMES,
    Gone,
    check_destination,
    decide,
    forward_query,
    merge_utm,
)

OWN = ("127.0.0.1:8001", "go.marke.de", "xn--mller-kva.de", "links.test:8443")

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
URL_LIKE = st.builds(
    "".join,
    st.lists(
        st.sampled_from(
            ["http:", "https:", "//", "/", "\\", "@", ":", "?", "#", "&", "=", "..", "%"]
        )
        | st.sampled_from(
            ["example.com", "[::1]", "0x7f.1", ":80", "%7E", "ü", "。", "\t", " ", "\0"]
        )
        | st.text(st.characters(exclude_categories=()), max_size=3),
        max_size=12,
    ),
)
ADDRESSES = st.one_of(
    ANY_TEXT,
    URL_LIKE,
    URL_LIKE.map("https://example.com/".__add__),
    ANY_TEXT.map("http://shop.example.com/?q=".__add__),
)
QUERIES = st.text(st.characters(max_codepoint=255) | st.sampled_from("a=&%+utm_x"), max_size=60)


def check(text: str) -> str:
    return check_destination(text, own_hosts=OWN)


def stored_or_problem(text: str) -> str:
    try:
        return check(text)
    except Invalid as error:
        return str(error)


def code_of(text: str) -> tuple[str, dict[str, object]]:
    with pytest.raises(Invalid) as caught:
        check(text)
    (problem,) = caught.value.problems
    assert problem.field == "destination"
    assert str(caught.value)
    return problem.code, dict(problem.params)


# Cases as in the URL Standard's own test data: what browsers make of each address.
BROWSERS_READ = [
    ("https://example.com", "https://example.com/"),
    ("HTTPS://EXAMPLE.COM/A", "https://example.com/A"),
    ("https:example.com", "https://example.com/"),
    ("https:/example.com/", "https://example.com/"),
    ("https:///example.com/", "https://example.com/"),
    (r"https:\\example.com\a\..\b", "https://example.com/b"),
    ("http://example.com:80", "http://example.com/"),
    ("https://example.com:443/", "https://example.com/"),
    ("http://example.com:443/", "http://example.com:443/"),
    ("http://example.com:", "http://example.com/"),
    ("http://example.com:00080/", "http://example.com/"),
    ("http://example.com:0/", "http://example.com:0/"),
    ("http://example.com:65535/", "http://example.com:65535/"),
    ("  \x01 http://example.com/ \x1f ", "http://example.com/"),
    ("ht\ntp://exa\tmple.com/a\r\nb", "http://example.com/ab"),
    ("http://example.com/a/./b/../c", "http://example.com/a/c"),
    ("http://example.com/%2e%2E/a", "http://example.com/a"),
    ("http://example.com/../../a", "http://example.com/a"),
    ("http://example.com//a//", "http://example.com//a//"),
    ("http://example.com/a b", "http://example.com/a%20b"),
    ("http://example.com/%zz%", "http://example.com/%zz%"),
    ("http://example.com/%7Ea", "http://example.com/%7Ea"),
    ("http://example.com/ü?ö#ä", "http://example.com/%C3%BC?%C3%B6#%C3%A4"),
    ("http://example.com/\x01\x7f", "http://example.com/%01%7F"),
    ("http://example.com?q=a b'\"<>", "http://example.com/?q=a%20b%27%22%3C%3E"),
    ("http://example.com/?#", "http://example.com/?#"),
    ("http://example.com/#a#b `", "http://example.com/#a#b%20%60"),
    ("http://example.com/\U0001f389", "http://example.com/%F0%9F%8E%89"),
    ("http://example.com/\u202e", "http://example.com/%E2%80%AE"),
    ("http://@example.com/", "http://example.com/"),
    ("http://:@example.com/", "http://example.com/"),
    ("http://example.com./", "http://example.com./"),
    ("http://a_b.example/", "http://a_b.example/"),
    ("http://faß.de/", "http://xn--fa-hia.de/"),
    ("http://日本語。jp", "http://xn--wgv71a119e.jp/"),
    ("http://ＧＯ．com", "http://go.com/"),
    ("http://ex\u00adample.com", "http://example.com/"),
    ("http://ex%41mple.com/", "http://example.com/"),
    ("http://☃.net/", "http://xn--n3h.net/"),
    ("http://1.2.3/", "http://1.2.0.3/"),
    ("http://256/", "http://0.0.1.0/"),
    ("http://0300.0xa8.1/", "http://192.168.0.1/"),
    ("http://１９２.168.0.1/", "http://192.168.0.1/"),
    ("http://192.168.0.1./", "http://192.168.0.1/"),
    ("http://[2001:DB8:0:0::1]/", "http://[2001:db8::1]/"),
    ("http://[::ffff:1.2.3.4]:81/", "http://[::ffff:102:304]:81/"),
]

BROWSERS_REFUSE = [
    "http://",
    "http:",
    "https://?q",
    "https://#",
    "http://:80/",
    "http://a b/",
    "http://a\u3000b/",
    "http://[::1",
    "http://::1]",
    "http://[::1%25eth0]/",
    "http://[1::2::3]/",
    "http://[:1]/",
    "http://[]/",
    "http://1.2.3.4.5",
    "http://256.256.256.256/",
    "http://4294967296/",
    "http://0x100000000/",
    "http://09.1/",
    "http://example.0x7f/",
    "http://%zz/",
    "http://%00/",
    "http://a%2fb/",
    "http://a%40b/",
    "http://a<b/",
    "http://a^b/",
    "http://a|b/",
    "http://a\x7fb/",
    "http://a\x01b/",
    "http://\u00ad/",
    "http://\u202ea.com/",
    "http://\u200d.example/",
    "http://xn--tešla/",
    "http://a:65536/",
    "http://a:b/",
    "http://a:-1/",
    "http://a:80:80/",
    "http://a: 80/",
    "http://user@/",
]


@pytest.mark.parametrize(("text", "href"), BROWSERS_READ)
def test_what_browsers_read_is_stored_as_they_send_it(text: str, href: str) -> None:
    assert check(text) == href
    assert check(href) == href


@pytest.mark.parametrize("text", BROWSERS_REFUSE)
def test_what_browsers_cannot_open_is_refused(text: str) -> None:
    assert code_of(text)[0] == "destination_unreadable"


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("javascript:alert(1)", "javascript"),
        (" \x01java\nscript:alert(1)", "javascript"),
        ("JAVASCRIPT://example.com/%0aalert(1)", "javascript"),
        ("data:text/html,<script>", "data"),
        ("mailto:ada@example.com", "mailto"),
        ("tel:+491234", "tel"),
        ("tel:491", "tel"),
        ("ftp://example.com/", "ftp"),
        ("ws://example.com/", "ws"),
        ("file:///etc/passwd", "file"),
        ("blob:https://example.com/x", "blob"),
        ("view-source:http://example.com", "view-source"),
        ("vbscript:x", "vbscript"),
        ("x" * 5000 + ":", "x" * 32),
    ],
)
def test_only_web_pages_are_destinations(text: str, scheme: str) -> None:
    assert code_of(text) == ("destination_scheme", {"scheme": scheme})


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("example.com/x", "https://example.com/x"),
        ("www.example.com", "https://www.example.com/"),
        ("//example.com/x", "https://example.com/x"),
        (r"\\example.com", "https://example.com/"),
        ("example.com:8080/x", "https://example.com:8080/x"),
        ("localhost:8080", "https://localhost:8080/"),
        ("müller.example?q=1", "https://xn--mller-kva.example/?q=1"),
    ],
)
def test_a_forgotten_scheme_is_suggested(text: str, suggestion: str) -> None:
    assert code_of(text) == ("destination_no_scheme", {"suggestion": suggestion})
    assert check(suggestion) == suggestion


@pytest.mark.parametrize("text", ["page", "/page", "?q", "#top", "://", "ada@example.com", "x y.z"])
def test_what_is_no_address_gets_no_suggestion(text: str) -> None:
    assert code_of(text)[0] == "destination_unreadable"


@pytest.mark.parametrize("text", ["", " ", "\t\r\n", "\x01"])
def test_an_empty_destination_is_refused(text: str) -> None:
    assert code_of(text)[0] == "destination_empty"


@pytest.mark.parametrize(
    "text",
    [
        "https://ada:secret@example.com/",
        "https://ada@example.com/",
        "https://:secret@example.com/",
        "https://bank.example@evil.example/",
    ],
)
def test_credentials_pass_as_browsers_let_them(text: str) -> None:
    assert check(text) == text


def test_after_a_backslash_an_at_sign_is_path() -> None:
    assert check(r"https://bank.example\@evil.example") == "https://bank.example/@evil.example"


@pytest.mark.parametrize("text", ["https://example.com/\0", "\0https://example.com/"])
def test_a_nul_is_refused(text: str) -> None:
    assert code_of(text) == ("destination_not_text", {"character": "U+0000"})


def test_a_lone_surrogate_is_refused() -> None:
    text = "https://example.com/\ud800"
    assert code_of(text) == ("destination_not_text", {"character": "U+D800"})


@pytest.mark.parametrize(
    "text",
    [
        "https://go.marke.de/x",
        "http://GO.Marke.de./",
        "https:go.marke.de",
        r"https:\\go.marke.de",
        "http://go.marke.de:443/",
        "http://go.marke.de:8001/",
        "http://go%2Emarke.de/",
        "http://go。marke．de/",
        "http://ｇｏ.marke.de/",
        "http://g\u00ado.marke.de/",
        "https://müller.de/",
        "https://XN--MLLER-KVA.de/",
        "http://127.0.0.1:8001/x",
        "http://localhost:8001/x",
        "http://a.localhost:8001/x",
        "http://0x7f.1:8001/",
        "http://2130706433:8001/",
        "http://[::1]:8001/",
        "http://[::ffff:127.0.0.1]:8001/",
        "http://0:8001/",
        "https://links.test:8443/",
    ],
)
def test_a_loop_onto_our_own_hosts_is_refused(text: str) -> None:
    assert code_of(text)[0] == "destination_loop"


@pytest.mark.parametrize(
    "text",
    [
        "https://marke.de/",
        "https://www.go.marke.de/",
        "https://go.marke.de.example/",
        "https://example.com/?u=https://go.marke.de/",
        "http://127.0.0.1:8000/",
        "http://localhost/",
        "http://10.0.0.5:8001/wiki",
        "http://intranet/",
        "https://links.test/",
    ],
)
def test_other_and_private_hosts_are_allowed(text: str) -> None:
    assert check(text) == text


def test_a_local_host_without_port_is_ours_on_the_web_ports_only() -> None:
    with pytest.raises(Invalid):
        check_destination("http://127.0.0.1/", own_hosts=["localhost"])
    address = "http://localhost:3000/"
    assert check_destination(address, own_hosts=["localhost"]) == address


def test_length_is_measured_after_normalising() -> None:
    longest = "https://example.com/".ljust(DESTINATION_MAX, "a")
    assert check(longest) == longest
    assert check("\t" * 4000 + longest) == longest
    too_long = {"limit": DESTINATION_MAX, "length": DESTINATION_MAX + 1}
    assert code_of(longest + "a") == ("destination_too_long", too_long)
    assert code_of("https://example.com/" + "ü" * 400)[0] == "destination_too_long"
    assert code_of("https://example.com/" + "a" * 5_000_000)[0] == "destination_too_long"


@given(ADDRESSES)
@example("http://example.com/ #\t ")
def test_any_text_is_a_fixed_point_or_a_problem(text: str) -> None:
    outcome = stored_or_problem(text)
    if not outcome.startswith("destination: "):
        assert check(outcome) == outcome == URL(text).href
        assert re.fullmatch(r"https?://[!-~]+", outcome)


@pytest.mark.parametrize(
    ("destination", "utm", "merged"),
    [
        ("https://a.de/", {}, "https://a.de/"),
        ("https://a.de/?", {"source": "  "}, "https://a.de/?"),
        ("https://a.de/", {"source": "poster"}, "https://a.de/?utm_source=poster"),
        ("https://a.de/#top", {"source": "p"}, "https://a.de/?utm_source=p#top"),
        ("https://a.de/?#top", {"source": "p"}, "https://a.de/?utm_source=p#top"),
        ("https://a.de/?b=%zz&&c&", {"term": "x"}, "https://a.de/?b=%zz&&c&utm_term=x"),
        (
            "https://a.de/?utm_source=old&b=1&utm_source=older",
            {"source": " new "},
            "https://a.de/?utm_source=new&b=1",
        ),
        (
            "https://a.de/?utm%5Fsource=old&b=+",
            {"source": "new"},
            "https://a.de/?utm_source=new&b=+",
        ),
        ("https://a.de/?utm_term=old", {"source": "p"}, "https://a.de/?utm_term=old&utm_source=p"),
        (
            "https://a.de/",
            {"content": "a&b=c#d", "medium": "größe 1+1"},
            "https://a.de/?utm_medium=gr%C3%B6%C3%9Fe%201%2B1&utm_content=a%26b%3Dc%23d",
        ),
        ("https://a.de/#?b=1", {"source": "p"}, "https://a.de/?utm_source=p#?b=1"),
    ],
)
def test_utm_fields_are_merged(destination: str, utm: dict[str, str], merged: str) -> None:
    assert merge_utm(destination, utm) == merged
    assert check(merged) == merged


def test_all_wrong_utm_fields_are_named_at_once() -> None:
    utm = {"source": "x" * 256, "medium": "a\nb", "term": "\ud800", "sorce": "p"}
    with pytest.raises(Invalid) as caught:
        merge_utm("https://a.de/", utm)
    assert {(problem.field, problem.code) for problem in caught.value.problems} == {
        ("utm", "utm_unknown"),
        ("utm.source", "utm_too_long"),
        ("utm.medium", "utm_not_text"),
        ("utm.term", "utm_not_text"),
    }
    assert "sorce" in str(caught.value)


def test_a_merged_destination_must_still_be_short_enough() -> None:
    with pytest.raises(Invalid) as caught:
        merge_utm("https://a.de/".ljust(2000, "a"), {"source": "ü" * UTM_MAX})
    assert caught.value.problems[0].code == "destination_too_long"


@given(
    QUERIES.map("https://a.de/?".__add__),
    st.dictionaries(st.sampled_from(UTM_NAMES), st.text(st.characters(codec="utf-8"), max_size=20)),
)
def test_merging_utm_twice_changes_nothing_more(address: str, utm: dict[str, str]) -> None:
    destination = stored_or_problem(address)
    if destination.startswith("destination: "):
        return
    try:
        merged = merge_utm(destination, utm)
    except Invalid:
        return
    assert merge_utm(merged, utm) == merged
    assert check(merged) == merged
    assert URL(merged).hash == URL(destination).hash


@pytest.mark.parametrize(
    ("destination", "query", "location"),
    [
        ("https://a.de/", "", "https://a.de/"),
        ("https://a.de/", "x=1&y", "https://a.de/?x=1&y"),
        ("https://a.de/#top", "x=1", "https://a.de/?x=1#top"),
        ("https://a.de/?", "x=1", "https://a.de/?x=1"),
        ("https://a.de/?b=1", "x=1", "https://a.de/?b=1&x=1"),
        ("https://a.de/?b=1&", "x=1", "https://a.de/?b=1&x=1"),
        ("https://a.de/?b=1", "b=2&x=1&b=3", "https://a.de/?b=1&x=1"),
        ("https://a.de/?b=1", "%62=2", "https://a.de/?b=1"),
        ("https://a.de/?b=1", "&&", "https://a.de/?b=1"),
        ("https://a.de/", "q=J\xc3\xb6rg", "https://a.de/?q=J%C3%B6rg"),
        ("https://a.de/", "a=\r\nSet-Cookie: x", "https://a.de/?a=%0D%0ASet-Cookie:%20x"),
        ("https://a.de/", "a=\0'\"<>#%zz", "https://a.de/?a=%00%27%22%3C%3E%23%zz"),
        ("https://a.de/", "q=\u20ac\ud800", "https://a.de/?q=%E2%82%AC%ED%A0%80"),
    ],
)
def test_the_visitors_query_is_forwarded(destination: str, query: str, location: str) -> None:
    assert forward_query(destination, query) == location


def test_an_overlong_query_is_dropped_and_the_visitor_still_led() -> None:
    assert forward_query("https://a.de/", "a" * QUERY_MAX) == "https://a.de/?" + "a" * QUERY_MAX
    assert forward_query("https://a.de/", "a" * (QUERY_MAX + 1)) == "https://a.de/"
    assert forward_query("https://a.de/", "\xff" * QUERY_MAX) == "https://a.de/"


@given(
    st.sampled_from(["https://a.de/", "https://a.de/?", "https://a.de/?a=1&utm_x=%C3%BC#t?x"]),
    QUERIES | ANY_TEXT,
)
def test_a_forwarded_query_is_a_safe_header_and_changes_nothing_else(
    destination: str, query: str
) -> None:
    location = forward_query(destination, query)
    assert re.fullmatch(r"[!-~]+", location)
    assert URL(location).href == location
    before, after = URL(destination), URL(location)
    assert (after.host, after.pathname, after.hash) == (before.host, before.pathname, before.hash)
    assert after.search.startswith(before.search)


@dataclass(frozen=True)
class Rule:
    """The least a link must have for `decide`."""

    active: bool = True
    expires_at_ms: int | None = None
    destination: str = "https://example.com/"


def test_a_live_link_leads_to_its_destination() -> None:
    assert decide(Rule(), 0) == "https://example.com/"
    assert decide(Rule(expires_at_ms=1000), 999) == "https://example.com/"


def test_an_expired_or_paused_link_is_gone() -> None:
    assert decide(Rule(expires_at_ms=1000), 1000) == Gone("expired")
    assert decide(Rule(active=False, expires_at_ms=1000), 2000) == Gone("paused")
