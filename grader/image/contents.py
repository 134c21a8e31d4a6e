"""What an image copies from a checkout, as one digest a part."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args

import grader
from grader.checks.suites import suites_digest
from grader.config import Home, load_course
from grader.models.base import Model
from grader.models.submission import SourceFile
from grader.pipeline import digest_of, reference_files

Part = Literal["engine", "suites", "reference", "course", "milestones"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
_ENGINE: Final = Path(grader.__file__).parent


class Contents(Model):
    """Digests of the parts, as "sha256:..."; an empty text means that it is not there.

    `suites` and `reference` are those of every report; `course` is of course.toml as it
    is understood, so that a comment changes nothing; `milestones` is of scripts and
    shipped data; `engine` is of the package `grader`.
    """

    engine: str = ""
    suites: str = ""
    reference: str = ""
    course: str = ""
    milestones: str = ""

    def of(self, part: Part) -> str:
        """Return the digest of one part."""
        return str(getattr(self, part))


def contents_of(home: Home | None, engine: Path = _ENGINE) -> Contents:
    """Return the digests of the engine and, if there is one, of a course.

    Raises:
        ConfigError: a part of the course is missing or cannot be read.
    """
    own = _digest_of_engine(engine)
    if home is None:
        return Contents(engine=own)
    course = load_course(home.course_file)
    understood = course.model_dump_json().encode()
    return Contents(
        engine=own,
        suites=suites_digest(home.suites),
        reference=digest_of(reference_files(home.reference / course.package)),
        course=f"sha256:{hashlib.sha256(understood).hexdigest()}",
        milestones=digest_of(_files(home.milestones, _is_of_a_run)),
    )


@cache
def _digest_of_engine(folder: Path) -> str:
    """Read once: what a process runs is what it has loaded, not what came later."""
    return digest_of(_files(folder, lambda _: True))


def _is_of_a_run(name: Path) -> bool:
    """Return whether a file of the milestones is read when one is run.

    The image takes these and no other (container/rootfs.py): what runs leave behind
    must not make it look old.
    """
    return name.suffix == ".py" or name.parts[0] == "data"


def _files(folder: Path, wanted: Callable[[Path], bool]) -> tuple[SourceFile, ...]:
    """Return the wanted files below `folder`, without caches and hidden ones."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        hidden = any(part.startswith((".", "__pycache__")) for part in name.parts)
        if path.is_file() and not hidden and wanted(name):
            found.append(SourceFile(path=name.as_posix(), data=path.read_bytes()))
    return tuple(found)
