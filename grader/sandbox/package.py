"""What a zygote imports: the files of one package and how its names are found."""

from __future__ import annotations

from dataclasses import dataclass, field

from grader.models.course import Course
from grader.models.submission import SourceFile


@dataclass(frozen=True)
class Package:
    """Source files with the code compiled from them, and the course's symbol table."""

    name: str
    files: tuple[SourceFile, ...]
    symbols: dict[str, tuple[str, ...]]
    setup_calls: tuple[tuple[str, str], ...] = ()
    # Opaque here: written by one sandboxed process, read by another, never by us.
    code: dict[str, bytes] = field(default_factory=dict)


def package_of(course: Course, files: tuple[SourceFile, ...]) -> Package:
    """Return `files` as the course's package."""
    symbols = {s.name: s.paths for m in course.modules for s in m.symbols}
    calls = tuple((c.module, c.function) for c in course.setup_calls)
    return Package(course.package, files, symbols, calls)
