"""Two sides of the comparison: `grader batch`, and plain pytest without a wall."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any, Final

from timed import Graded, Timed, timed

ROOT: Final = Path(__file__).resolve().parents[2]
GRADER: Final = (sys.executable, "-m", "grader.cli.main")


def ours(
    folder: Path, state: Path, executor: str, timeout_s: float
) -> dict[str, Graded]:
    """Grade all submissions in `folder` with one command and an empty store.

    What the command took beyond the gradings themselves (its start, reading, the
    store) is shared equally among the submissions.

    Args:
        timeout_s: for each submission; the command has as much for all together.
    """
    env = os.environ | {"GRADER_STATE": str(state), "OPENBLAS_NUM_THREADS": "1"}
    made = timed([*GRADER, "round", "new", "bench"], cwd=ROOT, env=env, timeout_s=60)
    assert made.exit_code == 0, made.stderr
    names = sorted(path.name for path in folder.iterdir())
    command = [*GRADER, "batch", str(folder), "--round", "bench", "--no-milestones"]
    options = ["--jobs", "1", "--executor", executor, "--format", "json"]
    most_s = timeout_s * len(names)
    done = timed([*command, *options], cwd=ROOT, env=env, timeout_s=most_s)
    if done.exit_code is None:
        each = Graded(done.wall_s / len(names), done.cpu_s / len(names), None, True)
        return dict.fromkeys(names, each)
    assert done.exit_code == 0, f"grader batch: exit {done.exit_code}\n{done.stderr}"
    rows = json.loads(done.stdout)
    reports = {row["student"]: _document(state, row["document"]) for row in rows}
    return shared(done, {n: reports[n] for n in names}, inside=executor == "local")


def shared(
    done: Timed, reports: dict[str, dict[str, Any]], *, inside: bool
) -> dict[str, Graded]:
    """Divide the cost of a batch among its submissions.

    Args:
        inside: the gradings ran as descendants of the command, so that its CPU time
            includes them; else an engine started them, and theirs comes on top.
    """
    own = {name: report["measurements"] for name, report in reports.items()}
    rest_cpu_s = done.cpu_s - (sum(m["cpu_s"] for m in own.values()) if inside else 0)
    rest_wall_s = done.wall_s - sum(m["wall_s"] for m in own.values())
    return {
        name: Graded(
            wall_s=own[name]["wall_s"] + rest_wall_s / len(own),
            cpu_s=own[name]["cpu_s"] + rest_cpu_s / len(own),
            passed=_passed(report),
            timed_out=False,
        )
        for name, report in reports.items()
    }


def _document(state: Path, digest: str) -> dict[str, Any]:
    name = digest.removeprefix("sha256:")
    path = state / "store" / "results" / name[:2] / f"{name}.json"
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def _passed(report: dict[str, Any]) -> int:
    checks = [c for m in report["verdict"]["modules"] for c in m["checks"]]
    return sum(check["outcome"]["kind"] == "passed" for check in checks)


def plain_pytest(submission: Path, scratch: Path, timeout_s: float) -> Graded:
    """Run the hidden checks in one process, with the reference beside the submission.

    The command of bench/isolation, and reference/checks/conftest.py as harness.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # Not the repository's own options, which make an error of every warning.
    options = [
        "-c",
        os.devnull,
        f"--rootdir={ROOT}",
        f"--basetemp={scratch / 'pytest'}",
    ]
    env = os.environ | {
        "TINYTORCH_PACKAGE": str(submission),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    done = timed(
        [*command, *options, str(ROOT / "reference" / "checks")],
        cwd=ROOT,
        env=env,
        timeout_s=timeout_s,
    )
    return done.graded(passed_of(done.stdout))


def passed_of(output: str) -> int | None:
    """Return the number of passed tests in pytest's last line, if it has one."""
    last = output.rstrip().rpartition("\n")[2]
    if not re.search(r"\b(passed|failed|errors?)\b.* in [\d.]+s", last):
        return None
    found = re.search(r"(\d+) passed", last)
    return int(found.group(1)) if found else 0
