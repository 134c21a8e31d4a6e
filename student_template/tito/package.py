"""Your package as it will be graded: its Python files, and nothing else."""

from __future__ import annotations

import hashlib
import stat
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tito.errors import TitoError

PACKAGE = "tinytorch"
KIB = 1024
FILES = 500
FILE_BYTES = 256 * KIB
PACKAGE_BYTES = 2 * KIB * KIB
DEPTH = 8  # folders below the package
NAME_BYTES, PATH_BYTES = 100, 240
SOURCE_ONLY = "Hand in source only: no data and no weights in Python files."
# The grader refuses these categories of characters in names: control, format
# (invisible or right-to-left), broken, private, unassigned, line separators.
BAD_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the package on, and its bytes."""

    path: str
    data: bytes


def find_project(start: Path) -> Path:
    """Return the folder that holds the package: `start`, or one above it."""
    for folder in (start, *start.parents):
        if (folder / PACKAGE).is_dir() and not (folder / PACKAGE).is_symlink():
            return folder
    raise TitoError(
        f"there is no folder {PACKAGE}/ here or above",
        "Go to your repository's folder and try again.",
    )


def collect(project: Path) -> list[Source]:
    """Read the package's files, sorted, under the limits that the grader has."""
    sources = [
        Source(unicodedata.normalize("NFC", path), (project / path).read_bytes())
        for path in _walk(project, PACKAGE, 0)
    ]
    sources.sort(key=lambda source: source.path)
    if not sources:
        raise TitoError(
            f"{PACKAGE}/ holds no Python files", "Start from the course's template."
        )
    if len(sources) > FILES:
        raise TitoError(
            f"{PACKAGE}/ holds more than {FILES} Python files",
            "Keep only what the course asks for in it.",
        )
    if sum(len(source.data) for source in sources) > PACKAGE_BYTES:
        raise TitoError(f"{PACKAGE}/ is larger than 2 MiB", SOURCE_ONLY)
    _check_capitals(sources)
    return sources


def _walk(project: Path, folder: str, depth: int) -> Iterator[str]:
    for name in sorted(item.name for item in (project / folder).iterdir()):
        if name.startswith(".") or name == "__pycache__":
            continue
        path = f"{folder}/{name}"
        info = (project / path).lstat()
        _check_name(path, name, depth)
        if stat.S_ISDIR(info.st_mode):
            yield from _walk(project, path, depth + 1)
        elif not stat.S_ISREG(info.st_mode):
            raise TitoError(
                f"{path} is a link or no regular file", "Replace it by a plain file."
            )
        elif name.endswith(".py"):
            if info.st_size > FILE_BYTES:
                raise TitoError(f"{path} is larger than 256 KiB", SOURCE_ONLY)
            yield path


def left_out(project: Path) -> list[str]:
    """Return the files in the package that are not handed in: everything but Python."""
    return sorted(
        path.relative_to(project).as_posix()
        for path in (project / PACKAGE).rglob("*")
        if path.is_file()
        and path.suffix != ".py"
        and not any(
            part.startswith(".") or part == "__pycache__"
            for part in path.relative_to(project).parts
        )
    )


def _check_name(path: str, name: str, depth: int) -> None:
    strange = any(unicodedata.category(char) in BAD_CATEGORIES for char in name)
    long = strange or (
        len(unicodedata.normalize("NFC", name).encode()) > NAME_BYTES
        or len(unicodedata.normalize("NFC", path).encode()) > PATH_BYTES
    )
    if strange or long or "\\" in name or depth >= DEPTH:
        raise TitoError(
            f"{ascii(path)[1:-1][:NAME_BYTES]} has a name that cannot be handed in",
            "Use short names of letters, digits and underscores, few folders deep.",
        )


def _check_capitals(sources: Sequence[Source]) -> None:
    seen: dict[tuple[str, ...], tuple[str, ...]] = {}
    for source in sources:
        parts = tuple(source.path.split("/"))
        for length in range(1, len(parts) + 1):
            path = parts[:length]
            folded = tuple(part.casefold() for part in path)
            if seen.setdefault(folded, path) != path:
                raise TitoError(
                    f"{'/'.join(seen[folded])} and {'/'.join(path)} differ in capitals "
                    "only",
                    "Rename one: other systems take them for one file.",
                )


def broken(sources: Sequence[Source]) -> list[str]:
    """Return the files that Python cannot read, each with the line and the reason."""
    problems = []
    for source in sources:
        try:
            with warnings.catch_warnings(action="ignore"):
                compile(source.data, source.path, "exec", dont_inherit=True)
        except SyntaxError as error:
            problems.append(f"{source.path}:{error.lineno or 1}: {error.msg}")
        except (ValueError, RecursionError) as error:
            problems.append(f"{source.path}: {error}")
    return problems


def digest_of(sources: Sequence[Source]) -> str:
    """Return SHA-256 over path, NUL, length, NUL and content of the sorted files."""
    total = hashlib.sha256()
    for source in sorted(sources, key=lambda source: source.path):
        total.update(f"{source.path}\0{len(source.data)}\0".encode())
        total.update(source.data)
    return f"sha256:{total.hexdigest()}"
