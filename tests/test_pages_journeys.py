"""The pages on which journeys are built: the map, touchpoints, reach and its tables."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import Browser, Cast, everybody, text_of
from werkzeug.test import TestResponse

from linkservice.errors import Invalid
from linkservice.web import i18n
from linkservice.web.views.reach_table import brief, spelt_out
from linkservice.web.views.touchpoints import channel_code, typed_rate, written_rate

cast = pytest.fixture(everybody)

NEWSLETTER = {"name": "Newsletter", "channel": "E-mail", "kind": "digital", "medium": "owned"}


def number_in(answer: TestResponse, pattern: str) -> str:
    """The id that follows `pattern` in the page."""
    found = re.search(pattern + r"(\d+)", answer.text)
    assert found is not None, text_of(answer)
    return found[1]


def new_journey(who: Browser, name: str = "Shop", template: str = "") -> str:
    answer = who.post("/journeys", name=name, template=template)
    assert answer.status_code == 303, text_of(answer)
    return answer.headers["Location"].rpartition("/")[2]


def new_stage(who: Browser, journey: str, name: str) -> str:
    answer = who.post(f"/journeys/{journey}/stages", name=name)
    return answer.headers["Location"].rpartition("stage-")[2]


def new_touchpoint(who: Browser, stage: str, **fields: str) -> str:
    answer = who.post(f"/stages/{stage}/touchpoints", **{**NEWSLETTER, **fields})
    assert answer.status_code == 303, text_of(answer)
    return answer.headers["Location"].rpartition("touchpoint-")[2]


def order(who: Browser, journey: str) -> list[list[str]]:
    """The names on the map: each stage, then its touchpoints."""
    text = who.get(f"/journeys/{journey}").text
    name = re.compile(r'<h2>([^<]+)</h2>|class="flow-link"[^>]*>([^<]+)</a>')
    return [
        [stage or touchpoint for stage, touchpoint in name.findall(column)]
        for column in text.split('<li class="flow-stage"')[1:]
    ]


def undo(who: Browser, page: TestResponse) -> TestResponse:
    """Press the toast's button; the page it leads to."""
    found = re.search(r'data-toast.*?action="/app([^"]+)"', page.text, re.S)
    assert found is not None, text_of(page)
    return who.done(found[1].replace("&amp;", "&"))


def test_the_first_journey_is_offered_and_made_from_the_template(cast: Cast) -> None:
    assert "Your first journey" in text_of(cast.ben.get("/journeys"))
    journey = new_journey(cast.ben, "Shop", "standard")
    names = order(cast.ben, journey)
    assert len(names) == 4
    assert sum(len(stage) - 1 for stage in names) == 27
    assert "4 stages · 27 touchpoints · 0 links" in text_of(cast.ben.get(f"/journeys/{journey}"))
    assert "Shop" in text_of(cast.vera.get("/journeys"))


def test_a_journey_without_a_name_is_asked_for_again(cast: Cast) -> None:
    answer = cast.ben.post("/journeys", name=" ", template="standard")
    assert answer.status_code == 422
    assert "Name of the journey: This must not be empty." in text_of(answer)
    assert re.search(r'value="standard" checked', answer.text)


