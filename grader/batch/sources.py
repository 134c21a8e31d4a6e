"""Where the submissions of a batch are: folders, archives, cloned trees, a roster."""

from __future__ import annotations

import csv
import glob
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from grader.errors import ConfigError
from grader.marks.words import UnclearError, moment

ARCHIVES: Final = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz")
MOST_ROSTER_BYTES: Final = 16 << 20
# What `gh classroom clone` calls a tree, and what Classroom 50's `gh teacher download`
# does; before it stands what the names of all repositories begin with.
_TREE: Final = re.compile(
    r"^(?P<slug>.+?)(-submissions|_submissions_\d{4}_\d\d_\d\d_T_\d\d_\d\d_\d\d)$"
)
_WILDCARDS: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Entry:
    """One submission to grade: whose it is, and where."""

    student: str
    source: str  # a path, or an address that intake knows
    submitted_at: datetime | None = None  # aware; only a roster tells


def find_entries(sources: Iterable[str], package: str) -> list[Entry]:
    """Return the submissions in `sources`, each student once, in a fixed order.

    A source is a submission itself, a folder of submissions, a tree that
    `gh classroom clone` or Classroom 50's `gh teacher download` made, a CSV roster
    with the columns student and source (and submitted_at, when it was handed in), or a
    pattern with * and ?.

    Raises:
        ConfigError: a source is missing or holds none, or a student stands twice.
    """
    found: dict[str, Entry] = {}
    for source in sources:
        for entry in _entries(source, package):
            twin = found.setdefault(entry.student, entry)
            if twin is not entry:
                msg = f"{entry.student!r} is in the batch twice"
                hint = f"{twin.source} and {entry.source}: leave one out"
                raise ConfigError(msg, hint=hint)
    return list(found.values())


def _entries(source: str, package: str) -> Iterator[Entry]:
    path = Path(source)
    if path.is_dir():
        yield from _of_folder(path, package)
    elif path.suffix.lower() == ".csv" and path.is_file():
        yield from _of_roster(path)
    elif path.is_file():
        yield Entry(_stem(path), source)
    elif _WILDCARDS.search(source):
        names = sorted(glob.glob(source))  # noqa: PTH207 -- a pattern with any root
        if not names:
            msg = f"nothing matches {source}"
            raise ConfigError(msg, hint="quote the pattern, or look where it points")
        for name in names:
            yield from _entries(name, package)
    else:
        msg = f"there is nothing at {source}"
        hint = "name folders, archives, a roster.csv, or a pattern"
        raise ConfigError(msg, hint=hint)


def _of_folder(folder: Path, package: str) -> Iterator[Entry]:
    if (folder / package).is_dir():
        yield Entry(_name(folder), str(folder))
        return
    children = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    trees = [p for p in children if p.is_dir() and _TREE.match(p.name)]
    for tree in trees:
        yield from _of_folder(tree, package)
    inside = [p for p in children if p not in trees and _is_submission(p, package)]
    if not inside and not trees:
        msg = f"no submission in {folder}"
        hint = f"a submission is a folder with {package}/ in it, or an archive"
        raise ConfigError(msg, hint=hint)
    tree_name = _TREE.match(_name(folder))
    slug = f"{tree_name['slug']}-" if tree_name else ""
    yield from (Entry(_stem(p).removeprefix(slug), str(p)) for p in inside)


def _is_submission(path: Path, package: str) -> bool:
    if path.is_file():
        return path.name.lower().endswith(ARCHIVES)
    # A folder without the package is a submission that intake refuses with a reason.
    return path.is_dir() and not path.is_symlink() and package != path.name


def _of_roster(path: Path) -> Iterator[Entry]:
    if path.stat().st_size > MOST_ROSTER_BYTES:
        msg = f"{path} is larger than a roster can be"
        raise ConfigError(msg, hint="it has the columns student and source")
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(text.splitlines(), strict=True))
    except (UnicodeDecodeError, csv.Error) as exc:
        msg = f"{path} is no CSV file: {exc}"
        raise ConfigError(msg, hint="save it as CSV, in UTF-8") from exc
    for number, row in enumerate(rows, start=2):
        student = (row.get("student") or "").strip()
        source = (row.get("source") or "").strip()
        if not student or not source:
            msg = f"{path}, line {number}: no student or no source"
            hint = "columns: student, source (a path, or git+https://host/repo@commit)"
            raise ConfigError(msg, hint=hint)
        here = path.parent / source
        at = _submitted_at(path, number, (row.get("submitted_at") or "").strip())
        yield Entry(student, str(here) if here.exists() else source, at)


def _submitted_at(path: Path, number: int, text: str) -> datetime | None:
    try:
        return moment(text) if text else None
    except UnclearError as exc:
        msg = f"{path}, line {number}, column submitted_at: {exc}"
        raise ConfigError(msg, hint=exc.hint) from exc


def _name(folder: Path) -> str:
    return folder.resolve().name


def _stem(path: Path) -> str:
    """Return the name without the ending of an archive."""
    if path.is_file():
        for ending in sorted(ARCHIVES, key=len, reverse=True):
            if path.name.lower().endswith(ending):
                return path.name[: -len(ending)]
    return path.name
