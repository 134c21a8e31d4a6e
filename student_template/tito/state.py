"""Where you are: the state of every module and milestone, from code and notes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tito import course as course_file
from tito import progress as notes
from tito.course import Course, Milestone, Module
from tito.package import Source, collect
from tito.progress import Passed, Progress

DONE, STALE, STARTED = "done", "stale", "in progress"
BLOCKED, OPEN, LATER = "blocked", "not started", "to come"
STUB = re.compile(r"""NotImplementedError\(["']TODO (\d+\.\d+): ([\w.]+)["']\)""")


@dataclass(frozen=True)
class State:
    """Where one module or milestone stands.

    Attributes:
        word: one of the six above.
        day: of completion, "2026-10-05"; empty if it is not complete.
        detail: what is left, or what was edited.
        missing: names of the modules that it waits for.
    """

    word: str
    day: str = ""
    detail: str = ""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Here:
    """A repository as it is now."""

    project: Path
    course: Course
    sources: Sequence[Source]
    progress: Progress

    def rests_on(self, names: Sequence[str]) -> tuple[str, dict[str, str]]:
        """Return the digests of the files that these modules rest on."""
        return notes.digests(notes.rests_on(self.course, names, self.sources))

    def unwritten(self, module: Module) -> set[str]:
        """Return the tasks ("2.3 Tensor.__pow__") whose stub is as it was given."""
        text = "\n".join(
            s.data.decode("utf-8", "replace")
            for s in self.sources
            if b"NotImplementedError" in s.data
        )
        stubs = {" ".join(found) for found in STUB.findall(text)}
        return stubs & {" ".join(task) for task in module.tasks}

    def missing(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the needed modules that were never complete, prerequisites too."""
        needed = self.course.closure(names)
        return tuple(m.name for m in needed if m.name not in self.progress.modules)

    def stale(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the needed modules that were complete before an edit."""
        needed = self.course.closure(names)
        return tuple(m.name for m in needed if self.module(m).word == STALE)

    def module(self, module: Module) -> State:
        """Return where a module stands."""
        if not module.released:
            return State(LATER)
        if (passed := self.progress.modules.get(module.name)) is not None:
            return self._complete(module, passed)
        missing = self.missing(module.needs)
        left, total = len(self.unwritten(module)), _stubs(self.course, module)
        if left < total:
            detail = f"stubs {total - left}/{total}"
            return State(STARTED, detail=detail, missing=missing)
        return State(BLOCKED if missing else OPEN, missing=missing)

    def _complete(self, module: Module, passed: Passed) -> State:
        digest, files = self.rests_on([module.name])
        day = notes.day(passed.at)
        if digest == passed.digest:
            return State(DONE, day)
        changed = [p.rpartition("/")[2] for p in notes.edited(passed.files, files)]
        more = f" +{len(changed) - 1}" if len(changed) > 1 else ""
        detail = f"edited: {changed[0]}{more}" if changed else "edited"
        return State(STALE, day, detail)

    def milestone(self, milestone: Milestone) -> State:
        """Return where a milestone stands: all scripts that need no fetched data."""
        if not milestone.released:
            return State(LATER)
        ran = self.progress.milestones.get(milestone.name, {})
        wanted = [s.file for s in milestone.scripts if not s.fetch]
        good = [ran[file] for file in wanted if file in ran and ran[file].code == 0]
        if good and len(good) == len(wanted):
            day = max(notes.day(run.at) for run in good)
            digest, _files = self.rests_on(milestone.needs)
            if all(run.digest == digest for run in good):
                return State(DONE, day)
            return State(STALE, day, "edited since")
        missing = self.missing(milestone.needs)
        if ran:
            detail = f"scripts {len(good)}/{len(wanted)}"
            return State(STARTED, detail=detail, missing=missing)
        return State(BLOCKED if missing else OPEN, missing=missing)


def _stubs(course: Course, module: Module) -> int:
    """Return how many stubs a module was given with.

    A task on a function that an earlier module has stubbed has none of its own.
    """
    targets = {target for _number, target in module.tasks}
    for earlier in course.modules:
        if earlier is module:
            break
        targets -= {target for _number, target in earlier.tasks}
    return len(targets)


def here(project: Path) -> Here:
    """Read a repository.

    Raises:
        TitoError: the course's file, the notes or the package cannot be read.
    """
    course = course_file.load(project)
    return Here(project, course, collect(project), notes.load(project))
