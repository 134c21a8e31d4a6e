"""What is asked of a side in one round, and how its answer is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from grader.checks.checklib import CheckFailure
from grader.datasets import DataSet
from grader.measuring.side import Bench, Side
from grader.models.course import Workload
from grader.models.session import SeedResult
from grader.training.driver import useless

Outputs = NDArray[Any]
SMALLEST: Final = 1e-6  # of a scale, where all answers are zero
SHOWN: Final = 4
LEARNED: Final = "what the trained model answers"
GROSS: Final = 25  # times the tolerance no training goes astray by itself
PARTS: Final = 8  # of a batch; each some 12 ms, of which asking is 0.1


@dataclass(frozen=True)
class Compared:
    """How many answers were compared, and what is wrong with the first wrong one."""

    checked: int
    mismatched: int = 0
    failure: CheckFailure | None = None
    quality: SeedResult | None = None
    off: float | None = None  # of one training: how far its typical answer is


class Task(Protocol):
    """One kind of workload. `size` is the batch size of the session."""

    calibrated: bool  # whether a batch can have any size

    def parts(self, size: int) -> Sequence[int]:
        """Return what `inputs` is called with, for every part of a batch."""

    def launched(self, truth: Side, others: list[Side]) -> None:
        """Bring all sides to the same state."""

    def inputs(self, size: int, rng: np.random.Generator) -> Any:
        """Return fresh inputs of one round."""

    def give(self, side: Side, inputs: Any) -> None:
        """Hand them over; not timed."""

    def ask(self, bench: Bench) -> Any:
        """Make the timed request."""

    def after(self, side: Side, answer: Any, inputs: Any) -> Any:
        """Return what is to be compared."""

    def compare(self, got: Any, want: Any, inputs: Any, truth: Side) -> Compared:
        """Hold an answer against the truth's."""


def task_of(event: str, workload: Workload, data: DataSet | None) -> Task:
    """Return the task of a timed workload."""
    if event == "training":
        if data is None:
            raise ValueError("a training workload needs data")
        return Learning(workload, data)
    return Texts(workload) if workload.ids else Answers(workload)


class Answers:
    """Rows of bytes in, rows of numbers out."""

    calibrated = True

    def __init__(self, workload: Workload) -> None:
        self.workload = workload

    def parts(self, size: int) -> Sequence[int]:
        """Return the sizes that a batch is cut into."""
        return cut(size)

    def launched(self, truth: Side, others: list[Side]) -> None:
        """Give all models the weights of the truth's."""
        share_weights(truth, others)

    def inputs(self, size: int, rng: np.random.Generator) -> Any:
        """Return bytes, which are quick to hand over. Shapes: -> (size, ...)."""
        return rng.integers(0, 256, (size, *self.workload.shape), np.uint8)

    def give(self, side: Side, inputs: Any) -> None:
        """Hand over the rows."""
        with side.ours():
            side.bench.give(inputs)

    def ask(self, bench: Bench) -> Any:
        """Ask for all answers."""
        return bench.answer()

    def after(self, side: Side, answer: Any, inputs: Any) -> Any:  # noqa: ARG002
        """Return the answer as it is."""
        return answer

    def compare(self, got: Any, want: Any, inputs: Any, truth: Side) -> Compared:  # noqa: ARG002
        """Compare row by row."""
        return rows_alike(got, want, self.workload.tolerance, "one timed answer")


