"""What is kept of a request, and who a visitor is for one day."""

from __future__ import annotations

import ipaddress
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkservice.clicks.visitor import (
    Pseudonyms,
    client_address,
    cut_network,
    encoded_agent,
    first_language,
    is_prefetch,
    network_text,
    packed_address,
    referrer_host,
    refuses_counting,
)

SALT = bytes(range(32))
IPV4 = st.ip_addresses(v=4)
IPV6 = st.ip_addresses(v=6).filter(lambda address: address.ipv4_mapped is None)
ANY_TEXT = st.text(st.characters(), max_size=200)  # NUL and lone surrogates included


def token(address: str, *, salt: bytes = SALT, workspace: int = 7, agent: str = "Firefox") -> bytes:
    return Pseudonyms(salt, workspace).token(packed_address(address), encoded_agent(agent))


# What is kept of an address


@given(IPV4)
def test_of_an_ipv4_address_the_24_network_is_kept(address: ipaddress.IPv4Address) -> None:
    network = ipaddress.ip_network(f"{address}/24", strict=False)
    kept = cut_network(str(address))
    assert kept == network.network_address.packed[:3]
    assert network_text(kept) == str(network)


@given(IPV6)
def test_of_an_ipv6_address_the_48_network_is_kept(address: ipaddress.IPv6Address) -> None:
    network = ipaddress.ip_network(f"{address}/48", strict=False)
    kept = cut_network(address.exploded)
    assert kept == network.network_address.packed[:6]
    assert ipaddress.ip_network(network_text(kept)) == network


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("::FFFF:cb00:7109", "203.0.113.0/24"),
        ("203.0.113.9:4711", "203.0.113.0/24"),
        (' "203.0.113.9" ', "203.0.113.0/24"),
        ("[2001:db8:7:8::1]:443", "2001:db8:7::/48"),
        ('"[2001:db8:7:8::1]"', "2001:db8:7::/48"),
        ("2001:db8:7:8::1%eth0", "2001:db8:7::/48"),
        ("[::ffff:203.0.113.9]:80", "203.0.113.0/24"),
    ],
)
def test_every_spelling_of_an_address_is_cut(address: str, network: str) -> None:
    assert network_text(cut_network(address)) == network


@pytest.mark.parametrize(
    "garbage", [":::", "[::1", "::1" * 100, "\0", "\ud800", "_hidden", "unix:"]
)
@pytest.mark.parametrize("surrounding", ["{}", " {} ", '"{}"'])
def test_no_dressing_makes_an_address_of_garbage(garbage: str, surrounding: str) -> None:
    assert cut_network(surrounding.format(garbage)) == b""


