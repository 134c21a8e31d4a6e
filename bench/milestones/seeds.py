"""Run milestones on many seeds: accuracy, CPU time, memory, spread.

Run from the root:
    OPENBLAS_NUM_THREADS=1 TINYTORCH_DATA=... PYTHONPATH=.:reference \
        python bench/milestones/seeds.py --seeds 100 --out bench/milestones/seeds.json
Method and columns: README.md beside this file.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from scripts import SCRIPTS, load_script

from grader.datasets import load, shifted


def accuracy(scores: Any, labels: Any) -> float:
    """Return the share of right answers, as `milestones.runner` does."""
    if scores.shape[1] == 1:
        return float(np.mean((scores[:, 0] > 0.5) == labels))
    return float(np.mean(scores.argmax(axis=1) == labels))


def forget_peak() -> None:
    """Let the kernel's record of peak memory start again from what is held now."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_bytes() -> int:
    """Return the peak resident memory of this process since `forget_peak`."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def run(name: str, seed: int, epochs: int | None) -> dict[str, Any]:
    """Train once on data, weights and unseen inputs of `seed`."""
    tt = importlib.import_module("tinytorch")
    script = load_script(name)
    data = load(SCRIPTS[name][1], seed=seed, compact=True)
    np.random.seed(seed)  # noqa: NPY002 - the reference draws weights from it
    model = script.build(tt, np.random.default_rng(seed))
    unseen = shifted(data.test_x, seed)
    untrained = accuracy(script.predict(tt, model, unseen), data.test_y)
    train = {"x": data.train_x, "y": data.train_y}
    budget = {"epochs": epochs or script.EPOCHS, "seed": seed}
    forget_peak()
    cpu, first = time.process_time(), 0.0
    for _ in script.train(tt, model, train, budget, lambda **_facts: None):
        first = first or time.process_time() - cpu
    cpu = time.process_time() - cpu
    peak = peak_bytes()
    facts = {
        "seed": seed,
        "accuracy": accuracy(script.predict(tt, model, unseen), data.test_y),
        "unshifted": accuracy(script.predict(tt, model, data.test_x), data.test_y),
        "untrained": untrained,
        "cpu_s": cpu,
        "first_slice_cpu_s": first,
        "train_peak_bytes": peak,
    }
    if data.exact_x is not None:
        right = script.predict(tt, model, data.exact_x)[:, 0] > 0.5
        facts["table_rows_right"] = int(np.sum(right == data.exact_y))
    return facts


def summary(runs: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return minimum, median, maximum and standard deviation of each column."""
    columns: dict[str, dict[str, float]] = {}
    for name in runs[0]:
        if name == "seed":
            continue
        values = np.array([one[name] for one in runs], float)
        columns[name] = {
            "min": float(values.min()),
            "median": float(np.median(values)),
            "max": float(values.max()),
            "std": float(values.std(ddof=1)) if len(values) > 1 else 0.0,
        }
    return columns


def main() -> None:
    """Run, print the summaries, and store all runs where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--only", choices=sorted(SCRIPTS), nargs="*")
    parser.add_argument("--epochs", type=int, help="default: the script's")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    results: dict[str, Any] = {
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "seeds": asked.seeds,
        "epochs": asked.epochs or "as in the script",
    }
    # A fresh process a run: its peak memory and numpy state are its own.
    context = multiprocessing.get_context("spawn")
    quick = [name for name in SCRIPTS if name != "lecun_cifar10"]  # cifar.py has it
    for name in asked.only or quick:
        with ProcessPoolExecutor(1, context, max_tasks_per_child=1) as pool:
            count = asked.seeds
            epochs = [asked.epochs] * count
            runs = list(pool.map(run, [name] * count, range(count), epochs))
        results[name] = {"summary": summary(runs), "runs": runs}
        print(name, json.dumps(results[name]["summary"], indent=1), flush=True)
    if asked.out:
        asked.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
