"""Answers as bytes."""

from __future__ import annotations

import pytest

from linkservice.redirect.answers import HEALTHY, ROBOTS_TXT, head, redirect, whole

END = b"Date: today\r\n\r\n"


def plainly(status: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    lines = "".join(f"{name.lower()}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status}\r\n{lines}".encode() + END


@pytest.mark.parametrize("answer", [redirect("https://example.com/?a=b"), HEALTHY, ROBOTS_TXT])
def test_the_quick_way_for_redirects_says_the_same(
    answer: tuple[str, tuple[tuple[str, str], ...], bytes],
) -> None:
    status, headers, _ = answer
    assert head(status, headers, END) == plainly(status, whole(status, headers))


@pytest.mark.parametrize("wrong", ["\r\nSet-Cookie: a=b", "a\nb", "a\rb"])
def test_no_text_ends_its_line(wrong: str) -> None:
    status, headers, _ = redirect(f"https://example.com/{wrong}")
    with pytest.raises(ValueError, match="line end"):
        head(status, headers, END)
    with pytest.raises(ValueError, match="line end"):
        head("200 OK", (("X-A", wrong),), END)
