"""Mail scanners that pose as browsers, and show only in how they click.

They follow every link of a mailing within seconds: many different links, each once, from one
network, with one user agent and nothing that led there. Whoever opens links by hand takes
longer, and a crowd behind one address clicks the same links again and again. A crowd behind many
addresses of one network, as a telephone company's customers are, meets that by chance, the oftener
the more links there are; but each of them clicks one or two, and others did so just before. So it
takes a few addresses, or silence before. Private networks are not watched: no scanner stands
there, but behind a proxy that nobody named in the settings everybody does.

Measured on crowds of one network and agent, a click every ten seconds to three a second, for half
an hour: behind 256 addresses at most 0.2 % of them are suspected with 8 or 20 links and 0.7 % with
100 (without that 62 % and 93 % at one a second), behind a single address as many as without.

`Suspects` watches clicks by the time they were made, over a few seconds, and holds a bounded
number of networks; what it held is lost at a restart, and then a scanner that was at work
just then stays a person. The verdict changes clicks that are already counted, by
`clicks/amending.py`; nothing is deleted, and reports can count them again.

Not here: scanners that give their name (`clicks/robots.py`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple, TypeAlias

import numpy as np

from linkservice.clicks.placing import that_count
from linkservice.clicks.reading import Records, Rows, Sent
from linkservice.clicks.visitor import is_private, unpacked_network

SPAN_MS = 5_000
"""Within so long a scanner has followed its links, and after so long without a click it is gone."""

LEAST_LINKS = 5
"""Different links within the span: four a person may have opened in tabs."""

SILENCE_MS = 60_000
"""Who comes after so long without a click is no part of a crowd that is at it."""

LINKS_EACH = 2
"""Links that each address has followed, on average: with fewer they may be a crowd."""

MOST_NETWORKS = 20_000
MOST_CLICKS = 100
"""Clicks of one network and agent that are held; a scanner's mailing has fewer links."""

SegmentKey: TypeAlias = tuple[str, str]
"""Node and name."""

Token: TypeAlias = tuple[int, int] | None
"""A visitor's token as two numbers; None where there is none, or nobody knows it any more."""

_Who: TypeAlias = tuple[int, int, Sent]
"""Workspace, network, agent."""


_Seen: TypeAlias = tuple[SegmentKey, str, int, int, int, int, bool, list[int]]
"""A click as `_click` takes it: of most no more is made, because they come alone."""


class Made(NamedTuple):
    """A click that was counted: where its row is, and what no row tells."""

    segment: SegmentKey
    position: int
    token: Token
    journey_id: int


class _Click(NamedTuple):
    time_ms: int
    link_id: int
    language: bool
    made: Made


