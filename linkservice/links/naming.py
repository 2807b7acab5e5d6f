"""Names as parts of addresses and as keys: slugs made from words, and how lists sort them.

Not here: what a slug may be (`slug`); whether it is free in the end, which the database's
constraint judges when the link is made. `slug_state` says it to a form beforehand.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.errors import Invalid, Problem, SlugTaken
from linkservice.links.domains import domain_named
from linkservice.links.model import NAME_KEY_LENGTH, Link
from linkservice.links.slug import SLUG_MAX, check_slug, slug_key
from linkservice.workspaces.access import Actor

LONGEST_SUGGESTION = 40
"""Characters of a slug made from words: a printed one is typed by hand."""

SUGGESTIONS = 99
"""Numbers that are tried behind a taken slug, from 2."""

# How German and its neighbours write these letters where there are only ASCII ones; others
# lose their accents.
_SPELLED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "æ": "ae", "œ": "oe", "ø": "oe"})
_ACCENTS = re.compile(r"[\u0300-\u036f]")
_NUMBERED = re.compile(r"(.+)-([1-9][0-9]?)")


@dataclass(frozen=True, slots=True)
class SlugState:
    """What a form shows beside a slug; `suggestion` is a free one, where another is needed."""

    state: Literal["free", "taken", "invalid", "reserved"]
    problem: Problem | None = None
    suggestion: str | None = None


def fold(text: str) -> str:
    """`text` without case and accents: ``Größe`` and ``GROSSE`` are the same. Idempotent."""
    # Twice: capitals hide in what is decomposed (𝐀), accents in what is folded (İ).
    return _bare(_bare(text).casefold())


def name_key(title: str, slug: str) -> str:
    """What a link is sorted and searched by."""
    return fold(title or slug)[:NAME_KEY_LENGTH]


def slugify(text: str, longest: int = LONGEST_SUGGESTION) -> str:
    """Words as a part of an address: ``Größe & Äpfel`` becomes ``groesse-aepfel``.

    Letters and digits of any script, in lower case, with `-` between the words; cut between
    words where it can be. "" for a text without any.
    """
    spelled = unicodedata.normalize("NFC", text).casefold().translate(_SPELLED)
    plain = unicodedata.normalize("NFC", fold(spelled))
    words = "".join(letter if _stays(letter) else " " for letter in plain).split()
    whole = "-".join(words)
    if len(whole) <= longest:
        return whole
    cut = whole[: longest + 1].rpartition("-")[0]
    return cut or whole[:longest]


def slug_state(session: Session, actor: Actor, host: str | None, slug: str) -> SlugState:
    """Whether `slug` could be chosen on the domain (the first one if none is named).

    Raises `Invalid` and `NotFound` for the domain, `Forbidden`.
    """
    actor.require("links:read")
    domain = domain_named(session, actor, host)
    try:
        chosen = check_slug(slug)
    except Invalid as error:
        problem = error.problems[0]
        if problem.code == "slug_reserved":
            return SlugState("reserved", problem, _free(session, domain.id, slug))
        return SlugState("invalid", problem, _free(session, domain.id, slugify(slug)))
    free = _free(session, domain.id, chosen)
    if free == chosen:
        return SlugState("free")
    return SlugState("taken", SlugTaken(chosen).problems[0], free)


def suggest_slug(session: Session, actor: Actor, host: str | None, text: str) -> str | None:
    """A free slug made from `text`, such as a title; None where it gives none.

    Raises `Invalid` and `NotFound` for the domain, `Forbidden`.
    """
    actor.require("links:read")
    return _free(session, domain_named(session, actor, host).id, slugify(text))


def _free(session: Session, domain_id: int, wanted: str) -> str | None:
    """`wanted`, or the first of ``wanted-2``, ``wanted-3`` … that is valid and not taken."""
    if not wanted:
        return None
    base, first = wanted, 2
    numbered = _NUMBERED.fullmatch(wanted)
    if numbered:
        base, first = numbered[1], int(numbered[2]) + 1
    others = [
        base[: SLUG_MAX - len(str(number)) - 1] + f"-{number}"
        for number in range(first, first + SUGGESTIONS)
    ]
    valid = [slug for slug in (wanted, *others) if _is_valid(slug)]
    keys = [slug_key(slug) for slug in valid]
    taken = set(
        session.scalars(
            select(Link.slug_key).where(Link.domain_id == domain_id, Link.slug_key.in_(keys))
        )
    )
    return next((slug for slug, key in zip(valid, keys, strict=True) if key not in taken), None)


def _bare(text: str) -> str:
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text))


def _is_valid(slug: str) -> bool:
    try:
        return check_slug(slug) == slug
    except Invalid:
        return False


def _stays(letter: str) -> bool:
    kind = unicodedata.category(letter)
    return kind[0] in "LM" or kind == "Nd"
