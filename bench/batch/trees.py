"""What one submission costs in several checkouts of this repository, by turns.

The second grading of a process is measured, as a batch's worker does most of them: the
reference on all hidden checks, without milestones, with recorded answers where the
checkout knows them. CPU seconds of the judge and of both sandboxes. Method: README.md.

Run:    python bench/batch/trees.py --rounds 3 before=/path/to/one after=.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

GRADING = """
import dataclasses, json, sys, time
from pathlib import Path
from grader import pipeline, rounds
from grader.config import find_home, load_course
from grader.models.submission import Submission
from grader.sandbox import choose

home = find_home(Path(sys.argv[1]))
course = load_course(home.course_file)
files = pipeline.reference_files(home.reference / course.package)
submission = Submission(label="r", digest=pipeline.digest_of(files), files=files)
chosen = rounds.demo_round()
job = pipeline.Job(home, course, chosen, "quick", choose("auto"), milestones=())
if sys.argv[2] == "recorded" and hasattr(pipeline, "record_answers"):
    from grader.checks.recording import unseal
    data, _ = pipeline.record_answers(job)
    answers = lambda basis: unseal(data, basis, chosen.secret)
    job = dataclasses.replace(job, answers=answers)
pipeline.grade(submission, job)
started_s = time.process_time()
report = pipeline.grade(submission, job)
judge_s = time.process_time() - started_s
print(json.dumps({"judge": judge_s, "all": report.measurements.cpu_s}))
"""


def grading(tree: Path, mode: str) -> dict[str, float]:
    """Return CPU seconds of one grading in a fresh interpreter."""
    env = os.environ | {"PYTHONPATH": str(tree), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", GRADING, str(tree), mode],
        cwd=tree,
        env=env,
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure by turns; print smallest and median of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("trees", nargs="+", help="name=folder, or name=folder:live")
    asked = parser.parse_args()
    seen: dict[str, list[dict[str, float]]] = {}
    for _ in range(asked.rounds):
        for tree in asked.trees:
            name, folder = tree.split("=", 1)
            folder, _, mode = folder.partition(":")
            one = grading(Path(folder).resolve(), mode or "recorded")
            seen.setdefault(name, []).append(one)
    for name, runs in seen.items():
        for part in ("judge", "all"):
            values = [run[part] for run in runs]
            told = {"min": min(values), "median": statistics.median(values)}
            print(json.dumps({"tree": name, "cpu_s": part} | told))


if __name__ == "__main__":
    main()
