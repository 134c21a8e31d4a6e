"""What a worker of a batch is told, as JSON."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from grader.grading import GradeOptions
from grader.models.base import Model, Profile


class Orders(Model):
    """What a worker is told: how to grade, and which work is its to lease."""

    owner: str
    store: str
    url: str = ""
    course: str
    round: str
    profile: Profile
    sandbox: str
    data: str = ""
    modules: tuple[str, ...] = ()
    milestones: tuple[str, ...] | None = None
    sources: dict[str, str] = Field(default_factory=dict)  # by key
    received: bool = False  # grade what the service took in, and wait for more of it
    record: bool = False  # record the oracle's answers first

    @property
    def coordinator(self) -> int:
        """The process that started the worker, by its id."""
        return int(self.owner.rsplit(":", 2)[1])

    def options(self) -> GradeOptions:
        """Return the options of one grading."""
        return GradeOptions(
            course=Path(self.course),
            round=self.round,
            profile=self.profile,
            sandbox=self.sandbox,
            data=Path(self.data) if self.data else None,
            modules=self.modules,
            milestones=self.milestones,
        )
