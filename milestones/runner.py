"""Run one milestone script on the `tinytorch` that is installed here.

The loop is the grader's: train slice by slice, look at validation accuracy between
slices, judge on unseen data at the end, then measure what it all cost.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TextIO

import numpy as np
from numpy.typing import NDArray

from milestones.datasets import DataMissingError, Part, Splits, Table

Model = dict[str, Any]
Log = Callable[..., None]

_MODULES: Final = {
    "01": "setup",
    "02": "tensor",
    "03": "activations",
    "04": "layers",
    "05": "losses",
    "06": "autograd",
    "07": "optimizers",
    "08": "training",
    "09": "spatial",
}
# Where a name lives, for the message when it is not there at all.
_HOMES: Final = {
    "Tensor": "02",
    "Sigmoid": "03",
    "ReLU": "03",
    "Linear": "04",
    "Sequential": "04",
    "MSELoss": "05",
    "BinaryCrossEntropyLoss": "05",
    "CrossEntropyLoss": "05",
    "backward": "06",
    "zero_grad": "06",
    "no_grad": "06",
    "SGD": "07",
    "Adam": "07",
    "AdamW": "07",
    "Trainer": "08",
    "CosineSchedule": "08",
    "Conv2d": "09",
    "MaxPool2d": "09",
    "BatchNorm2d": "09",
    "Flatten": "09",
    "RandomHorizontalFlip": "09",
    "RandomCrop": "09",
    "Compose": "09",
}


@dataclass(frozen=True)
class Era:
    """A computer of the time, to set the measured numbers against."""

    machine: str
    flops_per_s: float
    memory_bytes: int
    remark: str


class Build(Protocol):
    """Makes the layers; `width` 2 doubles the size of the model."""

    def __call__(self, tt: Any, rng: np.random.Generator, width: int = 1) -> Model: ...


@dataclass(frozen=True)
class Script:
    """What a milestone script hands over.

    Attributes:
        target: accuracy on unseen data to reach; with `must_fail` not to exceed.
        widens_inputs: doubling this model means doubling its inputs.
        table: points that must all be right, on top of the target.
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


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    seed: int
    epochs: int
    as_json: bool


@dataclass(frozen=True)
class Trained:
    """A trained model, how long that took, and the accuracy after each epoch."""

    model: Model
    train_s: float
    cpu_s: float
    curve: list[float]


def main(script: Script, fast: Script | None = None) -> None:
    """Train, judge and measure `script`; exit 1 when the target is missed.

    With `--fast` it is the variant `fast`, where there is one.
    """
    # Imported here because systems uses this module's types.
    from milestones import systems  # noqa: PLC0415

    script, options = _options(script, fast)
    out = sys.stderr if options.as_json else sys.stdout
    with explained():
        tt = importlib.import_module("tinytorch")
        splits = script.load(options.seed)
        trained = _train(tt, script, splits, options, out)
        facts = _judge(tt, script, trained, splits, out)
        report = systems.measure(tt, script, trained, splits, options.epochs)
    systems.write(report, script, out)
    if options.as_json:
        asked = {"seed": options.seed, "epochs": options.epochs}
        print(json.dumps(asked | facts | {"systems": report}))
    raise SystemExit(0 if facts["reached"] else 1)


def _judge(
    tt: Any, script: Script, trained: Trained, splits: Splits, out: TextIO
) -> dict[str, Any]:
    """Print and return what the trained model does with data it has not seen."""
    scores = script.predict(tt, trained.model, splits.test["x"])
    right = accuracy(scores, splits.test["y"])
    good = right <= script.target if script.must_fail else right >= script.target
    for point, label in script.table:
        score = float(
            script.predict(tt, trained.model, np.array([point], np.float32))[0, 0]
        )
        good = good and (score > 0.5) == (label == 1)
        row = " ".join(f"{value:.0f}" for value in point)
        print(f"table {row} -> {score:.3f}  is {label}", file=out)
    bound = "at most" if script.must_fail else "at least"
    verdict = "reached" if good else "missed"
    print(
        f"unseen accuracy {right:.4f}  target {bound} {script.target}  {verdict}  "
        f"train {trained.train_s:.2f} s, CPU {trained.cpu_s:.2f} s",
        file=out,
    )
    return {
        "accuracy": right,
        "target": script.target,
        "reached": good,
        "train_s": trained.train_s,
        "train_cpu_s": trained.cpu_s,
        "curve": trained.curve,
    }


