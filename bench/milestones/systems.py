"""Run what the grader runs of milestone 06 on several seeds: bytes, losses, CPU, cache.

Run from the root, once for each of --data digits and mnist:
    OPENBLAS_NUM_THREADS=1 TINYTORCH_DATA=... PYTHONPATH=.:reference \
        python bench/milestones/systems.py --data digits --epochs 20 --seeds 20 \
        --out bench/milestones/systems_digits.json
Unseen images are moved by `shifted`, as in the grader. Training peaks are resident
memory: interpreter, numpy and data included, images as bytes.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import time
import types
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from seeds import accuracy, forget_peak, peak_bytes, summary

from grader.datasets import load, shifted

ROOT: Final = Path(__file__).parents[2]
SCRIPT: Final = ROOT / "milestones/06_2024_systems_age/optimize_models.py"
PROMPT, TOKENS, REPEATS = 32, 128, 3


def script() -> Any:
    """Return the script as the grader has it: from its source alone."""
    module = types.ModuleType("milestone")
    exec(compile(SCRIPT.read_text(), str(SCRIPT), "exec"), module.__dict__)  # noqa: S102
    return module


def run(name: str, seed: int, epochs: int) -> dict[str, Any]:
    """Train, quantize and prune once; decode with and without cache."""
    tt, milestone = importlib.import_module("tinytorch"), script()
    data = load(name, seed=seed, compact=True)
    np.random.seed(seed)  # noqa: NPY002 - the reference draws weights from it
    model = milestone.build(tt, np.random.default_rng(seed))
    train = {"x": data.train_x, "y": data.train_y}
    budget = {"epochs": epochs, "seed": seed}
    forget_peak()
    steps = milestone.train(tt, model, train, budget, lambda **_facts: None)
    times = [time.process_time()]
    times += [time.process_time() for _ in steps]
    facts: dict[str, Any] = {
        "seed": seed,
        "train_cpu_s": times[-1] - times[0],
        "first_slice_cpu_s": times[1] - times[0],
        "train_peak_bytes": peak_bytes(),
    }
    unseen = shifted(data.test_x, seed)
    facts["accuracy"] = accuracy(milestone.predict(tt, model, unseen), data.test_y)
    facts |= int8(tt, milestone, model, unseen, data.test_y)
    start = time.process_time()
    for _ in milestone.prune(tt, model, train, budget, lambda **_facts: None):
        pass
    facts["prune_cpu_s"] = time.process_time() - start
    facts["sparsity"] = tt.measure_sparsity(milestone.network(tt, model))
    after = accuracy(milestone.predict(tt, model, unseen), data.test_y)
    facts["pruned_points_lost"] = 100 * (facts["accuracy"] - after)
    return facts | caching(tt, milestone, seed)


def int8(tt: Any, milestone: Any, model: Any, x: Any, y: Any) -> dict[str, float]:
    """Return how much smaller the artefact is, and what it loses."""
    arrays = milestone.quantized(tt, model)
    plain = sum(p.data.nbytes for part in model.values() for p in part.parameters())
    before = accuracy(milestone.predict(tt, model, x), y)
    start = time.process_time()
    loaded = milestone.load(tt, arrays)
    after = accuracy(milestone.predict_quantized(tt, loaded, x), y)
    return {
        "int8_times_smaller": plain / sum(a.nbytes for a in arrays.values()),
        "int8_points_lost": 100 * (before - after),
        "int8_cpu_s": time.process_time() - start,
    }


def caching(tt: Any, milestone: Any, seed: int) -> dict[str, float]:
    """Return CPU times of decoding with and without cache, the best of some."""
    rng = np.random.default_rng(seed)
    model = milestone.decoder(tt, rng)
    prompt = rng.integers(0, milestone.VOCABULARY, PROMPT)
    best = [float("inf")] * 2
    texts: list[list[int]] = [[], []]
    for _ in range(REPEATS):
        for cached in (False, True):
            start = time.process_time()
            texts[cached] = milestone.decode(tt, model, prompt, TOKENS, cached)
            best[cached] = min(best[cached], time.process_time() - start)
    return {
        "uncached_cpu_s": best[0],
        "cached_cpu_s": best[1],
        "cache_times_less_cpu": best[0] / best[1],
        "same_tokens": float(texts[0] == texts[1]),
        "different_tokens": float(len(set(texts[0]))),
    }


def main() -> None:
    """Run all seeds, each in its own process; print and store the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=("digits", "mnist"), required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, max_tasks_per_child=1) as pool:
        count = asked.seeds
        seeds, epochs = range(count), [asked.epochs] * count
        runs = list(pool.map(run, [asked.data] * count, seeds, epochs))
    found = {"data": asked.data, "epochs": asked.epochs, "summary": summary(runs)}
    print(json.dumps(found, indent=1))
    if asked.out:
        asked.out.write_text(json.dumps(found | {"runs": runs}, indent=1) + "\n")


if __name__ == "__main__":
    main()
