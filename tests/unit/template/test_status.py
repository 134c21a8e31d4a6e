"""`tito status`: what became of it, with and without a connection."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from handing_in import receipts, status, submit, write
from pretend_service import Pretended, cut, pretend, problem
from tito_students import one_error

GRADED = {"state": "graded", "ahead": 0, "earned": 41.5, "points": 60}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path / "project", __init__="", tensor="x = 1\n")


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


@pytest.mark.parametrize(
    ("facts", "code", "says"),
    [
        ({}, 4, "state    waiting; 3 wait before it"),
        ({"ahead": 1}, 4, "state    waiting; 1 waits before it"),
        ({"ahead": 0}, 4, "state    waiting; it is next"),
        ({"state": "grading"}, 4, "state    being graded now"),
        (GRADED, 0, "points   41.5 of 60 points"),
        ({"state": "inconclusive"}, 4, "it is graded again by itself"),
        ({"state": "failed", "message": "A disk."}, 4, "message  A disk."),
        ({"state": "rejected", "message": "No file."}, 1, "message  No file."),
        ({"state": "a new one"}, 4, "state    a new one"),
    ],
)
def test_every_state_is_told_and_the_exit_code_says_whether_it_is_graded(
    project: Path, facts: dict[str, object], code: int, says: str
) -> None:
    with pretend() as service:
        submit(project, service)
        service.change(**facts)
        done = status(project)

    assert says in done.stdout
    assert (done.returncode, done.stderr) == (code, "")
    assert receipts(project)[0]["answer"]["state"] == facts.get("state", "waiting")


def test_the_latest_is_asked_for_or_the_one_that_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pretend() as service:
        submit(project, service)
        first = receipts(project)[0]["id"]
        later = "2099-01-01T00:00:00+00:00"
        monkeypatch.setattr("tito.parcel.now", lambda: later)
        write(project, tensor="x = 2\n")
        submit(project, service)
        second = ({r["id"] for r in receipts(project)} - {first}).pop()

        assert f"id       {second}, package" in status(project).stdout
        assert f"id       {first}, package" in status(project, first).stdout
        assert "by that id" in one_error(status(project, "s-OTHER"))[0]
        assert "no receipt" in one_error(status(project, "../x"))[0]


def test_offline_the_receipt_is_told(project: Path) -> None:
    with pretend() as service:
        submit(project, service)
        status(project)
    done = status(project)

    assert "nothing answers there" in one_error(done)[0]
    assert "state    waiting; 3 wait before it" in done.stdout
    assert "this is what the receipt says" in done.stdout
    assert done.returncode == 4


def test_offline_what_was_graded_stays_graded(project: Path) -> None:
    with pretend() as service:
        submit(project, service)
        service.change(**GRADED)
        status(project)

    assert status(project).returncode == 0


def test_what_waits_here_is_shown(project: Path) -> None:
    with pretend() as service:
        submit(project, service)
        write(project, tensor="x = 2\n")
        service.moods = [problem(503, "busy", Retry_After="600")]
        submit(project, service)
        done = status(project)

    assert "kept     package " in done.stdout
    assert "not handed in yet" in done.stdout


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 2},
        {"answer": []},
        {"answer": {"id": 7}},
        {"made_at": None},
        {"another": 1},
    ],
    ids=str,
)
def test_a_damaged_receipt_is_as_good_as_none(
    project: Path, change: dict[str, object]
) -> None:
    with pretend() as service:
        submit(project, service)
        (path,) = (project / ".tinytorch" / "receipts").iterdir()
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
        done = status(project)

    assert "nothing was handed in from here yet" in one_error(done)[0]


def test_nothing_handed_in_says_so(project: Path) -> None:
    done = status(project)

    assert "nothing was handed in from here yet" in one_error(done)[0]
    assert done.returncode == 1


def test_another_clone_asks_the_service(project: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other", __init__="")
    (other / "tito").mkdir()
    with pretend() as service:
        (other / "tito" / "course.json").write_text(
            f'{{"submit": {{"to": "{service.url}"}}}}'
        )
        assert "nothing of yours yet" in one_error(status(other))[0]
        submit(project, service)
        done = status(other)

        assert done.stdout.startswith(f"id       {receipts(project)[0]['id']}, ")
        assert len(receipts(other)) == 1


def test_a_folder_has_no_more_to_tell_than_its_receipt(
    project: Path, tmp_path: Path
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    submit(project, str(inbox))
    done = status(project)

    (path,) = inbox.iterdir()
    assert f"id       {path.name}, package " in done.stdout
    assert done.returncode == 4


# Until it is graded


def wait(project: Path, service: Pretended, *more: str) -> tuple[int, list[str]]:
    submit(project, service)
    service.asked.clear()
    done = status(project, "--wait", *more)
    rows = [r for r in done.stdout.splitlines() if r.startswith(("state", "points"))]
    return done.returncode, rows


CHANGES = [{"ahead": 1}, {"ahead": 1}, {"state": "grading"}, GRADED]
TOLD = [
    "state    waiting; 3 wait before it",
    "state    waiting; 1 waits before it",
    "state    being graded now",
    "state    graded",
    "points   41.5 of 60 points",
]


def test_events_are_followed(project: Path, waits: list[float]) -> None:
    with pretend() as service:
        service.events = CHANGES
        code, rows = wait(project, service)

        assert (code, rows, waits) == (0, TOLD, [])
        assert [asked.path.rpartition("/")[2] for asked in service.asked][1:] == [
            "events"
        ]
    assert receipts(project)[0]["answer"]["earned"] == 41.5


def test_without_events_it_asks_now_and_then(
    project: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pretend() as service:
        service.has_events = False
        changes = iter(CHANGES)

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            service.change(**next(changes))

        monkeypatch.setattr(time, "sleep", sleep)
        code, rows = wait(project, service)

    assert (code, rows) == (0, TOLD)
    assert waits == [5.0, 7.5, 11.25, 16.875]


def test_a_service_that_goes_away_for_a_while_is_waited_for(project: Path) -> None:
    with pretend() as service:
        submit(project, service)
        service.moods = [lambda _handler: False, *[cut] * 6]
        service.events = CHANGES
        done = status(project, "--wait")

    assert done.returncode == 0
    assert "waiting  " in done.stdout


def test_waiting_ends_after_its_limit(project: Path) -> None:
    with pretend() as service:
        code, rows = wait(project, service, "--limit", "0")

    assert (code, rows) == (4, TOLD[:1])