def test_ben_builds_a_map(cast: Cast) -> None:
    journey = new_journey(cast.ben)
    before, after = (new_stage(cast.ben, journey, name) for name in ("Before", "After"))
    poster = new_touchpoint(cast.ben, before, name="Poster", channel="poster", kind="physical")
    mail = new_touchpoint(cast.ben, before)
    assert order(cast.ben, journey) == [["Before", "Poster", "Newsletter"], ["After"]]
    # By drag,
    cast.ben.done(f"/journeys/{journey}/touchpoints/place", id=mail, list=after, position="0")
    assert order(cast.ben, journey) == [["Before", "Poster"], ["After", "Newsletter"]]
    # and from the menu.
    page = cast.ben.done(f"/touchpoints/{poster}/move", stage_id=after)
    assert "“Poster” now stands in “After”." in text_of(page)
    cast.ben.done(f"/touchpoints/{poster}/move", direction="up")
    assert order(cast.ben, journey) == [["Before"], ["After", "Poster", "Newsletter"]]
    undo(cast.ben, page)
    assert order(cast.ben, journey) == [["Before", "Poster"], ["After", "Newsletter"]]
    page = cast.ben.done(f"/stages/{before}/move", direction="right")
    assert order(cast.ben, journey)[0][0] == "After"
    undo(cast.ben, page)
    cast.ben.done(f"/journeys/{journey}/stages/place", id=after, list=journey, position="0")
    assert order(cast.ben, journey)[0][0] == "After"


def test_at_the_edge_of_the_map_nothing_moves(cast: Cast) -> None:
    journey = new_journey(cast.ben)
    stage = new_stage(cast.ben, journey, "Only")
    mail = new_touchpoint(cast.ben, stage)
    for fields in ({"direction": "up"}, {"direction": "down"}, {"direction": "\u2603"}, {}):
        cast.ben.done(f"/touchpoints/{mail}/move", **fields)
        cast.ben.done(f"/stages/{stage}/move", **fields)
    assert order(cast.ben, journey) == [["Only", "Newsletter"]]
    assert cast.ben.post(f"/touchpoints/{mail}/move", stage_id="999").status_code == 404
    wrong = cast.ben.post(f"/journeys/{journey}/touchpoints/place", id=mail, list=stage)
    assert wrong.status_code == 422


def test_names_are_changed_and_that_is_undone(cast: Cast) -> None:
    journey = new_journey(cast.ben, "Shop")
    stage = new_stage(cast.ben, journey, "Before")
    page = cast.ben.done(f"/journeys/{journey}", name="Online shop")
    assert '<h1><span id="journey-name" data-live>Online shop' in page.text
    assert "is now called “Shop”" in text_of(undo(cast.ben, page))
    page = cast.ben.done(f"/stages/{stage}", name="Early")
    assert order(cast.ben, journey) == [["Early"]]
    undo(cast.ben, page)
    assert order(cast.ben, journey) == [["Before"]]
    refused = cast.ben.post(f"/stages/{stage}", name="x" * 201)
    assert refused.status_code == 422
    assert "x" * 201 in refused.text


def test_what_is_deleted_comes_back_where_it_was(cast: Cast) -> None:
    journey = new_journey(cast.ben, "Shop", "standard")
    before = order(cast.ben, journey)
    stage = number_in(cast.ben.get(f"/journeys/{journey}"), 'id="stage-')
    card = number_in(cast.ben.get(f"/journeys/{journey}"), 'id="touchpoint-')
    page = cast.ben.done(f"/touchpoints/{card}/delete")
    assert "Its links go on." in text_of(page)
    assert len(order(cast.ben, journey)[0]) == len(before[0]) - 1
    undo(cast.ben, page)
    page = cast.ben.done(f"/stages/{stage}/delete")
    assert "with 8 touchpoints" in text_of(page)
    undo(cast.ben, page)
    assert order(cast.ben, journey) == before
    page = cast.ben.done(f"/journeys/{journey}/delete")
    assert cast.ben.get(f"/journeys/{journey}").status_code == 404
    undo(cast.ben, page)
    assert order(cast.ben, journey) == before


def test_a_moment_of_truth_is_marked_and_a_copy_made(cast: Cast) -> None:
    journey = new_journey(cast.ben)
    mail = new_touchpoint(cast.ben, new_stage(cast.ben, journey, "Before"))
    page = cast.ben.done(f"/touchpoints/{mail}/star", on="1")
    assert 'aria-pressed="true"' in page.text
    assert 'aria-pressed="true"' not in cast.ben.done(f"/touchpoints/{mail}/star", on="0").text
    cast.ben.done(f"/touchpoints/{mail}/copy")
    assert order(cast.ben, journey) == [["Before", "Newsletter", "Newsletter (copy)"]]


