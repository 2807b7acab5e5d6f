"""Accounts on pages: set-up, signing in and out, passwords, members, keys."""

from __future__ import annotations

import pytest
from people import Cast, everybody

cast = pytest.fixture(everybody)


@pytest.mark.parametrize(
    "path",
    [
        "/account",
        "/settings",
        "/settings/members",
        "/settings/keys",
        "/settings/domains",
        "/settings/trail",
        "/welcome",
        "/welcome/domain",
        "/welcome/journey",
    ],
)
def test_ada_sees_the_page(cast: Cast, path: str) -> None:
    answer = cast.ada.get(path)
    assert answer.status_code == 200, answer.headers
