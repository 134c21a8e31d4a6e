"""A new student's first minutes: from the repository to the first complete module."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tito_students import HOME

README = HOME.template / "README.md"
# What somebody would write who follows the specification of task 1.1.
ANSWER = """\
    pages = os.sysconf("SC_PHYS_PAGES")
    return {
        "python_version": platform.python_version(),
        "numpy_version": np.__version__,
        "platform": platform.platform(),
        "cpu_count": os.cpu_count() or 1,
        "memory_bytes": pages * os.sysconf("SC_PAGE_SIZE"),
    }
"""


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    unwanted = ("MAKE", "PYTEST", "COVERAGE", "NO_COLOR", "TINYTORCH")
    return subprocess.run(
        command,
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith(unwanted)}
        | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # a student has none of ours
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.slow
def test_from_the_repository_to_the_first_complete_module(tmp_path: Path) -> None:
    """The commands of the README, but for `make setup`: the libraries are here."""
    student = tmp_path / "student"
    python = f"PYTHON={sys.executable}"
    start = time.monotonic()
    build = [sys.executable, "-m", "grader.cli.main", "template", "build"]
    assert run(HOME.folder, *build, str(student)).returncode == 0

    before = run(student, "make", "test-01", python)
    assert "TODO 1.1: system_info" in before.stdout
    assert "passed" not in before.stdout
    file = student / "tinytorch" / "setup.py"
    stub = r"    # TODO\(1\.1\).*\n    raise NotImplementedError\(.*\)\n"
    text, count = re.subn(stub, ANSWER, file.read_text())
    assert count == 1
    file.write_text(text)

    after = run(student, "make", "test-01", python)
    assert re.search(r"\b5 passed in ", after.stdout), after.stdout
    complete = run(student, "make", "complete-01", python)
    assert "01_setup is complete" in complete.stdout, complete.stderr
    status = run(student, "make", "status", python)
    assert "modules 1 of 20 done" in status.stdout
    assert status.stdout.rstrip().endswith("then tito module test 02_tensor")
    # A machine that is not busy needs a tenth of it; the promise is ten minutes.
    assert time.monotonic() - start < 300


def test_the_readme_has_these_commands() -> None:
    text = README.read_text(encoding="utf-8")
    first = text.split("## The first ten minutes")[1].split("\n## ")[0]

    shown = re.findall(r"^    ((?:make|tito) \S+.*?)(?: *#.*)?$", first, re.MULTILINE)
    assert shown == [
        "make setup",
        "make doctor",
        "make test-01",
        "make complete-01",
        "make status",
    ]
