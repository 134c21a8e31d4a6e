"""Look for what must not be public in every byte that is about to become public.

Long strings are found anywhere, also within words; short ones, single names and what
could be part of a number or a digest as whole words only. Where the site's own text
has a string, finding it says nothing: it is told as one that cannot be looked for.
"""

from __future__ import annotations

import base64
import html
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, NamedTuple
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from grader.publish.folding import Unescaper, fold

GRAM: Final = 8  # bytes; a string of so many is found within words, too
SHORTEST: Final = 3  # characters
FEWEST_DIGITS: Final = 6  # shorter numbers stand among times and bytes by chance
LONGEST: Final = 64  # bytes of a string that are compared
ESCAPED: Final = 6  # times as long as the character it stands for: \u00e9
_NUMBER: Final = re.compile(rb"[0-9]+")
_HEX: Final = re.compile(rb"[0-9a-f]{1,31}")
_TOKEN: Final = re.compile(rb"[0-9a-z\x80-\xff]+")
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
_BY_LENGTH: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_MASKS: Final = np.array([(1 << 8 * n) - 1 for n in range(GRAM + 1)], np.uint64)
_WORDS: Final = np.array(
    [
        code >= 0x80 or chr(code) in "0123456789abcdefghijklmnopqrstuvwxyz"
        for code in range(256)
    ]
)


class Guarded(NamedTuple):
    """A string that must not be public, and what it is.

    Attributes:
        word: it is a word like others, as a name is: found only as a whole one.
    """

    kind: str
    text: str
    word: bool = False


class Secret(NamedTuple):
    """Bytes that must not be public in any form."""

    kind: str
    data: bytes


class Leak(NamedTuple):
    """A guarded string in a file of the site; what is shown of it is not all."""

    place: str
    kind: str
    shown: str


class Unchecked(NamedTuple):
    """How many strings of a kind cannot be looked for, and why."""

    kind: str
    why: str
    strings: int


@dataclass(frozen=True)
class _Needle:
    guarded: Guarded | None  # None: may be public
    folded: bytes
    whole: bool


class Scanner:
    """Finds guarded strings; made once, used for every file."""

    def __init__(
        self,
        guarded: Iterable[Guarded],
        allowed: Iterable[str] = (),
        own: Iterable[bytes] = (),
        secrets: Sequence[Secret] = (),
    ) -> None:
        """Prepare for many files.

        Args:
            guarded: what must not be found.
            allowed: names that may be public; what lies within one is no leak, unless
                it has a digit or an @, which no name has.
            own: the site's own texts, with nothing of people in them.
            secrets: looked for as they are, in hex and in base64.
        """
        self._raw = tuple(secrets)
        forms = (form for secret in secrets for form in _encoded(secret))
        needles, self._unfit = _needles([*guarded, *forms])
        allowing = [_Needle(None, text, whole=False) for text in _forms(allowed)]
        ways = Unescaper(*_alphabet(needles))
        index = _Index(needles, ways)
        ours = {needle for text in own for needle in index.all_in(text)}
        self._common = Counter(n.guarded.kind for n in ours if n.guarded)
        kept = [n for n in needles if n not in ours]
        self._index = _Index(kept + allowing, ways)

    @property
    def unchecked(self) -> list[Unchecked]:
        """What cannot be looked for."""
        common = (
            (kind, "the site's own text has it") for kind in self._common.elements()
        )
        counted = Counter([*self._unfit, *common])
        return [Unchecked(*what, n) for what, n in sorted(counted.items())]

    def leaks(self, files: Mapping[PurePosixPath, bytes]) -> Iterator[Leak]:
        """Yield every kind of string once for each file, in names and in contents."""
        names = "\0".join(str(path) for path in sorted(files))
        for guarded in self.found(names.encode()):
            yield Leak("the name of a file", guarded.kind, _shown(guarded))
        for path, data in sorted(files.items()):
            for guarded in self.found(data):
                yield Leak(str(path), guarded.kind, _shown(guarded))

    def found(self, data: bytes) -> list[Guarded]:
        """Return the guarded strings in `data`."""
        found = {n.guarded for n in self._index.all_in(data) if n.guarded is not None}
        if self._raw and not _is_text(data):  # chance bytes are no UTF-8
            found |= {
                Guarded(secret.kind, secret.data.hex())
                for secret in self._raw
                if secret.data in data
            }
        return sorted(found)


