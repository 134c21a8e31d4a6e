"""Turn the facts of a run into the lines that a student reads.

Everything printed comes from the facts, so `--json` holds all of it.
"""

from __future__ import annotations

from typing import Final

from milestones.progress import epoch_line
from milestones.script import Facts
from milestones.tasks import TASKS
from milestones.units import seconds, size

_INDENT: Final = " " * 16


def whole(facts: Facts) -> list[str]:
    """Return all lines of a run, in the order in which they are printed."""
    task = TASKS[facts["task"]]
    return [
        *(epoch_line(epoch, task) for epoch in facts["by_epoch"]),
        *interruption(facts["interrupted_after_epochs"], facts["epochs"]),
        *judgement(facts),
        *facts["said"],
        *costs(facts),
        *files(facts),
    ]


def interruption(done: int | None, epochs: int) -> list[str]:
    """Return a line about Ctrl-C after `done` epochs; none where that is None."""
    if done is None:
        return []
    words = f"interrupted after {done} of {epochs} epochs"
    return [f"{words}: judged as it is now; Ctrl-C again ends at once"]


def judgement(facts: Facts) -> list[str]:
    """Return what the model did with data that it had not seen."""
    task = TASKS[facts["task"]]
    lines = []
    for row in facts["table"]:
        point = " ".join(f"{value:.0f}" for value in row["inputs"])
        lines.append(f"table {point} -> {row['score']:.3f}  is {row['class']}")
    verdict = "reached" if facts["judged_reached"] else "missed"
    lines.append(
        f"unseen {task.words} {facts[task.metric]:.4f}  "
        f"target {facts['target_is']} {facts['target']}  {verdict}  "
        f"train {facts['train_s']:.2f} s, CPU {facts['train_cpu_s']:.2f} s"
    )
    return lines


def costs(facts: Facts) -> list[str]:
    """Return the systems report, or why there is none."""
    found = facts.get("systems")
    if found is None:
        return ["no systems report: interrupted"]
    return [
        "",
        f"systems report, batch {found['batch']}, measured on this machine",
        *_architecture(found),
        *_memory(found),
        *_speed(found),
        *_growth(found),
        *_era(found),
    ]


def files(facts: Facts) -> list[str]:
    """Return the names of the files that were written."""
    return [f"wrote {path}" for path in facts.get("plots", ())]


def _architecture(found: Facts) -> list[str]:
    wide = max(14, *(len(row["layer"]) + 2 for row in found["architecture"]))
    lines = [
        f"  {'layer':<{wide}}{'output':<20}{'parameters':>11}{'FLOPs':>14}{'time':>7}"
    ]
    for row in found["architecture"]:
        shape = " x ".join(map(str, row["shape"]))
        lines.append(
            f"  {row['layer']:<{wide}}{shape:<20}{row['parameters']:>11,}"
            f"{row['flops']:>14,}{row['share']:>7.0%}"
        )
    return lines


def _memory(found: Facts) -> list[str]:
    optimizer, kept = found["optimizer_bytes"], found["activation_bytes"]
    gradients, peak = found["gradient_bytes"], found["process_peak_bytes"]
    outputs = f"outputs of layers {size(found['output_bytes'])}"
    return _named(
        {
            "parameters": (
                f"{found['parameters']:,} in {size(found['parameter_bytes'])}"
            ),
            "gradients": size(gradients) if gradients else "none: no backward pass",
            "optimizer": (
                "not counted: the script has no optimizer object"
                if optimizer is None
                else f"{size(optimizer)} that it keeps between steps"
            ),
            "activations": (
                f"none kept: no backward pass; {outputs}"
                if kept is None
                else f"{size(kept)} kept for backward, a batch; {outputs}"
            ),
            "data": f"{size(found['data_bytes'])} to learn from",
            "step memory": (
                f"{size(found['step_peak_bytes'])} at its peak, "
                "on top of parameters and data"
            ),
            "peak RSS": (
                "unknown on this system"
                if peak is None
                else f"{size(peak)}, the whole process until training was over"
            ),
        }
    )


def _speed(found: Facts) -> list[str]:
    sample, window = found["sample"], found["characters_per_window"]
    backward = found["backward_s"]
    parts = [f"forward {seconds(found['forward_s'])}"]
    if backward is not None:
        parts.append(f"backward {seconds(backward)}")
    parts.append(f"update and batch {seconds(found['other_s'])}")
    pace = f"{found['samples_per_s']:,.0f} {sample}s a second in training"
    if window is not None:
        pace += f", {found['samples_per_s'] * window:,.0f} characters"
    rate = found["flops_per_s"]
    reached = "" if rate is None else f", {rate / 1e9:.3g} GFLOP/s in training"
    work = f"{found['flops_per_sample']:,} FLOPs a {sample} forward"
    return _named(
        {
            "training step": f"{seconds(found['step_s'])}: {', '.join(parts)}",
            "throughput": pace,
            "compute": work + reached,
        }
    )


def _growth(found: Facts) -> list[str]:
    lines = [f"  {'when doubled':<14}{'parameters':>12}{'step':>18}{'step memory':>20}"]
    for case in found["growth"]:
        step = f"{seconds(case['step_s'])} {case['step_ratio']:4.1f}x"
        memory = f"{size(case['peak_bytes'])} {case['peak_ratio']:4.1f}x"
        lines.append(
            f"  {case['case']:<14}{case['parameters']:>12,}{step:>18}{memory:>20}"
        )
    if len(found["growth"]) == 1:
        lines.append("  interrupted: nothing was doubled")
    return lines


def _era(found: Facts) -> list[str]:
    era = found["era"]
    then = f"{era['flops_per_s']:,.0f} FLOPs a second"
    if era["train_s"] is not None:
        then += f": this training would take {seconds(era['train_s'])}"
    return [
        f"  then          {era['machine']}",
        _INDENT + then,
        (
            f"{_INDENT}{size(era['memory_bytes'])} of memory: data, parameters and "
            f"step need {era['memory_ratio']:.2g} times that"
        ),
        f"  now           {_now(found)}",
        f"  {era['remark']}",
    ]


def _now(found: Facts) -> str:
    if found["train_s"] is None:
        return "no epoch finished"
    rate, peak = found["flops_per_s"], found["process_peak_bytes"]
    memory = "" if peak is None else f", {size(peak)} of memory occupied"
    return f"{seconds(found['train_s'])}: {rate:,.0f} FLOPs a second{memory}"


def _named(values: dict[str, str]) -> list[str]:
    return [f"  {name:<14}{value}" for name, value in values.items()]
