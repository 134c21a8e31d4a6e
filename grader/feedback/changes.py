"""What changed from one attempt to the next, as far as summaries tell."""

from __future__ import annotations

from typing import NamedTuple

from grader.models.summary import ResultSummary

UNJUDGED = "inconclusive"  # kind of the outcome that says nothing about the code


class Changes(NamedTuple):
    """Ids of checks and names of milestones, in order."""

    passed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    other_checks: bool = False  # the suites changed in between: no comparison


def changes(before: ResultSummary, after: ResultSummary) -> Changes:
    """Return what holds since, and what does not hold any more.

    Only what both results judged is compared: a module that was left out once, or a
    check that could not be judged, is neither won nor lost.
    """
    if before.suites != after.suites:
        return Changes(other_checks=True)
    unjudged = _ids(before, judged=False) | _ids(after, judged=False)
    modules = _modules(before) & _modules(after)
    failed_before, failed_after = (
        {
            check
            for check in _ids(result, judged=True) - unjudged
            if check.partition("::")[0] in modules
        }
        for result in (before, after)
    )
    was, now = _reached(before), _reached(after)
    both = was.keys() & now.keys()
    return Changes(
        passed=tuple(sorted(failed_before - failed_after)),
        failed=tuple(sorted(failed_after - failed_before)),
        reached=tuple(name for name in now if name in both and now[name] > was[name]),
        missed=tuple(name for name in now if name in both and now[name] < was[name]),
    )


def _ids(result: ResultSummary, *, judged: bool) -> set[str]:
    """Return checks that do not hold, or those of which that is not known."""
    return {
        check
        for kind, ids in result.failing.items()
        if (kind != UNJUDGED) == judged
        for check in ids
    }


def _modules(result: ResultSummary) -> set[str]:
    return {module.name for module in result.modules}


def _reached(result: ResultSummary) -> dict[str, bool]:
    return {stone.name: stone.reached for stone in result.milestones if stone.judged}
