"""What a competition consists of: events, their workloads, and what must hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from grader.models.session import MeasuredEvent


@dataclass(frozen=True)
class EventRules:
    """One measured event.

    Attributes:
        workloads: weight of each, by name; an entry needs them all.
        floors: mean accuracy that must be reached, by workload; accuracy is no gate of
            the others.
        required: modules of which every check must pass.
    """

    event: MeasuredEvent
    workloads: Mapping[str, float]
    floors: Mapping[str, float] = field(default_factory=dict)
    required: tuple[str, ...] = ()


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
