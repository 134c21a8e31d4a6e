"""Who hands in again and again and gains nothing.

A student is stuck when all of this holds:

- the student is still at work: the latest attempt is at most `RECENT_DAYS` older than
  the newest of the whole class, so that no clock of ours decides;
- of the attempts, `LEAST` or more stand at the end of the row since the one that
  brought the points of all modules to their height, that one included;
- some module is not complete.

An attempt is a submission that differs from the others and was judged; grading the same
again is none. Points count over all modules: who leaves a hard task alone and goes on
elsewhere is not stuck. The module named is the first from the one that gained last that
is not complete and whose needs hold: a needed module holds with half of its points.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from grader.exports.lines import hundredths
from grader.models.base import Digest
from grader.models.summary import ModuleSummary, ResultSummary
from grader.overview.catalogue import Catalogue
from grader.overview.checks import MISTAKES
from grader.overview.models import FAIL_KINDS, FailKind, Stuck, Who
from grader.store import StoredResult

LEAST: Final = 3  # attempts: one that gained, and two more that did not
RECENT_DAYS: Final = 14

Needs = Mapping[str, Sequence[str]]  # modules that a module builds on


@dataclass(frozen=True)
class Attempt:
    """One submission of a student, as it was graded last."""

    at: datetime  # handed in, where that is known; else graded
    stored: StoredResult

    @property
    def summary(self) -> ResultSummary:
        """What it came to."""
        return self.stored.summary

    @property
    def earned(self) -> int:
        """Points of all modules, in hundredths."""
        return sum(hundredths(m.earned) for m in self.summary.modules)


@dataclass(frozen=True)
class Standstill:
    """The attempts of one student from the last gain on, and the module worked on."""

    student: str
    attempts: tuple[Attempt, ...]
    module: ModuleSummary


def attempts(
    results: Sequence[StoredResult], handed_in: Mapping[Digest, datetime]
) -> list[Attempt]:
    """Return the attempts of one student, in the order they first appeared.

    Only those graded with the same modules as the latest can be compared with it.
    """
    judged = [(one.summary.submission, one) for one in results if one.summary.judged]
    latest = dict(judged)  # of each submission, in the order of the first of each
    first = {name: one.summary.started_at for name, one in reversed(judged)}
    found = [Attempt(handed_in.get(n, first[n]), one) for n, one in latest.items()]
    if not found:
        return []
    asked = [m.name for m in found[-1].summary.modules]
    return [a for a in found if [m.name for m in a.summary.modules] == asked]


def standstills(
    tried: Mapping[str, Sequence[Attempt]], needs: Needs
) -> list[Standstill]:
    """Return the students who are stuck, longest first."""
    newest = max((a.at for one in tried.values() for a in one), default=None)
    if newest is None:
        return []
    found: list[Standstill] = []
    for student, one in tried.items():
        if one and newest - one[-1].at <= timedelta(days=RECENT_DAYS):
            found.extend(_standstill(student, one, needs))
    return sorted(found, key=lambda s: (s.attempts[0].at, s.student))


def _standstill(
    student: str, tried: Sequence[Attempt], needs: Needs
) -> Iterator[Standstill]:
    earned = [attempt.earned for attempt in tried]
    gained = earned.index(max(earned))
    module = _worked_on(tried, gained, needs)
    if module and len(tried) - gained >= LEAST:
        yield Standstill(student, tuple(tried[gained:]), module)


def _worked_on(
    tried: Sequence[Attempt], gained: int, needs: Needs
) -> ModuleSummary | None:
    """Return the module that the latest attempt should go on with, if any is open."""
    now = tried[-1].summary.modules
    before = [m.earned for m in tried[gained - 1].summary.modules] if gained else []
    grown = [
        place
        for place, (module, earned) in enumerate(
            zip(tried[gained].summary.modules, before, strict=False)
        )
        if module.earned > earned
    ]
    first = grown[0] if grown else 0
    holds = {m.name: 2 * m.earned >= m.points for m in now}
    failing = tried[-1].summary.failing.values()
    incomplete = {check.partition("::")[0] for ids in failing for check in ids}
    for module in (*now[first:], *now[:first]):
        ready = all(holds.get(need, True) for need in needs.get(module.name, ()))
        if ready and module.name in incomplete:
            return module
    return None


def told(found: Standstill, who: Who, known: Catalogue) -> Stuck:
    """Return what staff want to know of a student who is stuck."""
    latest = found.attempts[-1]
    check, how = _first(latest.summary, found.module, known)
    own = sorted(
        (c for c in latest.summary.mistakes if _in(found.module, c)),
        key=lambda c: known[c].place,
    )
    return Stuck(
        who=who,
        module=found.module.name,
        number=found.module.number,
        title=found.module.title,
        earned=found.module.earned,
        points=found.module.points,
        since=found.attempts[0].at,
        latest=latest.at,
        attempts=len(found.attempts),
        check=check,
        check_title=known[check].title,
        how=how,
        mistake=latest.summary.mistakes[own[0]] if own else "",
    )


def _first(
    summary: ResultSummary, module: ModuleSummary, known: Catalogue
) -> tuple[str, FailKind]:
    """Return the first failing check of a module: a mistake where there is one."""
    failing = [
        (check, FAIL_KINDS[kind])
        for kind, ids in summary.failing.items()
        for check in ids
        if _in(module, check)
    ]
    return min(failing, key=lambda f: (f[1] not in MISTAKES, known[f[0]].place))


def _in(module: ModuleSummary, check: str) -> bool:
    return check.partition("::")[0] == module.name
