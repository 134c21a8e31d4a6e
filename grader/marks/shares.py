"""Points of a result in whole hundredths, dealt out so that every sum is the total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.models.summary import MilestoneSummary, ModuleSummary, ResultSummary
from grader.reports.display import one_line


@dataclass(frozen=True)
class Share:
    """What one module or milestone adds to a total; points in hundredths."""

    key: str  # "tensor", "milestone_xor"
    raw_number: str  # as the result has it
    earned: int
    points: int
    judged: bool  # whether all of its lines are

    @property
    def number(self) -> str:
        """The number in the course, harmless."""
        return one_line(self.raw_number, limit=8)

    @property
    def label(self) -> str:
        """The key with its number: never the name of anything else in a format."""
        return f"{self.number} {self.key}"


def shares_of(summary: ResultSummary) -> tuple[Share, ...]:
    """Return modules, then milestones."""
    results: list[tuple[str, ModuleSummary | MilestoneSummary]] = [
        *((module.name, module) for module in summary.modules),
        *((f"milestone_{stone.name}", stone) for stone in summary.milestones),
    ]
    earned, points = dealt_out(
        hundredths(summary.earned),
        hundredths(summary.points),
        [(r.earned, r.points) for _, r in results],
    )
    return tuple(
        Share(key, result.number, earned[i], points[i], result.judged)
        for i, (key, result) in enumerate(results)
    )


def hundredths(value: float) -> int:
    """Return points as whole hundredths."""
    return round(100 * value)


def decimal(value: int) -> str:
    """Return hundredths as a number with two decimals."""
    return f"{value / 100:.2f}"


def dealt_out(
    earned: int, points: int, shares: Sequence[tuple[float, float]]
) -> tuple[list[int], list[int]]:
    """Deal out what was earned and what was lost; nobody earns more than there is."""
    won = deal(earned, [got for got, _ in shares])
    lost = deal(max(0, points - earned), [max(0.0, of - got) for got, of in shares])
    return won, [a + b for a, b in zip(won, lost, strict=True)]


def deal(total: int, weights: Sequence[float]) -> list[int]:
    """Divide `total` by `weights` into whole numbers, the largest remainders first.

    Where no weight counts, all count the same.
    """
    if not any(weights):
        weights = [1.0] * len(weights)
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    dealt = [int(share) for share in exact]
    order = sorted(
        range(len(weights)), key=lambda i: (weights[i] == 0, dealt[i] - exact[i], i)
    )
    for i in order[: total - sum(dealt)]:
        dealt[i] += 1
    return dealt