def test_a_touchpoint_is_entered_in_words_and_keeps_what_was_typed(cast: Cast) -> None:
    stage = new_stage(cast.ben, new_journey(cast.ben), "Before")
    refused = cast.ben.post(
        f"/stages/{stage}/touchpoints", **{**NEWSLETTER, "name": "", "target_rate": "many"}
    )
    assert refused.status_code == 422
    assert "Name: This must not be empty." in text_of(refused)
    assert "Target: This is no rate" in text_of(refused)
    assert 'value="many"' in refused.text
    card = new_touchpoint(cast.ben, stage, channel="Aushang im Bus", target_rate="12.5")
    page = text_of(cast.ben.get(f"/touchpoints/{card}"))
    assert "Channel Aushang im Bus" in page
    assert "12.5 visitors per 1,000 of reach" in page
    changed = {**NEWSLETTER, "name": "News", "stage_id": stage, "target_rate": ""}
    page = text_of(cast.ben.done(f"/touchpoints/{card}", **changed))
    assert "Channel E-mail" in page
    assert "Target none" in page
    answer = cast.ben.post(f"/touchpoints/{card}", **changed, back="/app/journeys")
    assert answer.headers["Location"] == "/app/journeys"
    answer = cast.ben.post(f"/touchpoints/{card}", **changed, back="//evil.example/")
    assert answer.headers["Location"] == f"/app/touchpoints/{card}"
    another = cast.ben.post(f"/stages/{stage}/touchpoints", **NEWSLETTER, another="1")
    assert another.headers["Location"] == f"/app/stages/{stage}/touchpoints/new"


@pytest.mark.parametrize(
    ("language", "text", "rate"),
    [
        ("en", "41.5", 0.0415),
        ("en", "41,5", 0.0415),
        ("en", "1,000", 1.0),
        ("de", "41,5", 0.0415),
        ("de", "41.5", 0.0415),
        ("de", "1.000", 1.0),
        ("de", " 1.234,5 ", 1.2345),
        ("en", "", None),
    ],
)
def test_a_rate_is_read_as_people_of_the_language_write_it(
    language: str, text: str, rate: float | None
) -> None:
    with i18n.speaking(language):
        assert typed_rate(text) == rate


@given(st.floats(1e-12, 1e6), st.sampled_from(["de", "en"]))
def test_a_written_rate_reads_as_the_same(rate: float, language: str) -> None:
    with i18n.speaking(language):
        text = written_rate(rate)
        again = typed_rate(text)
        assert again is not None
        assert written_rate(again) == text


def test_channels_are_known_by_their_words() -> None:
    with i18n.speaking("de"):
        assert channel_code(" e-MAIL ") == "email"
        assert channel_code("Plakat") == "poster"
        assert channel_code("Poster") == "poster"
        assert channel_code(" Aushang ") == "Aushang"


@pytest.fixture
def mail(cast: Cast) -> str:
    """The id of a touchpoint."""
    return new_touchpoint(cast.ben, new_stage(cast.ben, new_journey(cast.ben), "Before"))


def test_the_clicks_of_its_links_say_of_which_days_they_are(cast: Cast, mail: str) -> None:
    """Its report is of 28 days: figures of 30 beside it would be taken for the same."""
    cast.ben.done(
        "/links", destination="https://example.com/sale", touchpoint_ids=mail, deed="create"
    )
    assert "0 clicks in 30 days" in text_of(cast.ben.get(f"/touchpoints/{mail}"))


