"""What the store holds, as one frozen value."""

from __future__ import annotations

from typing import Literal

from grader.models.base import Digest, Model
from grader.models.outcome import Inconclusive
from grader.models.report import GradeReport
from grader.models.summary import ResultSummary
from grader.store.events import Event


class StoredReport(Model):
    """A report and the digest of the bytes it is stored as."""

    digest: Digest
    report: GradeReport


class StoredResult(Model):
    """A result as classes are looked at by; its report is read by its digest."""

    digest: Digest
    summary: ResultSummary


class Export(Model):
    """Everything a leaderboard or gradebook is made from."""

    schema_version: Literal[2] = 2
    events: tuple[Event, ...]
    results: tuple[StoredResult, ...]  # in the order of their first event


def has_inconclusive(report: GradeReport) -> bool:
    """Return whether any part of the report could not be judged."""
    verdict = report.verdict
    outcomes = [c.outcome for m in verdict.modules for c in m.checks]
    outcomes += [m.outcome for m in verdict.milestones]
    return any(isinstance(outcome, Inconclusive) for outcome in outcomes)
