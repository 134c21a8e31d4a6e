"""Put a bundle into a folder, whole or not at all, and only once."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from tito.bundle import SUFFIX
from tito.errors import TitoError


def deliver(
    data: bytes, folder: Path, *, student: str, digest: str
) -> tuple[Path, bool]:
    """Write the bundle; return its path, and False if it was there already."""
    if not folder.is_dir():
        raise TitoError(
            f"there is no folder {folder}",
            "Check SUBMIT_TO; it names the folder that your course collects from.",
        )
    short = digest.removeprefix("sha256:")[:8]
    for old in sorted(folder.glob(f"{student}-*-{short}{SUFFIX}")):
        if old.read_bytes() == data:
            return old, False
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = folder / f"{student}-{moment}-{short}{SUFFIX}"
    try:
        _write(path, data)
    except OSError as error:
        raise TitoError(
            f"the bundle cannot be written to {folder}: {error.strerror}",
            "Check that the folder is writable and has space; nothing was handed in.",
        ) from None
    return path, True


def _write(path: Path, data: bytes) -> None:
    """Write beside the place and rename: whoever collects never sees half a file."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    # Readable for the group, so that staff can collect from a shared folder.
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
