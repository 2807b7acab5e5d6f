"""Packed links are found again as they were, whatever was put, put again and forgotten."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkservice.redirect import packed
from linkservice.redirect.lookup import LinkSnapshot
from linkservice.redirect.packed import Packed

destinations = st.sampled_from(
    (
        "https://shop.example/herbst/mantel?utm_source=plakat#top",
        "https://shop.example/",
        "https://shop.example",
        "http://x/a?b=/c",
        "mailto:ada@example.com",
        "https://grün.example/ü#/?",
        "https://shop.example/" + "x" * 70_000,
    )
) | st.text(max_size=60).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))
links = st.builds(
    LinkSnapshot,
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**32 - 1),
    destinations,
    st.booleans(),
    st.booleans(),
    st.none() | st.integers(0, 2**62),
    st.booleans(),
)
keys = st.sampled_from([f"{number % 3}/slug-{number}" for number in range(20)]) | st.text(
    max_size=8
)
steps = st.lists(st.tuples(keys, st.none() | links), max_size=60)


def is_kept(link: LinkSnapshot) -> bool:
    return len(link.destination) < 60_000


@given(steps=steps)
def test_it_knows_what_a_dictionary_knows(steps: list[tuple[str, LinkSnapshot | None]]) -> None:
    known, store = dict[str, LinkSnapshot](), Packed(100)
    for key, link in steps:
        if link is None or not is_kept(link):
            known.pop(key, None)
        else:
            known[key] = link
        if link is None:
            store.forget(key)
        else:
            assert store.put(key, link) == is_kept(link)
        assert store.get(key) == known.get(key)
    for key in {key for key, _ in steps}:
        assert store.get(key) == known.get(key)


@given(steps=steps, room=st.integers(0, 5))
def test_a_full_one_keeps_what_it_has_and_says_nothing_wrong(
    steps: list[tuple[str, LinkSnapshot | None]], room: int
) -> None:
    known, store = dict[str, LinkSnapshot](), Packed(room)
    for key, link in steps:
        if link is None:
            known.pop(key, None)
            store.forget(key)
        else:
            known[key] = link
            assert store.put(key, link) == (store.get(key) is not None)
        assert len(store) <= room
    found = {key: link for key in known if (link := store.get(key))}
    assert found.items() <= known.items()


def test_a_link_takes_some_70_bytes() -> None:
    store = Packed(1_000)
    for number in range(1_000):
        destination = f"https://www.example.com/offers/{number:07}?utm_source=poster"
        store.put(f"1/{number:07}", LinkSnapshot(number, 1, destination, False, True, None))
    places = len(store._places) * store._places.itemsize
    assert len(store._bytes) + places < 75 * 1_000
    assert store.is_full


def test_more_texts_than_are_shared_are_kept_with_each_link(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packed, "_MOST_SHARED", 3)
    store = Packed(100)
    made = [LinkSnapshot(n, 1, f"https://host-{n}/page?{n}", False, True, None) for n in range(50)]
    for link in made:
        store.put(str(link.id), link)
    assert [store.get(str(link.id)) for link in made] == made


def test_what_was_changed_often_is_worn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_WORTH_IT", 1_000)
    store = Packed(10)
    for version in range(100):
        store.put("1/a", LinkSnapshot(1, version, "https://example.com/", False, True, None))
    assert store.is_worn
    assert len(store) == 1
