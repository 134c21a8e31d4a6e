"""Measure a session of the competition in a container of its own."""

from __future__ import annotations

from functools import partial

from grader.config import Home
from grader.container.host import Engine, answered, both, patiently, unjudged
from grader.container.request import ContainerJob, SessionJob, pack, session_of
from grader.errors import ConfigError, InconclusiveError, SandboxUnavailableError
from grader.models.measure import ContainerLimits
from grader.models.session import Conditions, Session
from grader.models.submission import Submission
from grader.rounds import demo_round
from grader.sandbox import docker


def session_in_docker(
    submissions: tuple[Submission, ...], wanted: SessionJob, home: Home, engine: Engine
) -> Session:
    """Measure one session in a container of the staff image.

    Whatever ends the container before it has answered is our side's: no session.

    Args:
        submissions: the entry; in a head-to-head the challenger, then the holder.

    Raises:
        SandboxUnavailableError: no engine answers, or it lacks the image.
        ConfigError: the image is of another course or engine.
        InconclusiveError: the container ended without a session, or with another.
    """
    return patiently(partial(_once, submissions, wanted, home), engine)


def _once(
    submissions: tuple[Submission, ...], wanted: SessionJob, home: Home, engine: Engine
) -> Session:
    entry, *others = submissions
    job = ContainerJob(
        round=demo_round(),  # nothing of a session is drawn from a round
        profile="quick",
        modules=(),
        milestones=(),
        label=entry.label,
        student="",
        digest=entry.digest,
        notes=entry.notes,
        session=wanted,
    )
    held = {file.path: file.data for other in others for file in other.files}
    request = pack(entry, job, (), held)
    answer = answered(request, entry.digest, home, engine)
    if not isinstance(answer, bytes):
        raise _unmeasured(answer, wanted.limits)
    found = session_of(answer, (ConfigError, SandboxUnavailableError))
    _require_asked(found, entry, wanted)
    return _both_walls(found)


def _unmeasured(
    died: docker.ContainerDied, limits: ContainerLimits
) -> InconclusiveError:
    """Say why there is no session.

    Every side has a limit of memory far below the container's, so whoever passes that
    one with all of them together cannot be told: nobody is charged.
    """
    if not died.oom:
        return unjudged(died, limits)
    most = f"{limits.memory_bytes / 2**20:.0f} MiB"
    msg = f"the container ran out of memory, at {most}, during a session"
    return InconclusiveError(msg, hint="course.toml: [limits.container] memory_bytes")


def _require_asked(found: Session, entry: Submission, wanted: SessionJob) -> None:
    """Refuse a session that is not the one asked for.

    Raises:
        InconclusiveError: it is not, or does not say in which image it was measured.
    """
    asked = (wanted.event, wanted.workload, wanted.attempt, entry.digest)
    digests, limits = found.digests, found.conditions.limits
    got = (found.event, found.workload, found.attempt, digests.submission)
    plan = (found.plan.launches, found.plan.pairs) == (wanted.launches, wanted.pairs)
    duel = wanted.holder is not None
    held = digests.reference == wanted.holder if duel else found.kind == "entry"
    ours = limits == wanted.limits and digests.image is not None
    if got != asked or not (plan and held and ours):
        msg = "the container measured another session than it was asked for"
        raise InconclusiveError(msg, hint="rebuild the image: make image")


def _both_walls(found: Session) -> Session:
    """Return the session with the container's features beside the inner wall's."""
    seen = dict(found.conditions) | {"isolation": both(found.conditions.isolation)}
    whole = dict(found) | {"conditions": Conditions.model_validate(seen)}
    return Session.model_validate(whole)
