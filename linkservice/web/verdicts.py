"""A verdict as a sentence, and the numbers in it as people say them.

Decided here: per how many a rate is told ("41 per 1,000 parcels"), what a unit of reach is
called on its channel. A sentence has two digits of a rate, as people say them; in a column all
rates of a unit have the same decimals, as many as the lowest of them needs. Not here: the verdict
itself (`reports/ranking`), its word alone (`fieldwords`), and how a comparison sounds
(`comparisons`).

No sentence bends around a touchpoint's name, which may be anything: it stands in quotes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from linkservice.money import DECIMALS
from linkservice.reports.needed import difference_is_too_small
from linkservice.reports.results import OF_CLICKS, Metric, TouchpointRow
from linkservice.web.comparisons import comparison
from linkservice.web.i18n import (
    N_,
    gettext,
    ngettext,
    write_change,
    write_money,
    write_number,
)

BASES = (100, 1_000, 10_000, 100_000, 1_000_000)
"""A rate is told per one of these: the first at which the highest of its unit has two digits."""

_LEAST_RATIO, _MOST_RATIO = 0.2, 100.0  # beyond them two figures say more than a ratio

_NOUNS: Mapping[tuple[str, str], Callable[[int], str]] = {
    ("sent", ""): lambda n: ngettext("item sent", "items sent", n),
    ("sent", "email"): lambda n: ngettext("e-mail", "e-mails", n),
    ("sent", "packaging"): lambda n: ngettext("parcel", "parcels", n),
    ("sent", "flyer"): lambda n: ngettext("flyer", "flyers", n),
    ("sent", "invoice"): lambda n: ngettext("invoice", "invoices", n),
    ("printed", ""): lambda n: ngettext("printed copy", "printed copies", n),
    ("printed", "packaging"): lambda n: ngettext("parcel", "parcels", n),
    ("printed", "flyer"): lambda n: ngettext("flyer", "flyers", n),
    ("printed", "poster"): lambda n: ngettext("poster", "posters", n),
    ("printed", "invoice"): lambda n: ngettext("invoice", "invoices", n),
    ("passers_by", ""): lambda n: ngettext("passer-by", "passers-by", n),
    ("contacts", ""): lambda n: ngettext("contact", "contacts", n),
    ("contacts", "phone"): lambda n: ngettext("call", "calls", n),
    ("contacts", "chat"): lambda n: ngettext("chat", "chats", n),
    ("views", ""): lambda n: ngettext("view", "views", n),
    ("day", ""): lambda n: ngettext("day", "days", n),
    ("click", ""): lambda n: ngettext("click", "clicks", n),
    ("visitor", ""): lambda n: ngettext("visitor", "visitors", n),
}
"""What a unit of reach is on a channel; "" is any other one."""


def noun(unit: str, channel: str | None, number: int) -> str:
    """What is reached, in the form `number` asks for: "parcels"."""
    return (_NOUNS.get((unit, channel or "")) or _NOUNS[unit, ""])(number)


@dataclass(frozen=True, slots=True)
class Measure:
    """How rates of one unit are told: so many of what the `metric` counts `per` so many of `unit`.

    `unit` "day" is told per one, as is a visitor's value. Value is in `currency`; a trend is no
    figure per so many, but how far the rate moved. `decimals` are those of a column.
    """

    unit: str
    per: int
    metric: Metric = "visitors_per_reach"
    currency: str = ""
    decimals: int = 0

    @property
    def by_day(self) -> bool:
        return self.unit == "day"

    @property
    def is_trend(self) -> bool:
        return self.metric == "trend"

    def figure(self, rate: float, *, like: float | None = None) -> str:
        """A rate with as many digits as people say; as many decimals as `like` gets."""
        if self.is_trend:
            return write_change(rate - 1.0)
        if self.metric == "value_per_reach":
            return write_money(round(rate * self.per), self.currency)
        model = (rate if like is None else like) * self.per
        decimals = 0 if not model or model >= 9.95 else 1 if model >= 0.995 else 2
        figure = round(rate * self.per, decimals)
        # Its last digit is told though it be nought, as that of the ends of an interval is; but not
        # of what is whole without rounding, as nought is.
        is_whole = like is None and math.isclose(rate * self.per, round(figure), abs_tol=1e-9)
        return write_number(figure, None if is_whole or not figure else decimals)

    def in_column(self, rate: float) -> str:
        """The same in a column of rates."""
        if self.is_trend or self.metric == "value_per_reach" or not rate:
            return self.figure(rate)
        return write_number(round(rate * self.per, self.decimals), self.decimals)

    def tick(self, rate: float) -> str:
        """A round rate on a scale, where there is no room for cents that are none."""
        if self.metric != "value_per_reach":
            return self.figure(rate)
        decimals = DECIMALS[self.currency]
        amount = rate * self.per / 10**decimals
        return write_number(amount, 0 if amount == round(amount) else decimals)

    def of(self, channel: str | None = None) -> str:
        """What a rate is told per: "per 1,000 parcels"; of a trend, what moved."""
        if self.is_trend:
            if self.by_day:
                return gettext("visitors a day")
            return gettext("visitors per %(what)s", what=noun(self.unit, channel, 1))
        if self.by_day:
            return gettext("a day")
        if self.per == 1:
            return gettext("per %(what)s", what=noun(self.unit, channel, 1))
        return gettext(
            "per %(per)s %(what)s",
            per=write_number(self.per),
            what=noun(self.unit, channel, self.per),
        )


def measures(
    rows: Iterable[TouchpointRow], metric: Metric, currency: str = ""
) -> dict[str, Measure]:
    """The measure of each unit in a report; all rows of a unit share one."""
    ends = _ends(rows)
    highest = {unit: high for unit, (_, high) in ends.items()}
    if metric == "clicks_per_day":
        return {"day": _fine(Measure("day", 1, metric), ends)}
    if metric in OF_CLICKS:
        base = _base(max(highest.values(), default=0.0))
        return {"click": _fine(Measure("click", base, metric), ends)}
    if metric == "trend":
        return {unit: Measure(unit, 1, metric) for unit in highest}
    if metric == "value_per_reach":
        return {
            unit: Measure(unit, 1 if unit == "visitor" else 1_000, metric, currency)
            for unit in highest
        }
    return {unit: _fine(Measure(unit, _base(rate), metric), ends) for unit, rate in highest.items()}


def _fine(measure: Measure, ends: Mapping[str, tuple[float, float]]) -> Measure:
    """The measure with the decimals of its column: as many as leave the lowest rate a digit."""
    lowest = ends.get(measure.unit, (0.0, 0.0))[0] * measure.per
    return replace(measure, decimals=0 if not lowest or lowest >= 9.95 else 1 + (lowest < 0.095))


def measure_of(row: TouchpointRow, known: Mapping[str, Measure]) -> Measure | None:
    """How the rate of `row` is told; None where it can have none."""
    return known.get(row.per or "")


def _ends(rows: Iterable[TouchpointRow]) -> dict[str, tuple[float, float]]:
    """The lowest rate above nought and the highest one of each unit, in the order of the rows."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if row.per is not None:
            rates = found.setdefault(row.per, [])
            rates += [row.rate] if row.rate else []
    return {
        unit: (min(rates, default=0.0), max(rates, default=0.0)) for unit, rates in found.items()
    }


