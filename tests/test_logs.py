"""The log: one line per event whatever came in, valid JSON, and nobody's secrets."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from service import free_ports, wait_until

from linkservice.config import Settings, load
from linkservice.logs import LONGEST_TEXT, Json, Redactor, Text, formatter

KEY = "lsk_vZ3kQ9xW1nB7mT5rY8uL2pS6dF4gH0jC-aE_iOqXzKw"
TOKEN = "Qm8xT2vN5bR1cZ7kL4wP9sY6dF3gH0jA-uE_iOqXzKw"
DATABASE = "postgresql://links:hunter2-x@db.example.com/links"

SECRETS = [
    (f"key {KEY} is unknown", KEY),
    (f"/app/setup/{TOKEN}", TOKEN),
    ("GET /app/invitation/short-one failed", "short-one"),
    (f"GET https://app.example.com/app/password/{TOKEN}?x=1", TOKEN),
    ("/sommer?mail=ada@example.com", "ada@example.com"),
    ("/sommer#mail=ada", "mail=ada"),
    ("referrer https://mail.example.com/inbox/4711/read", "4711"),
    ("referrer https://ada:pass@mail.example.com/", "ada:pass"),
    ("cannot reach postgresql://links:p/w@x@10.1.2.3/links", "p/w@x"),
    ("smtp://mailer:s3cret@mail.example.com:587 refused", "s3cret"),
    ("the password hunter2-x does not fit", "hunter2-x"),
    ("signed with key-of-this-installation", "key-of-this-installation"),
    ("asked with Bearer abc.def", "abc.def"),
    ("Authorization: Basic YWRhOnBhc3M=", "YWRhOnBhc3M="),
    ("Cookie: session=abc; language=de", "session=abc"),
    ("DETAIL: Key (email)=(ada.l@example.com) already exists.", "ada.l"),
    ("token=abcdef", "abcdef"),
    ("X-Api-Key: abcdef", "abcdef"),
    ("api_key=abcdef", "abcdef"),
    ("the query ?mail=ada", "mail=ada"),
    (r"referrer https:\/\/mail.example.com\/inbox\/4711", "4711"),
    ("referrer https%3A%2F%2Fmail.example.com%2Finbox%2F4711", "4711"),
    ("referrer https%3A//mail.example.com?4711", "4711"),
    (f"session {TOKEN} ended", TOKEN),
    ("click of 203.0.113.77", "203.0.113.77"),
    ("client 203.0.113.77:8443.", "203.0.113.77"),
    ("from 10.11.12.13, by 192.168.7.8", "10.11.12.13"),
    ("from ::ffff:203.0.113.77", "203.0.113.77"),
    ("client\n2001:db8:7:1::4711\x00", "4711"),
    ("client [2001:db8:7:1::4711]:443", "4711"),
    ("client fe80::1ff:fe23:4567:890a%eth0", "4567"),
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load(
        {
            "LINKSERVICE_DATABASE_URL": DATABASE,
            "LINKSERVICE_SECRET_KEY": "key-of-this-installation",
        },
        data_dir=tmp_path_factory.mktemp("data"),
    )


@pytest.fixture(scope="module")
def redact(settings: Settings) -> Redactor:
    return Redactor(settings)


def record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("linkservice", logging.ERROR, __file__, 1, message, args, exc_info)


def failing(text: str) -> BaseException:
    """An exception with a traceback of its own."""
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


def written(redact: Redactor, event: logging.LogRecord) -> list[str]:
    """The event in both formats; each is one line of one encoding."""
    lines = [Json(redact, "web").format(event), Text(redact).format(event)]
    for line in lines:
        assert len(line.splitlines()) == 1
        assert line.isprintable()
        line.encode()
    return lines


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_secrets_stay_out_of_messages_arguments_and_tracebacks(
    redact: Redactor, text: str, secret: str
) -> None:
    for event in (
        record(text),
        record("told: %s", text),
        record("failed", error=failing(text)),
    ):
        for line in written(redact, event):
            assert secret not in line


@given(st.text(), st.text(), st.sampled_from(SECRETS), st.sampled_from(" \n\r\t\x00\u202e\u2028"))
@example("\ud800", "\x1b[31m", SECRETS[0], "\n")
def test_any_input_is_one_line_of_valid_json_without_the_secret(
    redact: Redactor, before: str, after: str, told: tuple[str, str], between: str
) -> None:
    text, secret = told
    whole = f"{before}{between}{text} {after}"
    for event in (record("%s", whole), record("failed", error=failing(whole))):
        for line in written(redact, event):
            # By chance the secret may stand in what was drawn around it.
            assert secret not in line or secret in before + after
        assert set(json.loads(written(redact, event)[0])) >= {"time", "level", "message"}


@given(st.text(), st.lists(st.one_of(st.text(), st.integers(), st.binary(), st.none())))
def test_wrong_placeholders_are_an_event_too(
    redact: Redactor, message: str, args: list[object]
) -> None:
    written(redact, record(message, *args))


def test_a_message_that_cannot_be_told_is_an_event_too(redact: Redactor) -> None:
    class Untold:
        def __str__(self) -> str:
            raise ValueError("nobody knows")

    event = record("")
    event.msg = Untold()
    assert "Untold" in written(redact, event)[0]


@pytest.mark.parametrize(
    "text",
    [
        "ready after 0.8 s",
        "redirect 1 started (process 4711); starts again in 0.5 s",
        "segment 20261122T044500.123-9f3a0b1c2d3e4f50: bytes 64–120 are damaged",
        "it is 12:34:56 at 127.0.0.1:8001 and [::1]:8000",
        "http://127.0.0.1:8001/ answers",
        "node 0123456789abcdef0123456789abcdef",
        "really? yes",
    ],
)
def test_what_is_no_secret_stays(redact: Redactor, text: str) -> None:
    assert redact(text) == text


def test_an_address_keeps_its_network(redact: Redactor) -> None:
    assert redact("of 203.0.113.77") == "of 203.0.113.x"
    assert redact("of 2001:db8:7:1::5") == "of 2001:0db8:0007::x"


def test_a_secret_at_the_cut_does_not_lose_the_rule_that_hides_it(redact: Redactor) -> None:
    told = redact("x " * (LONGEST_TEXT // 2 - 5) + "smtp://ada:s3cret@mail.example.com")
    assert "s3c" not in told
    assert told.endswith("more characters)")


def test_hostile_lengths_take_no_time(redact: Redactor) -> None:
    for text in ("://", "1.", "a", "A1", "1:", "?", "@", "token=", "/setup/"):
        assert len(redact(text * 50_000)) < 3 * LONGEST_TEXT


def test_fields_stand_beside_the_message(redact: Redactor) -> None:
    event = record("a page was slow")
    event.fields = {
        "status": 200,
        "ms": float("nan"),
        "page": "/app/links/<id>?q=ada",
        "message": "not this",
    }
    found = json.loads(Json(redact, "web").format(event))
    assert found["ms"] == "nan", "a word, as JSON has no such number"
    assert found["status"] == 200
    assert found["page"] == "/app/links/<id>?…"
    assert (found["message"], found["role"], found["level"]) == ("a page was slow", "web", "error")


def test_the_format_is_a_setting(tmp_path: Path) -> None:
    assert isinstance(formatter(load({}, data_dir=tmp_path), "web"), Text)
    chosen = load({"LINKSERVICE_LOG_FORMAT": "json"}, data_dir=tmp_path)
    assert isinstance(formatter(chosen, "web"), Json)


_PROGRAM = """
import logging, sys, threading, warnings
from pathlib import Path
from linkservice.config import load
from linkservice.logs import log_to_stderr

