"""The score of one submission in one event: estimates, weights and gates together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from grader.compete.estimates import Estimate, geometric_mean
from grader.compete.formula import Score, closed_score, event_score, open_score
from grader.compete.gates import (
    Gate,
    Purpose,
    accuracy_gate,
    checks_gate,
    matching_gate,
)
from grader.models.session import Division
from grader.publish.measured import Measurement
from grader.publish.rules import EventRules

ALL_ROUND: Final = "all-round"
Key = tuple[str, str]  # event, workload
Measured = Mapping[Key, Measurement]


@dataclass(frozen=True)
class Checks:
    """How many of the required checks a submission passes."""

    passed: int
    required: int


@dataclass(frozen=True)
class Asked:
    """What a score is of.

    Attributes:
        rules: of one event, or of all for the all-round.
        checks: None where the submission was not graded, or not judged.
    """

    division: Division
    rules: tuple[EventRules, ...]
    checks: Checks | None
    purpose: Purpose = "credit"
    all_round: bool = False


def score(asked: Asked, measured: Measured) -> Score:
    """Return the score; what was not measured is missing in it."""
    gates = _gates(asked, measured)
    if not asked.all_round:
        (rules,) = asked.rules
        name = "memory" if rules.event == "memory" else "speed"
        return event_score(name, _parts(asked, measured, name), gates)
    speed, memory = (_parts(asked, measured, of) for of in ("speed", "memory"))
    if asked.division == "closed":
        return closed_score(speed=speed, memory=memory, gates=gates)
    checks = asked.checks
    share = checks.passed / checks.required if checks and checks.required else None
    accuracy = _parts(asked, measured, "accuracy")
    return open_score(
        speed=speed, memory=memory, accuracy=accuracy, correctness=share, gates=gates
    )


def mean(asked: Asked, measured: Measured, part: str) -> Estimate | None:
    """Return the weighted mean of one part over what was measured of it."""
    parts = _parts(asked, measured, part).values()
    known = [(weight, e) for weight, e in parts if e is not None]
    return geometric_mean(known) if known else None


def _parts(
    asked: Asked, measured: Measured, part: str
) -> dict[str, tuple[float, Estimate | None]]:
    """Return weight and estimate of every workload that has this part."""
    found: dict[str, tuple[float, Estimate | None]] = {}
    for rules in asked.rules:
        if part not in _parts_of(asked, rules):
            continue
        for workload, weight in rules.workloads.items():
            if part == "accuracy" and workload not in rules.floors:
                continue
            one = measured.get((rules.event, workload))
            name = f"{rules.event} {workload}" if asked.all_round else workload
            found[name] = (weight, getattr(one, part) if one else None)
    return found


def _parts_of(asked: Asked, rules: EventRules) -> tuple[str, ...]:
    """Return what the sessions of an event say something about."""
    if rules.event == "memory":
        return ("memory", "accuracy")
    if asked.division == "open" and rules.own_peaks:
        return ("speed", "memory", "accuracy")
    return ("speed", "accuracy")


def _gates(asked: Asked, measured: Measured) -> list[Gate]:
    """Return every gate of the events asked for."""
    shared = not asked.all_round or asked.division == "closed"
    gates = [_checks(asked)] if shared and _required(asked.rules) else []
    gates += _failures(measured.values())
    timed = [m for (event, _), m in sorted(measured.items()) if event != "memory"]
    gates += _outputs(asked, timed)
    for rules in asked.rules:
        gates += _accuracy(asked, rules, measured)
    return gates


def _required(rules: Iterable[EventRules]) -> bool:
    return any(one.required for one in rules)


def _checks(asked: Asked) -> Gate:
    if asked.checks is None:
        detail = "the hidden checks of this submission have not been judged"
        return Gate(name="checks", state="undecided", detail=detail)
    return checks_gate(passed=asked.checks.passed, required=asked.checks.required)


def _failures(measured: Iterable[Measurement]) -> list[Gate]:
    return [
        Gate(name=f"run {m.facts.result.workload}", state="failed", detail=failed)
        for m in measured
        if (failed := m.facts.result.failed)
    ]


def _outputs(asked: Asked, timed: list[Measurement]) -> list[Gate]:
    """Return the gate of outputs; a model of one's own has none to be compared."""
    counting = [m for m in timed if not m.facts.void]
    if not counting:
        return []
    counts = [m.facts.outputs for m in counting]
    if asked.division == "open" and not any(o.checked for o in counts):
        return []
    return [matching_gate(counts)]


def _accuracy(asked: Asked, rules: EventRules, measured: Measured) -> list[Gate]:
    found = []
    for workload, floor in rules.floors.items():
        one = measured.get((rules.event, workload))
        if one is None or one.facts.void or one.facts.result.failed:
            continue  # missing already, or failed
        gate = accuracy_gate(one.facts.quality, floor=floor, purpose=asked.purpose)
        name = f"accuracy {rules.event} {workload}" if asked.all_round else gate.name
        if not asked.all_round and len(rules.workloads) > 1:
            name = f"accuracy {workload}"
        found.append(Gate(**{**dict(gate), "name": name}))
    return found
