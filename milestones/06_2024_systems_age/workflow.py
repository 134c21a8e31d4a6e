"""Profile, analyse, optimise, benchmark, compare: the run of `optimize_models.py`."""

from __future__ import annotations

import argparse
import importlib
import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np
import tables
from speed import kernels, writing
from subjects import FULL, QUICK, Subject, trained
from variants import ASKED, RUNS, Bounds, measured

from milestones import architecture, units
from milestones.missing import explained
from milestones.script import Facts

# "Production grade", as the script's docstring says it.
BOUNDS: Final = Bounds(
    file_share=1 / 3,
    latency_s=0.1,  # below it an answer feels immediate (Nielsen 1993, chapter 5)
    lost={"classes": 0.01, "language": 0.02},
)
# Without these there is no table; of the other modules it is said what is left out.
NEEDED: Final = (
    *("Trainer", "Conv2d", "GPT", "QuantizedLinear", "model_size_bytes"),
    *("measure_sparsity", "magnitude_prune", "low_rank_approximate", "Benchmark"),
)


def main(doc: str) -> None:
    """Train three models, take them through the five steps, print one table.

    Exit code 0 if each model has a smaller variant within all bounds, else 1.
    """
    given = _options(doc)
    out = sys.stderr if given.json else sys.stdout
    try:
        with explained():
            facts = run(given.seed, out, full=given.full)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    if given.plot is not None:
        facts["plots"] = tables.write_plots(facts, given.plot)
        for path in facts["plots"]:
            print(f"wrote {path}", file=out)
    if given.json:
        print(json.dumps(facts, allow_nan=False), flush=True)
    raise SystemExit(0 if facts["reached"] else 1)


def run(seed: int, out: TextIO, *, full: bool) -> Facts:
    """Take all steps; return everything that was found."""
    tt = importlib.import_module("tinytorch")
    for name in NEEDED:  # now, not after minutes of training
        getattr(tt, name)
    plans = FULL if full else QUICK
    data = [plan.load(seed) for plan in plans]  # missing data is found now, too
    subjects = [
        trained(tt, plan, splits, seed, out)
        for plan, splits in zip(plans, data, strict=True)
    ]
    facts: Facts = {"seed": seed, "full": full, "bounds": asdict(BOUNDS)}

    def tell(lines: list[str]) -> None:
        for line in lines:
            print(line, file=out, flush=True)

    found = part("1 profile", out, lambda: [profile(tt, one) for one in subjects])
    facts["profile"] = found
    tell(tables.profile(found) if found else [])
    facts["rows"], facts["low_rank"] = [], []
    for subject in subjects:
        rows, rank = measured(tt, subject, BOUNDS)
        facts["rows"] += rows
        facts["low_rank"].append({"model": subject.plan.name} | rank)
    tell(tables.optimise(facts))
    facts["kernels"] = part("4 kernels", out, lambda: kernels(tt))
    tell(tables.kernels(facts))
    facts["writing"] = part("4 writing", out, lambda: writing(tt, subjects[-1]))
    tell(tables.writing(facts))
    facts["process_peak_bytes"] = units.peak_bytes()
    facts["runs"], facts["asked"] = RUNS, ASKED
    facts["best"] = _best(facts["rows"])
    whole = all(facts[name] is not None for name in ("profile", "kernels", "writing"))
    texts = all(row["same_text"] for row in facts["writing"] or ())
    facts["reached"] = whole and texts and all(facts["best"].values())
    tell(tables.compare(facts))
    return facts


def part(name: str, out: TextIO, measure: Callable[[], list[Facts]]) -> Any:
    """Return what `measure` finds; None, and say why, where code is missing."""
    reason = io.StringIO()
    try:
        with redirect_stderr(reason), explained():
            return measure()
    except SystemExit:
        said = f"\n{name}: not measured, {reason.getvalue().strip()}"
        print(said, file=out, flush=True)
        return None


def profile(tt: Any, subject: Subject) -> Facts:
    """Return what a model costs by module 14, and its most expensive layers."""
    profiler, net = tt.Profiler(), subject.network(tt)
    one = subject.splits.test["x"][:1]
    shape = one.shape
    if subject.plan.task == "classes":
        # Images are flattened or get a channel by the script, before the network.
        channels = one.shape[1:] if one.ndim == 4 else one.shape
        shape = (1, one.size) if subject.plan.name == "MLP" else (1, *channels)
    rows = architecture.table(tt, subject.script, subject.model, one)
    total = sum(row.flops for row in rows)
    shares = {
        row.layer: {
            "parameters": row.parameters / architecture.count(subject.model.values()),
            "flops": row.flops / total,
            "time": row.share,
        }
        for row in rows
    }
    return {
        "model": subject.plan.name,
        "script": subject.plan.script,
        "data": subject.splits.title,
        "train_s": subject.train_s,
        "parameters": int(profiler.count_parameters(net)),
        "flops": int(profiler.count_flops(net, shape)),
        **{k: int(v) for k, v in profiler.measure_memory(net, shape).items()},
        "latency_s": profiler.measure_latency(net, tt.Tensor(np.zeros(shape))) / 1000,
        "shares": shares,
        "most": {
            key: max(shares, key=lambda name: shares[name][key])
            for key in ("parameters", "flops", "time")
        },
    }


def _best(rows: list[Facts]) -> dict[str, str | None]:
    """Return each model's smallest variant within all bounds, None without one."""
    best: dict[str, str | None] = {}
    for name in {row["model"]: None for row in rows}:
        good = [
            row
            for row in rows
            if row["model"] == name and all(row["production"].values())
        ]
        smallest = min(good, key=lambda row: row["file_bytes"], default=None)
        best[name] = None if smallest is None else smallest["variant"]
    return best


def _options(doc: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0, help="of data and weights")
    parser.add_argument("--full", action="store_true", help="the published data")
    parser.add_argument("--json", action="store_true", help="one JSON line on stdout")
    parser.add_argument(
        "--plot", type=Path, metavar="DIR", help="write a chart there, as SVG"
    )
    given = parser.parse_args()
    if given.seed < 0:
        parser.error("--seed is at least 0")
    if given.plot is not None:
        try:  # now, not after minutes of training
            given.plot.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            parser.error(f"--plot: {exc}")
    return given
