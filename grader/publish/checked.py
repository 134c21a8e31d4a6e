"""How many required checks a submission passes, from what the store has of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

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
    failing: dict[tuple[str, str], Counter[str]] = {}
    for graded in results:
        if graded.summary.judged and not graded.withdrawn:
            latest[graded.student, graded.summary.submission] = graded.summary

    def of(student: str, submission: str, modules: Sequence[str]) -> Checks | None:
        key = student, submission
        if key not in latest:
            return None
        if key not in failing:  # asked for every event of an entry
            failing[key] = _failing(latest[key])
        return _count(latest[key], failing[key], modules)

    return of


def _failing(result: ResultSummary) -> Counter[str]:
    """Return how many checks of each module fail."""
    ids = (check for some in result.failing.values() for check in some)
    return Counter(check.partition("::")[0] for check in ids)


def _count(
    result: ResultSummary, failing: Mapping[str, int], modules: Sequence[str]
) -> Checks | None:
    """Return the count; None where a module was not judged at all."""
    checks = {module.name: module.checks for module in result.modules}
    if not checks.keys() >= {*modules}:
        return None
    required = sum(checks[name] for name in modules)
    failed = sum(failing.get(name, 0) for name in {*modules})
    return Checks(passed=required - failed, required=required)
