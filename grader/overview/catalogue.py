"""What checks are called and in which order they stand: read from stored reports.

Summaries have the ids of checks only. The suites need not be here, and may have changed
since; a report has them as they were. One report of a suite names all of its checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from grader.models.report import GradeReport
from grader.store import StoredResult


@dataclass(frozen=True)
class Known:
    """One check."""

    title: str
    place: tuple[str, int]  # number of the module, place within it


Catalogue = dict[str, Known]


def catalogue(
    results: Iterable[StoredResult], read: Callable[[str], GradeReport]
) -> Catalogue:
    """Return all checks that fail in `results`; the newest report names them first.

    Raises:
        StoreError: a report cannot be read.
    """
    found: Catalogue = {}
    newest = sorted(results, key=lambda r: r.summary.started_at, reverse=True)
    for stored in newest:
        failing = stored.summary.failing.values()
        if any(check not in found for ids in failing for check in ids):
            found = _checks_of(read(stored.digest)) | found
    return found


def _checks_of(report: GradeReport) -> Catalogue:
    return {
        check.id: Known(check.title, (module.number, place))
        for module in report.verdict.modules
        for place, check in enumerate(module.checks)
    }
