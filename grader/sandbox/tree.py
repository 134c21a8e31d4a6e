"""Find the processes below one root in /proc.

A process cannot leave the tree: orphans fall to the zygote, which is a subreaper, or to
process 1 of their namespace, which is in the tree too.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

ROOTS = frozenset({1, 2})  # init and the kernel's threads have no parent
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
ENOUGH = 1 << 16  # bytes; all that is read here is smaller


class Tree:
    """The processes below `root`, itself included."""

    def __init__(self, root: int) -> None:
        self.root = root
        self._foreign: set[int] = set()  # seen outside; nobody moves into a tree
        # The kernel's own lists of children, where it was built with them.
        self._listed = Path(f"/proc/self/task/{os.getpid()}/children").exists()

    def pids(self) -> set[int]:
        """Return the pids of all living and undead members.

        Quick, and right unless a member forks or dies at this very moment; `kill`,
        which must miss nobody, scans all of /proc instead.
        """
        if not self._listed:
            return self.scan()
        members: set[int] = set()
        fresh = [self.root]
        while fresh:
            pid = fresh.pop()
            try:
                tasks = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 -- hot
            except (FileNotFoundError, ProcessLookupError):
                continue
            members.add(pid)
            for task in tasks:
                children = _read(f"/proc/{pid}/task/{task}/children").split()
                fresh += [p for p in map(int, children) if p not in members]
        return members

    def scan(self) -> set[int]:
        """Return the same by reading every process of the system for its parent."""
        listed = {int(name) for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208
        self._foreign &= listed
        parents = {pid: _parent(pid) for pid in listed - self._foreign}
        members = {self.root} & listed
        fresh = set(members)
        while fresh:
            fresh = {p for p, parent in parents.items() if parent in fresh} - members
            members |= fresh
        self._foreign |= {
            p for p in parents.keys() - members if self._is_foreign(p, parents)
        }
        return members

    def _is_foreign(self, pid: int, parents: dict[int, int]) -> bool:
        """Say yes only where every ancestor was read: a parent may die mid-scan."""
        for _ in range(len(parents) + 1):
            if pid in self._foreign or pid in ROOTS:
                return True
            pid = parents.get(pid, 0)
        return False

    def living(self, pids: set[int]) -> set[int]:
        """Return those of `pids` that are not zombies."""
        return {pid for pid in pids if not is_zombie(pid)}

    def kill(self, keep: set[int], *, within_s: float) -> bool:
        """Kill all members outside `keep`; return whether none is left."""
        end = time.monotonic() + within_s
        while doomed := self.living(self.scan() - keep):
            for pid in doomed:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            if time.monotonic() > end:
                return False
            time.sleep(0.001)
        return True


def _read(path: str) -> bytes:
    """Return a file of /proc; empty if its process is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        return b""
    try:
        return os.read(descriptor, ENOUGH)
    except ProcessLookupError:
        return b""
    finally:
        os.close(descriptor)


def _stat(pid: int) -> list[bytes]:
    """Return the fields of /proc/PID/stat after the name; empty if it is gone."""
    text = _read(f"/proc/{pid}/stat")
    return text[text.rfind(b")") + 2 :].split() if text else []


def _parent(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def is_zombie(pid: int) -> bool:
    """Return whether the process is dead but not collected, or gone."""
    fields = _stat(pid)
    return not fields or fields[0] in {b"Z", b"X"}


def threads(pid: int) -> int:
    """Return how many threads the process has; 0 if it is gone."""
    fields = _stat(pid)
    return int(fields[17]) if fields else 0


def cpu_s(pid: int) -> tuple[float, float]:
    """Return CPU seconds in ticks: its own, and those of children it collected."""
    fields = _stat(pid)
    if not fields:
        return 0.0, 0.0
    user, system, children_user, children_system = map(int, fields[11:15])
    return (user + system) / TICKS, (children_user + children_system) / TICKS


def rss_bytes(pid: int) -> int:
    """Return the resident set of the process; 0 if it is gone."""
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * PAGE_BYTES if fields else 0


def waited_s(pid: int) -> float:
    """Return how long the process was ready but got no CPU, in seconds."""
    fields = _read(f"/proc/{pid}/schedstat").split()
    return int(fields[1]) / 1e9 if fields else 0.0


def busy_s() -> float:
    """Return how long this process ran, or was ready to and got no CPU, in seconds."""
    fields = _read("/proc/self/schedstat").split()
    return (int(fields[0]) + int(fields[1])) / 1e9 if fields else 0.0


def peak_rss_bytes(pid: int) -> int:
    """Return the largest resident set the process ever had; 0 if it is gone."""
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith(b"VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
