"""What the rounds of versus.py come to."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from timed import Graded

Tools = Mapping[str, Mapping[str, Graded]]  # tool -> submission -> cost
Costs = Sequence[Mapping[str, float]]  # of one tool, a round each


def summary(rounds: Sequence[Tools]) -> dict[str, Any]:
    """Return medians over the rounds: of each tool, and of ratios within a round.

    "ended" stands for the submissions that every tool finished in every round: only
    there does a time compare work with work, not with a timeout.
    """
    tools = list(rounds[0])
    ended = [
        name
        for name in rounds[0][tools[0]]
        if all(r[t][name].passed is not None for r in rounds for t in tools)
    ]
    costs = {t: [_cost(r[t], ended) for r in rounds] for t in tools}
    walled = [t for t in tools if t.startswith("ours")]
    return {
        "ended": ended,
        "tools": {t: _medians(costs[t]) for t in tools},
        "ratios": {
            f"{t} / {other}": _ratios(costs[t], costs[other])
            for t in sorted(walled)
            for other in sorted(set(tools) - set(walled))
        },
    }


def _ratios(ours: Costs, theirs: Costs) -> dict[str, float]:
    pairs = list(zip(ours, theirs, strict=True))
    what = [name for name in ours[0] if name[:6] in ("cpu_s_", "wall_s")]
    return {name: _median(a[name] / b[name] for a, b in pairs) for name in what}


def _cost(graded: Mapping[str, Graded], ended: Sequence[str]) -> dict[str, float]:
    """Return what one tool took in one round, per submission."""
    every, some = list(graded.values()), [graded[name] for name in ended]
    wall_s = statistics.fmean(g.wall_s for g in every)
    cost = {
        "submissions_a_minute": 60 / wall_s,
        "wall_s_each": wall_s,
        "cpu_s_each": statistics.fmean(g.cpu_s for g in every),
        "timeouts": sum(g.timed_out for g in every),
        "without_result": sum(g.passed is None for g in every),
    }
    if some:
        wall_ended_s = statistics.fmean(g.wall_s for g in some)
        cpu_ended_s = statistics.fmean(g.cpu_s for g in some)
        cost |= {
            "submissions_a_minute_ended": 60 / wall_ended_s,
            # What a core that does nothing else would do; other work hides it above.
            "submissions_a_cpu_minute_ended": 60 / cpu_ended_s,
            "wall_s_each_ended": wall_ended_s,
            "cpu_s_each_ended": cpu_ended_s,
        }
    return cost


def _medians(costs: Costs) -> dict[str, float]:
    return {what: _median(c[what] for c in costs) for what in costs[0]}


def _median(values: Iterable[float]) -> float:
    return round(statistics.median(values), 3)


def rows(rounds: Sequence[Tools], kinds: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a row a submission: medians over the rounds."""
    return [
        {
            "submission": name,
            "kind": kinds[name],
            **{
                tool: {
                    "passed": [r[tool][name].passed for r in rounds],
                    "cpu_s": _median(r[tool][name].cpu_s for r in rounds),
                    "wall_s": _median(r[tool][name].wall_s for r in rounds),
                    "timeouts": sum(r[tool][name].timed_out for r in rounds),
                }
                for tool in rounds[0]
            },
        }
        for name in kinds
    ]