def verdict_sentence(row: TouchpointRow, measure: Measure | None, *, named: bool = False) -> str:
    """What the verdict means, for those who read nothing else; `named`: with the name in it."""
    sentence = _sentence(row, measure)
    if not named or row.name is None:
        return sentence
    return gettext("“%(name)s”: %(sentence)s", name=row.name, sentence=sentence)


def other_side_sentence(by_value: TouchpointRow, currency: str) -> str:
    """What a row by value says that contradicts a verdict by visitors per reach."""
    measure = measure_of(by_value, measures([by_value], "value_per_reach", currency))
    sentence = _sentence(by_value, measure)
    if by_value.verdict == "best":
        return gettext("By value, though, it is among the best: %(sentence)s", sentence=sentence)
    return gettext("By value, though, it is among the worst: %(sentence)s", sentence=sentence)


def rate_words(row: TouchpointRow, measure: Measure) -> str:
    """The rate in words: "41 visitors per 1,000 parcels"."""
    figure = measure.figure(row.rate or 0.0)
    # What reads "1" is one, even if it is 0.98.
    number = 1 if figure == write_number(1) else 2
    facts = {"figure": figure, "per": measure.of(row.channel)}
    if measure.metric == "clicks_per_day":
        return ngettext("%(figure)s click %(per)s", "%(figure)s clicks %(per)s", number, **facts)
    if measure.metric == "scans_per_click":
        return ngettext("%(figure)s scan %(per)s", "%(figure)s scans %(per)s", number, **facts)
    if measure.metric == "conversions_per_click":
        return ngettext(
            "%(figure)s conversion %(per)s", "%(figure)s conversions %(per)s", number, **facts
        )
    if measure.metric == "value_per_reach":
        return gettext("%(figure)s %(per)s", **facts)
    if measure.is_trend:
        return gettext("%(figure)s %(per)s against the period before", **facts)
    return ngettext("%(figure)s visitor %(per)s", "%(figure)s visitors %(per)s", number, **facts)


