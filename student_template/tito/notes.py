"""The folder `.tinytorch/`: what stays on your machine is written whole or not at all.

It also holds the record of what the course gave, which belongs to the repository; the
rest is for nobody but you, so git is told to leave it out.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

FOLDER = ".tinytorch"
IGNORE = "*\n!release.zip\n"
MOST_BYTES = 1 << 20


def folder(project: Path, name: str = "") -> Path:
    """Return `.tinytorch/` or a folder in it, which exists then and is yours alone."""
    home = project / FOLDER
    home.mkdir(exist_ok=True)
    ignore = home / ".gitignore"
    if not ignore.exists():
        write(ignore, IGNORE.encode())
    place = home / name
    place.mkdir(mode=0o700, exist_ok=True)
    return place


def write(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file whole or not at all; only you can read it, unless `mode` says more.

    It is written beside its place and renamed: whoever looks never sees half a file.
    """
    part = path.with_name(f".part-{secrets.token_hex(4)}")
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in a file; None if there is none that can be read."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def to_json(facts: dict[str, Any]) -> bytes:
    """Return the text of an object."""
    return json.dumps(facts, indent=1).encode() + b"\n"
