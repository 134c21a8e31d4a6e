r"""Train the CIFAR-10 milestone once: accuracy, CPU time, memory.

Run from the root:
    OPENBLAS_NUM_THREADS=1 TINYTORCH_DATA=... PYTHONPATH=.:reference \
        python bench/milestones/cifar.py --seed 1 --out bench/milestones/cifar.json
With --choose it is judged on the validation part and the test part is not looked at.
Method and columns: README.md beside this file.
"""

from __future__ import annotations

import importlib
import time
from typing import Any

import numpy as np
from one_run import change, matmul_s, parser, provenance, report
from scripts import load_script
from seeds import accuracy, forget_peak, peak_bytes

from grader.datasets import DataSet, load, shifted


def judged(tt: Any, script: Any, model: Any, data: DataSet, asked: Any) -> Any:
    """Return accuracies on the part that is asked for."""
    x, y = (data.val_x, data.val_y) if asked.choose else (data.test_x, data.test_y)
    moved = shifted(x, asked.seed)
    plain = script.predict(tt, model, x)
    mirrored = script.predict(tt, model, np.ascontiguousarray(x[..., ::-1]))
    return {
        "accuracy": accuracy(script.predict(tt, model, moved), y),
        "unshifted": accuracy(plain, y),
        "unshifted_with_mirrored": accuracy(plain + mirrored, y),
    }


def trained(
    tt: Any, script: Any, model: Any, data: DataSet, budget: dict[str, int]
) -> dict[str, Any]:
    """Train `model` and return what each slice cost and came to."""
    losses: list[float] = []
    curve: list[float] = []
    slices: list[float] = []
    train = {"x": data.train_x, "y": data.train_y}
    steps = script.train(
        tt, model, train, budget, lambda **facts: losses.append(facts["loss"])
    )
    forget_peak()
    start, wall = time.process_time(), time.perf_counter()
    for _ in steps:
        slices.append(time.process_time() - start)
        curve.append(accuracy(script.predict(tt, model, data.val_x), data.val_y))
        print(
            f"epoch {len(curve)}  loss {losses[-1]:.4f}  validation {curve[-1]:.4f}  "
            f"{slices[-1]:.1f} s",
            flush=True,
        )
        start = time.process_time()
    return {
        "validation_curve": curve,
        "train_loss": losses,
        "cpu_s": sum(slices),
        "first_slice_cpu_s": slices[0],
        "wall_s_with_probes": time.perf_counter() - wall,
        "train_peak_bytes": peak_bytes(),
    }


def run(asked: Any) -> dict[str, Any]:
    """Train once and return what it reached and cost."""
    tt = importlib.import_module("tinytorch")
    script = load_script("lecun_cifar10")
    change(script, asked.set)
    data = load("cifar10", seed=asked.seed, compact=True)
    build = script.build_fast if asked.fast else script.build
    epochs = asked.epochs or (script.FAST_EPOCHS if asked.fast else script.EPOCHS)
    np.random.seed(asked.seed)  # noqa: NPY002 - the reference draws weights from it
    model = build(tt, np.random.default_rng(asked.seed))
    matmuls = [matmul_s()]
    facts = trained(tt, script, model, data, {"epochs": epochs, "seed": asked.seed})
    matmuls.append(matmul_s())
    return {
        "variant": "fast" if asked.fast else "plain",
        "seed": asked.seed,
        "epochs": epochs,
        "changed": asked.set,
        "judged_on": "validation" if asked.choose else "test",
        **judged(tt, script, model, data, asked),
        **facts,
        "matmul_1024_s": matmuls,
        **provenance(data),
    }


if __name__ == "__main__":
    report(run, parser(__doc__, "--fast").parse_args())
