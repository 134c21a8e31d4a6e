"""The facts of `workflow.py` as lines of text, and as a chart."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from milestones import plot
from milestones.script import Facts
from milestones.units import seconds, size

_HEADS: Final = {
    "profile": f"  {'':<5}{'parameters':>11}{'weights':>9}{'activations':>12}"
    f"{'peak':>9}{'FLOPs':>13}{'latency':>10}{'training':>10}",
    "kernels": f"  {'kernel':<17}{'way':<19}{'median':>9}{'interval':>20}"
    f"{'differs by':>12}",
    "writing": f"  {'GPT, a character':<19}{'median':>9}{'interval':>20}"
    f"{'faster':>8}{'weights':>9}{'cache':>8}{'text':>7}",
    "compare": f"  {'':<15}{'on disk':>8}{'':>6}{'memory':>8}{'latency':>8}"
    f"{'interval':>18}{'unseen':>7}{'lost':>7}  misses",
}
# What `misses` calls the four bounds, so that two of them fit into a line.
_SHORT: Final = {
    "size": "size",
    "latency": "time",
    "accuracy": "loss",
    "artefact": "file",
}


def profile(found: list[Facts]) -> list[str]:
    """Return steps 1 and 2: what each model costs, and which layer costs most."""
    lines = [
        "",
        "1 profile, one input, before anything is changed (module 14)",
        _HEADS["profile"],
    ]
    lines += [
        f"  {row['model']:<5}{row['parameters']:>11,}"
        f"{size(row['parameter_bytes']):>9}{size(row['activation_bytes']):>12}"
        f"{size(row['peak_bytes']):>9}{row['flops']:>13,}"
        f"{seconds(row['latency_s']):>10}{seconds(row['train_s']):>10}"
        for row in found
    ]
    lines += ["", "2 analyse: the layer with most of"]
    for row in found:
        words = [
            f"{what} {row['most'][key]} {row['shares'][row['most'][key]][key]:.0%}"
            for key, what in (
                ("parameters", "parameters"),
                ("flops", "FLOPs"),
                ("time", "time"),
            )
        ]
        lines.append(f"  {row['model']:<5}{'  '.join(words)}")
    return lines


def optimise(facts: Facts) -> list[str]:
    """Return step 3: what was done to the weights of each model."""
    lines = ["", "3 optimise", "  int8 (module 16): every weight one byte on disk"]
    lines.append("  pruning (module 17): the smallest weights of all layers together")
    lines += [
        f"  {row['model']:<5}{row['sparsity']:.1%} of the weights are zero"
        for row in facts["rows"]
        if row["variant"] == "pruned"
    ]
    lines.append("  low rank (module 17): the largest Linear as two")
    for row in facts["low_rank"]:
        m, n = row["shape"]
        lines.append(
            f"  {row['model']:<5}{row['layer']} {m}x{n} at rank {row['rank']}: "
            f"{row['flops_after'] / row['flops']:.0%} of its FLOPs, "
            f"weights off by {row['relative_error']:.0%}"
        )
    return lines


def kernels(facts: Facts) -> list[str]:
    """Return step 4 for the kernels of module 15; nothing where it is missing."""
    if facts["kernels"] is None:
        return []
    lines = [
        "",
        "4 benchmark (module 19): median and its 95 % interval",
        _HEADS["kernels"],
    ]
    return lines + [
        f"  {row['kernel']:<17}{row['way']:<19}{seconds(row['latency_s']):>9}"
        f"{_interval(row):>20}{row['largest_difference']:>12.1g}"
        for row in facts["kernels"]
    ]


def writing(facts: Facts) -> list[str]:
    """Return step 4 for the GPT that writes; nothing where module 18 is missing."""
    if facts["writing"] is None:
        return []
    lines = [
        "",
        _HEADS["writing"],
    ]
    return lines + [
        f"  {row['variant']:<19}{seconds(row['latency_s']):>9}"
        f"{_interval(row):>20}{row['times_faster']:>7.1f}x"
        f"{size(row['weight_bytes']):>9}{size(row['cache_bytes']):>8}"
        f"{'same' if row['same_text'] else 'OTHER':>7}"
        for row in facts["writing"]
    ]


def compare(facts: Facts) -> list[str]:
    """Return step 5: the table of all models and variants, and the verdict."""
    lines = [
        "",
        "5 compare",
        _HEADS["compare"],
    ]
    for row in facts["rows"]:
        name = f"{row['model']} {row['variant']}"
        times = _first(facts, row)["file_bytes"] / row["file_bytes"]
        lines.append(
            f"  {name:<15}{size(row['file_bytes']):>8}{times:>5.1f}x"
            f"{size(row['memory_bytes']):>8}{seconds(row['latency_s']):>8}"
            f"{_interval(row):>18}{_score(row):>7}{_lost(row):>7}{_misses(row)}"
        )
    lines += [
        f"  latency: one input, {facts['runs']} times",
        "  unseen: accuracy, or nats per character; lost: points, or nats",
        "  pruned models have been trained one slice more (milestone 05: 100 steps)",
        f"  every file was loaded in a new process and answered {facts['asked']} "
        "inputs the same"
        if all(row["same_answers"] for row in facts["rows"])
        else "  NOT every file gave the same answers in a new process",
        "",
        *_grade(facts["bounds"]),
    ]
    for model, variant in facts["best"].items():
        lines.append(f"  {model:<5}{variant or 'no variant'}")
    return lines


def write_plots(facts: Facts, folder: Path) -> list[str]:
    """Write size and accuracy of all variants as one chart; return its path."""
    groups = []
    for model in facts["best"]:
        rows = [row for row in facts["rows"] if row["model"] == model]
        bars = [
            plot.Bar(
                row["variant"],
                row["file_bytes"] / rows[0]["file_bytes"],
                f"{size(row['file_bytes'])}, {_named_score(row)}",
                plain=row is rows[0],
            )
            for row in rows
        ]
        groups.append(plot.Group(model, bars))
    described = "; ".join(
        f"{row['model']} {row['variant']}: {size(row['file_bytes'])}, "
        f"{_named_score(row)}"
        for row in facts["rows"]
    )
    svg = plot.bar_chart(
        *("Size of the saved file, and what the model still knows", f"{described}."),
        *(groups, "bytes on disk, float32 being 1"),
    )
    path = folder / "size_and_accuracy.svg"
    path.write_text(svg, encoding="utf8")
    return [str(path)]


def _first(facts: Facts, row: Facts) -> Facts:
    """Return the float32 row of the same model."""
    found: Facts = next(r for r in facts["rows"] if r["model"] == row["model"])
    return found


def _interval(row: Facts) -> str:
    """Return both ends in the unit of the upper one."""
    low, high = row["interval_s"]
    text, unit = seconds(high).split()
    factor = high / float(text)
    return f"{low / factor:.3g} - {text} {unit}"


def _score(row: Facts) -> str:
    if "accuracy" in row:
        return f"{row['accuracy']:.2%}"
    return f"{row['nats_per_character']:.3f}"


def _named_score(row: Facts) -> str:
    return _score(row) if "accuracy" in row else f"{_score(row)} nats"


def _lost(row: Facts) -> str:
    # + 0.0 makes a rounded -0.0 a plain 0.
    if "accuracy" in row:
        return f"{round(100 * row['lost'], 2) + 0.0:+.2f}"
    return f"{round(row['lost'], 3) + 0.0:+.3f}"


def _grade(bounds: Facts) -> list[str]:
    points, nats = 100 * bounds["lost"]["classes"], bounds["lost"]["language"]
    latency = seconds(bounds["latency_s"])
    share = bounds["file_share"]
    return [
        f"production grade: at most {share:.0%} of the file, {latency} an answer,",
        f"{points:g} point or {nats:g} nats lost; the same answers from the file",
        "smallest of that grade:",
    ]


def _misses(row: Facts) -> str:
    """Return the bounds that a row misses; nothing for what it is compared with."""
    if row["variant"] == "float32":
        return ""
    misses = [_SHORT[name] for name, good in row["production"].items() if not good]
    return f"  {', '.join(misses) or 'nothing'}"
