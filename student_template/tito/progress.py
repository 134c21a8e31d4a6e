"""What has passed, with the digest of the files that passed: `.tito/progress.json`.

It is a note to yourself; nothing of it is handed in, and nothing of it counts.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tito import notes
from tito.course import Course
from tito.errors import TitoError
from tito.package import PACKAGE, Source

FILE = ".tito/progress.json"
SCHEMA_VERSION = 1
IMPORT = re.compile(rb"^[ \t]*(?:from|import)\b[^\n(]*(?:\([^)]*\))?", re.MULTILINE)


@dataclass(frozen=True)
class Passed:
    """Public checks that passed.

    Attributes:
        at: when, in UTC: "2026-10-05T14:03:00+00:00".
        digest: of the files that the module rests on.
        files: a digest of each, to say later which one was edited.
        checks: how many there were.
    """

    at: str
    digest: str
    files: dict[str, str]
    checks: int


@dataclass(frozen=True)
class Finished:
    """A script of a milestone that came to its end."""

    at: str
    digest: str
    code: int
    wall_s: float


@dataclass
class Progress:
    """All that is noted: modules by name, scripts by milestone and file."""

    modules: dict[str, Passed] = field(default_factory=dict)
    milestones: dict[str, dict[str, Finished]] = field(default_factory=dict)


def rests_on(
    course: Course, names: Sequence[str], sources: Sequence[Source]
) -> list[Source]:
    """Return the files that these modules rest on.

    Their own, those of all modules that they need, the package's `__init__.py`, and
    files of no module (helpers of yours) that one of these imports.
    """
    owned = {path for module in course.modules for path in module.paths}
    own = {path for module in course.closure(names) for path in module.paths}
    own.add(f"{PACKAGE}/__init__.py")
    found = [s for s in sources if s.path in own]
    helpers = {s for s in sources if s.path not in owned | own}
    text = _imports(found)
    while named := {s for s in helpers if _word(s).search(text)}:
        found += named
        helpers -= named
        text = _imports(named)
    return found


def _imports(sources: Iterable[Source]) -> bytes:
    """Return the import statements, also of files that Python could not read."""
    return b"\n".join(line for s in sources for line in IMPORT.findall(s.data))


def _word(source: Source) -> re.Pattern[bytes]:
    """Return what an import of a file says: its name, or that of its folder."""
    parts = source.path.removesuffix("/__init__.py").removesuffix(".py").split("/")
    words = b"|".join(re.escape(part.encode()) for part in parts[1:])
    return re.compile(rb"\b(" + words + rb")\b")


def digests(sources: Sequence[Source]) -> tuple[str, dict[str, str]]:
    """Return a digest of all files together, and a short one of each."""
    each = {
        source.path: hashlib.sha256(source.data).hexdigest()[:16] for source in sources
    }
    text = "".join(f"{path}\0{digest}\n" for path, digest in sorted(each.items()))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}", each


def edited(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the files that are new, gone or different."""
    return sorted(p for p in {*before, *now} if before.get(p) != now.get(p))


def moment() -> str:
    """Return the time, for a note."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def day(at: str) -> str:
    """Return the day of a note where you are; empty, if it is no time."""
    try:
        return datetime.fromisoformat(at).astimezone().date().isoformat()
    except (ValueError, OverflowError):
        return ""


def load(project: Path) -> Progress:
    """Read the notes; none is as good as an empty one.

    Raises:
        TitoError: they are damaged.
    """
    try:
        data = json.loads((project / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Progress()
    except OSError as error:
        raise TitoError(
            f"{FILE} cannot be read: {error.strerror}",
            "Check what .tito is, and its permissions.",
        ) from None
    except (ValueError, RecursionError):
        raise _damaged() from None
    try:
        if data["schema_version"] != SCHEMA_VERSION:
            raise _damaged()
        return Progress(
            {str(name): _passed(row) for name, row in data["modules"].items()},
            {
                str(name): {str(file): _finished(row) for file, row in rows.items()}
                for name, rows in data["milestones"].items()
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _damaged() from None


def _damaged() -> TitoError:
    return TitoError(
        f"{FILE} is damaged, or of another version",
        "Delete it; `tito module complete` notes again what passes.",
    )


def _passed(row: Mapping[str, Any]) -> Passed:
    files = {str(path): str(digest) for path, digest in row["files"].items()}
    return Passed(str(row["at"]), str(row["digest"]), files, int(row["checks"]))


def _finished(row: Mapping[str, Any]) -> Finished:
    wall_s = float(row["wall_s"])
    return Finished(str(row["at"]), str(row["digest"]), int(row["code"]), wall_s)


def save(project: Path, progress: Progress) -> None:
    """Write the notes, whole or not at all.

    Raises:
        TitoError: they cannot be written.
    """
    data = {"schema_version": SCHEMA_VERSION, **asdict(progress)}
    path = project / FILE
    try:
        path.parent.mkdir(exist_ok=True)
        text = json.dumps(data, indent=1, sort_keys=True)
        notes.write(path, text.encode(), 0o644)
    except OSError as error:
        raise TitoError(
            f"{FILE} cannot be written: {error.strerror}",
            "Check permissions and free space; what passed was not noted.",
        ) from None
