"""Projects as they would be reproduced, for tests that run nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from grader.models.capstone import Budget, Capstone, Data, Metric, Script
from grader.models.measure import Host, Isolation, Sample, Usage
from grader.models.outcome import Passed
from grader.models.project import (
    Claim,
    ClaimReproduced,
    DataFacts,
    Draw,
    Point,
    Project,
    ProjectDigests,
    Reproduction,
)

START: Final = datetime(2026, 11, 2, 9, tzinfo=UTC)
A_DIGEST: Final = "sha256:" + "a" * 64


def capstone(**changes: Any) -> Capstone:
    values = {
        "title": "Digits with one layer",
        "summary": "How far a single layer gets.",
        "task": "Tell digits of 8x8 pixels apart.",
        "script": Script(file="entry/project.py"),
        "data": Data(set="digits"),
        "metric": Metric(name="accuracy", claimed=0.9),
        "budget": Budget(cpu_s=5.0, memory_bytes=64 * 2**20),
    }
    return Capstone(**(values | changes))


def draw(number: int = 1, metric: float = 0.9, **changes: Any) -> Draw:
    sample = Sample(wall_s=0.1, cpu_s=0.1, rss_bytes=2**20)
    values = {
        "number": number,
        "outcome": Passed(),
        "metric": metric,
        "standard_error": 0.01,
        "examples": 360,
        "curve": (Point(slice=1, cpu_s=0.2, metric=metric, reported_loss=0.5),),
        "usage": Usage(
            cpu_s=float(number), wall_s=2.0, peak_rss_bytes=2**20, curve=(sample,)
        ),
    }
    return Draw(**(values | changes))


def project(claim: Claim | None = None, **changes: Any) -> Project:
    values = {
        "course": "tinytorch",
        "round": "week-1",
        "engine": "0.1.0",
        "started_at": START,
        "capstone": capstone(),
        "digests": ProjectDigests(submission=A_DIGEST, project=A_DIGEST, data=A_DIGEST),
        "data": DataFacts(title="digits", own=False, train=1000, held_out=360),
        "draws": (draw(1, 0.89), draw(2, 0.9), draw(3, 0.91)),
        "reproduction": Reproduction(
            value=0.9, low=0.88, high=0.92, over="draws", draws=3
        ),
        "claim": claim or ClaimReproduced(),
        "isolation": Isolation(tier="namespaces"),
        "host": Host(
            cpu="cpu", cores=2, kernel="6", python="3.11", numpy="2", blas="openblas"
        ),
    }
    return Project(**(values | changes))
