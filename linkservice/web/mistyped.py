"""An address that asks for what cannot be: which of its fields is wrong, what can stand there, and
the address without it.

Decided here: what is said of a wrong field on a page of the app, and what was probably meant. Not
here: which values there are (the nouns raise `Invalid` and `NotFound`), forms that are refused
(`door`), and errors that are of no field of the query (`problems`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from urllib.parse import urlencode

from flask import Response, request
from werkzeug.datastructures import MultiDict

from linkservice.errors import Invalid, NotFound, Problem
from linkservice.web.arrangement import CHOICE_WORDS, FILTERS
from linkservice.web.counted import METRIC_WORDS
from linkservice.web.forms import Form
from linkservice.web.i18n import N_, gettext
from linkservice.web.page import Page
from linkservice.web.regions import country_choices, every_country_name
from linkservice.web.value_words import ATTRIBUTION_WORDS, FACET_WORDS, VALUE_WORDS

_LABELS = {
    **FACET_WORDS,
    **FILTERS,
    "metric": N_("What is compared"),
    "attribution": N_("Whose a conversion is"),
    "group": N_("Group by"),
    "journey_id": N_("Journey"),
    "from": N_("From"),
    "to": N_("To"),
    "format": N_("File format"),
}

_WORDS: Mapping[str, Mapping[str, str]] = {
    "format": {"csv": N_("CSV"), "jsonl": N_("JSON lines"), "xlsx": N_("Excel (XLSX)")},
    **CHOICE_WORDS,
    "metric": {str(metric): words for metric, words in METRIC_WORDS.items()},
    "attribution": ATTRIBUTION_WORDS,
}
"""What values of fields are called that are no filters of clicks."""

_ON_PAGES = {"not_one_of": "no_such_choice", "bad_country": "no_such_country"}
"""What is said beside a list: programs are told the words they can send."""

_LONGEST = 60
"""Characters of a wrong value that are shown again: enough to know it by."""

_CLOSE = 0.72
"""How alike what was typed and what was meant are, of 1: “Germanyy” is 0.93, “phone” 0.67."""

Options = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Wrong:
    """A field whose value cannot be. `options` is what can be chosen, none where anything may be
    typed; `meant` is the choice that looks like it, with its address. `is_typed` says that a person
    can write the value; the number of a thing is found by a click.
    """

    name: str
    label: str
    value: str
    without: str
    options: Options
    meant: tuple[str, str] | None

    @property
    def is_typed(self) -> bool:
        return not self.name.endswith("_id")

    @property
    def choices(self) -> Options:
        """What the list offers: what was typed stands first, since it is what is chosen."""
        return [(self.value, self.value), *self.options]


def answer_to(page: Page, error: Invalid | NotFound) -> Response | None:
    """The page that says what of the query is wrong; None where it is something else, or a
    program asks.
    """
    query = page.query
    named = [problem for problem in error.problems if problem.field in query]
    if page.wants_json or not named or len(named) < len(error.problems):
        return None
    names = list(dict.fromkeys(problem.field for problem in named))
    told = [_told(problem, query) for problem in named]
    wrong = [_wrong(query, next(p for p in named if p.field == name)) for name in names]
    typed = MultiDict((name, text) for name, text in query.items())
    form = Form(typed, found=told)
    return page.render(
        "mistyped.html",
        error.status,
        wrong=wrong,
        asked=form,
        kept=[(name, text) for name, text in query.items() if name not in names],
        path=request.path,
        without=_place(query, *names),
    )


def _told(problem: Problem, query: Mapping[str, str]) -> Problem:
    """The problem for who chooses from a list, and needs none of the words programs send."""
    code = _ON_PAGES.get(problem.code)
    return (
        Problem(problem.field, code, {"text": query[problem.field][:_LONGEST]}) if code else problem
    )


def _wrong(query: Mapping[str, str], problem: Problem) -> Wrong:
    name, value = problem.field, query[problem.field]
    options = _options(problem)
    called = every_country_name() if problem.code == "bad_country" else options
    meant = _meant(value, options, called)
    return Wrong(
        name=name,
        label=gettext(_LABELS[name]) if name in _LABELS else name,
        value=value[:_LONGEST],
        without=_place(query, name),
        options=options,
        meant=meant and (meant[1], _place({**query, name: meant[0]})),
    )


def _options(problem: Problem) -> Options:
    """What the field can be, in words: a country, or what the problem itself allows."""
    if problem.code == "bad_country":
        return country_choices()
    allowed = str(problem.params.get("allowed", ""))
    word = _word(problem.field)
    return [(each, word(each)) for each in allowed.split(", ") if each]


def _word(name: str) -> Callable[[str], str]:
    if name in VALUE_WORDS:
        return VALUE_WORDS[name]
    words = _WORDS.get(name, {})
    return lambda value: gettext(words[value]) if value in words else value


def _meant(value: str, options: Options, called: Options) -> tuple[str, str] | None:
    """The choice that is written or called nearly so, in any language we speak."""
    codes = {name.casefold(): code for code, name in called}
    codes |= {code.casefold(): code for code, _ in options}
    alike = get_close_matches(value[:_LONGEST].casefold(), codes, n=1, cutoff=_CLOSE)
    if not alike:
        return None
    code = codes[alike[0]]
    return code, dict(options)[code]


def _place(query: Mapping[str, str], *without: str) -> str:
    """This page without some of its fields."""
    left = {name: text for name, text in query.items() if name not in without}
    return f"{request.path}?{urlencode(left)}" if left else request.path
