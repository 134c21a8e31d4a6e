"""One project as it was reproduced: what was claimed, and what we measured.

No student is named in it. Every number but `claimed` and those called `reported` was
measured outside of the process that ran the student's code.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from grader.models.base import Digest, Model
from grader.models.capstone import Capstone, Value
from grader.models.measure import Host, Isolation, Usage
from grader.models.outcome import Inconclusive, Outcome, Passed

MAX_DRAWS, MAX_POINTS = 8, 256
Reported = Annotated[float, Field(ge=-1e30, le=1e30)]


class Point(Model):
    """One point of a learning curve, taken between two slices of training."""

    slice: int = Field(ge=1, le=MAX_POINTS)
    cpu_s: float = Field(ge=0)  # of the student's process so far
    metric: Value | None = None  # on validation examples; None: not measured by us
    reported_loss: Reported | None = None  # by the submission


class Draw(Model):
    """One training: its own split of the data and its own random numbers.

    Attributes:
        metric: on examples whose answers the process never had.
        standard_error: of `metric`, from its examples.
        reported: the submission's own value of its own metric.
    """

    number: int = Field(ge=1, le=MAX_DRAWS)
    outcome: Outcome
    metric: Value | None = None
    standard_error: float | None = Field(default=None, ge=0)
    examples: int = Field(default=0, ge=0)
    reported: Reported | None = None
    curve: tuple[Point, ...] = Field(default=(), max_length=MAX_POINTS)
    usage: Usage | None = None


class Reproduction(Model):
    """The metric as we measured it, with its 95 % interval.

    `over` says what the interval is over: draws of split and seed, or, where the
    budget is too large to repeat it, the held-out examples of one draw.
    """

    value: Value
    low: Value
    high: Value
    over: Literal["draws", "examples"]
    draws: int = Field(ge=1, le=MAX_DRAWS)


class ClaimReproduced(Model):
    """What we measured is as good as claimed, or better; 1 % less counts as equal."""

    kind: Literal["reproduced"] = "reproduced"


class ClaimUnclear(Model):
    """Claimed is more than measured, and less than the interval's better end."""

    kind: Literal["unclear"] = "unclear"
    by: float = Field(gt=0)


class ClaimMissed(Model):
    """Claimed is better than all of the interval; `by` is the distance to the value."""

    kind: Literal["not reproduced"] = "not reproduced"
    by: float = Field(gt=0)


class ClaimReported(Model):
    """The metric is the submission's own: shown as reported, never ranked."""

    kind: Literal["reported"] = "reported"


class ClaimNotJudged(Model):
    """The project did not run to its end; its runs say why."""

    kind: Literal["not judged"] = "not judged"
    reason: str = Field(max_length=1000)


Claim = Annotated[
    ClaimReproduced | ClaimUnclear | ClaimMissed | ClaimReported | ClaimNotJudged,
    Field(discriminator="kind"),
]


class ProjectDigests(Model):
    """What ran."""

    submission: Digest  # of the package
    project: Digest  # of capstone.toml, script and own data
    data: Digest


class DataFacts(Model):
    """The data as it was read."""

    title: str = Field(max_length=200)
    own: bool  # from the submission, so that its author knows every answer
    size_bytes: int | None = Field(default=None, ge=0)
    train: int = Field(ge=0)  # examples, or characters of a text
    held_out: int = Field(ge=0)


class Project(Model):
    """One project, reproduced."""

    schema_version: Literal[1] = 1
    course: str
    round: str
    engine: str
    started_at: AwareDatetime
    capstone: Capstone
    digests: ProjectDigests
    data: DataFacts
    draws: tuple[Draw, ...] = Field(max_length=MAX_DRAWS)
    reproduction: Reproduction | None = None
    claim: Claim
    budget_factor: float = Field(default=1.0, ge=1)  # for a host slower than standard
    isolation: Isolation
    host: Host

    @property
    def inconclusive(self) -> bool:
        """Whether something could not be judged for a reason on our side."""
        return any(isinstance(draw.outcome, Inconclusive) for draw in self.draws)

    @property
    def ran(self) -> bool:
        """Whether every draw came to its end."""
        ended = [isinstance(draw.outcome, Passed) for draw in self.draws]
        return bool(ended) and all(ended)
