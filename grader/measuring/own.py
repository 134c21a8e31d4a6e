"""The open division: a model and a training of one's own, judged by its answers.

Nothing is compared with the reference's answers. What is timed is all of it: building,
reading the data, every slice, and the answers to unseen inputs; so nothing is gained by
moving work from one into another. A launch does one training: what was learned in it is
gone with its processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from grader import datasets
from grader.datasets import DataSet
from grader.measuring.side import Bench, Role, Side
from grader.measuring.tasks import Compared
from grader.models.course import Workload
from grader.models.session import SeedResult
from grader.training.driver import useless

MOST_SLICES: Final = 255  # a script of one's own may yield as often


class OwnLearning:
    """A whole training in parts: data, slice after slice, answers.

    As many slices are interleaved as the reference has; the last request asks for all
    that are left. Who needs fewer is asked for the rest in vain, which costs a frame.

    Attributes:
        peaks: of the sides of the latest training, in bytes, after its answers.
    """

    calibrated = False

    def __init__(self, workload: Workload, data: DataSet) -> None:
        self.workload, self.data = workload, data
        self.peaks: dict[Role, int] = {}
        self._part = self._seed = 0
        self._unseen = data.test_x
        # Of slices, with the last request: one more than there may be.
        self._rest = max(2, MOST_SLICES + 2 - workload.slices)

    def parts(self, size: int) -> Sequence[int]:
        """Return the parts of one training: 0 the data, then slices, then answers."""
        return range(size + 2)

    def launched(self, truth: Side, others: list[Side]) -> None:
        """Leave all models as they are; they are made anew in every training."""

    def inputs(self, size: int, rng: np.random.Generator) -> Any:
        """Return the number of the part; the first has a fresh seed."""
        if size == 0:
            self._seed = int(rng.integers(0, 2**31))
            # Each image is moved a little: a table of known images knows none of them.
            self._unseen = datasets.shifted(self.data.test_x, self._seed)
        self._part = size
        return size

    def give(self, side: Side, inputs: Any) -> None:
        """Hand over nothing: what comes with a request is timed with it."""
        side.stage = "in training" if inputs else "building the model"
        if inputs > self.workload.slices:
            side.stage = "answering"

    def ask(self, bench: Bench) -> Any:
        """Build and hand over the data, train, or ask for answers."""
        last = self.workload.slices
        if self._part == 0:
            bench.begin(self._seed)
            bench.start(self.data.train_x, self.data.train_y)
            return None
        if self._part > last:
            return bench.predict(self._unseen)
        return bench.learn(1 if self._part < last else self._rest)

    def after(self, side: Side, answer: Any, inputs: Any) -> Any:
        """Return the answers; refuse what are none, or a training without an end."""
        with side.ours():
            if 1 <= inputs <= self.workload.slices:
                _check_slices(answer, self._rest)
            elif inputs:
                self._check_answers(answer)
                self.peaks[side.role] = side.peak_rss_bytes()
        return answer

    def compare(self, got: Any, want: Any, inputs: Any, truth: Side) -> Compared:  # noqa: ARG002
        """Hold the answers of both against the labels, which no sandbox has seen."""
        if inputs <= self.workload.slices:
            return Compared(0)
        labels = self.data.test_y
        ours, theirs = (float(np.mean(x.argmax(axis=1) == labels)) for x in (got, want))
        quality = SeedResult(seed=self._seed, student=ours, reference=theirs)
        return Compared(0, quality=quality)

    def _check_answers(self, answer: Any) -> None:
        wanted = (len(self._unseen), self.data.classes)
        if answer.shape != wanted:
            raise useless("predict", str(wanted), str(answer.shape))
        if not np.all(np.isfinite(answer)):
            raise useless("predict", "finite numbers", "others")


def _check_slices(answer: Any, rest: int) -> None:
    if not isinstance(answer, int) or answer < 0:
        raise useless("train", "how many slices there were", answer)
    if answer >= rest:
        raise useless("train", f"an end after at most {MOST_SLICES} slices", "none")
