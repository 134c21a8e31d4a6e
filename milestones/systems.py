"""The systems report of a milestone: every number is measured or counted here.

Counted: parameters, bytes, and FLOPs (Linear 2 * in * out a sample, Conv2d as much for
each place of its output, any other layer one a value; a training step is taken as
three forward passes, one forward and two back).
Measured: times as the best of several repeats, memory as what numpy allocated during
one training step, and the process's peak.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, TextIO

import numpy as np

from milestones.datasets import Part, Splits
from milestones.runner import Model, Script, Trained

_REPEATS: Final = 5
_STEPS: Final = 20
_STEPS_S: Final = 0.5  # fewer steps where they take longer together
# forward, and backward for inputs and for weights
_STEP_PER_FORWARD: Final = 3
# up to how many seconds, one unit in seconds, its name
_UNITS: Final = (
    (1e-3, 1e-6, "us"),
    (1.0, 1e-3, "ms"),
    (120.0, 1.0, "s"),
    (7200.0, 60.0, "min"),
    (172_800.0, 3600.0, "h"),
)
# Layers without parameters, which scripts make where they use them.
_PLAIN: Final = ("Sigmoid", "ReLU", "Tanh", "GELU", "Softmax", "Flatten")


@dataclass
class Row:
    """One line of the architecture table; `time_s` is of one forward call."""

    layer: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    flops: int  # a sample
    output_bytes: int
    time_s: float
    share: float = 0.0


@dataclass
class Size:
    """One line of the growth table."""

    case: str
    batch: int
    parameters: int
    step_s: float
    peak_bytes: int


@dataclass(frozen=True)
class _Case:
    name: str
    width: int
    batch: int


class _Timed:
    """A layer that notes shape and time of every call."""

    def __init__(self, name: str, layer: Any, rows: list[Row]) -> None:
        self._name, self._layer, self._rows = name, layer, rows

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        y = self._layer(x, *args, **kwargs)
        spent = time.perf_counter() - start
        kind = type(self._layer).__name__
        shape = tuple(y.data.shape)
        count = _count([self._layer])
        flops = int(np.prod(shape[1:]))
        if hasattr(self._layer, "weight"):
            places = int(np.prod(shape[2:]))  # 1 for a Linear layer on rows
            flops = 2 * int(self._layer.weight.data.size) * places
        row = Row(self._name, kind, shape, count, flops, y.data.nbytes, spent)
        self._rows.append(row)
        return y

    def __getattr__(self, name: str) -> Any:
        return getattr(self._layer, name)


class _TimedModule:
    """`tinytorch`, with plain layers that note their calls as the model's do."""

    def __init__(self, tt: Any, rows: list[Row]) -> None:
        self._tt, self._rows = tt, rows

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tt, name)
        if name not in _PLAIN:
            return found
        return lambda *args: _Timed(name.lower(), found(*args), self._rows)


def measure(
    tt: Any, script: Script, trained: Trained, splits: Splits, epochs: int
) -> dict[str, Any]:
    """Return the report as plain values: bytes, seconds, FLOPs."""
    rows = _architecture(tt, script, trained.model, splits.train["x"][: script.batch])
    sizes = _growth(tt, script, splits.train)
    flops = sum(row.flops for row in rows)
    samples = len(splits.train["x"]) * epochs
    total = _STEP_PER_FORWARD * flops * samples
    parameters = _parameters(trained.model.values())
    return {
        "batch": script.batch,
        "parameters": _count(trained.model.values()),
        "parameter_bytes": sum(p.data.nbytes for p in parameters),
        "activation_bytes": sum(row.output_bytes for row in rows),
        "data_bytes": splits.train["x"].nbytes,
        "step_peak_bytes": sizes[0].peak_bytes,
        "process_peak_bytes": _process_peak_bytes(),
        "flops_per_sample": flops,
        "step_s": sizes[0].step_s,
        "samples_per_s": sizes[0].batch / sizes[0].step_s,
        "flops_per_s": total / trained.train_s,
        "train_flops": total,
        "train_s": trained.train_s,
        "architecture": [asdict(row) for row in rows],
        "growth": [asdict(size) for size in sizes],
    }


def write(report: dict[str, Any], script: Script, out: TextIO) -> None:
    """Print `report` as the tables that a student reads."""

    def line(text: str = "") -> None:
        print(text, file=out)

    line(f"\nsystems report, batch {report['batch']}, measured on this machine")
    _write_architecture(report, line)
    _write_costs(report, line)
    _write_growth(report, line)
    _write_era(report, script, line)


def _write_architecture(report: dict[str, Any], line: Callable[[str], None]) -> None:
    line(f"  {'layer':<14}{'output':<20}{'parameters':>11}{'FLOPs':>12}{'time':>7}")
    for row in report["architecture"]:
        shape = " x ".join(map(str, row["shape"]))
        line(
            f"  {row['layer']:<14}{shape:<20}{row['parameters']:>11,}"
            f"{row['flops']:>12,}{row['share']:>7.0%}"
        )