class Texts:
    """Prompts in; tokens out, each the likeliest by its logits, which come too.

    Two right models may write different texts where two tokens are equally likely. So
    the truth is asked what it thinks of the text that was written.
    """

    calibrated = True

    def __init__(self, workload: Workload) -> None:
        self.workload = workload

    def parts(self, size: int) -> Sequence[int]:
        """Return the sizes that a batch is cut into."""
        return cut(size)

    def launched(self, truth: Side, others: list[Side]) -> None:
        """Give all models the weights of the truth's."""
        share_weights(truth, others)

    def inputs(self, size: int, rng: np.random.Generator) -> Any:
        """Return ids. Shapes: -> (size, ...)."""
        return rng.integers(0, self.workload.ids, (size, *self.workload.shape))

    def give(self, side: Side, inputs: Any) -> None:
        """Hand over the prompts."""
        with side.ours():
            side.bench.give(inputs)

    def ask(self, bench: Bench) -> Any:
        """Ask for the texts."""
        return bench.answer()

    def after(self, side: Side, answer: Any, inputs: Any) -> Any:  # noqa: ARG002
        """Return tokens and logits as they are."""
        return answer

    def compare(self, got: Any, want: Any, inputs: Any, truth: Side) -> Compared:
        """Ask the truth for its logits of the same texts."""
        length = want[0].shape[1]
        tokens, logits = self._parts(got, len(inputs), length)
        texts = np.concatenate([inputs, tokens], axis=1)[:, :-1]
        seen = truth.excused(lambda bench: bench.explain(texts))
        expected = seen[:, inputs.shape[1] - 1 :]
        near = self.workload.tolerance * _scale(logits)
        best = logits.max(axis=-1)
        chosen = np.take_along_axis(logits, tokens[..., None], axis=-1)[..., 0]
        if np.any(chosen < best - near[..., 0]):
            failure = CheckFailure(
                "value",
                call="the tokens written",
                expected="the token of the largest logit, each time",
                got="another token",
            )
            return Compared(tokens.size, tokens.size, failure)
        width = self.workload.ids
        return rows_alike(
            logits.reshape(-1, width),
            expected.reshape(-1, width),
            self.workload.tolerance,
            "the logits of one written token",
        )

    def _parts(self, got: Any, count: int, length: int) -> tuple[Any, Any]:
        """Return tokens and logits, or refuse what are none."""
        match got:
            case (np.ndarray() as tokens, np.ndarray() as logits):
                pass
            case other:
                raise useless("predict", "tokens and logits", other)
        if tokens.shape != (count, length) or tokens.dtype.kind not in "iu":
            raise useless("predict", f"ids ({count}, {length})", tokens.shape)
        whole = (count, length, self.workload.ids)
        if logits.shape != whole or logits.dtype != np.float32:
            raise useless("predict", f"logits {whole}", logits.shape)
        if np.any(tokens < 0) or np.any(tokens >= self.workload.ids):
            raise useless("predict", f"ids below {self.workload.ids}", "others")
        if not np.all(np.isfinite(logits)):
            raise useless("predict", "finite logits", "others")
        return tokens, logits


class Learning:
    """A whole training from fresh weights; what is compared is what was learned.

    One rounding error may lead a training elsewhere, so no single one says much: the
    typical answer of the typical training must be that of the reference.
    """

    calibrated = False

    def __init__(self, workload: Workload, data: DataSet) -> None:
        self.workload, self.data = workload, data
        self._model: dict[str, NDArray[np.float32]] = {}
        self._seed = 0  # of one training: of its first weights and its order

    def parts(self, size: int) -> Sequence[int]:
        """Return the slices of one training."""
        return range(1, size + 1)

    def launched(self, truth: Side, others: list[Side]) -> None:  # noqa: ARG002
        """Look at the model; every round begins anew."""
        with truth.ours():
            self._model = truth.bench.parameters()

    def inputs(self, size: int, rng: np.random.Generator) -> Any:
        """Return the number of the slice; the first has a fresh seed."""
        if size == 1:
            self._seed = int(rng.integers(0, 2**31))
        return size

    def give(self, side: Side, inputs: Any) -> None:
        """Build the model, set its first weights, hand over the data."""
        if inputs > 1:
            return
        with side.ours():
            side.bench.begin(self._seed)
            check_weights(side.bench.parameters(), self._model)
            side.bench.restore(first_weights(self._model, self._seed))
            side.bench.start(self.data.train_x, self.data.train_y)

    def ask(self, bench: Bench) -> Any:
        """Train one slice."""
        return bench.learn(1)

    def after(self, side: Side, answer: Any, inputs: Any) -> Any:
        """Return what the model, once trained, says to unseen inputs."""
        with side.ours():
            if not isinstance(answer, int) or answer != 1:
                raise useless("train", "one more slice", "none")
            if inputs < self.workload.slices:
                return None
            return side.bench.predict(self.data.test_x)

    def compare(self, got: Any, want: Any, inputs: Any, truth: Side) -> Compared:  # noqa: ARG002
        """Compare what was learned, and how good it is on the private split."""
        if inputs < self.workload.slices:
            return Compared(0)
        gross = GROSS * self.workload.tolerance
        alike = rows_alike(got, want, gross, LEARNED)
        if alike.failure is not None:
            return alike
        away = np.abs(got - want) / _scale(want)
        right = [self._accuracy(outputs) for outputs in (got, want)]
        quality = SeedResult(seed=self._seed, student=right[0], reference=right[1])
        off = float(np.median(away.max(axis=-1)))
        return Compared(alike.checked, quality=quality, off=off)

    def _accuracy(self, outputs: Outputs) -> float:
        if outputs.ndim != 2 or len(outputs) != len(self.data.test_y):
            return 0.0
        return float(np.mean(outputs.argmax(axis=1) == self.data.test_y))


