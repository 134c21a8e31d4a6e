"""Time and memory of a process tree, read from outside, in /proc.

CPU seconds are those of all members that are not idle, of the children they collected,
and of the dead that nobody has; members' own clocks have nanoseconds (the ticks of
/proc have 10 ms). Memory is the sum of resident set sizes above the data of the zygote,
and every member's own high-water mark.
"""

from __future__ import annotations

import time

from grader.models.measure import Limits, Sample, Usage
from grader.models.outcome import Limit
from grader.sandbox.endings import LimitHit, Starved
from grader.sandbox.tree import (
    Tree,
    busy_s,
    cpu_s,
    peak_rss_bytes,
    rss_bytes,
    threads,
    waited_s,
)

MAX_SAMPLES = 240  # of a curve; halved when full, so that any run fits a report
STARVING = "the host had no CPU time to give"
STARVED = 0.5  # share of the wall time spent ready to run but not running


def own_cpu_s(pid: int) -> float:
    """Return what the process's own clock says; 0 where it is gone."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def _starved(busy: set[int], wall_s: float) -> bool:
    """Return whether the host left a run without CPU.

    Only a run of one thread can say so: several compete with each other.
    """
    if sum(map(threads, busy)) != 1:
        return False
    return max(map(waited_s, busy)) > STARVED * wall_s


class Meter:
    """Watches everything below one zygote for the length of one run."""

    def __init__(self, tree: Tree, baseline_rss_bytes: int) -> None:
        self.tree = tree
        self.baseline_rss_bytes = baseline_rss_bytes
        self._idle: set[int] = set()
        self.limits = Limits()
        self._watched: dict[int, tuple[float, int]] = {}
        self._start = 0.0
        self.peak_rss_bytes = 0
        self.curve: list[Sample] = []
        self._stride = self._skipped = 0
        self._judge_s = self._waited_s = 0.0

    def start(
        self, limits: Limits, idle: set[int], watched: frozenset[int] = frozenset()
    ) -> None:
        """Begin a run.

        Args:
            idle: members that only wait, and do not count.
            watched: those of them that could do otherwise: what they use more than now
                counts too.
        """
        self.limits, self._idle = limits, idle
        self._watched = {p: (own_cpu_s(p), self._rss_bytes(p)) for p in watched}
        self._start = time.monotonic()
        self.peak_rss_bytes, self.curve = 0, []
        self._stride, self._skipped = 1, 0
        self._judge_s, self._waited_s = busy_s(), 0.0

    def excuse(self, wall_s: float) -> None:
        """Do not count time that the judge took for itself while the run waited."""
        self._start += wall_s

    def sample(self) -> Sample:
        """Read the tree once.

        Raises:
            LimitHit: a limit is reached; the caller kills.
            Starved: the wall limit is reached because the host gave no CPU.
        """
        busy = self.tree.pids() - self._idle
        self._waited_s = max([self._waited_s, *map(waited_s, busy)])
        rss = sum(self._rss_bytes(pid) for pid in busy)
        rss += sum(
            max(0, self._rss_bytes(p) - zero) for p, (_, zero) in self._watched.items()
        )
        sample = Sample(
            wall_s=time.monotonic() - self._start,
            cpu_s=self._spent_s(busy),
            rss_bytes=rss,
        )
        self.peak_rss_bytes = max(self.peak_rss_bytes, rss)
        self._keep(sample)
        self._judge(sample, busy)
        return sample

    def _judge(self, sample: Sample, busy: set[int]) -> None:
        limits = self.limits
        if hit := self._over(sample.cpu_s, self.peak_rss_bytes):
            raise hit
        if len(busy) > limits.processes:
            raise LimitHit(Limit.PROCESSES, f"{limits.processes} processes")
        if sample.wall_s > limits.wall_s:
            if _starved(busy, sample.wall_s):
                raise Starved(STARVING)
            raise LimitHit(Limit.WALL, f"{limits.wall_s:g} s of wall time")

    def _over(self, cpu_s: float, peak_rss_bytes: int) -> LimitHit | None:
        limits = self.limits
        if cpu_s > limits.cpu_s:
            return LimitHit(Limit.CPU, f"{limits.cpu_s:g} s of CPU time")
        if peak_rss_bytes > limits.memory_bytes:
            return LimitHit(Limit.MEMORY, f"{limits.memory_bytes / 2**20:.0f} MiB")
        return None

    def finish(self) -> Usage:
        """Return what the run used; call before its process is gone."""
        busy = self.tree.pids() - self._idle
        # Not their sum: the marks of two processes may be of different moments.
        high = max(map(self._high_water_bytes, busy), default=0)
        return Usage(
            cpu_s=self._spent_s(busy),
            wall_s=time.monotonic() - self._start,
            peak_rss_bytes=max(self.peak_rss_bytes, high),
            curve=tuple(self.curve),
        )

    def over(self, usage: Usage) -> LimitHit | None:
        """Return the limit that a finished run passed after the last sample, if any."""
        return self._over(usage.cpu_s, usage.peak_rss_bytes)

    def idle_s(self, usage: Usage) -> float:
        """Return how long a finished run slept of its own accord, in seconds.

        What it was ready to run, what the judge worked and what the judge itself was
        ready to run does not count: a busy host is no fault of a submission.
        """
        judge_s = busy_s() - self._judge_s
        return max(0.0, usage.wall_s - usage.cpu_s - self._waited_s - judge_s)

    def spent_s(self) -> float:
        """Return the CPU seconds of the run so far."""
        return self._spent_s(self.tree.pids() - self._idle)

    def _spent_s(self, busy: set[int]) -> float:
        more = (own_cpu_s(p) - zero for p, (zero, _) in self._watched.items())
        return self.cpu_s(busy) + sum(max(0.0, m) for m in more)

    def _keep(self, sample: Sample) -> None:
        self._skipped += 1
        if self._skipped < self._stride:
            return
        self._skipped = 0
        self.curve.append(sample)
        if len(self.curve) >= MAX_SAMPLES:
            self.curve = self.curve[::2]
            self._stride *= 2

    def cpu_s(self, pids: set[int]) -> float:
        """Return the CPU seconds of `pids` and of the children they collected."""
        return sum(self._one_cpu_s(pid) for pid in pids)

    def _one_cpu_s(self, pid: int) -> float:
        own, children = cpu_s(pid)
        return (own_cpu_s(pid) or own) + children

    def _rss_bytes(self, pid: int) -> int:
        return max(0, rss_bytes(pid) - self.baseline_rss_bytes)

    def _high_water_bytes(self, pid: int) -> int:
        return max(0, peak_rss_bytes(pid) - self.baseline_rss_bytes)
