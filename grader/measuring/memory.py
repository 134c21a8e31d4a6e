"""Peaks of memory: fresh launches of reference and student, and of an import alone."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from grader.errors import GraderError
from grader.measuring.rounds import Entrants, Launched, WrongError
from grader.measuring.side import LAUNCH_LIMITS, Launching, Role, Side, VoidError
from grader.measuring.tasks import rows_alike, share_weights
from grader.models.course import Workload
from grader.models.session import MemoryRun
from grader.sandbox import Wall, Zygote

CLASSES: Final = 10
ASKED: Final = 8  # inputs that the trained model is asked about


class Peaks:
    """The memory runs of one session."""

    def __init__(
        self,
        wall: Wall,
        entrants: Entrants,
        workload: Workload,
        launching: Launching,
        rng: np.random.Generator,
    ) -> None:
        self._wall, self._entrants, self._workload = wall, entrants, workload
        self._launching, self._rng = launching, rng

    def run(self) -> tuple[MemoryRun, Launched]:
        """Return peaks of one launch of each.

        Raises:
            WrongError: the student's side failed.
            VoidError: another did.
        """
        launching = replace(self._launching, seed=int(self._rng.integers(0, 2**32)))
        data = self._data()
        found = Launched()
        sides: dict[Role, Side] = {}
        with ExitStack() as stack:
            try:
                bare = imported_bytes(self._wall, self._entrants, launching)
                self._start(stack, sides, launching)
                peaks = self._trained(sides, data)
            except (VoidError, GraderError):
                raise
            except Exception as exc:
                student = sides["student"]
                how, stage = student.finish(), student.stage
                raise WrongError(exc, how or str(exc), stage) from exc
            sides["student"].finish()
        found.usage = sides["student"].usage
        run = MemoryRun(
            reference_peak_bytes=peaks["reference"],
            student_peak_bytes=peaks["student"],
            import_peak_bytes=bare,
        )
        return run, found

    def _data(self) -> tuple[NDArray[Any], ...]:
        """Return fresh inputs, class ids, and inputs to be asked about."""
        count, shape = self._workload.examples, self._workload.shape
        x = self._rng.random((count + ASKED, *shape), np.float32)
        y = self._rng.integers(0, CLASSES, count)
        return x[:count], y, x[count:]

    def _start(
        self, stack: ExitStack, sides: dict[Role, Side], launching: Launching
    ) -> None:
        packages = self._entrants.packages()
        for role in ("reference", "student"):
            zygote = Zygote(self._wall, packages[role], memory=LAUNCH_LIMITS)
            sides[role] = Side(role, zygote, launching)
            stack.enter_context(sides[role])
        share_weights(sides["reference"], [sides["student"]])

    def _trained(
        self, sides: dict[Role, Side], data: tuple[NDArray[Any], ...]
    ) -> dict[Role, int]:
        """Train both; return their peaks, read before anything else is asked.

        Raises:
            CheckFailure: the student's model has learned something else.
        """
        x, y, asked = data
        slices, peaks, answers = self._workload.slices, {}, {}
        for role, side in sides.items():
            with side.ours():
                side.bench.start(x, y)
                side.bench.learn(slices)
                peaks[role] = side.peak_rss_bytes()
                answers[role] = side.bench.predict(asked)
        seen = rows_alike(
            answers["student"],
            answers["reference"],
            self._workload.tolerance,
            "what the trained model answers",
        )
        if seen.failure is not None:
            raise seen.failure
        return peaks


def imported_bytes(wall: Wall, entrants: Entrants, launching: Launching) -> int:
    """Return the peak of a launch that imports the reference and waits."""
    package = entrants.truth or entrants.reference
    zygote = Zygote(wall, package, memory=LAUNCH_LIMITS)
    with Side("truth", zygote, launching, idle=True) as side:
        return side.peak_rss_bytes()
