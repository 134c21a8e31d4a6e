"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(target: Path, data: bytes, *, mark: str = ".new-") -> None:
    """Write beside `target`, flush to disk, rename, flush the folder.

    The file can be read by its owner alone.

    Args:
        mark: what the name of a half-written file begins with, for those who sweep.

    Raises:
        OSError: it cannot be written; `target` is as it was.
    """
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=mark)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    parent = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
