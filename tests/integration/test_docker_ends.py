"""Every way in which a container can end early is told apart, by a real engine.

What disturbs the engine itself is done to a daemon of the test's own.
"""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker import DockerClient
from e2e.grader_command import REFERENCE, ROOT

from bench.batch.private_engine import PrivateEngine, problem
from grader import api
from grader.config import load_course
from grader.container import host as container
from grader.container.host import IMAGE_VARIABLE, SUBMISSION_LABEL
from grader.errors import InconclusiveError, SandboxUnavailableError
from grader.models.course import Course
from grader.models.outcome import Blocked, Limit, LimitExceeded
from grader.models.report import GradeReport
from grader.sandbox.docker import OWNER_LABEL, connect

pytestmark = pytest.mark.docker
SPEAKS = r"""
import sys, time
sys.stdin.buffer.read()
sys.stderr.write('\x1e{"doing": "setup::test_one", "memory_bytes": 1}\n')
sys.stderr.flush()
"""
HOARDS = SPEAKS + "held = bytearray(2**31)\nfor i in range(0, 2**31, 4096): held[i] = 1"
CHILD_HOARDS = r"""
import os
time.sleep(1)  # until somebody listens
if os.fork() == 0:
    open("/proc/self/oom_score_adj", "w").write("1000")
    held = b"x" * 2**30
os.wait()
"""
SLEEPS = SPEAKS + "time.sleep(600)"


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    with contextlib.closing(connect()) as client:
        yield client


@pytest.fixture
def judge(
    client: DockerClient, image: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], None]]:
    """Return a function that puts another program in the judge's place."""
    made: list[str] = []

    def replace(source: str) -> None:
        entry = ["python", "-c", f"exec(bytes.fromhex('{source.encode().hex()}'))"]
        recipe = f"FROM {image}\nENTRYPOINT {json.dumps(entry)}\n"
        built, _ = client.images.build(fileobj=io.BytesIO(recipe.encode()), rm=True)
        assert built.id
        made.append(built.id)
        monkeypatch.setenv(IMAGE_VARIABLE, built.id)

    yield replace
    for one in made:
        client.images.remove(one, force=True)


def ours(client: DockerClient) -> set[str]:
    found = client.api.containers(all=True, filters={"label": SUBMISSION_LABEL})
    return {one["Id"] for one in found}


class Graded:
    """The reference, graded in a container; what was said meanwhile is kept."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, *, milestones: tuple[str, ...] | None = ()) -> GradeReport:
        options = api.GradeOptions(
            course=ROOT,
            sandbox="docker",
            modules=("setup",),
            milestones=milestones,
            demo=True,
        )
        return api.grade(str(REFERENCE), options, self.said.append)

    @property
    def tries(self) -> int:
        return 1 + sum("once more" in text for text in self.said)


@pytest.fixture
def grade() -> Graded:
    return Graded()


Limited = Callable[..., None]


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> Limited:
    """Return a function that changes the container's limits, here on the host alone."""

    def change(**limits: float) -> None:
        def load(path: Path) -> Course:
            course = load_course(path).model_dump()
            course["limits"]["container"] |= limits
            return Course.model_validate(course)

        monkeypatch.setattr(container, "load_course", load)

    return change


@contextlib.contextmanager
def disturbing(client: DockerClient, act: Callable[[str], None]) -> Iterator[list[str]]:
    """Do something to each container that starts meanwhile, once."""
    ended, met, before = threading.Event(), list[str](), ours(client)

    def look() -> None:
        while not ended.wait(0.05):
            filters = {"label": SUBMISSION_LABEL, "status": "running"}
            for one in client.api.containers(filters=filters):
                if one["Id"] not in before.union(met):
                    met.append(one["Id"])
                    act(one["Id"])

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield met
    finally:
        ended.set()
        thread.join()


def test_a_submission_over_the_container_s_memory_fails_as_a_whole(
    grade: Graded,
    limited: Limited,
    judge: Callable[[str], None],
    client: DockerClient,
) -> None:
    judge(HOARDS)
    limited(memory_bytes=128 * 2**20)
    before = ours(client)

    verdict = grade(milestones=None).verdict

    outcomes = [c.outcome for m in verdict.modules for c in m.checks]
    outcomes += [m.outcome for m in verdict.milestones]
    limits = [o for o in outcomes if isinstance(o, LimitExceeded)]
    assert {type(o) for o in outcomes} <= {LimitExceeded, Blocked}
    assert {(o.which, o.limit) for o in limits} == {(Limit.MEMORY, "128 MiB")}
    assert len(verdict.milestones) == 6
    assert verdict.earned == 0
    assert verdict.points == 260
    assert ours(client) == before


def test_too_little_memory_for_the_judge_itself_is_ours(
    grade: Graded, limited: Limited
) -> None:
    limited(memory_bytes=48 * 2**20)

    # Whether the kernel ends the judge or the sandbox that it starts is its choice.
    with pytest.raises((InconclusiveError, SandboxUnavailableError)) as caught:
        grade()

    told = "before it graded anything, at 48 MiB", "the sandbox did not start"
    assert any(text in caught.value.message for text in told)

    assert grade.tries == 1


