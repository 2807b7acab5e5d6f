"""How a figure compares with another, in words: "31 % more than before", "2.4 times as many as".

Decided here, for every page, letter and paper: what is fewer, or less than twice as many, in whole
per cents; the rest as so many times as many, with a decimal below ten. What differs by up to
`ABOUT_EQUAL` is about as many, and nothing is compared with hardly anything. Columns of figures
write a change with its sign (`i18n.write_change`), to the same per cent.
"""

from __future__ import annotations

from typing import NamedTuple

from linkservice.web.i18n import N_, gettext, write_number, write_percent

ABOUT_EQUAL = 0.05
"""Up to this share apart, two figures are "about as many"."""

TWICE = 1.995
"""From here on, where per cents would round to a hundred, a ratio is told in times."""

_TOO_FEW_TO_COMPARE = 10
"""Two clicks after one are no "2 times as many"."""


def change_words(now: int, before: int, others: str) -> str:
    """`now` beside `before` in words; `others` says what that was: "the weeks before"."""
    if not before:
        return gettext("none before") if now else gettext("none before either")
    if min(now, before) < _TOO_FEW_TO_COMPARE:
        return gettext("%(before)s before", before=write_number(before))
    return comparison(now / before, others)


def value_change_words(now: int, before: int, others: str) -> str:
    """As `change_words`, of money, which is no number of things."""
    if not before:
        return gettext("nothing before")
    return comparison(now / before, others, money=True)


def comparison(ratio: float, others: str, *, money: bool = False) -> str:
    """How a figure compares with that of `others`, which is `ratio` times smaller."""
    words = _AS_MUCH if money else _AS_MANY
    if abs(ratio - 1) <= ABOUT_EQUAL:
        return gettext(words.equal, others=others)
    if ratio >= TWICE:
        times = write_number(round(ratio, 0 if ratio >= 9.95 else 1))
        return gettext(words.times, times=times, others=others)
    # What is hardly anything is not all of it less.
    percent = write_percent(min(round(abs(ratio - 1), 2), 0.99))
    return gettext(words.more if ratio > 1 else words.fewer, percent=percent, others=others)


class _Words(NamedTuple):
    """How a ratio is said."""

    equal: str
    times: str
    more: str
    fewer: str


_AS_MANY = _Words(
    N_("about as many as %(others)s"),
    N_("%(times)s times as many as %(others)s"),
    N_("%(percent)s more than %(others)s"),
    N_("%(percent)s fewer than %(others)s"),
)
_AS_MUCH = _Words(
    N_("about as much as %(others)s"),
    N_("%(times)s times as much as %(others)s"),
    N_("%(percent)s more than %(others)s"),
    N_("%(percent)s less than %(others)s"),
)
