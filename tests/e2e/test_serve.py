"""`grader serve` as it runs: real bundles, real workers, and the power failing."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from grader_command import REFERENCE, TEMPLATE, Grader
from service_process import API, Start, bundle_of, services, until

from grader.store import Store
from grader.store.access import Who

CHEAP = ("--only", "setup", "--no-milestones", "--round", "one")


@pytest.fixture
def grader(tmp_path: Path) -> Grader:
    return Grader.with_rounds(tmp_path / "state", "one")


@pytest.fixture
def start(grader: Grader) -> Iterator[Start]:
    with services(grader.state, *CHEAP) as start:
        yield start


@pytest.fixture
def tokens(grader: Grader) -> dict[str, str]:
    with closing(Store.open(grader.state / "store")) as store:
        names = ("ann", "ben", "cem")
        return {n: store.access.issue("token", Who("student", n)) for n in names}


def graded(grader: Grader) -> Counter[str]:
    """Return how many results count of everybody."""
    with closing(Store.open(grader.state / "store")) as store:
        return Counter(e.student for e in store.events(kinds=("graded",)))


def held(grader: Grader) -> int:
    with closing(sqlite3.connect(grader.state / "store" / "events.db")) as raw:
        rows = raw.execute("SELECT count(*) FROM jobs WHERE state = 'leased'")
        return int(rows.fetchone()[0])


@pytest.mark.slow
def test_submissions_are_graded_told_and_published_and_the_rest_is_given_back(
    grader: Grader, start: Start, tokens: dict[str, str], tmp_path: Path
) -> None:
    service = start("--jobs", "1", "--board", str(tmp_path / "site"))
    ann, ben = tokens["ann"], tokens["ben"]

    right = service.hand_in(ann, bundle_of(REFERENCE, tmp_path / "a", "ann"))
    empty = service.hand_in(ben, bundle_of(TEMPLATE, tmp_path / "b", "ben"))

    assert (right["new"], right["state"]) == (True, "waiting")
    states = [*service.states(ann, right["id"])]
    assert states[-1] == "graded"
    assert states == sorted(states, key=["waiting", "grading", "graded"].index)
    told = service.ask(f"{API}/submissions/{right['id']}", ann)[1]
    assert told["earned"] == told["points"] > 0
    assert [*service.states(ben, empty["id"])][-1] == "graded"
    assert service.ask(f"{API}/submissions/{empty['id']}", ben)[1]["earned"] == 0
    report = service.ask(f"{API}/submissions/{right['id']}/report", ann)[1]
    assert report["student"] == "ann"
    assert str(tmp_path) not in json.dumps(report)
    until(lambda: service.opened("/").status == 200)
    assert b"<!doctype html>" in service.opened("/").read()
    numbers = service.opened("/metrics").read().decode()
    assert 'grader_submissions{state="graded"} 2.0' in numbers
    assert service.ask("/readyz", "")[1] == {"ok": True, "problems": []}

    service.hand_in(tokens["cem"], bundle_of(REFERENCE, tmp_path / "c", "cem"))
    until(lambda: held(grader) == 1)
    children = psutil.Process(service.process.pid).children(recursive=True)
    assert service.end() == 0
    assert held(grader) == 0
    assert psutil.wait_procs(children, timeout=10)[1] == []
    assert graded(grader) == {"ann": 1, "ben": 1}


@pytest.mark.slow
def test_killed_at_any_time_it_goes_on_where_it_was(
    grader: Grader, start: Start, tokens: dict[str, str], tmp_path: Path
) -> None:
    service = start("--jobs", "1")
    ids: dict[str, Any] = {}
    for name, token in tokens.items():
        data = bundle_of(REFERENCE, tmp_path / name, name)
        ids[name] = service.hand_in(token, data)["id"]
    until(lambda: held(grader) == 1)
    children = psutil.Process(service.process.pid).children(recursive=True)
    service.kill()
    assert psutil.wait_procs(children, timeout=10)[1] == []

    again = start("--jobs", "2")

    for name, token in tokens.items():
        answer = again.ask(f"{API}/submissions/{ids[name]}", token)[1]
        assert answer["student"] == name
        assert [*again.states(token, ids[name])][-1] == "graded"
    assert graded(grader) == {"ann": 1, "ben": 1, "cem": 1}


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--round", "two"], 3, "there is no round 'two'"),
        (["--only", "tensors"], 3, "there is no module 'tensors'"),
        (["--host", "192.0.2.1"], 3, "nothing can listen at 192.0.2.1"),
        (["--executor", "dask"], 2, "Invalid value for '--executor'"),
    ],
)
def test_what_cannot_be_served_is_told_at_once(
    grader: Grader, options: list[str], code: int, said: str
) -> None:
    done = grader.here("serve", "--sandbox", "none", *options)

    assert done.code == code
    assert re.search(re.escape(said), done.err), done.err
    assert done.out == ""
