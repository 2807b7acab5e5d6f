"""Which language a page speaks, its sentences, and how numbers and days are written in it.

English texts stand in the code and the templates; German ones in `translations/de/*.po`,
one file per area, read as they are when the process starts. Not here: the texts customers
see (`redirect/pages`) and the English sentences of problems (`wording`).
"""

from __future__ import annotations

import gettext as catalogues
import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_interval, format_skeleton
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import (
    format_compact_decimal,
    format_currency,
    format_decimal,
    format_percent,
    get_currency_name,
    get_currency_symbol,
)

from linkservice.errors import Problem
from linkservice.money import CURRENCIES, DECIMALS
from linkservice.wording import SENTENCES
from linkservice.workspaces.model import LOCALES

FALLBACK = "en"
TRANSLATIONS = Path(__file__).parent / "translations"

_spoken: ContextVar[str] = ContextVar("spoken", default=FALLBACK)
_clock: ContextVar[str] = ContextVar("clock", default="UTC")


def choose_locale(*wishes: str | None, accept_language: str = "") -> str:
    """The first wish that is a language we speak, else the first the browser asks for."""
    for wish in wishes:
        if wish in LOCALES:
            return wish
    offers = [part.partition(";")[0].strip()[:2].lower() for part in accept_language.split(",")]
    return next((offer for offer in offers if offer in LOCALES), FALLBACK)


@contextmanager
def speaking(locale: str, time_zone: str = "UTC") -> Iterator[None]:
    """Let everything inside speak `locale` and tell the time of `time_zone`."""
    spoken_before, clock_before = _spoken.set(locale), _clock.set(time_zone)
    try:
        yield
    finally:
        _spoken.reset(spoken_before)
        _clock.reset(clock_before)


def spoken() -> str:
    """The language spoken now."""
    return _spoken.get()


def gettext(message: str, **facts: object) -> str:
    """`message` in the language spoken now, with ``%(name)s`` filled in (and ``%%`` for a %)."""
    return look_up(message) % facts


def ngettext(one: str, many: str, number: int, **facts: object) -> str:
    """As `gettext`, in the form `number` asks for; ``%(num)s`` is the number, as written."""
    return look_up_plural(one, many, number) % {"num": write_number(number), **facts}


def look_up(message: str) -> str:
    """The text of `message` in the language spoken now, nothing filled in."""
    return _catalogue(spoken()).gettext(message)


def in_every_language(message: str) -> frozenset[str]:
    """The texts of `message` in all languages we speak."""
    return frozenset(_catalogue(locale).gettext(message) for locale in LOCALES)


def look_up_plural(one: str, many: str, number: int) -> str:
    """As `look_up`, in the form `number` asks for."""
    return _catalogue(spoken()).ngettext(one, many, number)


def N_(message: str) -> str:
    """Mark a text that is translated later, when it is shown."""
    return message


def sentence(problem: Problem) -> str:
    """What happened and what to do, in the language spoken now."""
    facts = {name: _written(fact) for name, fact in problem.params.items()}
    return look_up(SENTENCES[problem.code]).format_map(facts)


def _written(fact: object) -> object:
    """Numbers and days as people of the language write them; all else as it is. A `Decimal` keeps
    the zeros at its end, as amounts have them.
    """
    if isinstance(fact, Decimal):
        return write_number(float(fact), max(0, -int(fact.as_tuple().exponent)))
    if isinstance(fact, int | float) and not isinstance(fact, bool):
        return write_number(fact)
    return write_day(fact) if isinstance(fact, date) else fact


@cache
def _catalogue(locale: str) -> catalogues.NullTranslations:
    if locale == FALLBACK:
        return catalogues.NullTranslations()
    joined = Catalog(locale=locale)
    for path in sorted((TRANSLATIONS / locale).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=locale):
                if message.id and not message.fuzzy:
                    joined[message.id] = message
    compiled = io.BytesIO()
    write_mo(compiled, joined)
    compiled.seek(0)
    return catalogues.GNUTranslations(compiled)


@cache
def _locale(name: str) -> Locale:
    # British dates: 29 Mar 2026, as everywhere outside the United States.
    return Locale.parse("en_GB" if name == "en" else "de_DE")


def write_number(value: float, decimals: int | None = None) -> str:
    """``1.234``, ``1,234`` or ``−0,01``; as many decimals as asked for, else those it has."""
    pattern = None if decimals is None else "#,##0." + "0" * decimals if decimals else "#,##0"
    return _number(value, pattern, spoken())


# A ranking of 200 touchpoints writes 4,000 numbers, most of them more than once; each takes
# Babel 30 µs.
@lru_cache(10_000, typed=True)
def _number(value: float, pattern: str | None, language: str) -> str:
    # Babel's hyphen is shorter than a plus and breaks off at the end of a line.
    return format_decimal(value, format=pattern, locale=_locale(language)).replace("-", "−")


def write_compact(value: float) -> str:
    """``1,2 Mio.`` or ``1.2M``: for figures that are read at a glance."""
    # German has no short form for thousands, and Babel then writes them without points.
    if abs(value) < 1_000_000:
        return write_number(round(value))
    return format_compact_decimal(value, fraction_digits=1, locale=_locale(spoken()))


