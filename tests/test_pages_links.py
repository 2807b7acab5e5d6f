"""Links on pages."""

from __future__ import annotations

import pytest
from people import Cast, everybody, text_of

cast = pytest.fixture(everybody)


def make(cast: Cast, slug: str, **more: str) -> str:
    page = cast.ben.done("/links", destination="https://example.com/a", slug=slug, **more)
    assert page.status_code == 200
    return page.request.path.rpartition("/")[2]


def test_ben_makes_a_link_and_finds_it(cast: Cast) -> None:
    link_id = make(cast, "sommer", title="Sommer")
    assert "sommer" in text_of(cast.vera.get("/links"))
    page = cast.ben.get(f"/links/{link_id}")
    assert page.status_code == 200
    assert "Sommer" in text_of(page)
    for path in (
        "/links/new",
        f"/links/{link_id}/edit",
        "/tags",
        "/campaigns",
        "/links.csv",
        f"/links/{link_id}/qr?format=pdf",
        f"/links/{link_id}/qr?format=png",
        f"/links/{link_id}/qr?format=svg",
    ):
        answer = cast.ben.get(path)
        assert answer.status_code == 200, path
