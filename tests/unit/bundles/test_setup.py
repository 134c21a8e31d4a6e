"""setup.sh: which Python it takes, with programs that only write down their calls."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from grader.bundles.contents import STATIC

TOOLS: Final = ("bash", "dirname", "sed", "mkdir", "rm", "cat", "chmod", "env")
STUB: Final = '#!/bin/bash\necho "$(basename "$0") $*" >> "$CALLS"\n'
# Python is asked for its version first, then for an environment; nothing goes further.
OLD: Final = "#!/bin/bash\nexit 1\n"
NEW: Final = STUB + '[ "$1" = -c ]\n'


class Machine:
    """A PATH with a few programs, and the bundle beside setup.sh."""

    def __init__(self, folder: Path, candidate: str) -> None:
        self.folder, self.programs = folder, folder / "bin"
        self.calls = folder / "calls"
        self.programs.mkdir()
        for name in (*TOOLS, "basename"):
            found = shutil.which(name)
            assert found, name
            (self.programs / name).symlink_to(found)
        self.add("apt-cache", f'#!/bin/bash\necho "  Candidate: {candidate}"\n')
        self.add("add-apt-repository", STUB)
        # Installing makes Python appear.
        there = self.programs / "python3.11"
        appear = f"case $* in *python3.11*) cp {folder}/new {there};; esac\n"
        self.add("apt-get", STUB + appear)
        (self.programs / "cp").symlink_to(shutil.which("cp") or "")
        self.add("../new", NEW)
        (folder / "source" / "engine").mkdir(parents=True)
        shutil.copy(STATIC / "setup.sh", folder / "source")

    def add(self, name: str, text: str) -> None:
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)

    def run(self) -> list[str]:
        """Return the calls until an environment is asked for, which fails here."""
        env = {
            "PATH": str(self.programs),
            "CALLS": str(self.calls),
            "TINYTORCH_TARGET": str(self.folder / "target"),
        }
        command = [str(self.programs / "bash"), str(self.folder / "source/setup.sh")]
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return [
            line for line in lines if not line.startswith(("python3.11 -c", "import"))
        ]


def venv(calls: list[str]) -> str:
    return next(line.split()[0] for line in calls if "-m venv" in line)


def test_a_python_that_is_there_is_taken(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "3.11.2-1")
    machine.add("python3", OLD)
    machine.add("python3.12", NEW)

    calls = machine.run()

    assert venv(calls) == "python3.12"
    assert not any(call.startswith(("apt-get", "add-apt")) for call in calls)


@pytest.mark.parametrize(
    ("candidate", "foreign"),
    [("3.11.2-1", False), ("3.11.0~rc1-1~22.04", True), ("(none)", True)],
)
def test_a_missing_python_is_installed_never_a_release_candidate(
    tmp_path: Path, candidate: str, foreign: bool
) -> None:
    machine = Machine(tmp_path, candidate)
    machine.add("python3", OLD)

    calls = machine.run()

    assert any("install" in c and "python3.11-venv" in c for c in calls)
    assert ("add-apt-repository -y ppa:deadsnakes/ppa" in calls) is foreign
    assert venv(calls) == "python3.11"


def test_no_python_at_all_is_said(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "3.11.2-1")
    machine.add("python3", OLD)
    machine.add("apt-get", STUB)  # installs nothing

    calls = machine.run()

    assert not any("venv " in call and "-m" in call for call in calls)
    assert not (tmp_path / "target").exists()
