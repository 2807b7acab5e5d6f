"""The period of a report as the address of its page has it: a preset, or two days.

Decided here: which presets there are and what a page shows when the days are wrong. Not here:
how many days a report may cover (`reports/period`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from linkservice.errors import Invalid
from linkservice.fields import Problems
from linkservice.reports.filters import NO_FILTERS, Filters, choose_filters
from linkservice.reports.period import Period, choose_period, day_of
from linkservice.web.forms import Form
from linkservice.web.i18n import N_, gettext, write_span
from linkservice.web.page import address

PRESETS = {
    "7d": N_("7 days"),
    "28d": N_("28 days"),
    "90d": N_("90 days"),
    "month": N_("This month"),
    "last_month": N_("Last month"),
    "year": N_("This year"),
    "12m": N_("12 months"),
}
USUAL = "28d"


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
        """Every preset with its name."""
        return [(name, gettext(label)) for name, label in PRESETS.items()]

    @property
    def name(self) -> str:
        """What the days are called: by their preset, else by themselves."""
        return gettext(PRESETS[self.preset]) if self.preset else self.label

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
        Period(*_days_of(preset, today), time_zone),
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


def _days_of(preset: str, today: date) -> tuple[date, date]:
    month = today.replace(day=1)
    if preset == "month":
        return month, today
    if preset == "last_month":
        last = month - timedelta(days=1)
        return last.replace(day=1), last
    if preset == "year":
        return today.replace(month=1, day=1), today
    if preset == "12m":
        # The day after today's date a year ago; 29 February has none, and 1 March follows it.
        leap = (today.month, today.day) == (2, 29)
        before = today.replace(year=today.year - 1, day=28 if leap else today.day)
        return before + timedelta(days=1), today
    days = {"7d": 7, "90d": 90}.get(preset, 28)
    return today - timedelta(days=days - 1), today
