"""The three models to optimise, trained by the scripts of milestones 03 to 05."""

from __future__ import annotations

import copy
import importlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np

from milestones import datasets
from milestones.datasets import Splits
from milestones.progress import Progress
from milestones.script import Model
from milestones.tasks import TASKS, Task

HERE: Final = Path(__file__).parent


@dataclass(frozen=True)
class Plan:
    """Where a model comes from, and how far it is compressed.

    Attributes:
        folder, script: of the milestone; `build` names the function that builds it.
        epochs: to train; 0: as many as the script has chosen.
        sparsity: share of the weights of all layers that pruning sets to zero.
        rank_ratio: share of the ranks that low rank keeps. Both were chosen on
            validation data.
        fine: share of the learning rate in fine-tuning after pruning.
        fixed: layers that training sets itself, so that pruning leaves them.
    """

    name: str
    folder: str
    script: str
    load: Callable[[int], Splits]
    sparsity: float
    rank_ratio: float
    task: str = "classes"
    build: str = "build"
    epochs: int = 0
    fine: float = 0.2
    fixed: tuple[str, ...] = ()


_MLP, _CNN, _GPT = (
    "03_1986_mlp_revival",
    "04_1998_cnn_revolution",
    "05_2017_transformer_era",
)
QUICK: Final = (
    Plan("MLP", _MLP, "mlp_digits", datasets.digits, 0.6, 0.5),
    Plan("CNN", _CNN, "cnn_digits", datasets.digits, 0.6, 0.9),
    Plan(
        *("GPT", _GPT, "vaswani_shakespeare", datasets.sonnets, 0.5, 0.4),
        task="language",
        epochs=3,
    ),
)
FULL: Final = (
    Plan("MLP", _MLP, "mlp_mnist", datasets.mnist, 0.9, 0.25, fine=1.0),
    Plan(
        *("CNN", _CNN, "lecun_cifar10", datasets.cifar10, 0.9, 0.15),
        build="build_fast",
        epochs=3,
        fixed=("whiten",),
    ),
    Plan(
        *("GPT", _GPT, "vaswani_shakespeare", datasets.shakespeare, 0.4, 0.5),
        task="language",
    ),
)


@dataclass(frozen=True)
class Subject:
    """A trained model with its script and data."""

    plan: Plan
    script: Any
    splits: Splits
    model: Model
    seed: int
    train_s: float

    @property
    def task(self) -> Task:
        """How it is judged."""
        return TASKS[self.plan.task]

    def score(self, tt: Any, model: Model) -> float:
        """Return accuracy, or nats per character, of `model` on unseen data."""
        unseen = self.splits.test
        outputs = self.script.predict(tt, model, unseen["x"])
        return self.task.judge(outputs, unseen["y"])

    def lost(self, before: float, after: float) -> float:
        """Return how much worse `after` is: a share of 1, or nats."""
        return after - before if self.task.lower_is_better else before - after

    def network(self, tt: Any) -> Any:
        """Return the model as one thing to call, for the profiler."""
        if self.plan.task == "language":
            return filled_gpt(tt, self.model)
        net = self.script.network(tt, self.model)
        if "whiten" in self.model:
            return tt.Sequential(self.model["whiten"], tt.ReLU(), *net.layers)
        return net

    def copy(self) -> Model:
        """Return the trained layers once more, to be changed."""
        return copy.deepcopy(self.model)


def script_of(folder: str, name: str) -> Any:
    """Import a milestone's script from its folder."""
    path = str(HERE.parent / folder)
    if path not in sys.path:
        sys.path.append(path)
    return importlib.import_module(name)


def filled_gpt(tt: Any, model: Model) -> Any:
    """Return a `tt.GPT` with the weights of milestone 05's layers."""
    return importlib.import_module("writing").filled_gpt(tt, model)


def trained(tt: Any, plan: Plan, splits: Splits, seed: int, out: TextIO) -> Subject:
    """Train one model as its own script does."""
    script = script_of(plan.folder, plan.script)
    seen = splits.validation
    print(f"{plan.name}: {plan.script}.py, {splits.title}", file=out, flush=True)
    np.random.seed(seed)  # noqa: NPY002 - the student's layers draw from it
    model = getattr(script, plan.build)(tt, np.random.default_rng(seed))
    epochs, task = plan.epochs or script.EPOCHS, TASKS[plan.task]
    progress, spent = Progress(task, epochs, out), 0.0
    budget = {"epochs": epochs, "seed": seed}
    slices = script.train(tt, model, splits.train, budget, progress.log)
    start = time.perf_counter()
    for _ in slices:
        spent += time.perf_counter() - start
        value = task.judge(script.predict(tt, model, seen["x"]), seen["y"])
        progress.finish_epoch(value, spent)
        start = time.perf_counter()
    return Subject(plan, script, splits, model, seed, spent)
