"""Run hidden checks against a submission, with the reference as oracle.

Verdicts come from this process, which never runs student code. Each module's checks
share a group (the package imported once); each check has a process of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from grader.checks.judge import judge, normal
from grader.checks.oracle import Oracle
from grader.checks.remote import Kinds, Session
from grader.checks.suites import Check
from grader.errors import GraderError
from grader.models.course import Course, Module
from grader.models.measure import Limits, Sample
from grader.models.outcome import (
    Crashed,
    Inconclusive,
    Limit,
    LimitExceeded,
    Outcome,
    Passed,
    ProtocolViolation,
)
from grader.models.report import CheckMeasure
from grader.sandbox import (
    BadAnswer,
    Died,
    Ending,
    Group,
    LimitHit,
    SandboxLost,
    Starved,
    Zygote,
)

IDLE_S = 2.0  # of sleep that a check may take unasked
ATTEMPTS = 3  # an inconclusive check is retried twice before it stays so


@dataclass(frozen=True)
class Ran:
    """One check, run and judged; points and blocking come later."""

    check: Check
    outcome: Outcome
    printed: str
    measure: CheckMeasure


def seed_of(secret: bytes, name: str) -> int:
    """Return the seed of `name` in a round: the same for every submission."""
    digest = hmac.new(secret, name.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big")


def preload_of(course: Course, module: Module) -> list[str]:
    """Return the names that a module's checks may use: its own and those it needs."""
    wanted, todo = {module.name}, [module.name]
    while todo:
        fresh = set(course.module(todo.pop()).needs) - wanted
        wanted |= fresh
        todo += sorted(fresh)
    return [s.name for m in course.modules if m.name in wanted for s in m.symbols]


