"""What is tried in turn leaves out no field and no kind."""

from __future__ import annotations

from itertools import product

from turns import alone, together

PLACES = {"search": ["q"], "links": ["q", "state", "sort"], "tags": ["name"], "start": []}
KINDS = ["a script", "NUL", "a path", "nothing", "blanks"]
NAMES = {name for names in PLACES.values() for name in names}


def test_every_field_meets_every_kind_and_every_place_some() -> None:
    found = together(PLACES, KINDS, fewest=2, whole=False)
    met = {
        (name, kind) for place, kinds in found.items() for name in PLACES[place] for kind in kinds
    }
    assert met == set(product(NAMES, KINDS))
    assert min(map(len, found.values())) == 2
    assert sum(map(len, found.values())) < len(PLACES) * len(KINDS)


def test_every_field_alone_meets_every_kind_at_some_place() -> None:
    assert {pair for pairs in alone(PLACES, KINDS, whole=False).values() for pair in pairs} == set(
        product(NAMES, KINDS)
    )
    found = alone(PLACES, KINDS, whole=False, everywhere=True)
    assert {pair for pairs in found.values() for pair in pairs} == set(product(NAMES, KINDS))
    for place, names in PLACES.items():
        assert {name for name, _ in found[place]} == set(names)


def test_the_whole_form_leaves_out_nothing() -> None:
    assert set(map(tuple, together(PLACES, KINDS, fewest=1, whole=True).values())) == {tuple(KINDS)}
    found = alone(PLACES, KINDS, whole=True)
    assert sum(map(len, found.values())) == len(KINDS) * sum(map(len, PLACES.values()))
