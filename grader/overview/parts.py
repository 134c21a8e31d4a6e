"""How points lie in each module and milestone, and in all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from grader.exports.lines import hundredths
from grader.models.summary import MilestoneSummary, ModuleSummary, ResultSummary
from grader.overview.models import BINS, Held, Part, Spread


@dataclass(frozen=True)
class One:
    """One student's part of one kind."""

    earned: float
    points: float
    judged: bool
    untouched: bool


def total(results: Sequence[ResultSummary], students: int) -> Part:
    """Return how all points together lie."""
    ones = [
        One(r.earned, r.points, r.judged, len(_untouched(r)) == len(r.modules) > 0)
        for r in results
    ]
    return Part(
        kind="total", key="total", number="", title="Total", **_counts(ones, students)
    )


def modules(results: Sequence[ResultSummary], students: int) -> tuple[Part, ...]:
    """Return one part a module, in the order of the course."""
    found: dict[str, list[One]] = {}
    named: dict[str, ModuleSummary] = {}
    for result in results:
        untouched = _untouched(result)
        for module in result.modules:
            one = One(
                module.earned, module.points, module.judged, module.name in untouched
            )
            found.setdefault(module.name, []).append(one)
            named[module.name] = module
    return tuple(
        Part(
            kind="module",
            key=name,
            number=named[name].number,
            title=named[name].title,
            held=held(r.holding.get(name, 0) for r in results),
            **_counts(ones, students),
        )
        for name, ones in sorted(found.items(), key=lambda i: named[i[0]].number)
    )


def milestones(results: Sequence[ResultSummary], students: int) -> tuple[Part, ...]:
    """Return one part a milestone, in the order of the course."""
    found: dict[str, list[MilestoneSummary]] = {}
    for result in results:
        for stone in result.milestones:
            found.setdefault(stone.name, []).append(stone)
    ordered = sorted(found.values(), key=lambda stones: stones[-1].number)
    return tuple(_milestone(stones, students) for stones in ordered)


def _milestone(stones: Sequence[MilestoneSummary], students: int) -> Part:
    judged = [s for s in stones if s.judged]
    ones = [One(s.earned, s.points, s.judged, s.metric is None) for s in stones]
    return Part(
        kind="milestone",
        key=f"milestone_{stones[-1].name}",
        number=stones[-1].number,
        title=stones[-1].title,
        reached=sum(s.reached for s in judged),
        metric_name=stones[-1].metric_name,
        metric=median([s.metric for s in judged if s.metric is not None]),
        cpu_s=median([s.cpu_s for s in judged if s.cpu_s is not None]),
        **_counts(ones, students),
    )


def held(counts: Iterable[int]) -> Held:
    """Return how many checks wait, from the number of each student's."""
    waiting = [count for count in counts if count]
    return Held(checks=sum(waiting), students=len(waiting))


def spread(values: Iterable[float]) -> Spread | None:
    """Return where `values` lie; None where there are none."""
    ordered = sorted(values)
    if not ordered:
        return None
    return Spread(
        mean=round(sum(ordered) / len(ordered), 2),
        least=ordered[0],
        lower=quantile(ordered, 0.25),
        median=quantile(ordered, 0.5),
        upper=quantile(ordered, 0.75),
        most=ordered[-1],
    )


def median(values: Iterable[float]) -> float | None:
    """Return the middle of `values`; None where there are none."""
    ordered = sorted(values)
    return quantile(ordered, 0.5, digits=6) if ordered else None


def quantile(ordered: Sequence[float], share: float, *, digits: int = 2) -> float:
    """Return the value below which `share` of the sorted values lie, interpolated."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    value = ordered[low] + (place - low) * (ordered[high] - ordered[low])
    return round(value, digits)


def place(earned: float, points: float) -> int:
    """Return the bin of a result; nothing is in the first and everything in the last.

    Points are compared in hundredths, as they are shown.
    """
    whole = hundredths(points)
    return min(BINS - 1, BINS * hundredths(earned) // whole) if whole else 0


def _untouched(result: ResultSummary) -> set[str]:
    """Return the modules of which every check is TODO."""
    ids = result.failing.get("not_implemented", ())
    todo = Counter(check.partition("::")[0] for check in ids)
    return {m.name for m in result.modules if m.checks and todo[m.name] == m.checks}


def _counts(ones: Sequence[One], students: int) -> dict[str, Any]:
    judged = [one for one in ones if one.judged]
    places = Counter(place(one.earned, one.points) for one in judged)
    return {
        "points": max((one.points for one in ones), default=0.0),
        "graded": len(judged),
        "not_judged": len(ones) - len(judged),
        "no_result": students - len(ones),
        "spread": spread(round(one.earned, 2) for one in judged),
        "bins": tuple(places[i] for i in range(BINS)),
        "full": sum(hundredths(o.earned) >= hundredths(o.points) for o in judged),
        "untouched": sum(one.untouched for one in judged),
    }
