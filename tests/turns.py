"""Combinations in turn: every field with every kind, but not on every page there is.

The quick suite asks what can go wrong by itself: a field that takes a kind badly, or a page that
does. What goes wrong only with one kind in one field of one page is left to `make soak`, where
every place gets every kind. Nothing is left to chance.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

Places = Mapping[str, Collection[str]]
"""The names of fields, by the place that has them."""


def together(
    places: Places, kinds: Sequence[str], *, fewest: int, whole: bool
) -> dict[str, list[str]]:
    """With which kinds all fields of each place are filled at once.

    Every name meets every kind at some place, and every place at least `fewest` kinds.
    """
    if whole:
        return {place: list(kinds) for place in places}
    found: dict[str, list[str]] = {place: [] for place in places}
    for nth, kind in enumerate(kinds):
        unmet = {name for names in places.values() for name in names}
        for place in turned(list(places), nth * len(places) // len(kinds)):
            if not unmet.isdisjoint(places[place]):
                found[place].append(kind)
                unmet.difference_update(places[place])
    for nth, given in enumerate(found.values()):
        others = [kind for kind in turned(kinds, nth) if kind not in given]
        given += others[: max(fewest - len(given), 0)]
    return found


def alone(
    places: Places, kinds: Sequence[str], *, whole: bool, everywhere: bool = False
) -> dict[str, list[tuple[str, str]]]:
    """Which single field of each place is filled with which kind.

    Every name meets every kind at some place; `everywhere`, every field of every place at least
    one kind.
    """
    found: dict[str, list[tuple[str, str]]] = {place: [] for place in places}
    for nth, name in enumerate(sorted({name for names in places.values() for name in names})):
        having = [place for place, names in places.items() if name in names]
        if whole:
            pairs = [(place, kind) for place in having for kind in kinds]
        else:
            pairs = [
                (having[(number + nth) % len(having)], kinds[(number + nth) % len(kinds)])
                for number in range(max(len(having) if everywhere else 0, len(kinds)))
            ]
        for place, kind in pairs:
            found[place].append((name, kind))
    return found


def turned(things: Sequence[str], by: int) -> list[str]:
    """The same things in a circle, another one first."""
    first = by % len(things) if things else 0
    return [*things[first:], *things[:first]]