@dataclass
class SuiteRunner:
    """Runs checks in order; a context for one submission and one round."""

    course: Course
    zygote: Zygote
    oracle: Oracle
    secret: bytes
    progress: Callable[[str], None] = lambda _: None
    samples: list[Sample] = field(default_factory=list)
    _group: Group | None = None
    _module: str = ""
    _kinds: Kinds = field(default_factory=set)
    _broken: Outcome | None = None  # importing the package failed for this module
    _spent_s: float = 0.0
    _clock_cpu_s: float = 0.0
    _start: float = field(default_factory=time.monotonic)

    def run(
        self, checks: Iterable[Check], until: Callable[[Ran], bool] = lambda _: False
    ) -> list[Ran]:
        """Run all checks; every check has a result, whatever happens.

        Args:
            until: says of a result whether it is the last one that is wanted.
        """
        ran: list[Ran] = []
        try:
            for check in checks:
                self.progress(check.id)
                ran.append(self._retried(check))
                if until(ran[-1]):
                    break
        finally:
            try:
                self._leave()
            except SandboxLost:  # all is judged; milestones get a new sandbox
                self.zygote.restart()
        return ran

    def _retried(self, check: Check) -> Ran:
        ran = self._run(check)
        for _ in range(ATTEMPTS - 1):
            if not isinstance(ran.outcome, Inconclusive):
                return ran
            self._start_anew()
            ran = self._run(check)
        if isinstance(ran.outcome, Inconclusive):
            self._start_anew()  # for the checks that follow
        return ran

    def _start_anew(self) -> None:
        """Give a check that could not be judged a new sandbox."""
        with contextlib.suppress(SandboxLost):  # it may be lost already
            self._leave()
        self._broken = None
        self.zygote.restart()

    def _run(self, check: Check) -> Ran:
        nothing = CheckMeasure(id=check.id, cpu_s=0.0, wall_s=0.0, peak_rss_bytes=0)
        try:
            if refused := self._enter(check.module):
                return Ran(check, refused, "", nothing)
            try:
                return self._in_process(check, self._limits_of(check))
            except Died as exc:  # before the check could start
                self._leave()
                return Ran(check, Crashed(how=str(exc)), "", nothing)
        except SandboxLost as exc:
            return Ran(check, Inconclusive(reason=str(exc)), "", nothing)

    def _limits_of(self, check: Check) -> Limits:
        limits = self.course.limits.check
        if check.marks.cpu_s is None:
            return limits
        return Limits.model_validate(limits.model_dump() | {"cpu_s": check.marks.cpu_s})

    def _in_process(self, check: Check, limits: Limits) -> Ran:
        assert self._group is not None  # noqa: S101 -- `_enter` has made it
        seed = seed_of(self.secret, f"agent:{check.id}") % 2**32
        channel = self._group.check(limits, seed=seed)
        session = Session(channel, self._kinds, trusted=False)
        error: Exception | None = None
        self.oracle.delayed = self._group.meter.excuse
        try:
            ask = partial(self.oracle.tt, check.id, seed)
            self._call(check, session.namespace(), ask)
        except GraderError:
            raise
        except Exception as exc:  # noqa: BLE001 -- judged below, whatever it is
            error = exc
        done = self._group.finish(kill=isinstance(error, LimitHit | Starved))
        outcome = judge(
            error or done.over,
            how=done.how,
            call=session.last_call,
            limits=limits,
            holds=lambda: self._holds(check, seed),
        )
        # Or a package could sleep until the container's deadline, which is ours.
        self._spent_s += done.usage.cpu_s + (done.idle_s if done.idle_s > IDLE_S else 0)
        self._record(done.usage.curve, done.usage.cpu_s, done.usage.peak_rss_bytes)
        measure = CheckMeasure(
            id=check.id,
            cpu_s=done.usage.cpu_s,
            wall_s=done.usage.wall_s,
            peak_rss_bytes=done.usage.peak_rss_bytes,
        )
        return Ran(check, outcome, normal(done.printed, 2000), measure)

    def _call(self, check: Check, tt: Any, oracle: Callable[[], Any]) -> None:
        given = dict(check.parameters)
        if "tt" in check.fixtures:
            given["tt"] = tt
        if "oracle" in check.fixtures:
            given["oracle"] = oracle()
        if "rng" in check.fixtures:
            given["rng"] = np.random.default_rng(seed_of(self.secret, check.id))
        with np.errstate(all="ignore"):  # a submission's numbers may be anything
            check.function(**given)

    def _holds(self, check: Check, seed: int) -> bool:
        """Return whether the check passes on the reference: known, or run now."""
        known = self.oracle.holds(check.id)
        if known is not None:
            return known
        try:
            self._call(check, *self.oracle.twice(seed))
        except Exception:  # noqa: BLE001 -- any failure here is the check's own
            return False
        return True

    def _enter(self, name: str) -> Outcome | None:
        """Make the group of a module; return why it cannot be, if so."""
        if name != self._module:
            self._leave()
            self._module, self._kinds = name, set()
            self._broken, self._spent_s = None, 0.0
        most = self.course.limits.suite_cpu_s
        if self._spent_s > most:
            return LimitExceeded(which=Limit.SUITE_CPU, limit=f"{most:g} s of CPU time")
        if self._broken is None and (self._group is None or not self._group.alive):
            self._broken = self._load(name)
        return self._broken

    def _load(self, name: str) -> Outcome | None:
        preload = preload_of(self.course, self.course.module(name))
        limits = self.course.limits.load
        try:
            self._group = self.zygote.group(preload, limits)
        except LimitHit as exc:
            return LimitExceeded(which=exc.which, limit=exc.limit, where="at import")
        except Died:
            return Crashed(how="the interpreter ended", where="at import")
        except BadAnswer as exc:
            return ProtocolViolation(detail=f"at import: {normal(str(exc))}")
        except Ending as exc:  # lost, or starved by the host: ours
            return Inconclusive(reason=str(exc))
        return None

    def _leave(self) -> None:
        group, self._group = self._group, None
        if group is not None:
            group.close()

    def _record(self, curve: Iterable[Sample], cpu_s: float, peak: int) -> None:
        """Add a check to the picture of memory and CPU over the whole suite."""
        now = time.monotonic() - self._start
        self._clock_cpu_s += cpu_s
        top = max([peak, *(s.rss_bytes for s in curve)])
        self.samples.append(Sample(wall_s=now, cpu_s=self._clock_cpu_s, rss_bytes=top))


def passed(ran: Ran) -> bool:
    """Return whether the check holds."""
    return isinstance(ran.outcome, Passed)
