"""Find the processes below one root, by a scan of /proc.

A process cannot leave the tree: orphans fall to the zygote, which is a subreaper, or to
process 1 of their namespace, which is in the tree too.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

ROOTS = frozenset({1, 2})  # init and the kernel's threads have no parent


class Tree:
    """The processes below `root`, itself included."""

    def __init__(self, root: int) -> None:
        self.root = root
        self._foreign: set[int] = set()  # seen outside; nobody moves into a tree

    def pids(self) -> set[int]:
        """Return the pids of all living and undead members."""
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
        while doomed := self.living(self.pids() - keep):
            for pid in doomed:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            if time.monotonic() > end:
                return False
            time.sleep(0.001)
        return True


def _stat(pid: int) -> list[bytes]:
    """Return the fields of /proc/PID/stat after the name; empty if it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text[text.rindex(b")") + 2 :].split()


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


def waited_s(pid: int) -> float:
    """Return how long the process was ready but got no CPU, in seconds."""
    try:
        text = Path(f"/proc/{pid}/schedstat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return int(text.split()[1]) / 1e9
