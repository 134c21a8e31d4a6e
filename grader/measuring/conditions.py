"""Where a session ran, and what disturbed it: read by us, never by what is measured."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

import psutil

from grader.models.measure import ContainerLimits, Host, Tier

CGROUP: Final = Path("/sys/fs/cgroup")
LONGEST_CLASS: Final = 64
LONGEST_MODEL: Final = 44


def limits_here(cgroup: Path = CGROUP) -> ContainerLimits:
    """Return what this process and its children may use: of the cgroup, or all."""
    memory = _number(cgroup / "memory.max") or psutil.virtual_memory().total
    processes = _number(cgroup / "pids.max") or _number(
        Path("/proc/sys/kernel/pid_max")
    )
    return ContainerLimits(
        memory_bytes=min(memory, psutil.virtual_memory().total),
        processes=processes or ContainerLimits().processes,
        cpus=_quota(cgroup) or float(len(os.sched_getaffinity(0))),
    )


def host_class(host: Host, limits: ContainerLimits, tier: Tier = "none") -> str:
    """Return the class that a host is ranked in: processor model, cores and share.

    What was measured in our container is a class of its own.

    Example:
        "intel-xeon-processor-2.20ghz-2c", or "...-2c-q0.5" with half a core allowed,
        or "...-2c-q1-docker"
    """
    words = re.sub(r"\((r|tm)\)", "", host.cpu.lower())
    model = re.sub(r"[^a-z0-9.]+", "-", words).strip("-.")[:LONGEST_MODEL].strip("-.")
    cores = f"{model or 'unknown'}-{host.cores}c"
    less = f"-q{limits.cpus:g}" if limits.cpus < host.cores else ""
    where = "-docker" if tier == "docker" else ""
    return f"{cores}{less}"[: LONGEST_CLASS - len(where)] + where


def throttled_s(cgroup: Path = CGROUP) -> float:
    """Return how long the quota of this cgroup has stopped it so far; 0 without one."""
    for line in _text(cgroup / "cpu.stat").splitlines():
        name, _, value = line.partition(" ")
        if name == "throttled_usec":
            return int(value) / 1e6
    for line in _text(cgroup / "cpu" / "cpu.stat").splitlines():  # version 1
        name, _, value = line.partition(" ")
        if name == "throttled_time":
            return int(value) / 1e9
    return 0.0


def load() -> float:
    """Return the mean length of the run queue over the last minute."""
    return os.getloadavg()[0]


def is_loaded(before: float, cores: int) -> bool:
    """Return whether others worked on this host; one running process is ourselves."""
    return before > max(1.5, cores / 2)


def _quota(cgroup: Path) -> float:
    """Return how many processors the quota allows; 0 without one."""
    match _text(cgroup / "cpu.max").split():
        case [quota, period] if quota.isdigit() and int(period):
            return int(quota) / int(period)
        case _:
            return 0.0


def _number(path: Path) -> int:
    text = _text(path).strip()
    return int(text) if text.isdigit() else 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf8")
    except OSError:
        return ""
