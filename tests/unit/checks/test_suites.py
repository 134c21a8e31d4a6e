"""Hidden suites are found, described and refused with a reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.checks.suites import load_suites
from grader.config import load_course
from grader.errors import ConfigError
from grader.models.course import Course

ROOT = Path(__file__).resolve().parents[3]
HEAD = """
import pytest
from grader.checks import cpu_limit, needs, points, task

"""
GOOD = (
    HEAD
    + '''
@points(3)
@task("2.4")
def test_matmul(tt, oracle, rng):
    """A @ B sums over the inner axis.

    More words.
    """


@needs("tensor::matmul", "setup")
@cpu_limit(9)
@pytest.mark.parametrize("Kind", ["Add", "x-y"])
def test_grows(tt, Kind):
    pass


def helper():
    pass
'''
)


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course(ROOT / "course.toml")


def suite(folder: Path, text: str, name: str = "test_02_tensor.py") -> Path:
    (folder / name).write_text(text, encoding="utf8")
    return folder


def test_checks_are_described_by_their_marks(course: Course, tmp_path: Path) -> None:
    matmul, add, named = load_suites(suite(tmp_path, GOOD), course).checks

    assert (matmul.id, matmul.family, matmul.module) == (
        "tensor::matmul",
        "tensor::matmul",
        "tensor",
    )
    assert matmul.title == "A @ B sums over the inner axis"
    assert matmul.marks.points == 3
    assert matmul.marks.task == "2.4"
    assert matmul.fixtures == ("tt", "oracle", "rng")
    assert (add.id, named.id) == ("tensor::grows_add", "tensor::grows_x_y")
    assert add.family == named.family == "tensor::grows"
    assert add.title == "grows add"
    assert (add.parameters, add.fixtures) == ({"Kind": "Add"}, ("tt",))
    assert add.marks.needs == ("tensor::matmul", "setup")
    assert add.marks.cpu_s == 9


def test_a_need_may_name_a_family_or_a_module(course: Course, tmp_path: Path) -> None:
    text = GOOD + '\n@needs("tensor::grows", "layers")\ndef test_more(tt):\n    pass\n'

    assert len(load_suites(suite(tmp_path, text), course).checks) == 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def test_a(tt, tmp_path): pass\n", r"\['tmp_path'\]; there are tt, oracle"),
        ("def test_a(tt): pass\nimport nowhere\n", "does not load: .*nowhere"),
        ("def test_a(tt:\n", "does not load"),
        (HEAD + '@needs("tensor::b")\ndef test_a(tt): pass\n', "needs 'tensor::b'"),
        (HEAD + '@needs("nonsense")\ndef test_a(tt): pass\n', "does not exist"),
    ],
)
def test_a_wrong_suite_is_refused_with_its_reason(
    text: str, told: str, course: Course, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=f"(?s){told}"):
        load_suites(suite(tmp_path, text), course)


@pytest.mark.parametrize("name", ["test_02_nonsense.py", "test_tensor.py"])
def test_a_file_of_no_module_is_refused(
    name: str, course: Course, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="belongs to no module") as caught:
        load_suites(suite(tmp_path, GOOD, name), course)

    assert "course.toml" in caught.value.hint


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_no_suites_is_an_error_and_not_a_full_mark(
    folder: str, course: Course, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="no hidden suites in"):
        load_suites(tmp_path / folder, course)


def test_the_digest_follows_the_content(course: Course, tmp_path: Path) -> None:
    first = load_suites(suite(tmp_path, GOOD), course).digest
    assert load_suites(tmp_path, course).digest == first

    changed = load_suites(suite(tmp_path, GOOD + "# later\n"), course).digest
    suite(tmp_path, GOOD)
    other = suite(tmp_path, "def test_a(tt): pass\n", "test_01_setup.py")

    assert len({first, changed, load_suites(other, course).digest}) == 3
    assert first.startswith("sha256:")


def test_nothing_of_the_caller_leaks_into_a_suite(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing_matches_this")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    (tmp_path / "conftest.py").write_text("raise RuntimeError")
    before = dict(os.environ)

    assert len(load_suites(suite(tmp_path, GOOD), course).checks) == 3
    assert dict(os.environ) == before


def test_nothing_runs_while_suites_are_collected(
    course: Course, tmp_path: Path
) -> None:
    text = "def test_a(tt):\n    raise SystemExit(3)\n"

    (check,) = load_suites(suite(tmp_path, text), course).checks

    with pytest.raises(SystemExit):
        check.function(tt=None)


def test_the_suites_of_the_course_load_and_their_ids_are_unique(
    course: Course,
) -> None:
    suites = load_suites(ROOT / "reference" / "checks", course)

    ids = [check.id for check in suites.checks]
    assert len(ids) == len(set(ids)) > 200
    numbers = [int(course.module(check.module).number) for check in suites.checks]
    assert numbers == sorted(numbers)
