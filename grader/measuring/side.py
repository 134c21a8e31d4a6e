"""One package in a sandbox of its own, with a clock around all of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Literal, Self, TypeVar

from grader.checks.checklib import CheckFailure
from grader.checks.remote import OracleError, Session
from grader.measuring.inside import SOURCE
from grader.models.measure import Limits, Usage
from grader.models.session import VoidReason
from grader.sandbox import (
    Ending,
    Package,
    SandboxLost,
    Starved,
    StudentError,
    Wall,
    Zygote,
)
from grader.training.driver import Driver

Role = Literal["reference", "student", "canary", "truth"]
T = TypeVar("T")

# Of one launch: a few batches of a tenth of a second on the reference. A package may be
# a hundred times as slow and still be measured.
LAUNCH_LIMITS: Final = Limits(
    cpu_s=120, wall_s=600, memory_bytes=2**30, frame_bytes=2**32, file_bytes=0
)


class VoidError(Exception):
    """The session does not count, for a reason of ours."""

    def __init__(self, reason: VoidReason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail[:500]


@dataclass(frozen=True)
class Timed:
    """One request: CPU of it, CPU since the answer before it, seconds on the clock."""

    cpu_s: float
    between_s: float
    wall_s: float


@dataclass(frozen=True)
class Launching:
    """What all sides of a launch have in common."""

    script: str
    build: str
    epochs: int
    seed: int
    preload: list[str]
    load_limits: Limits
    core: int | None


class Bench(Driver):
    """A workload's script in one sandbox."""

    def __init__(self, session: Session, launching: Launching) -> None:
        tt = session.namespace()
        script = session.ask("source", launching.script, name="workload")
        driver = session.ask("source", SOURCE, name="driver")
        self._most_slices = launching.epochs
        self._build = launching.build
        self._run = driver.Bench(
            tt, script, launching.build, launching.seed, launching.epochs
        )

    def begin(self, seed: int) -> None:
        """Build the model anew."""
        self._run.begin(self._build, seed)

    def give(self, *arrays: Any) -> None:
        """Hand over the inputs of the next `answer`."""
        self._run.give(*arrays)

    def answer(self) -> Any:
        """Return what the script makes of the inputs given."""
        return self._run.answer()

    def learn(self, slices: int) -> Any:
        """Train on; return how many slices there were."""
        return self._run.learn(slices)

    def explain(self, texts: Any) -> Any:
        """Return what the script makes of whole texts."""
        return self._run.explain(texts)


class Side:
    """A launched package; a context manager that leaves nothing behind.

    Attributes:
        role: "student" is the only one whose failures are the submission's.
        trusted: it runs our own code.
    """

    def __init__(
        self, role: Role, zygote: Zygote, launching: Launching, *, idle: bool = False
    ) -> None:
        self._idle = idle  # only import the package
        self.role: Role = role
        self.stage = "at import"
        self._zygote, self._launching = zygote, launching
        self._stack = ExitStack()
        self.usage: Usage | None = None
        self._read_s = 0.0  # the clock at the end of the last answer
        self._excused_s = 0.0

    def __enter__(self) -> Self:
        try:
            with self.ours():
                self._launch()
        except BaseException:
            self.close()
            raise
        return self

    def _launch(self) -> None:
        launching, zygote = self._launching, self._zygote
        self._stack.enter_context(zygote)
        pin(zygote.own, launching.core)
        self._group = zygote.group(launching.preload, launching.load_limits)
        self._stack.callback(self._group.close)
        channel = self._group.check(LAUNCH_LIMITS, seed=launching.seed % 2**32)
        self.session = Session(channel, set(), trusted=False)
        self.stage = "building the model"
        if self._idle:
            self.session.ask("seed", launching.seed)
            return
        self.bench = Bench(self.session, launching)
        self.stage = "answering"
        self._read_s = self.cpu_s()

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill everything of this side."""
        with suppress(SandboxLost):  # it is what ends anyway
            self._stack.close()

    def finish(self) -> str:
        """End the process that answers; return how it ended, and keep its usage."""
        with suppress(SandboxLost, RuntimeError, AttributeError):
            done = self._group.finish(kill=True)
            self.usage = done.usage
            return done.how
        return ""

    def cpu_s(self) -> float:
        """Return the CPU seconds of all that runs or ran in this sandbox."""
        return self._zygote.cpu_s()

    def peak_rss_bytes(self) -> int:
        """Return the largest memory that all processes of this side ever had.

        Files count too: none can be written.
        """
        return self._zygote.peak_rss_bytes()

    def timed(self, ask: Callable[[Bench], T]) -> tuple[Timed, T]:
        """Send one request and read the clocks around it."""
        before_s, wall_s = self.cpu_s(), time.monotonic()
        with self.ours():
            value = ask(self.bench)
        took_s, after_s = time.monotonic() - wall_s, self.cpu_s()
        between_s = before_s - self._read_s - self._excused_s
        self._read_s, self._excused_s = after_s, 0.0
        return Timed(after_s - before_s, between_s, took_s), value

    def excused(self, ask: Callable[[Bench], T]) -> T:
        """Ask what only this side is asked, and do not count it."""
        before_s = self.cpu_s()
        with self.ours():
            value = ask(self.bench)
        self._excused_s += self.cpu_s() - before_s
        return value

    @contextmanager
    def ours(self) -> Iterator[None]:
        """Turn what happens to any side but the student's into a void session.

        Raises:
            VoidError: it did.
        """
        try:
            yield
        except SandboxLost as exc:
            raise VoidError("sandbox", f"{self.role}: {exc}") from exc
        except Starved as exc:
            raise VoidError("starved", f"{self.role}: {exc}") from exc
        except (OracleError, StudentError, Ending, CheckFailure) as exc:
            if self.role == "student":
                raise
            msg = f"{self.role}: {type(exc).__name__}: {exc}"
            raise VoidError("reference", msg) from exc


def compiled(wall: Wall, package: Package, limits: Limits) -> Package:
    """Return the package with its code, compiled once in a sandbox of its own."""
    try:
        with Zygote(wall, package, memory=LAUNCH_LIMITS) as zygote:
            zygote.compile(limits)
            return zygote.package
    except SandboxLost as exc:
        raise VoidError("sandbox", str(exc)) from exc


def pin(pids: set[int], core: int | None) -> None:
    """Keep processes, and what they fork, on one core where the host allows it."""
    if core is None:
        return
    for pid in pids:
        with suppress(OSError):
            os.sched_setaffinity(pid, {core})