def test_reach_is_entered_changed_and_deleted(cast: Cast, mail: str) -> None:
    cast.ben.done(f"/touchpoints/{mail}/reach", date="2026-03-01", amount="12,000", unit="sent")
    page = cast.ben.done(
        f"/touchpoints/{mail}/reach",
        date="2026-03-02",
        until="2026-03-08",
        amount="70",
        unit="sent",
    )
    assert "12,070 sent" in text_of(page)
    assert page.text.index("2–8 Mar 2026") < page.text.index(">1 Mar 2026<")
    assert "The unit stays “sent”" in text_of(page)
    newest = number_in(page, r'id="entry-')
    refused = cast.ben.post(f"/reach/{newest}", date="gestern", amount="few", unit="sent")
    assert refused.status_code == 422
    assert "Day: Not a day" in text_of(refused)
    assert "How many people: Not a whole number" in text_of(refused)
    assert 'value="few"' in refused.text
    page = cast.ben.done(f"/reach/{newest}", date="2026-03-02", amount="80", unit="sent")
    assert "12,080 sent" in text_of(page)
    page = cast.ben.done(f"/reach/{newest}/delete")
    assert "12,000 sent" in text_of(page)
    assert "12,080 sent" in text_of(undo(cast.ben, page))
    other = cast.ben.post(f"/touchpoints/{mail}/reach", date="2026-04-01", amount="1", unit="views")
    assert other.status_code == 409
    assert 'value="2026-04-01"' in other.text


def test_a_span_of_reach_comes_back_whole(cast: Cast, mail: str) -> None:
    span = {"date": "2026-03-02", "until": "2026-03-08", "amount": "70", "unit": "views"}
    page = cast.ben.done(f"/touchpoints/{mail}/reach", **span)
    page = cast.ben.done(f"/reach/{number_in(page, 'id=.entry-')}/delete")
    assert "2–8 Mar 2026" in text_of(undo(cast.ben, page))


def test_much_reach_is_told_page_by_page(cast: Cast, mail: str) -> None:
    table = "".join(f"2026-01-{day:02};{day};sent\n" for day in range(1, 31))
    cast.ben.done(f"/touchpoints/{mail}/reach/table", table=table)
    days: list[str] = []
    place = f"/touchpoints/{mail}"
    for _ in range(3):
        page = cast.vera.get(place)
        days += re.findall(r'scope="row">(\d+ Jan) 2026', page.text)
        more = re.search(r'rel="next" href="/app([^"]+)"', page.text)
        place = more[1] if more else ""
    assert days == [f"{day} Jan" for day in range(30, 0, -1)]
    assert place == ""
    assert cast.vera.get(f"/touchpoints/{mail}", before="2026-99-01_5").status_code == 200


def test_a_table_is_shown_before_it_is_entered(cast: Cast, mail: str) -> None:
    table = "2026-03-01;;1.200;sent\n2026-03-02;2026-03-05;40;sent"
    page = cast.ben.post(f"/touchpoints/{mail}/reach/check", table=table)
    assert page.status_code == 200
    assert "2 new entries" in text_of(page)
    assert "1 1 Mar 2026 1,200 sent new" in text_of(page)
    assert "not entered yet" in text_of(cast.ben.get(f"/touchpoints/{mail}"))
    again = cast.ben.post(f"/touchpoints/{mail}/reach/check", table=table, again="1")
    assert table in again.text.replace("\r\n", "\n")
    done = cast.ben.done(f"/touchpoints/{mail}/reach/table", table=table)
    assert "2 entries are added." in text_of(done)
    assert "1,240 sent" in text_of(done)
    page = cast.ben.post(f"/touchpoints/{mail}/reach/check", table=table + "\n2026-03-09;;1;sent")
    assert "1 new entry 2 entered already, left alone" in text_of(page)
    assert "not entered yet" in text_of(undo(cast.ben, done))


