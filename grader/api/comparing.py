"""Passages that submissions share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader import similarity
from grader.batch import find_entries
from grader.config import find_home, load_course
from grader.grading import Talk, silent
from grader.pipeline import reference_files


@dataclass(frozen=True)
class CompareOptions:
    """What to hold against each other, and from which share on."""

    course: Path | None = None
    least: float = 0.3
    common: float = 0.5
    top: int = 50
    given: tuple[Path, ...] = ()  # code that everybody had, beside the template


def compare(
    sources: Sequence[str], options: CompareOptions, progress: Talk = silent
) -> similarity.Compared:
    """Find passages that submissions share; evidence, never a verdict.

    Raises:
        GraderError: the sources or the course are not usable.
    """
    home = find_home(options.course)
    package = load_course(home.course_file).package
    folders = (home.template / package, *options.given)
    settings = similarity.Settings(
        given=tuple(file for folder in folders for file in reference_files(folder)),
        least=options.least,
        common=options.common,
        top=options.top,
        package=package,
    )
    entries = find_entries(sources, package)
    whose = [similarity.Whose(entry.student, entry.source) for entry in entries]
    return similarity.compare(whose, settings, progress)
