"""`tito` run in this process: a start of Python for every command is most of its cost.

It is the template's `tito`, as `make setup` installs it; tests of what only a process
of its own shows (a terminal, an encoding, PYTHONPATH, signals) start one.
"""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

from click.testing import CliRunner
from tito.cli import main

TEMPLATE = Path(__file__).resolve().parents[3] / "student_template"

UNSET = (
    *("SUBMIT_TO", "STUDENT", "ROUND", "TINYTORCH_TOKEN", "TINYTORCH_PACKAGE"),
    *("NO_COLOR", "COVERAGE", "OPENBLAS_NUM_THREADS", "PYTHONPATH"),
)
USUAL = {"TZ": "UTC", "COLUMNS": "80"}


def tito_here(
    folder: Path, *arguments: str, given: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder; what it prints comes back as from a process."""
    environment = dict.fromkeys(UNSET) | USUAL | variables
    with contextlib.chdir(folder):
        done = CliRunner(env=environment).invoke(
            main, arguments, input=given, prog_name="tito"
        )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(
        arguments, done.exit_code, done.stdout, done.stderr
    )
