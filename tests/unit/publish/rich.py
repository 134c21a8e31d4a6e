"""A rich public data set: what pages are tested with, and looked at.

Every number is drawn from one seed, and none of them is a measurement. The ranks are
those that `grader.compete` gives to such draws.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final

import numpy as np

from grader.compete.estimates import Estimate, geometric_mean, pair_estimate, stream
from grader.compete.formula import CLOSED_WEIGHTS, OPEN_WEIGHTS
from grader.compete.gates import Gate
from grader.compete.ranking import Place, Standing, rank
from grader.models.session import Division, Event, MeasuredEvent
from grader.publish.competition_models import (
    Competition,
    CurvePoint,
    EntryPage,
    EventBoard,
    EventEntry,
    Interval,
    MeasuredOn,
    MemoryPeaks,
    PastScore,
    PointsPart,
    Record,
    Samples,
    WorkloadResult,
)
from grader.publish.models import (
    Board,
    Entry,
    Leaderboard,
    MilestoneScore,
    ModuleScore,
    PastResult,
    Provenance,
)

NOW: Final = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
COURSE: Final = "tinytorch"
MIB: Final = 2**20
WORKLOADS: Final[dict[Event, tuple[str, ...]]] = {
    "latency": ("cnn", "mlp"),
    "training": ("cnn",),
    "memory": ("cnn",),
    "generation": ("gpt",),
}
# Name, how much faster than the reference (ln), how much less memory (ln).
PEOPLE: Final = (
    ("brisk otter", 0.86, 0.31),
    ("Noor van den Berg-Okonkwo", 0.85, 0.22),
    ("copper heron", 0.855, 0.05),
    ("quiet comet", 0.52, 0.40),
    ("velvet anchor", 0.38, -0.08),
    ("amber lantern", 0.37, 0.12),
    ("rapid quartz", 0.21, 0.0),
    ("Łukasz Żółć", 0.05, 0.02),
    ("plain willow", -0.01, 0.01),
    ("mellow walnut", -0.22, -0.15),
    ("dusty harbour", -0.70, -0.35),
)
MODULES: Final = (
    ("setup", "01", "Setup", 10.0),
    ("tensor", "02", "Tensor", 60.0),
    ("activations", "03", "Activations", 40.0),
    ("layers", "04", "Layers", 60.0),
    ("losses", "05", "Losses", 40.0),
    ("autograd", "06", "Autograd", 120.0),
    ("optimizers", "07", "Optimizers", 50.0),
    ("training", "08", "Training", 60.0),
    ("spatial", "09", "Spatial", 80.0),
    ("attention", "12", "Attention", 80.0),
)
STONES: Final = (
    ("milestone_perceptron", "01", "Perceptron, 1957", 50.0),
    ("milestone_xor", "02", "XOR, 1969", 50.0),
    ("milestone_mlp", "03", "MLP, 1986", 75.0),
    ("milestone_cnn", "04", "CNN, 1998", 100.0),
    ("milestone_transformer", "05", "Transformer, 2017", 100.0),
    ("milestone_mlperf", "06", "MLPerf, 2018", 75.0),
)
MACHINE: Final = MeasuredOn(
    cpu="Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz",
    cores=2,
    kernel="6.8.0-1021",
    python="3.11.9",
    numpy="2.4.1",
    blas="openblas 0.3.29",
    image=None,
    tier="docker",
    load_before=0.08,
    load_after=0.21,
    throttled_s=0.0,
)
PASSED: Final = (
    Gate(name="checks", state="passed", detail="214 of 214 required checks"),
    Gate(name="outputs", state="passed", detail="0 of 2560 timed outputs differ"),
    Gate(
        name="accuracy",
        state="passed",
        detail="mean 0.9612 over 5 seeds, bound 0.9500",
        p_value=0.83,
    ),
)


@dataclass(frozen=True)
class Drawn:
    """One session and what it gives."""

    result: WorkloadResult
    samples: Samples
    estimate: Estimate


def digest(*parts: object) -> str:
    text = "\0".join(map(str, parts))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def slug_of(name: str) -> str:
    if name.islower():
        return name.replace(" ", "-")
    return "entry-" + digest(name)[7:19]


def interval(estimate: Estimate, scale: float = 1.0) -> Interval:
    low, high = estimate.interval
    return Interval(value=scale * estimate.value, low=scale * low, high=scale * high)


def drawn(event: MeasuredEvent, workload: str, who: str, log_ratio: float) -> Drawn:
    """Return a session of ten launches of four pairs, or of three memory runs."""
    rng = stream(11, event, workload, who)
    ratios = np.zeros((0, 0))
    runs: tuple[MemoryPeaks, ...] = ()
    session = digest("session", event, workload, who)
    if event == "memory":
        peaks = 60 * np.exp(-log_ratio + rng.normal(0, 0.01, 3))
        runs = tuple(
            MemoryPeaks(
                reference_bytes=100 * MIB,
                student_bytes=int((40 + peak) * MIB),
                import_bytes=40 * MIB,
            )
            for peak in peaks
        )
        estimate = pair_estimate(np.log(60 / peaks)[:, None], rng)
    else:
        launches = rng.normal(0, 0.008, (10, 1))
        ratios = log_ratio + launches + rng.normal(0, 0.012, (10, 4))
        estimate = pair_estimate(ratios, rng)
    canary = 0.004 + rng.normal(0, 0.006, ratios.shape)
    samples = Samples(
        session=session,
        log_ratios=tuple(map(tuple, ratios.round(6).tolist())),
        canary=tuple(map(tuple, canary.round(6).tolist())),
        memory=runs,
        curve=_curve(rng, log_ratio),
    )
    return Drawn(_result(event, workload, who, samples, estimate), samples, estimate)


def _curve(rng: np.random.Generator, log_ratio: float) -> tuple[CurvePoint, ...]:
    rise = 1 - np.exp(-np.arange(60) / 9)
    peaks = (40 + 55 * math.exp(-log_ratio / 2) * rise + rng.normal(0, 0.6, 60)) * MIB
    return tuple(
        CurvePoint(
            at_s=round(0.25 * i, 2), rss_bytes=int(peak), cpu_s=round(0.24 * i, 2)
        )
        for i, peak in enumerate(peaks)
    )


def _result(
    event: MeasuredEvent, workload: str, who: str, samples: Samples, estimate: Estimate
) -> WorkloadResult:
    memory = event == "memory"
    shown = interval(estimate)
    # Who is faster here is less accurate, more or less: a frontier to look at.
    accuracy = 1.005 - 0.012 * max(estimate.log_value, 0) + 0.008 * math.sin(len(who))
    return WorkloadResult(
        event=event,
        workload=workload,
        session=samples.session,
        measured_on=date(2026, 11, 2 + len(who) % 15),
        attempt=1,
        speed=None if memory else shown,
        memory=shown if memory else None,
        accuracy=Interval(value=accuracy, low=accuracy - 0.006, high=accuracy + 0.005),
        voids=(),
        checked=0 if memory else 2560,
        mismatched=0,
        canary_offset=None if memory else 0.004,
        canary_threshold=0.02,
        batch_size=64,
        launches=len(samples.log_ratios),
        pairs=len(samples.log_ratios[0]) if samples.log_ratios else 0,
        seeds=5,
        seed=20261101,
        reference_cpu_s=None if memory else 0.101,
        student_cpu_s=None if memory else 0.101 / estimate.value,
        reference_wall_s=None if memory else 0.108,
        student_wall_s=None if memory else 0.109 / estimate.value,
        reference_peak_bytes=100 * MIB if memory else None,
        student_peak_bytes=samples.memory[1].student_bytes if memory else None,
        reference=digest("reference"),
        suites=digest("suites"),
        data=digest("data"),
        machine=MACHINE,
    )


@dataclass(frozen=True)
class Row:
    """An entry before it has a rank."""

    name: str
    drawn: tuple[Drawn, ...]
    estimate: Estimate | None
    said: dict[str, Any]


def _row(event: Event, division: Division, who: tuple[str, float, float]) -> Row:
    name, speed, memory = who
    if event == "all-round":
        sessions = [
            drawn(of, work, name, memory if of == "memory" else speed)  # type: ignore[arg-type]
            for of, works in WORKLOADS.items()
            for work in works
        ]
    else:
        ratio = memory if event == "memory" else speed
        sessions = [
            drawn(event, work, name + division * (division == "open"), ratio)  # type: ignore[arg-type]
            for work in WORKLOADS[event]
        ]
    parts = {
        of: [
            (1.0, d.estimate) for d in sessions if (d.result.event == "memory") == fits
        ]
        for of, fits in (("speed", False), ("memory", True))
    }
    means = {of: geometric_mean(some) for of, some in parts.items() if some}
    weights = OPEN_WEIGHTS if division == "open" else CLOSED_WEIGHTS
    both = [(weights[of] if len(means) > 1 else 1.0, m) for of, m in means.items()]
    total = geometric_mean(both)
    said: dict[str, Any] = {of: interval(mean) for of, mean in means.items()}
    accuracy = [d.result.accuracy for d in sessions]
    return Row(name, tuple(sessions), total, said | {"accuracy": accuracy[0]})


def _entry(row: Row, place: Place, event: Event, division: Division) -> EventEntry:
    score = interval(row.estimate, 100.0) if row.estimate else None
    submission = digest("submission", row.name)
    known: dict[str, Any] = {
        "rank": place.shown,
        "rank_number": place.rank,
        "rank_worst": place.worst,
        "tied": place.tied,
        "name": row.name,
        "slug": slug_of(row.name),
        "event": event,
        "division": division,
        "host_class": place.host_class,
        "state": "ranked" if score else "unranked",
        "score": score.value if score else None,
        "interval": score,
        "gates": PASSED,
        "missing": (),
        "workloads": tuple(d.result for d in row.drawn),
        "submission": submission,
        "measured_on": max(
            (d.result.measured_on for d in row.drawn), default=NOW.date()
        ),
        "reproduce": (
            f"grader compete run SUBMISSION --event {event} --division {division}"
        ),
        "history": (
            PastScore(
                measured_on=date(2026, 11, 2),
                submission=submission,
                score=score.value if score else None,
                state="counts" if score else "unranked",
            ),
        ),
    }
    return EventEntry(**(known | row.said))


def board(
    event: Event,
    division: Division,
    rows: Sequence[Row],
    *,
    host_class: str = "azure-d2s-v5",
    **kwargs: Any,
) -> EventBoard:
    """Return a board with the ranks that its rows have."""
    standings = [
        Standing(row.name, host_class, NOW + timedelta(hours=n), row.estimate)
        for n, row in enumerate(rows)
    ]
    by_name = {row.name: row for row in rows}
    places = rank(standings)[host_class]
    entries = tuple(_entry(by_name[p.key], p, event, division) for p in places)
    known: dict[str, Any] = {"shown": True, "entries": entries} | kwargs
    return EventBoard(event=event, division=division, host_class=host_class, **known)


def _without_rank(row: Row) -> list[Row]:
    """Return one row of every kind that has no rank."""
    void = row.drawn[0].result.model_copy(
        update={"speed": None, "accuracy": None, "voids": ("canary",), "attempt": 4}
    )
    none = {"speed": None, "memory": None, "accuracy": None}
    unstable = none | {"state": "unstable", "workloads": (void, row.drawn[1].result)}
    wrong = Gate(
        name="outputs", state="failed", detail="3 of 2560 timed outputs differ"
    )
    failed = none | {"score": 0.0, "gates": (PASSED[0], wrong, PASSED[2])}
    gone = none | {"state": "withdrawn", "workloads": (), "gates": ()}
    past = PastScore(
        measured_on=date(2026, 11, 5),
        submission=digest("submission", "withdrawn marble"),
        score=None,
        state="withdrawn",
    )
    lacking = none | {
        "missing": ("speed: mlp",),
        "workloads": (row.drawn[0].result,),
    }
    return [
        replace(row, name="hollow marble", estimate=None, said=failed),
        replace(row, name="bold tundra", estimate=None, said=lacking),
        replace(
            row,
            name="patient orbit",
            estimate=None,
            said=unstable | {"missing": ("speed: cnn",)},
        ),
        replace(
            row,
            name="early cobalt",
            estimate=None,
            drawn=(),
            said=gone | {"history": (past,)},
        ),
    ]


@cache
def competition() -> Competition:
    """Return boards of all kinds, and records with a history."""
    people = [_row("latency", "closed", who) for who in PEOPLE]
    first = board("latency", "closed", [*people, *_without_rank(people[4])])
    slower = [(n, s - 0.1, m) for n, s, m in PEOPLE[3:9]]
    opened = [(n, s + 0.6 * (k % 3), m) for k, (n, s, m) in enumerate(PEOPLE[:6])]
    boards = [
        first,
        board(
            "latency",
            "closed",
            [_row("latency", "closed", who) for who in slower],
            host_class="lab-ryzen-7",
        ),
        board(
            "training", "closed", [_row("training", "closed", w) for w in PEOPLE[:8]]
        ),
        board(
            "memory",
            "closed",
            [_row("memory", "closed", w) for w in PEOPLE],
            frozen_at=NOW - timedelta(days=2),
        ),
        _hidden("generation", "closed"),
        board(
            "all-round", "closed", [_row("all-round", "closed", w) for w in PEOPLE[:7]]
        ),
        board("latency", "open", [_row("latency", "open", w) for w in opened]),
    ]
    return Competition(
        course=COURSE,
        generated_at=NOW,
        minimum_group=5,
        boards=tuple(boards),
        records=_records(first),
    )


def _hidden(event: Event, division: Division) -> EventBoard:
    return EventBoard(
        event=event,
        division=division,
        host_class="azure-d2s-v5",
        shown=False,
        entries=(),
    )


def _records(first: EventBoard) -> tuple[Record, ...]:
    steps = ((6, 121.4, 3), (4, 146.9, 6), (3, 169.2, 9), (0, 236.3, 15))
    made: list[Record] = []
    for number, (place, value, day) in enumerate(steps):
        name = PEOPLE[place][0]
        before = made[-1].value if made else None
        times = value / before if before else 1.0
        record = Record(
            event=first.event,
            division=first.division,
            host_class=first.host_class,
            value=value,
            name=name,
            slug=slug_of(name),
            set_on=date(2026, 11, day),
            submission=digest("submission", name),
            current=number == len(steps) - 1,
            beaten=before,
            ratio=Interval(value=times, low=times * 0.98, high=times * 1.02)
            if before
            else None,
            head_to_head=(digest("head-to-head", name),) if before else (),
        )
        made.append(record)
    alone = made[0].model_copy(
        update={"event": "memory", "value": 149.2, "current": True}
    )
    return (*made, alone)


@cache
def samples() -> dict[str, Samples]:
    """Return the raw samples of every session shown, by digest."""
    found = {}
    rows = [_row(e, "closed", w) for e in (*WORKLOADS, "all-round") for w in PEOPLE]  # type: ignore[arg-type]
    opened = [(n, s + 0.6 * (k % 3), m) for k, (n, s, m) in enumerate(PEOPLE[:6])]
    rows += [_row("latency", "open", who) for who in opened]
    for row in rows:
        found.update({d.samples.session: d.samples for d in row.drawn})
    return found


@cache
def leaderboard() -> Leaderboard:
    """Return two rounds of points: one open, one frozen, and one too small to show."""
    boards = (
        Board(
            round="autumn-2",
            round_kind="final",
            profile="full",
            shown=True,
            frozen_at=NOW - timedelta(days=1),
            entries=_points(14, salt="autumn-2"),
        ),
        Board(
            round="autumn-1",
            round_kind="feedback",
            profile="quick",
            shown=True,
            entries=_points(15, salt="autumn-1"),
        ),
        Board(
            round="pilot",
            round_kind="feedback",
            profile="quick",
            shown=False,
            entries=(),
        ),
    )
    return Leaderboard(course=COURSE, generated_at=NOW, minimum_group=5, boards=boards)


NAMES: Final = (
    *(name for name, _, _ in PEOPLE),
    *("hollow marble", "bold tundra", "patient orbit", "early cobalt"),
)


def _points(count: int, *, salt: str) -> tuple[Entry, ...]:
    rows = [_scored(name, salt) for name in NAMES[:count]]
    rows.sort(key=lambda e: -1.0 if e.total is None else e.total, reverse=True)
    totals = [row.total for row in rows]
    return tuple(
        row.model_copy(
            update={
                "rank": None if row.total is None else totals.index(row.total) + 1,
                "tied": row.total is not None and totals.count(row.total) > 1,
            }
        )
        for row in rows
    )


def _scored(name: str, salt: str) -> Entry:
    alike = "copper heron" if name == "quiet comet" else name  # two totals are equal
    rng = stream(5, alike, salt)
    skill = float(rng.beta(5, 2))
    judged = name != "patient orbit"

    def earned(points: float) -> float:
        share = np.clip(rng.normal(skill, 0.2), 0, 1)
        return points if share > 0.75 else round(points * float(share), 2)

    modules = tuple(
        ModuleScore(
            name=m,
            number=number,
            title=title,
            earned=earned(points) if judged or m != "autograd" else None,
            points=points,
        )
        for m, number, title, points in MODULES
    )
    stones = tuple(_stone(*stone, skill=skill, rng=rng) for stone in STONES)
    parts = [m.earned for m in modules] + [s.earned for s in stones]
    total = round(sum(p for p in parts if p is not None), 2) if judged else None
    submission = digest("submission", name)
    day = date(2026, 11, 1 + len(name))
    past = [(day, total, "counts" if judged else "not judged")]
    past += [(date(2026, 10, 20), 0.6 * (total or 500.0), "earlier")]
    past += [(date(2026, 10, 12), None, "withdrawn")] * (len(name) % 3 == 0)
    return Entry(
        rank=None,
        tied=False,
        name=name,
        slug=slug_of(name),
        total=total,
        points=sum(m.points for m in modules) + sum(s.points for s in stones),
        modules=modules,
        milestones=stones,
        provenance=Provenance(
            submission=submission,
            suites=digest("suites"),
            reference=digest("reference"),
            tier="docker",
            host_class="Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz, 2 cores",
            engine="0.1.0",
            graded_on=day,
        ),
        history=tuple(
            PastResult.model_validate(
                {
                    "graded_on": on,
                    "total": None if score is None else round(score, 2),
                    "submission": submission if on == day else digest(name, on),
                    "state": state,
                }
            )
            for on, score, state in past
        ),
    )


def _stone(
    name: str,
    number: str,
    title: str,
    points: float,
    *,
    skill: float,
    rng: np.random.Generator,
) -> MilestoneScore:
    reached = bool(rng.random() < skill)
    ran = reached or bool(rng.random() < 0.6)
    return MilestoneScore(
        name=name,
        number=number,
        title=title,
        earned=points if reached else 0.0,
        points=points,
        reached=reached,
        metric_name="accuracy",
        metric=round(
            float(rng.uniform(0.9, 0.99) if reached else rng.uniform(0.4, 0.8)), 4
        )
        if ran
        else None,
        cpu_s=round(float(rng.uniform(0.3, 95)), 2) if ran else None,
        peak_memory_bytes=int(rng.uniform(20, 220) * MIB) if ran else None,
    )


def pages() -> dict[str, EntryPage]:
    """Return the data of every entry's page, by slug."""
    made, points = competition(), leaderboard()
    found = {}
    for name in NAMES:
        slug = slug_of(name)
        found[slug] = EntryPage(
            course=COURSE,
            name=name,
            slug=slug,
            points=tuple(
                PointsPart(
                    round=b.round,
                    round_kind=b.round_kind,
                    profile=b.profile,
                    frozen_at=b.frozen_at,
                    entry=e,
                )
                for b in points.boards
                for e in b.entries
                if e.slug == slug
            ),
            events=tuple(e for b in made.boards for e in b.entries if e.slug == slug),
            records=tuple(r for r in made.records if r.slug == slug),
        )
    return found
