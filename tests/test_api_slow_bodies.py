"""Half-sent bodies: whoever sends them keeps nobody else waiting for ever."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Request

from linkservice.api import body
from linkservice.api.body import BODIES_AT_ONCE, from_json
from linkservice.api.values import Given
from linkservice.errors import Unavailable


class Stalled:
    """A body of which the rest never comes, until it is given up."""

    def __init__(self) -> None:
        self.reached = threading.Semaphore(0)
        self.given_up = threading.Event()

    def read(self, *_: Any) -> bytes:
        self.reached.release()
        self.given_up.wait(30)
        return b""

    readline = read


def request(stream: Any) -> Request:
    return Request(
        {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": "50",
            "wsgi.input": stream,
            "wsgi.url_scheme": "http",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
        }
    )


def test_as_many_as_may_be_under_way_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "WAIT_SECONDS", 0.05)
    stalled = Stalled()

    def send() -> None:
        with pytest.raises(Exception):  # noqa: B017, PT011  # how a given-up body ends is not the point
            from_json(request(stalled), Given)

    threads = [threading.Thread(target=send) for _ in range(BODIES_AT_ONCE)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert stalled.reached.acquire(timeout=10)
    with pytest.raises(Unavailable, match="try again"):
        from_json(request(stalled), Given)
    stalled.given_up.set()
    for thread in threads:
        thread.join()
