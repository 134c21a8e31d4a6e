"""A submission after intake: plain source files and where they came from."""

from __future__ import annotations

from grader.models.base import Digest, Model


class SourceFile(Model):
    """One Python source file of the package.

    `path` is relative, POSIX, and starts with the package's name:
    "tinytorch/tensor.py".
    """

    path: str
    data: bytes


class Submission(Model):
    """Source files only, sorted by path; nothing of it was executed.

    `scripts` are models and trainings of one's own, for the open division.
    """

    label: str  # how the user named it: a path, a bundle, a git address
    student: str = ""  # from the bundle's manifest or the command line
    round: str = ""  # from the bundle's manifest
    digest: Digest  # over paths and bytes of `files`
    files: tuple[SourceFile, ...]
    scripts: tuple[SourceFile, ...] = ()  # of `entry/`, those that were asked for
    notes: tuple[str, ...] = ()  # what was left out and why
