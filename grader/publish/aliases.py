"""Two-word aliases that say nothing about the student behind them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

from grader.errors import ConfigError

SHORTEST_SECRET: Final = 16  # bytes; below, all ids of a roster could be tried


class Words(NamedTuple):
    """First and second words; no first names among them, nothing about people."""

    first: tuple[str, ...]
    second: tuple[str, ...]


def aliases(students: Iterable[str], secret: bytes) -> dict[str, str]:
    """Return the alias of each student: "brisk-otter".

    An alias is drawn by HMAC of the course's secret over the id. Where two draws meet,
    the student named first keeps it and the other draws again; so no alias changes as
    long as students are named in the order in which the store met them.

    Raises:
        ConfigError: the secret is too short.
    """
    check_secret(secret)
    words = _words()
    found: dict[str, str] = {}
    taken: set[str] = set()
    for student in dict.fromkeys(students):
        attempt = 0
        while (alias := _draw(words, secret, student, attempt)) in taken:
            attempt += 1
        taken.add(alias)
        found[student] = alias
    return found


def check_secret(secret: bytes) -> None:
    """Refuse a secret that could be guessed.

    Raises:
        ConfigError: it is too short.
    """
    if len(secret) < SHORTEST_SECRET:
        msg = f"the course's secret has {len(secret)} bytes"
        raise ConfigError(msg, hint=f"Use at least {SHORTEST_SECRET} random bytes.")


def named_slug(student: str, secret: bytes) -> str:
    """Return the page name of a student shown by name.

    It differs from the alias, which must not be linked to the name.
    """
    return "entry-" + _digest(secret, "named", student)[:6].hex()


def _draw(words: Words, secret: bytes, student: str, attempt: int) -> str:
    number = int.from_bytes(_digest(secret, "alias", str(attempt), student), "big")
    number, second = divmod(number, len(words.second))
    first = number % len(words.first)
    return f"{words.first[first]}-{words.second[second]}"


def _digest(secret: bytes, *parts: str) -> bytes:
    text = "\0".join(parts).encode("utf-8", "backslashreplace")
    return hmac.new(secret, text, hashlib.sha256).digest()


@cache
def _words() -> Words:
    """Read words.txt: two blocks with an empty line between."""
    text = (files("grader.publish") / "words.txt").read_text("utf-8")
    first, second = text.split("\n\n")
    return Words(tuple(first.split()), tuple(second.split()))
