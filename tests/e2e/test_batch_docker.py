"""`grader batch --executor docker`: a real engine, and what may happen to it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from grader_command import REFERENCE, ROOT, TEMPLATE, Grader, copied, small_course

from bench.batch.chaos import Arena, experiment
from bench.batch.private_engine import PrivateEngine, problem
from grader.container.host import SUBMISSION_LABEL
from grader.sandbox.docker import connect
from grader.store import Store

pytestmark = [pytest.mark.docker, pytest.mark.slow]
CHOSEN = ["--only", "setup", "--no-milestones", "--round", "one", "--format", "json"]
DOCKER = [*CHOSEN, "--executor", "docker"]


@pytest.fixture
def grader(tmp_path: Path) -> Grader:
    """The command with a store and a round of its own."""
    return Grader.with_rounds(tmp_path / "state", "one")


@pytest.fixture
def submissions(tmp_path: Path) -> Path:
    """A right, an unwritten, a broken and an empty submission."""
    folder = tmp_path / "submissions"
    for student, source in (("ann", REFERENCE), ("bob", TEMPLATE)):
        copied(source, folder / student, {})
    copied(REFERENCE, folder / "cem", {"setup.py": b"raise SystemExit(3)\n"})
    (folder / "dan").mkdir()
    return folder


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    with contextlib.closing(connect()) as client:
        yield client


@pytest.fixture(scope="module")
def engine(image: str) -> Iterator[PrivateEngine]:
    if reason := problem():
        pytest.skip(reason)
    with PrivateEngine() as engine:
        engine.load(image)
        yield engine


def ours(client: DockerClient) -> set[str]:
    found = client.api.containers(all=True, filters={"label": SUBMISSION_LABEL})
    return {one["Id"] for one in found}


def rows_of(out: str) -> dict[str, dict[str, Any]]:
    return {row["student"]: row for row in json.loads(out)}


def started(state: Path, folder: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "grader.cli.main", "batch", str(folder), *DOCKER, *more],
        cwd=ROOT,
        env=os.environ | {"GRADER_STATE": str(state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_batch_in_containers_is_that_of_the_inner_wall_and_done_once(
    grader: Grader, submissions: Path, client: DockerClient
) -> None:
    before = ours(client)

    done = grader("batch", submissions, *DOCKER)
    again = grader("batch", submissions, *DOCKER)

    assert done.code == again.code == 0, done.err + again.err
    rows = rows_of(done.out)
    assert {s: r["state"] for s, r in rows.items()} == {
        **dict.fromkeys(("ann", "bob", "cem"), "graded"),
        "dan": "refused",
    }
    assert rows["ann"]["earned"] == rows["ann"]["points"] > 0
    assert rows["bob"]["earned"] == rows["cem"]["earned"] == 0
    assert rows_of(again.out) == rows
    with contextlib.closing(Store.open(grader.state / "store")) as store:
        assert len(store.events()) == 3
    assert ours(client) == before


def test_without_its_image_a_batch_does_not_begin(
    grader: Grader, submissions: Path
) -> None:
    done = grader("batch", submissions, *DOCKER, GRADER_IMAGE="tinytorch-grader:none")

    assert done.code == 4
    assert "the engine has no image 'tinytorch-grader:none'" in done.err
    assert "make image" in done.err


def test_an_image_of_another_course_stops_a_batch_at_once(
    grader: Grader, submissions: Path, tmp_path: Path, image: str
) -> None:
    change = ('title = "Setup"\npoints = 10.0', 'title = "Setup"\npoints = 20.0')
    other = Grader(grader.state, small_course(tmp_path / "course", [change]))

    done = other("batch", submissions, *DOCKER, GRADER_IMAGE=image)

    assert done.code == 3
    assert "course" in done.err
    assert "make image" in done.err
    assert done.out == ""


def test_an_image_lost_on_the_way_fails_each_submission_once(
    grader: Grader,
    tmp_path: Path,
    engine: PrivateEngine,
    image: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.address)
    folder = tmp_path / "submissions"
    for number in range(4):
        copied(REFERENCE if number % 2 else TEMPLATE, folder / f"s{number}", {})
    process = started(grader.state, folder, "--jobs", "1")
    end = time.monotonic() + 120
    while not engine.docker("ps", "--quiet").stdout and time.monotonic() < end:
        time.sleep(0.05)
    engine.docker("tag", image, "kept")
    engine.docker("rmi", image)
    out, _ = process.communicate(timeout=300)
    engine.docker("tag", "kept", image)

    again = grader("batch", folder, *DOCKER, "--retry", "failed")

    rows = rows_of(out)
    assert process.returncode == 5
    assert [r["state"] for r in rows.values()] == ["graded", *["failed"] * 3]
    told = {r["message"] for r in rows.values() if r["state"] == "failed"}
    assert told == {f"the engine has no image {image!r}; make image"}
    assert again.code == 0, again.err
    assert {r["state"] for r in rows_of(again.out).values()} == {"graded"}


def test_ctrl_c_and_a_killed_coordinator_leave_no_container(
    grader: Grader, submissions: Path, client: DockerClient
) -> None:
    before = ours(client)
    ends: dict[int, int] = {}
    for how in (signal.SIGKILL, signal.SIGINT):
        process = started(grader.state, submissions)
        fresh = ours(client)
        end = time.monotonic() + 120
        while ours(client) <= fresh and time.monotonic() < end:
            time.sleep(0.05)
        process.send_signal(how)
        process.communicate(timeout=120)
        ends[how] = process.returncode
        left = ours(client) - before
        # Nobody is there to remove those of a killed one before the next batch begins.
        assert bool(left) == (how == signal.SIGKILL)

    assert ends == {signal.SIGKILL: -signal.SIGKILL, signal.SIGINT: 130}


def test_a_batch_disturbed_three_times_shows_nothing_of_it(
    engine: PrivateEngine,
) -> None:
    """The small version of bench/batch/chaos.py, which raises what it finds."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        Path(name).chmod(0o755)  # pytest's folder is closed to other users
        arena = Arena(
            folder=Path(name),
            executor="docker",
            engine=engine,
            modules=("setup",),
            chosen=(0, 8, 14, 19),
            chance=random.Random(3),  # noqa: S311 -- reproducible
        )
        record = experiment(arena, kills=3)

    assert sum(record["kills"].values()) == 3
    assert record["faults"] == {}