def test_what_is_wrong_in_a_table_is_told_by_row_and_nothing_is_lost(cast: Cast, mail: str) -> None:
    table = "date;amount;unit\n2026-03-01;12;sent\ngestern;x<b>;Kilos"
    for path in ("check", "table"):
        page = cast.ben.post(f"/touchpoints/{mail}/reach/{path}", table=table)
        assert page.status_code == 422
        text = text_of(page)
        assert "Row 3, Date “gestern” is no day" in text
        assert "Row 3, Amount “x<b>” is no whole number" in text
        assert "Row 3, Unit “Kilos” is no unit" in text
        assert table in page.text.replace("&lt;", "<").replace("&gt;", ">")
    assert "not entered yet" in text_of(cast.ben.get(f"/touchpoints/{mail}"))


def test_a_file_is_read_as_spreadsheets_write_it(cast: Cast, mail: str) -> None:
    data = "Datum;Menge;Einheit\r\n01.03.2026;1.200;verschickt\r\n".encode("cp1252")
    page = cast.ben.post(
        f"/touchpoints/{mail}/reach/check", table="", file=(io.BytesIO(data), "r.csv")
    )
    assert "1 new entry" in text_of(page)
    wrong = "Datum;Menge;Einheit\n1.3.2026;viele;Grüße".encode("cp1252")
    page = cast.ben.post(
        f"/touchpoints/{mail}/reach/check", table="", file=(io.BytesIO(wrong), "r.csv")
    )
    assert page.status_code == 422
    # The file itself is not sent again; its text is there to be mended.
    assert "1.3.2026;viele;Grüße" in page.text
    page = cast.ben.post(
        f"/touchpoints/{mail}/reach/check", table="", file=(io.BytesIO(b"\xff\xd8\0\0"), "r.jpg")
    )
    assert page.status_code == 422
    assert "This is no text" in text_of(page)
    assert cast.ben.post(f"/touchpoints/{mail}/reach/check").status_code == 422


def test_the_template_of_a_journey_comes_back_filled_in(cast: Cast) -> None:
    journey = new_journey(cast.ben)
    first, second = (new_stage(cast.ben, journey, name) for name in ("Before", "=Now"))
    mail = new_touchpoint(cast.ben, first)
    for stage, name in ((first, "Twice"), (second, "twice"), (first, "=1+1"), (second, "Poster")):
        new_touchpoint(cast.ben, stage, name=name)
    cast.ben.done(f"/touchpoints/{mail}/reach", date="2026-03-01", amount="5", unit="sent")
    answer = cast.ben.get(f"/journeys/{journey}/reach.csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows == [
        ["Touchpoint", "Date", "Until", "Amount", "Unit"],
        ["Newsletter", "", "", "", "sent"],
        ["Before / Twice", "", "", "", ""],
        ["Before / =1+1", "", "", "", ""],
        ["'=Now / twice", "", "", "", ""],
        ["Poster", "", "", "", ""],
    ]
    rows[1][1:4] = ["2026-03-02", "", "7"]
    rows[3][1:] = ["2026-03-02", "2026-03-03", "8", "views"]
    text = "\n".join(",".join(row) for row in rows)
    page = cast.ben.done(f"/journeys/{journey}/reach", table=text)
    assert "2 entries are added." in text_of(page)
    assert "12 sent" in text_of(page)
    assert "8 views" in text_of(page)
    assert "5 sent" in text_of(undo(cast.ben, page))
    unfilled = cast.ben.post(f"/journeys/{journey}/reach/check", table=answer.text)
    assert "There are no rows" in text_of(unfilled)


@given(st.sets(st.integers(1, 10**15), min_size=1, max_size=40))
def test_brief_ids_are_spelt_out_again(ids: set[int]) -> None:
    many = ids | {max(ids) + step for step in range(100)}
    assert spelt_out(brief([*map(str, many)])) == [*map(str, sorted(many))]


def test_other_ids_are_refused(cast: Cast) -> None:
    for text in ("", "1-", "a", "1..2", "1-9999999999", "٣", "1-2-3"):
        with pytest.raises(Invalid):
            spelt_out(text)
        assert cast.ben.post(f"/reach/undo?ids={text}&journey_id=1").status_code == 422


