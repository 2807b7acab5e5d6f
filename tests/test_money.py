"""Amounts: read as people type them, shared out to the last cent."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkservice.errors import Invalid
from linkservice.money import (
    CURRENCIES,
    DECIMALS,
    apportion,
    read_amount,
    within,
    write_grouped,
    write_plain,
)
from linkservice.web import i18n

amounts = st.integers(0, 10**12)


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("1200", "EUR", 120000),
        ("1.200", "EUR", 120000),
        ("1,200", "EUR", 120000),
        ("1 200", "EUR", 120000),
        ("1’200.50", "CHF", 120050),
        ("1.234,5", "EUR", 123450),
        ("1,234.50", "EUR", 123450),
        ("1.234.567,89", "EUR", 123456789),
        ("0,05", "EUR", 5),
        ("0", "EUR", 0),
        ("12.5", "EUR", 1250),
        ("1.200", "JPY", 1200),
        ("1200", "JPY", 1200),
        ("1.200", "KWD", 1200),
        ("1,234.500", "KWD", 1234500),
    ],
)
def test_an_amount_is_read_as_people_type_it(text: str, currency: str, amount: int) -> None:
    assert read_amount("amount", text, currency) == amount


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("", "EUR"),
        ("-5", "EUR"),
        ("1,2,3", "EUR"),
        ("1.234.5", "EUR"),
        ("12,345,6", "EUR"),
        ("1.2345", "EUR"),
        ("5,", "EUR"),
        (",5", "EUR"),
        ("5 €", "EUR"),
        ("٣", "EUR"),
        ("1.5", "JPY"),
        ("9" * 19, "EUR"),
    ],
)
def test_what_is_no_amount_is_refused(text: str, currency: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_amount("amount", text, currency)
    assert [(each.field, each.code) for each in caught.value.problems] == [
        ("amount", "not_an_amount")
    ]


@pytest.mark.parametrize(
    ("locale", "currency", "example"),
    [
        ("de", "EUR", "120,50"),
        ("en", "EUR", "120.50"),
        ("de", "KWD", "120,500"),
        ("de", "JPY", "120"),
    ],
)
def test_an_amount_is_shown_as_people_write_it(locale: str, currency: str, example: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_amount("amount", "dear", currency)
    (problem,) = caught.value.problems
    with i18n.speaking(locale):
        assert f" {example}." in i18n.sentence(problem)
    assert problem.sentence.endswith(f"{example.replace(',', '.')}.")


@given(amounts, st.sampled_from(CURRENCIES), st.sampled_from(["de", "en"]))
def test_what_is_written_is_read_again(amount: int, currency: str, locale: str) -> None:
    assert read_amount("amount", write_plain(amount, currency), currency) == amount
    assert read_amount("amount", write_grouped(amount, currency), currency) == amount
    with i18n.speaking(locale):
        assert read_amount("amount", i18n.write_amount(amount, currency), currency) == amount


def test_money_is_written_as_each_language_has_it() -> None:
    with i18n.speaking("de"):
        assert i18n.write_money(123450, "EUR") == "1.234,50\u00a0€"
        assert i18n.write_money(4.17, "EUR") == "0,0417\u00a0€"
        assert i18n.write_money(1200, "JPY") == "1.200\u00a0¥"
        assert i18n.write_money(14.2, "EUR", finer=True) == "0,1420\u00a0€"
        assert i18n.write_money(314.2, "EUR", finer=True) == "3,14\u00a0€"
        assert i18n.write_money(0.0, "EUR", finer=True) == "0,00\u00a0€"
    with i18n.speaking("en"):
        assert i18n.write_money(123450, "EUR") == "€1,234.50"
        assert i18n.write_money(41.7, "EUR") == "€0.42"
        assert i18n.write_money(2.5, "JPY") == "JP¥2.50"
        assert i18n.write_money(1234500, "KWD") == "KWD\u00a01,234.500"


@given(amounts, st.lists(st.integers(0, 10**6), min_size=1).filter(any))
def test_shares_sum_to_the_whole_and_keep_their_quota(amount: int, weights: list[int]) -> None:
    shares = apportion(amount, weights)
    assert sum(shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - Fraction(amount * weight, sum(weights))) < 1
        assert share == 0 or weight > 0


@given(amounts, st.integers(1, 800), st.data())
def test_parts_of_a_span_sum_to_the_whole(amount: int, span: int, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, span), max_size=6)))
    bounds = [0, *cuts, span]
    parts = [within(amount, span, begin, end) for begin, end in pairwise(bounds)]
    assert sum(parts) == amount
    for part, (begin, end) in zip(parts, pairwise(bounds), strict=True):
        assert abs(part - Fraction(amount * (end - begin), span)) < 1


def test_every_currency_has_its_decimals() -> None:
    assert (DECIMALS["EUR"], DECIMALS["JPY"], DECIMALS["KWD"]) == (2, 0, 3)
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in CURRENCIES)
