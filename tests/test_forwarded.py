"""Which address a request came from behind proxies: RFC 7239, and which header is believed."""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from cast import make_link, owner_of
from hypothesis import given
from hypothesis import strategies as st
from linkport import ask, recorded
from proxy import NGINX, nginx_before
from service import running, wait_until

from linkservice.clicks.forwarded import forwarded_address, source
from linkservice.clicks.visitor import (
    client_address,
    cut_network,
    is_within,
    packed_address,
    parse_network,
)
from linkservice.config import ForwardedHeader, Settings
from linkservice.database import Database
from linkservice.redirect.app import make_application

PROXY = "10.0.0.1"
CLIENT = "203.0.113.9"


@pytest.mark.parametrize(
    ("header", "client"),
    [
        ("for=203.0.113.9", CLIENT),
        ("For=203.0.113.9;proto=https;by=10.0.0.1", CLIENT),
        ("proto=https ; FOR = 203.0.113.9 ; host=go.example.com", CLIENT),
        ('for="203.0.113.9"', CLIENT),
        ('for="203.0.113.9:4711"', CLIENT),
        ("for=203.0.113.9:4711", CLIENT),
        (r'for="203\.0.113.9"', CLIENT),
        ('for="[2001:db8:7::1]:4711"', "2001:db8:7::1"),
        ('for="[2001:DB8:7:0::1]"', "2001:db8:7::1"),
        ('for="[::ffff:203.0.113.9]"', CLIENT),
        ('by="_a;for=6.6.6.6, b";for=203.0.113.9', CLIENT),
        ('by="a\\"b,c";for=203.0.113.9', CLIENT),
        (f"for=6.6.6.6, for={CLIENT}", CLIENT),
        (f"for=6.6.6.6,for=7.7.7.7,for={CLIENT}", CLIENT),
    ],
)
def test_the_trusted_element_is_the_client(header: str, client: str) -> None:
    assert forwarded_address(PROXY, header, 1) == client


@pytest.mark.parametrize(
    "element",
    [
        "for=unknown",
        "for=_hidden",
        'for="_SEVKISEK"',
        "proto=https;by=10.0.0.1",
        "for=203.0.113.9;for=6.6.6.6",
        "for=",
        'for=""',
        'for="203.0.113.9, 6.6.6.6"',
        "203.0.113.9",
        "for",
        "for=203.0.113.9 6.6.6.6",
    ],
)
def test_a_proxy_that_does_not_tell_leaves_the_client_unknown(element: str) -> None:
    assert forwarded_address(PROXY, f"for=6.6.6.6, {element}", 1) == ""


@pytest.mark.parametrize("header", ["", " ", "for=203.0.113.9", 'for="203.0.113.9, 6.6.6.6"'])
def test_fewer_elements_than_proxies_are_not_believed(header: str) -> None:
    assert forwarded_address(PROXY, header, 2) == PROXY


def test_without_trusted_proxies_nothing_is_believed() -> None:
    assert forwarded_address(PROXY, "for=203.0.113.9", 0) == PROXY


@given(
    st.one_of(
        st.text(st.characters(), max_size=60),
        st.text('",;=\\ for6.[]:', max_size=60),
        st.sampled_from(['for="', 'for=6.6.6.6;by="\\', '"', '\\"', ";", 'for=6.6.6.6, x="']),
    ),
    st.integers(1, 3),
)
def test_what_a_client_writes_into_the_header_changes_nothing(forged: str, hops: int) -> None:
    """An open quote, too: the elements of the proxies are read from the right."""
    appended = ["for=203.0.113.9;proto=https", 'for="[2001:db8::4]:81"', "for=10.0.0.3"][:hops]
    assert forwarded_address(PROXY, ", ".join([forged, *appended]), hops) == CLIENT


QUOTED = st.text('abc=;, "\\', max_size=12).map(
    lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
)
PAIR = st.tuples(st.sampled_from(["by", "host", "Proto", "x-ext"]), QUOTED | st.just("https"))


@given(
    st.text('",;= for6.', max_size=20),
    st.lists(
        st.tuples(st.lists(PAIR, max_size=2), st.lists(PAIR, max_size=2)), min_size=1, max_size=3
    ),
)
def test_whatever_else_an_element_holds_its_for_is_found(
    forged: str, elements: list[tuple[list[tuple[str, str]], list[tuple[str, str]]]]
) -> None:
    """Commas, semicolons, quotes and backslashes in quoted values, too."""
    written = []
    for number, (before, after) in enumerate(elements):
        pairs = [*before, ("for", f"192.0.2.{number}"), *after]
        written.append(";".join(f"{name}={value}" for name, value in pairs))
    header = ", ".join([forged, *written])
    assert forwarded_address(PROXY, header, len(elements)) == "192.0.2.0"
    assert forwarded_address(PROXY, header, 1) == f"192.0.2.{len(elements) - 1}"


