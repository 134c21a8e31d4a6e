"""Answers of the reference, recorded: what it was asked is kept as a digest only.

The file is ours alone and still read with care: fixed magic, lengths that are checked
before anything is taken, and an HMAC under the round's secret over all of it, so that
it belongs to one round and a changed byte is seen. Requests are not in it.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from grader.wire.framing import MAX_FRAME_BYTES

MAGIC: Final = b"ttansw01"
DIGEST_BYTES: Final = 32
MAX_CHECK_BYTES: Final = 4 * 2**20  # a check with more is asked live
MAX_BYTES: Final = 32 * 2**20  # of a whole file; all suites together take 1 MB
_COUNT: Final = struct.Struct("!I")
_SIZES: Final = struct.Struct("!IQ")


class DamagedRecordingError(Exception):
    """These bytes are no recording of this round."""


class Exchange(NamedTuple):
    """One request and its answer."""

    asked: bytes  # SHA-256 of the request's frame
    text: bytes  # JSON and body of the answer's frame
    body: bytes


Recording = Mapping[str, tuple[Exchange, ...]]  # by check


def asked(frame: bytes) -> bytes:
    """Return what stands for a request in a recording."""
    return hashlib.sha256(frame).digest()


def seal(recording: Recording, basis: bytes, secret: bytes) -> bytes:
    """Return the file of a recording; checks that are too large are left out.

    Args:
        basis: digest of all that the answers depend on, 32 bytes.
        secret: of the round.
    """
    parts: list[bytes] = []
    room, count = MAX_BYTES, 0
    for name in sorted(recording):
        part = _check(name, recording[name])
        if len(part) <= min(MAX_CHECK_BYTES, room):
            parts.append(part)
            room, count = room - len(part), count + 1
    payload = b"".join([_COUNT.pack(count), *parts])
    head = MAGIC + basis
    return head + hmac.digest(secret, head + payload, "sha256") + payload


def _check(name: str, exchanges: tuple[Exchange, ...]) -> bytes:
    text = name.encode()
    parts = [_SIZES.pack(len(text), len(exchanges)), text]
    for one in exchanges:
        parts += [one.asked, _SIZES.pack(len(one.text), len(one.body))]
        parts += [one.text, one.body]
    return b"".join(parts)


def basis_of(data: bytes) -> bytes:
    """Return the basis that a file claims."""
    return data[len(MAGIC) : len(MAGIC) + DIGEST_BYTES]


def unseal(data: bytes, basis: bytes, secret: bytes) -> Recording:
    """Return the recording in a file.

    Raises:
        DamagedRecordingError: it was changed or cut, or is of something else.
    """
    start = len(MAGIC) + DIGEST_BYTES
    head, tag = data[:start], data[start : start + DIGEST_BYTES]
    payload = data[start + DIGEST_BYTES :]
    if len(data) > 2 * MAX_BYTES or head != MAGIC + basis:
        msg = "not a recording of this round and version"
        raise DamagedRecordingError(msg)
    if not hmac.compare_digest(tag, hmac.digest(secret, head + payload, "sha256")):
        msg = "the checksum does not fit"
        raise DamagedRecordingError(msg)
    return dict(_Reader(payload).checks())


class _Reader:
    """Takes bytes from the front, never more than there are."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def checks(self) -> Iterator[tuple[str, tuple[Exchange, ...]]]:
        (count,) = _COUNT.unpack(self._take(_COUNT.size))
        for _ in range(count):
            length, exchanges = _SIZES.unpack(self._take(_SIZES.size))
            name = self._take(length).decode(errors="replace")
            yield name, tuple(self._exchange() for _ in range(exchanges))
        if self._at != len(self._data):
            msg = "bytes after its end"
            raise DamagedRecordingError(msg)

    def _exchange(self) -> Exchange:
        request = self._take(DIGEST_BYTES)
        text, body = _SIZES.unpack(self._take(_SIZES.size))
        return Exchange(request, self._take(text), self._take(body))

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if count > MAX_FRAME_BYTES or end > len(self._data):
            msg = "it is cut off"
            raise DamagedRecordingError(msg)
        part = self._data[self._at : end]
        self._at = end
        return part
