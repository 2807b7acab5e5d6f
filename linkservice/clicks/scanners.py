"""Mail scanners that pose as browsers, and show only in how they click.

They follow every link of a mailing within seconds: many different links, each once, from one
network, with one user agent and nothing that led there. Whoever opens links by hand takes
longer, and a crowd behind one address clicks the same links again and again. Private
networks are not watched: no scanner stands there, but behind a proxy that nobody named in the
settings everybody does.

`Suspects` watches clicks by the time they were made, over a few seconds, and holds a bounded
number of networks; what it held is lost at a restart, and then a scanner that was at work
just then stays a person. The verdict changes clicks that are already counted, by
`clicks/amending.py`; nothing is deleted, and reports can count them again.

Not here: scanners that give their name (`clicks/robots.py`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from linkservice.clicks.placing import SUSPECTED, PlacedClick
from linkservice.clicks.reading import Recorded, Sent
from linkservice.clicks.visitor import is_private

SPAN_MS = 5_000
"""Within so long a scanner has followed its links, and after so long without a click it is gone."""

LEAST_LINKS = 5
"""Different links within the span: four a person may have opened in tabs."""

MOST_NETWORKS = 20_000
MOST_CLICKS = 100
"""Clicks of one network and agent that are held; a scanner's mailing has fewer links."""

SegmentKey: TypeAlias = tuple[str, str]
"""Node and name."""

_Who: TypeAlias = tuple[int, bytes, Sent]


class Made(NamedTuple):
    """A click that was counted: where its row is, and what no row tells."""

    segment: SegmentKey
    position: int
    token: bytes
    journey_id: int


class _Click(NamedTuple):
    time_ms: int
    link_id: int
    language: bool


@dataclass(slots=True)
class _Window:
    """The latest clicks of one network and agent."""

    newest_ms: int
    clicks: dict[Made, _Click] = field(default_factory=dict)
    suspected: bool = False

    def add(self, made: Made, click: _Click) -> None:
        if abs(click.time_ms - self.newest_ms) > SPAN_MS:
            # Somebody else by now; or another segment, whose clicks are older.
            self.clicks.clear()
            self.suspected = False
            self.newest_ms = click.time_ms
        self.newest_ms = max(self.newest_ms, click.time_ms)
        self.clicks[made] = click
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
        known, self.suspected = (
            self.suspected,
            (len(links) >= LEAST_LINKS and len(self.clicks) <= times * len(links)),
        )
        if not self.suspected:
            # The same links again: a crowd, whatever its beginning looked like.
            return ()
        return (made,) if known else self.clicks


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What a batch brought to light: places in it, and clicks that were counted before."""

    here: frozenset[int] = frozenset()
    before: frozenset[Made] = frozenset()


class Suspects:
    """Watches the clicks of one ingester."""

    def __init__(self) -> None:
        self._windows: OrderedDict[_Who, _Window] = OrderedDict()
        self._owed: set[Made] = set()
        """Clicks that are known to be a scanner's and still counted as a person's."""

    def watch(
        self, segment: SegmentKey, records: Iterable[Recorded], clicks: Sequence[PlacedClick]
    ) -> Suspicion:
        """Look at a batch before it is written; whoever could not write it may show it again.

        `clicks` are what became of the records.
        """
        place_of = {click.position: place for place, click in enumerate(clicks)}
        here: set[int] = set()
        for record in records:
            place = place_of.get(record.offset)
            if place is None or record.came.referrer_host or not record.network:
                continue
            if is_private(record.network):
                continue
            click = clicks[place]
            if not click.counts or click.scan:
                continue
            window = self._window((click.workspace_id, record.network, record.sent), click)
            made = Made(segment, click.position, click.token, click.journey_id)
            window.add(made, _Click(click.time_ms, click.link_id, bool(record.came.language)))
            for each in window.judged(made):
                at = place_of.get(each.position) if each.segment == segment else None
                if at is None:
                    self._owed.add(each)
                else:
                    here.add(at)
        return Suspicion(frozenset(here), frozenset(self._owed))

    def settle(self, found: Suspicion) -> None:
        """Note that what was counted before is put right, once that is committed."""
        self._owed -= found.before

    def _window(self, who: _Who, click: PlacedClick) -> _Window:
        window = self._windows.get(who)
        if window is None:
            window = self._windows[who] = _Window(click.time_ms)
            if len(self._windows) > MOST_NETWORKS:
                self._windows.popitem(last=False)
        else:
            self._windows.move_to_end(who)
        return window


def marked(clicks: Sequence[PlacedClick], places: Iterable[int]) -> list[PlacedClick]:
    """The clicks, those at the places suspected."""
    found = list(clicks)
    for place in places:
        found[place] = found[place]._replace(kind=SUSPECTED)
    return found
