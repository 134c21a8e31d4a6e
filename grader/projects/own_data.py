"""Read a submission's own data: .npz, .csv and .txt, by strict small parsers.

Nothing is unpickled, nothing is unpacked beyond what the course allows, and no header
of a stranger decides how much memory is taken.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from grader.errors import SubmissionRejectedError
from grader.intake.entries import ArchiveError, Kind
from grader.intake.names import shown
from grader.intake.zip_ import ZipReader

LEAST: Final = 100  # examples; a fifth of them is held out
LEAST_CHARACTERS: Final = 5_000
MOST_CLASSES: Final = 1_000
MOST_CHARACTERS: Final = 256  # different ones, so that ids are bytes
NPY_MAGIC: Final = b"\x93NUMPY"
HEADER_BYTES: Final = 4096
# As numpy writes it, and nothing else that Python could read there.
NPY_HEADER: Final = re.compile(
    rb"\{'descr': '([^']{1,40})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,12}(?:, \d{1,12}){0,7},?)?)\),? ?\} *\n?"
)
NUMBERS: Final = frozenset(
    {
        *("|u1", "|i1", "<i2", "<i4", "<i8", "<u2", "<u4", "<u8", "|b1"),
        *("<f4", "<f8"),
    }
)


@dataclass(frozen=True)
class Examples:
    """Inputs with answers. Shapes: x (n, ...), y (n,) class ids, or (n, k) numbers."""

    x: NDArray[Any]
    y: NDArray[Any]
    classes: int = 0  # 0: answers are numbers


@dataclass(frozen=True)
class Text:
    """Ids of characters, shape (n,), and the character of every id."""

    ids: NDArray[np.uint8]
    alphabet: str


def refused(path: str, what: str, hint: str = "") -> SubmissionRejectedError:
    """Return the refusal of a data file."""
    return SubmissionRejectedError(f"{shown(path)}: {what}", hint=hint)


def read_examples(path: str, data: bytes, *, classes: bool, most: int) -> Examples:
    """Read a .npz or .csv file.

    Args:
        classes: answers are classes, not numbers.
        most: bytes that the arrays may have, unpacked.

    Raises:
        SubmissionRejectedError: it is damaged, too large, has too few examples, or
            values that are no numbers.
    """
    read = _npz if path.endswith(".npz") else _csv
    x, y = read(path, data, most)
    if len(x) != len(y):
        raise refused(path, f"x has {len(x)} examples, and y has {len(y)}")
    if len(x) < LEAST:
        raise refused(path, f"it has {len(x)} examples, and {LEAST} are needed")
    x = x if x.dtype == np.uint8 else _finite(path, "x", x)
    if not classes:
        numbers = _finite(path, "y", _as_numbers(path, y))
        return Examples(x, numbers.reshape(len(numbers), -1))
    ids, count = _as_classes(path, y)
    return Examples(x, ids, count)


def read_text(path: str, data: bytes) -> Text:
    """Read a UTF-8 text.

    Raises:
        SubmissionRejectedError: it is none, too short, or has too many characters.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise refused(path, "it is not UTF-8", "Save it as UTF-8.") from None
    alphabet = "".join(sorted(set(text)))
    if len(alphabet) > MOST_CHARACTERS:
        msg = f"it has {len(alphabet)} different characters"
        raise refused(path, msg, f"At most {MOST_CHARACTERS} are allowed.")
    if len(text) < LEAST_CHARACTERS:
        msg = f"it has {len(text)} characters, and {LEAST_CHARACTERS} are needed"
        raise refused(path, msg)
    table = {char: i for i, char in enumerate(alphabet)}
    return Text(np.array([table[char] for char in text], np.uint8), alphabet)


