"""What a competition consists of: events, their workloads, and what must hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from grader.models.course import CompetitionEvent, Course
from grader.models.session import Division, MeasuredEvent


@dataclass(frozen=True)
class EventRules:
    """One measured event.

    Attributes:
        workloads: weight of each, by name; an entry needs them all.
        floors: mean accuracy that must be reached, by workload; accuracy is no gate of
            the others.
        required: modules of which every check must pass.
        opened: workloads that the open division has; None: all.
        own_peaks: a session of the open division holds peaks of memory too.
    """

    event: MeasuredEvent
    workloads: Mapping[str, float]
    floors: Mapping[str, float] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    opened: frozenset[str] | None = None
    own_peaks: bool = False

    def in_the_open(self) -> EventRules:
        """Return what of it the open division has."""
        if self.opened is None:
            return self
        kept = {n: w for n, w in self.workloads.items() if n in self.opened}
        floors = {n: f for n, f in self.floors.items() if n in self.opened}
        return replace(self, workloads=kept, floors=floors)


@dataclass(frozen=True)
class CompetitionRules:
    """All events.

    Attributes:
        kind: in feedback an entrant's row moves only when it is better beyond doubt
            than the best before; else the newest submission counts.
    """

    events: tuple[EventRules, ...] = ()
    kind: Literal["feedback", "final", "demo"] = "final"
    by_name: Mapping[str, EventRules] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {one.event: one for one in self.events})

    def of(self, division: Division) -> tuple[EventRules, ...]:
        """Return the events that a division has."""
        if division == "closed":
            return self.events
        opened = (one.in_the_open() for one in self.events)
        return tuple(one for one in opened if one.workloads)


def competition_rules(course: Course) -> CompetitionRules:
    """Return the rules of a course's competition.

    Only a training has an accuracy of its own; what the other events ask is equal to
    the reference's answers.
    """
    return CompetitionRules(tuple(_event(course, event) for event in course.events))


def _event(course: Course, event: CompetitionEvent) -> EventRules:
    trained = event.workloads if event.name == "training" else ()
    asked = [name for workload in event.workloads for name in workload.needs]
    return EventRules(
        event=event.name,
        workloads={workload.name: workload.weight for workload in event.workloads},
        floors={workload.name: workload.floor for workload in trained},
        required=_with_needs(course, asked),
        opened=frozenset(work.name for work in event.workloads if work.open),
        own_peaks=bool(trained),
    )


def _with_needs(course: Course, names: Iterable[str]) -> tuple[str, ...]:
    """Return modules and all that they need, in the order of the course."""
    found: set[str] = set()
    todo = [*names]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += course.module(name).needs
    return tuple(module.name for module in course.modules if module.name in found)