def test_the_deadline_is_ours_and_not_tried_again(
    grade: Graded,
    limited: Limited,
    judge: Callable[[str], None],
    client: DockerClient,
) -> None:
    judge(SLEEPS)
    limited(deadline_s=3.0)
    before = ours(client)

    with pytest.raises(InconclusiveError, match=r"deadline, 3 s, .*setup::test_one"):
        grade()

    assert grade.tries == 1
    assert ours(client) == before


def test_a_container_killed_once_is_graded_again(
    grade: Graded, client: DockerClient
) -> None:
    killed: list[str] = []

    def kill(name: str) -> None:
        if not killed:
            client.api.kill(name)
            killed.append(name)

    with disturbing(client, kill) as met:
        report = grade()

    assert report.verdict.earned == report.verdict.points > 0
    assert len(met) == grade.tries == 2
    assert any("somebody killed the container" in text for text in grade.said)


def test_a_container_killed_every_time_is_inconclusive(
    grade: Graded, judge: Callable[[str], None], client: DockerClient
) -> None:
    judge(SLEEPS)
    before = ours(client)

    with (
        disturbing(client, client.api.kill) as met,
        pytest.raises(InconclusiveError, match="somebody killed the container"),
    ):
        grade()

    assert len(met) == grade.tries == 3
    assert ours(client) == before


def test_a_check_that_ran_out_of_memory_does_not_make_a_later_kill_its_fault(
    grade: Graded,
    limited: Limited,
    judge: Callable[[str], None],
    client: DockerClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The engine's flag says that the kernel ended something, not what."""
    judge(SPEAKS + CHILD_HOARDS + "time.sleep(600)")
    limited(memory_bytes=128 * 2**20)
    monkeypatch.setattr(container, "TRIES", 1)

    def kill_later(name: str) -> None:
        events = client.api.events(filters={"container": name, "event": "oom"})
        next(iter(events))  # the child's
        events.close()
        client.api.kill(name)

    with (
        disturbing(client, kill_later) as met,
        pytest.raises(InconclusiveError, match="somebody killed the container"),
    ):
        grade()

    assert len(met) == 1


def test_what_is_being_graded_is_said_while_it_is_graded(grade: Graded) -> None:
    grade(milestones=("perceptron", "xor"))

    assert grade.said[0] == "reading the submission"
    assert len(grade.said) >= 2


@pytest.fixture(scope="module")
def engine(image: str) -> Iterator[PrivateEngine]:
    if reason := problem():
        pytest.skip(reason)
    with PrivateEngine() as engine:
        engine.load(image)
        yield engine


@pytest.fixture
def private(
    engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PrivateEngine]:
    monkeypatch.setenv("DOCKER_HOST", engine.address)
    yield engine
    assert engine.docker("ps", "--all", "--quiet").stdout == ""


# docker-py leaves the socket open with which it finds that nobody listens. `knock` asks
# before, but a daemon that is killed between the two is what happens here on purpose.
@pytest.mark.filterwarnings("ignore:.*unclosed <socket")
@pytest.mark.filterwarnings(
    "ignore:.*<socket.socket fd:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_daemon_that_starts_anew_costs_one_try(
    how: str, private: PrivateEngine, grade: Graded
) -> None:
    def restart() -> None:
        end = time.monotonic() + 60
        while not private.docker("ps", "--quiet").stdout and time.monotonic() < end:
            time.sleep(0.05)
        (private.kill if how == "killed" else private.stop)()
        time.sleep(1.0)
        private.start()

    thread = threading.Thread(target=restart)
    thread.start()
    report = grade()
    thread.join()

    assert report.verdict.earned == report.verdict.points > 0
    assert grade.tries == 2
    assert any("the Docker engine was lost" in text for text in grade.said), grade.said


def test_a_lost_image_says_how_to_make_it(
    private: PrivateEngine, grade: Graded, image: str
) -> None:
    private.docker("tag", image, "kept")
    private.docker("rmi", image)
    try:
        with pytest.raises(SandboxUnavailableError) as caught:
            grade()
    finally:
        private.docker("tag", "kept", image)

    assert caught.value.exit_code == 4
    assert caught.value.hint == "make image"
    assert image in caught.value.message
    assert grade.tries == 1


def test_a_container_of_another_host_is_left_alone(
    private: PrivateEngine, grade: Graded, image: str
) -> None:
    label = f"{OWNER_LABEL}=elsewhere/1-1.00"
    command = ["run", "--detach", "--network=none", "--label", label]
    sleeps = ["-c", "import time; time.sleep(600)"]
    private.docker(*command, "--entrypoint=python", image, *sleeps)

    grade()  # sweeps before it begins

    (other,) = private.docker("ps", "--quiet").stdout.split()
    private.docker("rm", "--force", other)
