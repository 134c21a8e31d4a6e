"""A store's worth of events for one round, made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from reports.samples import digest

from grader.marks import Mark, marks_of
from grader.models.summary import MilestoneSummary, ModuleSummary, ResultSummary
from grader.store.events import (
    Event,
    Extended,
    GradedAt,
    Overridden,
    Payload,
    PolicySet,
    RegradeSet,
    Submitted,
    TeamSet,
    Withdrawn,
)
from grader.store.export import Export, StoredResult

ROUND: Final = "week-1"
DUE: Final = datetime(2026, 12, 1, 23, 59, tzinfo=UTC)
DAY: Final = timedelta(days=1)
WORTH: Final = {"setup": 200.0, "tensor": 800.0}
WHO: Final = "A. Teacher"


def submission(name: str) -> str:
    """Return the digest of a submission called `name`."""
    return digest(f"submission {name}")


def summary(
    student: str,
    name: str,
    earned: Mapping[str, float],
    unjudged: tuple[str, ...] = (),
    **changes: Any,
) -> ResultSummary:
    """Return a result of two modules, 1000 points in all."""
    modules = tuple(
        ModuleSummary(
            name=module,
            number=f"{i:02}",
            title=module.title(),
            points=points,
            earned=earned.get(module, 0.0),
            judged=module not in unjudged,
            checks=4,
        )
        for i, (module, points) in enumerate(WORTH.items(), start=1)
    )
    fields: dict[str, Any] = {
        "student": student,
        "course": "tinytorch",
        "round": ROUND,
        "round_kind": "feedback",
        "profile": "quick",
        "submission": submission(name),
        "suites": digest("suites"),
        "reference": digest("reference"),
        "engine": "0.1.0",
        "tier": "uid",
        "host": "a host, 2 cores",
        "started_at": DUE,
        "earned": round(sum(m.earned for m in modules), 2),
        "points": sum(m.points for m in modules),
        "judged": not unjudged,
        "modules": modules,
        "milestones": tuple[MilestoneSummary, ...](),
        "failing": {},
        "holding": {},
        "mistakes": {},
    }
    return ResultSummary(**fields | changes)


class Book:
    """Collects events in order, as the store would."""

    def __init__(self, **policy: Any) -> None:
        self.events: list[tuple[str, Payload, str | None]] = []
        self.results: dict[str, ResultSummary] = {}
        if policy:
            self.policy(**policy)

    def say(self, student: str, payload: Payload, document: str | None = None) -> None:
        """Add an event."""
        self.events.append((student, payload, document))

    def policy(self, **policy: Any) -> None:
        """Set the policy of the round."""
        self.say("", PolicySet(round=ROUND, by=WHO, **policy))

    def graded(
        self, student: str, name: str = "a", tensor: float = 800.0, **more: Any
    ) -> str:
        """Add a result with full marks in setup; return its digest."""
        regrade = more.pop("regrade", "")
        earned = {"setup": 200.0, "tensor": tensor}
        made = summary(student, name, earned, **more)
        document = digest(f"{len(self.events)} {made.model_dump_json()}")
        self.results[document] = made
        self.say(student, GradedAt(regrade=regrade), document)
        return document

    def came(self, student: str, at: datetime, name: str = "a", **more: Any) -> None:
        """Say when a submission was handed in."""
        told = {"told_by": "roster"} | more
        self.say(
            student, Submitted(round=ROUND, submission=submission(name), at=at, **told)
        )

    def extended(self, student: str, due_at: datetime) -> None:
        """Give a student a date of their own."""
        self.say(student, Extended(round=ROUND, due_at=due_at, by=WHO))

    def override(self, student: str, points: float | None, part: str = "") -> None:
        """Set points."""
        said = Overridden(round=ROUND, part=part, points=points, by=WHO, reason="oral")
        self.say(student, said)

    def team(self, name: str, *members: str, round_: str = "") -> None:
        """Say who is in a team."""
        self.say(name, TeamSet(round=round_, members=members, by=WHO))

    def withdrawn(self, document: str) -> None:
        """Withdraw a result."""
        student = next(s for s, _, d in self.events if d == document)
        self.say(student, Withdrawn(by=WHO, reason="a mistake"), document)

    def regrade(self, name: str, state: Any) -> None:
        """Say how a regrade set stands."""
        self.say("", RegradeSet(name=name, state=state, round=ROUND, by=WHO))

    def export(self) -> Export:
        """Return what the store would export."""
        events = tuple(
            Event(id=i, at=DUE, student=who, document=document, payload=payload)
            for i, (who, payload, document) in enumerate(self.events, start=1)
        )
        results = tuple(
            StoredResult(digest=d, summary=made) for d, made in self.results.items()
        )
        return Export(events=events, results=results)

    def marks(self, profile: str = "quick", **more: Any) -> dict[str, Mark]:
        """Return the marks of the round."""
        return marks_of(self.export(), ROUND, profile, **more)

    def mark(self, student: str = "ada") -> Mark:
        """Return one student's mark."""
        return self.marks(also=[student])[student]