def _shown(guarded: Guarded) -> str:
    """Return as much of a string as tells staff which it is, and nobody else."""
    size = len(guarded.text)
    secret = "secret" in guarded.kind or "hash" in guarded.kind
    beginning = "" if secret or size < 6 else f"{guarded.text[:2]}..., "
    return f"{beginning}{size} characters"


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _encoded(secret: Secret) -> Iterator[Guarded]:
    """Yield the forms in which a secret can be written in a text."""
    kind, data = secret
    yield Guarded(kind, data.hex())
    if _is_text(data):
        yield Guarded(kind, data.decode())
    for skip in range(3):  # where it begins within a longer run
        whole = 8 * (skip + len(data)) // 6
        first = -(-8 * skip // 6)
        text = base64.b64encode(bytes(skip) + data).decode()[first:whole]
        yield Guarded(kind, text)
        yield Guarded(kind, text.replace("+", "-").replace("/", "_"))


def _needles(
    guarded: Iterable[Guarded],
) -> tuple[list[_Needle], list[tuple[str, str]]]:
    """Return what can be looked for, and kind and reason of what cannot."""
    needles: dict[bytes, _Needle] = {}
    unfit = []
    for one in guarded:
        folded = fold(one.text.encode("utf-8", "replace")).strip()
        why = _unfit(folded)
        if why:
            unfit.append((one.kind, why))
            continue
        cut = folded[:LONGEST]
        needle = _Needle(one, cut, whole=_is_whole(one, folded))
        if cut not in needles or needles[cut].whole:
            needles[cut] = needle
    return list(needles.values()), unfit


def _unfit(folded: bytes) -> str:
    if not _TOKEN.search(folded):
        return "it has no letter or digit"
    if len(folded.decode()) < (2 if _has_ideographs(folded) else SHORTEST):
        return "it is too short"
    if _NUMBER.fullmatch(folded) and len(folded) < FEWEST_DIGITS:
        return "a number of so few digits is everywhere"
    return ""


def _is_whole(guarded: Guarded, folded: bytes) -> bool:
    if _has_ideographs(folded):  # written without spaces between words
        return False
    return guarded.word or len(folded) < GRAM or bool(_HEX.fullmatch(folded))


def _has_ideographs(folded: bytes) -> bool:
    return any(unicodedata.category(c) == "Lo" for c in folded.decode())


def _alphabet(needles: Sequence[_Needle]) -> tuple[frozenset[str], int]:
    """Return the characters of all, and how far an escaped one reaches, in bytes."""
    longest = max((len(needle.folded) for needle in needles), default=1)
    everything = b"".join(needle.folded for needle in needles)
    return frozenset(everything.decode("utf-8", "replace")), ESCAPED * longest


def _forms(allowed: Iterable[str]) -> set[bytes]:
    """Return names that may be public, also as pages and data escape them."""
    forms = set()
    for text in allowed:
        marked = html.escape(text)
        ways = [
            text,
            marked,
            marked.replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
        ]
        ways += [json.dumps(text)[1:-1], quote(text), quote(text, safe="")]
        forms |= {fold(way.encode("utf-8", "replace")) for way in ways}
    return {form for form in forms if _TOKEN.search(form)}


class _Index:
    """Where needles may lie, by the first bytes of a word or by eight bytes."""

    def __init__(self, needles: Sequence[_Needle], ways: Unescaper) -> None:
        self._ways = ways
        self._grams = _Table()
        self._words = _Table()
        self._short: list[_Needle] = []
        shared = Counter(gram for n in needles for gram in {*_grams(n.folded)})
        for needle in needles:
            if needle.whole or (len(needle.folded) < GRAM and needle.folded.isascii()):
                token = max(_TOKEN.finditer(needle.folded), key=lambda t: len(t[0]))
                key = int.from_bytes(token[0][:GRAM], "little")
                key ^= len(token[0]) * int(_BY_LENGTH) % (1 << 64)
                self._words.add(key, needle, token.start())
            elif len(needle.folded) < GRAM:
                self._short.append(needle)
            else:
                gram = min(_grams(needle.folded), key=lambda g: (shared[g], g))
                at = needle.folded.index(gram)
                self._grams.add(int.from_bytes(gram, "little"), needle, at)

    def all_in(self, data: bytes) -> set[_Needle]:
        """Return the guarded needles that lie in `data`, escaped or not."""
        return {n for view in self._ways.views(data) for n in self._in(fold(view))}

    def _in(self, folded: bytes) -> set[_Needle]:
        spans = [
            (at, needle)
            for at, needle in self._candidates(folded)
            if _lies(folded, at, needle)
        ]
        allowed = [(at, at + len(n.folded)) for at, n in spans if n.guarded is None]
        return {
            needle
            for at, needle in spans
            if needle.guarded is not None
            and not (
                _may_be_name(needle.folded)
                and any(a <= at and at + len(needle.folded) <= b for a, b in allowed)
            )
        }

    def _candidates(self, folded: bytes) -> Iterator[tuple[int, _Needle]]:
        size = len(folded)
        padded = folded + bytes(GRAM)
        grams: NDArray[np.uint64] = np.ndarray(size, "<u8", padded, strides=(1,))
        if self._grams:
            yield from self._grams.at(grams)
        if self._words:
            starts, lengths = _words(padded)
            keys = grams[starts] & _MASKS[np.minimum(lengths, GRAM)]
            keys ^= lengths.astype(np.uint64) * _BY_LENGTH
            yield from self._words.at(keys, starts)
        if not folded.isascii():
            for needle in self._short:
                at = folded.find(needle.folded)
                while at >= 0:
                    yield at, needle
                    at = folded.find(needle.folded, at + 1)


class _Table:
    """Needles by a key of 64 bits."""

    def __init__(self) -> None:
        # By the upper and the next 16 bits of the spread key; no shift of numpy's.
        self._there = np.zeros((2, 1 << 16), bool)
        self._needles: dict[int, list[tuple[_Needle, int]]] = {}

    def __bool__(self) -> bool:
        return bool(self._needles)

    def add(self, key: int, needle: _Needle, offset: int) -> None:
        """Put a needle that has what gave the key at `offset`."""
        spread = key * int(_SPREAD) % (1 << 64)
        self._there[0, spread >> 48] = True
        self._there[1, spread >> 32 & 0xFFFF] = True
        self._needles.setdefault(key, []).append((needle, offset))

    def at(
        self, keys: NDArray[np.uint64], places: NDArray[np.int64] | None = None
    ) -> Iterator[tuple[int, _Needle]]:
        """Yield where needles may begin.

        Args:
            places: where each key was found; None: at 0, 1, 2, ...
        """
        parts = (keys * _SPREAD).astype("<u8", copy=False).view("<u2")
        hits = np.flatnonzero(self._there[0][parts[3::4]])
        hits = hits[self._there[1][parts[2::4][hits]]]
        found = hits if places is None else places[hits]
        for key, place in zip(keys[hits].tolist(), found.tolist(), strict=True):
            for needle, offset in self._needles.get(key, ()):
                yield place - offset, needle


def _may_be_name(folded: bytes) -> bool:
    return not re.search(rb"[0-9@]", folded)


def _grams(folded: bytes) -> Iterator[bytes]:
    return (folded[i : i + GRAM] for i in range(len(folded) - GRAM + 1))


def _words(padded: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where words begin, and how long they are."""
    inside = np.zeros(len(padded) + 1, bool)
    inside[1:] = _WORDS[np.frombuffer(padded, np.uint8)]
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    starts, ends = edges[0::2], edges[1::2]
    return starts, ends - starts


def _lies(folded: bytes, at: int, needle: _Needle) -> bool:
    """Return whether a needle lies there, as a whole word where it must."""
    end = at + len(needle.folded)
    if at < 0 or folded[at:end] != needle.folded:
        return False
    if not needle.whole:
        return True
    before, after = folded[max(0, at - 2) : at], folded[end : end + 2]
    if _NUMBER.fullmatch(needle.folded) and (
        re.fullmatch(rb"[0-9][.,]", before) or re.fullmatch(rb"[.,][0-9]", after)
    ):
        return False  # digits of a longer number
    first, last = needle.folded[0], needle.folded[-1]
    glued = before and _WORDS[first] and _WORDS[before[-1]]
    return not (glued or (after and _WORDS[last] and _WORDS[after[0]]))
