"""Git, as a program that asks nothing and does not wait forever."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tito import tokens
from tito.errors import TitoError

LIMIT_S = 120.0
SECRET = re.compile(r"(?<=://)[^@/\s]+@")
OWN_SSH = ("GIT_SSH", "GIT_SSH_COMMAND")


@dataclass(frozen=True)
class Said:
    """What a git command came to."""

    code: int
    out: str
    error: str

    @property
    def good(self) -> bool:
        return self.code == 0

    @property
    def why(self) -> str:
        """The line that says what went wrong, without anybody's password."""
        rows = [SECRET.sub("", row.strip()) for row in self.error.splitlines()]
        told = [
            r for r in rows if r.startswith(("fatal:", "error:", "remote:", "ssh:"))
        ]
        first = next(iter(told or rows), "it does not say why")
        return re.sub(r"^(fatal|error): ", "", first)[:200]


@dataclass(frozen=True)
class Git:
    """The repository that a project lies in."""

    project: Path

    def run(self, *words: str, given: str = "") -> Said:
        """Run one command.

        Raises:
            TitoError: git is not installed.
        """
        program = shutil.which("git")
        if program is None:
            raise TitoError(
                "git is not installed", "Install it, or hand in another way: --to"
            )
        try:
            done = subprocess.run(
                [program, "-C", str(self.project), *words],
                input=given,
                capture_output=True,
                encoding="utf-8",
                errors="surrogateescape",
                env=self._environment(),
                timeout=LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Said(-1, "", f"fatal: no answer within {LIMIT_S:.0f} s: timed out")
        return Said(done.returncode, done.stdout, done.stderr)

    def _environment(self) -> dict[str, str]:
        """Ask nothing: neither for a password nor for the key of a host."""
        quiet = {"GIT_TERMINAL_PROMPT": "0", "GCM_INTERACTIVE": "never", "LC_ALL": "C"}
        own = any(os.environ.get(name) for name in OWN_SSH)
        if not own:
            quiet["GIT_SSH_COMMAND"] = "ssh -oBatchMode=yes"
        return {**tokens.environment(), **quiet}
