"""The workflow of a student's repository, its steps run for real."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options

from workflows.run_steps import Result, Runner
from workflows.students import ATTACK, HOME, WRONG_MATMUL, built, spoiled

WORKFLOW = HOME.template / ".github/workflows/tests.yml"
INSTALL = ("Install numpy, pytest and click",)
REPORT = {"junit.xml", "report.html"}


def ran(folder: Path, repository: Path, *, skip: tuple[str, ...] = INSTALL) -> Result:
    github = {"ref": "refs/heads/main", "repository": "course/ada"}
    runner = Runner(folder, {"": repository}, {"github": github}, skip=skip)
    return runner.job(WORKFLOW, "tests")


def shown(summary: str) -> str:
    """Return the page that GitHub makes of a summary, before its own filter."""
    return cmarkgfm.github_flavored_markdown_to_html(summary, Options.CMARK_OPT_UNSAFE)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("good")
    names = ("setup", "tensor", "activations", "layers")
    return ran(folder / "run", built(folder / "repo", "04", *names), skip=())


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("untouched")
    return ran(folder / "run", built(folder / "repo", "02"))


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("wrong")
    return ran(folder / "run", spoiled(folder / "repo", WRONG_MATMUL))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("hostile")
    return ran(folder / "run", spoiled(folder / "repo", ATTACK))


def test_what_is_right_is_green_and_runs_its_milestone(good: Result) -> None:
    assert good.failed == [], good.text
    assert "72 passed" in good.summary
    assert "<code>milestone 01</code> | <code>reached" in good.summary
    assert good.log.commands == []
    assert {path.name for path in good.artifacts["public-tests"]} == REPORT


def test_what_is_not_written_is_no_failure_and_the_next_step_is_told(
    untouched: Result,
) -> None:
    assert untouched.failed == [], untouched.text
    assert "**37 to write**" in untouched.summary
    assert not untouched.of_kind("error")
    notes = untouched.of_kind("notice")
    assert [note.words["file"] for note in notes] == [
        "tinytorch/setup.py",
        "tinytorch/tensor.py",
    ]
    lines = (HOME.template / "tinytorch/tensor.py").read_text().splitlines()
    assert "TODO 2.1" in lines[int(notes[1].words["line"]) - 1]


def test_mistakes_are_told_at_their_lines(wrong: Result) -> None:
    assert wrong.failed == [
        "Run the public tests and the milestones whose modules pass"
    ]
    errors = {e.words["title"]: e for e in wrong.of_kind("error")}
    assert {e.words["file"] for e in errors.values()} == {"tinytorch/tensor.py"}
    text = (HOME.reference / "tinytorch/tensor.py").read_text() + WRONG_MATMUL
    lines = text.splitlines()
    at = {t.partition(": ")[2]: int(e.words["line"]) - 1 for t, e in errors.items()}
    # A wrong value: where the function stands. An exception: where it was raised.
    assert "def matmul" in lines[at["test_2_4_matmul_of_batches"]]
    assert "raise KeyError" in lines[at["test_2_5_reshape"]]
    assert "raise KeyError" in lines[at["test_2_5_reshape_names_both_shapes"]]
    assert "self.data @" in lines[at["test_2_4_matmul_names_both_shapes"]]
    first = errors["02_tensor: test_2_4_matmul_of_batches"]
    assert re.search(r"\n  expected  .*\n  got  ", first.message)
    assert len(errors) <= 10
    suites = ET.parse(_file(wrong, "junit.xml")).getroot()  # noqa: S314 -- our own
    assert int(suites.get("failures", "0")) == len(suites.findall(".//failure")) > 1


def test_nothing_that_a_package_prints_is_obeyed(hostile: Result) -> None:
    assert hostile.failed  # its functions raise
    assert "PWNED by a command" in hostile.text  # it was printed, and is shown
    assert {c.name for c in hostile.log.commands} <= {"error", "notice"}
    for command in hostile.log.commands:
        assert set(command.words) <= {"file", "line", "title"}
        assert command.words["file"] == "tinytorch/tensor.py"
        assert re.fullmatch(r"0[12]_\w+: [\w ]+", command.words["title"])
    # One token for the whole step, that nobody can guess.
    assert len(hostile.log.tokens) == 1
    assert re.fullmatch(r"[0-9a-f]{32}", hostile.log.tokens[0])
    assert "secret" not in hostile.text
    assert "PWNED=1" not in hostile.summary
    assert hostile.outputs == {}


def test_nothing_that_a_package_says_is_markup(hostile: Result) -> None:
    page = _file(hostile, "report.html").read_text()
    for text in (shown(hostile.summary), page):
        assert "alert(1)" in text  # shown, as text
        assert not re.search(r"<(script|img|details|strong>bold|h1>PWNED)", text)
        assert not re.search(r"<a [^>]*javascript", text)
        assert "\x1b" not in text
        assert "\u202e" not in text
    rows = re.findall(r"<tr>.*?</tr>", shown(hostile.summary), re.DOTALL)
    assert {row.count("<td") for row in rows[1:]} == {5}


def test_a_process_that_ends_early_says_where(tmp_path: Path) -> None:
    text = "\n\ndef _away(self, *_):\n    import os\n    os._exit(0)\n"
    project = spoiled(tmp_path / "repo", f"{text}\n\nTensor.exp = _away\n")

    result = ran(tmp_path / "run", project)

    assert result.failed
    first = result.of_kind("error")[0]
    assert "ended with exit code 0" in first.message
    assert "test_2_8_exp" in first.message
    assert "The tests did not come to their end" in result.summary


def test_a_repository_without_its_course_is_told_in_the_summary(tmp_path: Path) -> None:
    project = built(tmp_path / "repo", "02")
    (project / "tito/course.json").write_text("{")

    result = ran(tmp_path / "run", project)

    assert result.failed
    assert "cannot be read" in result.summary


def _file(result: Result, name: str) -> Path:
    (found,) = [p for p in result.artifacts["public-tests"] if p.name == name]
    return found


# The second job: the course's grading


@pytest.mark.parametrize(
    ("token", "to", "goes"),
    [
        ("tt_x", "https://grader.example.org", True),
        ("", "https://grader.example.org", False),
        ("tt_x", "/a/folder", False),
        ("tt_x", "", False),
    ],
)
def test_results_are_fetched_only_with_a_service_and_a_token(
    tmp_path: Path, token: str, to: str, goes: bool
) -> None:
    project = tmp_path / "repo"
    (project / "tito").mkdir(parents=True)
    facts = {"submit": {"to": to}} if to else {}
    (project / "tito/course.json").write_text(json.dumps(facts))
    contexts = {"secrets": {"TINYTORCH_TOKEN": token}}
    runner = Runner(tmp_path / "run", {"": project}, contexts, skip=INSTALL)

    result = runner.job(WORKFLOW, "results")

    assert ("Hand in" in result.ran) == goes  # there it fails: this is no repository
    for name, environment in result.environment.items():
        has_token = name in ("Hand in", "Wait for the results")
        assert ("TINYTORCH_TOKEN" in environment) == has_token