def _npz(path: str, data: bytes, most: int) -> tuple[NDArray[Any], NDArray[Any]]:
    reader = ZipReader(data)
    try:
        entries = list(reader.entries())
        found = {e.parts[-1]: e for e in entries if e.kind is Kind.FILE}
        if len(entries) != 2 or set(found) != {"x.npy", "y.npy"}:
            raise refused(path, "it must hold the arrays x and y, and nothing else")
        if sum(e.size for e in entries) > most:
            raise refused(path, f"it unpacks to more than {most:,} bytes")
        arrays = {e.parts[-1]: d for e, d in reader.read(entries)}
    except ArchiveError as exc:
        raise refused(path, exc.message, "Write it with numpy.savez.") from None
    return _array(path, "x", arrays["x.npy"]), _array(path, "y", arrays["y.npy"])


def _array(path: str, name: str, data: bytes) -> NDArray[Any]:
    """Return the array in an .npy file; the header is held against the content."""
    lengths = {b"\1\0": 2, b"\2\0": 4}  # bytes of the header's length, by version
    wide = lengths.get(data[6:8], 0) if data.startswith(NPY_MAGIC) else 0
    start = 8 + wide
    end = start + int.from_bytes(data[8:start], "little")
    found = NPY_HEADER.fullmatch(data[start : min(end, start + HEADER_BYTES)])
    if not wide or found is None:
        raise refused(path, f"{name} is no array that numpy.savez wrote")
    kind, fortran, sizes = (part.decode() for part in found.groups())
    if kind not in NUMBERS:
        hint = "Only numbers are read, never objects: astype(numpy.float32)."
        raise refused(path, f"{name} is of type {shown(kind)}", hint)
    shape = tuple(int(size) for size in sizes.split(",") if size.strip())
    dtype, rest = np.dtype(kind), data[end:]
    if math.prod(shape) * dtype.itemsize != len(rest) or not (shape and min(shape)):
        raise refused(path, f"{name} is not as large as it says")
    flat = np.frombuffer(rest, dtype)
    return flat.reshape(shape, order="F" if fortran == "True" else "C")


def _csv(path: str, data: bytes, most: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the numbers of all columns but the last, and the last as text."""
    rows = _rows(path, data)
    width = len(rows[0]) if rows else 0
    if width < 2:
        raise refused(path, "it needs two columns or more, and a line of their names")
    if 4 * width * len(rows) > most:
        raise refused(path, f"its numbers take more than {most:,} bytes")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != width:
            msg = f"row {number} has {len(row)} values, and the first line {width}"
            raise refused(path, msg)
    x = _numbers(path, [row[:-1] for row in rows[1:]])
    return x, np.array([row[-1].strip() for row in rows[1:]], dtype=np.str_)


def _rows(path: str, data: bytes) -> list[list[str]]:
    try:
        text = data.decode("utf-8-sig")
        return [row for row in csv.reader(io.StringIO(text), strict=True) if row]
    except UnicodeDecodeError:
        raise refused(path, "it is not UTF-8", "Save it as UTF-8.") from None
    except csv.Error as exc:
        raise refused(path, f"it is no table: {exc}") from None


def _numbers(path: str, rows: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    values = []
    for number, row in enumerate(rows, start=2):
        try:
            values.append([float(cell) for cell in row])
        except ValueError:
            msg = f"row {number} has a value that is no number"
            hint = "Only the last column, the answer, may have words."
            raise refused(path, msg, hint) from None
    return np.array(values, np.float64)


def _as_numbers(path: str, y: NDArray[Any]) -> NDArray[Any]:
    if y.dtype.kind != "U":
        return y
    return _numbers(path, [[cell] for cell in y.tolist()])


def _as_classes(path: str, y: NDArray[Any]) -> tuple[NDArray[np.int64], int]:
    """Return ids from 0 in the order of what stands in the file."""
    if y.ndim != 1 or y.dtype.kind == "f":
        raise refused(path, "y must have one whole number, the class, an example")
    names, ids = np.unique(y, return_inverse=True)
    if not 2 <= len(names) <= MOST_CLASSES:
        raise refused(path, f"it has {len(names)} classes, not 2 to {MOST_CLASSES}")
    return ids.astype(np.int64), len(names)


def _finite(path: str, name: str, array: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        floats = array.astype(np.float32)
    if not np.all(np.isfinite(floats)):
        raise refused(path, f"{name} has values that are no finite float32")
    return floats