class _Window:
    """The latest clicks of one network and agent."""

    def __init__(self, first: _Click) -> None:
        self.began_ms = self.newest_ms = first.time_ms
        self.clicks = {first.made: first}
        self.suspected = False

    def add(self, click: _Click) -> None:
        apart_ms = abs(click.time_ms - self.newest_ms)
        if apart_ms > SILENCE_MS:
            self.began_ms = click.time_ms
        if apart_ms > SPAN_MS:
            # Somebody else by now; or another segment, whose clicks are older.
            self.clicks.clear()
            self.suspected = False
            self.newest_ms = click.time_ms
        self.newest_ms = max(self.newest_ms, click.time_ms)
        self.clicks[click.made] = click
        if not self.suspected:
            oldest = self.newest_ms - SPAN_MS
            self.clicks = {each: of for each, of in self.clicks.items() if of.time_ms >= oldest}
        while len(self.clicks) > MOST_CLICKS:
            del self.clicks[next(iter(self.clicks))]

    def judged(self, made: Made) -> Iterable[Made]:
        """The clicks that `made`, the latest, shows to be a scanner's."""
        if len(self.clicks) < LEAST_LINKS:
            return ()
        links = {click.link_id for click in self.clicks.values()}
        # One that tells no language, as every browser of a person does, may ask twice.
        times = 1 if any(click.language for click in self.clicks.values()) else 2
        known = self.suspected
        self.suspected = (
            len(links) >= LEAST_LINKS
            and len(self.clicks) <= times * len(links)
            and (self._came_alone() or self._visitors() * LINKS_EACH <= len(links))
        )
        if not self.suspected:
            # The same links again: a crowd, whatever its beginning looked like.
            return ()
        return (made,) if known else self.clicks

    def _came_alone(self) -> bool:
        """Whether nobody of that network and agent came just before these clicks."""
        return self.began_ms >= min(click.time_ms for click in self.clicks.values())

    def _visitors(self) -> int:
        """How many addresses it may be: where nobody is told apart, each click is of another."""
        return len({made.token or made for made in self.clicks})


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What a batch brought to light: places in it, and clicks that were counted before."""

    here: frozenset[int] = frozenset()
    before: frozenset[Made] = frozenset()


class Suspects:
    """Watches the clicks of one ingester."""

    def __init__(self) -> None:
        self._windows: OrderedDict[_Who, _Window | _Seen] = OrderedDict()
        """Most come once: a click alone is its window until there is a second one."""
        self._owed: set[Made] = set()
        """Clicks that are known to be a scanner's and still counted as a person's."""

    def watch(self, segment: SegmentKey, records: Records, clicks: Rows) -> Suspicion:
        """Look at a batch before it is written; whoever could not write it may show it again.

        `clicks` are what became of the records.
        """
        here: set[int] = set()
        positions = clicks["position"]
        for who, seen in _watched(segment, records, clicks):
            for each in self._judged(who, seen):
                place = int(np.searchsorted(positions, each.position))
                in_batch = each.segment == segment and place < len(positions)
                if in_batch and positions[place] == each.position:
                    here.add(place)
                else:
                    self._owed.add(each)
        return Suspicion(frozenset(here), frozenset(self._owed))

    def settle(self, found: Suspicion) -> None:
        """Note that what was counted before is put right, once that is committed."""
        self._owed -= found.before

    def _judged(self, who: _Who, seen: _Seen) -> Iterable[Made]:
        """The clicks that this one shows to be a scanner's."""
        window = self._windows.get(who)
        if window is None:
            self._windows[who] = seen
            if len(self._windows) > MOST_NETWORKS:
                self._windows.popitem(last=False)
            return ()
        self._windows.move_to_end(who)
        if isinstance(window, tuple):
            window = self._windows[who] = _Window(_click(*window))
        click = _click(*seen)
        window.add(click)
        return window.judged(click.made)


def _watched(segment: SegmentKey, records: Records, clicks: Rows) -> Iterable[tuple[_Who, _Seen]]:
    """Who may be a scanner: came as a person, from a public network, with nothing that led here."""
    rows = records.rows[np.searchsorted(records.rows["offset"], clicks["position"])]
    origins, whose = np.unique(rows["origin"], return_inverse=True)
    alone = [not records.origins[origin].referrer_host for origin in origins.tolist()]
    watched = that_count(clicks) & ~clicks["scan"] & np.array(alone, np.bool_)[whose]
    networks, whose = np.unique(clicks["network"][watched], return_inverse=True)
    public = [_is_public(network) for network in networks.tolist()]
    watched[watched] = np.array(public, np.bool_)[whose]
    clicks, rows = clicks[watched], rows[watched]
    columns = {name: clicks[name].tolist() for name in _OF_CLICK}
    agents = [records.agents[agent] for agent in rows["agent"].tolist()]
    languages = [records.origins[origin].language for origin in rows["origin"].tolist()]
    seen = (columns[name] for name in ("time_ms", "link_id", "position", "tokenless", "token"))
    return zip(
        zip(columns["workspace_id"], columns["network"], agents, strict=True),
        zip(repeat(segment), languages, columns["journey_id"], *seen, strict=False),
        strict=True,
    )


_OF_CLICK = (
    *("position", "time_ms", "link_id", "workspace_id", "network", "tokenless", "token"),
    "journey_id",
)


def _click(
    segment: SegmentKey,
    language: str,
    journey_id: int,
    time_ms: int,
    link_id: int,
    position: int,
    tokenless: bool,
    token: list[int],
) -> _Click:
    made = Made(segment, position, None if tokenless else (token[0], token[1]), journey_id)
    return _Click(time_ms, link_id, bool(language), made)


def _is_public(network: int) -> bool:
    return network != 0 and not is_private(unpacked_network(network))
