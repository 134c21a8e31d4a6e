"""One student with attempts, and what staff said, to make pages of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from publish.courses import Course
from reports.samples import START, good, module_result, report, todo

from grader.feedback import Asked, Feedback, feedback
from grader.models.report import GradeReport, MilestoneResult, ModuleResult, Verdict
from grader.store.events import Commented, Overridden, PolicySet, Submitted

ADA: Final = "ada@example.edu"
ROUND: Final = "autumn-1"
WHO: Final = "A. Teacher"
DAY: Final = timedelta(days=1)
LATER: Final = START + 30 * DAY
FILES: Final = {"tensor": "tinytorch/tensor.py"}


class Term(Course):
    """A course in which students hand in, once a day."""

    def policy(self, **policy: Any) -> None:
        """Set the policy of the round."""
        self.said("", PolicySet(round=ROUND, by=WHO, **policy))

    def comes(
        self,
        modules: Sequence[ModuleResult],
        *,
        day: int = 0,
        student: str = ADA,
        milestones: Sequence[MilestoneResult] = (),
        **verdict: Any,
    ) -> str:
        """Let a student hand in on that day; return the digest of the result."""
        made = report(
            student, modules=modules, milestones=milestones, minutes=day * 24 * 60
        )
        changed = Verdict(**{**dict(made.verdict), **verdict})
        graded = GradeReport(**{**dict(made), "verdict": changed})
        at = START + day * DAY
        told = Submitted(
            round=ROUND, submission=changed.submission, at=at, told_by="received"
        )
        self.said(student, told)
        return self.stored(graded)

    def comment(self, text: str) -> None:
        """Say something to Ada."""
        self.said(ADA, Commented(round=ROUND, text=text, by=WHO))

    def override(self, points: float, part: str = "", reason: str = "oral") -> None:
        """Set points of Ada."""
        said = Overridden(round=ROUND, part=part, points=points, by=WHO, reason=reason)
        self.said(ADA, said)

    def page(self, student: str = ADA, now: datetime = LATER, **asked: Any) -> Feedback:
        """Return what a student's page shows."""
        wanted = Asked(student, now, files=FILES, **asked)
        return feedback(self.export(), self.report, wanted)


def begun() -> tuple[ModuleResult, ...]:
    """Return a package in which only the first module is written."""
    stubs = [todo(f"2.{i}", f"Tensor.step_{i}") for i in range(1, 9)]
    return (module_result("setup", ()), module_result("tensor", stubs))


def three_days() -> Term:
    """Return a student who began, got on, and broke something on the third day."""
    made = Term()
    made.policy(due_at=START + 1.5 * DAY, per_day=0.1, keep="best")
    worse = list(good())
    worse[0] = module_result("setup", [todo("1.1", "keys")])
    made.comes((*begun(), *good()[2:]), day=0)
    made.comes(good(), day=1)
    made.comes(worse, day=2)
    return made
