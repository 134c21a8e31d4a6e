"""Which charts a run is shown by: how it learned, and what doubling costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from milestones import plot
from milestones.script import Facts
from milestones.tasks import TASKS
from milestones.units import seconds, size


def write(facts: Facts, folder: Path) -> list[Path]:
    """Write what there is to see into `folder`; return the files.

    learning_curve.svg needs a finished epoch, scaling.svg something doubled.
    """
    charts = {}
    if facts["by_epoch"]:
        charts["learning_curve.svg"] = learning(facts)
    if len(facts.get("systems", {}).get("growth", ())) > 1:
        charts["scaling.svg"] = scaling(facts)
    for name, svg in charts.items():
        (folder / name).write_text(svg, encoding="utf8")
    return [folder / name for name in charts]


def learning(facts: Facts) -> str:
    """Return metric and loss of every epoch, one above the other."""
    task, epochs = TASKS[facts["task"]], facts["by_epoch"]
    first, last = epochs[0], epochs[-1]
    target = f"target: {facts['target_is']} {facts['target']}"
    description = (
        f"After epoch {first['epoch']} {task.words} on validation data was "
        f"{first[task.metric]:.3f}, after epoch {last['epoch']} "
        f"{last[task.metric]:.3f}; {target} on unseen data. The loss in training went "
        f"from {_loss(first)} to {_loss(last)}."
    )
    metric = _line(epochs, task.metric)
    panels = [
        plot.Panel(f"{task.words}, validation", [metric], facts["target"], target),
        plot.Panel("loss, training", [_line(epochs, "loss")], from_zero=True),
    ]
    return plot.line_chart(
        f"Learning curve, {facts['data']}", description, "epoch", panels
    )


def scaling(facts: Facts) -> str:
    """Return parameters, time and memory of a step, as it is and with doublings."""
    growth = facts["systems"]["growth"]
    groups = [
        plot.Group(label, list(_bars(growth, key, form)))
        for label, key, form in (
            ("parameters", "parameters", "{:,}".format),
            ("time of a training step", "step_s", seconds),
            ("memory of a training step", "peak_bytes", size),
        )
    ]
    described = "; ".join(
        f"{case['case']}: step {seconds(case['step_s'])}, {size(case['peak_bytes'])}, "
        f"{case['parameters']:,} parameters"
        for case in growth
    )
    title = f"What doubling costs, {facts['data']}"
    return plot.bar_chart(title, f"{described}.", groups, "times as much as it is")


def _bars(
    growth: list[Facts], key: str, form: Callable[[Any], str]
) -> Iterator[plot.Bar]:
    for case in growth:
        times = case[key] / growth[0][key]
        first = case is growth[0]
        text = form(case[key]) if first else f"{times:.1f}x, {form(case[key])}"
        yield plot.Bar(case["case"], times, text, plain=first)


def _line(epochs: list[Facts], key: str) -> plot.Line:
    nan = float("nan")
    values = [nan if epoch[key] is None else epoch[key] for epoch in epochs]
    return plot.Line("", list(enumerate(values, start=1)))


def _loss(epoch: Facts) -> str:
    return "unknown" if epoch["loss"] is None else f"{epoch['loss']:.4f}"
