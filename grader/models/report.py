"""The report of one grading: a deterministic verdict and a measurements envelope.

Two gradings of the same submission and round have byte-identical verdicts; times,
memory and host live only in `Measurements`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from grader.models.base import CheckId, Digest, Model, ModuleName, Points, Profile
from grader.models.measure import Host, Isolation, Usage
from grader.models.outcome import Limit, Outcome


class CheckResult(Model):
    """One hidden check."""

    id: CheckId
    title: str  # first line of the check's docstring, or its name in words
    task: str = ""  # "2.3"
    points: Points
    earned: Points
    outcome: Outcome
    output: str = ""  # what the student's code printed, capped and cleaned


class ModuleResult(Model):
    """All checks of one module, scaled to the module's points."""

    name: ModuleName
    number: str  # "02"
    title: str
    points: Points
    earned: Points
    checks: tuple[CheckResult, ...]


class Epoch(Model):
    """One point of a learning curve, measured by the judge between two slices."""

    epoch: int
    metric: float  # the milestone's metric on a validation split
    reported_loss: float | None = None  # as logged by the submission


class Requirement(Model):
    """One condition of a milestone, with what was measured against it."""

    name: str  # "accuracy on unseen points"
    bound: str  # ">= 95.0 %"
    got: str  # "99.2 %"
    met: bool


class MilestoneResult(Model):
    """One milestone, judged by recomputation."""

    name: ModuleName  # "perceptron"
    number: str  # "01"
    year: int
    title: str
    points: Points
    earned: Points
    outcome: Outcome
    metric: float | None = None  # None: never got as far
    metric_name: str = "accuracy"
    target: float
    requirements: tuple[Requirement, ...] = ()
    curve: tuple[Epoch, ...] = ()
    replayed: bool = False  # logits agree with the reference given these parameters
    sample: str = ""  # text that the trained parameters write, where they write any
    data: str  # "digits 8x8, sha256:..." : which data, by digest


class Verdict(Model):
    """What the submission earned and why; a pure function of submission and round."""

    schema_version: Literal[1] = 1
    submission: Digest
    suites: Digest
    reference: Digest
    course: str
    round: str
    round_kind: Literal["feedback", "final", "demo"]
    profile: Profile
    engine: str  # version of the grader
    earned: Points
    points: Points
    modules: tuple[ModuleResult, ...]
    milestones: tuple[MilestoneResult, ...] = ()
    notes: tuple[str, ...] = ()  # intake notes: ignored files and the like


class MilestoneMeasure(Model):
    """Cost of one milestone run against its limits."""

    name: ModuleName
    usage: Usage
    cpu_limit_s: float
    wall_limit_s: float
    memory_limit_bytes: int
    budget_factor: float  # how much slower than the standard machine, at least 1
    attempts: int = 1
    exceeded: Limit | None = None
    reached: str = ""  # "epoch 7 of 10"
    # Measured like the times above: different in every run.
    facts: dict[str, float] = Field(default_factory=dict)


class CheckMeasure(Model):
    """Cost of one check."""

    id: CheckId
    cpu_s: float
    wall_s: float
    peak_rss_bytes: int


class Measurements(Model):
    """Everything that differs from run to run."""

    started_at: datetime
    wall_s: float
    cpu_s: float
    isolation: Isolation
    host: Host
    checks: tuple[CheckMeasure, ...] = ()
    milestones: tuple[MilestoneMeasure, ...] = ()
    suite: Usage | None = None  # memory and CPU over time of all checks
    # Digest of the answer pack that stood for the reference; empty: the reference.
    pack: Digest | Literal[""] = ""


class GradeReport(Model):
    """One grading of one submission."""

    schema_version: Literal[1] = 1
    student: str = ""  # id from the bundle or `--student`; never published
    label: str  # what was graded, as the user named it
    verdict: Verdict
    measurements: Measurements


Fraction = Annotated[float, Field(ge=0, le=1)]
