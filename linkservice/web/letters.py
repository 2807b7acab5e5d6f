"""A letter about a workspace's days: its words, once as plain text and once as HTML.

Both forms are made of the same `Words`, so they say the same. Not here: how it looks
(`letter_looks`), the figures (`reports/digest`), who gets a letter (`reports/letters`), how it is
sent (`postman`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from jinja2 import Environment

from linkservice.config import Settings
from linkservice.reports.digest import Digest
from linkservice.reports.letters import Recipient, Rhythm, way_out
from linkservice.reports.trend import WEEK
from linkservice.web import change_sentences, cost_verdicts, figures
from linkservice.web.charts import Note
from linkservice.web.comparisons import change_words
from linkservice.web.i18n import gettext, ngettext, speaking, write_day, write_number, write_span
from linkservice.web.letter_looks import inline_look
from linkservice.web.periods import Chosen
from linkservice.web.ranked import Ranking, Shown
from linkservice.workspaces.model import Workspace

MOST_OUTSTANDING = 3
"""Of the best and of the worst."""

MOST_CHANGES = 6

Address: TypeAlias = Callable[..., str]
"""Makes the path of a page by its view's name, as `page.address` does."""

SIGNS = {"best": "▲", "worst": "▼"}


@dataclass(frozen=True, slots=True)
class Figure:
    """A key figure: its name, its value as it is written, and how it changed, in words."""

    label: str
    value: str
    change: str


@dataclass(frozen=True, slots=True)
class Item:
    """A touchpoint in one sentence; `look` is "best" or "worst", `place` its page."""

    name: str
    stage: str
    look: str
    word: str
    sentence: str
    place: str

    @property
    def sign(self) -> str:
        return SIGNS[self.look]


@dataclass(frozen=True, slots=True)
class Part:
    """A head with touchpoints under it, or with the sentence that there are none; then notes.
    `before` are sentences on all of them, which come first.
    """

    head: str
    items: Sequence[Item]
    nothing: str
    notes: Sequence[str] = ()
    before: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """All that a letter says. `ways` are addresses with what they are called."""

    locale: str
    subject: str
    workspace: str
    title: str
    figures: Sequence[Figure]
    notes: Sequence[str]
    parts: Sequence[Part]
    ways: Sequence[tuple[str, str]]
    why: str
    change: tuple[str, str]
    way_out: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Written:
    """A letter ready to be sent. `way_out` ends such letters when it is posted to."""

    subject: str
    text: str
    html: str
    way_out: str


def write(
    settings: Settings,
    templates: Environment,
    address: Address,
    recipient: Recipient,
    rhythm: Rhythm,
    found: Digest,
) -> Written:
    """The letter in the recipient's language."""
    with speaking(recipient.locale, found.period.time_zone):
        words = words_of(settings, address, recipient, rhythm, found)
        template = templates.get_template("web/letters/mail.html")
        html = template.render(letter=words, look=inline_look)
        return Written(words.subject, as_text(words), html, words.way_out[1])


def words_of(
    settings: Settings, address: Address, recipient: Recipient, rhythm: Rhythm, found: Digest
) -> Words:
    """What the letter says, in the language spoken now."""

    def place(endpoint: str, **values: object) -> str:
        return settings.base_url + address(endpoint, **values)

    chosen = Chosen("", found.period, found.period.last)
    days = {name: value for name, value in chosen.query.items() if value}
    title = chosen.label if rhythm == "weekly" else write_day(found.period.first, "yMMMM")
    told = _figures(found)
    return Words(
        locale=recipient.locale,
        subject=_subject(recipient.workspace, title, told[0]),
        workspace=recipient.workspace.name,
        title=title,
        figures=told,
        notes=_notes(recipient.workspace, found),
        parts=[
            *_verdicts(found, place, days),
            *_costs(found),
            _changes(found, place, days),
            _quality(found),
        ],
        ways=[
            (gettext("See the whole report"), place("overview", **days)),
            (gettext("All touchpoints"), place("reports", **days)),
            *([(gettext("Costs"), place("costs_report", **days))] if found.costs else []),
        ],
        why=_why(recipient.workspace, rhythm),
        change=(gettext("Change how often it comes"), place("letters")),
        way_out=(
            gettext("No more letters"),
            place("leave_letters", token=way_out(settings, recipient.member.id)),
        ),
    )


def as_text(words: Words) -> str:
    """The letter without any form; addresses stand on lines of their own."""
    return "\n".join(_lines(words)) + "\n"


def _lines(words: Words) -> Iterator[str]:
    yield from (words.workspace, words.title, "")
    for figure in words.figures:
        yield f"{figure.label}: {figure.value}" + (f" ({figure.change})" if figure.change else "")
    yield from ("", *words.notes)
    for part in words.parts:
        yield from ("", part.head, "")
        for sentence in part.before:
            yield from (sentence, "")
        yield from _items(part)
        yield from part.notes
    yield ""
    for label, place in words.ways:
        yield from (f"{label}:", place, "")
    yield from ("-- ", words.why)
    for label, place in (words.change, words.way_out):
        yield from (f"{label}:", place)


def _items(part: Part) -> Iterator[str]:
    if not part.items:
        yield from (part.nothing, "")
    for item in part.items:
        yield f"{item.sign} {item.name} ({item.stage}), {item.word}: {item.sentence}"
        yield from (item.place, "")


def _subject(workspace: Workspace, title: str, first: Figure) -> str:
    facts = {
        "workspace": workspace.name,
        "days": title,
        "label": first.label,
        "value": first.value,
        "change": first.change,
    }
    if first.change:
        return gettext("%(workspace)s, %(days)s: %(label)s %(value)s, %(change)s", **facts)
    return gettext("%(workspace)s, %(days)s: %(label)s %(value)s", **facts)