def cut(size: int) -> tuple[int, ...]:
    """Return `PARTS` sizes that differ by one at most, fewer where there are fewer."""
    parts = min(PARTS, size)
    return tuple((size + i) // parts for i in range(parts))


def first_weights(
    own: dict[str, NDArray[np.float32]], seed: int
) -> dict[str, NDArray[np.float32]]:
    """Return weights to begin with: uniform by fan-in for matrices, else zeros.

    By path and shape alone, so that all packages begin alike; gains stay ones.
    """
    made = {}
    for path in sorted(own):
        shape = own[path].shape
        if path.endswith((".gamma", ".running_var")):
            made[path] = np.ones(shape, np.float32)
        elif len(shape) < 2:
            made[path] = np.zeros(shape, np.float32)
        else:
            rng = np.random.default_rng([seed, *path.encode()])
            receptive = int(np.prod(shape[2:]))
            fan_in = shape[1] * receptive if len(shape) > 2 else shape[0]
            reach = (6 / fan_in) ** 0.5
            made[path] = rng.uniform(-reach, reach, shape).astype(np.float32)
    return made


def typical(offs: Sequence[float], tolerance: float) -> CheckFailure | None:
    """Return what is wrong with the trainings of a session as a whole, if anything."""
    if not offs or float(np.median(offs)) <= tolerance:
        return None
    return CheckFailure(
        "value",
        call=LEARNED,
        expected=f"typically within {tolerance:.1%} of the largest number in a row",
        got=f"{float(np.median(offs)):.1%} away, the median of {len(offs)} trainings",
        hint="a training takes every batch, in the order in which they come",
    )


def share_weights(truth: Side, others: list[Side]) -> None:
    """Give every model the weights of the truth's, the truth's too.

    Arrays that came over the wire lie otherwise in memory than those of a model that
    has just been built, and are up to 3 % slower.
    """
    with truth.ours():
        weights = truth.bench.parameters()
        truth.bench.restore(weights)
    for side in others:
        with side.ours():
            check_weights(side.bench.parameters(), weights)
            side.bench.restore(weights)


def check_weights(
    own: dict[str, NDArray[np.float32]], wanted: dict[str, NDArray[np.float32]]
) -> None:
    """Refuse a model whose weights are not those of the closed division.

    Raises:
        CheckFailure: one is missing, or has another shape.
    """
    for path, weight in wanted.items():
        got = own.get(path)
        if got is None or got.shape != weight.shape:
            raise CheckFailure(
                "shape",
                call=f"the parameter {path}",
                expected=f"shape {weight.shape}",
                got="nothing of that name" if got is None else f"shape {got.shape}",
                hint="layers keep their parameters under the names the course fixes",
            )


def rows_alike(got: Any, want: Outputs, tolerance: float, call: str) -> Compared:
    """Compare answers row by row, within a share of the largest number of the row."""
    count = len(want)
    if not isinstance(got, np.ndarray) or got.dtype != np.float32:
        what = got.dtype if isinstance(got, np.ndarray) else type(got).__name__
        failure = CheckFailure(
            "dtype", call=call, expected="a float32 array", got=str(what)
        )
        return Compared(count, count, failure)
    if got.shape != want.shape:
        failure = CheckFailure(
            "shape", call=call, expected=str(want.shape), got=str(got.shape)
        )
        return Compared(count, count, failure)
    away = np.abs(got.astype(np.float64) - want)
    wrong = ~(away <= tolerance * _scale(want)).all(axis=-1)
    if not wrong.any():
        return Compared(count)
    row = int(np.argmax(wrong))
    failure = CheckFailure(
        "value",
        call=call,
        expected=_shown(want[row]),
        got=f"{_shown(got[row])}   ({int(wrong.sum())} of {count} rows differ)",
        hint=f"answers may differ by {tolerance:g} of the largest number in a row",
    )
    return Compared(count, int(wrong.sum()), failure)


def _scale(rows: Outputs) -> Outputs:
    """Return the largest number of each row. Shapes: (..., k) -> (..., 1)."""
    scale: Outputs = np.maximum(np.abs(rows).max(axis=-1, keepdims=True), SMALLEST)
    return scale


def _shown(row: Outputs) -> str:
    numbers = ", ".join(f"{x:.4g}" for x in np.ravel(row)[:SHOWN])
    return f"[{numbers}{', ...' if np.size(row) > SHOWN else ''}]"
