"""Sessions of made submissions: their times are drawn, none was measured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from grader.models.measure import ContainerLimits, Host, Isolation, Sample
from grader.models.session import (
    CanaryRule,
    Conditions,
    Launch,
    Pair,
    Session,
    SessionDigests,
    SessionPlan,
    Timing,
)

START: Final = datetime(2026, 11, 1, tzinfo=UTC)
LAUNCHES, PAIRS = 10, 4
POINTS: Final = 60  # of the curve


def entered(number: int, submission: str) -> Session:
    """Return a session of a submission whose speed-up is drawn from 0.6 to 2.5."""
    rng = np.random.default_rng(number)
    log_speed = rng.uniform(-0.5, 0.9)
    noise = rng.normal(0, 0.012, (3, LAUNCHES, PAIRS))
    noise += rng.normal(0, 0.008, (3, LAUNCHES, 1))
    cpu_s = 0.1 * np.exp(noise - np.array([0, log_speed, 0])[:, None, None])
    return Session(
        event="latency",
        division="closed",
        workload="cnn",
        started_at=START + timedelta(minutes=number),
        plan=SessionPlan(batch_size=64, seed=number),
        digests=SessionDigests(
            submission=submission,
            reference="sha256:" + "b" * 64,
            suites="sha256:" + "c" * 64,
            data="sha256:" + "d" * 64,
            image=None,
        ),
        conditions=Conditions(
            host_class="bench-2",
            host=Host(
                cpu="a processor",
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
        canary_rule=CanaryRule(threshold=0.02, source="idle"),
        launches=tuple(
            Launch(pairs=tuple(_pair(*cpu_s[:, i, j].tolist()) for j in range(PAIRS)))
            for i in range(LAUNCHES)
        ),
        curve=tuple(
            Sample(wall_s=0.2 * i, cpu_s=0.19 * i, rss_bytes=(40 + i % 9) * 2**20)
            for i in range(POINTS)
        ),
    )


def _pair(reference: float, student: float, canary: float) -> Pair:
    def timing(cpu_s: float) -> Timing:
        return Timing(cpu_s=cpu_s, wall_s=1.1 * cpu_s)

    return Pair(
        order="RSC",
        reference=timing(reference),
        student=timing(student),
        canary=timing(canary),
        checked=64,
    )
