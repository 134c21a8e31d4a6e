"""`grader overview`: from gradings to a page, as docs/how-to/overview.md tells it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from grader_command import REFERENCE, TEMPLATE, Grader, modules

CHOSEN = modules("setup")


@pytest.fixture(scope="module")
def grader(tmp_path_factory: pytest.TempPathFactory) -> Grader:
    """The command with a store in which two students are graded."""
    made = Grader(tmp_path_factory.mktemp("overview"))
    assert made.here("round", "new", "one").code == 0
    for student, source in (("ann", REFERENCE), ("bob", TEMPLATE)):
        done = made.grade(source, *CHOSEN, "--student", student, "--save")
        assert done.code == 0, done.err
    return made


def test_a_class_of_two(grader: Grader, tmp_path: Path) -> None:
    target = tmp_path / "overview.html"
    arguments = ("--round", "one", "--format", "html", "--to", target)

    shown = grader("overview", "--round", "one")
    kept = grader("overview", *arguments)

    assert (shown.code, kept.code) == (0, 0), shown.err + kept.err
    assert "2: 2 graded, 0 not judged, 0 without a result" in shown.out
    assert target.read_text("utf8").count('role="img"') == 2
    assert kept.out == ""


def test_json_tells_the_untouched_from_the_complete(grader: Grader) -> None:
    done = grader("overview", "--format", "json")

    (setup,) = json.loads(done.out)["modules"]
    assert (setup["graded"], setup["full"], setup["untouched"]) == (2, 1, 1)
    titles = [check["title"] for check in json.loads(done.out)["checks"]]
    assert "system_info" in " ".join(titles)
    assert all(check["todo"] == 1 for check in json.loads(done.out)["checks"])
