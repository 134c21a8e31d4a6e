"""What a student sees when the public tests run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE = ROOT / "student_template"


def run(tests: Path, package: Path, *arguments: str) -> str:
    """Return what `python -m pytest` prints, run as a student runs it."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # a student has none of ours
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=tests.parent,
        env=environment | {"TINYTORCH_PACKAGE": str(package), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr


def public(folder: Path) -> list[str]:
    """Return the public tests of all modules of the course."""
    return [str(path) for path in sorted((folder / "tests").glob("test_*.py"))]


def test_the_reference_passes_every_public_test() -> None:
    out = run(TEMPLATE / "tests", ROOT / "reference", *public(TEMPLATE))

    last = out.splitlines()[-1]
    assert " passed" in last, out
    assert "failed" not in last
    assert "todo" not in last
    assert "error" not in last


def test_the_template_has_only_things_to_do() -> None:
    out = run(TEMPLATE / "tests", TEMPLATE, *public(TEMPLATE))

    last = out.splitlines()[-1]
    assert " todo" in last, out
    assert "failed" not in last
    assert "passed" not in last
    assert "error" not in last
    assert "TODO 1.1: system_info" in out


# A package of three functions, one test each


@pytest.fixture
def student(tmp_path: Path) -> Path:
    """Return a repository with the template's conftest and an empty package."""
    tests = tmp_path / "tests"
    tests.mkdir()
    for name in ("checklib.py", "conftest.py"):
        shutil.copy(TEMPLATE / "tests" / name, tests)
    (tmp_path / "tinytorch").mkdir()
    return tmp_path


def shown(student: Path, body: str, test: str) -> list[str]:
    """Run one test on a package of one function `f`; return the lines printed."""
    source = f"import numpy as np\n\n\ndef f():\n    {body}\n"
    (student / "tinytorch/__init__.py").write_text(source)
    head = "from checklib import same\n\n\ndef test_2_3_f(tt):\n    "
    (student / "tests/test_02_f.py").write_text(f"{head}{test}\n")
    return run(student / "tests", student).splitlines()


def test_a_mistake_is_told_in_four_lines(student: Path) -> None:
    out = shown(student, "return 3.0", "same(tt.f(), 4.0, call='f()', hint='add 1')")

    assert out[3:] == [
        "f()",
        "  expected  4",
        "  got       3",
        "  hint      add 1",
        " next step ".center(80, "="),
        "test_2_3_f",
        "(1 not right yet; a hint: make hint-2.3)",
        out[-1],
    ]


def test_an_exception_is_told_with_the_students_line(student: Path) -> None:
    out = shown(student, "return np.zeros(2)[7]", "same(tt.f(), 4.0, call='f()')")

    assert out[3:8] == [
        "same(tt.f(), 4.0, call='f()')",
        "  expected  no error",
        "  got       IndexError: index 7 is out of bounds for axis 0 with size 2",
        "  at        tinytorch/__init__.py:5, in f",
        "            return np.zeros(2)[7]",
    ]


def test_unwritten_code_is_todo(student: Path) -> None:
    body = 'raise NotImplementedError("TODO 2.3: f")'
    out = shown(student, body, "tt.f()")

    assert out[0].startswith("t ")
    assert out[2] == "TODO 2.3: f   (1 left to write)"
    assert out[3].startswith("1 todo in")


def test_an_endless_loop_is_stopped(student: Path) -> None:
    conftest = student / "tests/conftest.py"
    text = conftest.read_text(encoding="utf-8")
    assert "TIME_LIMIT_S = 20.0" in text
    conftest.write_text(text.replace("TIME_LIMIT_S = 20.0", "TIME_LIMIT_S = 3.0"))
    loop = ["while True:", "    try:", "        x = 1"]
    body = "\n    ".join([*loop, "    except Exception:", "        x = 2"])
    out = shown(student, body, "tt.f()")

    assert out[3:6] == [
        "tt.f()",
        "  expected  an answer within 3 s",
        "  got       none; the test was stopped",
    ]
    assert out[6].startswith("  at        tinytorch/__init__.py:")


def test_a_package_that_does_not_import_is_told_once(student: Path) -> None:
    shown(student, "return (", "tt.f()")
    shutil.copy(student / "tests/test_02_f.py", student / "tests/test_03_f.py")

    out = "\n".join(run(student / "tests", student).splitlines())

    assert out.count("SyntaxError") == 1
    assert out.count("import tinytorch: as above") == 1
    assert "at        tinytorch/__init__.py:5" in out


def test_no_line_is_wider_than_a_terminal(student: Path) -> None:
    long = "word " * 40
    test = f"same(tt.f(), 4.0, call='{long}', hint='{long}')"
    out = shown(student, "return 3.0", test)

    assert max(map(len, out)) <= 80
