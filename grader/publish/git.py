"""Git as publishing needs it: a repository of its own, thrown away afterwards.

Hooks, signing, attributes and aliases of this machine play no part. From its
configuration comes only how a remote is reached: addresses, credentials, proxies, keys.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from grader.errors import ConfigError, DestinationError

LIMIT_S: Final = 600.0
REMOTE: Final = "site"
# How a remote is reached; nothing of what is done there.
_REACHES: Final = (
    r"^(credential|http|https|url|ssh)\.|^safe\.directory$"
    r"|^core\.(sshcommand|askpass|gitproxy)$"
)
_FIXED: Final = (
    ("core.hooksPath", os.devnull),
    ("core.compression", "6"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("advice.detachedHead", "false"),
    ("protocol.version", "2"),
)
_KEPT: Final = re.compile(r"GIT_(SSH|ASKPASS|SSL_|PROXY_|HTTP_|TRACE)")
_USER: Final = re.compile(r"(?<=://)[^/@\s]+@")  # and a token, may be


class GitFailedError(Exception):
    """Git ended with an error; what it said, without credentials."""

    def __init__(self, stdout: bytes, stderr: bytes) -> None:
        super().__init__("git failed")
        self.stdout = stdout
        self.said = _USER.sub("", stderr.decode("utf-8", "replace"))


class Git:
    """A fresh bare repository with one remote, called "site"."""

    def __init__(self, folder: Path, course: Path, remote: str) -> None:
        """Make the repository in an empty folder.

        Args:
            folder: where it is made.
            course: a folder of the repository whose remote is meant.
            remote: its name there.

        Raises:
            ConfigError: no git, no repository, or no such remote.
        """
        self._folder = folder
        own = _outside()
        try:
            _run(course, own, "rev-parse", "--git-dir")
        except GitFailedError as exc:
            msg = f"{course} is no git repository that can be read: {exc.said.strip()}"
            hint = "Name the course's repository with `--course`, or use `--to FOLDER`."
            raise ConfigError(msg, hint=hint) from exc
        address = _address(course, own, remote)
        found = _run(
            course, own, "config", "--null", "--get-regexp", _REACHES, ok=(0, 1)
        )
        reaches = [_pair(entry) for entry in found.decode().split("\0") if entry]
        pairs = [*reaches, *_FIXED, (f"remote.{REMOTE}.url", address)]
        self._environment = {**_environment(), **_settings(pairs)}
        self.run(
            "init", "--quiet", "--bare", "--object-format=sha1", "--template=", "."
        )
        self._environment["GIT_DIR"] = str(folder)

    def run(self, *command: str, stdin: bytes = b"") -> bytes:
        """Run git there; return its standard output.

        Raises:
            GitFailedError: it ended with an error.
            DestinationError: it took longer than `LIMIT_S`.
        """
        return _run(self._folder, self._environment, *command, stdin=stdin)


def _address(course: Path, environment: Mapping[str, str], remote: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][\w./-]*", remote):
        msg = f"{remote!r} is no name of a remote"
        raise ConfigError(msg, hint="`git remote` lists them.")
    try:
        told = _run(course, environment, "remote", "get-url", "--push", remote)
    except GitFailedError as exc:
        msg = f"the repository in {course} has no remote {remote!r}"
        hint = "`git remote add origin ADDRESS`, or name another one with `--remote`."
        raise ConfigError(msg, hint=hint) from exc
    address = told.decode().splitlines()[0]
    here = course / address  # a path is meant from the repository
    return str(here.resolve()) if "://" not in address and here.exists() else address


def _pair(entry: str) -> tuple[str, str]:
    key, newline, value = entry.partition("\n")
    return key, value if newline else "true"


def _settings(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return variables, since arguments can be read by everybody on a machine."""
    found = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (key, value) in enumerate(pairs):
        found[f"GIT_CONFIG_KEY_{number}"] = key
        found[f"GIT_CONFIG_VALUE_{number}"] = value
    return found


def _outside() -> dict[str, str]:
    """Return variables for asking the course's repository, with its configuration."""
    mine = {k: v for k, v in os.environ.items() if k[:4] != "GIT_"}
    given = {k: v for k, v in os.environ.items() if k.startswith("GIT_CONFIG")}
    return {**mine, **given, "LC_ALL": "C"}


def _environment() -> dict[str, str]:
    """Return variables with nothing in them that changes what git does."""
    kept = {k: v for k, v in os.environ.items() if k[:4] != "GIT_" or _KEPT.match(k)}
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ALLOW_PROTOCOL": "file:https:ssh",
        "GIT_TERMINAL_PROMPT": "0",
    }


def _run(
    folder: Path,
    environment: Mapping[str, str],
    *command: str,
    stdin: bytes = b"",
    ok: tuple[int, ...] = (0,),
) -> bytes:
    try:
        process = subprocess.Popen(  # noqa: S603 -- fixed program, checked arguments
            ["git", *command],  # noqa: S607 -- found by the PATH of the grader
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # nobody is there to ask for a password
        )
    except FileNotFoundError:
        msg = "git is not installed"
        raise ConfigError(
            msg, hint="Install git, or publish `--to` a folder."
        ) from None
    try:
        stdout, stderr = process.communicate(stdin, LIMIT_S)
    except subprocess.TimeoutExpired:
        msg = f"git did not finish within {LIMIT_S:g} s; nothing was published"
        raise DestinationError(msg, hint="Is the network slow? Try again.") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode not in ok:
        raise GitFailedError(stdout, stderr)
    return stdout