def _figures(found: Digest) -> list[Figure]:
    before = found.before
    told: list[tuple[str, int, int | None]] = [
        (
            gettext(label),
            getattr(found.counts, key),
            getattr(before.counts, key) if before else None,
        )
        for key, label in figures.FIGURES.items()
    ]
    now, then = found.report.totals.conversions, before.conversions if before else None
    if now or then:
        told.append((gettext("Conversions"), now, then))
    return [
        Figure(label, write_number(now), _changed(found, now, then)) for label, now, then in told
    ]


def _changed(found: Digest, now: int, before: int | None) -> str:
    """The change in words, with the month or week it is from; "" without a comparison."""
    if found.before is None or before is None:
        return ""
    others = gettext("the week before")
    if _is_month(found):
        others = gettext("in %(month)s", month=write_day(found.before.period.first, "yMMMM"))
    return change_words(now, before, others)


def _is_month(found: Digest) -> bool:
    return len(found.period) > WEEK


def _before_note(found: Digest) -> str:
    """Which days the figures are compared with, all of them."""
    if found.before is None:
        return gettext("No comparison yet: there are no figures of the same length before.")
    before, days = found.before.period, len(found.period)
    if not _is_month(found):
        span = write_span(before.first, before.last)
        return gettext("Compared with the week before: %(days)s.", days=span)
    month = write_day(before.first, "yMMMM")
    if len(before) == days:
        return gettext("Compared with the whole month of %(month)s.", month=month)
    return gettext(
        "Compared with the whole month of %(month)s: %(before)s days beside %(days)s.",
        month=month,
        before=write_number(len(before)),
        days=write_number(days),
    )


def _notes(workspace: Workspace, found: Digest) -> list[str]:
    notes = [
        _before_note(found),
        gettext(
            "Visitors are counted by day and touchpoint: who comes on two days, or at two "
            "touchpoints, counts twice."
        ),
    ]
    if found.notes:
        told = "; ".join(str(Note(each.date, each.text)) for each in found.notes)
        notes.append(gettext("Notes: %(notes)s.", notes=told))
    if workspace.demonstration:
        notes.insert(0, gettext("Demonstration – invented data"))
    return notes


def _verdicts(found: Digest, place: Address, days: Mapping[str, str]) -> list[Part]:
    """The best and the worst; one part without either where nothing stands out."""
    ranking = Ranking.of(found.report, found.other_sides)
    heads = {"best": gettext("Best touchpoints"), "worst": gettext("Weakest touchpoints")}
    best = ranking.outstanding("best", MOST_OUTSTANDING)
    worst = ranking.outstanding("worst", MOST_OUTSTANDING)
    if not best and not worst:
        nothing = gettext(
            "No touchpoint stands out in this period: no difference that chance could not explain, "
            "or too little reach to tell."
        )
        return [Part(gettext("Best and worst touchpoints"), (), nothing)]
    both = {
        "best": (best, gettext("None is better than its peers beyond chance.")),
        "worst": (worst, gettext("None is worse than its peers beyond chance.")),
    }
    return [
        Part(heads[look], [_judged(each, look, place, days) for each in shown], nothing)
        for look, (shown, nothing) in both.items()
    ]


def _judged(shown: Shown, look: str, place: Address, days: Mapping[str, str]) -> Item:
    row = shown.row
    return Item(
        row.name or "",
        row.stage or "",
        look,
        shown.verdict,
        shown.said,
        place("touchpoint_report_page", id=row.id, **days),
    )


def _costs(found: Digest) -> list[Part]:
    """What was spent, and where to save, as the report on costs says it; nothing without a cost."""
    if found.costs is None:
        return []
    return [Part(gettext("Costs"), (), " ".join(cost_verdicts.sentences(found.costs)))]


def _changes(found: Digest, place: Address, days: Mapping[str, str]) -> Part:
    told = change_sentences.changes(found.changes)
    notes = [
        gettext(
            "Judged are the last day and the last three, beside the same weekdays of up to twelve "
            "weeks before and the age of the touchpoint. Of the changes named, on average at "
            "most one in twenty is chance."
        ),
        *change_sentences.notes(found.changes)[1:],
    ]
    if len(told) > MOST_CHANGES:
        more = ngettext(
            "One more is in the report.",
            "%(num)s more are in the report.",
            len(told) - MOST_CHANGES,
        )
        notes.insert(0, more)
    return Part(
        change_sentences.heading(found.changes),
        [
            Item(
                each.row.name,
                each.row.stage,
                each.look,
                each.word,
                each.sentence,
                place("touchpoint_report_page", id=each.row.id, **days),
            )
            for each in told[:MOST_CHANGES]
        ],
        gettext(
            "Nothing: every touchpoint that can be judged brings what is usual on these weekdays."
        ),
        notes,
        change_sentences.tide_sentences(found.changes),
    )


def _quality(found: Digest) -> Part:
    """What was counted apart, so that one sees what the figures rest on."""
    apart = ", ".join(
        f"{each.label} {write_number(each.count)}" + (f" ({each.doubt})" if each.doubt else "")
        for each in figures.apart(found.report.totals, suspects=False)
    )
    if apart:
        told = gettext("Counted apart, in no figure above: %(list)s.", list=apart)
    else:
        told = gettext("Nothing had to be counted apart.")
    return Part(gettext("Data quality"), (), told)


def _why(workspace: Workspace, rhythm: Rhythm) -> str:
    if rhythm == "weekly":
        return gettext(
            "You asked for this letter every Monday about “%(name)s”.", name=workspace.name
        )
    return gettext("You asked for this letter every month about “%(name)s”.", name=workspace.name)
