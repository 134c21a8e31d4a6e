"""What the tests of handing in share: a small package, a token, a service."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from pretend_service import TOKEN, Pretended
from tito_here import tito_here


def write(root: Path, **files: str) -> Path:
    """Write files of the package: `tensor="x = 1"` is tinytorch/tensor.py."""
    for name, text in files.items():
        path = root / "tinytorch" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def submit(
    project: Path, service: Pretended | str, *more: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Hand in to a service."""
    url = service if isinstance(service, str) else service.url
    words = ("submit", "--skip-tests", "--student", "ada", "--to", url, *more)
    return tito_here(project, *words, **{"TINYTORCH_TOKEN": TOKEN, **variables})


def status(
    project: Path, *words: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Ask what became of it."""
    return tito_here(
        project, "status", *words, **{"TINYTORCH_TOKEN": TOKEN, **variables}
    )


def kept(project: Path) -> list[Path]:
    """Return what waits, oldest first."""
    return sorted((project / ".tinytorch" / "queue").glob("*"))


def receipts(project: Path) -> list[dict[str, Any]]:
    """Return the receipts, by name."""
    found = sorted((project / ".tinytorch" / "receipts").glob("*"))
    return [json.loads(path.read_text()) for path in found]
