"""Run one milestone script on the `tinytorch` that is installed here.

The loop is the grader's: train slice by slice, look at the metric on validation data
between slices, judge on unseen data at the end, then measure what it all cost.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from milestones import curves, report, systems, units
from milestones.datasets import Splits
from milestones.interrupts import EXIT_CODE, Interrupts
from milestones.missing import explained
from milestones.progress import Progress
from milestones.script import Era, Facts, Finished, Script, Trained
from milestones.tasks import TASKS, accuracy

__all__ = ["Era", "Finished", "Script", "accuracy", "explained", "main"]


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    seed: int
    epochs: int
    as_json: bool
    plot_dir: Path | None


@dataclass(frozen=True)
class _Run:
    """One run of one script: what all its stages need."""

    script: Script
    options: Options
    tt: Any
    splits: Splits
    out: TextIO
    interrupts: Interrupts

    def say(self, lines: list[str]) -> None:
        for line in lines:
            print(line, file=self.out, flush=True)


def main(script: Script, fast: Script | None = None, **variants: Script) -> None:
    """Train, judge and measure `script`; exit 1 when the target is missed.

    With `--fast` it is the variant `fast`, where there is one; every other keyword is
    an option of its name, too. After Ctrl-C the exit code is 130.
    """
    if fast is not None:
        variants["fast"] = fast
    script, options = _options(script, variants)
    out = sys.stderr if options.as_json else sys.stdout
    try:
        with explained():
            tt = importlib.import_module("tinytorch")
            splits = script.load(options.seed)
            facts = _facts(_Run(script, options, tt, splits, out, Interrupts()))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(EXIT_CODE) from None
    if options.as_json:
        print(json.dumps(_finite(facts), allow_nan=False), flush=True)
    if facts["interrupted"]:
        raise SystemExit(EXIT_CODE)
    raise SystemExit(0 if facts["reached"] else 1)


def _facts(run: _Run) -> Facts:
    """Go through all stages; Ctrl-C shortens what is left of them."""
    trained = _train(run)
    # Said first: judging may take a while.
    run.say(report.interruption(trained.interrupted_after, run.options.epochs))
    facts = _judge(run, trained)
    run.say(report.judgement(facts))
    with run.interrupts.stage():
        if run.script.after is not None and not run.interrupts.happened:
            _go_beyond(run, trained, facts)
    with run.interrupts.stage():
        facts["systems"] = systems.measure(
            run.tt, run.script, trained, run.splits, brief=run.interrupts.happened
        )
    facts["interrupted"] = run.interrupts.happened
    run.say(report.costs(facts))
    if run.options.plot_dir is not None:
        facts["plots"] = [
            str(path) for path in curves.write(facts, run.options.plot_dir)
        ]
        run.say(report.files(facts))
    return facts


def _train(run: _Run) -> Trained:
    """Train until the script's slices end, or Ctrl-C."""
    tt, script, options = run.tt, run.script, run.options
    task = TASKS[script.task]
    # The student's layers draw their first weights from numpy's global state.
    np.random.seed(options.seed)  # noqa: NPY002
    model = script.build(tt, np.random.default_rng(options.seed))
    progress = Progress(task, options.epochs, run.out)
    budget = {"epochs": options.epochs, "seed": options.seed}
    slices = script.train(tt, model, run.splits.train, budget, progress.log)
    clock = _Clock()
    with run.interrupts.stage():
        while clock.next_of(slices):
            scores = script.predict(tt, model, run.splits.validation["x"])
            metric = task.judge(scores, run.splits.validation["y"])
            progress.finish_epoch(metric, clock.wall_s)
    progress.end_line()
    return Trained(
        *(model, clock.wall_s, clock.cpu_s, progress.done),
        units.peak_bytes(),
        len(progress.done) if run.interrupts.happened else None,
    )


class _Clock:
    """Adds up the time of training, also of a slice that is broken off."""

    def __init__(self) -> None:
        self.wall_s = self.cpu_s = 0.0

    def next_of(self, slices: Iterator[None]) -> bool:
        """Run the next slice; return False if there was none."""
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        try:
            for _ in slices:
                return True
            return False
        finally:
            self.wall_s += time.perf_counter() - wall_s
            self.cpu_s += time.process_time() - cpu_s


def _judge(run: _Run, trained: Trained) -> Facts:
    """Return what the trained model does with data it has not seen."""
    script, test = run.script, run.splits.test
    task = TASKS[script.task]
    value = task.judge(script.predict(run.tt, trained.model, test["x"]), test["y"])
    at_most = task.lower_is_better or script.must_fail
    table: list[Facts] = [
        {"inputs": list(point), "class": label, "score": _score(run, trained, point)}
        for point, label in script.table
    ]
    good = value <= script.target if at_most else value >= script.target
    good = good and all((row["score"] > 0.5) == (row["class"] == 1) for row in table)
    return {
        "data": run.splits.title,
        "seed": run.options.seed,
        "epochs": run.options.epochs,
        "interrupted_after_epochs": trained.interrupted_after,
        "task": script.task,
        "metric_name": task.metric,
        task.metric: value,
        "target": script.target,
        "target_is": "at most" if at_most else "at least",
        "judged_reached": good,
        "reached": good,
        "table": table,
        "train_s": trained.train_s,
        "train_cpu_s": trained.cpu_s,
        "curve": [epoch[task.metric] for epoch in trained.epochs],
        "by_epoch": trained.epochs,
        "said": [],
    }


def _finite(value: Any) -> Any:
    """Return `value` with None for numbers that JSON has no word for."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _score(run: _Run, trained: Trained, point: tuple[float, float]) -> float:
    """Return the first output for one input."""
    x = np.array([point], np.float32)
    return float(run.script.predict(run.tt, trained.model, x)[0, 0])


def _go_beyond(run: _Run, trained: Trained, facts: Facts) -> None:
    """Let the script show more, and keep what it says and returns in `facts`."""
    after = run.script.after
    if after is None:
        return

    def say(line: str) -> None:
        facts["said"].append(line)
        run.say([line])

    options = run.options
    finished = Finished(
        *(run.tt, trained.model, run.splits, options.seed, options.epochs),
        *(say, options.plot_dir),
    )
    facts["after"] = after(finished)
    facts["reached"] = facts["reached"] and facts["after"].get("reached", True)


def _options(script: Script, variants: dict[str, Script]) -> tuple[Script, Options]:
    parser = argparse.ArgumentParser(
        description=script.doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=0, help="of data and weights")
    parser.add_argument("--epochs", type=int, help="default: as many as were chosen")
    parser.add_argument("--json", action="store_true", help="one JSON line on stdout")
    parser.add_argument(
        "--plot", type=Path, metavar="DIR", help="write curves there, as SVG"
    )
    for name in variants:
        option = name.replace("_", "-")
        helping = f"the {option} variant"
        parser.add_argument(f"--{option}", action="store_true", help=helping)
    given = parser.parse_args()
    asked = [name for name in variants if getattr(given, name)]
    if len(asked) > 1:
        parser.error(f"one variant at a time, not {' and '.join(asked)}")
    chosen = variants[asked[0]] if asked else script
    epochs = chosen.epochs if given.epochs is None else given.epochs
    if given.seed < 0 or epochs < 1:
        parser.error("--seed is at least 0, --epochs at least 1")
    if given.plot is not None:
        try:  # now, not after minutes of training
            given.plot.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            parser.error(f"--plot: {exc}")
    return chosen, Options(given.seed, epochs, given.json, given.plot)
