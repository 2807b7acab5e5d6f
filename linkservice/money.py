"""Money: which currencies there are, and amounts as whole numbers of their smallest unit.

An amount is an `int` of cents (of yen, of fils): cents add up exactly, floats do not. Decided
here: the currencies (ISO 4217, those in use), their decimals, and how a typed amount is read.
Not here: how an amount is written for people (`web/i18n`), what money was spent on
(`journeys/costs`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache

from linkservice.errors import Invalid, Problem

USUAL = "EUR"

_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD "
    "CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ "
    "GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL "
    "MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR "
    "PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT "
    "TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
}

DECIMALS = {code: digits for digits, codes in _DECIMALS.items() for code in codes.split()}
"""Every currency that can be chosen, with the decimals of its amounts."""

CURRENCIES = tuple(sorted(DECIMALS))

MOST_DIGITS = 18
"""Of an amount that is typed; how much it may be, the noun says."""

_SPACES = str.maketrans("", "", " \u00a0\u202f'’")


def read_amount(field: str, text: str, currency: str) -> int:
    """What somebody typed, as a number of the smallest unit: “1.234,5” and “1,234.50” are both
    123450 cents. Raises `Invalid`.

    A mark before exactly three digits groups thousands, since no cent has three decimals; where
    the currency has three (dinars), a single mark is the decimal one.
    """
    decimals = DECIMALS[currency]
    found = _typed(decimals).fullmatch(text.translate(_SPACES))
    if found is None or len(found[0]) > MOST_DIGITS:
        example = Decimal(write_plain(120 * 10**decimals + 10**decimals // 2, currency))
        raise Invalid(Problem(field, "not_an_amount", {"example": example}))
    part = next((group for group in found.groups() if group), "")
    whole = found[0].removesuffix(part).replace(".", "").replace(",", "")
    return int(whole + part.ljust(decimals, "0"))


@cache
def _typed(decimals: int) -> re.Pattern[str]:
    """Plain digits, or thousands grouped by one mark; then decimals behind the other."""

    def behind(mark: str) -> str:
        return rf"(?:{mark}([0-9]{{1,{decimals}}}))?" if decimals else ""

    return re.compile(
        rf"[0-9]+{behind('[.,]')}"
        rf"|[0-9]{{1,3}}(?:\.[0-9]{{3}})+{behind(',')}"
        rf"|[0-9]{{1,3}}(?:,[0-9]{{3}})+{behind('[.]')}"
    )


def write_plain(amount: int, currency: str) -> str:
    """An amount for spreadsheets and fields: 123450 cents are “1234.50”."""
    return write_grouped(amount, currency).replace(",", "")


def write_grouped(amount: int, currency: str) -> str:
    """An amount for terminals, as they write all numbers: 123450 cents are “1,234.50”."""
    decimals = DECIMALS[currency]
    if not decimals:
        return f"{amount:,}"
    whole, part = divmod(amount, 10**decimals)
    return f"{whole:,}.{part:0{decimals}d}"


def in_main_unit(amount: float, currency: str) -> Decimal | float:
    """An amount as tables of figures have it, in euros: 123450 cents are exactly 1234.50; a
    fraction of a cent, as of a mean, stays a fraction.
    """
    decimals = DECIMALS[currency]
    return Decimal(amount).scaleb(-decimals) if isinstance(amount, int) else amount / 10**decimals


def apportion(amount: int, weights: Sequence[int]) -> list[int]:
    """`amount` shared out in proportion to `weights`, in whole units that sum to it exactly.

    The method of largest remainders (Hamilton 1792; Balinski & Young, *Fair Representation*,
    1982): everybody gets the quota rounded down, the units left go to the largest remainders,
    of equal ones to the first. No share is a whole unit away from its quota. The weights are not
    negative, and at least one is not 0.
    """
    total = sum(weights)
    shares = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda n: -(amount * weights[n] % total))
    for number in by_remainder[: amount - sum(shares)]:
        shares[number] += 1
    return shares


def within(amount: int, span: int, begin: int, end: int) -> int:
    """The part of `amount`, spread evenly over `span` days, that falls on its days `begin` up to
    but not including `end`; in whole units.

    What is spent up to a day is rounded down, and a part is the difference of two such sums. So
    January and February add up to both together, whatever the amount, which rounding each part
    by itself would not give; no part is a whole unit away from its exact share.
    """
    return amount * end // span - amount * begin // span
