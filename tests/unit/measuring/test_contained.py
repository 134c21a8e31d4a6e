"""What travels into a container for a session, and what its answers mean."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from compete.made import launches, named, session

from grader import competing
from grader.competing import CompeteOptions
from grader.competing import contained as sessions
from grader.competing.bench import make_bench
from grader.competing.commands import _sessions
from grader.competing.earlier import Earlier
from grader.config import find_home
from grader.container import session as module
from grader.container.host import TRIES, Engine
from grader.container.inside import serve
from grader.container.request import (
    ContainerResult,
    Failure,
    SessionJob,
    pack,
    project_in,
    unpack,
)
from grader.container.session import session_in_docker
from grader.errors import (
    ConfigError,
    GraderError,
    InconclusiveError,
    SandboxUnavailableError,
    UsageError,
)
from grader.models.measure import ContainerLimits
from grader.models.session import Session, SessionDigests, Void
from grader.models.submission import SourceFile, Submission
from grader.sandbox.docker import ContainerDied

ROOT = Path(__file__).resolve().parents[3]
SOURCE = SourceFile(path="tinytorch/a.py", data=b"a = 1")
HELD = SourceFile(path="tinytorch/a.py", data=b"a = 2")
ENTRY = Submission(label="x", student="ada", digest=named("a"), files=(SOURCE,))
HOLDER = Submission(label="y", student="grace", digest=named("b"), files=(HELD,))
OFFSETS = {"amd-epyc-2c-q1-docker": (0.01, -0.02)}


def wanted(**more: Any) -> SessionJob:
    known = {"event": "latency", "workload": "cnn", "launches": 2, "pairs": 3}
    limits = {"attempt": 1, "limits": ContainerLimits(), "offsets": OFFSETS}
    return SessionJob(**(known | limits | more))


def digests(image: str | None = named("e")) -> SessionDigests:
    return SessionDigests(
        submission=named("a"),
        reference=named("b"),
        suites=named("c"),
        data=named("d"),
        image=image,
    )


def answer(**more: Any) -> bytes:
    made = session(digests=more.pop("digests", digests()), **more)
    return ContainerResult(session=made).model_dump_json().encode()


def died(**more: bool) -> ContainerDied:
    ends = {"oom": False, "timed_out": False, "killed": False} | more
    return ContainerDied(
        **ends, doing="latency cnn", exit_code=137, stderr="", wall_s=1.0
    )


def asked(
    monkeypatch: pytest.MonkeyPatch, given: bytes | ContainerDied, job: SessionJob
) -> tuple[list[bytes], Session | GraderError]:
    """Return the requests that were made, and what became of the last."""
    requests: list[bytes] = []

    def answered(request: bytes, *_: object) -> bytes | ContainerDied:
        requests.append(request)
        return given

    monkeypatch.setattr(module, "answered", answered)
    submissions = (ENTRY, HOLDER) if job.holder else (ENTRY,)
    try:
        found = session_in_docker(submissions, job, find_home(ROOT), Engine())
    except GraderError as exc:
        return requests, exc
    return requests, found


def test_both_submissions_and_earlier_canaries_travel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    job = wanted(holder=HOLDER.digest)

    (request,), found = asked(monkeypatch, answer(kind="head-to-head"), job)

    submission, sent = unpack(request, tmp_path)
    assert submission.files == (SOURCE,)
    assert sent.session == job
    assert project_in(request) == {HELD.path: HELD.data}
    assert b"grace" not in request
    assert b"ada" not in request
    assert isinstance(found, Session)
    assert "container" in found.conditions.isolation.features


def test_what_is_asked_inside_is_what_was_packed() -> None:
    seen: list[Any] = []

    def measure(*given: Any) -> Session:
        seen.extend(given[:3])
        return session()

    job = wanted()
    sent = module.ContainerJob(
        round=module.demo_round(),
        profile="quick",
        modules=(),
        milestones=(),
        label="x",
        student="",
        digest=ENTRY.digest,
        notes=(),
        session=job,
    )
    held = {HELD.path: HELD.data}

    done = serve(pack(ENTRY, sent, (), held), find_home(ROOT), measure)

    assert seen[0].digest == ENTRY.digest
    assert seen[1:] == [held, job]
    assert ContainerResult.model_validate_json(done).session == session()


@pytest.mark.parametrize(
    "other",
    [
        {"event": "generation"},
        {"workload": "mlp"},
        {"attempt": 2},
        {"launches": launches([[0.1] * 3])},
        {"digests": digests(image=None)},
    ],
)
def test_another_session_than_the_one_asked_for_is_refused(
    monkeypatch: pytest.MonkeyPatch, other: dict[str, Any]
) -> None:
    _, found = asked(monkeypatch, answer(**other), wanted())

    assert isinstance(found, InconclusiveError)
    assert "another session" in found.message


@pytest.mark.parametrize(
    ("end", "told", "times"),
    [
        ({"timed_out": True}, "deadline, 1800 s", 1),
        ({"oom": True}, "out of memory, at 3072 MiB, during a session", 1),
        ({"killed": True}, "somebody killed the container", TRIES),
        ({}, "ended without a result", 1),
    ],
)
def test_a_container_that_ends_early_is_our_fault(
    monkeypatch: pytest.MonkeyPatch, end: dict[str, bool], told: str, times: int
) -> None:
    requests, found = asked(monkeypatch, died(**end), wanted())

    assert isinstance(found, InconclusiveError)
    assert found.exit_code == 5
    assert told in found.message
    assert len(requests) == times


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (Failure(code="config", message="no", hint=""), ConfigError),
        (Failure(code="bug", message="no", hint=""), InconclusiveError),
        (None, InconclusiveError),
    ],
)
def test_an_error_inside_is_the_same_outside(
    monkeypatch: pytest.MonkeyPatch, given: Failure | None, kind: type[GraderError]
) -> None:
    sent = ContainerResult(failure=given).model_dump_json() if given else "{}}"

    _, found = asked(monkeypatch, sent.encode(), wanted())

    assert isinstance(found, kind)


def test_a_void_session_is_measured_again_in_another_container(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jobs: list[SessionJob] = []

    def measured(_: object, job: SessionJob, *__: object) -> Session:
        jobs.append(job)
        void = (Void(reason="canary"),) if len(jobs) == 1 else ()
        return session(attempt=job.attempt, voids=void)

    monkeypatch.setattr(sessions, "session_in_docker", measured)
    options = CompeteOptions(course=ROOT, events=("memory",), sandbox="docker")
    bench = make_bench(options, lambda _: None)
    ((event, workload),) = bench.pairs()

    made = _sessions(bench, event, workload, (ENTRY, HOLDER), Earlier())

    assert [len(s.voids) for s in made] == [1, 0]
    assert [job.attempt for job in jobs] == [1, 2]
    assert {job.holder for job in jobs} == {HOLDER.digest}
    assert {job.limits for job in jobs} == {bench.course.limits.container}


def test_without_an_engine_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    options = CompeteOptions(course=ROOT, events=("memory",), sandbox="docker")

    with pytest.raises(SandboxUnavailableError) as caught:
        list(competing.run(str(ROOT / "reference"), options))

    assert caught.value.exit_code == 4


def test_a_script_of_ones_own_is_not_measured_in_a_container_unseen() -> None:
    options = CompeteOptions(
        course=ROOT, events=("training",), division="open", sandbox="docker"
    )
    bench = SimpleNamespace(options=options)

    with pytest.raises(UsageError, match="open division is not measured"):
        sessions.contained(bench, None, None, (ENTRY,), Earlier())  # type: ignore[arg-type]
