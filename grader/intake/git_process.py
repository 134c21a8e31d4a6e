"""One git command under limits, with nobody's configuration."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from grader.errors import ConfigError, InconclusiveError
from grader.intake.entries import ArchiveError
from grader.intake.limits import ENTRIES, GIT_DISK_BYTES, GIT_SECONDS, MIB

SCHEMES: Final = ("file", "https", "ssh")
LISTING_BYTES = ENTRIES * 400  # a line of `ls-tree` with a path of usual length
POLL_S = 0.02


class GitFailedError(Exception):
    """Git ended with an error."""

    def __init__(self, output: bytes) -> None:
        super().__init__("git failed")
        self.output = output


def run_git(repository: Path, *command: str, stdin: bytes = b"") -> bytes:
    """Run git in `repository` with limits on time, output and disk; return stdout.

    Raises:
        GitFailedError: git ended with an error.
        ArchiveError: it wrote more than a submission may have.
        InconclusiveError: it took longer than `GIT_SECONDS`.
        ConfigError: git is not installed.
    """
    with (
        tempfile.TemporaryFile(dir=repository) as given,
        tempfile.TemporaryFile(dir=repository) as output,
        tempfile.TemporaryFile(dir=repository) as errors,
    ):
        given.write(stdin)
        given.seek(0)
        try:
            process = subprocess.Popen(  # noqa: S603 -- fixed program, checked arguments
                ["git", *command],  # noqa: S607 -- found by the PATH of the grader
                cwd=repository,
                env=environment(repository),
                stdin=given,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
        except FileNotFoundError:
            msg = "git is not installed"
            raise ConfigError(msg, hint="Install git, or grade a folder.") from None
        supervise(process, repository, output.fileno())
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise GitFailedError(errors.read(4096))
        return output.read()


def supervise(process: subprocess.Popen[bytes], folder: Path, output: int) -> None:
    """Wait for git; end it and its helpers when a limit is reached.

    Raises:
        ArchiveError: too much output or disk.
        InconclusiveError: too much time; a slow host or network looks the same.
    """
    deadline = time.monotonic() + GIT_SECONDS
    try:
        while True:
            try:
                process.wait(POLL_S)
            except subprocess.TimeoutExpired:
                if time.monotonic() > deadline:
                    msg = f"git did not finish within {GIT_SECONDS:g} s"
                    hint = "Try again later, or grade a folder."
                    raise InconclusiveError(msg, hint=hint) from None
            check_growth(folder, output)
            if process.returncode is not None:
                return
    finally:
        if process.returncode is None:
            os.killpg(process.pid, 9)  # its own session: git and its helpers only
            process.wait()


def check_growth(folder: Path, output: int) -> None:
    """Refuse a listing or a repository that is larger than any honest one.

    Raises:
        ArchiveError: it is.
    """
    if os.fstat(output).st_size > LISTING_BYTES:
        msg = f"the commit has more than {ENTRIES:,} files and folders"
        raise ArchiveError(msg, "Leave .venv and data out of the repository.")
    used = 0
    for pack in folder.glob("objects/pack/*"):
        try:
            used += pack.stat().st_size
        except FileNotFoundError:
            continue  # renamed by git in between
    if used > GIT_DISK_BYTES:
        msg = f"the commit is larger than {GIT_DISK_BYTES // MIB} MiB"
        raise ArchiveError(msg, "Leave data and .venv out of the repository.")


def environment(folder: Path) -> dict[str, str]:
    """Return an environment in which only the given arguments decide what git does."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "LC_ALL": "C",
        "GIT_DIR": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_ALLOW_PROTOCOL": ":".join(SCHEMES),
        "GIT_NO_LAZY_FETCH": "1",  # a partial clone must not send git elsewhere
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=20",
        **{
            name: os.environ[name]
            for name in ("SSH_AUTH_SOCK", "SSL_CERT_FILE", "https_proxy", "HTTPS_PROXY")
            if name in os.environ
        },
    }
