"""The points boards of the rich data set; nothing in them was graded."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Final

import numpy as np

from grader.compete.estimates import stream
from grader.publish.models import (
    Board,
    Entry,
    Leaderboard,
    MilestoneScore,
    ModuleScore,
    PastResult,
    Provenance,
)
from publish.rich_names import COURSE, MIB, NAMES, NOW, digest, slug_of

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
        history=_history(name, day, total),
    )


def _history(name: str, day: date, total: float | None) -> tuple[PastResult, ...]:
    past = [(day, total, "not judged" if total is None else "counts")]
    past += [(date(2026, 10, 20), 0.6 * (total or 500.0), "earlier")]
    past += [(date(2026, 10, 12), None, "withdrawn")] * (len(name) % 3 == 0)
    return tuple(
        PastResult.model_validate(
            {
                "graded_on": on,
                "total": None if score is None else round(score, 2),
                "submission": digest("submission", *([] if on == day else [on]), name),
                "state": state,
            }
        )
        for on, score, state in past
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
