"""The digests of what an image copies: equal to those of reports, and one a part."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.checks.suites import load_suites
from grader.config import Home, load_course
from grader.errors import ConfigError
from grader.image.contents import PARTS, Contents, contents_of
from grader.pipeline import digest_of, reference_files

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A copy of this course that a test may change."""
    folder = tmp_path / "course"
    folder.mkdir()
    shutil.copy(ROOT / "course.toml", folder)
    for name in ("milestones", "reference/checks", "reference/tinytorch"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copytree(ROOT / "grader/image", folder / "grader")
    return Home(folder)


def contents(home: Home) -> Contents:
    """Return the digests with an engine that nobody has read before."""
    copy = home.folder / f"engine-{len(list(home.folder.iterdir()))}"
    shutil.copytree(home.folder / "grader", copy)
    return contents_of(home, copy)


def test_they_are_those_of_a_report() -> None:
    home = Home(ROOT)
    course = load_course(home.course_file)

    found = contents_of(home)

    assert found.suites == load_suites(home.suites, course).digest
    files = reference_files(home.reference / course.package)
    assert found.reference == digest_of(files)


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf8") + text, encoding="utf8")


def add_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


CHANGES: dict[str, Callable[[Path], None]] = {
    "engine": lambda f: append(f / "grader/fresh.py", "# changed\n"),
    "suites": lambda f: append(f / "reference/checks/test_02_tensor.py", "# changed\n"),
    "reference": lambda f: append(f / "reference/tinytorch/tensor.py", "# changed\n"),
    "course": lambda f: (f / "course.toml").write_text(
        (f / "course.toml")
        .read_text(encoding="utf8")
        .replace("points = ", "points = 1"),
        encoding="utf8",
    ),
    "milestones": lambda f: add_byte(f / "milestones/data/sonnets/sonnets.txt.gz"),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_change_of_one_part_changes_its_digest_alone(home: Home, part: str) -> None:
    before = contents(home)

    CHANGES[part](home.folder)

    after = contents(home)
    assert {p for p in PARTS if before.of(p) != after.of(p)} == {part}


def test_a_new_name_changes_the_digest(home: Home) -> None:
    before = contents(home)
    folder = home.folder / "grader"

    (folder / "fresh.py").rename(folder / "stale.py")

    assert contents(home).engine != before.engine


def test_traces_of_runs_and_comments_change_nothing(home: Home) -> None:
    before = contents(home)
    cache = home.folder / "milestones/01_1957_perceptron/__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "x.py").write_text("1", encoding="utf8")
    (home.folder / "milestones/README.md").write_text("new", encoding="utf8")
    (home.folder / "milestones/01_1957_perceptron/curve.png").write_bytes(b"png")
    append(home.folder / "course.toml", "\n# a comment\n")

    assert contents(home) == before


def test_without_a_course_there_is_only_the_engine() -> None:
    found = contents_of(None)

    assert found.engine == contents_of(Home(ROOT)).engine
    assert {found.of(part) for part in PARTS if part != "engine"} == {""}


def test_a_missing_part_is_an_error_of_configuration(home: Home) -> None:
    shutil.rmtree(home.folder / "reference/checks")

    with pytest.raises(ConfigError, match="no hidden suites"):
        contents(home)
