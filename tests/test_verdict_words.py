"""A verdict reads as a sentence in both languages, whatever the figures and the names are."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkservice.journeys.model import CHANNELS, UNITS
from linkservice.reports.exported_csv import plain_lines
from linkservice.reports.exported_tables import ranking_table
from linkservice.reports.period import Period
from linkservice.reports.ranking import PeerGroup, Peers, Verdict
from linkservice.reports.results import (
    METRICS,
    Metric,
    TouchpointReport,
    TouchpointRow,
    TouchpointTotals,
)
from linkservice.web.comparisons import change_words, comparison, value_change_words
from linkservice.web.exports import sheets_of
from linkservice.web.i18n import speaking, write_number
from linkservice.web.ranked import Ranking, finding
from linkservice.web.verdicts import (
    BASES,
    Measure,
    interval_words,
    measure_of,
    measures,
    peers_sentence,
    rate_words,
    spoken_number,
    verdict_sentence,
)

INSERT = TouchpointRow(
    id="1",
    name="Paketbeilage",
    channel="packaging",
    clicks=250,
    scans=200,
    visitors=205,
    tokenless=0,
    reach=5000,
    unit="printed",
    per="printed",
    rate=0.041,
    low=0.036,
    high=0.047,
    verdict="best",
    peers=Peers("stage", 4, 0.0204),
)
PER_1000 = Measure("printed", 1_000)
BY_DAY = Measure("day", 1, "clicks_per_day")


def said(locale: str, row: TouchpointRow, measure: Measure | None = PER_1000, **more: bool) -> str:
    with speaking(locale):
        return verdict_sentence(row, measure, **more).replace("\u00a0", " ")


def test_rates_of_a_column_have_the_same_decimals() -> None:
    """Of 9.04 a sentence does not say 9 where it says 5.1 of another; nor does a column."""
    rows = [replace(INSERT, id=str(number), rate=rate) for number, rate in enumerate(COLUMN)]
    known = measures(rows, "visitors_per_reach")
    (measure,) = known.values()
    with speaking("de"):
        assert [measure.in_column(rate) for rate in COLUMN] == ["41,0", "9,0", "5,1", "0"]
        assert [measure.figure(rate) for rate in COLUMN] == ["41", "9,0", "5,1", "0"]
        assert interval_words(replace(INSERT, low=0.0362, high=0.04718), measure) == "36,2–47,2"
        assert rate_words(replace(INSERT, rate=0.009), measure).startswith("9 Besucher")
    (coarse,) = measures(rows[:1], "visitors_per_reach").values()
    (fine,) = measures([*rows, replace(INSERT, rate=0.00004)], "visitors_per_reach").values()
    with speaking("en"):
        assert coarse.in_column(0.041) == "41"
        assert fine.in_column(0.041) == "41.00"
        assert fine.in_column(0.00004) == "0.04"


COLUMN = (0.041, 0.00904, 0.0051, 0.0)


def test_a_verdict_is_a_sentence() -> None:
    assert said("en", INSERT) == (
        "41 visitors per 1,000 parcels, 2 times as many as comparable touchpoints (95%: 36–47)."
    )
    assert said("de", INSERT, named=True) == (
        "„Paketbeilage“: 41 Besucher je 1.000 Pakete, 2-mal so viele wie vergleichbare "
        "Touchpoints (95 %: 36–47)."
    )
    with speaking("de"):
        assert peers_sentence(INSERT, PER_1000) == (
            "Verglichen mit 4 anderen derselben Phase: im Mittel 20 je 1.000 Pakete."
        )


def test_too_early_says_how_much_is_missing() -> None:
    flyer = replace(INSERT, channel="flyer", verdict="too_early", more_reach_needed=812)
    assert said("en", flyer) == "Too early to say: about 810 more flyers needed."
    assert said("de", flyer) == "Noch zu früh: Es fehlen etwa 810 Flyer."
    one_more = replace(flyer, more_reach_needed=1)
    assert said("en", one_more) == "Too early to say: about 1 more flyer needed."
    assert said("de", flyer, BY_DAY) == "Noch zu früh: Es fehlen etwa 810 Tage."


def test_what_nobody_can_wait_for_is_not_counted() -> None:
    """A difference that needs a thousand times the reach is next to none, and said to be."""
    small = "The difference is too small to prove in reasonable time."
    near = replace(INSERT, verdict="too_early", more_reach_needed=50_000)
    assert said("en", near).startswith("Too early to say: about 50,000 more")
    hopeless = replace(near, more_reach_needed=7_900_000)
    assert said("en", hopeless) == small
    assert said("de", hopeless) == (
        "Der Unterschied ist zu klein, um ihn in absehbarer Zeit zu belegen."
    )
    new = replace(near, reach=20, visitors=0, rate=0.0, more_reach_needed=230)
    assert said("en", new).startswith("Too early to say: about 230 more")
    a_year = replace(near, per="day", more_reach_needed=366)
    assert said("en", a_year, BY_DAY).startswith("Too early to say: about 370 more days")
    assert said("en", replace(a_year, more_reach_needed=367), BY_DAY) == small
    clicks = replace(near, per="click", more_reach_needed=2_501)
    assert said("en", clicks, Measure("click", 100, "scans_per_click")) == small


def test_who_waits_in_vain_stands_apart_from_who_waits() -> None:
    near = replace(INSERT, id="2", verdict="too_early", more_reach_needed=50_000)
    hopeless = replace(near, id="3", more_reach_needed=7_900_000)
    rows = [INSERT, near, hopeless, replace(INSERT, id="4", verdict="no_reach", per=None)]
    sums = dict.fromkeys([each.name for each in fields(TouchpointTotals)], 0)
    first = date(2026, 11, 1)
    period = Period(first, first, "UTC")
    report = TouchpointReport(
        period, "visitors_per_reach", "last", "EUR", TouchpointTotals(**sums), rows
    )
    with speaking("en"):
        ranking = Ranking.of(report)
        groups = ranking.groups(ranking.rows(drawn=False))
        sentence = finding(rows).sentence
        words = [shown.verdict for shown in ranking.rows(drawn=False)]
        table = ranking_table(report, rows)
        [sheet] = sheets_of([table])
    assert [(each.title, [shown.row.id for shown in each.rows]) for each in groups] == [
        ("Visitors per 1,000 printed copies", ["1"]),
        ("Too early to say", ["2"]),
        ("Hardly any difference", ["3"]),
        ("Reach is missing", ["4"]),
    ]
    assert sentence == "The one judged touchpoint stands out. No verdicts yet on 3 others."
    assert words == ["best", "too early to say", "difference too small", "reach missing"]
    column = table.columns.index("verdict")
    assert [row[column] for row in sheet.rows] == words
    # Programs read the verdict of the contract, as before.
    codes = [line[column] for line in plain_lines(table)]
    assert codes == ["verdict", "best", "too_early", "too_early", "no_reach"]


def test_the_rest_is_told_where_there_is_one() -> None:
    def told(*kinds: Verdict) -> str:
        return finding([replace(INSERT, verdict=kind) for kind in kinds]).sentence

    with speaking("de"):
        assert told("best", "best", "worst") == (
            "3 beurteilte Touchpoints: 2 am besten, 1 am schwächsten."
        )
        one_more = told("best", "worst", "as_expected")
        assert one_more.endswith("schwächsten, der andere wie erwartet.")
    with speaking("en"):
        two_more: list[Verdict] = ["as_expected", "as_expected"]
        assert told("best", "worst", *two_more).endswith("1 worst, the others as expected.")


def test_what_has_no_verdict_says_what_is_missing() -> None:
    bare = TouchpointRow(id="1", name="Poster", clicks=1, scans=0, visitors=1, tokenless=0)
    assert said("en", bare, None) == "Reach is missing: how many people could have clicked?"
    assert "this period" in said("en", replace(bare, unit="printed"), PER_1000)
    assert said("en", bare, BY_DAY) == "It was not live on any day of this period."
    alone = replace(INSERT, verdict="no_peers", peers=None)
    assert said("en", alone) == (
        "41 visitors per 1,000 parcels (95%: 36–47), but nothing to compare it with."
    )
    loose = replace(bare, id=None, name=None)
    assert "Without a touchpoint" in said("en", loose, None, named=True)


def test_nobody_and_hardly_anybody_are_told_in_figures() -> None:
    nobody = replace(INSERT, verdict="worst", visitors=0, rate=0.0, low=0.0, high=0.002)
    assert said("en", nobody) == (
        "0 visitors per 1,000 parcels (95%: 0–2), where comparable touchpoints bring 20."
    )
    one = replace(INSERT, verdict="worst", rate=0.001, low=0.0005, high=0.002)
    assert said("en", one).startswith("1 visitor per 1,000 parcels (95%: 0.5–2.0), where")
    target = replace(one, peers=Peers("target", 0, 0.02))
    assert said("de", target) == (
        "1 Besucher je 1.000 Pakete (95 %: 0,5–2,0); die Zielrate ist 20."
    )


@pytest.mark.parametrize(
    ("ratio", "english", "german"),
    [
        (12.4, "12 times as many as", "12-mal so viele wie"),
        (9.97, "10 times as many as", "10-mal so viele wie"),
        (2.4, "2.4 times as many as", "2,4-mal so viele wie"),
        (2.04, "2 times as many as", "2-mal so viele wie"),
        (1.996, "2 times as many as", "2-mal so viele wie"),
        (1.994, "99% more than", "99 % mehr als"),
        (1.5, "50% more than", "50 % mehr als"),
        (1.33, "33% more than", "33 % mehr als"),
        (1.08, "8% more than", "8 % mehr als"),
        (1.04, "about as many as", "etwa so viele wie"),
        (0.96, "about as many as", "etwa so viele wie"),
        (0.88, "12% fewer than", "12 % weniger als"),
        (0.5, "50% fewer than", "50 % weniger als"),
        (0.25, "75% fewer than", "75 % weniger als"),
        (0.001, "99% fewer than", "99 % weniger als"),
    ],
)
def test_a_ratio_is_said_by_one_rule(ratio: float, english: str, german: str) -> None:
    with speaking("en"):
        assert comparison(ratio, "X") == f"{english} X"
    with speaking("de"):
        assert comparison(ratio, "X").replace("\u00a0", " ") == f"{german} X"


def test_changes_of_a_few_are_told_in_figures() -> None:
    with speaking("en"):
        assert change_words(120, 60, "before") == "2 times as many as before"
        assert change_words(2, 1, "before") == "1 before"
        assert change_words(0, 60, "before") == "60 before"
        assert change_words(5, 0, "before") == "none before"
        assert change_words(0, 0, "before") == "none before either"


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (475_652, 380_000, "25% more than before"),
        (30_000, 29_500, "about as much as before"),
        (10_000, 20_000, "50% less than before"),
        (30_000, 10_000, "3 times as much as before"),
        (5, 0, "nothing before"),
    ],
)
def test_money_is_compared_as_money(now: int, before: int, words: str) -> None:
    with speaking("en"):
        assert value_change_words(now, before, "before") == words


def test_rows_of_a_unit_are_told_per_the_same_number() -> None:
    email = replace(INSERT, id="2", channel="email", unit="sent", per="sent", rate=0.3)
    weak = replace(INSERT, id="3", rate=0.0004)
    nothing = replace(INSERT, id="4", unit="views", per="views", rate=None)
    loose = replace(INSERT, id=None, unit=None, per=None, rate=None)
    rows = [INSERT, email, weak, nothing, loose]
    known = measures(rows, "visitors_per_reach")
    assert {unit: measure.per for unit, measure in known.items()} == {
        "printed": 1_000,
        "sent": 100,
        "views": 1_000,
    }
    assert measure_of(weak, known) == known["printed"]
    assert measure_of(loose, known) is None
    by_day = measures(rows, "clicks_per_day")
    assert measure_of(replace(email, per="day"), by_day) == BY_DAY


def test_value_is_money_and_no_number_of_things() -> None:
    worth = replace(INSERT, rate=4.12, low=3.6, high=4.7, peers=Peers("stage", 4, 2.04))
    visitor = replace(worth, unit=None, per="visitor", rate=412.0, low=360.0, high=470.0)
    known = measures([worth, visitor], "value_per_reach", "EUR")
    assert said("en", worth, known["printed"]) == (
        "€41.20 per 1,000 parcels (95%: €36.00–€47.00), where comparable touchpoints bring €20.40."
    )
    visitor = replace(visitor, peers=Peers("stage", 4, 20.4))
    assert said("de", visitor, known["visitor"]) == (
        "4,12 € je Besucher (95 %: 3,60 €–4,70 €); vergleichbare Touchpoints bringen 0,20 €."
    )
    nobody = replace(visitor, rate=None, verdict="no_reach")
    assert said("en", nobody, known["visitor"]).startswith("Nobody came")


def test_a_trend_says_how_far_the_rate_moved() -> None:
    fallen = replace(INSERT, verdict="worst", rate=0.5, low=0.4, high=0.62)
    fallen = replace(fallen, peers=Peers("stage", 4, 1.034))
    by_day = replace(fallen, per="day", rate=1.0)
    known = measures([fallen, by_day], "trend")
    assert said("en", fallen, known["printed"]) == (
        "−50% visitors per parcel against the period before (95%: −60% to −38%); "
        "comparable touchpoints: +3%."
    )
    assert said("de", by_day, known["day"]).startswith(
        "±0 % Besucher am Tag gegenüber dem Zeitraum davor"
    )
    alone = replace(fallen, verdict="no_peers", peers=None, low=0.99, high=1.52)
    assert "(95 %: −1 % bis +52 %), aber nichts" in said("de", alone, known["printed"])
    with speaking("en"):
        assert peers_sentence(fallen, known["day"]) == (
            "Compared with 4 others of the same stage: +3% visitors a day on average."
        )


def test_an_estimate_has_two_digits() -> None:
    assert [spoken_number(number) for number in (1, 7, 99, 812, 78_432)] == [
        1,
        7,
        99,
        810,
        78_000,
    ]


RATES = st.floats(0, 1e9, allow_subnormal=False)
GROUPS: tuple[PeerGroup, ...] = ("stage_and_kind", "stage", "journey", "workspace", "target")
VERDICTS: tuple[Verdict, ...] = (
    "best",
    "worst",
    "as_expected",
    "too_early",
    "no_reach",
    "no_peers",
)


@st.composite
def any_row(draw: st.DrawFn) -> TouchpointRow:
    return TouchpointRow(
        id=draw(st.sampled_from(["7", None])),
        name=draw(st.text(min_size=1, max_size=40)),
        channel=draw(st.sampled_from(CHANNELS) | st.text(min_size=1, max_size=50)),
        clicks=draw(st.integers(0, 2**62)),
        scans=0,
        visitors=draw(st.integers(0, 2**62)),
        tokenless=0,
        reach=draw(st.floats(0, 1e12)),
        unit=draw(st.sampled_from(UNITS) | st.none()),
        per=draw(st.sampled_from([*UNITS, "visitor", "day", "click"]) | st.none()),
        rate=draw(RATES | st.none()),
        low=draw(RATES | st.none()),
        high=draw(RATES | st.none()),
        verdict=draw(st.sampled_from(VERDICTS)),
        peers=draw(
            st.none() | st.builds(Peers, st.sampled_from(GROUPS), st.integers(0, 10**6), RATES)
        ),
        more_reach_needed=draw(st.none() | st.integers(1, 10**15)),
    )


@given(
    st.lists(any_row(), min_size=1, max_size=4),
    st.sampled_from(METRICS),
    st.sampled_from(["de", "en"]),
)
def test_no_row_is_without_words(rows: list[TouchpointRow], metric: Metric, locale: str) -> None:
    known = measures(rows, metric, "EUR")
    with speaking(locale):
        for row in rows:
            measure = measure_of(row, known)
            sentence = verdict_sentence(row, measure)
            assert sentence[0].isalnum() or sentence[0] in "€+−±"
            assert sentence.endswith((".", "?"))
            assert "%(" not in sentence
            assert verdict_sentence(row, measure, named=True).endswith(sentence)
            assert peers_sentence(row, measure).endswith(".") == bool(row.peers and measure)


@given(any_row(), st.sampled_from(BASES), st.sampled_from(["de", "en"]))
def test_the_sentence_has_the_figures_of_its_row(row: TouchpointRow, per: int, locale: str) -> None:
    row = replace(row, id="7", verdict="best", per="printed", rate=row.rate or 0.01)
    measure = Measure("printed", per)
    with speaking(locale):
        figure = measure.figure(row.rate or 0.0)
        words, sentence = rate_words(row, measure), verdict_sentence(row, measure)
        assert words.startswith(f"{figure} ")
        assert f"{write_number(per)} " in words
        assert sentence.startswith(words)
        low, high = re.search(r"95.?%: ([\d.,]+)–([\d.,]+)\)", sentence).groups()  # type: ignore[union-attr]  # every sentence on a rate has its interval
        if row.low is not None and row.high is not None:
            assert low == measure.figure(row.low, like=row.rate)
            assert high == measure.figure(row.high, like=row.rate)


@given(RATES, RATES)
def test_a_larger_rate_never_reads_smaller(one: float, other: float) -> None:
    low, high = sorted((one, other))
    with speaking("en"):
        figures = [float(PER_1000.figure(rate).replace(",", "")) for rate in (low, high)]
    assert figures[0] <= figures[1]


@given(st.floats(1e-6, 1e9), st.sampled_from(["de", "en"]))
def test_more_is_never_said_of_less(ratio: float, locale: str) -> None:
    with speaking(locale):
        words = comparison(ratio, "X")
    fewer, more = re.search("fewer|weniger", words), re.search("more|times as|mehr|mal so", words)
    assert bool(fewer) <= (ratio < 1)
    assert bool(more) <= (ratio > 1)
    assert "100" not in words or ratio > 99
