"""`grader batch`: many submissions, killed and run again, each graded once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from grader_command import REFERENCE, ROOT, TEMPLATE, Grader, copied

from grader.answers import WORTH
from grader.store import Store

CHOSEN = ["--only", "setup", "--no-milestones", "--round", "one", "--format", "json"]


@pytest.fixture
def grader(tmp_path: Path) -> Grader:
    """The command with a store and a round of its own."""
    return Grader.with_rounds(tmp_path / "state", "one")


@pytest.fixture
def submissions(tmp_path: Path) -> Path:
    """A right, an unwritten, a broken and an empty submission, and an archive."""
    folder = tmp_path / "submissions"
    for student, source in (("ann", REFERENCE), ("bob", TEMPLATE)):
        copied(source, folder / student, {})
    copied(REFERENCE, folder / "cem", {"setup.py": b"raise SystemExit(3)\n"})
    (folder / "dan").mkdir()
    (folder / "eve.zip").write_bytes(b"no archive")
    return folder


def rows_of(out: str) -> dict[str, dict[str, Any]]:
    return {row["student"]: row for row in json.loads(out)}


def store_of(grader: Grader) -> Store:
    return Store.open(grader.state / "store")


def test_every_submission_ends_in_an_answer(grader: Grader, submissions: Path) -> None:
    done = grader("batch", submissions, *CHOSEN)

    assert done.code == 0, done.err
    rows = rows_of(done.out)
    states = {student: row["state"] for student, row in rows.items()}
    assert states == {
        "ann": "graded",
        "bob": "graded",
        "cem": "graded",
        "dan": "refused",
        "eve": "refused",
    }
    assert rows["ann"]["earned"] == rows["ann"]["points"] > 0
    assert rows["bob"]["earned"] == rows["cem"]["earned"] == 0
    assert "no folder tinytorch/" in rows["dan"]["message"]
    assert "no archive that can be read" in rows["eve"]["message"]
    assert {r.report.student for r in store_of(grader).reports()} == {
        *("ann", "bob", "cem")
    }


def test_running_again_grades_only_what_is_new(
    grader: Grader, submissions: Path
) -> None:
    first = grader("batch", submissions, *CHOSEN)
    copied(REFERENCE, submissions / "fay", {})
    events = len(store_of(grader).events())

    again = grader("batch", submissions, *CHOSEN)

    assert again.code == 0, again.err
    before, after = rows_of(first.out), rows_of(again.out)
    assert {s: r["document"] for s, r in before.items()} == {
        s: r["document"] for s, r in after.items() if s != "fay"
    }
    assert after["fay"]["state"] == "graded"
    assert len(store_of(grader).events()) == events + 1


def test_a_changed_submission_is_graded_again(
    grader: Grader, submissions: Path
) -> None:
    grader("batch", submissions, *CHOSEN)
    changed = submissions / "bob" / "tinytorch" / "setup.py"
    changed.write_bytes((REFERENCE / "tinytorch" / "setup.py").read_bytes())

    done = grader("batch", submissions, *CHOSEN)

    rows = rows_of(done.out)
    assert rows["bob"]["earned"] == rows["bob"]["points"] > 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere"], 3, "there is nothing at nowhere"),
        ([str(ROOT / "tests"), "--only", "tensors"], 3, "there is no module 'tensors'"),
        ([], 2, "Missing argument"),
    ],
)
def test_a_wrong_batch_is_told(
    arguments: list[str], code: int, message: str, grader: Grader
) -> None:
    done = grader.here("batch", *arguments)

    assert done.code == code
    assert message in done.err


def running(grader: Grader, folder: Path) -> subprocess.Popen[str]:
    env = os.environ | {"GRADER_STATE": str(grader.state)}
    env.pop("TINYTORCH_DATA", None)
    return subprocess.Popen(
        [sys.executable, "-m", "grader.cli.main", "batch", str(folder), *CHOSEN],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def workers(of: int) -> list[psutil.Process]:
    try:
        children = psutil.Process(of).children()
        return [c for c in children if "grader.batch.worker" in " ".join(c.cmdline())]
    except psutil.NoSuchProcess:
        return []


def gone(pids: set[int]) -> bool:
    end = time.monotonic() + 20
    while any(psutil.pid_exists(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.1)
    return not any(psutil.pid_exists(pid) for pid in pids)


def test_killed_again_and_again_it_counts_nothing_twice(
    grader: Grader, tmp_path: Path
) -> None:
    """SIGKILL to the coordinator or a worker at random moments, then to the end."""
    folder = tmp_path / "submissions"
    for number in range(4):
        copied(REFERENCE if number % 2 else TEMPLATE, folder / f"s{number}", {})
    chance = np.random.default_rng(7)
    left: set[int] = set()
    for _ in range(5):
        process = running(grader, folder)
        time.sleep(chance.uniform(1.0, 5.0))
        there = workers(process.pid)
        left |= {p.pid for p in there}
        victims = [process.pid, *(p.pid for p in there)]
        victim = int(chance.choice(victims))
        if psutil.pid_exists(victim):
            os.kill(victim, signal.SIGKILL)
        process.communicate(timeout=300)

    done = grader("batch", folder, *CHOSEN)
    undisturbed = Grader(tmp_path / "other")
    other_round = (grader.state / "rounds" / "one.json").read_bytes()
    (undisturbed.state / "rounds").mkdir(parents=True)
    (undisturbed.state / "rounds" / "one.json").write_bytes(other_round)
    calm = undisturbed("batch", folder, *CHOSEN)

    assert done.code == calm.code == 0, done.err + calm.err
    assert gone(left)
    verdicts = [
        sorted(r.report.verdict.model_dump_json() for r in store_of(g).reports())
        for g in (grader, undisturbed)
    ]
    assert verdicts[0] == verdicts[1]
    assert len(verdicts[0]) == 4
    documents = [event.document for event in store_of(grader).events()]
    assert len(documents) == len(set(documents)) == 4


def test_ctrl_c_gives_the_work_back(grader: Grader, submissions: Path) -> None:
    process = running(grader, submissions)
    end = time.monotonic() + 60
    while not workers(process.pid) and time.monotonic() < end:
        time.sleep(0.1)
    there = {p.pid for p in workers(process.pid)}
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "finished results are kept" in err
    assert gone(there)
    again = grader("batch", submissions, *CHOSEN)
    assert again.code == 0, again.err
    assert all(row["attempts"] == 0 for row in json.loads(again.out))


FAULT = """\
import grader.grading

