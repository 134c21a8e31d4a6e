"""How many required checks a submission passes, from what the store has of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from grader.models.summary import ResultSummary
from grader.publish.scores import Checks
from grader.store.attempts import Graded

ChecksOf = Callable[[str, str, Sequence[str]], Checks | None]


def checks_of(results: Iterable[Graded]) -> ChecksOf:
    """Return a function of student, submission and modules.

    Args:
        results: in the order of `attempts`; the latest that is judged counts.
    """
    latest: dict[tuple[str, str], ResultSummary] = {}
    for graded in results:
        if graded.summary.judged and not graded.withdrawn:
            latest[graded.student, graded.summary.submission] = graded.summary

    def of(student: str, submission: str, modules: Sequence[str]) -> Checks | None:
        found = latest.get((student, submission))
        return None if found is None else _count(found, modules)

    return of


def _count(result: ResultSummary, modules: Sequence[str]) -> Checks | None:
    """Return the count; None where a module was not judged at all."""
    checks = {module.name: module.checks for module in result.modules}
    if not checks.keys() >= {*modules}:
        return None
    required = sum(checks[name] for name in modules)
    failing = [
        check
        for ids in result.failing.values()
        for check in ids
        if check.partition("::")[0] in modules
    ]
    return Checks(passed=required - len(failing), required=required)
