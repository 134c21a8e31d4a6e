"""Launches and rounds of a timed session."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from grader.errors import GraderError
from grader.measuring.side import (
    LAUNCH_LIMITS,
    Launching,
    Role,
    Side,
    Timed,
    VoidError,
)
from grader.measuring.tasks import Compared, Task
from grader.models.measure import Usage
from grader.models.session import Pair, SeedResult, SessionPlan, Timing
from grader.sandbox import Package, Wall, Zygote

LETTERS: Final[dict[str, Role]] = {
    "R": "reference",
    "S": "student",
    "C": "canary",
}
BATCH_CPU_S: Final = 0.1
ENOUGH_CPU_S: Final = 0.03  # a batch that says how large one must be
MOST_TRIES: Final = 12
LEAST_S: Final = 1e-9
BUILD: Final = "build"  # what a script of one's own calls its model's maker

Sides = Mapping[Role, Side]


@dataclass(frozen=True)
class Entrants:
    """Whose packages a session measures.

    Attributes:
        student: the entry, or the challenger of a head-to-head.
        reference: also the canary; the holder's in a head-to-head.
        truth: what all are compared with where `reference` is no reference.
        scripts: their own, of those who do not run the workload's.
    """

    student: Package
    reference: Package
    truth: Package | None = None
    scripts: Mapping[Role, str] = field(default_factory=dict)

    def packages(self) -> dict[Role, Package]:
        """Return the package of every side."""
        sides: dict[Role, Package] = {
            "reference": self.reference,
            "student": self.student,
            "canary": self.reference,
        }
        return sides if self.truth is None else sides | {"truth": self.truth}

    @property
    def judge(self) -> Role:
        """The side that knows what is right."""
        return "reference" if self.truth is None else "truth"

    @property
    def trusted(self) -> tuple[Role, ...]:
        """The sides whose hand-overs are known to be nothing else."""
        return ("reference", "canary") if self.truth is None else ("truth",)


class WrongError(Exception):
    """The student's side failed.

    Attributes:
        cause: what it raised, answered or ran into.
        how: how its process ended, in words.
        stage: what it was doing.
        pairs: the rounds of the launch so far.
    """

    def __init__(
        self, cause: Exception, how: str, stage: str, pairs: Sequence[Pair] = ()
    ) -> None:
        super().__init__(str(cause))
        self.cause, self.how, self.stage, self.pairs = cause, how, stage, (*pairs,)


@dataclass
class Launched:
    """What one launch gave."""

    pairs: list[Pair] = field(default_factory=list)
    quality: list[SeedResult] = field(default_factory=list)
    offs: list[float] = field(default_factory=list)
    usage: Usage | None = None


@dataclass
class Rounds:
    """The rounds of one session: all that does not change between its launches."""

    wall: Wall
    entrants: Entrants
    task: Task
    launching: Launching
    rng: np.random.Generator

    def launched(self, stack: ExitStack, sides: dict[Role, Side]) -> None:
        """Start all `sides` anew, on a core drawn for this launch."""
        cores = sorted(os.sched_getaffinity(0))
        launching = replace(
            self.launching,
            seed=int(self.rng.integers(0, 2**32)),
            core=int(self.rng.choice(cores)),
        )
        for role, package in self.entrants.packages().items():
            zygote = Zygote(self.wall, package, memory=LAUNCH_LIMITS)
            sides[role] = Side(role, zygote, self._scripted(launching, role))
            stack.enter_context(sides[role])
        truth = sides[self.entrants.judge]
        self.task.launched(truth, [s for s in sides.values() if s is not truth])

    def _scripted(self, launching: Launching, role: Role) -> Launching:
        """Return how a side is launched that may bring a script of its own."""
        own = self.entrants.scripts.get(role)
        return launching if own is None else replace(launching, script=own, build=BUILD)

    def launch(self, plan: SessionPlan) -> Launched:
        """Return the rounds of one launch, its warm-ups left out.

        Raises:
            WrongError: the student's side failed.
            VoidError: another did.
        """
        found = Launched()
        sides: dict[Role, Side] = {}
        with ExitStack() as stack:
            try:
                self.launched(stack, sides)
                self._rounds(sides, plan, found)
            except (VoidError, GraderError):
                raise
            except Exception as exc:
                student = sides["student"]
                how, stage = student.finish(), student.stage
                raise WrongError(exc, how or str(exc), stage, found.pairs) from exc
            sides["student"].finish()
        found.usage = sides["student"].usage
        return found

    def _rounds(self, sides: Sides, plan: SessionPlan, found: Launched) -> None:
        for number in range(-plan.warm_ups, plan.pairs):
            pair, seen = self.round(sides, plan.batch_size)
            if number >= 0:
                found.pairs.append(pair)
                found.quality += [] if seen.quality is None else [seen.quality]
                found.offs += [] if seen.off is None else [seen.off]
            if seen.failure is not None:
                raise seen.failure

    def round(self, sides: Sides, size: int) -> tuple[Pair, Compared]:
        """Ask all sides the same, in an order drawn by chance, and compare.

        A batch is cut into parts, and all sides have had one before any has the next:
        what slows the host down for a moment meets all of them.
        """
        order = "".join(self.rng.permutation(list(LETTERS)))
        asked = [LETTERS[letter] for letter in order]
        if self.entrants.truth is not None:
            asked.append("truth")
        timed: dict[Role, list[Timed]] = {role: [] for role in asked}
        seen = [self._part(sides, timed, part) for part in self.task.parts(size)]
        handing_s = max(_between_s(timed[role]) for role in self.entrants.trusted)
        pair = Pair.model_validate(
            {
                "order": order,
                **{r: _timing(timed[r], handing_s) for r in LETTERS.values()},
                "checked": sum(c.checked for c in seen),
                "mismatched": sum(c.mismatched for c in seen),
            }
        )
        failure = next((c.failure for c in seen if c.failure is not None), None)
        return pair, replace(seen[-1], failure=failure)

    def _part(
        self, sides: Sides, timed: Mapping[Role, list[Timed]], part: Any
    ) -> Compared:
        """Ask all sides one part, in the order of `timed`."""
        inputs = self.task.inputs(part, self.rng)
        answers: dict[Role, Any] = {}
        for role, requests in timed.items():
            request, answers[role] = self._ask(sides[role], inputs)
            requests.append(request)
        return self._compared(sides, answers, inputs)

    def _ask(self, side: Side, inputs: Any) -> tuple[Timed, Any]:
        self.task.give(side, inputs)
        timed, answer = side.timed(self.task.ask)
        return timed, self.task.after(side, answer, inputs)

    def _compared(
        self, sides: Sides, answers: Mapping[Role, Any], inputs: Any
    ) -> Compared:
        truth = self.entrants.judge
        for role, answer in answers.items():
            if role in {truth, "student"}:
                continue
            with sides[role].ours():
                seen = self.task.compare(answer, answers[truth], inputs, sides[truth])
                if seen.failure is not None:
                    raise seen.failure
        got = answers["student"]
        return self.task.compare(got, answers[truth], inputs, sides[truth])

    def calibrate(self) -> int:
        """Return the batch size that takes the reference a tenth of a CPU second."""
        if not self.task.calibrated:
            return 1
        with ExitStack() as stack:
            zygote = Zygote(self.wall, self.entrants.reference, memory=LAUNCH_LIMITS)
            side = stack.enter_context(Side("reference", zygote, self.launching))
            return _size(lambda size: self.cost_s(side, size))

    def cost_s(self, side: Side, size: int) -> float:
        """Return the CPU seconds of one whole batch of one side."""
        inputs = self.task.inputs(size, self.rng)
        timed, _ = self._ask(side, inputs)
        return timed.cpu_s


def _size(cost_s: Callable[[int], float]) -> int:
    """Return the size at which a batch costs what it should.

    Raises:
        VoidError: no size does.
    """
    size = 1
    cost_s(size)  # the first of all is never typical
    for _ in range(MOST_TRIES):
        spent_s = max(cost_s(size), LEAST_S)
        if spent_s >= ENOUGH_CPU_S:
            return max(1, round(size * BATCH_CPU_S / spent_s))
        size = max(2 * size, min(16 * size, int(size * ENOUGH_CPU_S / spent_s * 1.3)))
    raise VoidError("reference", "no batch is large enough to be timed")


def _between_s(requests: Sequence[Timed]) -> float:
    return sum(request.between_s for request in requests)


def _timing(requests: Sequence[Timed], handing_s: float) -> Timing:
    """Count requests, and what was done between them beyond handing over."""
    more_s = max(0.0, _between_s(requests) - handing_s)
    cpu_s = sum(request.cpu_s for request in requests) + more_s
    wall_s = sum(request.wall_s for request in requests)
    return Timing(cpu_s=max(cpu_s, LEAST_S), wall_s=max(wall_s, LEAST_S))
