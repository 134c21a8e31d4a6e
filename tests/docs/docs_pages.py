"""Find the documents of this checkout and what they promise."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
TERMINAL: Final = {"COLUMNS": "80"}  # help is laid out for the terminal it is read on
_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK: Final = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_INLINE: Final = re.compile(r"`([^`\n]+)`")


class Block(NamedTuple):
    """A fenced block: its language and text."""

    language: str
    text: str


def tracked() -> list[Path]:
    """Return the files of the checkout that are, or are about to be, under git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    paths = [ROOT / name for name in done.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def documents() -> list[Path]:
    """Return all Markdown files."""
    return [path for path in tracked() if path.suffix == ".md"]


def name_of(path: Path) -> str:
    """Return a path as a test shows it."""
    return path.relative_to(ROOT).as_posix()


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a document, in order."""
    return [Block(*found) for found in _FENCE.findall(text)]


def prose(text: str) -> str:
    """Return a document without its fenced blocks."""
    return _FENCE.sub("", text)


def links(text: str) -> list[str]:
    """Return the targets of all links that are no pictures."""
    return _LINK.findall(prose(text))


def commands(text: str, program: str) -> Iterator[list[str]]:
    """Yield every command line of `program` that a document shows, split."""
    lines = [line for block in blocks(text) for line in block.text.splitlines()]
    lines += [line[4:] for line in prose(text).splitlines() if line[:4] == " " * 4]
    lines += _INLINE.findall(prose(text))
    for line in lines:
        for part in re.split(r"&&|;", line):
            stripped = part.strip().removeprefix("$ ")
            if stripped.split(" ")[0] == program:
                yield shlex.split(stripped, comments=True)


def section(text: str, start: str, end: str) -> str:
    """Return what stands between the lines `start` and `end`."""
    assert text.count(start) == 1, start
    return text.split(f"{start}\n", 1)[1].split(end, 1)[0]


def generated(page: str) -> str:
    """Return what the generator prints for a page."""
    command = [sys.executable, "-m", "grader.cli.reference", page]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout
