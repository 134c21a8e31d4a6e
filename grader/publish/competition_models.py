"""What can become public of TinyMLPerf, as frozen data.

No student id, label, message or output of a submission has a field here. Raw samples
stand apart (`Samples`), by the digest of their session: a board does not need them.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from grader.compete.formula import FORMULA, REFERENCE_SCORE
from grader.compete.gates import Gate
from grader.models.base import Digest, Model, ModuleName, Profile
from grader.models.measure import Tier
from grader.models.session import (
    Division,
    Event,
    HostClass,
    MeasuredEvent,
    SessionKind,
    VoidReason,
)
from grader.publish.models import Entry

# unranked: something is missing or a gate failed. unstable: void four times, which is
# never the submission's fault. withdrawn: a tombstone; it has no values.
EntryState = Literal["ranked", "unranked", "unstable", "withdrawn"]
# not better: measured in a feedback round, and not better than the best beyond doubt.
ScoreState = Literal["counts", "earlier", "not better", "unranked", "withdrawn"]


class Interval(Model):
    """A ratio or a score with its 95 % interval."""

    value: float
    low: float
    high: float


class CurvePoint(Model):
    """One reading of the student's process tree."""

    at_s: float  # on the clock, from the start
    rss_bytes: int
    cpu_s: float


class MemoryPeaks(Model):
    """Peaks of one launch each, whole."""

    reference_bytes: int
    student_bytes: int
    import_bytes: int


class Samples(Model):
    """The raw numbers of one session.

    Attributes:
        log_ratios: ln(t_reference / t_student) of CPU time, launches x pairs.
        canary: the same of the reference against itself.
        curve: may be empty.
    """

    session: Digest
    log_ratios: tuple[tuple[float, ...], ...]
    canary: tuple[tuple[float, ...], ...]
    memory: tuple[MemoryPeaks, ...]
    curve: tuple[CurvePoint, ...]


class SampleSet(Model):
    """`data/v1/samples/<slug>.json`: the raw numbers behind one entry's page."""

    schema_version: Literal[1] = 1
    slug: str
    sessions: tuple[Samples, ...]


class MeasuredOn(Model):
    """The machine and the moment."""

    cpu: str
    cores: int
    kernel: str
    python: str
    numpy: str
    blas: str
    image: Digest | None
    tier: Tier
    load_before: float
    load_after: float
    throttled_s: float


class WorkloadResult(Model):
    """One session of an entry; ratios are reference over student, above 1 is better.

    Attributes:
        speed, memory, accuracy: None where not measured, or where the session is void.
        canary_offset: ln(reference / canary); None for memory alone.
        voids: why it does not count, by no fault of the submission.
        failed: how the submission failed in it ("crashed"); "" where it did not.
        reference_cpu_s, student_cpu_s: medians of a batch; the wall clock's beside.
        seed: of inputs, orders and bootstrap.
    """

    event: MeasuredEvent
    workload: ModuleName
    session: Digest
    kind: SessionKind = "entry"
    measured_on: date
    attempt: int
    speed: Interval | None
    memory: Interval | None
    accuracy: Interval | None
    voids: tuple[VoidReason, ...]
    failed: str = ""
    checked: int
    mismatched: int
    canary_offset: float | None
    canary_threshold: float
    batch_size: int
    launches: int
    pairs: int
    seeds: int  # that accuracy was measured with
    seed: int
    reference_cpu_s: float | None
    student_cpu_s: float | None
    reference_wall_s: float | None
    student_wall_s: float | None
    reference_peak_bytes: int | None
    student_peak_bytes: int | None
    reference: Digest
    suites: Digest
    data: Digest
    machine: MeasuredOn


class PastScore(Model):
    """What a submission of the same entry had, or has no more."""

    measured_on: date
    submission: Digest
    score: float | None
    state: ScoreState


class EventEntry(Model):
    """One public row of an event.

    Attributes:
        rank: as it is shown: "1", "3= (3-6)", a dash.
        interval: of the score.
        speed, memory, accuracy: weighted geometric means over the workloads.
        missing: what has no value, in words.
        reproduce: one command that measures it again.
    """

    rank: str
    rank_number: int | None
    rank_worst: int | None
    tied: bool
    name: str
    slug: str
    event: Event
    division: Division
    host_class: HostClass
    state: EntryState
    score: float | None
    interval: Interval | None
    speed: Interval | None = None
    memory: Interval | None = None
    accuracy: Interval | None = None
    gates: tuple[Gate, ...]
    missing: tuple[str, ...]
    workloads: tuple[WorkloadResult, ...]
    submission: Digest
    measured_on: date
    reproduce: str
    history: tuple[PastScore, ...] = ()


class Baseline(Model):
    """Shown for comparison and never ranked."""

    name: str = "reference"
    score: float = REFERENCE_SCORE


class EventBoard(Model):
    """All rows of an event and division on one class of hosts, best first."""

    event: Event
    division: Division
    host_class: HostClass
    formula: str = FORMULA
    shown: bool  # False: too few public entries, so there are none here
    frozen_at: datetime | None = None  # nothing newer is shown until it is revealed
    baseline: Baseline = Baseline()
    entries: tuple[EventEntry, ...]


class Record(Model):
    """A record, from the day it was set.

    Attributes:
        workload: None: over all workloads of the event.
        value: the score of the entry that set it.
        beaten: the value of the record before; None for the first, and where its
            holder is not public.
        ratio: how many times better than the holder, timed pair by pair.
        head_to_head: the sessions that say so; none for the first record.
    """

    event: Event
    division: Division
    host_class: HostClass
    workload: ModuleName | None = None
    value: float
    name: str
    slug: str
    set_on: date
    submission: Digest
    current: bool
    beaten: float | None = None
    ratio: Interval | None = None
    head_to_head: tuple[Digest, ...] = ()


class Competition(Model):
    """The whole public data set: `data/v1/competition.json`."""

    schema_version: Literal[1] = 1
    course: str
    generated_at: datetime
    minimum_group: int
    formula: str = FORMULA
    boards: tuple[EventBoard, ...]
    records: tuple[Record, ...]


class Records(Model):
    """`data/v1/records.json`: the records alone, oldest first."""

    schema_version: Literal[1] = 1
    course: str
    generated_at: datetime
    formula: str = FORMULA
    records: tuple[Record, ...]


class PointsPart(Model):
    """One row of the points board, on its entry's page."""

    round: str
    round_kind: Literal["feedback", "final", "demo"]
    profile: Profile
    frozen_at: datetime | None = None
    entry: Entry


class EntryPage(Model):
    """All that the page of one entry is made from, beside milestones and samples.

    It says nothing of the other entries and not when the site was built, so that a page
    changes only when its own data do.
    """

    course: str
    name: str
    slug: str
    points: tuple[PointsPart, ...] = ()
    events: tuple[EventEntry, ...] = ()
    records: tuple[Record, ...] = ()

    @property
    def sessions(self) -> tuple[str, ...]:
        """Digests of the sessions whose samples the page shows, each once."""
        shown = (work.session for entry in self.events for work in entry.workloads)
        return tuple(dict.fromkeys(shown))
