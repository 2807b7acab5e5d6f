"""Passwords: what one may be, and how it is kept (Argon2id). Not here: who may try one
(`attempts`), and what a right one opens (`sign_in`).
"""

from __future__ import annotations

import threading
import unicodedata
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from linkservice.fields import Problems

SHORTEST = 10
LONGEST = 200
FEWEST_DIFFERENT = 4

_MOST_COMPOSED = 4
"""NFKC makes one character of at most four typed ones."""

_AT_ONCE = 4
"""Hashes computed at once in a process: each takes 19 MiB, and more would only share the cores."""

COMMON = frozenset(
    (
        *("1234567890", "0123456789", "0987654321", "12345678910", "123456789a", "a123456789"),
        *("1q2w3e4r5t", "q1w2e3r4t5", "1qaz2wsx3edc", "qazwsxedcrfv", "asdfghjkl1", "zaq12wsxcde3"),
        *("qwertyuiop", "qwertzuiop", "qwerty1234", "qwertz1234", "qwerty12345", "qwertz12345"),
        *("qwerty123456", "qwertz123456", "azertyuiop", "asdfghjklö", "asdf123456", "abcdefghij"),
        *(
            "password12",
            "password123",
            "password1234",
            "password12345",
            "password123!",
            "passw0rd123",
        ),
        *(
            "p@ssword123",
            "p@ssw0rd123",
            "passwort12",
            "passwort123",
            "passwort1234",
            "passwort123!",
        ),
        *(
            "meinpasswort",
            "mypassword",
            "mypassword1",
            "passwordpassword",
            "geheim12345",
            "geheim1234",
        ),
        *("letmein123", "letmein1234", "welcome123", "welcome1234", "willkommen", "willkommen1"),
        *("willkommen123", "hallo12345", "hallo123456", "hallohallo", "iloveyou12", "iloveyou123"),
        *(
            "ichliebedich",
            "schatzschatz",
            "sonnenschein",
            "sunshine123",
            "football123",
            "fussball123",
        ),
        *(
            "administrator",
            "admin12345",
            "admin123456",
            "changeme123",
            "changeme1234",
            "abc1234567",
        ),
        *("abcd123456", "abc123456789", "test123456", "testtest123", "linkservice", "linkservice1"),
        *(
            "linkservice123",
            "super12345",
            "superman123",
            "computer123",
            "startstart",
            "internet123",
        ),
    )
)
"""The commonest ones of ten characters and more, in lower case."""


class Hasher:
    """Argon2id. The defaults are OWASP's for servers; tests take a cheaper one."""

    def __init__(self, memory_kib: int = 19 * 1024, passes: int = 2) -> None:
        self._argon2 = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._turn = threading.BoundedSemaphore(_AT_ONCE)

    def hash(self, password: str) -> str:
        """What is stored of a password."""
        with self._turn:
            return self._argon2.hash(_typed(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether it is the password; without one (`None`) it takes as long to say no."""
        nobodys = self._nobodys  # made at the first try of all, not at the first wrong address
        against = nobodys if stored is None else stored
        try:
            with self._turn:
                self._argon2.verify(against, _typed(password))
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether it was made with other parameters than a new one would be."""
        return self._argon2.check_needs_rehash(stored)

    @cached_property
    def _nobodys(self) -> str:
        return self.hash("a password of nobody")


hasher = Hasher()
"""The one in use."""


def check(problems: Problems, field: str, password: str, email: str) -> str:
    """The password, once `problems` has noted what is wrong with it.

    Length first (NIST SP 800-63B): no rules about digits and capitals, which only make
    people write passwords down.
    """
    typed = _normal(password)
    plain = typed.casefold()
    bad = next((c for c in typed if unicodedata.category(c) in ("Cc", "Cs")), None)
    if bad is not None:
        problems.add(field, "bad_character", character=f"U+{ord(bad):04X}")
    elif len(typed) < SHORTEST:
        problems.add(field, "password_short", least=SHORTEST)
    elif len(typed) > LONGEST:
        problems.add(field, "too_long", longest=LONGEST, length=len(password))
    elif plain in (email.casefold(), email.casefold().partition("@")[0]):
        problems.add(field, "password_is_email")
    elif plain in COMMON or len(set(plain)) < FEWEST_DIFFERENT:
        problems.add(field, "password_common")
    return password


def _normal(password: str) -> str:
    """NFKC: the same password whichever keyboard wrote it. Cut where it is too long anyway."""
    return unicodedata.normalize("NFKC", password[: _MOST_COMPOSED * LONGEST + 1])


def _typed(password: str) -> bytes:
    # What is no text matches nothing, and raises nothing.
    return _normal(password).encode("utf-8", "surrogatepass")
