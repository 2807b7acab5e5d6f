"""The period of a report as the address of its page has it: a preset, or two days.

Decided here: what presets are called and what a page shows when the days are wrong. Not here:
which presets there are and which days they have (`reports/presets`), how many days a report may
cover (`reports/period`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from linkservice.errors import Invalid
from linkservice.fields import Problems
from linkservice.reports.filters import NO_FILTERS, Filters, choose_filters
from linkservice.reports.period import Period, choose_period, day_of
from linkservice.reports.presets import PRESETS, USUAL, days_of
from linkservice.web.forms import Form
from linkservice.web.i18n import N_, gettext, write_span
from linkservice.web.page import address

NAMES = {
    "7d": N_("7 days"),
    "28d": N_("28 days"),
    "90d": N_("90 days"),
    "week": N_("This week"),
    "last_week": N_("Last week"),
    "month": N_("This month"),
    "last_month": N_("Last month"),
    "year": N_("This year"),
    "12m": N_("12 months"),
}

UNDER_WAY = ("week", "month", "year")
"""Those that are not over; beside the others they would fill a second line."""

_ROLLING = {
    **NAMES,
    "7d": N_("The last 7 days"),
    "28d": N_("The last 28 days"),
    "90d": N_("The last 90 days"),
    "12m": N_("The last 12 months"),
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The period a page shows. `preset` is "" for a free range; `form` has its two days as
    they were typed, and what is wrong with them: then the usual period is shown.
    """

    preset: str
    period: Period
    today: date
    form: Form = field(default_factory=Form)
    suspects: bool = False
    """Whether clicks of suspected mail scanners are counted."""
    filters: Filters = NO_FILTERS

    @property
    def query(self) -> dict[str, str | None]:
        """What the addresses of pages carry of it; nothing for the usual period."""
        scanners = "include" if self.suspects else None
        if self.preset:
            preset = None if self.preset == USUAL else self.preset
            return {"period": preset, "from": None, "to": None, "scanners": scanners}
        first, last = self.period.first.isoformat(), self.period.last.isoformat()
        return {"period": None, "from": first, "to": last, "scanners": scanners}

    @property
    def to_share(self) -> dict[str, str]:
        """What the form that shares its page is filled in with: the preset, which rolls, or the
        days.
        """
        if self.preset:
            return {"period": self.preset}
        return {"from": self.period.first.isoformat(), "to": self.period.last.isoformat()}

    @property
    def with_filters(self) -> dict[str, str | None]:
        """As `query`, with the filters: for pages that can be filtered."""
        return {**self.query, **self.filters.query}

    def clicks_from(self, day: date | None) -> dict[str, str | None]:
        """As `with_filters`, for the single clicks of a page that counts from `day` on; None: from
        its first day.
        """
        asked = self.with_filters
        if day is None or day <= self.period.first:
            return asked
        days = {"from": day.isoformat(), "to": self.period.last.isoformat()}
        return {**asked, "period": None, **days}

    @property
    def status(self) -> int:
        """That of a page which shows it, and says what is wrong with the days."""
        return 422 if self.form.found else 200

    @property
    def certain(self) -> Chosen:
        """Itself, for a file: nothing in it would say that other days were asked for. Raises
        `Invalid` (from, to).
        """
        if self.form.found:
            raise Invalid(*self.form.found)
        return self

    @property
    def presets(self) -> list[tuple[str, str]]:
        """The presets of the first choice, with their names."""
        return [(name, preset_name(name)) for name in PRESETS if name not in UNDER_WAY]

    @property
    def under_way(self) -> list[tuple[str, str]]:
        """The other presets, with their names."""
        return [(name, preset_name(name)) for name in UNDER_WAY]

    @property
    def otherwise(self) -> str:
        """What the period is called that is none of the first choice; "" if it is one."""
        return "" if self.preset and self.preset not in UNDER_WAY else self.name

    @property
    def name(self) -> str:
        """What the days are called: by their preset, else by themselves."""
        return preset_name(self.preset) if self.preset else self.label

    @property
    def rolling_name(self) -> str:
        """What its preset is called where it stands alone."""
        return rolling_name(self.preset)

    @property
    def label(self) -> str:
        """The days in words."""
        return write_span(self.period.first, self.period.last)


@dataclass(frozen=True, slots=True)
class Here:
    """Makes addresses of the page that is shown, with something changed:
    ``here(figure="clicks")``. None takes a field away. `place` is the part of the page to
    come back to.
    """

    endpoint: str
    query: Mapping[str, str | None]
    ids: Mapping[str, str] = field(default_factory=dict)
    place: str = ""

    def __call__(self, **changes: str | None) -> str:
        values = {**self.query, **changes}
        fragment = f"#{self.place}" if self.place else ""
        given = {name: text for name, text in values.items() if text}
        return address(self.endpoint, **given, **self.ids) + fragment

    def preset(self, name: str) -> str:
        """The same page for a preset of the period."""
        return self(**{"period": None if name == USUAL else name, "from": None, "to": None})

    @property
    def path(self) -> str:
        """The page without its query: where its forms lead."""
        fragment = f"#{self.place}" if self.place else ""
        return address(self.endpoint, **self.ids) + fragment

    @property
    def asked(self) -> str:
        """The query of the page, to be kept."""
        return urlencode([(name, text) for name, text in self.query.items() if text])

    def fields(self, *without: str) -> list[tuple[str, str]]:
        """What a form has to send along: all but its own fields."""
        return [(name, text) for name, text in self.query.items() if text and name not in without]


def preset_name(preset: str) -> str:
    """What a preset is called among others."""
    return gettext(NAMES[preset])


def rolling_name(preset: str) -> str:
    """What a preset is called where it stands alone."""
    return gettext(_ROLLING[preset])


def chosen(query: Mapping[str, str], time_zone: str, now: datetime) -> Chosen:
    """The period that `period`, or `from` and `to`, ask for; an unknown preset is the usual.
    With `scanners=include` clicks of suspected mail scanners are counted.
    """
    return replace(_days_asked(query, time_zone, now), suspects=query.get("scanners") == "include")


def chosen_and_filtered(query: Mapping[str, str], time_zone: str, now: datetime) -> Chosen:
    """As `chosen`, with the filters that the query asks for. Raises `Invalid` for a filter whose
    value cannot be.
    """
    wanted = {name: text for name, text in query.items() if text}
    filters = choose_filters(wanted, everything=query.get("single_clicks") == "all")
    return replace(chosen(query, time_zone, now), filters=filters)


def _days_asked(query: Mapping[str, str], time_zone: str, now: datetime) -> Chosen:
    today = day_of(now, time_zone)
    preset = query.get("period", USUAL)
    usual = Chosen(
        preset if preset in PRESETS else USUAL,
        Period(*days_of(preset, today), time_zone),
        today,
    )
    typed = {name: query[name] for name in ("from", "to") if query.get(name, "").strip()}
    if not typed:
        return usual
    form = Form(MultiDict(typed))
    problems = Problems()
    days: dict[str, date | None] = {}
    for name in ("from", "to"):
        try:
            days[name] = form.day(name)
        except Invalid as error:
            problems.take(error)
    try:
        problems.raise_if_any()
        return Chosen("", choose_period(days["from"], days["to"], time_zone, now), today, form)
    except Invalid as error:
        return Chosen(
            usual.preset, usual.period, today, Form(MultiDict(typed), found=error.problems)
        )
