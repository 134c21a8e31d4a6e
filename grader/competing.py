"""Measure entries of the competition as a command line asks for it, and record them."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from grader import datasets
from grader.checks.runner import preload_of
from grader.checks.suites import suites_digest
from grader.compete import canary, estimates, gates, ranking, samples
from grader.compete.gates import Gate
from grader.config import Home, find_home, load_course
from grader.datasets import DataSet
from grader.errors import ConfigError, SandboxUnavailableError, UsageError
from grader.grading import Talk, silent, state_folder
from grader.intake import open_submission
from grader.measuring.rounds import Entrants
from grader.measuring.session import Order, measure
from grader.models.base import Digest, Model
from grader.models.course import CompetitionEvent, Course, Workload
from grader.models.session import Session, SessionDigests, SessionPlan
from grader.models.submission import Submission
from grader.pipeline import digest_of, reference_files
from grader.sandbox import Package, Wall, choose
from grader.sandbox.package import package_of
from grader.store import Store
from grader.store.events import Measured as MeasuredEvent

Offsets = Callable[[str], Sequence[float]]  # of earlier canaries, by host class
REQUEUES: Final = 3
KNOWN_CANARIES: Final = 200  # the latest of a host class; more change nothing
IMAGE_VARIABLE: Final = "GRADER_IMAGE_DIGEST"


@dataclass(frozen=True)
class CompeteOptions:
    """What to measure, and behind which wall."""

    course: Path | None = None
    events: tuple[str, ...] = ()  # empty: all
    workloads: tuple[str, ...] = ()  # empty: all of the events
    sandbox: str = "auto"
    launches: int = SessionPlan.model_fields["launches"].default
    pairs: int = SessionPlan.model_fields["pairs"].default
    requeues: int = REQUEUES


class Value(Model):
    """A ratio to the reference and its 95 % interval."""

    value: float
    low: float
    high: float


class Measured(Model):
    """One workload: all sessions that it took, the last one last, and its values."""

    event: str
    workload: str
    sessions: tuple[Session, ...]
    speed: Value | None
    memory: Value | None
    canary_offset: float | None  # of the last session, as ln
    gates: tuple[Gate, ...] = ()
    documents: tuple[Digest, ...] = ()  # in the store
    wins: bool | None = None  # of a head-to-head, beyond doubt

    @property
    def last(self) -> Session:
        """The session that counts, or the last that did not."""
        return self.sessions[-1]


@dataclass(frozen=True)
class _Bench:
    """What all sessions of one command have in common."""

    home: Home
    course: Course
    wall: Wall
    reference: Package
    reference_digest: Digest
    suites: Digest
    options: CompeteOptions
    progress: Talk

    def pairs(self) -> Iterator[tuple[CompetitionEvent, Workload]]:
        """Yield what is to be measured.

        Raises:
            UsageError: there is nothing of that name.
        """
        known = [event.name for event in self.course.events]
        for name in self.options.events:
            if name not in known:
                msg = f"there is no event {name!r} that is measured"
                raise UsageError(msg, hint=f"events: {', '.join(known) or 'none'}")
        wanted = [
            (event, workload)
            for event in self.course.events
            if not self.options.events or event.name in self.options.events
            for workload in event.workloads
            if not self.options.workloads or workload.name in self.options.workloads
        ]
        if not wanted:
            names = ", ".join(self.options.workloads)
            msg = f"no event that was named has a workload {names!r}"
            raise UsageError(msg, hint="see `events` in course.toml")
        yield from wanted

    def order(
        self,
        event: CompetitionEvent,
        workload: Workload,
        submissions: tuple[Submission, ...],
        offsets: Offsets,
    ) -> Order:
        """Return one session to be measured; two submissions: against each other."""
        packages = [package_of(self.course, s.files) for s in submissions]
        duel = len(packages) == 2
        entrants = Entrants(
            student=packages[0],
            reference=packages[1] if duel else self.reference,
            truth=self.reference if duel else None,
        )
        given = _given(self.home, self.course, workload)
        digests = SessionDigests(
            submission=submissions[0].digest,
            reference=submissions[1].digest if duel else self.reference_digest,
            suites=self.suites,
            data=given.digest,
            image=os.environ.get(IMAGE_VARIABLE) or None,
        )
        return Order(
            event=event.name,
            workload=workload,
            entrants=entrants,
            wall=self.wall,
            script=given.script,
            build=given.build,
            epochs=max(1, workload.slices),
            data=given.data,
            preload=sorted(
                {
                    name
                    for need in workload.needs
                    for name in preload_of(self.course, self.course.module(need))
                }
            ),
            load_limits=self.course.limits.load,
            digests=digests,
            kind="head-to-head" if duel else "entry",
            launches=self.options.launches,
            pairs=self.options.pairs,
            offsets=offsets,
            progress=self.progress,
        )


@dataclass(frozen=True)
class _Given:
    """What staff give to every entry of a workload."""

    script: str
    build: str
    data: DataSet | None
    digest: Digest


def _given(home: Home, course: Course, workload: Workload) -> _Given:
    """Read script and data of a workload.

    Raises:
        ConfigError: they are not there.
    """
    path, build, data = home.milestones / workload.script, "build", None
    if workload.milestone is not None:
        milestone = next(m for m in course.milestones if m.name == workload.milestone)
        profile = milestone.quick
        if profile is None:
            msg = f"milestone {milestone.name} has no quick profile to compete in"
            raise ConfigError(msg, hint="see `events` in course.toml")
        path = home.milestones / milestone.folder / profile.script
        build = profile.build
        # Another split for every session: the private part is known to nobody.
        seed = secrets.randbits(62)
        roots = [home.milestones / "data"]
        found = datasets.load(
            profile.data, root=roots, profile="quick", seed=seed, compact=True
        )
        data = datasets.renamed(found, seed)
    try:
        script = path.read_text(encoding="utf8")
    except OSError as exc:
        msg = f"{path}: {exc.strerror}"
        raise ConfigError(msg, hint="see `events` in course.toml") from exc
    parts = [workload.model_dump_json(), script, data.digest if data else ""]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return _Given(script, build, data, f"sha256:{digest}")


def run(
    source: str, options: CompeteOptions, progress: Talk = silent
) -> Iterator[Measured]:
    """Measure a submission against the reference; nothing is stored.

    Raises:
        GraderError: rejected at intake, or the course or the wall is not usable.
    """
    bench = _bench(options, progress)
    submission = open_submission(source, package=bench.course.package)
    for event, workload in bench.pairs():
        yield summary(workload, _sessions(bench, event, workload, (submission,)))


@dataclass(frozen=True)
class Keep:
    """Where sessions are stored, and whose they are."""

    store: Callable[[], Store]
    student: str  # in a head-to-head the challenger
    holder: str = ""


def record(
    source: str, keep: Keep, options: CompeteOptions, progress: Talk = silent
) -> Iterator[Measured]:
    """Measure a submission and store every session, void ones too.

    What Ctrl-C interrupted is not stored.

    Raises:
        GraderError: as `run`, or the store is not usable.
    """
    bench = _bench(options, progress)
    package = bench.course.package
    submission = open_submission(source, package=package, student=keep.student)
    if not submission.student:
        msg = "nobody is named whose entry this is"
        raise UsageError(msg, hint="name the student: --student ID")
    keep = replace(keep, student=submission.student)
    yield from _stored(bench, (submission,), keep)


def head_to_head(
    challenger: str,
    holder: str,
    options: CompeteOptions,
    keep: Keep | None = None,
    progress: Talk = silent,
) -> Iterator[Measured]:
    """Measure one submission against another, pair by pair.

    Both are compared with the reference, which runs beside them and is not timed.

    Raises:
        GraderError: as `run`; or one person is both.
    """
    bench = _bench(options, progress)
    package = bench.course.package
    both = tuple(open_submission(x, package=package) for x in (challenger, holder))
    if keep is not None:
        if not keep.holder or keep.student == keep.holder:
            msg = "a head-to-head that is stored needs two people"
            raise UsageError(msg, hint="name them: --student ID --holder ID")
        yield from _stored(bench, both, keep)
        return
    for event, workload in bench.pairs():
        yield summary(workload, _sessions(bench, event, workload, both))


def _stored(
    bench: _Bench, submissions: tuple[Submission, ...], keep: Keep
) -> Iterator[Measured]:
    """Measure and store, workload by workload."""
    for event, workload in bench.pairs():
        with closing(keep.store()) as opened:
            offsets = _earlier(opened)
            made = _sessions(bench, event, workload, submissions, offsets)
            documents = [
                opened.sessions.add(keep.student, session, opponent=keep.holder)
                for session in made
                if not was_interrupted(session)
            ]
        yield summary(workload, made, tuple(documents))


def was_interrupted(session: Session) -> bool:
    """Return whether Ctrl-C ended it."""
    return any(void.reason == "interrupted" for void in session.voids)


def _bench(options: CompeteOptions, progress: Talk) -> _Bench:
    if options.sandbox == "docker":
        msg = (
            "sessions are measured behind the walls of this host, or inside a container"
        )
        raise SandboxUnavailableError(
            msg, hint="leave --sandbox out: see `grader doctor`"
        )
    home = find_home(options.course)
    course = load_course(home.course_file)
    files = reference_files(home.reference / course.package)
    return _Bench(
        home=home,
        course=course,
        wall=choose(options.sandbox, secrets=(home.reference, state_folder(home))),
        reference=package_of(course, files),
        reference_digest=digest_of(files),
        suites=suites_digest(home.suites),
        options=options,
        progress=progress,
    )


def _earlier(store: Store) -> Offsets:
    """Return what finds the offsets of a host class's earlier canaries in a store."""

    def offsets(host_class: str) -> Sequence[float]:
        digests = [
            event.document
            for event in store.export().events
            if isinstance(event.payload, MeasuredEvent)
            and event.payload.host_class == host_class
            and event.payload.event != "memory"
        ]
        sessions = [store.sessions.read(d) for d in digests[-KNOWN_CANARIES:] if d]
        return [canary.offset(s) for s in sessions if any(x.pairs for x in s.launches)]

    return offsets