def test_vera_looks_and_changes_nothing(cast: Cast) -> None:
    journey = new_journey(cast.ben, "Shop", "standard")
    stage = number_in(cast.ben.get(f"/journeys/{journey}"), 'id="stage-')
    card = number_in(cast.ben.get(f"/journeys/{journey}"), 'id="touchpoint-')
    before = order(cast.ben, journey)
    for path in (f"/journeys/{journey}", f"/touchpoints/{card}", "/journeys"):
        page = cast.vera.get(path)
        assert page.status_code == 200
        assert "data-sortable" not in page.text
        assert not re.search(r'action="/app/(journeys|stages|touchpoints|reach)', page.text)
    paths = writes(journey, stage, card)
    assert {cast.vera.post(path, name="x").status_code for path in paths} == {403}
    for path in (f"/journeys/{journey}/reach", f"/touchpoints/{card}/edit", "/journeys/new"):
        refused = cast.vera.get(path)
        assert refused.status_code == 403
        assert "Your role does not allow this; ask an owner" in text_of(refused)
    assert order(cast.ben, journey) == before


def test_cleo_finds_nothing_of_it(cast: Cast) -> None:
    journey = new_journey(cast.ben, "Shop", "standard")
    page = cast.ben.get(f"/journeys/{journey}")
    stage, card = number_in(page, 'id="stage-'), number_in(page, 'id="touchpoint-')
    before = order(cast.ben, journey)
    fields = {"name": "x", "position": "0", "id": card, "list": stage, "date": "2026-03-01"}
    fields |= {"amount": "1", "unit": "sent", "table": "2026-03-01;1;sent", "direction": "up"}
    fields |= {"channel": "x", "kind": "digital", "medium": "owned"}
    for path in writes(journey, stage, card):
        assert cast.cleo.post(path, **fields).status_code == 404, path
    for path in (f"/journeys/{journey}", f"/journeys/{journey}/reach.csv", f"/touchpoints/{card}"):
        assert cast.cleo.get(path).status_code == 404
    assert order(cast.ben, journey) == before


def writes(journey: str, stage: str, card: str) -> list[str]:
    """Everything that changes a journey."""
    return [
        *(f"/journeys/{journey}{rest}" for rest in ("", "/delete", "/restore", "/stages")),
        *(f"/journeys/{journey}{rest}" for rest in ("/reach", "/reach/check")),
        f"/journeys/{journey}/touchpoints/place",
        *(f"/stages/{stage}{rest}" for rest in ("", "/move", "/delete", "/restore")),
        f"/stages/{stage}/touchpoints",
        *(f"/touchpoints/{card}{rest}" for rest in ("", "/move", "/star", "/copy", "/delete")),
        *(f"/touchpoints/{card}{rest}" for rest in ("/restore", "/reach", "/reach/table")),
        f"/touchpoints/{card}/reach/check",
    ]


HOSTILE = ("\0", "\ud800", "<script>alert(1)</script>", "x" * 9_000, "%s")


def test_hostile_text_is_shown_as_text_or_refused(cast: Cast, mail: str) -> None:
    for text in HOSTILE:
        raw = text.encode("utf-8", "surrogatepass")
        for path, fields in (
            ("/journeys", {"name": raw, "template": raw}),
            (f"/touchpoints/{mail}", {**NEWSLETTER, "name": raw, "channel": raw}),
            (f"/touchpoints/{mail}/move", {"stage_id": raw, "direction": raw}),
            (f"/touchpoints/{mail}/reach", {"date": raw, "amount": raw, "unit": raw}),
            (f"/touchpoints/{mail}/reach/check", {"table": raw}),
        ):
            answer = cast.ben.post(path, **fields)
            assert answer.status_code < 500, (path, text)
            assert "<script>alert" not in answer.text
        assert cast.ben.get(f"/touchpoints/{mail}", before=raw).status_code < 500
