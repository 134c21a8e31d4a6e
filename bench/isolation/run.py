"""What the wall costs: the same hidden checks in-process and through the sandbox.

Whole commands in processes of their own, interleaved, on the reference: in-process with
pytest, in-process as bare function calls, and through the wall. README.md has the
method. Prints one JSON document.

Run:    python bench/isolation/run.py --rounds 7 > bench/isolation/results.json
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]

WALLED = """
import json, sys, time
from pathlib import Path
from grader import pipeline, rounds
from grader.config import find_home, load_course
from grader.models.submission import Submission
from grader.sandbox import choose

home = find_home(Path({root!r}))
course = load_course(home.course_file)
files = pipeline.reference_files(home.reference / course.package)
submission = Submission(label="r", digest=pipeline.digest_of(files), files=files)
wall = choose({sandbox!r})
job = pipeline.Job(home, course, rounds.demo_round(), "quick", wall, milestones=())
before_s = time.process_time()
report = pipeline.grade(submission, job)
checks = [c for m in report.verdict.modules for c in m.checks]
failed = [c.id for c in checks if c.outcome.kind != "passed"]
print(json.dumps(dict(
    cpu_s=before_s + report.measurements.cpu_s, checks=len(checks),
    failed=failed, tier=wall.isolation.tier, wall_s=report.measurements.wall_s,
    each_wall_s=[c.wall_s for c in report.measurements.checks],
)))
"""

BARE = """
import json, sys, time, hashlib
from pathlib import Path
import numpy as np
sys.path.insert(0, {reference!r})
import tinytorch
from grader.checks.suites import load_suites
from grader.checks.runner import seed_of
from grader.config import find_home, load_course
from grader import rounds

home = find_home(Path({root!r}))
course = load_course(home.course_file)
suites = load_suites(home.suites, course)
secret = rounds.demo_round().secret
start, each = time.process_time(), []
for check in suites.checks:
    begin = time.perf_counter()
    given = dict(check.parameters)
    for name in check.fixtures:
        given[name] = (
            np.random.default_rng(seed_of(secret, check.id))
            if name == "rng" else tinytorch
        )
    np.random.seed(0)
    check.function(**given)
    each.append(time.perf_counter() - begin)
print(json.dumps(dict(
    own_s=time.process_time(), loop_s=time.process_time() - start,
    checks=len(suites.checks), each_wall_s=each,
)))
"""


def run(program: str) -> dict[str, Any]:
    """Run one program in a fresh interpreter and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def run_pytest() -> float:
    """Run the suites in-process with pytest; return the CPU seconds of the command."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [*command, "-p", "no:xdist", str(ROOT / "reference" / "checks")],
        cwd=ROOT,
        capture_output=True,
        check=True,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Run rounds of all three, print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sandbox", default="auto")
    options = parser.parse_args()
    walled = WALLED.format(root=str(ROOT), sandbox=options.sandbox)
    bare = BARE.format(root=str(ROOT), reference=str(ROOT / "reference"))
    rounds = [
        Round(run_pytest(), run(bare), run(walled)) for _ in range(options.rounds)
    ]
    print(json.dumps(summary(rounds), indent=1))


class Round(NamedTuple):
    """One measurement of each of the three."""

    pytest_cpu_s: float
    bare: dict[str, Any]
    walled: dict[str, Any]


def summary(rounds: list[Round]) -> dict[str, Any]:
    """Return ratios of CPU seconds and what a check costs more, in milliseconds."""
    against_pytest = [r.walled["cpu_s"] / r.pytest_cpu_s for r in rounds]
    against_bare = [r.walled["cpu_s"] / r.bare["own_s"] for r in rounds]
    added = [added_ms(r) for r in rounds]
    first = rounds[0].walled
    return {
        "when": time.strftime("%Y-%m-%d"),
        "checks": first["checks"],
        "failed": first["failed"],
        "tier": first["tier"],
        "load": os.getloadavg()[0],
        "pytest_cpu_s": [round(r.pytest_cpu_s, 3) for r in rounds],
        "bare_cpu_s": [round(r.bare["own_s"], 3) for r in rounds],
        "walled_cpu_s": [round(r.walled["cpu_s"], 3) for r in rounds],
        "ratio_to_pytest_median": round(statistics.median(against_pytest), 3),
        "ratio_to_bare_median": round(statistics.median(against_bare), 3),
        "added_wall_ms_a_check_median": round(statistics.median(added), 2),
        "added_wall_ms_a_check": [round(a, 2) for a in added],
    }


def added_ms(r: Round) -> float:
    """Return the median over the checks of what one takes longer behind the wall."""
    each = zip(r.bare["each_wall_s"], r.walled["each_wall_s"], strict=True)
    return 1000 * statistics.median(walled - bare for bare, walled in each)


if __name__ == "__main__":
    main()