def _write_costs(report: dict[str, Any], line: Callable[[str], None]) -> None:
    peak = report["process_peak_bytes"]
    costs = {
        "parameters": (
            f"{report['parameters']:,} in {_bytes(report['parameter_bytes'])}"
        ),
        "activations": f"{_bytes(report['activation_bytes'])} a batch",
        "training step": (
            f"{_seconds(report['step_s'])}, {_bytes(report['step_peak_bytes'])} "
            "at its peak, optimizer included"
        ),
        "peak RSS": "unknown on this system" if peak is None else _bytes(peak),
        "throughput": f"{report['samples_per_s']:,.0f} samples a second in training",
        "compute": (
            f"{report['flops_per_sample']:,} FLOPs a sample forward, "
            f"{report['flops_per_s'] / 1e9:.3g} GFLOP/s in training"
        ),
    }
    for name, value in costs.items():
        line(f"  {name:<14}{value}")


def _write_growth(report: dict[str, Any], line: Callable[[str], None]) -> None:
    first = report["growth"][0]
    line(f"  {'when doubled':<14}{'parameters':>12}{'step':>18}{'step memory':>20}")
    for size in report["growth"]:
        times = size["step_s"] / first["step_s"]
        grown = size["peak_bytes"] / first["peak_bytes"]
        step = f"{_seconds(size['step_s'])} {times:4.1f}x"
        memory = f"{_bytes(size['peak_bytes'])} {grown:4.1f}x"
        line(f"  {size['case']:<14}{size['parameters']:>12,}{step:>18}{memory:>20}")


def _write_era(
    report: dict[str, Any], script: Script, line: Callable[[str], None]
) -> None:
    era = script.era
    then_s = report["train_flops"] / era.flops_per_s
    needed = report["data_bytes"] + report["step_peak_bytes"]
    line(f"  then          {era.machine}")
    line(
        f"                {era.flops_per_s:,.0f} FLOPs a second: "
        f"this training would take {_seconds(then_s)}"
    )
    line(
        f"                {_bytes(era.memory_bytes)} of memory: "
        f"data and step need {needed / era.memory_bytes:.2g} times that"
    )
    line(f"  now           {_seconds(report['train_s'])}")
    line(f"  {era.remark}")


def _architecture(tt: Any, script: Script, model: Model, x: Any) -> list[Row]:
    """Run forward several times and keep each layer's best time."""
    best: list[Row] = []
    for _ in range(_REPEATS):
        rows: list[Row] = []
        timed = {name: _Timed(name, layer, rows) for name, layer in model.items()}
        script.predict(_TimedModule(tt, rows), timed, x)
        for old, new in zip(best, rows, strict=False):
            new.time_s = min(old.time_s, new.time_s)
        best = rows
    total = sum(row.time_s for row in best)
    for row in best:
        row.share = row.time_s / total
    return best


def _growth(tt: Any, script: Script, train: Part) -> list[Size]:
    wide = "inputs x2" if script.widens_inputs else "width x2"
    cases = [
        _Case("as it is", 1, script.batch),
        _Case(wide, 2, script.batch),
        _Case("batch x2", 1, 2 * script.batch),
    ]
    runs = [_stepper(tt, script, train, case) for case in cases]
    counts = [_steps_of(_timed(steps, 1)) for _, steps in runs]
    # In turns, so that a slow moment of the machine meets all cases alike.
    times = [
        [_timed(steps, count) for (_, steps), count in zip(runs, counts, strict=True)]
        for _ in range(_REPEATS)
    ]
    best = np.min(times, axis=0)
    return [
        Size(case.name, case.batch, _count(model.values()), step_s, _peak(steps))
        for case, (model, steps), step_s in zip(cases, runs, best.tolist(), strict=True)
    ]


def _stepper(
    tt: Any, script: Script, train: Part, case: _Case
) -> tuple[Model, Callable[[int], None]]:
    """Return a model of the case's size, and a function that trains it for n steps."""
    model = script.build(tt, np.random.default_rng(0), case.width)
    x = train["x"]
    if script.widens_inputs:
        x = np.concatenate([x] * case.width, axis=-1)

    def steps(count: int) -> None:
        few = np.arange(count * case.batch) % len(x)
        data = {"x": x[few], "y": train["y"][few]}
        budget = {"epochs": 1, "seed": 0, "batch": case.batch}
        for _ in script.train(tt, model, data, budget, lambda **_facts: None):
            pass

    return model, steps


def _steps_of(step_s: float) -> int:
    return max(1, min(_STEPS, int(_STEPS_S / step_s)))


def _timed(steps: Callable[[int], None], count: int) -> float:
    start = time.perf_counter()
    steps(count)
    return (time.perf_counter() - start) / count


def _peak(steps: Callable[[int], None]) -> int:
    tracemalloc.start()
    try:
        steps(1)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _parameters(layers: Any) -> list[Any]:
    return [p for layer in layers for p in layer.parameters()]


def _count(layers: Any) -> int:
    return sum(int(p.data.size) for p in _parameters(layers))


def _process_peak_bytes() -> int | None:
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ModuleNotFoundError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def _seconds(value: float) -> str:
    for below, factor, unit in _UNITS:
        if value < below:
            return f"{value / factor:.3g} {unit}"
    return f"{value / 86_400:,.0f} days"