def accuracy(scores: NDArray[np.float32], labels: NDArray[Any]) -> float:
    """Share of right answers: threshold 0.5 for one column, else the largest.

    Shapes: scores (n, k), labels (n,)
    """
    if scores.shape[1] == 1:
        return float(np.mean((scores[:, 0] > 0.5) == labels))
    return float(np.mean(scores.argmax(axis=1) == labels))


@contextmanager
def explained() -> Iterator[None]:
    """Turn what an unfinished package raises into one line that says what is needed."""
    try:
        yield
    except DataMissingError as exc:
        _stop(str(exc))
    except ModuleNotFoundError as exc:
        package, _, file = (exc.name or "").partition(".")
        if package != "tinytorch":
            raise
        if not file:
            _stop("tinytorch is not installed here: run `make setup` first")
        number = {name: n for n, name in _MODULES.items()}.get(file, "")
        _stop(f"needs module {number} {file}: {exc.name} is not there yet")
    except NotImplementedError as exc:
        found = re.search(r"TODO\W*(\d+)\.(\d+)\W*(.*)", str(exc))
        if found is None:
            raise
        number = found[1].zfill(2)
        todo = f"TODO {found[1]}.{found[2]} {found[3]}".rstrip()
        _stop(f"needs module {number} {_MODULES.get(number, '')}: {todo}")
    except (AttributeError, ImportError) as exc:
        # "'Tensor' object has no attribute 'backward'": the last name is missing
        missing = (re.findall(r"'(\w+)'", str(exc)) or [""])[-1]
        if missing not in _HOMES:
            raise
        number = _HOMES[missing]
        _stop(f"needs module {number} {_MODULES[number]}: {missing} is not there yet")


def _stop(message: str) -> None:
    print(message, file=sys.stderr)
    raise SystemExit(1)


def _options(script: Script, fast: Script | None) -> tuple[Script, Options]:
    parser = argparse.ArgumentParser(
        description=script.doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=0, help="of data and weights")
    parser.add_argument("--epochs", type=int, help="default: as many as were chosen")
    parser.add_argument("--json", action="store_true", help="one JSON line on stdout")
    if fast is not None:
        parser.add_argument("--fast", action="store_true", help="the fast variant")
    given = parser.parse_args()
    chosen = fast if fast is not None and given.fast else script
    epochs = chosen.epochs if given.epochs is None else given.epochs
    if given.seed < 0 or epochs < 1:
        parser.error("--seed is at least 0, --epochs at least 1")
    return chosen, Options(given.seed, epochs, given.json)


def _train(
    tt: Any, script: Script, splits: Splits, options: Options, out: TextIO
) -> Trained:
    # The student's layers draw their first weights from numpy's global state.
    np.random.seed(options.seed)  # noqa: NPY002
    model = script.build(tt, np.random.default_rng(options.seed))
    logged: dict[str, float] = {}
    curve: list[float] = []
    budget = {"epochs": options.epochs, "seed": options.seed}
    slices = script.train(
        tt, model, splits.train, budget, lambda **facts: logged.update(facts)
    )
    spent = cpu = 0.0
    started, cpu_started = time.perf_counter(), time.process_time()
    for _ in slices:
        spent += time.perf_counter() - started
        cpu += time.process_time() - cpu_started
        scores = script.predict(tt, model, splits.validation["x"])
        curve.append(accuracy(scores, splits.validation["y"]))
        print(
            f"epoch {logged['epoch']:2.0f}  loss {logged['loss']:.4f}  "
            f"acc {curve[-1]:.2f}  {spent:.1f} s",
            file=out,
            flush=True,
        )
        started, cpu_started = time.perf_counter(), time.process_time()
    return Trained(model, spent, cpu, curve)
