"""Where each product puts things, and how they are kept from students' code."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grader.bundles.settings import Product
from grader.errors import SandboxUnavailableError

INSTALLED: Final = Path("opt/tinytorch-grader/private")  # by setup.sh


@dataclass(frozen=True)
class Places:
    """The folders of one grading.

    Attributes:
        settings: has the settings and `state/`.
        course: None: the image's own.
        submission: what the student has uploaded.
        results: the file to write; None: standard output.
        metadata: who handed in and when, where a product says it.
        closed: folders that students' code must not see.
    """

    settings: Path
    course: Path | None
    submission: Path
    results: Path | None
    closed: tuple[Path, ...]
    metadata: Path | None = None

    @property
    def state(self) -> Path:
        return self.settings / "state"


def places_of(product: Product, root: Path, work: Path) -> Places:
    """Return the folders of a product.

    Args:
        root: of the file system; another one in tests.
        work: where the program was started; only Autolab means something by it.
    """
    match product:
        case "gradescope":
            top = root / "autograder"
            return Places(
                settings=root / INSTALLED,
                course=root / INSTALLED / "course",
                submission=top / "submission",
                results=top / "results" / "results.json",
                metadata=top / "submission_metadata.json",
                closed=(top,),
            )
        case "prairielearn":
            top = root / "grade"
            return Places(
                settings=top / "tests" / "tinytorch",
                course=None,
                submission=top / "student",
                results=top / "results" / "results.json",
                closed=(top,),
            )
        case "autolab":
            home = root / "home"
            others = tuple(home / name for name in ("mount", "autolab", "output"))
            return Places(
                settings=work / "tinytorch",
                course=root / INSTALLED / "course",
                submission=work / "handin",
                results=None,
                closed=(work, *others),
            )


@contextmanager
def closed(folders: tuple[Path, ...]) -> Iterator[None]:
    """Keep everybody but their owner out of folders, for as long as code runs.

    Modes are put back at the end: the product reads there.

    Raises:
        SandboxUnavailableError: a folder stays open to students' code.
    """
    before: list[tuple[Path, int]] = []
    try:
        for folder in filter(Path.is_dir, folders):
            mode = stat.S_IMODE(folder.stat().st_mode)
            before.append((folder, mode))
            _close(folder, mode)
        yield
    finally:
        for folder, mode in before:
            folder.chmod(mode)


def _close(folder: Path, mode: int) -> None:
    try:
        folder.chmod(mode & 0o700)
    except OSError as exc:
        msg = f"{folder} cannot be closed to students' code: {exc.strerror}"
        hint = "the grading must own it, or run as root"
        raise SandboxUnavailableError(msg, hint=hint) from exc


def write_at_once(path: Path, data: bytes) -> None:
    """Replace a file as a whole; what reads it may be another user."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(data)
    part.chmod(0o644)
    part.replace(path)