def write_percent(share: float, decimals: int = 0) -> str:
    """A share of 1 as ``12 %`` or ``12%``."""
    return _percent(share, decimals, spoken())


# As numbers: a ranking of trends writes 2,000, to the per cent.
@lru_cache(2_000)
def _percent(share: float, decimals: int, language: str) -> str:
    pattern = _locale(language).percent_formats[None].pattern
    with_decimals = pattern.replace("#,##0", "#,##0." + "0" * decimals) if decimals else pattern
    return format_percent(share, format=with_decimals, locale=_locale(language))


def write_change(share: float) -> str:
    """By how much something grew or shrank: ``+12 %``, ``−50%``, ``±0 %``."""
    rounded = round(share, 2)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else "±"
    return sign + write_percent(abs(rounded))


def is_small_money(amount: float) -> bool:
    """Whether an amount of the smallest unit takes two decimals more: a ratio below ten of it."""
    return not isinstance(amount, int) and 0 < abs(amount) < 10


def write_money(amount: float, currency: str, *, finer: bool = False) -> str:
    """An amount of the smallest unit as ``1.234,50 €`` or ``€1,234.50``; of small money (a click's
    cost) two decimals more. `finer` gives them to all that is below one of the currency, for a
    column that has small money.
    """
    decimals = DECIMALS[currency]
    if is_small_money(amount) or (finer and 0 < abs(amount) < 10**decimals):
        decimals += 2
    return _money(amount, currency, decimals, spoken())


def write_estimate(amount: int, currency: str) -> str:
    """An amount that nobody knows to the cent: two digits and zeros, and cents only where it has
    any. ``€34``, ``€3.40``, ``1.200 €``.
    """
    rounded = round(amount, 2 - len(str(amount)))
    decimals = DECIMALS[currency]
    return _money(rounded, currency, decimals if rounded % 10**decimals else 0, spoken())


# As numbers: a ranking by value writes 1,500, of 60 µs each. An int is told from a float.
@lru_cache(4_000, typed=True)
def _money(amount: float, currency: str, shown: int, language: str) -> str:
    locale = _locale(language)
    pattern = locale.currency_formats["standard"].pattern
    if pattern.startswith("¤") and get_currency_symbol(currency, locale)[-1].isalpha():
        # Babel leaves this out: letters would run into the digits.
        pattern = pattern.replace("¤", "¤\u00a0")
    return format_currency(
        Decimal(amount).scaleb(-DECIMALS[currency]),
        currency,
        format=pattern.replace(".00", "." + "0" * shown if shown else ""),
        locale=locale,
        currency_digits=False,
    )


def write_amount(amount: int, currency: str) -> str:
    """As `write_money`, without the currency: as one types it."""
    decimals = DECIMALS[currency]
    value = Decimal(amount).scaleb(-decimals)
    pattern = "0." + "0" * decimals if decimals else "0"
    return format_decimal(value, format=pattern, locale=_locale(spoken()))


def currency_names() -> list[tuple[str, str]]:
    """Every currency one can choose: ("EUR", "EUR · Euro")."""
    locale = _locale(spoken())
    return [(code, f"{code} · {get_currency_name(code, locale=locale)}") for code in CURRENCIES]


def write_day(day: date, form: str = "medium") -> str:
    """``29.03.2026`` or ``29 Mar 2026``; `form` is one of Babel's, or a skeleton (``MMMd``)."""
    return _day(day, form, spoken())


@lru_cache(10_000)
def _day(day: date, form: str, language: str) -> str:
    if form in ("short", "medium", "long", "full"):
        return format_date(day, format=form, locale=_locale(language))
    return format_skeleton(form, day, locale=_locale(language))


_SPANS = {"de": ("yMd", "Md"), "en": ("yMMMd", "MMMd")}
"""The skeletons of spans, with the year and without, that look like `write_day` does."""


def write_span(first: date, last: date, *, year: bool = True) -> str:
    """Days from the first to the last one: ``27.10. – 28.11.2026`` or ``1–28 Nov 2026``; a single
    day as itself. Without a `year` where both are of the same.
    """
    return _span(first, last, year or first.year != last.year, spoken())


@lru_cache(1_000)
def _span(first: date, last: date, year: bool, language: str) -> str:
    skeleton = _SPANS[language][0 if year else 1]
    if first == last:
        return _day(first, "medium" if year else skeleton, language)
    written = format_interval(first, last, skeleton, locale=_locale(language))
    # Thin spaces are not in every font, and nobody types them to search for a period.
    return written.replace("\u2009", " ")


def write_moment(moment: datetime, form: str = "") -> str:
    """``29.03.2026, 01:30`` on the clock of the page; `form` is a skeleton such as ``Hm``, or
    "day" for the day alone.
    """
    zone, locale = ZoneInfo(_clock.get()), _locale(spoken())
    if form == "day":
        return write_day(moment.astimezone(zone).date())
    if form:
        return format_skeleton(form, moment, tzinfo=zone, locale=locale)
    day = format_date(moment.astimezone(zone), "medium", locale=locale)
    return f"{day}, {format_datetime(moment, 'HH:mm', tzinfo=zone, locale=locale)}"
