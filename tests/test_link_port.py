"""The link port's server, over real sockets: order, ends, limits, and who is kept waiting."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from ported import HEAD_SECONDS, LATER_SECONDS, MEGABYTE, STUCK_SECONDS, TOGETHER
from service import wait_until

SECONDS = 20.0
"""For what takes none on a quiet machine."""


class Port:
    """The program of `ported`."""

    def __init__(self, listener: socket.socket, most: int, log: Path) -> None:
        self.address = listener.getsockname()
        self.log = log
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    Path(__file__).with_name("ported.py"),
                    str(listener.fileno()),
                    str(most),
                ],
                stdout=subprocess.PIPE,
                stderr=errors,
                pass_fds=[listener.fileno()],
                text=True,
            )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=SECONDS)

    def ask(self, data: bytes) -> bytes:
        """All that comes back until the server hangs up; we say nothing more."""
        with self.connect() as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            return rest(client)

    def tell_to_end(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def end(self) -> list[int]:
        """How many entries each write had."""
        self.tell_to_end()
        said, _ = self._process.communicate(timeout=SECONDS)
        assert self._process.returncode == 0
        return [int(each) for each in said.strip("[]\n").split(",") if each]

    def kill(self) -> None:
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


@contextmanager
def opened(log: Path, most: int = 100) -> Iterator[Port]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = Port(listener, most, log)
    try:
        yield port
    finally:
        port.kill()


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Port]:
    with opened(tmp_path / "log") as port:
        yield port


def request(path: str, *lines: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


def rest(client: socket.socket) -> bytes:
    received = b""
    while data := client.recv(65536):
        received += data
    return received


def bodies(received: bytes) -> list[str]:
    """Of answers without headers of their own but a length."""
    found = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        found.append(received[:length].decode())
        received = received[length:]
    return found


def test_a_redirect_has_all_a_browser_needs(port: Port) -> None:
    lines = port.ask(request("/now")).decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 302 Found"
    assert "location: https://example.com/" in lines
    assert "content-length: 0" in lines
    assert any(line.startswith("date: ") and line.endswith(" GMT") for line in lines)
    assert not any(line.startswith("connection") for line in lines)


def test_answers_come_in_the_order_of_the_requests(port: Port) -> None:
    paths = ["/a", "/later", "/b", "/recorded", "/c"]
    assert bodies(port.ask(b"".join(map(request, paths)))) == [
        "GET /a",
        "later",
        "GET /b",
        "recorded",
        "GET /c",
    ]


def test_thousands_of_requests_at_once_each_have_an_answer(port: Port) -> None:
    paths = [f"/{number}" for number in range(3_000)]
    assert bodies(port.ask(b"".join(map(request, paths)))) == [f"GET {path}" for path in paths]


def test_a_connection_is_kept_and_a_request_may_come_in_pieces(port: Port) -> None:
    with port.connect() as client:
        for number in range(3):
            data = request(f"/{number}")
            client.sendall(data[:20])
            time.sleep(0.05)
            client.sendall(data[20:])
            assert bodies(client.recv(65536)) == [f"GET /{number}"]


def test_head_has_no_body_and_its_length(port: Port) -> None:
    received = port.ask(request("/sommer", method="HEAD"))
    assert b"content-length: 12\r\n" in received
    assert received.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "data",
    [
        request("/x", "Connection: close"),
        b"GET /x HTTP/1.0\r\nHost: x\r\n\r\n",
        request("/x", "Content-Length: 100000", method="POST"),
        request("/x", "Expect: 100-continue", "Transfer-Encoding: chunked", method="PUT"),
        request("/x", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"),
    ],
)
def test_who_cannot_be_kept_is_told_so_and_let_go(port: Port, data: bytes) -> None:
    with port.connect() as client:
        client.sendall(data)
        received = rest(client)
    assert b"\r\nconnection: close\r\n" in received
    assert received.count(b"HTTP/1.1 ") == 1
    assert b" /x" in received


def test_who_sends_a_body_nobody_reads_has_the_answer(port: Port) -> None:
    with port.connect() as client:
        client.sendall(request("/x", f"Content-Length: {MEGABYTE}", method="POST"))
        client.sendall(bytes(MEGABYTE // 2))
        client.sendall(bytes(MEGABYTE // 2))
        assert bodies(rest(client)) == ["POST /x"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (request("/" + "a" * 100_000), b"414"),
        (request("/", "X: " + "a" * 100_000), b"431"),
        (request("/")[:-2], b"408"),
    ],
)
def test_what_is_no_request_is_answered_and_ended(port: Port, data: bytes, status: bytes) -> None:
    with port.connect() as client:
        client.sendall(data)
        received = rest(client)
    assert received.startswith(b"HTTP/1.1 " + status)


def test_half_a_request_and_no_more_is_the_end(port: Port) -> None:
    assert port.ask(request("/")[:-2]) == b""
    assert port.ask(b"") == b""


def test_who_says_nothing_is_let_go_and_who_was_answered_is_kept_longer(port: Port) -> None:
    with port.connect() as silent, port.connect() as served:
        served.sendall(request("/a"))
        assert served.recv(65536)
        began = time.monotonic()
        assert rest(silent) == b""
        assert rest(served) == b""
        assert time.monotonic() - began > HEAD_SECONDS + 1.5


def test_who_takes_nothing_in_is_cut_off_and_keeps_nobody(port: Port) -> None:
    with port.connect() as greedy, port.connect() as other:
        greedy.sendall(request("/large") * 50)
        other.sendall(request("/a"))
        assert bodies(other.recv(65536)) == ["GET /a"]
        time.sleep(STUCK_SECONDS + 2.0)
        assert taken_in(greedy) < 50 * MEGABYTE


def test_who_takes_nothing_in_is_asked_for_nothing_more(port: Port) -> None:
    """One request at a time, each of which would be a usual one."""
    with port.connect() as greedy:
        greedy.sendall(request("/large"))
        deadline = time.monotonic() + STUCK_SECONDS + SECONDS
        with suppress(ConnectionError):
            while time.monotonic() < deadline:
                greedy.sendall(request("/large"))
                time.sleep(0.05)
            raise AssertionError("it was never cut off")


def test_who_has_said_all_has_every_answer_however_late_it_reads(port: Port) -> None:
    with port.connect() as client:
        client.sendall(request("/large") * 10)
        time.sleep(0.3)
        client.shutdown(socket.SHUT_WR)
        assert len(bodies(rest(client))) == 10


def test_after_a_slow_answer_a_request_has_its_time(port: Port) -> None:
    with port.connect() as client:
        client.sendall(request("/slow"))
        assert bodies(client.recv(65536)) == ["slow"]
        data = request("/a")
        client.sendall(data[:10])
        time.sleep(0.2)
        client.sendall(data[10:])
        assert bodies(client.recv(65536)) == ["GET /a"]


def test_line_ends_between_requests_are_nothing(port: Port) -> None:
    with port.connect() as client:
        client.sendall(request("/a"))
        assert bodies(client.recv(65536)) == ["GET /a"]
        client.sendall(b"\r\n")
        time.sleep(HEAD_SECONDS + 1.2)  # more than half a request would have
        client.sendall(request("/b"))
        assert bodies(client.recv(65536)) == ["GET /b"]


def test_a_slow_answer_keeps_nobody_else(port: Port) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(port.connect()) for _ in range(8)]
        for client in slow:
            client.sendall(request("/later"))
        with port.connect() as quick:
            began = time.monotonic()
            quick.sendall(request("/a"))
            assert bodies(quick.recv(65536)) == ["GET /a"]
            assert time.monotonic() - began < LATER_SECONDS * 10
        for client in slow:
            assert bodies(client.recv(65536)) == ["later"]


def test_what_comes_while_it_is_written_shares_the_next_write(port: Port) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(port.connect()) for _ in range(20)]
        for _ in range(3):
            for client in clients:
                client.sendall(request("/recorded"))
            for client in clients:
                assert bodies(client.recv(65536)) == ["recorded"]
    written = port.end()
    assert sum(written) == 60
    assert len(written) < 30
    assert max(written) == TOGETHER


def test_many_who_do_not_wait_for_their_answers_share_writes_and_have_them_in_order(
    port: Port,
) -> None:
    asked = b"".join(request("/recorded") + request(f"/{number}") for number in range(4))
    expected = [text for number in range(4) for text in ("recorded", f"GET /{number}")]
    with ExitStack() as stack:
        clients = [stack.enter_context(port.connect()) for _ in range(10)]
        for client in clients:
            client.sendall(asked)
            client.shutdown(socket.SHUT_WR)
        for client in clients:
            assert bodies(rest(client)) == expected
    written = port.end()
    assert sum(written) == 40
    assert len(written) < 25


def test_what_is_recorded_of_a_slow_answer_is_recorded_at_once_and_then(port: Port) -> None:
    with port.connect() as client:
        client.sendall(request("/missed"))
        assert bodies(client.recv(65536)) == ["later"]
    assert port.end() == [1, 1]


def test_a_defect_is_one_answer_and_one_line(port: Port) -> None:
    for path in ("/broken", "/broken-later"):
        assert port.ask(request(path)).startswith(b"HTTP/1.1 500 ")
    assert port.ask(request("/unsendable")) == b""
    assert bodies(port.ask(request("/unrecorded"))) == ["unrecorded"]
    assert bodies(port.ask(request("/a"))) == ["GET /a"]
    assert port.log.read_text().count("RuntimeError: on purpose") == 3


def test_where_there_is_no_room_the_longest_silent_go(tmp_path: Path) -> None:
    with opened(tmp_path / "log", most=10) as port, ExitStack() as stack:
        silent = [stack.enter_context(port.connect()) for _ in range(10)]
        time.sleep(0.2)
        for _ in range(5):
            assert bodies(port.ask(request("/a"))) == ["GET /a"]
        gone = 0
        for client in silent:
            client.setblocking(False)
            try:
                gone += client.recv(1) == b""
            except ConnectionResetError:
                gone += 1
            except BlockingIOError:
                pass
        assert 1 <= gone <= 5


def test_at_the_end_each_request_has_its_answer(port: Port) -> None:
    with port.connect() as calm, port.connect() as waiting, port.connect() as idle:
        for client in (calm, idle):
            client.sendall(request("/a"))
            assert bodies(client.recv(65536)) == ["GET /a"]
        waiting.sendall(request("/later"))
        time.sleep(0.05)
        port.tell_to_end()
        wait_until(lambda: not accepts(port))
        calm.sendall(request("/b"))  # over a connection it has kept so far
        received = rest(calm)
        assert b"\r\nconnection: close\r\n" in received
        assert received.endswith(b"GET /b")
        assert bodies(rest(waiting)) == ["later"]
        assert rest(idle) == b""
    assert port.end() == [1]


def test_being_told_to_end_again_and_again_does_not_end_it_early(tmp_path: Path) -> None:
    for _ in range(5):
        with opened(tmp_path / "log") as port:
            while not port.has_ended():
                port.tell_to_end()
            port.end()


def taken_in(client: socket.socket) -> int:
    """The bytes that come until the other side hangs up, in whatever manner."""
    received = 0
    with suppress(ConnectionResetError):
        while data := client.recv(65536):
            received += len(data)
    return received


def test_who_takes_nothing_in_does_not_hold_up_the_end(port: Port) -> None:
    with port.connect() as greedy:
        greedy.sendall(request("/large") * 50)
        time.sleep(0.2)
        began = time.monotonic()
        port.end()
        assert time.monotonic() - began < SECONDS / 2


def accepts(port: Port) -> bool:
    try:
        with socket.create_connection(port.address, timeout=SECONDS) as client:
            client.sendall(request("/a"))
            return bool(client.recv(1))
    except OSError:
        return False
