"""Run, record, head-to-head: measure workload by workload, again while void."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

from grader.compete import canary, estimates, gates, ranking, samples
from grader.compete.gates import Gate
from grader.competing.bench import Bench, CompeteOptions, make_bench
from grader.competing.contained import contained
from grader.competing.earlier import Earlier
from grader.errors import SandboxUnavailableError, UsageError
from grader.grading import Talk, silent
from grader.intake import open_submission
from grader.measuring.session import measure
from grader.models.base import Digest, Model
from grader.models.course import CompetitionEvent, Workload
from grader.models.session import Session, SessionPlan
from grader.models.submission import Submission
from grader.store import Store

LAUNCHES: Final = SessionPlan.model_fields["launches"].default


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
    notes: tuple[str, ...] = ()  # of intake, where submissions bring scripts

    @property
    def last(self) -> Session:
        """The session that counts, or the last that did not."""
        return self.sessions[-1]


def run(
    source: str, options: CompeteOptions, progress: Talk = silent
) -> Iterator[Measured]:
    """Measure a submission against the reference; nothing is stored.

    Raises:
        GraderError: rejected at intake, or the course or the wall is not usable.
    """
    bench = make_bench(options, progress)
    submission = _opened(bench, source)
    yield from _seen(bench, (submission,))


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
    bench = make_bench(options, progress)
    submission = _opened(bench, source, keep.student)
    if not submission.student:
        msg = "nobody is named whose entry this is"
        raise UsageError(msg, hint="name the student: --student ID")
    _walled(bench)
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
    bench = make_bench(options, progress)
    both = tuple(_opened(bench, source) for source in (challenger, holder))
    if keep is not None:
        if not keep.holder or keep.student == keep.holder:
            msg = "a head-to-head that is stored needs two people"
            raise UsageError(msg, hint="name them: --student ID --holder ID")
        _walled(bench)
        yield from _stored(bench, both, keep)
        return
    yield from _seen(bench, both)


def _opened(bench: Bench, source: str, student: str = "") -> Submission:
    """Take in a submission, with its own scripts where the division is open."""
    package, scripts = bench.course.package, bench.scripts
    return open_submission(source, package=package, student=student, scripts=scripts)


def _walled(bench: Bench) -> None:
    """Refuse to store what ran without a wall: it could have done anything.

    Raises:
        SandboxUnavailableError: there is none.
    """
    if bench.wall.isolation.tier == "none":
        msg = "a session without a sandbox is not stored"
        raise SandboxUnavailableError(msg, hint="leave out `--sandbox none`")


def _seen(bench: Bench, submissions: tuple[Submission, ...]) -> Iterator[Measured]:
    """Measure workload by workload; Ctrl-C ends it."""
    for event, workload in bench.pairs():
        made = _sessions(bench, event, workload, submissions)
        yield summary(workload, made, notes=_notes(submissions))
        if was_interrupted(made[-1]):
            return


def _stored(
    bench: Bench, submissions: tuple[Submission, ...], keep: Keep
) -> Iterator[Measured]:
    """Measure and store, workload by workload; Ctrl-C ends it."""
    for event, workload in bench.pairs():
        with closing(keep.store()) as opened:
            earlier = Earlier(opened, bench.options.division)
            made = _sessions(bench, event, workload, submissions, earlier)
            documents = [
                opened.sessions.add(keep.student, session, opponent=keep.holder)
                for session in made
                if not was_interrupted(session)
            ]
        yield summary(workload, made, tuple(documents), _notes(submissions))
        if was_interrupted(made[-1]):
            return


def _notes(submissions: tuple[Submission, ...]) -> tuple[str, ...]:
    """Return what staff should look at in submissions that bring scripts."""
    return tuple(note for one in submissions if one.scripts for note in one.notes)


def was_interrupted(session: Session) -> bool:
    """Return whether Ctrl-C ended it."""
    return any(void.reason == "interrupted" for void in session.voids)


def _sessions(
    bench: Bench,
    event: CompetitionEvent,
    workload: Workload,
    submissions: tuple[Submission, ...],
    earlier: Earlier | None = None,
) -> list[Session]:
    """Measure one workload, and again while its sessions are void."""
    known = earlier or Earlier()
    if bench.options.sandbox == "docker":
        once = contained(bench, event, workload, submissions, known)
    else:
        order = bench.order(event, workload, submissions, known)

        def once(attempt: int) -> Session:
            return measure(replace(order, attempt=attempt))

    sessions: list[Session] = []
    for attempt in range(1, bench.options.requeues + 2):
        session = once(attempt)
        sessions.append(session)
        if not session.voids or was_interrupted(session):
            break
        void = session.voids[0]
        bench.progress(f"void ({void.reason}): {void.detail}")
    return sessions


def summary(
    workload: Workload,
    sessions: Sequence[Session],
    documents: tuple[Digest, ...] = (),
    notes: tuple[str, ...] = (),
) -> Measured:
    """Return what the sessions of one workload say."""
    last = sessions[-1]
    speed = samples.speed(last)
    timed = any(launch.pairs for launch in last.launches)
    # A look of few launches has no doubt of its own to be beyond.
    decides = last.kind == "head-to-head" and last.plan.launches >= LAUNCHES
    return Measured(
        event=last.event,
        workload=workload.name,
        sessions=tuple(sessions),
        speed=_value(speed),
        memory=_value(samples.memory(last)),
        canary_offset=canary.offset(last) if timed else None,
        gates=_gates(last, workload),
        documents=documents,
        notes=notes,
        wins=ranking.beats_holder(speed) if decides and speed else None,
    )


def _gates(session: Session, workload: Workload) -> tuple[Gate, ...]:
    """Return the gates that one session can say something about."""
    found = []
    if session.event != "memory" and session.division == "closed":
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
