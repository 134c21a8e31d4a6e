"""Which files of a submission are graded: the package's Python files, no others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from grader.intake.entries import ArchiveError, Entry, Kind, Reader
from grader.intake.limits import (
    DEPTH,
    ENTRIES,
    FILE_BYTES,
    FILES,
    KIB,
    MIB,
    PACKAGE_BYTES,
)
from grader.intake.literals import data_lines
from grader.intake.names import REPACK, check_path, shown
from grader.models.submission import SourceFile

Parts = tuple[str, ...]
SOURCE_ONLY = "Send source only: no data and no weights in Python files."


def list_entries(reader: Reader) -> list[Entry]:
    """List a submission, as far as the limit.

    Raises:
        ArchiveError: it has too many entries.
    """
    entries = list(islice(reader.entries(), ENTRIES + 1))
    if len(entries) > ENTRIES:
        msg = f"the submission has more than {ENTRIES:,} files and folders"
        raise ArchiveError(msg, "Leave .venv, .git and data out of it.")
    return entries


def take(
    reader: Reader, entries: Sequence[Entry], package: str
) -> tuple[tuple[SourceFile, ...], tuple[str, ...]]:
    """Read the Python files of `package`, sorted by path, and say what was left out.

    Raises:
        ArchiveError: there is no package, or it is unsafe or too large.
    """
    root = find_package(entries, package)
    inside = [
        Entry((package, *e.parts[len(root) :]), e.kind, e.size, e.key)
        for e in entries
        if e.parts[: len(root)] == root and len(e.parts) > len(root)
    ]
    kept = [e for e in inside if not is_cache(e.parts[1:])]
    check_tree(kept)
    wanted = [e for e in kept if is_source(e)]
    check_sizes(wanted)
    files = sorted(
        (SourceFile(path="/".join(e.parts), data=d) for e, d in reader.read(wanted)),
        key=lambda file: file.path,
    )
    left = sum(e.kind is Kind.FILE for e in kept) - len(wanted)
    return tuple(files), notes_on(files, left, package)


def find_package(entries: Iterable[Entry], package: str) -> Parts:
    """Return the path of the package folder.

    It stands at the root or in `src/`, or in the same two places one level down, as
    in an archive downloaded from GitHub; the higher level wins.

    Raises:
        ArchiveError: there is none, more than one, or it is a link.
    """
    folders, links, names = set[Parts](), set[Parts](), set[str]()
    for entry in entries:
        deep = entry.parts if entry.kind is Kind.FOLDER else entry.parts[:-1]
        folders.update(deep[:n] for n in range(1, min(len(deep), 3) + 1))
        names.update(entry.parts[:4])
        if entry.kind is Kind.LINK:
            links.add(entry.parts)
    for level in (0, 1):
        places = [
            parts
            for parts in sorted(folders | links)
            if parts[-1:] == (package,) and level_of(parts[:-1]) == level
        ]
        if len(places) > 1:
            where = " and ".join(shown("/".join(p)) + "/" for p in places[:2])
            msg = f"the submission has more than one package folder: {where}"
            raise ArchiveError(msg, f"Keep exactly one folder {package}/.")
        if places and places[0] in links:
            msg = f"{shown('/'.join(places[0]))} is a link, not a folder"
            raise ArchiveError(msg, "Send the folder itself.")
        if places:
            return places[0]
    raise no_package(names, package)


def level_of(above: Parts) -> int | None:
    """Return how deep a package below `above` is looked for; None: not at all."""
    if above in ((), ("src",)):
        return 0
    wrapper = above[0]
    plain = not wrapper.startswith((".", "__"))
    return 1 if plain and above[1:] in ((), ("src",)) else None


def no_package(names: set[str], package: str) -> ArchiveError:
    """Explain a missing package by the likeliest mistake."""
    near = sorted(n for n in names if n.casefold() == package and n != package)
    if near:
        hint = f"It has {shown(near[0])}; the folder must be called {package}."
    elif any(name.endswith(".py") for name in names):
        hint = f"Send the folder {package}/ itself, not only the files in it."
    else:
        hint = f"Send the folder that holds {package}/, or a bundle of `make submit`."
    return ArchiveError(f"the submission has no folder {package}/", hint)


def is_cache(below: Parts) -> bool:
    """Whether a path below the package is hidden or Python's own leavings."""
    return any(part.startswith(".") or part == "__pycache__" for part in below)


