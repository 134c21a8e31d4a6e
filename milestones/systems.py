"""The systems report of a milestone: every number is measured or counted.

Counted: parameters and bytes of arrays that are there; FLOPs, by the rules in
`architecture`, a training step being taken as three forward passes, one forward and
two back.
Measured: times and memory of a training step, as `growth` says; times of layers, as
the best of several forward passes; the process's memory, by the operating system.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from numpy.typing import NDArray

from milestones import architecture, growth
from milestones.datasets import Splits
from milestones.script import Era, Facts, Script, Trained
from milestones.tasks import TASKS

# forward, and backward for inputs and for weights
_STEP_PER_FORWARD: Final = 3


def measure(
    tt: Any, script: Script, trained: Trained, splits: Splits, *, brief: bool = False
) -> Facts:
    """Return the report as plain values: bytes, seconds, FLOPs.

    Args:
        brief: leave out what doubling costs.
    """
    rows = architecture.table(tt, script, trained.model, _batch(script, splits))
    sizes = growth.measure(tt, script, splits.train, brief=brief)
    step = sizes[0]
    parameters = architecture.parameters(trained.model.values())
    window = splits.test["x"].shape[1] if script.task == "language" else None
    found: Facts = {
        "batch": script.batch,
        "sample": TASKS[script.task].sample,
        "characters_per_window": window,
        "parameters": architecture.count(trained.model.values()),
        "parameter_bytes": sum(p.data.nbytes for p in parameters),
        "gradient_bytes": step.gradient_bytes,
        "optimizer_bytes": step.optimizer_bytes,
        "activation_bytes": step.activation_bytes,
        "output_bytes": sum(row.output_bytes for row in rows),
        "data_bytes": sum(values.nbytes for values in splits.train.values()),
        "step_peak_bytes": step.peak_bytes,
        "process_peak_bytes": trained.peak_bytes,
        "step_s": step.step_s,
        "forward_s": step.forward_s,
        "backward_s": step.backward_s,
        "other_s": step.other_s,
        "samples_per_s": step.batch / step.step_s,
        **_work(script, trained, splits, sum(row.flops for row in rows)),
        "architecture": [asdict(row) for row in rows],
        "growth": [
            asdict(size)
            | {
                "step_ratio": size.step_s / step.step_s,
                "peak_ratio": size.peak_bytes / step.peak_bytes,
            }
            for size in sizes
        ],
    }
    return found | {"era": _era(script.era, found)}


def _era(era: Era, found: Facts) -> Facts:
    """Return what this training would have asked of a computer of the time."""
    needed = ("data_bytes", "parameter_bytes", "step_peak_bytes")
    trained = found["train_s"] is not None
    return asdict(era) | {
        "train_s": found["train_flops"] / era.flops_per_s if trained else None,
        "memory_ratio": sum(found[name] for name in needed) / era.memory_bytes,
    }


def _batch(script: Script, splits: Splits) -> NDArray[Any]:
    """Return the inputs of one batch as `predict` takes them."""
    x = splits.train["x"]
    if script.task != "language":
        return x[: script.batch]
    window = splits.test["x"].shape[1]
    return x[: script.batch * window].reshape(-1, window)


def _work(script: Script, trained: Trained, splits: Splits, flops: int) -> Facts:
    """Return what training computed; None where no epoch was finished."""
    samples = script.steps * script.batch if script.steps else len(splits.train["x"])
    total = _STEP_PER_FORWARD * flops * samples * len(trained.epochs)
    spent_s = trained.epochs[-1]["train_s"] if trained.epochs else None
    return {
        "flops_per_sample": flops,
        "train_flops": total,
        "train_s": spent_s,
        "flops_per_s": total / spent_s if spent_s else None,
    }
