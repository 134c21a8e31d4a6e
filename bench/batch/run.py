"""Time `grader batch` on a made class, and tell where the time goes.

Run from the root:
    python bench/batch/run.py --count 200 --jobs 1 2 --out bench/batch/results.json
Method: README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np

from grader.store import Store

ROOT: Final = Path(__file__).resolve().parents[2]
REFERENCE: Final = ROOT / "reference" / "tinytorch"
TEMPLATE: Final = ROOT / "student_template" / "tinytorch"
HOSTILE: Final = {
    "spins": "def system_info():\n    while True:\n        pass\n",
    "ends": "import os\nos._exit(3)\n",
    "hoards": "x = bytearray(8 << 30)\n",
}
# Of every twenty: complete, partial, with one mistake, hostile.
MIX: Final = ("complete",) * 8 + ("partial",) * 6 + ("wrong",) * 5 + ("hostile",)


def make_class(folder: Path, count: int, seed: int) -> dict[str, int]:
    """Write `count` submissions into `folder`; return how many of each kind."""
    rng = np.random.default_rng(seed)
    modules = tomllib.loads((ROOT / "course.toml").read_text())["modules"]
    mistakes = edits()
    made: dict[str, int] = dict.fromkeys(MIX, 0)
    for number in range(count):
        kind = MIX[number % len(MIX)]
        made[kind] += 1
        package = folder / f"s{number:03d}" / "tinytorch"
        source = TEMPLATE if kind == "partial" else REFERENCE
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, package, ignore=ignored)
        if kind == "partial":
            done = int(rng.integers(1, len(modules)))
            for module in modules[:done]:
                shutil.copy(REFERENCE / module["file"], package / module["file"])
            for helper in REFERENCE.glob("*kernels.py"):
                shutil.copy(helper, package / helper.name)
            shutil.copy(REFERENCE / "rowwise.py", package / "rowwise.py")
        elif kind == "wrong":
            edit = mistakes[int(rng.integers(len(mistakes)))]
            path = package / edit["file"]
            path.write_text(path.read_text().replace(edit["old"], edit["new"], 1))
        elif kind == "hostile":
            name = sorted(HOSTILE)[number // len(MIX) % len(HOSTILE)]
            (package / "setup.py").write_text(HOSTILE[name])
    return made


def edits() -> list[dict[str, str]]:
    """Return the named mistakes of all modules that change one place."""
    found = []
    for path in sorted((ROOT / "reference" / "mutants").glob("[0-9]*.toml")):
        found += [e for e in tomllib.loads(path.read_text())["edits"] if "old" in e]
    return found


def ask_live(state: Path) -> None:
    """Leave no place for recorded answers: a file is where their folder would be."""
    state.mkdir(parents=True, exist_ok=True)
    (state / "oracle").touch()


def sandbox_cpu_s(state: Path) -> float:
    """Return the CPU seconds of all gradings in a store, sandboxes included."""
    stored = Store.open(state / "store")
    try:
        return sum(s.report.measurements.cpu_s for s in stored.reports())
    finally:
        stored.close()


def batch(folder: Path, state: Path, jobs: int, executor: str) -> dict[str, Any]:
    """Run the batch once; return times and what came of it."""
    env = os.environ | {"GRADER_STATE": str(state), "OPENBLAS_NUM_THREADS": "1"}
    grader = [sys.executable, "-m", "grader.cli.main"]
    if not (state / "rounds").exists():
        subprocess.run([*grader, "round", "new", "bench"], env=env, check=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    command = [*grader, "batch", str(folder), "--round", "bench", "--no-milestones"]
    options = ["--jobs", str(jobs), "--executor", executor, "--format", "json"]
    done = subprocess.run(
        [*command, *options],
        env=env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=False,
    )
    wall_s = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rows = json.loads(done.stdout)
    states = [row["state"] for row in rows]
    return {
        "jobs": jobs,
        "executor": executor,
        "exit_code": done.returncode,
        "wall_s": wall_s,
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "gradings_cpu_s": sandbox_cpu_s(state),
        "submissions_a_minute": 60 * len(rows) / wall_s,
        "states": {state: states.count(state) for state in sorted(set(states))},
        "mean_score": float(np.mean([row["earned"] or 0.0 for row in rows])),
    }


def main() -> None:
    """Time the batch for each number of workers, then once more with nothing to do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--executor", choices=["local", "docker"], default="local")
    modes = ["recorded", "live"]
    parser.add_argument("--oracle", choices=modes, nargs="+", default=modes[:1])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    results: dict[str, Any] = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg()[0],
        "runs": [],
    }
    with tempfile.TemporaryDirectory(prefix="bench-batch-") as name:
        folder = Path(name) / "class"
        results["kinds"] = make_class(folder, asked.count, asked.seed)
        for turn, jobs, oracle in product(
            range(asked.rounds), asked.jobs, asked.oracle
        ):
            state = Path(name) / f"state-{turn}-{jobs}-{oracle}"
            if oracle == "live":
                ask_live(state)
            for again in (False, True):
                run = batch(folder, state, jobs, asked.executor)
                run |= {"oracle": oracle, "again": again}
                results["runs"].append(run)
                print(json.dumps(run), flush=True)
    results["load_after"] = os.getloadavg()[0]
    if asked.out:
        asked.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