@pytest.mark.parametrize(
    "garbage",
    ["", "unknown", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4\n5.6.7.8", "1.2.3.4\0", "٣.٣.٣.٣"],
)
def test_what_is_no_address_leaves_nothing(garbage: str) -> None:
    assert cut_network(garbage) == b""


@given(st.binary(max_size=20))
def test_only_cut_networks_have_a_text(network: bytes) -> None:
    assert bool(network_text(network)) == (len(network) in (3, 6))


# Who a visitor is


def test_the_same_visitor_has_the_same_token() -> None:
    assert token("203.0.113.9") == token("203.0.113.9")
    assert len(token("203.0.113.9")) == 16


def test_salt_workspace_address_and_agent_each_make_another_visitor() -> None:
    tokens = {
        token("203.0.113.9"),
        token("203.0.113.10"),
        token("203.0.113.9", salt=b"another day" * 3),
        token("203.0.113.9", workspace=8),
        token("203.0.113.9", agent="Chrome"),
        token("203.0.113.9", agent=""),
    }
    assert len(tokens) == 6


@given(IPV4)
def test_a_mapped_ipv4_address_is_the_same_visitor(address: ipaddress.IPv4Address) -> None:
    assert token(f"::ffff:{address}") == token(str(address)) == token(f"{address}:55555")


@given(IPV6)
def test_all_spellings_of_an_ipv6_address_are_one_visitor(address: ipaddress.IPv6Address) -> None:
    short, long = str(address), address.exploded
    assert token(short) == token(long) == token(long.upper()) == token(f"[{short}]:443")


@given(ANY_TEXT)
def test_whatever_an_agent_holds_is_the_whole_of_it(agent: str) -> None:
    assert token("203.0.113.9", agent=agent) != token("203.0.113.9", agent=agent + "x")


def test_who_came_between_changes_nobodys_pseudonym() -> None:
    pseudonyms = Pseudonyms(SALT, 7)
    address = packed_address("203.0.113.9")
    first = pseudonyms.token(address, b"Firefox")
    assert pseudonyms.token(address, b"Chrome") != first
    assert pseudonyms.token(address, b"Firefox") == first == token("203.0.113.9")


def test_address_and_agent_cannot_be_shifted_into_each_other() -> None:
    # The 16 bytes of this IPv6 address are an IPv4 address followed by twelve letters.
    address = ipaddress.IPv6Address(bytes((203, 0, 113, 9)) + b"abcdefghijkl")
    assert token(str(address), agent="") != token("203.0.113.9", agent="abcdefghijkl")


@pytest.mark.parametrize("address", ["", "unknown", "203.0.113", "\ud800"])
def test_an_unknown_address_has_no_token(address: str) -> None:
    assert token(address) == b""


@pytest.mark.parametrize(
    ("gpc", "dnt"), [("1", ""), ("", "1"), (" 1 ", "0"), ("0", "1"), ("1,1", ""), ("0, 1", "")]
)
def test_who_refuses_counting_is_heard(gpc: str, dnt: str) -> None:
    assert refuses_counting(gpc, dnt)


@pytest.mark.parametrize(
    ("gpc", "dnt"), [("", ""), ("0", "0"), ("true", "unspecified"), ("11", "")]
)
def test_who_does_not_refuse_is_counted(gpc: str, dnt: str) -> None:
    assert not refuses_counting(gpc, dnt)


# Behind proxies

PROXY = "10.0.0.1"


def test_without_trusted_hops_the_header_changes_nothing() -> None:
    assert client_address("198.51.100.7", "203.0.113.9", 0) == "198.51.100.7"


@pytest.mark.parametrize(
    ("header", "hops", "client"),
    [
        ("203.0.113.9", 1, "203.0.113.9"),
        ("203.0.113.9, 10.0.0.2", 2, "203.0.113.9"),
        ("203.0.113.9:61000", 1, "203.0.113.9"),
        ('"[2001:DB8::1]:61000"', 1, "2001:db8::1"),
        ("[2001:db8::1]", 1, "2001:db8::1"),
        ("::ffff:203.0.113.9", 1, "203.0.113.9"),
    ],
)
def test_the_trusted_entry_is_the_client(header: str, hops: int, client: str) -> None:
    assert client_address(PROXY, header, hops) == client


@given(ANY_TEXT, st.integers(1, 4))
def test_what_a_client_writes_into_the_header_changes_nothing(forged: str, hops: int) -> None:
    appended = ", ".join(["203.0.113.9", "10.0.0.4", "10.0.0.3", "10.0.0.2"][:hops])
    assert client_address(PROXY, f"{forged}, {appended}", hops) == "203.0.113.9"


@pytest.mark.parametrize("header", ["", " ", "203.0.113.9"])
def test_a_header_shorter_than_the_hops_is_not_believed(header: str) -> None:
    assert client_address(PROXY, header, 2) == PROXY


@pytest.mark.parametrize("entry", ["unknown", "_secret", "unix:", "203.0.113.9,", "\0"])
def test_a_proxy_that_does_not_know_the_client_makes_nobody_of_it(entry: str) -> None:
    assert client_address(PROXY, entry, 1) == ""


# Headers


@pytest.mark.parametrize(
    "headers",
    [
        {"purpose": "prefetch"},
        {"sec_purpose": "prefetch"},
        {"sec_purpose": "prefetch;prerender"},
        {"sec_purpose": "prefetch;anonymous-client-ip"},
        {"sec_purpose": "prerender, preview"},
        {"sec_purpose": " Prefetch ; Prerender"},
        {"x_moz": "prefetch"},
        {"x_purpose": "preview"},
        {"purpose": "preview"},
    ],
)
def test_what_is_fetched_ahead_is_a_prefetch(headers: dict[str, str]) -> None:
    assert is_prefetch(**headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"purpose": "navigate"},
        {"x_moz": "prefetching"},
        {"sec_purpose": "no-prefetch"},
        {"purpose": "pre", "sec_purpose": "fetch"},
    ],
)
def test_a_click_is_no_prefetch(headers: dict[str, str]) -> None:
    assert not is_prefetch(**headers)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de-DE,de;q=0.9,en;q=0.8", "de"),
        ("EN", "en"),
        (" fr ; q=1", "fr"),
        ("gsw-CH", "gsw"),
        ("zh_CN", "zh"),
        ("*", ""),
        ("", ""),
        ("deutsch", ""),
        ("d", ""),
        ("de1", ""),
        ("i-klingon", ""),
        ("日本", ""),
        ("<script>", ""),
    ],
)
def test_the_first_language_is_its_primary_part(header: str, language: str) -> None:
    assert first_language(header) == language


@pytest.mark.parametrize(
    ("referer", "host"),
    [
        ("https://www.Example.com/path?q=1#x", "example.com"),
        ("http://shop.example.com:8080", "shop.example.com"),
        ("https://user:secret@example.com/", "example.com"),
        ("HTTPS://EXAMPLE.COM./", "example.com"),
        ("https://xn--mnchen-3ya.de/", "xn--mnchen-3ya.de"),
        ("http://intranet/start", "intranet"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("https://example.com\\@evil.example/", "example.com"),
        ("", ""),
        ("about:blank", ""),
        ("javascript://example.com", ""),
        ("https://", ""),
        ("https:///path", ""),
        ("https://www./", "www"),
        ("https://exa mple.com/", ""),
        ("https://" + "a" * 300 + ".com/", ""),
        ("https://a..b/", ""),
        ("https://203.0.113.9/", ""),
        ("https://[2001:db8::1]/", ""),
        ("https://münchen.de/", ""),
        ("https://\ud800.de/", ""),
        ("//example.com/", ""),
    ],
)
def test_of_a_referrer_only_its_host_is_kept(referer: str, host: str) -> None:
    assert referrer_host(referer) == host


@given(ANY_TEXT, ANY_TEXT, st.integers(-1, 20))
def test_no_text_raises(one: str, other: str, hops: int) -> None:
    assert len(cut_network(client_address(one, other, hops))) in (0, 3, 6)
    assert len(token(one, agent=other)) in (0, 16)
    assert len(first_language(one)) <= 3
    assert len(referrer_host("https://" + one)) <= 253
    refuses_counting(one, other)
    is_prefetch(one, other, one, other)


def test_the_hot_lane_stays_light() -> None:
    """Importing the module loads nothing that is slow to import."""
    script = (
        "import sys, linkservice.clicks.visitor; "
        "print(*sorted({'flask', 'ua_parser', 'user_agents', 'maxminddb',"
        " 'sqlalchemy'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == ""
