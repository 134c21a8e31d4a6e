"""What the store holds, as frozen data."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, model_validator

from grader.models.base import Digest, Model
from grader.models.outcome import Inconclusive
from grader.models.report import GradeReport

Visibility = Literal["hidden", "alias", "named"]


class GradedAt(Model):
    """A report was stored."""

    kind: Literal["graded"] = "graded"


class VisibilitySet(Model):
    """A student decided what the public may see; the record of consent."""

    kind: Literal["visibility"] = "visibility"
    visibility: Visibility
    by: str  # who entered it: the student, or staff on their behalf
    name: str = ""  # shown in public, only with "named"

    @model_validator(mode="after")
    def _named_has_a_name(self) -> VisibilitySet:
        if (self.visibility == "named") != bool(self.name.strip()):
            msg = "a name goes with 'named', and with nothing else"
            raise ValueError(msg)
        return self


class Withdrawn(Model):
    """A result no longer counts; it stays in the history."""

    kind: Literal["withdrawn"] = "withdrawn"
    by: str
    reason: str


Payload = Annotated[GradedAt | VisibilitySet | Withdrawn, Field(discriminator="kind")]
PAYLOAD: TypeAdapter[Payload] = TypeAdapter(Payload)


class Event(Model):
    """One line of the event table; `id` gives the order."""

    id: int
    at: datetime  # UTC
    student: str
    document: Digest | None = None
    payload: Payload


class StoredReport(Model):
    """A report and the digest of the bytes it is stored as."""

    digest: Digest
    report: GradeReport


class Export(Model):
    """Everything a leaderboard or gradebook is made from."""

    schema_version: Literal[1] = 1
    events: tuple[Event, ...]
    reports: tuple[StoredReport, ...]  # in the order of their first event


def has_inconclusive(report: GradeReport) -> bool:
    """Return whether any part of the report could not be judged."""
    verdict = report.verdict
    outcomes = [c.outcome for m in verdict.modules for c in m.checks]
    outcomes += [m.outcome for m in verdict.milestones]
    return any(isinstance(outcome, Inconclusive) for outcome in outcomes)