def is_source(entry: Entry) -> bool:
    """Whether the entry is what gets graded."""
    return entry.kind is Kind.FILE and entry.parts[-1].endswith(".py")


def check_tree(entries: Sequence[Entry]) -> None:
    """Refuse links, devices, bad names and names that are one on other systems.

    Raises:
        ArchiveError: with the first problem.
    """
    spelled: dict[Parts, Parts] = {}
    files = set[Parts]()
    for entry in entries:
        check_path(entry.parts)
        check_kind(entry)
        if is_source(entry):
            check_unique(entry.parts, spelled, files)
    for path in sorted(spelled.values()):
        if any(path[:length] in files for length in range(1, len(path))):
            msg = f"{shown('/'.join(path[:-1]))} is a file and a folder at once"
            raise ArchiveError(msg, REPACK)


def check_kind(entry: Entry) -> None:
    """Refuse everything but files and folders of a reasonable depth.

    Raises:
        ArchiveError: with the reason.
    """
    name = shown("/".join(entry.parts))
    if entry.kind is Kind.LINK:
        msg = f"{name} is a link"
        raise ArchiveError(msg, "Replace it by a copy of the file.")
    if entry.kind is Kind.OTHER:
        msg = f"{name} is not a regular file"
        raise ArchiveError(msg, "Keep Python files only in the package.")
    if len(entry.parts) - 1 > DEPTH:
        msg = f"{name} lies more than {DEPTH} folders deep"
        raise ArchiveError(msg, "Flatten the package.")


def check_unique(parts: Parts, spelled: dict[Parts, Parts], files: set[Parts]) -> None:
    """Refuse a second file of the same name, or one that differs in case only.

    Raises:
        ArchiveError: with both names.
    """
    if parts in files:
        msg = f"{shown('/'.join(parts))} appears twice"
        raise ArchiveError(msg, REPACK)
    files.add(parts)
    for length in range(1, len(parts) + 1):
        path = parts[:length]
        folded = tuple(part.casefold() for part in path)
        if spelled.setdefault(folded, path) != path:
            pair = f"{shown('/'.join(spelled[folded]))} and {shown('/'.join(path))}"
            msg = f"{pair} differ in capitals only"
            raise ArchiveError(msg, "Rename one: other systems take them for one file.")


def check_sizes(wanted: Sequence[Entry]) -> None:
    """Refuse by the claimed sizes; readers hold the content to the claim.

    Raises:
        ArchiveError: with the limit.
    """
    if len(wanted) > FILES:
        msg = f"the package has more than {FILES} Python files"
        raise ArchiveError(msg, "Keep only what the course asks for in it.")
    for entry in wanted:
        if entry.size > FILE_BYTES:
            msg = (
                f"{shown('/'.join(entry.parts))} is larger than {FILE_BYTES // KIB} KiB"
            )
            raise ArchiveError(msg, SOURCE_ONLY)
    if sum(entry.size for entry in wanted) > PACKAGE_BYTES:
        msg = f"the package's Python files are larger than {PACKAGE_BYTES // MIB} MiB"
        raise ArchiveError(msg, SOURCE_ONLY)


def notes_on(files: Sequence[SourceFile], left: int, package: str) -> tuple[str, ...]:
    """Say what a grader or student should know; the same for every kind of source."""
    notes = []
    if left:
        what = "1 file" if left == 1 else f"{left} files"
        notes.append(f"{what} in {package}/ left out: only .py files are graded")
    if not files:
        notes.append(f"{package}/ holds no Python files")
    broken = [file.path for file in files if not is_utf8(file.data)]
    if broken:
        more = f" and {len(broken) - 3} more" if len(broken) > 3 else ""
        notes.append(f"not UTF-8: {', '.join(map(shown, broken[:3]))}{more}")
    return (*notes, *data_notes(files))


def data_notes(files: Sequence[SourceFile]) -> tuple[str, ...]:
    """Say where source holds data, which trained weights may be."""
    places = [
        f"{shown(file.path)}:{line}"
        for file in files
        if (line := data_lines(file.data.decode("utf8", errors="replace")))
    ]
    if not places:
        return ()
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    return (f"data in source, look at it: {', '.join(places[:3])}{more}",)


def is_utf8(data: bytes) -> bool:
    """Whether Python reads the source without a declared encoding."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
