"""Worker processes: started while work waits, replaced when they die."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

from grader.batch.orders import Orders
from grader.batch.work import new_owner
from grader.errors import GraderError
from grader.store import Store

STRUCK: Final = 9  # workers that somebody kills with no work in hand, one after another


class Crew:
    """The workers of one process; they die with it."""

    def __init__(self, store: Store, orders: Orders, size: int) -> None:
        self._store, self._orders, self._size = store, orders, size
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._struck = 0

    @property
    def running(self) -> int:
        """How many workers there are, with those that have just ended."""
        return len(self._processes)

    def replace(self, waiting: int, *, record: bool = False) -> None:
        """Note which workers ended, and start some for work that waits.

        Args:
            record: one of the new ones records the oracle's answers first.

        Raises:
            GraderError: workers fail before they lease anything.
        """
        self._reap()
        for _ in range(min(self._size - self.running, waiting)):
            self._start(record=record)
            record = False

    def stop(self) -> None:
        """Kill all workers and give back what they held."""
        for process in self._processes.values():
            process.kill()
        for owner, process in self._processes.items():
            process.wait()
            self._store.jobs.release(owner)
        self._processes.clear()

    def _reap(self) -> None:
        for owner, process in list(self._processes.items()):
            if process.poll() is not None:
                del self._processes[owner]
                died = process.returncode != 0
                held = self._store.jobs.release(owner, died=died)
                self._struck += died and not held and process.returncode < 0
                # No submission is to blame; a signal comes from somebody outside.
                bad = process.returncode > 0 or self._struck > STRUCK
                if died and not held and bad:
                    msg = f"a worker ended with exit code {process.returncode}"
                    raise GraderError(msg, hint="what it said stands above")

    def _start(self, *, record: bool) -> None:
        owner = new_owner()
        process = subprocess.Popen(
            [sys.executable, "-m", "grader.batch.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        self._processes[owner] = process
        assert process.stdin is not None  # noqa: S101 -- it was asked for
        told = dict(self._orders) | {"owner": owner, "record": record}
        process.stdin.write(Orders(**told).model_dump_json().encode())
        process.stdin.close()
