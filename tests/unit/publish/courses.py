"""A store's worth of events for the publishing tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from reports.samples import START, digest, report

from grader.models.report import GradeReport, ModuleResult
from grader.models.summary import summary_of
from grader.store import Event, Export, GradedAt, StoredResult, VisibilitySet, Withdrawn
from grader.store.events import Payload, Visibility

SECRET = b"the secret of one course"


class Course:
    """Collects events in order, as the store would."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._reports: dict[str, GradeReport] = {}

    def _add(self, student: str, payload: Payload, document: str | None = None) -> None:
        number = len(self._events) + 1
        event = Event(
            id=number,
            at=START + timedelta(hours=number),
            student=student,
            document=document,
            payload=payload,
        )
        self._events.append(event)

    def graded(self, student: str, modules: Sequence[ModuleResult]) -> str:
        """Add a result without milestones and return its digest."""
        return self.stored(
            report(student, modules=modules, milestones=(), minutes=len(self._events))
        )

    def stored(self, graded: GradeReport) -> str:
        """Add a result as it is and return its digest."""
        name = digest(graded.model_dump_json())
        self._reports[name] = graded
        self._add(graded.student, GradedAt(), name)
        return name

    def said(self, student: str, payload: Payload, document: str | None = None) -> None:
        """Record anything else."""
        self._add(student, payload, document)

    def shown(self, student: str, visibility: Visibility, name: str = "") -> None:
        """Record a student's decision."""
        payload = VisibilitySet(visibility=visibility, by="student", name=name)
        self._add(student, payload)

    def withdrawn(self, name: str) -> None:
        """Withdraw a result."""
        student = next(e.student for e in self._events if e.document == name)
        self._add(student, Withdrawn(by="staff", reason="secret reason"), name)

    def export(self) -> Export:
        """Return what the store would export."""
        results = tuple(
            StoredResult(digest=name, summary=summary_of(graded))
            for name, graded in self._reports.items()
        )
        return Export(events=tuple(self._events), results=results)

    def report(self, name: str) -> GradeReport:
        """Return the report with a digest, as the store would."""
        return self._reports[name]