@given(st.ip_addresses(), st.integers(1, 65535), st.booleans())
def test_both_headers_tell_the_same_address(address: object, port: int, with_port: bool) -> None:
    text = str(address)
    node = f"[{text}]" if ":" in text else text
    node = f"{node}:{port}" if with_port else node
    told = forwarded_address(PROXY, f'for="{node}"', 1)
    assert told == client_address(PROXY, node, 1)
    assert cut_network(told) == cut_network(text) != b""


@given(st.text(st.characters(), max_size=200), st.integers(-1, 4))
def test_no_text_raises(text: str, hops: int) -> None:
    assert isinstance(forwarded_address(text, text, hops), str)


def test_a_long_header_costs_little() -> None:
    """Only its end is read, and of that only what the proxies wrote."""
    forged = '\\"' * 500_000
    assert forwarded_address(PROXY, f"{forged}, for={CLIENT}", 1) == CLIENT


def test_a_network_of_mapped_addresses_is_an_ipv4_network() -> None:
    assert parse_network("::ffff:203.0.113.0/120") == parse_network("203.0.113.0/24")
    assert parse_network("::ffff:203.0.113.9") == parse_network("203.0.113.9")
    everything = (parse_network("::/0"),)
    assert is_within(packed_address("2001:db8::1"), everything)
    assert not is_within(packed_address("203.0.113.9"), everything)


@pytest.mark.parametrize(
    ("header", "variable"),
    [("x-forwarded-for", "HTTP_X_FORWARDED_FOR"), ("forwarded", "HTTP_FORWARDED")],
)
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_only_the_header_the_operator_names_is_read(
    settings: Settings, database: Database, header: ForwardedHeader, variable: str
) -> None:
    home = owner_of(database, settings)
    with database.transaction() as session:
        make_link(session, settings, home, "poster")
    door = make_application(replace(settings, trusted_hops=1, forwarded_header=header))
    forged = {"HTTP_X_FORWARDED_FOR": "6.6.6.6", "HTTP_FORWARDED": "for=6.6.6.6"}
    own = {"HTTP_X_FORWARDED_FOR": "198.51.100.7", "HTTP_FORWARDED": "for=198.51.100.7"}
    ask(door, "/poster", **{**forged, variable: own[variable]})
    del forged[variable]
    ask(door, "/poster", **forged)
    door.close()
    networks = [click.network for click in recorded(settings.spool_dir)]
    assert networks == [cut_network("198.51.100.7"), cut_network("203.0.113.77")]
    assert source(header)[0] == variable


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("header", "lines"),
    [
        ("x-forwarded-for", ["X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 198.51.100.7"]),
        ("forwarded", ['Forwarded: for="6.6.6.6', "Forwarded: for=198.51.100.7;proto=https"]),
    ],
)
def test_several_lines_are_one_header(
    settings: Settings, database: Database, tmp_path: Path, header: str, lines: list[str]
) -> None:
    """As the server joins them, in their order."""
    home = owner_of(database, settings)
    with database.transaction() as session:
        make_link(session, settings, home, "poster")
    environment = {"LINKSERVICE_TRUSTED_HOPS": "1", "LINKSERVICE_FORWARDED_HEADER": header}
    with running(
        settings, tmp_path, roles=("redirect",), workers=1, environment=environment
    ) as service:
        request = "\r\n".join(["GET /poster HTTP/1.1", "Host: 127.0.0.1", *lines, "", ""])
        with closing(socket.create_connection(("127.0.0.1", service.link_port))) as connection:
            connection.sendall(request.encode())
            assert connection.recv(12) == b"HTTP/1.1 302"
        wait_until(lambda: recorded(settings.spool_dir))
    assert [each.network for each in recorded(settings.spool_dir)] == [cut_network("198.51.100.7")]


@pytest.mark.skipif(NGINX is None, reason="no nginx: install it to test what stands before us")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_the_documented_proxy_lets_no_client_choose_its_address(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    """Nor one that writes underscores, which WSGI cannot tell from hyphens."""
    home = owner_of(database, settings)
    with database.transaction() as session:
        make_link(session, settings, home, "poster")
    forged = ["X-Forwarded-For", "X_Forwarded_For", "x_forwarded-for", "Forwarded", "X-Real-IP"]
    lines = [f"{name}: 198.51.100.7" for name in forged]
    environment = {"LINKSERVICE_TRUSTED_HOPS": "1"}
    with (
        running(
            settings, tmp_path, roles=("redirect",), workers=1, environment=environment
        ) as service,
        nginx_before([service.link_port], tmp_path / "nginx") as port,
    ):
        request = "\r\n".join(["GET /poster HTTP/1.1", f"Host: {home.host}", *lines, "", ""])
        with closing(socket.create_connection(("127.0.0.1", port))) as connection:
            connection.sendall(request.encode())
            assert connection.recv(12) == b"HTTP/1.1 302"
        wait_until(lambda: recorded(settings.spool_dir))
    assert [each.network for each in recorded(settings.spool_dir)] == [cut_network("127.0.0.1")]