_whole = grader.grading.grade_submission


def grade_submission(submission, options, *more):
    if submission.student == "bob":
        raise RuntimeError("a bug of ours")
    return _whole(submission, options, *more)


grader.grading.grade_submission = grade_submission
"""


def test_a_bug_that_one_submission_meets_sets_it_aside_alone(
    grader: Grader, submissions: Path, tmp_path: Path
) -> None:
    """A worker that ends with an exception is replaced; its work is tried thrice."""
    faulty = tmp_path / "faulty"
    faulty.mkdir()
    (faulty / "sitecustomize.py").write_text(FAULT)

    done = grader("batch", submissions, *CHOSEN, PYTHONPATH=str(faulty))

    rows = rows_of(done.out)
    assert done.code == 5
    assert rows["bob"]["state"] == "failed"
    assert "set aside" in rows["bob"]["message"]
    assert "a bug of ours" in done.err
    assert {rows[s]["state"] for s in ("ann", "cem")} == {"graded"}

    mended = rows_of(grader("batch", submissions, *CHOSEN, "--retry", "failed").out)

    assert mended["bob"]["state"] == "graded"


def test_eight_submissions_are_worth_a_recording(
    grader: Grader, tmp_path: Path
) -> None:
    """Its answers lead to the same verdicts as those of a live reference."""
    folder = tmp_path / "class"
    text = (REFERENCE / "tinytorch" / "activations.py").read_bytes()
    wrong = text + b"\nReLU.__call__ = lambda self, x: x\n"
    copied(REFERENCE, folder / "s0", {"activations.py": wrong})
    for number in range(1, WORTH):  # soon done: they end at their import
        ends = f"raise SystemExit({number})\n".encode()
        copied(TEMPLATE, folder / f"s{number}", {"__init__.py": ends})
    options = ["--round", "one", "--no-milestones", "--format", "json"]

    done = grader("batch", folder, *options)
    recordings = list((grader.state / "oracle").glob("*.answers"))
    for path in recordings:
        path.unlink()
    alone = grader("grade", folder / "s0", "--student", "s0", *options)

    assert done.code == 0, done.err
    assert len(recordings) == 1
    (kept,) = (r.report for r in store_of(grader).reports() if r.report.student == "s0")
    assert kept.verdict.model_dump_json().encode() == alone.verdict
    assert 0 < kept.verdict.earned < kept.verdict.points
    assert not list((grader.state / "oracle").glob("*.answers"))
