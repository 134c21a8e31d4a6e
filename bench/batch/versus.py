"""Submissions a minute: `grader batch`, otter-grader's `otter run`, and plain pytest.

Run from the root, on a quiet machine:
    python bench/batch/versus.py --out bench/batch/versus.json
Method, and how otter-grader is installed: README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import otter_side
from figures import rows, summary
from run import HOSTILE, MIX, TEMPLATE, make_class
from sides import ours, plain_pytest
from timed import Graded

# One submission by one tool: (folder of the package, scratch folder, timeout_s).
Inside = Callable[[Path, Path, float], Graded]

INSTALL: Final = "the two commands under `otter-grader` in bench/batch/README.md"
# Nothing is written but this: whatever judges in the same process passes everything.
CLAIMS: Final = """\
import sys

for name, owner, judge in (
    ("otter_harness", None, "check"),
    ("_pytest.python", "Function", "runtest"),
):
    if module := sys.modules.get(name):
        setattr(getattr(module, owner) if owner else module, judge, lambda *_: None)
"""
NO_LIMIT: Final = "left out: takes 8 GiB of the machine, which nothing would stop"


def choose(folder: Path, count: int, seed: int) -> dict[str, str]:
    """Make a class; keep `count` to compare and one hostile submission of each kind.

    Every second submission of the class is compared: four complete, three partial and
    three wrong of ten. The hostile ones stand at odd places; one more, "claims", is an
    untouched template that replaces the judge.

    Returns:
        submission -> kind of those in `folder`/compared; the hostile ones are in
        `folder`/hostile.
    """
    made = folder / "class"
    make_class(made, max(2 * count, len(HOSTILE) * len(MIX)), seed)
    kinds = {f"s{n:03d}": MIX[n % len(MIX)] for n in range(0, 2 * count, 2)}
    assert "hostile" not in kinds.values()
    for name in kinds:
        _move(made / name, folder / "compared" / name)
    for place, name in enumerate(sorted(HOSTILE)):
        number = place * len(MIX) + MIX.index("hostile")
        _move(made / f"s{number:03d}", folder / "hostile" / name)
    claims = folder / "hostile" / "claims" / "tinytorch"
    shutil.copytree(TEMPLATE, claims)
    (claims / "setup.py").write_text(CLAIMS)
    return kinds


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    shutil.move(source, target)


def one_round(
    folder: Path,
    executors: Sequence[str],
    inside: Mapping[str, Inside],
    timeout_s: float,
    turn: int = 0,
) -> dict[str, dict[str, Graded]]:
    """Grade all submissions in `folder` with every tool.

    A batch is one command; the others take turns submission by submission. Who begins
    changes from round to round.
    """
    found: dict[str, dict[str, Graded]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-versus-") as name:
        scratch = Path(name)

        def batches() -> None:
            for executor in executors:
                state = scratch / f"state-{executor}"
                found[f"ours_{executor}"] = ours(folder, state, executor, timeout_s)

        def others() -> None:
            found.update({tool: {} for tool in inside})
            for place, package in enumerate(sorted(folder.iterdir())):
                for tool in _turned(inside, place + turn):
                    cost = inside[tool](package, scratch, timeout_s)
                    found[tool][package.name] = cost

        for part in _turned([batches, others], turn):
            part()
    return found


def _turned(things: Iterable[Any], by: int) -> list[Any]:
    """Return `things`, beginning with another one each time."""
    listed = list(things)
    by %= max(1, len(listed))
    return listed[by:] + listed[:by]


def hostile(
    folder: Path, executors: Sequence[str], inside: Mapping[str, Inside], most_s: float
) -> dict[str, Any]:
    """Return what every tool made of each hostile submission, once."""
    spared = folder / "inside"
    shutil.copytree(folder / "hostile", spared)
    shutil.rmtree(spared / "hoards")
    walled = one_round(folder / "hostile", executors, {}, most_s)
    bare = one_round(spared, [], inside, most_s)
    told: dict[str, Any] = {}
    for tool, graded in (walled | bare).items():
        told[tool] = {name: _told(g) for name, g in sorted(graded.items())}
        if "hoards" not in graded:
            told[tool]["hoards"] = NO_LIMIT
    return told


def _told(graded: Graded) -> dict[str, Any]:
    ended = "graded" if graded.passed is not None else "no result"
    return {
        "ended": "timeout" if graded.timed_out else ended,
        "passed": graded.passed,
        "wall_s": round(graded.wall_s, 2),
        "cpu_s": round(graded.cpu_s, 2),
    }


def options() -> argparse.Namespace:
    """Return what was asked on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10, help="submissions")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--docker", action="store_true", help="measure it too")
    parser.add_argument("--otter", type=Path, default=otter_side.OTTER)
    parser.add_argument("--timeout-s", type=float, default=60.0, help="a submission")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def main() -> None:
    """Measure all tools in turn; print one JSON document."""
    asked = options()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # all commands inherit it
    with tempfile.TemporaryDirectory(prefix="bench-class-") as name:
        results = measure(asked, Path(name))
    print(json.dumps(results, indent=1))


def measure(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return the whole document, written after every round; `folder` is empty, ours."""
    kinds = choose(folder, asked.count, asked.seed)
    nodes = otter_side.collect()
    executors = ["local", "docker"] if asked.docker else ["local"]
    inside: dict[str, Inside] = {"pytest": plain_pytest}
    results: dict[str, Any] = setting(asked) | {"checks": len(nodes)}
    results["otter"] = otter_state(asked.otter)
    if results["otter"]["measured"]:
        zipped = otter_side.generate(asked.otter, nodes, folder / "otter")
        inside["otter"] = partial(otter_side.run, asked.otter, zipped)
    rounds: list[dict[str, dict[str, Graded]]] = []
    results["load_before_each_round"] = loads = []
    for turn in range(asked.rounds):
        loads.append(os.getloadavg()[0])
        compared = folder / "compared"
        found = one_round(compared, executors, inside, asked.timeout_s, turn)
        rounds.append(found)
        results |= {"rounds": len(rounds)} | summary(rounds)
        results["submissions"] = rows(rounds, kinds)
        _write(results, asked.out)
        print(f"round {turn + 1} of {asked.rounds} is done", file=sys.stderr)
    results["hostile"] = hostile(folder, executors, inside, asked.timeout_s)
    results["load_after"] = os.getloadavg()[0]
    _write(results, asked.out)
    return results


def _write(results: Mapping[str, Any], out: Path | None) -> None:
    if out:
        out.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n")


def setting(asked: argparse.Namespace) -> dict[str, Any]:
    """Return where and how this was measured."""
    return {
        "when": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "cores_used": len(os.sched_getaffinity(0)),
        "timeout_s": asked.timeout_s,
        "docker": {"measured": asked.docker} | ({} if asked.docker else NOT_ASKED),
    }


NOT_ASKED: Final = {"why": "not asked for; --docker measures it"}


def otter_state(otter: Path) -> dict[str, Any]:
    """Return the versions of otter and its numpy, or why it is not measured."""
    if otter.exists():
        return {"measured": True, **otter_side.version(otter)}
    why = f"no otter-grader at {otter}; install it with {INSTALL}"
    print(why, file=sys.stderr)
    return {"measured": False, "why": why}


if __name__ == "__main__":
    main()