log_to_stderr(load({"LINKSERVICE_LOG_FORMAT": "json"}, data_dir=sys.argv[1]), "web")
warnings.warn("take care\\nhere")
thread = threading.Thread(target=lambda: 1 / 0, name="maker")
thread.start()
thread.join()
logging.getLogger("_granian").error("of the server")
raise SystemError("the end\\nof it")
"""


def test_whatever_a_process_says_is_one_line_each(tmp_path: Path) -> None:
    """Warnings, errors in threads and what ends the process included."""
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    events = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [event["level"] for event in events] == ["warning", "critical", "error", "critical"]
    assert events[1]["message"] == "thread maker ended by an error"
    assert "ZeroDivisionError" in events[1]["traceback"]
    assert events[2]["logger"] == "_granian"
    assert "the end\\nof it" not in events[3]["message"]
    assert ended.returncode == 1


def test_a_service_writes_nothing_but_events(tmp_path: Path) -> None:
    """Started on an empty folder, a worker killed, stopped: each line of stderr is an event."""
    port, link_port = free_ports()
    env = {name: value for name, value in os.environ.items() if not name.startswith("LINKSERVICE_")}
    env |= {"LINKSERVICE_LOG_FORMAT": "json", "LINKSERVICE_DATA_DIR": str(tmp_path / "data")}
    ports = ["--port", str(port), "--link-port", str(link_port), "--roles", "redirect"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "linkservice", "serve", *ports],
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=env,
        )
        events: list[dict[str, object]] = []

        def saw(text: str) -> bool:
            events[:] = map(json.loads, (tmp_path / "log").read_text().splitlines())
            return any(text in str(event["message"]) for event in events)

        try:
            wait_until(lambda: saw("ready after"))
            assert saw("Made the database")
            [killed] = [e for e in events if str(e["message"]).startswith("redirect 1 started")]
            worker = str(killed["message"]).rpartition(" ")[2].rstrip(")")
            os.kill(int(worker), signal.SIGKILL)
            wait_until(lambda: saw("was ended by signal 9"))
        finally:
            process.terminate()
            process.wait()
    assert saw("stopped")
