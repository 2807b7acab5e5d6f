"""Letters arrive as they were written, at one recipient, over a connection that can be trusted."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from mailserver import CERTIFICATE, mail_server

from linkservice import mail
from linkservice.config import PREFIX, Settings, load
from linkservice.errors import Failed, Invalid

FROM = "Müller GmbH <linkservice@example.com>"


@pytest.fixture
def plain(tmp_path: Path) -> Settings:
    return load({PREFIX + "MAIL_FROM": FROM}, data_dir=tmp_path)


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operating system trusts the server's certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))


def with_user(url: str) -> str:
    """The URL with a user and a password that needs escaping."""
    return url.replace("://", "://ada:p%40ss%2Fword@")


def test_a_letter_arrives_as_it_was_written(plain: Settings) -> None:
    text = "Grüße aus Köln,\n.\n.. mit Punkten\nhttps://example.com/app/password/" + "x" * 90 + "\n"
    with mail_server() as given:
        mail.send(replace(plain, smtp_url=given.url), "ada@example.com", "Ihr Paßwort", text)
    (letter,) = given.letters
    assert given.recipients == ["ada@example.com"]
    assert (letter["From"], letter["To"]) == (FROM, "ada@example.com")
    assert letter["Subject"] == "Ihr Paßwort"
    assert letter.get_content().replace("\r\n", "\n") == text
    assert letter["Message-ID"].endswith("@example.com>")
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Date"]


@pytest.mark.parametrize("tls", ["starttls", "smtps"])
def test_it_goes_encrypted_with_the_user_of_the_url(
    plain: Settings, trusted: None, tls: str
) -> None:
    with mail_server(tls=tls) as given:
        mail.send(replace(plain, smtp_url=with_user(given.url)), "ada@example.com", "x", "x")
    assert given.encrypted == [True]
    assert given.passwords == [("ada", "p@ss/word")]


@pytest.mark.parametrize("tls", ["starttls", "smtps"])
def test_a_server_nobody_vouches_for_gets_nothing(plain: Settings, tls: str) -> None:
    with mail_server(tls=tls) as given, pytest.raises(Failed, match="certificate"):
        mail.send(replace(plain, smtp_url=with_user(given.url)), "ada@example.com", "x", "x")
    assert (given.letters, given.passwords) == ([], [])


def test_a_password_is_not_sent_in_the_clear(plain: Settings) -> None:
    with mail_server() as given, pytest.raises(Failed, match="no encryption"):
        mail.send(replace(plain, smtp_url=with_user(given.url)), "ada@example.com", "x", "x")
    assert (given.letters, given.passwords) == ([], [])


def test_on_the_same_machine_no_certificate_is_asked_for(plain: Settings) -> None:
    with mail_server(tls="starttls", address="127.0.0.1") as given:
        mail.send(replace(plain, smtp_url=with_user(given.url)), "ada@example.com", "x", "x")
    assert (given.encrypted, len(given.passwords)) == ([False], 1)


@pytest.mark.parametrize(
    "to",
    [
        "ada@example.com\r\nBcc: cleo@example.com",
        "ada@example.com, cleo@example.com",
        "ada@example.com,cleo",
        "Ada <ada@example.com>",
        "@example.com",
        "ada",
        "",
        "ada@exa mple.com",
        "ada@[",
        "\udcff@example.com",
        "ada@\udcff",
        "ada\0@example.com",
        "ada@" + "x" * 1000,
    ],
)
def test_no_address_becomes_two_or_a_header(plain: Settings, to: str) -> None:
    """What is no address is refused; what looks like two is one, however odd."""
    with mail_server() as given:
        told = ""
        try:
            mail.send(replace(plain, smtp_url=given.url), to, "x", "x")
        except Failed as error:
            told = str(error)
    assert "example" not in told
    assert len(given.letters) <= 1
    for letter in given.letters:
        assert letter["Bcc"] is None
        assert len(letter["To"].addresses) == 1
    assert all(each != "cleo@example.com" for each in given.recipients)


@pytest.mark.parametrize(
    "subject",
    ["Hi\r\nBcc: cleo@example.com", "Hi\nX: y\n\nbody", "\r\n", "", "x" * 5000, "Ä" * 500],
)
def test_no_subject_becomes_a_header(plain: Settings, subject: str) -> None:
    with mail_server() as given:
        mail.send(replace(plain, smtp_url=given.url), "ada@example.com", subject, "text")
    (letter,) = given.letters
    assert (letter["Bcc"], letter["X"]) == (None, None)
    assert letter["Subject"].split() == subject.split()
    assert letter.get_content().strip() == "text"


def test_umlauts_in_a_host_are_sent_in_punycode(plain: Settings) -> None:
    with mail_server() as given:
        mail.send(replace(plain, smtp_url=given.url), "ada@müller.example", "x", "x")
    assert given.recipients == ["ada@xn--mller-kva.example"]


def test_what_fails_is_logged_without_the_address(
    plain: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with mail_server(refuses="ada@example.com") as given:
        settings = replace(plain, smtp_url=given.url)
        with pytest.raises(Failed) as error:
            mail.send(settings, "ada@example.com", "x", "x")
        with caplog.at_level(logging.ERROR):
            mail.send_later(settings, "ada@example.com", "x", "x")
            _wait_for_the_postman()
    assert "550" in str(error.value)
    assert "550" in caplog.text
    assert "ada" not in caplog.text + str(error.value)


def test_a_server_that_is_not_there_is_named_as_such(plain: Settings) -> None:
    with mail_server() as given:
        pass
    with pytest.raises(Failed, match=r"refused.*LINKSERVICE_SMTP_URL"):
        mail.send(replace(plain, smtp_url=given.url), "ada@example.com", "x", "x")


def test_sending_later_does_not_wait(plain: Settings) -> None:
    before = threading.current_thread()
    with mail_server() as given:
        mail.send_later(replace(plain, smtp_url=given.url), "ada@example.com", "later", "x")
        assert given.arrived.wait(60)
    assert given.letters[0]["Subject"] == "later"
    assert threading.current_thread() is before


def test_letters_that_pile_up_are_dropped_and_said(
    plain: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "_room", threading.BoundedSemaphore(1))
    with mail_server() as given:
        settings = replace(plain, smtp_url=given.url)
        with mail._room:
            mail.send_later(settings, "ada@example.com", "x", "x")
        assert "dropped" in caplog.text
        mail.send_later(settings, "ada@example.com", "x", "x")
        assert given.arrived.wait(60)
        _wait_for_the_postman()
    assert len(given.letters) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "http://mail.example.com"),
        ("SMTP_URL", "mail.example.com:25"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://mail.example.com:99999"),
        ("SMTP_URL", "smtp://mail.example.com:0"),
        ("SMTP_URL", "smtp://mail.example.com/path"),
        ("MAIL_FROM", "nobody"),
        ("MAIL_FROM", "a@b.de, c@d.de"),
        ("MAIL_FROM", "Ada\r\nBcc: x <a@b.de>"),
        ("MAIL_FROM", "<a@b.de"),
    ],
)
def test_wrong_mail_settings_are_refused(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(Invalid, match=f"(?s){PREFIX}{name}.*; give ") as error:
        load({PREFIX + "MAIL_FROM": FROM, PREFIX + name: value}, data_dir=tmp_path)
    assert name == "MAIL_FROM" or "mail.example.com" not in str(error.value)


def test_a_server_without_a_sender_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=f"{PREFIX}MAIL_FROM"):
        load({PREFIX + "SMTP_URL": "smtp://mail.example.com"}, data_dir=tmp_path)
    assert not mail.is_set(load({}, data_dir=tmp_path))


def _wait_for_the_postman() -> None:
    """Until both of its threads have done what was given to them before."""
    barrier = threading.Barrier(3)
    for _ in range(2):
        mail._postman.submit(barrier.wait, 10)
    barrier.wait(10)
