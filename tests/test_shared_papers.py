"""A shared report as PDF: for whoever may open its page, and of nothing else."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta

import pypdfium2
import pytest
from belongings import on_one_engine
from people import Browser, Cast, everybody, text_of
from test_finding_files import Market, market, shared_page
from test_shares import OWN, PASSWORD, app_of, made, read, reader
from werkzeug.test import TestResponse

from linkservice.database import Database
from linkservice.reports.shares import live_share, revoke_share

__all__ = ["market"]

cast = pytest.fixture(everybody)


def words_of(data: bytes) -> list[str]:
    """The words of each page."""
    file = pypdfium2.PdfDocument(io.BytesIO(data))
    return [" ".join(page.get_textpage().get_text_bounded().split()) for page in file]


def stranger_of(market: Market) -> Browser:
    return Browser(market.cast.ada.client.application, market.cast.ada.settings)


def path_of(page: TestResponse) -> str:
    return str(page.request.path).removeprefix("/app")


@pytest.mark.parametrize(
    ("about", "filters"),
    [
        ("touchpoints", ""),
        ("touchpoints", "country=DE"),
        ("journey", ""),
        ("touchpoint", ""),
        ("touchpoint", "country=DE"),
        ("link", ""),
        ("campaign", ""),
        ("campaign", "source=scan"),
        ("costs", "sort=return_on_cost"),
        ("personas", ""),
        ("moments", ""),
        ("overview", ""),
        ("overview", "device=mobile"),
    ],
)
def test_every_shared_report_is_there_as_pdf(market: Market, about: str, filters: str) -> None:
    links = re.findall(r'href="/app/links/(\d+)"', market.cast.vera.get("/links").text)
    subjects = {
        "journey": market.journey_id,
        "moments": market.journey_id,
        "campaign": market.campaign_id,
        "touchpoint": market.ids["Poster"],
        "link": links[0],
    }
    note = "known among colleagues only"
    day = market.today.isoformat()
    market.cast.ben.done("/reports/annotations", date=day, text=note)
    fields = {"about": about, "subject": subjects.get(about, ""), "filters": filters}
    for language, counted, numbered in (
        ("en", "How this was counted", "Page {} of {}"),
        ("de", "Wie gezählt wurde", "Seite {} von {}"),
    ):
        page = shared_page(market, language, **fields)
        (place,) = re.findall(r'href="(\?language=\w+&amp;form=pdf)"', page.text)
        (workspace,) = re.findall(r'class="workspace-name">([^<]+)<', page.text)
        found = stranger_of(market).get(path_of(page), language=language, form="pdf")
        assert language in place
        assert found.status_code == 200
        assert found.mimetype == "application/pdf"
        assert found.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert "Set-Cookie" not in found.headers
        pages = words_of(found.data)
        assert pages[0].startswith(f"{workspace} For the board")
        assert counted in " ".join(pages)
        assert note not in " ".join(pages)
        for number, words in enumerate(pages, 1):
            assert numbered.format(number, len(pages)) in words
            assert words.count(workspace) >= 1
        assert day in found.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("about", "kept", "other", "read_in", "heading"),
    [
        ("overview", "Übersicht", "Our weeks", "en", "Overview"),
        ("costs", "Costs", "Spent", "de", "Kosten"),
    ],
)
def test_the_proposed_heading_is_in_the_language_that_is_read(
    market: Market, about: str, kept: str, other: str, read_in: str, heading: str
) -> None:
    """As on the page; a name of its own stays as it was typed."""
    for name, shown in ((kept, heading), (other, other)):
        page = shared_page(market, read_in, about=about, name=name)
        assert f">{shown}</h1>" in page.text
        (workspace,) = re.findall(r'class="workspace-name">([^<]+)<', page.text)
        found = stranger_of(market).get(path_of(page), language=read_in, form="pdf")
        assert words_of(found.data)[0].startswith(f"{workspace} {shown}")


def test_the_address_chooses_nothing_but_the_language(market: Market) -> None:
    page = shared_page(market, about="touchpoints", filters="country=DE")
    path, stranger = path_of(page), stranger_of(market)
    usual = words_of(stranger.get(path, language="en", form="pdf").data)
    other = words_of(
        stranger.get(
            path,
            language="en",
            form="pdf",
            country="AT",
            journey_id="1",
            metric="trend",
            **{"from": "2020-01-01", "to": "2020-01-02"},
        ).data
    )
    assert [re.sub(r"read on .*", "", words) for words in usual] == [
        re.sub(r"read on .*", "", words) for words in other
    ]


@on_one_engine
def test_what_ended_has_no_pdf(cast: Cast, database: Database) -> None:
    now = datetime.now(UTC)
    token = made(cast.home, database, now)
    assert read(cast, token, form="pdf").mimetype == "application/pdf"
    expired = made(cast.home, database, now - timedelta(days=31))
    with database.transaction() as session:
        share = live_share(session, token, now)
        revoke_share(session, cast.home.actor, str(share.id), now)
    for ended in (token, expired, "A" * 43):
        answer = read(cast, ended, form="pdf")
        assert answer.status_code == 404
        assert answer.mimetype == "text/html"


@on_one_engine
def test_a_password_protects_the_pdf_too(cast: Cast, database: Database) -> None:
    token = made(cast.home, database, datetime.now(UTC), password=PASSWORD)
    client = reader(app_of(cast))
    asked = read(cast, token, client, form="pdf")
    assert asked.mimetype == "text/html"
    assert "It is protected" in text_of(asked)
    assert "form=pdf" not in asked.text
    csrf = re.findall(r'name="csrf" value="([^"]+)"', asked.text)[0]
    data = {"csrf": csrf, "password": PASSWORD}
    assert client.post(f"/app/shared/{token}", data=data, headers=OWN).status_code == 303
    assert read(cast, token, client, form="pdf").mimetype == "application/pdf"
    assert read(cast, token, form="pdf").mimetype == "text/html"
