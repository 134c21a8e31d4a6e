"""Run a program of yours in a process of its own: timed, measured, never endless."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

KEPT = 1 << 20  # characters of output that are kept; all of it is shown
PATIENCE = 3  # Ctrl-C asks twice and then ends


@dataclass(frozen=True)
class Ran:
    """How a program ended and what it took.

    Attributes:
        code: exit code; negative: the signal that ended it.
        output: the end of what it printed, at most `KEPT` characters.
        cpu_s, peak_bytes: of the process and those it waited for; None where the
            system does not tell (Windows).
    """

    code: int
    output: str
    wall_s: float
    cpu_s: float | None
    peak_bytes: int | None
    stopped: bool  # by the time limit
    interrupted: bool


def run(
    command: Sequence[str],
    *,
    folder: Path,
    limit_s: float,
    environment: Mapping[str, str] | None = None,
    show: Callable[[str], None] | None = None,
) -> Ran:
    """Run a program; `show` gets its output as it comes, a line at a time or so.

    Everything that the program started and left in its session ends with it.
    """
    start = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment or os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        watch = _Watch(process, limit_s)
        reader = threading.Thread(target=_pump, args=(process, show, kept := _Kept()))
        reader.start()
        with watch.guard():
            cpu_s, peak_bytes = _wait(process)
        wall_s = time.perf_counter() - start
        _end(process)  # what it left behind may hold the pipe open
        reader.join()
    return Ran(
        *(process.returncode, kept.text, wall_s, cpu_s, peak_bytes),
        *(watch.stopped, watch.interrupts > 0),
    )


class _Kept:
    """The end of a text that grows."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0

    def add(self, text: str) -> None:
        self._parts.append(text)
        self._size += len(text)
        if self._size > 2 * KEPT:  # now and then, not at every line
            self._parts = [self.text]
            self._size = len(self._parts[0])

    @property
    def text(self) -> str:
        return "".join(self._parts)[-KEPT:]


def _pump(
    process: subprocess.Popen[bytes], show: Callable[[str], None] | None, kept: _Kept
) -> None:
    assert process.stdout is not None
    while line := process.stdout.readline(1 << 16):
        text = line.decode("utf-8", "replace")
        kept.add(text)
        if show is not None:
            show(text)


class _Watch:
    """Ends a process after its time, and hands Ctrl-C on to it."""

    def __init__(self, process: subprocess.Popen[bytes], limit_s: float) -> None:
        self._process, self._limit_s = process, limit_s
        self.stopped = False
        self.interrupts = 0

    @contextmanager
    def guard(self) -> Iterator[None]:
        timer = threading.Timer(self._limit_s, self._stop)
        timer.daemon = True
        timer.start()
        main = threading.current_thread() is threading.main_thread()
        before = signal.signal(signal.SIGINT, self._interrupt) if main else None
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            if main:
                signal.signal(signal.SIGINT, before)

    def _stop(self) -> None:
        self.stopped = True
        _end(self._process)

    def _interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        self.interrupts += 1
        if self.interrupts >= PATIENCE or os.name != "posix":
            _end(self._process)
        else:
            os.killpg(self._process.pid, signal.SIGINT)


def _wait(process: subprocess.Popen[bytes]) -> tuple[float | None, int | None]:
    """Wait for the end; return CPU seconds and peak memory, if the system tells.

    The peak is that of the largest process. It is at least our own size, which is a
    third of what Python with numpy needs.
    """
    if not hasattr(os, "wait4"):
        process.wait()
        return None, None
    _pid, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes
    return used.ru_utime + used.ru_stime, used.ru_maxrss * unit


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that stayed in its session."""
    if os.name != "posix":
        process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):  # all of them have ended
        os.killpg(process.pid, signal.SIGKILL)
