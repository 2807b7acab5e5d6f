"""Which of a touchpoint's links brings more visitors, in words: on its page and on paper.

Decided here: what is said when nothing is certain, and on what all of it rests: that each link is
seen about as often as the others, which nobody counts. Not here: the judgement (`reports/contest`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from linkservice.reports.contest import Standing
from linkservice.reports.contested import Contest
from linkservice.reports.needed import MOST_TIMES
from linkservice.reports.paper_table import Column, Part, Row
from linkservice.reports.touchpoints import LinkShare
from linkservice.web.counted import Fact
from linkservice.web.fieldwords import VERDICTS, signed
from linkservice.web.i18n import gettext, ngettext, write_number, write_percent, write_span


@dataclass(frozen=True, slots=True)
class Place:
    """How one link stands: its share, how sure that is, and the verdict if it is certain."""

    name: str
    share: str
    sure: str
    verdict: str
    word: str


@dataclass(frozen=True, slots=True)
class Told:
    """Which links bring more, on what that rests, and how each of them stands, by its id."""

    finding: str
    basis: str
    places: Mapping[int, Place]


def told_contest(contest: Contest, links: Sequence[LinkShare]) -> Told:
    """The contest in words; `links` are all of the touchpoint."""
    names = {each.link.id: each.link.title or f"{each.host}/{each.link.slug}" for each in links}
    places = {each.link_id: _place(each, names[each.link_id]) for each in contest.links}
    period = contest.period
    basis = gettext(
        "Compared are the visitors of %(days)s, when all of them were there. It holds if each is "
        "seen about as often as the others.",
        days=write_span(period.first, period.last),
    )
    return Told(_finding(contest, places), basis, places)


def contest_part(told: Told) -> Part:
    """The same on paper."""
    columns = (
        Column(gettext("Link"), 0.4),
        Column(gettext("Share of visitors"), 0.2, "number"),
        Column(gettext("What is certain"), 0.4),
    )
    rows = [
        Row((each.name, each.share, "\n".join(filter(None, (_signed(each), each.sure)))))
        for each in told.places.values()
    ]
    return Part(gettext("Links side by side"), columns, rows, f"{told.finding} {told.basis}")


def explained(facts: Sequence[Fact], contest: Contest | None) -> list[Fact]:
    """How a touchpoint was counted, and how its links were compared, if they were."""
    if contest is None:
        return list(facts)
    fact = Fact(
        gettext("Links side by side"),
        gettext(
            "The share of each link in the visitors of all of them, on days on which all were "
            "there: weather and weekdays are the same for each. Clicks without a token count as "
            "one visitor each. Restless days count as that, a difference only from a tenth on, and "
            "all links are judged together: among links that are equally good one is called best "
            "or worst in at most 6.5%% of reports. Who had no visitor for long takes no part: it "
            "may not have hung. Nobody knows how often each was seen."
        ),
    )
    # After clicks and visitors.
    return [*facts[:2], fact, *facts[2:]]


def _signed(place: Place) -> str:
    return signed(place.verdict, place.word) if place.word else ""


def _place(each: Standing, name: str) -> Place:
    certain = each.verdict in ("best", "worst")
    interval = gettext(
        "%(low)s to %(high)s", low=write_percent(each.low), high=write_percent(each.high)
    )
    return Place(
        name,
        write_percent(each.share),
        gettext("95%%: %(interval)s", interval=interval),
        each.verdict if certain else "",
        gettext(VERDICTS[each.verdict]) if certain else "",
    )


def _finding(contest: Contest, places: Mapping[int, Place]) -> str:
    best = [places[each.link_id] for each in contest.links if each.verdict == "best"]
    worst = [places[each.link_id] for each in contest.links if each.verdict == "worst"]
    if len(contest.links) == 2 and best:
        return gettext(
            "“%(best)s” certainly brings more visitors than “%(other)s”: %(share)s of both "
            "(%(sure)s).",
            best=best[0].name,
            other=places[contest.links[1].link_id].name,
            share=best[0].share,
            sure=best[0].sure,
        )
    if best or worst:
        more = gettext("Certainly more visitors than others bring %(names)s.", names=_names(best))
        fewer = gettext("Certainly fewer than others bring %(names)s.", names=_names(worst))
        return " ".join([*([more] if best else []), *([fewer] if worst else [])])
    early = [each.more_visitors_needed for each in contest.links if each.more_visitors_needed]
    if not early:
        return gettext("All of these links bring about as many visitors.")
    needed = min(early)
    if needed > MOST_TIMES * contest.visitors:
        return gettext("If one of these links brings more visitors, it is by too little to prove.")
    first, equal = contest.links[0], 1 / len(contest.links)
    if first.low > equal:
        said = gettext(
            "“%(name)s” brings more visitors than an equal share: %(share)s (%(sure)s). That it is "
            "a tenth more, and so counts, is not certain yet",
            name=places[first.link_id].name,
            share=places[first.link_id].share,
            sure=places[first.link_id].sure,
        )
    else:
        said = gettext("Which of these links brings more visitors cannot be told yet")
    after = ngettext(
        "perhaps after one more visitor",
        "perhaps after about %(more)s more visitors",
        needed,
        more=write_number(round(needed, 2 - len(str(needed)))),
    )
    return gettext("%(said)s: %(after)s, or in a longer period.", said=said, after=after)


def _names(places: Sequence[Place]) -> str:
    return ", ".join(gettext("“%(name)s”", name=each.name) for each in places)
