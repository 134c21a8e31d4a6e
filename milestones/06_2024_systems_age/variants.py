"""Every model in several forms, each saved, loaded in a new process, and measured."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import artefact
import numpy as np
from speed import timing
from subjects import Subject

from milestones.script import Facts, Model

ASKED: Final = 32  # inputs that the new process answers, too
WARMUP, RUNS = 5, 40


@dataclass(frozen=True)
class Bounds:
    """What "production grade" means; `lost` by task, in accuracy or in nats."""

    file_share: float
    latency_s: float
    lost: dict[str, float]


class FineTuning:
    """`tinytorch`, whose optimizers leave zeros at zero.

    Args:
        share: of the learning rate that is left.
    """

    def __init__(self, tt: Any, layers: Model, share: float) -> None:
        self._tt, self._share = tt, share
        weights = [w for part in layers.values() for w in part.parameters()]
        self._zeros = [(w, w.data == 0) for w in weights if w.data.ndim >= 2]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tt, name)
        if name not in {"SGD", "Adam", "AdamW"}:
            return found

        def made(*args: Any, **kwargs: Any) -> Any:
            optimizer = found(*args, **kwargs)
            step = optimizer.step

            def masked_step() -> None:
                rate = optimizer.lr
                optimizer.lr = self._share * rate
                step()
                optimizer.lr = rate
                for weight, zero in self._zeros:
                    weight.data[zero] = 0

            optimizer.step = masked_step
            return optimizer

        return made


def pruned(tt: Any, subject: Subject) -> Model:
    """Return the model with its smallest weights at zero, trained on for one slice."""
    model = subject.copy()
    chosen = {k: v for k, v in model.items() if k not in subject.plan.fixed}
    tt.magnitude_prune(tt.Sequential(*chosen.values()), subject.plan.sparsity)
    budget = {"epochs": 1, "seed": subject.seed}
    tuning = FineTuning(tt, chosen, subject.plan.fine)
    slices = subject.script.train(
        tuning, model, subject.splits.train, budget, lambda **_facts: None
    )
    for _ in slices:
        pass
    return model


def low_rank(tt: Any, subject: Subject) -> tuple[Model, Facts]:
    """Return the model with its largest Linear as two thin ones, and what that saves.

    A Linear (m, n) of rank k costs 2 k (m + n) FLOPs instead of 2 m n.
    """
    model = subject.copy()
    linears = {k: v for k, v in model.items() if isinstance(v, tt.Linear)}
    name = max(linears, key=lambda k: int(linears[k].weight.data.size))
    weight = linears[name].weight.data
    left, values, right = tt.low_rank_approximate(weight, subject.plan.rank_ratio)
    thin = artefact.two_layers(tt, left * values, right, linears[name].bias)
    model[name] = thin
    (m, n), k = weight.shape, len(values)
    error = np.linalg.norm(weight - left * values @ right) / np.linalg.norm(weight)
    return model, {
        "layer": name,
        "shape": [m, n],
        "rank": k,
        "flops": 2 * m * n,
        "flops_after": 2 * k * (m + n),
        "relative_error": float(error),
    }


def measured(tt: Any, subject: Subject, bounds: Bounds) -> tuple[list[Facts], Facts]:
    """Return one row for each variant of a model, and the facts of low rank."""
    thin, rank = low_rank(tt, subject)
    sparse = pruned(tt, subject)
    kinds = [
        ("float32", subject.model, False),
        ("int8", subject.model, True),
        ("low rank", thin, False),
        ("pruned", sparse, False),
        ("pruned int8", sparse, True),
    ]
    rows: list[Facts] = []
    loaded: dict[str, Model] = {}
    for variant, model, int8 in kinds:
        row, loaded[variant] = _saved(tt, subject, variant, model, int8)
        rows.append(row)
    for row, times in zip(rows, _latencies(tt, subject, loaded), strict=True):
        row.update(times)
        _judge(row, rows[0], subject, bounds)
    return rows, rank


def _saved(
    tt: Any, subject: Subject, variant: str, model: Model, int8: bool
) -> tuple[Facts, Model]:
    """Save a variant, load it here and in a new process; return what was found."""
    plan = subject.plan
    asked = subject.splits.test["x"][:ASKED]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        arrays = artefact.arrays_of(tt, model, int8=int8)
        file_bytes = artefact.save(folder / "artefact", arrays)
        fresh = getattr(subject.script, plan.build)(tt, np.random.default_rng(0))
        loaded = artefact.restored(tt, fresh, artefact.read(folder / "artefact"))
        command = [plan.folder, plan.script, plan.build]
        answers, process_s = artefact.ask_new_process(command, folder, asked)
    here = subject.script.predict(tt, loaded, asked)
    weights = tt.Sequential(*model.values())
    row = {
        "model": plan.name,
        "variant": variant,
        "file_bytes": file_bytes,
        "memory_bytes": artefact.bytes_in_memory(tt, loaded),
        "sparsity": float(tt.measure_sparsity(weights)),
        subject.task.metric: subject.score(tt, loaded),
        "same_answers": bool(np.array_equal(answers, here)),
        "new_process_s": process_s,
    }
    return row, loaded


def _latencies(tt: Any, subject: Subject, loaded: dict[str, Model]) -> list[Facts]:
    """Return how long one answer takes, of all variants in turns."""
    calls = {
        name: lambda x, model=model: subject.script.predict(tt, model, x)
        for name, model in loaded.items()
    }
    one = subject.splits.test["x"][:1]
    results = tt.Benchmark(calls, one, warmup=WARMUP, runs=RUNS).run()
    return [timing(results[name]) for name in loaded]


def _judge(row: Facts, first: Facts, subject: Subject, bounds: Bounds) -> None:
    """Add what was lost, and each of the four bounds, to a row."""
    metric = subject.task.metric
    row["lost"] = subject.lost(first[metric], row[metric])
    row["production"] = {
        "size": row["file_bytes"] <= bounds.file_share * first["file_bytes"],
        "latency": row["latency_s"] <= bounds.latency_s,
        "accuracy": row["lost"] <= bounds.lost[subject.plan.task],
        "artefact": row["same_answers"],
    }
