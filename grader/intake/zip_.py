"""A zip as a submission, read in memory by a strict parser of the needed subset.

The standard library's reader trusts the directory's own size, cuts names at NUL and
takes entries that overlap; this one refuses them. Format: PKWARE APPNOTE 6.3, sections
4.3.7 (local header), 4.3.12 (central directory) and 4.3.16 (its end).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import NoReturn

from grader.intake.entries import ArchiveError, Entry, Kind
from grader.intake.folder import kind_of
from grader.intake.limits import ENTRIES
from grader.intake.names import REPACK, shown, split_name

END = struct.Struct("<4s4H2LH")
CENTRAL = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")
END_MAGIC, CENTRAL_MAGIC, LOCAL_MAGIC = b"PK\5\6", b"PK\1\2", b"PK\3\4"
COMMENT_BYTES = 0xFFFF  # longest comment after the end record
ENCRYPTED = 0x1 | 0x40 | 0x2000  # bits 0, 6 and 13 of the flags
UTF8_NAME = 0x800
STORED, DEFLATED = 0, 8


class ZipReader:
    """Reads a whole zip held in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def entries(self) -> Iterator[Entry]:
        count, offset, end = self._directory()
        if count > ENTRIES:
            msg = f"the zip has more than {ENTRIES:,} files and folders"
            raise ArchiveError(msg, "Leave .venv, .git and data out of it.")
        for _ in range(count):
            entry, offset = self._central(offset, end)
            yield entry

    def _directory(self) -> tuple[int, int, int]:
        """Return the number of entries, and start and end of their directory."""
        at = self.data.rfind(END_MAGIC, max(0, len(self.data) - COMMENT_BYTES - 22))
        if at < 0 or at + END.size > len(self.data):
            damaged("its directory is missing")
        fields = END.unpack_from(self.data, at)
        disk, first, here, count, size, start, comment = fields[1:]
        if at + END.size + comment != len(self.data) or disk or first:
            damaged("its end is not where it should be")
        if here != count or start + size != at:
            damaged("its directory is not where it should be")
        return count, start, at

    def _central(self, at: int, end: int) -> tuple[Entry, int]:
        if at + CENTRAL.size > end:
            damaged("its directory is cut off")
        fields = CENTRAL.unpack_from(self.data, at)
        magic, flags, size = fields[0], fields[3], fields[9]
        lengths, attributes = fields[10:13], fields[15]
        after = at + CENTRAL.size + sum(lengths)
        if magic != CENTRAL_MAGIC or after > end:
            damaged("its directory is cut off")
        raw = self.data[at + CENTRAL.size : at + CENTRAL.size + lengths[0]]
        name = decode_name(raw, flags)
        kind = zip_kind(name, attributes >> 16)
        return Entry(split_name(name), kind, size, at), after

    def read(self, wanted: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
        for entry in wanted:
            assert isinstance(entry.key, int)  # noqa: S101 -- set by _central
            yield entry, self._content(entry.key, "/".join(entry.parts))

    def _content(self, at: int, path: str) -> bytes:
        fields = CENTRAL.unpack_from(self.data, at)
        flags, method, crc, packed, size = (fields[i] for i in (3, 4, 7, 8, 9))
        if flags & ENCRYPTED:
            msg = "the zip is encrypted"
            raise ArchiveError(msg, "Make it again without a password.")
        raw = self.data[at + CENTRAL.size : at + CENTRAL.size + fields[10]]
        body = self._body(fields[16], packed, raw)
        if method == STORED:
            content = body
        elif method == DEFLATED:
            content = inflate(body, size, path)
        else:
            msg = f"{shown(path)} is packed by method {method}, which is not supported"
            raise ArchiveError(msg, "Make an ordinary zip (method deflate).")
        if len(content) != size or zlib.crc32(content) != crc:
            damaged(f"{shown(path)} does not match its checksum or size")
        return content

    def _body(self, at: int, packed: int, name: bytes) -> bytes:
        """Return the packed bytes behind a local header that agrees on the name."""
        if at + LOCAL.size > len(self.data):
            damaged("an entry is missing")
        fields = LOCAL.unpack_from(self.data, at)
        start = at + LOCAL.size
        body = start + fields[9] + fields[10]
        if fields[0] != LOCAL_MAGIC or self.data[start : start + fields[9]] != name:
            damaged("an entry and the directory disagree")
        if body + packed > len(self.data):
            damaged("an entry is cut off")
        return self.data[body : body + packed]


def decode_name(raw: bytes, flags: int) -> str:
    """Decode a name; what is not valid becomes a surrogate, refused in a package."""
    if flags & UTF8_NAME:
        return raw.decode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")  # what most tools write without saying so
    except UnicodeDecodeError:
        return raw.decode("cp437")  # what the format says


def zip_kind(name: str, mode: int) -> Kind:
    """Return the kind by the Unix mode; tools that set none give a slash or nothing."""
    if mode & 0o170000:
        kind = kind_of(mode)
        return Kind.FOLDER if kind is Kind.FILE and name.endswith("/") else kind
    return Kind.FOLDER if name.endswith("/") else Kind.FILE


def inflate(body: bytes, size: int, path: str) -> bytes:
    """Unpack at most `size` bytes, whatever the stream would give.

    Raises:
        ArchiveError: it gives more or less, or is damaged.
    """
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = unpacker.decompress(body, size + 1)
    except zlib.error:
        damaged(f"{shown(path)} cannot be unpacked")
    if len(content) > size:
        damaged(f"{shown(path)} unpacks to more than it says")
    return content


def damaged(what: str) -> NoReturn:
    """Refuse a zip that is not what its directory says."""
    msg = f"the zip is damaged or cut off: {what}"
    raise ArchiveError(msg, REPACK)
