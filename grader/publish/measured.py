"""From a session to what a board needs of it, and to the raw numbers for its page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from statistics import median, median_low
from typing import Any, Final

import numpy as np

from grader.compete import canary, samples
from grader.compete.estimates import DRAWS, Estimate
from grader.compete.gates import Outputs, outputs_of
from grader.models.base import Model
from grader.models.outcome import Inconclusive, Passed
from grader.models.session import SeedResult, Session
from grader.publish.competition_models import (
    CurvePoint,
    Interval,
    MeasuredOn,
    MemoryPeaks,
    Samples,
    WorkloadResult,
)

PARTS: Final = ("speed", "memory", "accuracy")
RAW: Final = np.dtype("<f8")


class Facts(Model):
    """What is kept of a session besides its estimates."""

    result: WorkloadResult
    outputs: Outputs
    quality: tuple[SeedResult, ...]
    void: bool  # by no fault of the submission


class _Head(Model):
    facts: Facts
    values: dict[str, float]


@dataclass(frozen=True, eq=False)
class Measurement:
    """A session as boards look at it; an estimate is None where it does not count."""

    facts: Facts
    speed: Estimate | None
    memory: Estimate | None
    accuracy: Estimate | None

    def to_bytes(self) -> bytes:
        """Return it as one line of JSON and raw draws, for a cache."""
        known = [(name, getattr(self, name)) for name in PARTS]
        values = {name: e.log_value for name, e in known if e is not None}
        head = _Head(facts=self.facts, values=values).model_dump_json()
        draws = (e.log_draws.astype(RAW).tobytes() for _, e in known if e is not None)
        return b"".join([head.encode(), b"\n", *draws])

    @classmethod
    def from_bytes(cls, data: bytes) -> Measurement:
        """Return what `to_bytes` wrote.

        Raises:
            ValueError: it did not write this.
        """
        first, _, raw = data.partition(b"\n")
        head = _Head.model_validate_json(first)
        draws = np.frombuffer(raw, RAW).reshape(len(head.values), DRAWS)
        found = {
            name: Estimate(value, row)
            for (name, value), row in zip(head.values.items(), draws, strict=True)
        }
        return cls(head.facts, *(found.get(name) for name in PARTS))


ReadSession = Callable[[str], Session]
Measure = Callable[[str], Measurement]


def measurement(digest: str, session: Session) -> Measurement:
    """Return what a board needs of the session stored as `digest`."""
    speed = samples.speed(session)
    memory = samples.memory(session)
    accuracy = samples.relative_accuracy(session)
    shown: dict[str, Any] = dict(
        zip(PARTS, map(interval, (speed, memory, accuracy)), strict=True)
    )
    facts = Facts(
        result=WorkloadResult(**_plan(digest, session), **_seen(session), **shown),
        outputs=outputs_of(session),
        quality=session.quality,
        void=bool(session.voids) or isinstance(session.outcome, Inconclusive),
    )
    return Measurement(facts, speed, memory, accuracy)


def interval(estimate: Estimate | None, scale: float = 1.0) -> Interval | None:
    """Return an estimate as it is shown: `scale` times the ratio."""
    if estimate is None:
        return None
    low, high = (scale * end for end in estimate.interval)
    return Interval(value=scale * estimate.value, low=low, high=high)


def samples_of(digest: str, session: Session) -> Samples:
    """Return the raw numbers of the session stored as `digest`."""
    return Samples(
        session=digest,
        log_ratios=_ratios(session, "student"),
        canary=_ratios(session, "canary"),
        memory=tuple(
            MemoryPeaks(
                reference_bytes=run.reference_peak_bytes,
                student_bytes=run.student_peak_bytes,
                import_bytes=run.import_peak_bytes,
            )
            for run in session.memory
        ),
        curve=tuple(
            CurvePoint(at_s=p.wall_s, rss_bytes=p.rss_bytes, cpu_s=p.cpu_s)
            for p in session.curve
        ),
    )


def _ratios(session: Session, who: samples.Side) -> tuple[tuple[float, ...], ...]:
    return tuple(
        tuple(samples.log_ratios(launch, who).tolist()) for launch in session.launches
    )


def _plan(digest: str, session: Session) -> dict[str, Any]:
    """Return what was fixed before the first sample."""
    plan, digests = session.plan, session.digests
    return {
        "event": session.event,
        "workload": session.workload,
        "session": digest,
        "kind": session.kind,
        "measured_on": session.started_at.astimezone(UTC).date(),
        "attempt": session.attempt,
        "canary_threshold": session.canary_rule.threshold,
        "batch_size": plan.batch_size,
        "launches": plan.launches if session.event != "memory" else 0,
        "pairs": plan.pairs if session.event != "memory" else 0,
        "seed": plan.seed,
        "reference": digests.reference,
        "suites": digests.suites,
        "data": digests.data,
        "machine": _machine(session),
    }


def _seen(session: Session) -> dict[str, Any]:
    """Return what came out of it, as plain numbers."""
    outputs, outcome = outputs_of(session), session.outcome
    ours = isinstance(outcome, Passed | Inconclusive)
    pairs = [pair for launch in session.launches for pair in launch.pairs]
    times = {
        f"{who}_{clock}": median(getattr(getattr(pair, who), clock) for pair in pairs)
        if pairs
        else None
        for who in ("reference", "student")
        for clock in ("cpu_s", "wall_s")
    }
    peaks = {
        f"{who}_peak_bytes": median_low(
            getattr(run, f"{who}_peak_bytes") for run in session.memory
        )
        if session.memory
        else None
        for who in ("reference", "student")
    }
    return {
        "voids": tuple(void.reason for void in session.voids),
        "failed": "" if ours else outcome.kind,
        "checked": outputs.checked,
        "mismatched": outputs.wrong,
        "canary_offset": canary.offset(session) if outputs.batches else None,
        "seeds": len(session.quality),
        **times,
        **peaks,
    }


def _machine(session: Session) -> MeasuredOn:
    conditions = session.conditions
    host = conditions.host
    return MeasuredOn(
        cpu=host.cpu,
        cores=host.cores,
        kernel=host.kernel,
        python=host.python,
        numpy=host.numpy,
        blas=host.blas,
        image=session.digests.image,
        tier=conditions.isolation.tier,
        load_before=conditions.load_before,
        load_after=conditions.load_after,
        throttled_s=conditions.throttled_s,
    )
