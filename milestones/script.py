"""What a milestone script hands over to the runner, and what it gets back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from milestones.datasets import Part, Splits, Table

Model = dict[str, Any]
Log = Callable[..., None]
Facts = dict[str, Any]


@dataclass(frozen=True)
class Era:
    """A computer of the time, to set the measured numbers against."""

    machine: str
    flops_per_s: float
    memory_bytes: int
    remark: str


class Build(Protocol):
    """Makes the layers; `width` 2 doubles the size of the model.

    It may also take `depth` (2: twice the layers) and, for texts, `context` (2: twice
    the characters that it sees); what it takes, the systems report doubles.
    """

    def __call__(self, tt: Any, rng: np.random.Generator, width: int = 1) -> Model: ...


@dataclass(frozen=True)
class Finished:
    """A trained and judged model, for what a script has to show beyond that.

    Attributes:
        say: prints one line of text, and keeps it for `--json`.
        plot_dir: the folder that `--plot` names, or None.
    """

    tt: Any
    model: Model
    splits: Splits
    seed: int
    epochs: int
    say: Callable[[str], None]
    plot_dir: Path | None = None


@dataclass(frozen=True)
class Script:
    """What a milestone script hands over.

    `train` gets a budget of "epochs" and "seed". For the systems report it may also
    hold "batch", and for a text "steps", the steps of one slice.
    It calls log(epoch=, loss=) before each yield, and may call log(step=, steps=)
    within an epoch.

    Attributes:
        load: data by seed; of a text, windows as long as the model can see.
        epochs: slices that `train` yields.
        steps: of one slice; 0: as many batches as the data has.
        target: of the task's metric on unseen data: accuracy to reach, or nats per
            character not to exceed; with `must_fail` an accuracy not to exceed.
        widens_inputs: doubling this model means doubling its inputs.
        table: points that must all be right, on top of the target.
        task: "classes": metric accuracy; "language": nats per character.
        after: called after the judgement; returns facts for `--json`. If "reached" is
            among them and False, the run has missed its target.
    """

    doc: str
    build: Build
    train: Callable[[Any, Model, Part, dict[str, int], Log], Iterator[None]]
    predict: Callable[[Any, Model, NDArray[Any]], NDArray[np.float32]]
    load: Callable[[int], Splits]
    epochs: int
    batch: int
    target: float
    era: Era
    must_fail: bool = False
    widens_inputs: bool = False
    table: Table = ()
    task: Literal["classes", "language"] = "classes"
    steps: int = 0
    after: Callable[[Finished], Facts] | None = None


@dataclass(frozen=True)
class Trained:
    """A trained model, how long that took, and what each epoch was like.

    Attributes:
        epochs: one entry an epoch, as `progress.Progress` measured it.
        peak_bytes: the process's peak memory until then, None where unknown.
        interrupted_after: epochs that were finished when Ctrl-C came; None if it
            did not come before training was over.
    """

    model: Model
    train_s: float
    cpu_s: float
    epochs: list[Facts]
    peak_bytes: int | None
    interrupted_after: int | None