def _sessions(
    bench: _Bench,
    event: CompetitionEvent,
    workload: Workload,
    submissions: tuple[Submission, ...],
    offsets: Offsets = lambda _: (),
) -> list[Session]:
    """Measure one workload, and again while its sessions are void."""
    order = bench.order(event, workload, submissions, offsets)
    sessions: list[Session] = []
    for attempt in range(1, bench.options.requeues + 2):
        session = measure(replace(order, attempt=attempt))
        sessions.append(session)
        if not session.voids or was_interrupted(session):
            break
        void = session.voids[0]
        bench.progress(f"void ({void.reason}): {void.detail}")
    return sessions


def summary(
    workload: Workload, sessions: Sequence[Session], documents: tuple[Digest, ...] = ()
) -> Measured:
    """Return what the sessions of one workload say."""
    last = sessions[-1]
    speed = samples.speed(last)
    timed = any(launch.pairs for launch in last.launches)
    duel = last.kind == "head-to-head" and speed is not None
    return Measured(
        event=last.event,
        workload=workload.name,
        sessions=tuple(sessions),
        speed=_value(speed),
        memory=_value(samples.memory(last)),
        canary_offset=canary.offset(last) if timed else None,
        gates=_gates(last, workload),
        documents=documents,
        wins=ranking.beats_holder(speed) if duel and speed else None,
    )


def _gates(session: Session, workload: Workload) -> tuple[Gate, ...]:
    """Return the gates that one session can say something about."""
    found = []
    if session.event != "memory":
        found.append(gates.outputs_gate([session]))
    if session.quality:
        found.append(
            gates.accuracy_gate(session.quality, floor=workload.floor, purpose="credit")
        )
    return tuple(found)


def _value(estimate: estimates.Estimate | None) -> Value | None:
    if estimate is None:
        return None
    low, high = estimate.interval
    return Value(value=estimate.value, low=low, high=high)
