"""`grader feedback`: from gradings to pages, as docs/how-to/feedback.md tells it."""

from __future__ import annotations

from pathlib import Path

import pytest
from grader_command import TEMPLATE, Grader, modules

CHOSEN = modules("setup")


@pytest.fixture(scope="module")
def grader(tmp_path_factory: pytest.TempPathFactory) -> Grader:
    """The command with a store in which a student is graded in a final round."""
    made = Grader(tmp_path_factory.mktemp("feedback"))
    assert made.here("round", "new", "exam", "--kind", "final").code == 0
    options = (*CHOSEN, "--student", "Bob", "--save")
    done = made.grade(TEMPLATE, *options, round_="exam")
    assert done.code == 0, done.err
    return made


def test_one_page_waits_for_the_end_of_a_final_round(grader: Grader) -> None:
    open_ = grader.here("feedback", "Bob")
    terms = ("--due", "2026-01-01T00:00Z", "--closes", "1d", "--by", "test")
    assert grader.here("round", "set", "exam", *terms).code == 0
    closed = grader.here("feedback", "Bob")

    assert (open_.code, closed.code) == (0, 0), open_.err
    assert "Do this next" not in open_.out
    assert "points are on the page, details are not" in open_.err
    assert "Do this next" in closed.out
    assert "tinytorch/setup.py" in closed.out
    assert closed.err == ""


def test_the_roster_tells_the_name(grader: Grader, tmp_path: Path) -> None:
    table = tmp_path / "class.csv"
    table.write_text("student,name\nBob,Bob Example\n", encoding="utf8")
    assert grader.here("roster", "import", table).code == 0

    assert "Feedback for Bob Example" in grader.here("feedback", "Bob").out


def test_all_pages_are_private_files_with_the_same_names_again(
    grader: Grader, tmp_path: Path
) -> None:
    first = grader.here("feedback", "--all", "--to", tmp_path / "pages")
    again = grader.here("feedback", "--all", "--to", tmp_path / "pages")

    assert first.code == again.code == 0, first.err
    assert first.out == again.out
    names = dict(line.split("\t") for line in first.out.splitlines())
    assert names["Bob"].startswith("bob-")
    files = {path.name: path for path in (tmp_path / "pages").iterdir()}
    assert set(files) == set(names.values())
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o600}


@pytest.mark.parametrize(
    "words", [(), ("Bob", "--all"), ("--all",), ("nobody",), ("Bob", "--round", "no")]
)
def test_what_makes_no_sense_is_refused(grader: Grader, words: tuple[str, ...]) -> None:
    done = grader.here("feedback", *words)

    assert done.code == 2
    assert "hint" in done.err
    assert done.out == ""
