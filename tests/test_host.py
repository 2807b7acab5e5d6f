"""Hosts: how branded ones are written, what a Host header means, which are local."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkservice.errors import Invalid
from linkservice.links.host import check_host, is_local, machine, normal_host, reach_of

HOST_LIKE = st.text(st.sampled_from("aZ-_.:0129[]fxü。%/@ \0"), max_size=40)


def stored_or_problem(text: str) -> str:
    try:
        return check_host(text)
    except Invalid as error:
        return str(error)


def code_of(host: str) -> tuple[str, dict[str, object]]:
    with pytest.raises(Invalid) as caught:
        check_host(host)
    (problem,) = caught.value.problems
    assert problem.field == "host"
    assert str(caught.value)
    return problem.code, dict(problem.params)


@pytest.mark.parametrize(
    ("given_host", "stored"),
    [
        ("go.marke.de", "go.marke.de"),
        (" GO.Marke.DE. ", "go.marke.de"),
        ("go.marke.de:443", "go.marke.de"),
        ("go.marke.de:80", "go.marke.de"),
        ("go.marke.de:8001", "go.marke.de:8001"),
        ("go", "go"),
        ("müller.de", "xn--mller-kva.de"),
        ("MU\u0308LLER。de", "xn--mller-kva.de"),
        ("faß.de", "xn--fa-hia.de"),
        ("xn--fa-hia.de", "xn--fa-hia.de"),
        ("localhost:8001", "localhost:8001"),
        ("127.0.0.1:8001", "127.0.0.1:8001"),
        ("0x7f.1", "127.0.0.1"),
        ("192.168.1.5", "192.168.1.5"),
        ("[0:0::1]:8001", "[::1]:8001"),
        ("a" * 63 + ".de", "a" * 63 + ".de"),
    ],
)
def test_a_host_is_stored_in_one_form(given_host: str, stored: str) -> None:
    assert check_host(given_host) == stored
    assert check_host(stored) == stored
    assert normal_host(stored) == stored


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("", "host_empty"),
        ("  ", "host_empty"),
        ("go..de", "host_unreadable"),
        (".go.de", "host_unreadable"),
        ("-go.de", "host_unreadable"),
        ("go_x.de", "host_unreadable"),
        ("*.marke.de", "host_unreadable"),
        ("go marke.de", "host_unreadable"),
        ("go\tmarke.de", "host_unreadable"),
        ("go\0.de", "host_unreadable"),
        ("go\ud800.de", "host_unreadable"),
        ("go.de:0", "host_unreadable"),
        ("go.de:65536", "host_unreadable"),
        ("go.de:x", "host_unreadable"),
        ("::1", "host_unreadable"),
        ("xn--a.de", "host_unreadable"),
        ("xn--8i7caa.de", "host_unreadable"),
        ("1.2.3.4.5", "host_unreadable"),
        ("a" * 64 + ".de", "host_unreadable"),
        (".".join(["a" * 60] * 5), "host_too_long"),
        ("a" * 1_000_000, "host_too_long"),
        ("203.0.113.7", "host_address"),
        ("[2606:4700::1111]", "host_address"),
    ],
)
def test_what_is_no_branded_host_is_refused(host: str, code: str) -> None:
    assert code_of(host)[0] == code


@pytest.mark.parametrize(
    "text",
    [
        "https://go.marke.de/x",
        "//go.marke.de",
        "go.marke.de/",
        "ada:pw@go.marke.de",
        "go.marke.de?x",
    ],
)
def test_more_than_a_host_is_refused(text: str) -> None:
    assert code_of(text)[0] == "host_not_bare"


def test_the_host_inside_a_pasted_address_is_suggested() -> None:
    assert code_of("https://GO.marke.de/x")[1] == {"example": "go.marke.de"}
    assert code_of("http://[/")[1] == {"example": "go.example.com"}


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("GO.Marke.DE", "go.marke.de"),
        ("go.marke.de.", "go.marke.de"),
        ("go.marke.de.:443", "go.marke.de"),
        ("go.marke.de:", "go.marke.de"),
        ("go.marke.de:80", "go.marke.de"),
        ("go.marke.de:8001", "go.marke.de:8001"),
        ("[::1]:8001", "[::1]:8001"),
        ("a_b.docker", "a_b.docker"),
    ],
)
def test_a_host_header_is_normalised(header: str, host: str) -> None:
    assert normal_host(header) == host


@pytest.mark.parametrize(
    "header",
    [
        "",
        ".",
        "a,b",
        "go.marke.de, go.marke.de",
        "a b",
        "a\r\nX: y",
        "go.de\n",
        "a\0",
        "a:b",
        "a:80:80",
        "a:123456",
        "a..b",
        "a/b",
        "u@a",
        "[::1",
        "ü.de",
        "\ud800",
        "<script>",
        "a" * 64,
        "a." * 200,
        "a" * 1_000_000,
    ],
)
def test_a_garbled_host_header_is_nobody(header: str) -> None:
    assert normal_host(header) == ""


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "localhost:8001",
        "shop.localhost",
        "127.0.0.1",
        "127.9.9.9:8001",
        "0.0.0.0:8001",
        "::1",
        "[::1]",
        "[::1]:8001",
        "[::ffff:10.0.0.1]:8001",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255:80",
        "192.168.178.20:8001",
        "169.254.1.1",
        "[fd00::1]",
        "[fe80::1]:8001",
    ],
)
def test_loopback_and_private_hosts_are_local(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "go.marke.de",
        "localhost.marke.de",
        "notlocalhost",
        "127.0.0.1.marke.de",
        "10.0.0.1.nip.io:80",
        "172.32.0.1",
        "172.15.0.1",
        "11.0.0.1",
        "8.8.8.8:8001",
        "[2606:4700::1111]",
        "[",
        "1:2:3",
        "127.0.0.1" * 1000,
    ],
)
def test_other_hosts_are_not_local(host: str) -> None:
    assert not is_local(host)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("localhost", "127.0.0.1"),
        ("localhost", "[::1]"),
        ("x.localhost.", "[::ffff:7f00:1]"),
        ("0.0.0.0", "127.1.2.3"),
        ("[::ffff:a00:1]", "10.0.0.1"),
        ("go.marke.de.", "GO.marke.de"),
    ],
)
def test_names_of_one_machine_compare_equal(one: str, other: str) -> None:
    assert machine(one) == machine(other)
    assert machine(one) != machine("example.com")


@given(st.text(st.characters(exclude_categories=()), max_size=60) | HOST_LIKE)
def test_any_text_is_a_host_or_a_problem(text: str) -> None:
    is_local(text)
    header = normal_host(text)
    assert normal_host(header) == header
    outcome = stored_or_problem(text)
    assert outcome.startswith("host: ") or check_host(outcome) == outcome == normal_host(outcome)


def test_from_where_a_host_is_reached() -> None:
    for host in ("127.0.0.1", "127.0.0.1:8001", "localhost:8001", "[::1]", "[::1]:8001"):
        assert reach_of(host) == "computer", host
    for host in ("192.168.2.7:8001", "10.0.0.1", "[fd00::1]:8001"):
        assert reach_of(host) == "network", host
    assert reach_of("go.example.com:8443") == "world"
