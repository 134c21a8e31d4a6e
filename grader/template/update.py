"""What a new release does to a repository: a pure function of three versions of files.

A file that the student has not changed is replaced; one that they have is left alone,
and what changed in the course lies beside it as a patch. What they deleted stays so.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Action = Literal["add", "replace", "patch", "same", "deleted", "retired"]


@dataclass(frozen=True)
class Step:
    """What happens to one file; `data` is written to `path`, if there is any."""

    path: str
    action: Action
    data: bytes | None = None
    about: str = ""  # the file that a patch is for


def plan(
    old: Mapping[str, bytes], new: Mapping[str, bytes], now: Mapping[str, bytes]
) -> list[Step]:
    """Return what to do with every file of two releases.

    Args:
        old: the release that the repository has.
        new: the release that it gets.
        now: what stands in the repository.
    """
    return [_step(path, old, new, now) for path in sorted({*old, *new})]


def _step(
    path: str,
    old: Mapping[str, bytes],
    new: Mapping[str, bytes],
    now: Mapping[str, bytes],
) -> Step:
    before, wanted, there = old.get(path), new.get(path), now.get(path)
    if wanted is None:
        return Step(path, "same" if there is None else "retired")
    if there is None:
        # Never taken back: who deleted a file had a reason.
        return Step(path, "add", wanted) if before is None else Step(path, "deleted")
    if wanted in (there, before):
        return Step(path, "same")
    if there == before:
        return Step(path, "replace", wanted)
    patch = _patch(path, before if before is not None else there, wanted)
    if patch is None:
        return Step(f"{path}.new", "patch", wanted, about=path)
    return Step(f"{path}.patch", "patch", patch, about=path)


def _patch(path: str, before: bytes, after: bytes) -> bytes | None:
    """Return a patch for `git apply`, or None where the file is no text."""
    try:
        old, new = (d.decode().splitlines(keepends=True) for d in (before, after))
    except UnicodeDecodeError:
        return None
    if any(text and not text[-1].endswith("\n") for text in (old, new)):
        return None  # such patches need a remark that programs read differently
    lines = difflib.unified_diff(old, new, f"a/{path}", f"b/{path}")
    return "".join(lines).encode()
