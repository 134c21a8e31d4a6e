"""The competition of the rich data set: what pages are tested with, and looked at.

Every number is drawn from one seed, and none of them is a measurement. The ranks are
those that `grader.compete` gives to such draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
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
    EventBoard,
    EventEntry,
    Interval,
    MeasuredOn,
    MemoryPeaks,
    PastScore,
    Samples,
    WorkloadResult,
)
from publish.rich_names import COURSE, MIB, NOW, PEOPLE, digest, slug_of
from publish.rich_records import records

WORKLOADS: Final[dict[Event, tuple[str, ...]]] = {
    "latency": ("cnn", "mlp"),
    "training": ("cnn",),
    "memory": ("cnn",),
    "generation": ("gpt",),
}
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
        records=records(first),
    )


def _hidden(event: Event, division: Division) -> EventBoard:
    return EventBoard(
        event=event,
        division=division,
        host_class="azure-d2s-v5",
        shown=False,
        entries=(),
    )


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
