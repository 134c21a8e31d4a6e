"""One run of a milestone: what it is given, and what is known of it so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from grader.datasets import DataSet
from grader.models.course import MilestoneProfile
from grader.models.measure import Limits, Usage
from grader.models.outcome import Inconclusive, Limit, Outcome
from grader.models.report import Epoch, Requirement
from grader.sandbox import LimitHit

MARGIN: Final = 1.15  # what is over a limit by less is run once more
FRAME_BYTES: Final = 2**30  # predictions for every probe of a run, together


@dataclass
class Attempt:
    """What is run, and under which limits."""

    name: str
    script: str
    profile: MilestoneProfile
    data: DataSet
    seed: int
    preload: list[str]
    load_limits: Limits
    factor: float = 1.0  # of the CPU budget, for a host slower than the standard one

    @property
    def cpu_limit_s(self) -> float:
        """CPU seconds this run may take on this host."""
        return self.profile.cpu_s * self.factor

    @property
    def limits(self) -> Limits:
        """Limits at which a run is killed; a little over the CPU limit it may go on."""
        return Limits(
            cpu_s=self.cpu_limit_s * MARGIN,
            wall_s=self.profile.wall_s * self.factor,
            memory_bytes=self.profile.memory_mib * 2**20,
            frame_bytes=FRAME_BYTES,
        )

    def stated(self, hit: LimitHit) -> str:
        """Return a limit as the course states it, without this host's factor."""
        match hit.which:
            case Limit.CPU:
                return f"{self.profile.cpu_s:g} s of CPU time"
            case Limit.WALL:
                return f"{self.profile.wall_s:g} s of wall time"
            case _:
                return hit.limit

    @property
    def data_title(self) -> str:
        """The data by name, origin and digest."""
        return f"{self.data.title} ({self.data.origin}), {self.data.digest[:19]}"


class Condition(Requirement):
    """A requirement with what was measured, of which the verdict keeps only the text.

    Attributes:
        near: not met, by less than a seventh: another training may meet it.
    """

    near: bool = False

    @property
    def stated(self) -> Requirement:
        """The requirement as reports have it."""
        return Requirement(name=self.name, bound=self.bound, got=self.got, met=self.met)


@dataclass
class Trained:
    """What is known of a run so far; complete when `outcome` is judged."""

    outcome: Outcome = field(default_factory=lambda: Inconclusive(reason="not run"))
    metric: float | None = None
    requirements: list[Condition] = field(default_factory=list)
    curve: list[Epoch] = field(default_factory=list)
    replayed: bool = False
    sample: str = ""
    facts: dict[str, float] = field(default_factory=dict)  # that differ by the run
    usage: Usage | None = None
    how: str = ""
    stage: str = "at import"