def interval_words(row: TouchpointRow, measure: Measure) -> str:
    """The ends of its interval in a column: "38–44"; "" where it has none."""
    if row.low is None or row.high is None:
        return ""
    low, high = (measure.in_column(end) for end in (row.low, row.high))
    # A dash between signs reads as one of them.
    return (
        gettext("%(low)s to %(high)s", low=low, high=high) if measure.is_trend else f"{low}–{high}"
    )


def peers_sentence(row: TouchpointRow, measure: Measure | None) -> str:
    """Whom the touchpoint was compared with; "" where it was with nobody."""
    if row.peers is None or measure is None:
        return ""
    facts = {
        "count": write_number(row.peers.count),
        "mean": measure.figure(row.peers.mean),
        "per": measure.of(row.channel),
    }
    return gettext(_GROUPS[row.peers.group], **facts)


_GROUPS = {
    "stage_and_kind": N_(
        "Compared with %(count)s others of the same stage and kind: %(mean)s %(per)s on average."
    ),
    "stage": N_("Compared with %(count)s others of the same stage: %(mean)s %(per)s on average."),
    "journey": N_(
        "Compared with %(count)s others of the same journey: %(mean)s %(per)s on average."
    ),
    "workspace": N_("Compared with %(count)s others: %(mean)s %(per)s on average."),
    "target": N_("Compared with the target rate: %(mean)s %(per)s."),
}


def spoken_number(number: int) -> int:
    """Two digits and zeros, as people say an estimate; the exact figure is in the files."""
    return round(number, 2 - len(str(number)))


def _base(highest: float) -> int:
    return next((base for base in BASES if highest * base >= 9.5), BASES[-1] if highest else 1_000)


def _sentence(row: TouchpointRow, measure: Measure | None) -> str:
    if row.id is None:
        return gettext("Without a touchpoint a link is compared with nothing.")
    if row.verdict == "no_reach" or measure is None:
        return _without_reach(row, measure)
    if row.verdict == "too_early":
        return _too_early(row, measure)
    facts = {"rate": rate_words(row, measure)}
    if row.low is not None and row.high is not None:
        facts["low"] = measure.figure(row.low, like=row.rate or None)
        facts["high"] = measure.figure(row.high, like=row.rate or None)
    else:
        facts["low"] = facts["high"] = measure.figure(row.rate or 0.0)
    if row.peers is None and measure.is_trend:
        return gettext(
            "%(rate)s (95%%: %(low)s to %(high)s), but nothing to compare it with.", **facts
        )
    if row.peers is None:
        return gettext(
            "%(rate)s (95%%: %(low)s–%(high)s), but nothing to compare it with.", **facts
        )
    if measure.is_trend:
        mean = measure.figure(row.peers.mean)
        return gettext(
            "%(rate)s (95%%: %(low)s to %(high)s); comparable touchpoints: %(mean)s.",
            mean=mean,
            **facts,
        )
    target = row.peers.group == "target"
    ratio = (row.rate or 0.0) / row.peers.mean if row.peers.mean else 0.0
    # Money is not "2.4 times as many"; what it is says it as shortly.
    if _LEAST_RATIO <= ratio <= _MOST_RATIO and measure.metric != "value_per_reach":
        others = gettext("the target rate") if target else gettext("comparable touchpoints")
        return gettext(
            "%(rate)s, %(comparison)s (95%%: %(low)s–%(high)s).",
            comparison=comparison(ratio, others),
            **facts,
        )
    facts["mean"] = measure.figure(row.peers.mean)
    if target:
        return gettext(
            "%(rate)s (95%%: %(low)s–%(high)s), where the target rate is %(mean)s.", **facts
        )
    return gettext(
        "%(rate)s (95%%: %(low)s–%(high)s), where comparable touchpoints bring %(mean)s.", **facts
    )


def _without_reach(row: TouchpointRow, measure: Measure | None) -> str:
    metric = measure.metric if measure is not None else None
    if metric == "trend":
        return gettext("There is nothing before to compare with.")
    if metric == "clicks_per_day":
        return gettext("It was not live on any day of this period.")
    if metric == "scans_per_click":
        return gettext("Nobody clicked in this period.")
    if metric == "conversions_per_click":
        return gettext("Nobody clicked in this period, so nobody could convert.")
    if metric == "value_per_reach" and row.per == "visitor":
        return gettext("Nobody came in this period, so nothing could be bought.")
    if row.unit is None:
        return gettext("Reach is missing: how many people could have clicked?")
    return gettext("No reach in this period: how many people could have clicked?")


def _too_early(row: TouchpointRow, measure: Measure) -> str:
    if difference_is_too_small(row, measure.metric):
        return gettext("The difference is too small to prove in reasonable time.")
    more = spoken_number(row.more_reach_needed or 1)
    return gettext(
        "Too early to say: about %(number)s more %(what)s needed.",
        number=write_number(more),
        what=noun(measure.unit, row.channel, more),
    )
