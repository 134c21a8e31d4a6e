"""One measured session of the competition: raw samples and all they depend on.

A session is one event and workload of one submission on one host. Nothing in it is
computed from the samples, so that a better formula can be applied to old sessions.
All times are read outside the process measured.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from grader.models.base import Digest, Model, ModuleName
from grader.models.measure import ContainerLimits, Host, Isolation, Sample
from grader.models.outcome import Outcome, Passed

Event = Literal["latency", "training", "memory", "generation", "all-round", "capstone"]
# All-round is computed from sessions of the other events and never measured itself.
MeasuredEvent = Literal["latency", "training", "memory", "generation", "capstone"]
Division = Literal["closed", "open"]

# An entry against the reference; a challenger against the holder of a record.
SessionKind = Literal["entry", "head-to-head"]
# Who ran first, second, third: (R)eference, (S)tudent, (C)anary.
Order = Literal["RSC", "RCS", "SRC", "SCR", "CRS", "CSR"]

# Hosts of one class are ranked together: same CPU model, cores and limits.
HostClass = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=64)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Metric = Annotated[float, Field(ge=-1e9, le=1e9)]
ByteCount = Annotated[int, Field(ge=0, le=2**40)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Count = Annotated[int, Field(ge=0, le=10**9)]
MAX_LAUNCHES, MAX_PAIRS = 16, 64  # of which 10 x 4 are planned
MAX_CURVE = 1000  # more points than a plot has pixels

VoidReason = Literal[
    "canary",  # reference against reference was off by more than the threshold
    "throttled",  # the host or its quota slowed the processor down
    "starved",  # the processes hardly got any processor
    "reference",  # the reference itself failed or missed its outputs
    "sandbox",  # the sandbox died, by no fault of the submission
    "interrupted",
]


class Timing(Model):
    """One batch: processor time of the whole process group, and time on the clock."""

    cpu_s: Seconds
    wall_s: Seconds


class Pair(Model):
    """One round: the same fresh inputs for reference, student and canary."""

    order: Order
    reference: Timing
    student: Timing
    canary: Timing
    checked: Count  # outputs of the student compared with those of the reference
    mismatched: Count = 0

    @model_validator(mode="after")
    def _no_more_than_checked(self) -> Self:
        if self.mismatched > self.checked:
            msg = "more outputs mismatched than were checked"
            raise ValueError(msg)
        return self


class Launch(Model):
    """Rounds of three processes from their start to their end, warm-up left out."""

    pairs: tuple[Pair, ...] = Field(max_length=MAX_PAIRS)


class MemoryRun(Model):
    """Peaks of process trees, whole; one fresh launch of each."""

    reference_peak_bytes: ByteCount
    student_peak_bytes: ByteCount
    import_peak_bytes: ByteCount  # the reference, imported and nothing more


class SeedResult(Model):
    """Quality reached with one seed on the private split, by student and reference.

    `student` and `reference` are the event's metric, higher is better; steps are those
    to the target, None where it was not reached or there is none.
    """

    seed: Seed
    student: Metric
    reference: Metric
    student_steps: Count | None = None
    reference_steps: Count | None = None


class SessionPlan(Model):
    """What was fixed before the first sample; ten launches of four pairs: ADR 0023."""

    launches: int = Field(default=10, ge=1, le=MAX_LAUNCHES)
    pairs: int = Field(default=4, ge=1, le=MAX_PAIRS)
    memory_runs: int = Field(default=3, ge=1, le=MAX_LAUNCHES)
    batch_size: int = Field(ge=1, le=10**9)
    batch_cpu_s: Seconds = 0.1  # what the batch was calibrated to, on the reference
    warm_ups: int = Field(default=1, ge=0, le=MAX_PAIRS)
    seed: Seed  # of inputs, orders and bootstrap


class SessionDigests(Model):
    """What ran; in a head-to-head `reference` is the holder's submission."""

    submission: Digest
    reference: Digest
    suites: Digest
    data: Digest
    image: Digest | None  # None: not in a container


class Conditions(Model):
    """Where it ran; processor, kernel, numpy and BLAS are in `host`."""

    host_class: HostClass
    host: Host
    limits: ContainerLimits
    isolation: Isolation
    load_before: float = Field(ge=0)  # mean length of the run queue over a minute
    load_after: float = Field(ge=0)
    throttled_s: float = Field(default=0.0, ge=0)


class CanaryRule(Model):
    """The bar that the canary was held against, and where it came from."""

    threshold: float = Field(gt=0, le=1)  # of |ln(reference / canary)|
    source: Literal["idle", "loaded", "measured"]
    sessions: Count = 0  # canaries of this host class that it was measured on


class Void(Model):
    """Why a session does not count; always our side's reason."""

    reason: VoidReason
    detail: str = Field(default="", max_length=500)


class Session(Model):
    """One session. It counts when `voids` is empty and `outcome` is passed."""

    schema_version: Literal[1] = 1
    kind: SessionKind = "entry"
    event: MeasuredEvent
    division: Division
    workload: ModuleName  # "cnn", "mlp"
    attempt: int = Field(default=1, ge=1, le=4)  # the first and three requeues
    started_at: AwareDatetime
    plan: SessionPlan
    digests: SessionDigests
    conditions: Conditions
    canary_rule: CanaryRule
    launches: tuple[Launch, ...] = Field(default=(), max_length=MAX_LAUNCHES)
    memory: tuple[MemoryRun, ...] = Field(default=(), max_length=MAX_LAUNCHES)
    quality: tuple[SeedResult, ...] = Field(default=(), max_length=256)
    # Memory and processor of the student's process tree over time, for the page.
    curve: tuple[Sample, ...] = Field(default=(), max_length=MAX_CURVE)
    outcome: Outcome = Passed()  # what the submission did
    voids: tuple[Void, ...] = Field(default=(), max_length=8)

    @property
    def counts(self) -> bool:
        """Whether a value may be computed from it."""
        return not self.voids and isinstance(self.outcome, Passed)

    @model_validator(mode="after")
    def _as_planned(self) -> Self:
        """Refuse samples beyond the plan, and too few where the session counts."""
        timed, runs = [len(x.pairs) for x in self.launches], len(self.memory)
        plan = self.plan
        if len(timed) > plan.launches or any(n > plan.pairs for n in timed):
            raise ValueError("more samples than planned")
        if runs > plan.memory_runs:
            raise ValueError("more memory runs than planned")
        if self.counts and self.event == "memory" and runs < plan.memory_runs:
            raise ValueError("a memory session that counts has all its runs")
        whole = timed == [plan.pairs] * plan.launches
        if self.counts and self.event != "memory" and not whole:
            raise ValueError("a timed session that counts has all its pairs")
        return self
