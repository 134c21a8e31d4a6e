"""What the benchmarks share that train one milestone once."""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from grader.datasets import DataSet


def parser(description: str | None, *flags: str) -> argparse.ArgumentParser:
    """Return the options of a run; `flags` are those of its own."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--seed", type=int, default=0)
    for flag in (*flags, "--choose"):
        made.add_argument(flag, action="store_true")
    made.add_argument("--epochs", type=int, help="default: the script's")
    made.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE")
    made.add_argument("--out", type=Path)
    return made


def change(script: Any, settings: list[str]) -> None:
    """Set constants of a script; each keeps its type."""
    for setting in settings:
        name, _, value = setting.partition("=")
        setattr(script, name, type(getattr(script, name))(json.loads(value)))


def matmul_s() -> float:
    """Return the best time of a product of 1024 x 1024 matrices; 21 ms is standard."""
    a = np.random.default_rng(0).random((1024, 1024), dtype=np.float32)
    times = []
    for _ in range(20):
        start = time.process_time()
        a @ a
        times.append(time.process_time() - start)
    return min(times)


def provenance(data: DataSet) -> dict[str, Any]:
    """Return what a run rests on, and how busy the machine is."""
    return {
        "digest": data.digest,
        "origin": data.origin,
        "load_average": os.getloadavg()[0],
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def report(run: Callable[[Any], dict[str, Any]], asked: argparse.Namespace) -> None:
    """Run once, print, and add the run to the list in a file where asked."""
    facts = run(asked)
    print(json.dumps(facts, indent=1))
    if asked.out:
        runs = json.loads(asked.out.read_text()) if asked.out.exists() else []
        asked.out.write_text(json.dumps([*runs, facts], indent=1) + "\n")
