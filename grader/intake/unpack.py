"""Compressed bytes as a stream that counts what really comes out."""

from __future__ import annotations

import gzip
import io
import lzma
import zlib
from typing import Protocol

from grader.intake.entries import ArchiveError
from grader.intake.limits import MIB, RATIO, RATIO_FROM_BYTES, UNPACKED_BYTES
from grader.intake.names import REPACK

GZIP, XZ = b"\x1f\x8b", b"\xfd7zXZ\0"
CHUNK = 64 * 1024
XZ_MEMORY = 64 * MIB  # a stranger's header chooses the size of the dictionary


class Readable(Protocol):
    """What the packed formats have in common."""

    def read(self, size: int, /) -> bytes: ...


class Unpacked:
    """The bytes of a tar, whatever packs it.

    Raises:
        ArchiveError: from every method, when the stream is damaged, cut off, or
            unpacks to more than the limits allow.
    """

    def __init__(self, data: bytes) -> None:
        self._packed = len(data)
        self._source = open_packed(data)
        self.count = 0

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes, or fewer at the end."""
        try:
            data = self._source.read(size)
        except (EOFError, OSError, zlib.error, lzma.LZMAError):
            msg = "the archive is damaged or cut off"
            raise ArchiveError(msg, REPACK) from None
        self.count += len(data)
        self._check()
        return data

    def skip(self, size: int) -> None:
        """Read and forget `size` bytes."""
        while size > 0:
            data = self.read(min(size, CHUNK))
            if not data:
                raise cut_off()
            size -= len(data)

    def drain(self) -> None:
        """Read to the end, so that a cut-off or forged rest is noticed."""
        while self.read(CHUNK):
            pass

    def _check(self) -> None:
        ratio = self.count / max(1, self._packed)
        if self.count > UNPACKED_BYTES or (
            self.count > RATIO_FROM_BYTES and ratio > RATIO
        ):
            msg = "the archive unpacks to far more than a submission can be"
            raise ArchiveError(msg, "Leave data, .venv and .git out of it.")


def open_packed(data: bytes) -> Readable:
    """Return a reader for gzip, xz or plain bytes, by their first bytes."""
    if data.startswith(GZIP):
        return gzip.GzipFile(fileobj=io.BytesIO(data))
    if data.startswith(XZ):
        return Xz(data)
    return io.BytesIO(data)


class Xz:
    """An xz stream whose memory is limited, which `lzma.LZMAFile` cannot do."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)

    def read(self, size: int, /) -> bytes:
        parts: list[bytes] = []
        while size > 0 and not self._unpacker.eof:
            part = self._unpacker.decompress(self._data, size)
            self._data = b""
            if not part and self._unpacker.needs_input:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def cut_off() -> ArchiveError:
    """Return the refusal of an archive that ends too early."""
    return ArchiveError("the archive is damaged or cut off", REPACK)
