"""A tar as a submission, read as a stream by a strict parser of the needed subset.

The standard library's reader believes sizes in headers before it has seen the bytes.
Formats: POSIX ustar and pax, and GNU's long names; sparse files are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.intake.entries import ArchiveError, Entry, Kind
from grader.intake.limits import ENTRIES, META_BYTES
from grader.intake.names import REPACK, split_name
from grader.intake.unpack import Unpacked, cut_off

BLOCK = 512
FILES = b"0\x007"  # "7": contiguous, the same as a file everywhere
FOLDER, SPARSE = b"5", b"S"
LINKS = b"12"
EMPTY = b"123456"  # kinds without content, whatever their size field says
PAX, PAX_GLOBAL, LONG_NAME, LONG_LINK = b"x", b"g", b"L", b"K"
META = PAX + PAX_GLOBAL + LONG_NAME + LONG_LINK


@dataclass(frozen=True, slots=True)
class Header:
    """One header block."""

    name: str
    kind: bytes
    size: int


@dataclass(slots=True)
class Extra:
    """What headers before an entry say about it."""

    name: str | None = None
    size: int | None = None


class TarReader:
    """Reads a tar held in memory, packed by gzip or xz or not at all."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def entries(self) -> Iterator[Entry]:
        for entry, _stream in self._walk():
            yield entry

    def read(self, wanted: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
        by_key = {entry.key: entry for entry in wanted}
        for found, stream in self._walk():
            if found.key in by_key:
                content = stream.read(found.size)
                if len(content) != found.size:
                    raise cut_off()
                yield by_key[found.key], content

    def _walk(self) -> Iterator[tuple[Entry, Unpacked]]:
        """Yield each entry while the stream stands at its content.

        The caller reads all of the content or nothing.
        """
        stream, extra, number = Unpacked(self.data), Extra(), 0
        while (header := read_header(stream)) is not None:
            number += 1
            if number > ENTRIES * 2:  # every entry may have one extra header
                msg = f"the archive has more than {ENTRIES:,} files and folders"
                raise ArchiveError(msg, "Leave .venv, .git and data out of it.")
            if header.kind in META:
                read_extra(stream, header, extra)
                continue
            entry = to_entry(header, extra, number)
            length = 0 if header.kind in EMPTY else entry.size
            before = stream.count
            yield entry, stream
            stream.skip(length - (stream.count - before) + -length % BLOCK)
            extra = Extra()
        stream.drain()


def read_header(stream: Unpacked) -> Header | None:
    """Read one header; None at the end mark.

    Raises:
        ArchiveError: it is no header, or the end mark is missing.
    """
    block = stream.read(BLOCK)
    if len(block) != BLOCK:
        raise cut_off()
    if not any(block):
        return None
    claimed = number_of(block[148:156])
    if claimed != sum(block) - sum(block[148:156]) + 8 * ord(" "):
        msg = "the archive is damaged: a header does not match its checksum"
        raise ArchiveError(msg, REPACK)
    name = text_of(block[:100])
    if block[257:263] == b"ustar\0" and block[345]:
        name = f"{text_of(block[345:500])}/{name}"
    return Header(name, block[156:157], number_of(block[124:136]))


def read_extra(stream: Unpacked, header: Header, extra: Extra) -> None:
    """Read a header that speaks about the next entry.

    Raises:
        ArchiveError: it is too long or damaged, or describes a sparse file.
    """
    if header.size > META_BYTES:
        msg = "the archive has a name or header that is far too long"
        raise ArchiveError(msg, REPACK)
    body = stream.read(header.size + -header.size % BLOCK)[: header.size]
    if len(body) != header.size:
        raise cut_off()
    if header.kind == LONG_NAME:
        extra.name = text_of(body)
    elif header.kind == PAX:
        fields = pax_fields(body)
        if any(key.startswith(b"GNU.sparse") for key in fields):
            raise sparse()
        if b"path" in fields:
            extra.name = fields[b"path"].decode("utf-8", "surrogateescape")
        if b"size" in fields:
            extra.size = decimal(fields[b"size"])


def pax_fields(body: bytes) -> dict[bytes, bytes]:
    """Split "length key=value" records, each length counting its whole record."""
    fields: dict[bytes, bytes] = {}
    while body:
        digits, _, _rest = body.partition(b" ")
        length = decimal(digits)
        record, body = body[:length], body[length:]
        key, equals, value = record[len(digits) + 1 : -1].partition(b"=")
        if not equals or record[-1:] != b"\n" or len(record) != length:
            raise bad_header()
        fields[key] = value
    return fields


def to_entry(header: Header, extra: Extra, number: int) -> Entry:
    """Combine a header with what came before it."""
    if header.kind == SPARSE:
        raise sparse()
    name = header.name if extra.name is None else extra.name
    size = header.size if extra.size is None else extra.size
    if header.kind == FOLDER or (header.kind in FILES and name.endswith("/")):
        kind = Kind.FOLDER
    elif header.kind in LINKS:
        kind = Kind.LINK
    else:
        kind = Kind.FILE if header.kind in FILES else Kind.OTHER
    return Entry(split_name(name), kind, size, number)


def text_of(field: bytes) -> str:
    """Decode a name up to its NUL; what is not UTF-8 becomes a surrogate."""
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def number_of(field: bytes) -> int:
    """Read an octal number, or GNU's binary form for large ones.

    Raises:
        ArchiveError: it is neither, or negative.
    """
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if any(char not in b"01234567" for char in digits):
        raise bad_header()
    return int(digits or b"0", 8)


def decimal(digits: bytes) -> int:
    """Read a decimal number of a pax header."""
    if not digits.isdigit() or len(digits) > 20:
        raise bad_header()
    return int(digits)


def bad_header() -> ArchiveError:
    """Return the refusal of an unreadable header."""
    return ArchiveError("the archive is damaged: a header cannot be read", REPACK)


def sparse() -> ArchiveError:
    """Return the refusal of a file with holes."""
    msg = "the archive holds a sparse file"
    return ArchiveError(msg, "Make it again without the option for sparse files.")
