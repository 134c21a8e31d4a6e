"""What a validation runs, and how a run is told apart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from grader.checks.runner import Ran
from grader.checks.suites import Check, Suites
from grader.models.course import Course
from grader.models.outcome import Inconclusive, Passed
from grader.sandbox import Wall
from grader.validation.mutants import Files, Mutant
from grader.validation.workers import Worker

CHECK_CPU_S: Final = 2.0  # endless loops are common mistakes; no right check needs it
SUITE_CPU_S: Final = 12.0


@dataclass(frozen=True)
class Plan:
    """All that a validation is a function of."""

    course: Course
    suites: Suites
    reference: Files
    template: Files
    mutants: tuple[Mutant, ...]
    wall: Wall
    digests: tuple[str, str]  # of suites and reference
    rounds: int = 3  # secrets that the reference is checked with
    sampled: bool = False
    jobs: int = 2
    bar: float = 0.95
    modules: frozenset[str] = frozenset()  # empty: all
    progress: Callable[[str], None] = field(default=lambda _: None)

    @property
    def checks(self) -> list[Check]:
        """The checks of the chosen modules."""
        return [c for c in self.suites.checks if self.wants(c.module)]

    def wants(self, module: str) -> bool:
        """Return whether `module` was chosen."""
        return not self.modules or module in self.modules

    def worker(self) -> Worker:
        """Return a sandbox for wrong packages, with less time a check."""
        limits = self.course.limits
        check = limits.check.model_dump() | {"cpu_s": CHECK_CPU_S}
        less = limits.model_dump() | {"check": check, "suite_cpu_s": SUITE_CPU_S}
        course = Course.model_validate(self.course.model_dump() | {"limits": less})
        return Worker(self.wall, course, self.reference)


def secret(number: int) -> bytes:
    """Return the secret of one round of a validation: known, so that it repeats."""
    return hashlib.sha256(f"validation {number}".encode()).digest()


@dataclass(frozen=True)
class Right:
    """One run of all checks on a package that is not a mutant."""

    what: str  # "reference", "empty", "template"
    ran: list[Ran]


def failed(ran: Ran) -> bool:
    """Return whether a check noticed something."""
    return not isinstance(ran.outcome, Passed | Inconclusive)
