"""How many values a link may add to its day: what senders make up must not fill the tables.

Languages, referring hosts and the names of robots, browsers and systems come from the sender.
Of each of these facets a link's day takes up some `MOST` values; what comes after them is counted
among `OTHERS`, so that totals stay what they are. Decided before words get their numbers: the
row then has the number that roll-ups count by, and whatever is taken away later is what was added.

While an ingester has met fewer words than that, no day can have more (`may_fill`), and none is
looked at. From then on clicks are counted: only of crowded days, with more clicks than `MOST`,
values are remembered; those such a day has already are read from the roll-ups. What came before and
is not there yet comes on top, so that a run of an ingester adds up to three times `MOST`.
Misses, which have no roll-ups, are kept from filling the dictionary in the same way, by domain.

Not here: countries and cities (a file names them) and kinds of device (we do).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from sys import intern
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from linkservice.clicks.agents import Agent, classify
from linkservice.clicks.grouping import Ints, grouped
from linkservice.clicks.model import OTHERS, FacetValue
from linkservice.clicks.packed_model import EveryLinkFacet
from linkservice.clicks.reading import Came, Rows, Sent
from linkservice.database import Database

MOST = 1_000
"""Values of one facet; more than a link of an honest mailing ever has on a day."""

LIMITED = ("language", "referrer", "robot", "browser", "system")

_MOST_DAYS = 100_000  # of links, whose clicks are counted; beyond, all are counted anew
_MOST_CROWDED = 2_000  # of these, whose values are remembered

_SHIFT = 41  # above twice the number of a link

_Value = TypeVar("_Value")
Where: TypeAlias = int
"""The day of a link, or of the misses of a domain, as one number."""


class Limit:
    """The values of crowded days, as one ingester knows them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clicks: dict[Where, int] = {}
        self._values: dict[Where, dict[str, set[str]]] = {}
        self._within: dict[Where, set[object]] = {}

    def may_fill(self, words: int) -> bool:
        """Whether so many words are enough for a day to have too many."""
        return words > MOST

    def crowded(self, clicks: Rows) -> NDArray[np.bool_]:
        """Count clicks, and tell which are of crowded days. Must not be called within a
        transaction.
        """
        places, whose, counts = np.unique(_places(clicks), return_inverse=True, return_counts=True)
        if len(self._clicks) > _MOST_DAYS:
            self._clicks.clear()
        known = places.tolist()
        totals = [
            self._clicks.get(place, 0) + count
            for place, count in zip(known, counts.tolist(), strict=True)
        ]
        self._clicks.update(zip(known, totals, strict=True))
        many = np.array(totals, np.int64) > MOST
        if many.any():
            self._learn(places[many].tolist())
        found: NDArray[np.bool_] = many[whose]
        return found

    def agents(
        self,
        clicks: Rows,
        crowded: NDArray[np.bool_],
        agents: Sequence[Sent | Agent],
        whose: Ints,
    ) -> tuple[list[Sent | Agent], Ints]:
        """The agents and whose each is (places in them), after what was sent has become, for each
        of the crowded clicks, what it is within its day.
        """
        return self._cut(clicks, crowded, whose, agents, self._agent_within)

    def origins(
        self, clicks: Rows, crowded: NDArray[np.bool_], origins: Sequence[Came], whose: Ints
    ) -> tuple[list[Came], Ints]:
        """As `agents`, of languages and referrers."""
        return self._cut(clicks, crowded, whose, origins, self._origin_within)

    def _cut(
        self,
        clicks: Rows,
        crowded: NDArray[np.bool_],
        whose: Ints,
        values: Sequence[_Value],
        within: Callable[[Where, _Value], _Value],
    ) -> tuple[list[_Value], Ints]:
        if not crowded.any():
            return list(values), whose
        places, mine = _places(clicks)[crowded], whose[crowded]
        groups = grouped(places, mine)
        first = groups.first
        known, place_of = list(values), {value: number for number, value in enumerate(values)}
        become = np.empty(len(first), np.int64)
        asked = zip(places[first].tolist(), mine[first].tolist(), strict=True)
        for group, (place, number) in enumerate(asked):
            become[group] = number
            if values[number] in self._within[place]:
                continue
            value = within(place, values[number])
            if value == values[number]:
                self._within[place].add(value)
                continue
            if value not in place_of:
                place_of[value] = len(known)
                known.append(value)
            become[group] = place_of[value]
        whose = whose.copy()
        whose[crowded] = become[groups.whose]
        used, whose = np.unique(whose, return_inverse=True)
        return [known[number] for number in used.tolist()], whose

    def _word(self, place: Where, facet: str, value: str) -> str:
        """The value, or `OTHERS` where a crowded day has enough of them."""
        known = self._values[place][facet]
        if value and value not in known:
            if len(known) >= MOST:
                return OTHERS
            known.add(intern(value))
        return value

    def _agent_within(self, place: Where, sent: Sent | Agent) -> Sent | Agent:
        """What was sent, or what it was read as where the day has enough of its names."""
        agent = read_as(sent)
        kept = replace(
            agent,
            robot=self._word(place, "robot", agent.robot),
            browser=self._word(place, "browser", agent.browser),
            system=self._word(place, "system", agent.system),
        )
        return sent if kept == agent else kept

    def _origin_within(self, place: Where, came: Came) -> Came:
        return Came(
            self._word(place, "language", came.language),
            self._word(place, "referrer", came.referrer_host),
        )

    def _learn(self, places: list[Where]) -> None:
        """Read the values of days that are crowded only now."""
        new = [place for place in places if place not in self._values]
        if not new:
            return
        if len(self._values) + len(new) > _MOST_CROWDED:
            self._values = {each: self._values[each] for each in places if each in self._values}
            self._within = {each: self._within[each] for each in self._values}
        query = (
            select(FacetValue.facet, FacetValue.value)
            .join(EveryLinkFacet, EveryLinkFacet.value_id == FacetValue.id)
            .where(FacetValue.facet.in_(LIMITED))
        )
        with self._database.reading() as session:
            for place in new:
                found = self._values[place] = defaultdict(set)
                self._within[place] = set()
                link_id, is_miss = divmod(place & ((1 << _SHIFT) - 1), 2)
                if is_miss:
                    continue
                day = date.fromordinal(place >> _SHIFT)
                of_it = EveryLinkFacet.local_date == day, EveryLinkFacet.link_id == link_id
                for facet, value in session.execute(query.where(*of_it)):
                    found[facet].add(intern(value))


def read_as(sent: Sent | Agent) -> Agent:
    """Which agent it is; one that was cut is told as such."""
    return sent if isinstance(sent, Agent) else classify(sent.user_agent, sent.hints)


def _places(clicks: Rows) -> Ints:
    of_domain = clicks["domain_id"] * 2 + 1
    return clicks["day"] << _SHIFT | np.where(clicks["link_id"], clicks["link_id"] * 2, of_domain)
