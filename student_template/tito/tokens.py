"""Your token for the course's service: from the environment, or `.tinytorch/token`.

It is never printed, never an argument of a program, and never part of an error.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from tito import notes
from tito.errors import TitoError
from tito.screen import say

VARIABLE = "TINYTORCH_TOKEN"
FILE = f"{notes.FOLDER}/token"
TOKEN = re.compile(r"tt_[A-Za-z0-9_-]{43}")
OTHERS = stat.S_IRWXG | stat.S_IRWXO
ASK = "Your course gives it to you; then: tito login (or TINYTORCH_TOKEN=... in CI)."


def find(project: Path) -> str:
    """Return the token.

    Raises:
        TitoError: there is none, or what is there is none.
    """
    if given := os.environ.get(VARIABLE, "").strip():
        return check(given, f"{VARIABLE} holds")
    try:
        with (project / FILE).open(encoding="utf-8", errors="replace") as file:
            text = file.read(200).strip()
    except FileNotFoundError:
        raise TitoError("there is no token for the course's service", ASK) from None
    _warn(project / FILE)
    return check(text, f"{FILE} holds")


def environment() -> dict[str, str]:
    """Return the variables for other programs, your code among them: no token."""
    return {key: value for key, value in os.environ.items() if key != VARIABLE}


def check(text: str, where: str) -> str:
    """Return a token that looks like one.

    Raises:
        TitoError: it does not; what it is, is not said.
    """
    if not TOKEN.fullmatch(text):
        raise TitoError(
            f"{where} no token: it is tt_ and 43 letters, digits, dashes, underscores",
            "Copy the whole line that your course gave you, then: tito login",
        )
    return text


def store(project: Path, token: str) -> Path:
    """Write the token where only you can read it."""
    notes.folder(project)
    path = project / FILE
    notes.write(path, f"{token}\n".encode())
    _warn(path)
    return path


def _warn(path: Path) -> None:
    if os.name == "posix" and path.stat().st_mode & OTHERS:
        say(
            f"warning  others on this machine can read {FILE}; put it right: "
            f"chmod 600 {FILE}  (on a Windows drive: clone into your Linux home)",
            "yellow",
        )
