r"""Train the CIFAR-10 milestone once: accuracy, CPU time, memory.

Run from the root:
    OPENBLAS_NUM_THREADS=1 TINYTORCH_DATA=... PYTHONPATH=.:reference \
        python bench/milestones/cifar.py --seed 1 --out bench/milestones/cifar.json
With --choose it is judged on the validation part and the test part is not looked at.
Method and columns: README.md beside this file.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
from scripts import load_script
from seeds import accuracy, forget_peak, peak_bytes

from grader.datasets import DataSet, load, shifted


def matmul_s() -> float:
    """Return the best time of a product of 1024 x 1024 matrices; 21 ms is standard."""
    a = np.random.default_rng(0).random((1024, 1024), dtype=np.float32)
    times = []
    for _ in range(20):
        start = time.process_time()
        a @ a
        times.append(time.process_time() - start)
    return min(times)


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


def run(asked: Any) -> dict[str, Any]:
    """Train once and return what it reached and cost."""
    tt = importlib.import_module("tinytorch")
    script = load_script("lecun_cifar10")
    for change in asked.set:
        name, _, value = change.partition("=")
        setattr(script, name, type(getattr(script, name))(json.loads(value)))
    data = load("cifar10", seed=asked.seed, compact=True)
    build = script.build_fast if asked.fast else script.build
    epochs = asked.epochs or (script.FAST_EPOCHS if asked.fast else script.EPOCHS)
    np.random.seed(asked.seed)  # noqa: NPY002 - the reference draws weights from it
    model = build(tt, np.random.default_rng(asked.seed))
    matmuls = [matmul_s()]
    losses: list[float] = []
    curve: list[float] = []
    slices: list[float] = []
    train = {"x": data.train_x, "y": data.train_y}
    budget = {"epochs": epochs, "seed": asked.seed}
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
    peak, wall = peak_bytes(), time.perf_counter() - wall
    matmuls.append(matmul_s())
    return {
        "variant": "fast" if asked.fast else "plain",
        "seed": asked.seed,
        "epochs": epochs,
        "changed": asked.set,
        "judged_on": "validation" if asked.choose else "test",
        **judged(tt, script, model, data, asked),
        "validation_curve": curve,
        "train_loss": losses,
        "cpu_s": sum(slices),
        "first_slice_cpu_s": slices[0],
        "wall_s_with_probes": wall,
        "train_peak_bytes": peak,
        "matmul_1024_s": matmuls,
        "load_average": os.getloadavg()[0],
        "data": data.digest,
        "origin": data.origin,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def main() -> None:
    """Run once, print, and add the run to the list in a file where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--epochs", type=int, help="default: the script's")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    facts = run(asked)
    print(json.dumps(facts, indent=1))
    if asked.out:
        runs = json.loads(asked.out.read_text()) if asked.out.exists() else []
        asked.out.write_text(json.dumps([*runs, facts], indent=1) + "\n")


if __name__ == "__main__":
    main()
