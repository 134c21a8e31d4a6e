"""Run one command to its end or its timeout, and account for all it started.

Linux only: orphans of the command are adopted, so that their CPU time is counted and
none of them outlives the measurement.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from grader.agent.confine import PR_SET_CHILD_SUBREAPER, prctl

# For what a command leaves to end by itself: a sandbox, or one already killed.
PATIENCE_S: Final = 5.0
KILLED_PATIENCE_S: Final = 0.5


class Graded(NamedTuple):
    """What one submission cost, and how many checks passed (None: no result)."""

    wall_s: float
    cpu_s: float
    passed: int | None
    timed_out: bool


@dataclass(frozen=True)
class Timed:
    """One finished command; `cpu_s` includes all descendants."""

    wall_s: float
    cpu_s: float
    exit_code: int | None  # None: killed at the timeout
    killed: int  # processes that outlived the command, and were killed
    stdout: str
    stderr: str

    def graded(self, passed: int | None) -> Graded:
        """Return the cost of the command as that of one submission."""
        return Graded(self.wall_s, self.cpu_s, passed, self.exit_code is None)


def timed(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float,
) -> Timed:
    """Run `command` and wait until nothing is left of it."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    others = {p.pid for p in psutil.Process().children()}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        before_s, start = _children_cpu_s(), time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdout=out, stderr=err, start_new_session=True
        )
        code: int | None = None
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        wall_s = time.perf_counter() - start
        killed = _settle(others, KILLED_PATIENCE_S if code is None else PATIENCE_S)
        cpu_s = _children_cpu_s() - before_s
        out.seek(0)
        err.seek(0)
        return Timed(wall_s, cpu_s, code, killed, out.read(), err.read())


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _settle(others: set[int], patience_s: float) -> int:
    """Wait for orphans, kill those that stay; return how many were killed."""
    killed = 0
    while left := [p for p in psutil.Process().children() if p.pid not in others]:
        _, staying = psutil.wait_procs(left, timeout=patience_s)
        for process in staying:  # its children fall to us, and are next
            process.kill()
            process.wait()
        killed += len(staying)
    return killed
