"""Slugs: validity, keys, and how they travel through short URLs, QR codes and requests."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from linkservice.errors import Invalid
from linkservice.links.slug import (
    KEY_MAX,
    RESERVED,
    SLUG_MAX,
    Asked,
    check_slug,
    is_plain,
    make_slug,
    parse_path,
    scan_path,
    short_path,
    slug_key,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80)
PIECES = st.text(
    st.characters(categories=("L", "M", "Nd"), include_characters="-_.")
    | st.sampled_from("aiIQ9-_.ßİǰ\u0307\u0331\u0342\u0345"),
    min_size=1,
    max_size=SLUG_MAX,
)


@st.composite
def slugs(draw: st.DrawFn) -> str:
    """Valid chosen slugs: whatever of the pieces the rule accepts."""
    try:
        return check_slug(draw(PIECES))
    except Invalid:
        assume(False)
        raise


def stored_or_problem(text: str) -> str:
    try:
        return check_slug(text)
    except Invalid as error:
        return str(error)


def code_of(slug: str) -> tuple[str, dict[str, object]]:
    with pytest.raises(Invalid) as caught:
        check_slug(slug)
    (problem,) = caught.value.problems
    assert problem.field == "slug"
    assert str(caught.value)
    return problem.code, dict(problem.params)


@pytest.mark.parametrize(
    "slug",
    [
        "a",
        "Aktion-2024",
        "a.b..c",
        "_",
        "-x-",
        "übergröße",
        "日本語",
        "नमस्ते",
        "٣٤",
        "x" * 64,
        "o\u0308",
    ],
)
def test_letters_digits_and_inner_dots_are_allowed(slug: str) -> None:
    assert check_slug(slug) == unicodedata.normalize("NFC", slug)


@pytest.mark.parametrize(
    ("slug", "named"),
    [
        ("a b", "U+0020 SPACE"),
        ("a+", "+"),
        ("a/b", "/"),
        ("100%", "%"),
        ("a\0", "U+0000"),
        ("a\nb", "U+000A"),
        ("go🎉", "🎉"),
        ("a\u202eb", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("a\u200db", "U+200D ZERO WIDTH JOINER"),
        ("a\u3164b", "U+3164 HANGUL FILLER"),
        ("a\ufe0fb", "U+FE0F VARIATION SELECTOR-16"),
        ("a\ud800", "U+D800"),
        ("a\u00a0b", "U+00A0 NO-BREAK SPACE"),
        ("\u0308a", "◌\u0308"),
        ("1\u20e3", "◌\u20e3"),
        ("a½", "½"),
    ],
)
def test_a_refused_character_is_named(slug: str, named: str) -> None:
    assert code_of(slug) == ("slug_character", {"character": named})


def test_form_is_refused_with_its_reason() -> None:
    assert code_of("")[0] == "slug_empty"
    assert code_of(".a")[0] == code_of("a.")[0] == "slug_dot"
    assert code_of("x" * 65) == ("slug_too_long", {"limit": 64, "length": 65})
    assert code_of("ü" * 1_000_000)[0] == "slug_too_long"
    assert check_slug("u\u0308" * 64) == "ü" * 64, "length is counted after composing"


@pytest.mark.parametrize("slug", [*sorted(RESERVED), "API", "Robots.TXT", "\u017ftatic", "Q"])
def test_reserved_words_are_refused_in_any_writing(slug: str) -> None:
    assert code_of(slug)[0] == "slug_reserved"


def test_words_that_begin_like_reserved_ones_are_free() -> None:
    assert check_slug("appetit") == "appetit"
    assert check_slug("q1") == "q1"


def test_generated_slugs_are_random_valid_and_without_look_alikes() -> None:
    made = {make_slug() for _ in range(2000)}
    assert len(made) == 2000
    for slug in made:
        assert re.fullmatch("[2-9a-hjkmnp-z]{7}", slug)
        assert check_slug(slug) == slug == slug_key(slug)
    assert set("".join(made)) == set("23456789abcdefghjkmnpqrstuvwxyz")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Aktion", "aKTION"),
        ("Straße", "STRASSE"),
        ("u\u0308", "Ü"),
        ("ΣΑΣ", "σας"),
        ("\u212a", "k"),
    ],
)
def test_equal_slugs_have_one_key(one: str, other: str) -> None:
    assert slug_key(one) == slug_key(other)


@given(ANY_TEXT)
@example("\ud800\u0345\u0301")
@example("\u03b1\u0345\u0328")
def test_the_key_is_total_and_idempotent(text: str) -> None:
    key = slug_key(text)
    assert slug_key(key) == key
    assert slug_key(unicodedata.normalize("NFD", text)) == key
    if text.isascii():
        assert key == text.casefold()


@given(slugs())
@example("ΐ" * SLUG_MAX)
def test_a_key_has_room_in_its_column(slug: str) -> None:
    assert 1 <= len(slug) <= SLUG_MAX
    assert len(slug_key(slug)) <= KEY_MAX


@given(ANY_TEXT)
def test_any_text_is_a_slug_or_a_named_problem(text: str) -> None:
    outcome = stored_or_problem(text)
    assert outcome.startswith("slug: ") or check_slug(outcome) == outcome


def test_paths_in_url_and_code() -> None:
    assert short_path("aktion-ü") == "/aktion-%C3%BC"
    assert scan_path("Aktion_ü.1") == "/Q/AKTION%5F%C3%BC.1"


@given(slugs())
@example("i\u0307" * 32)
@example("ß_ﬁ")
@example("h\u0331")
def test_a_printed_path_asks_for_its_slug(slug: str) -> None:
    key = slug_key(slug)
    scan = scan_path(slug)
    assert re.fullmatch(r"[0-9A-Z $%*+./:-]*", scan), "QR alphanumeric mode"
    assert parse_path(unquote(scan)) == Asked(key, "scan", preview=False)
    short = short_path(slug)
    assert short.isascii()
    assert parse_path(unquote(short)) == Asked(key, "click", preview=False)
    assert parse_path(unquote(short) + "+") == Asked(key, "click", preview=True)
    assert parse_path(unquote(short) + "/") == Asked(key, "click", preview=False)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/Aktion", Asked("aktion", "click", preview=False)),
        ("/aktion/", Asked("aktion", "click", preview=False)),
        ("/Aktion+", Asked("aktion", "click", preview=True)),
        ("/q/aktion", Asked("aktion", "scan", preview=False)),
        ("/Q/AKTION", Asked("aktion", "scan", preview=False)),
        ("/Q/AKTIÖN+", Asked("aktiön", "scan", preview=True)),
        ("/q/aktion/", Asked("aktion", "scan", preview=False)),
        ("/U\u0308", Asked("ü", "click", preview=False)),
        ("/q", Asked("q", "click", preview=False)),
    ],
)
def test_what_a_path_asks_for(path: str, asked: Asked) -> None:
    assert parse_path(path) == asked


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "*",
        "/",
        "//",
        "aktion",
        "/a/b",
        "/ü/b",
        "/q//a",
        "/q/a/b",
        "/a//",
        "/ü//",
        "/a++",
        "/+",
        "/q/+",
        "/ü++",
        "/.a",
        "/ü.",
        "/a b",
        "/a\0",
        "/ü\0",
        "/a\n",
        "/ü\n",
        "/%41",
        "/" + "a" * 65,
        "/" + "ü" * 65,
        "/" + "ü" * 100_000,
        "/q/" + "a" * 65,
        "/\ud800",
        "/\u0308",
        "/🎉",
        "/..",
    ],
)
def test_no_link_has_such_a_path(path: str | None) -> None:
    assert parse_path(path) is None


@given(st.text(st.characters(exclude_categories=()) | st.sampled_from("/q+.aü"), max_size=90))
def test_every_path_is_answered_and_only_slugs_are_found(path: str) -> None:
    asked = parse_path("/" + path)
    if asked:
        slug = re.sub(r"^[qQ]/(?=.)", "", path).removesuffix("/").removesuffix("+")
        assert slug_key(slug) == asked.slug_key
        if asked.slug_key not in RESERVED:
            check_slug(slug)


@given(
    st.text(st.sampled_from("/q+.aAü0_-\n"), max_size=70)
    | st.sampled_from(sorted(RESERVED)).map(lambda word: word + "a")
    | st.sampled_from(sorted(RESERVED))
    | st.text(st.sampled_from("ab-"), min_size=62, max_size=66)
)
def test_plain_paths_are_those_whose_slug_is_its_key(rest: str) -> None:
    key = slug_key(rest)
    usable = rest.isascii() and key == rest and key not in RESERVED
    asked = Asked(rest, "click", preview=False)
    assert is_plain("/" + rest) == (usable and parse_path("/" + rest) == asked)
