"""Sessions made from numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from grader.models.measure import ContainerLimits, Host, Isolation
from grader.models.session import (
    CanaryRule,
    Conditions,
    Launch,
    MemoryRun,
    Pair,
    SeedResult,
    Session,
    SessionDigests,
    SessionPlan,
    Timing,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MIB = 2**20


def named(letter: str) -> str:
    """Return a digest."""
    return "sha256:" + letter * 64


def pair(
    reference: float = 0.1, student: float = 0.1, canary: float = 0.1, **kwargs: Any
) -> Pair:
    def timing(cpu_s: float) -> Timing:
        return Timing(cpu_s=float(cpu_s), wall_s=float(cpu_s) * 1.5)

    known: dict[str, Any] = {"order": "RSC", "checked": 64} | kwargs
    return Pair(
        reference=timing(reference),
        student=timing(student),
        canary=timing(canary),
        **known,
    )


def launches(
    student: ArrayLike, reference: ArrayLike = 0.1, canary: ArrayLike = 0.1
) -> tuple[Launch, ...]:
    """Return launches of given CPU seconds. Shapes: each (launches, pairs)."""
    s, r, c = np.broadcast_arrays(np.asarray(student, np.float64), reference, canary)
    return tuple(
        Launch(pairs=tuple(pair(*row) for row in zip(*rows, strict=True)))
        for rows in zip(r, s, c, strict=True)
    )


def session(**kwargs: Any) -> Session:
    """Return a session as planned, of 2 launches x 3 pairs unless told."""
    timed = kwargs.setdefault("launches", launches(np.full((2, 3), 0.1)))
    runs = kwargs.get("memory", ())
    known: dict[str, Any] = {
        "event": "latency",
        "division": "closed",
        "workload": "cnn",
        "started_at": NOW,
        "plan": SessionPlan(
            launches=max(1, len(timed)),
            pairs=len(timed[0].pairs) if timed else 1,
            memory_runs=max(1, len(runs)),
            batch_size=64,
            seed=7,
        ),
        "digests": SessionDigests(
            submission=named("a"),
            reference=named("b"),
            suites=named("c"),
            data=named("d"),
            image=None,
        ),
        "conditions": Conditions(
            host_class="runner-2",
            host=Host(
                cpu="A CPU",
                cores=2,
                kernel="6.1",
                python="3.11",
                numpy="2.4",
                blas="openblas",
            ),
            limits=ContainerLimits(),
            isolation=Isolation(tier="docker"),
            load_before=0.1,
            load_after=0.2,
        ),
        "canary_rule": CanaryRule(threshold=0.02, source="idle"),
    }
    return Session(**(known | kwargs))


def memory_session(*runs: tuple[int, int, int], **kwargs: Any) -> Session:
    """Return a memory session of (reference, student, import-only) peaks in MiB."""
    made = tuple(
        MemoryRun(
            reference_peak_bytes=r * MIB,
            student_peak_bytes=s * MIB,
            import_peak_bytes=i * MIB,
        )
        for r, s, i in runs
    )
    return session(event="memory", launches=(), memory=made, **kwargs)


def quality(
    student: Sequence[float], reference: Sequence[float], **steps: Sequence[int]
) -> tuple[SeedResult, ...]:
    ours, theirs = steps.get("ours"), steps.get("theirs")
    return tuple(
        SeedResult(
            seed=number,
            student=s,
            reference=r,
            student_steps=ours[number] if ours else None,
            reference_steps=theirs[number] if theirs else None,
        )
        for number, (s, r) in enumerate(zip(student, reference, strict=True))
    )
