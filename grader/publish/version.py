"""The digest of all code and files that a page or an estimate is made with."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Final

# Whatever a page is made from; the rest of the grader only decides what is stored.
_PACKAGES: Final = ("compete", "models", "publish", "reports", "store")
_LIBRARIES: Final = ("jinja2", "markupsafe", "numpy", "pydantic")


def code_version(assets: Path) -> str:
    """Return a digest that changes with anything but the data.

    Args:
        assets: the `leaderboard` folder; what cannot be read there counts as absent.
    """
    found = hashlib.sha256(_code().encode())
    for path in sorted(p for p in assets.rglob("*") if p.is_file()):
        data = path.read_bytes()
        name = path.relative_to(assets).as_posix()
        found.update(f"{name}\0{len(data)}\0".encode() + data)
    return found.hexdigest()


@cache
def _code() -> str:
    found = hashlib.sha256(platform.python_version().encode())
    for library in _LIBRARIES:
        found.update(f"{library}\0{version(library)}\0".encode())
    for package in _PACKAGES:
        root = Path(str(files("grader") / package))
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                data = path.read_bytes()
                name = path.relative_to(root).as_posix()
                found.update(f"{package}/{name}\0{len(data)}\0".encode() + data)
    return found.hexdigest()
