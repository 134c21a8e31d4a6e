"""Measure one session: launches and rounds, what disturbed them, what came of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from grader.checks.judge import judge
from grader.checks.remote import OracleError
from grader.compete import canary
from grader.datasets import DataSet
from grader.host import describe_host
from grader.measuring import conditions
from grader.measuring.memory import Peaks, imported_bytes
from grader.measuring.own import OwnLearning
from grader.measuring.rounds import BATCH_CPU_S, Entrants, Rounds, WrongError
from grader.measuring.side import LAUNCH_LIMITS, Launching, VoidError, compiled
from grader.measuring.tasks import Task, task_of, typical
from grader.models.course import Workload
from grader.models.measure import ContainerLimits, Limits, Sample
from grader.models.outcome import Inconclusive, Outcome, Passed
from grader.models.session import (
    Conditions,
    Division,
    Launch,
    MeasuredEvent,
    MemoryRun,
    SeedResult,
    Session,
    SessionDigests,
    SessionKind,
    SessionPlan,
    Void,
)
from grader.sandbox import Wall

MOST_THROTTLED: Final = 0.05  # share of the session's time
LEAST_SHARE: Final = 0.1  # of the time its batches took, that the reference ran
SAMPLES_SHOWN: Final = 240


@dataclass(frozen=True)
class Order:
    """One session to be measured."""

    event: MeasuredEvent
    workload: Workload
    entrants: Entrants
    wall: Wall
    script: str
    build: str
    preload: list[str]
    load_limits: Limits
    digests: SessionDigests
    kind: SessionKind = "entry"
    division: Division = "closed"
    epochs: int = 1
    data: DataSet | None = None
    launches: int = 10
    pairs: int = 4
    warm_ups: int = 1
    attempt: int = 1
    limits: ContainerLimits | None = None  # known from outside; else read here
    # Finds the offsets of earlier canaries of a host class.
    offsets: Callable[[str], Sequence[float]] = lambda _: ()
    progress: Callable[[str], None] = field(default=lambda _: None)


@dataclass
class _Found:
    """What is known of a session so far."""

    launches: list[Launch] = field(default_factory=list)
    memory: list[MemoryRun] = field(default_factory=list)
    quality: list[SeedResult] = field(default_factory=list)
    curve: tuple[Sample, ...] = ()
    outcome: Outcome = field(default_factory=Passed)
    voids: list[Void] = field(default_factory=list)
    size: int = 1


def measure(order: Order) -> Session:
    """Measure one session; whatever happens to it is in what is returned.

    Ctrl-C gives a void session, with nothing left running.

    Raises:
        SandboxUnavailableError: no wall can be built.
    """
    started = datetime.now(UTC)
    host, limits = describe_host(), order.limits or conditions.limits_here()
    load, throttled_s = conditions.load(), conditions.throttled_s()
    seed, found = secrets.randbits(62), _Found()
    try:
        _run(order, seed, found)
    except VoidError as exc:
        found.voids.append(Void(reason=exc.reason, detail=exc.detail))
    except KeyboardInterrupt:
        found.voids.append(Void(reason="interrupted"))
    except WrongError as exc:
        found.launches += [Launch(pairs=exc.pairs)] if exc.pairs else []
        _judge(exc, found)
    here = Conditions(
        host_class=conditions.host_class(host, limits, order.wall.isolation.tier),
        host=host,
        limits=limits,
        isolation=order.wall.isolation,
        load_before=load,
        load_after=conditions.load(),
        throttled_s=max(0.0, conditions.throttled_s() - throttled_s),
    )
    wall_s = (datetime.now(UTC) - started).total_seconds()
    found.voids += _disturbed(found, here, wall_s)
    session = _session(order, started, seed, here, found)
    void = canary.void(session)
    if void is not None:
        found.voids.append(void)
        session = _session(order, started, seed, here, found)
    return session


def _session(
    order: Order, started: datetime, seed: int, here: Conditions, found: _Found
) -> Session:
    loaded = conditions.is_loaded(here.load_before, here.host.cores)
    return Session(
        kind=order.kind,
        event=order.event,
        division=order.division,
        workload=order.workload.name,
        attempt=order.attempt,
        started_at=started,
        plan=_plan(order, seed, found.size),
        digests=order.digests,
        conditions=here,
        canary_rule=canary.rule(order.offsets(here.host_class), loaded=loaded),
        launches=tuple(found.launches),
        memory=tuple(found.memory),
        quality=tuple(found.quality),
        curve=found.curve,
        outcome=found.outcome,
        voids=tuple(found.voids),
    )


def _plan(order: Order, seed: int, size: int) -> SessionPlan:
    return SessionPlan(
        launches=order.launches,
        pairs=order.pairs,
        batch_size=size,
        batch_cpu_s=BATCH_CPU_S,
        warm_ups=order.warm_ups,
        seed=seed,
    )


def _run(order: Order, seed: int, found: _Found) -> None:
    limits = order.load_limits
    packages = order.entrants
    entrants = replace(
        packages,
        student=compiled(order.wall, packages.student, limits),
        reference=compiled(order.wall, packages.reference, limits),
        truth=packages.truth and compiled(order.wall, packages.truth, limits),
    )
    launching = Launching(
        script=order.script,
        build=order.build,
        epochs=order.epochs,
        seed=seed % 2**32,
        preload=order.preload,
        load_limits=limits,
        core=None,
    )
    rng = np.random.Generator(np.random.PCG64(seed))
    if order.event == "memory":
        peaks = Peaks(order.wall, entrants, order.workload, launching, rng)
        _remember(order, peaks, found, SessionPlan(batch_size=1, seed=seed).memory_runs)
        return
    task = _task(order)
    rounds = Rounds(order.wall, entrants, task, launching, rng)
    found.size = rounds.calibrate() if task.calibrated else order.workload.slices
    plan = _plan(order, seed, found.size)
    offs: list[float] = []
    for number in range(1, plan.launches + 1):
        order.progress(f"{_name(order)}: launch {number} of {plan.launches}")
        launched = rounds.launch(plan)
        found.launches.append(Launch(pairs=tuple(launched.pairs)))
        found.quality += launched.quality
        found.curve = launched.usage.curve if launched.usage else ()
        offs += launched.offs
        if isinstance(task, OwnLearning) and number <= plan.memory_runs:
            bare = imported_bytes(order.wall, entrants, launching)
            found.memory.append(_peaks(task, bare))
    failure = typical(offs, order.workload.tolerance)
    if failure is not None:
        raise WrongError(failure, "", "answering")


def _task(order: Order) -> Task:
    if order.division == "open" and order.data is not None:
        return OwnLearning(order.workload, order.data)
    return task_of(order.event, order.workload, order.data)


def _peaks(task: OwnLearning, bare: int) -> MemoryRun:
    return MemoryRun(
        reference_peak_bytes=task.peaks["reference"],
        student_peak_bytes=task.peaks["student"],
        import_peak_bytes=bare,
    )


def _remember(order: Order, peaks: Peaks, found: _Found, runs: int) -> None:
    for number in range(1, runs + 1):
        order.progress(f"{_name(order)}: launch {number} of {runs}")
        run, launched = peaks.run()
        found.memory.append(run)
        found.curve = launched.usage.curve if launched.usage else ()


def _name(order: Order) -> str:
    return f"{order.event} {order.workload.name}"


def _judge(wrong: WrongError, found: _Found) -> None:
    """Turn a failure of the student's side into an outcome, or a void if it is ours."""
    outcome: Any = judge(
        wrong.cause,
        how=wrong.how,
        call=wrong.stage,
        limits=LAUNCH_LIMITS,
        holds=lambda: False,
    )
    if isinstance(outcome, Inconclusive):
        reason = "sandbox" if not isinstance(wrong.cause, OracleError) else "reference"
        found.voids.append(
            Void.model_validate({"reason": reason, "detail": outcome.reason[:500]})
        )
        return
    found.outcome = outcome


def _disturbed(found: _Found, here: Conditions, wall_s: float) -> list[Void]:
    """Return what the host did to a session, by evidence of ours."""
    voids = []
    if here.throttled_s > MOST_THROTTLED * wall_s:
        detail = f"stopped by its quota for {here.throttled_s:.1f} of {wall_s:.0f} s"
        voids.append(Void(reason="throttled", detail=detail))
    ours = [p.reference for launch in found.launches for p in launch.pairs]
    cpu_s, took_s = sum(t.cpu_s for t in ours), sum(t.wall_s for t in ours)
    if cpu_s < LEAST_SHARE * took_s:
        detail = f"the reference got {cpu_s:.1f} s of processor in {took_s:.1f} s"
        voids.append(Void(reason="starved", detail=detail))
    return voids
