"""A project's own files: `capstone.toml` beside the package, and what it names.

They lie at fixed places below the submission's root, so that no path of a stranger is
ever joined to one of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from grader.intake.entries import ArchiveError, Entry, Kind, Reader
from grader.intake.limits import KIB
from grader.intake.names import check_path, shown
from grader.intake.select import find_package, is_utf8, list_entries
from grader.models.submission import SourceFile, Submission

DECLARATION: Final = "capstone.toml"
DECLARATION_BYTES: Final = 16 * KIB
EXAMPLE: Final = "Copy the example from entry/README.md to the root and change it."
NAMED: Final = f"{DECLARATION} names it."
OWN: Final = "entry/README.md of the template says what the open division asks for."
SCRIPT_BYTES: Final = 64 * KIB  # some 1,500 lines; a trained model is no script
# Paths below the root, each with the most bytes the file may have.
Wanted = Callable[[bytes], Mapping[str, int]]


@dataclass(frozen=True)
class Handed:
    """A package, and the files of its project by path: "entry/project.py"."""

    submission: Submission
    files: Mapping[str, bytes]


def take_project(reader: Reader, package: str, wanted: Wanted) -> dict[str, bytes]:
    """Read `capstone.toml`, and then the files that it names.

    Raises:
        ArchiveError: one is missing, twice there, no plain file, or too large.
    """
    entries = list_entries(reader)
    root = _root(entries, package)
    found = _one(reader, entries, root, (DECLARATION, DECLARATION_BYTES, EXAMPLE))
    files = {DECLARATION: found}
    for path, most_bytes in wanted(found).items():
        files[path] = _one(reader, entries, root, (path, most_bytes, NAMED))
    return files


def take_scripts(
    reader: Reader, entries: Sequence[Entry], package: str, paths: Sequence[str]
) -> tuple[SourceFile, ...]:
    """Read the scripts at `paths` below the root.

    Raises:
        ArchiveError: one is missing, twice there, no plain file, too large, or not
            UTF-8.
    """
    root = _root(entries, package)
    found = []
    for path in paths:
        data = _one(reader, entries, root, (path, SCRIPT_BYTES, OWN))
        if not is_utf8(data):
            raise ArchiveError(f"{shown(path)} is not UTF-8", "Save it as UTF-8.")
        found.append(SourceFile(path=path, data=data))
    return tuple(found)


def _root(entries: Sequence[Entry], package: str) -> tuple[str, ...]:
    """Return the folder that a submission's own files are below."""
    root = find_package(entries, package)[:-1]
    return root[:-1] if root[-1:] == ("src",) else root


def _one(
    reader: Reader,
    entries: Sequence[Entry],
    root: tuple[str, ...],
    wanted: tuple[str, int, str],
) -> bytes:
    path, most_bytes, hint = wanted
    parts = (*root, *path.split("/"))
    check_path(parts)
    same = [e for e in entries if e.parts == parts]
    if not same:
        raise ArchiveError(f"the submission has no {shown(path)}", hint)
    above = {parts[:n] for n in range(1, len(parts))}
    if any(e.parts in above and e.kind is not Kind.FOLDER for e in entries):
        msg = f"the folder of {shown(path)} is a link or a file"
        raise ArchiveError(msg, "Send the folder itself.")
    if len(same) > 1 or same[0].kind is not Kind.FILE:
        msg = f"{shown(path)} is not one plain file"
        raise ArchiveError(msg, "Send the file itself, once and not as a link.")
    if same[0].size > most_bytes:
        msg = (
            f"{shown(path)} has {same[0].size:,} bytes, and {most_bytes:,} are allowed"
        )
        raise ArchiveError(msg, "Make it smaller.")
    ((_, data),) = reader.read(same)
    return data
