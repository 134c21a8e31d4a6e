r"""Train the Shakespeare milestone once: nats per character, CPU time, memory.

Run from the root:
    OPENBLAS_NUM_THREADS=1 TINYTORCH_DATA=... PYTHONPATH=.:reference \
        python bench/milestones/shakespeare.py --seed 1 \
        --out bench/milestones/shakespeare.json
With --sonnets it is the quick text. With --choose it is judged on the validation part
and the test part is not looked at. Method and columns: README.md beside this file.
"""

from __future__ import annotations

import importlib
import time
from typing import Any, Final

import numpy as np
from one_run import change, matmul_s, parser, provenance, report
from scripts import SCRIPTS, load_script
from seeds import forget_peak, peak_bytes

from grader.datasets import DataSet, load
from milestones.tasks import nats_per_character

NAME: Final = "vaswani_shakespeare"
SCRIPTS.setdefault(NAME, ("05_2017_transformer_era", "shakespeare"))
PROBE: Final = 64  # validation windows between slices, as many as the curve needs


def nats(tt: Any, script: Any, model: Any, x: Any, y: Any) -> float:
    """Return nats per character. Shapes: x and y (windows, T) ids."""
    return nats_per_character(script.predict(tt, model, x), y)


def trained(
    tt: Any, script: Any, model: Any, data: DataSet, budget: dict[str, int]
) -> dict[str, Any]:
    """Train `model` and return what each slice cost and came to."""
    losses: list[float] = []
    curve: list[float] = []
    slices: list[float] = []

    def log(loss: float | None = None, **_more: object) -> None:
        if loss is not None:
            losses.append(loss)

    train = {"x": data.train_x, "y": data.train_y}
    steps = script.train(tt, model, train, budget, log)
    forget_peak()
    start = time.process_time()
    for _ in steps:
        slices.append(time.process_time() - start)
        few = data.val_x[:PROBE], data.val_y[:PROBE]
        curve.append(nats(tt, script, model, *few))
        start = time.process_time()
    return {
        "validation_curve": curve,
        "train_loss": losses,
        "cpu_s": sum(slices),
        "first_slice_cpu_s": slices[0],
        "train_peak_bytes": peak_bytes(),
    }


def run(asked: Any) -> dict[str, Any]:
    """Train once and return what it reached and cost."""
    tt = importlib.import_module("tinytorch")
    script = load_script(NAME)
    change(script, asked.set)
    data = load("sonnets" if asked.sonnets else "shakespeare", seed=asked.seed)
    default = script.SONNET_EPOCHS if asked.sonnets else script.EPOCHS
    epochs = asked.epochs or (script.LONG_EPOCHS if asked.long else default)
    np.random.seed(asked.seed)  # noqa: NPY002 - the reference draws weights from it
    model = script.build(tt, np.random.default_rng(asked.seed))
    parts = {"validation": (data.val_x, data.val_y)}
    if not asked.choose:
        parts["test"] = (data.test_x, data.test_y)
    untrained = nats(tt, script, model, data.val_x, data.val_y)
    matmuls = [matmul_s()]
    budget = {"epochs": epochs, "seed": asked.seed}
    facts = trained(tt, script, model, data, budget)
    matmuls.append(matmul_s())
    return {
        "data": data.name,
        "seed": asked.seed,
        "epochs": epochs,
        "changed": asked.set,
        **{part: nats(tt, script, model, *both) for part, both in parts.items()},
        "untrained_validation": untrained,
        **facts,
        "parameters": sum(p.size for m in model.values() for p in m.parameters()),
        "matmul_1024_s": matmuls,
        **provenance(data),
    }


if __name__ == "__main__":
    report(run, parser(__doc__, "--sonnets", "--long").parse_args())
