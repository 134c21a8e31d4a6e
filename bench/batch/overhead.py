"""Tell where the time of one submission in a container goes.

Run from the root:
    python -m bench.batch.overhead --out bench/batch/overhead.json
Method: README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from unittest import mock

from bench.batch.run import ROOT
from grader import api
from grader.container.host import image_name
from grader.sandbox import docker
from grader.sandbox.docker import ContainerLimits, container_options

PYTHON: Final = ["python", "-s", "-P", "-c"]
# Steps of the program of the image, each timed by itself inside a container.
INSIDE: Final = """
import json, time
def cpu_s():  # of the whole container, in control groups of version 1 or 2
    try:
        return int(open("/sys/fs/cgroup/cpuacct/cpuacct.usage").read()) / 1e9
    except FileNotFoundError:
        with open("/sys/fs/cgroup/cpu.stat") as lines:
            return int(next(lines).split()[1]) / 1e6
marks = [("start", time.perf_counter(), 0.0)]
def mark(name):
    marks.append((name, time.perf_counter(), cpu_s()))
mark("interpreter")
from grader.config import find_home, load_course
from grader.container.inside import serve
mark("imports")
home = find_home()
course = load_course(home.course_file)
from grader.checks.suites import load_suites
load_suites(home.suites, course)
mark("collection")
from contextlib import ExitStack, closing
from grader.checks.runner import Oracle
from grader.pipeline import CEILING, reference_files
from grader.sandbox import Zygote, choose
from grader.sandbox.package import package_of
files = package_of(course, reference_files(home.reference / course.package))
wall = choose("uid", secrets=(home.reference,))
mark("wall chosen")
with ExitStack() as stack:
    zygotes = [stack.enter_context(Zygote(wall, files, memory=CEILING)) for _ in "ab"]
    mark("two zygotes")
    stack.enter_context(closing(Oracle(zygotes[0])))
    mark("oracle loaded")
    zygotes[1].compile(course.limits.load)
    mark("submission compiled")
mark("sandboxes ended")
steps = {}
for (_, wall_s, cpu), (name, later_s, more) in zip(marks, marks[1:]):
    steps[name] = {"wall_s": later_s - wall_s, "cpu_s": more - cpu}
print(json.dumps(steps))
"""


def timed(act: Callable[[], Any]) -> float:
    """Return the seconds that `act` takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def outside() -> dict[str, float]:
    """Time the engine's part: what does not depend on the judge."""
    with closing(docker.connect()) as client:
        options = container_options(ContainerLimits()) | {
            "image": image_name(),
            "entrypoint": [*PYTHON, "pass"],
        }
        found = {
            "sweep": timed(lambda: docker.remove_orphans(client)),
            "image looked up": timed(lambda: docker.image_id(image_name(), client)),
        }
        started = time.perf_counter()
        container = client.containers.create(**options)
        found["create"] = time.perf_counter() - started
        try:
            found["start"] = timed(container.start)
            found["interpreter"] = timed(container.wait)
        finally:
            found["remove"] = timed(lambda: container.remove(force=True))
    return found | {"connect": timed(lambda: docker.connect().close())}


def inside() -> dict[str, dict[str, float]]:
    """Time the steps of the judge in a container of the usual wall."""
    with closing(docker.connect()) as client:
        options = container_options(ContainerLimits()) | {
            "image": image_name(),
            "entrypoint": [*PYTHON, INSIDE],
            "log_config": None,
        }
        container = client.containers.create(**options)
        try:
            container.start()
            container.wait()
            steps: dict[str, dict[str, float]] = json.loads(
                container.logs(stderr=False)
            )
        finally:
            container.remove(force=True)
    return steps


def whole(modules: tuple[str, ...]) -> dict[str, float]:
    """Grade the reference as a batch would; return what report and clock say."""
    options = api.GradeOptions(
        sandbox="docker", modules=modules, milestones=(), demo=True
    )
    started = time.perf_counter()
    report = api.grade(str(ROOT / "reference"), options)
    measured = report.measurements
    return {
        "total_s": time.perf_counter() - started,
        "judge_s": measured.wall_s,
        "judge_cpu_s": measured.cpu_s,
        "checks_s": sum(check.wall_s for check in measured.checks),
        "checks_cpu_s": sum(check.cpu_s for check in measured.checks),
    }


def medians(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each name, also of names within names."""
    return {
        name: medians([row[name] for row in rows])
        if isinstance(rows[0][name], dict)
        else round(statistics.median(row[name] for row in rows), 4)
        for name in rows[0]
    }


def main() -> None:
    """Measure in turns, so that a busy moment does not hit one part alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[], help="modules; default: all")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    parts: dict[str, list[Any]] = {
        name: [] for name in ("engine_s", "judge", "grading")
    }
    before = os.getloadavg()[0]
    with mock.patch.dict(os.environ, {"OPENBLAS_NUM_THREADS": "1"}):
        for _ in range(asked.rounds):
            parts["engine_s"].append(outside())
            parts["judge"].append(inside())
            parts["grading"].append(whole(tuple(asked.only)))
    results = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": before,
        "load_after": os.getloadavg()[0],
        "rounds": asked.rounds,
        "image": image_name(),
        "modules": asked.only or "all",
        "medians": {name: medians(rows) for name, rows in parts.items()},
    }
    print(json.dumps(results, indent=1))
    if asked.out:
        asked.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
