"""Every refusal of `course.toml` names file and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.config import find_home, load_course
from grader.errors import ConfigError

HOME = Path(__file__).resolve().parents[3]
MINIMAL = """
name = "c"
title = "A course"
package = "pkg"
milestones = []

[[modules]]
number = "01"
name = "one"
title = "One"
points = 10
file = "one.py"
needs = []
symbols = [{ name = "f", paths = ["pkg.one"] }]

[[modules]]
number = "02"
name = "two"
title = "Two"
points = 10
file = "two.py"
needs = ["one"]
symbols = [{ name = "g", paths = ["pkg.two"] }]
"""


def load(tmp_path: Path, text: str) -> None:
    file = tmp_path / "course.toml"
    file.write_text(text)
    load_course(file)


def test_the_course_of_this_repository_has_twenty_modules_and_six_milestones() -> None:
    course = load_course(HOME / "course.toml")

    assert [m.number for m in course.modules] == [f"{i:02}" for i in range(1, 21)]
    assert [m.year for m in course.milestones] == [1957, 1969, 1986, 1998, 2017, 2024]


def test_a_minimal_course_loads(tmp_path: Path) -> None:
    load(tmp_path, MINIMAL)


def test_a_course_is_understood_once_and_anew_when_it_has_changed(
    tmp_path: Path,
) -> None:
    file = tmp_path / "course.toml"
    file.write_text(MINIMAL)
    first = load_course(file)

    assert load_course(file) is first
    file.write_text(MINIMAL.replace("A course", "Another"))
    assert load_course(file).title == "Another"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('title = "One"', 'title = "One"\ncolour = "red"', "modules.one.colour"),
        ("points = 10", 'points = "10 apples"', "modules.one.points"),
        ("points = 10", "points = -1", "modules.one.points"),
        ('needs = ["one"]', 'needs = ["three"]', "modules.two.needs"),
        ("needs = []", 'needs = ["two"]', "circle: one -> two -> one"),
        ('name = "two"', 'name = "one"', "'one' is there twice"),
        ('name = "g"', 'name = "f"', "'f' is there twice"),
        ('number = "01"', 'number = "1"', "modules.one.number"),
        ('paths = ["pkg.one"]', "paths = []", "modules.one.symbols.f.paths"),
        ('name = "c"', 'name = "c" x', "not TOML"),
        ('package = "pkg"', "", "package"),
    ],
    ids=[
        *("unknown key", "text for a number", "negative", "unknown need", "circle"),
        *("name twice", "symbol twice", "number", "no path", "syntax", "missing key"),
    ],
)
def test_a_wrong_course_is_refused_with_file_and_key(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    assert old in MINIMAL

    with pytest.raises(ConfigError) as caught:
        load(tmp_path, MINIMAL.replace(old, new, 1))

    assert str(tmp_path / "course.toml") in caught.value.message
    assert key in caught.value.message


def test_a_missing_course_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_course(tmp_path / "course.toml")


def test_the_home_is_found_from_a_folder_below(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text(MINIMAL)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)

    assert find_home(below).folder == tmp_path
