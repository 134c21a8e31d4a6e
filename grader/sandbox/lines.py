"""What a container says while it grades: short lines on its standard error.

Each line is one JSON document behind a record separator, written by the trusted judge
twice a second at most, however many checks end meanwhile. The host still takes it as
data: capped, checked, and without anything that a terminal could obey. All other text
on standard error is kept for the reason why a container ended.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from pydantic import Field, ValidationError

from grader.models.base import Model

BEAT_S: Final = 0.5
LONGEST: Final = 1024  # bytes of a line
MOST_TEXT: Final = 200  # characters of what is being done
MARK: Final = b"\x1e"  # record separator, as in JSON text sequences
# Memory that cannot be dropped, in control groups of version 2 and 1.
_STAT: Final = (
    Path("/sys/fs/cgroup/memory.stat"),
    Path("/sys/fs/cgroup/memory/memory.stat"),
)
_HELD: Final = ({"anon", "shmem"}, {"total_rss", "total_shmem"})


class Line(Model):
    """What is being done, and how much memory the whole container holds."""

    doing: str = Field(max_length=MOST_TEXT)
    memory_bytes: int = Field(ge=0)  # 0: not known here


class Speaker:
    """The container's side: says on `descriptor` what is being done; a context manager.

    A thread writes, so that a host that does not read never holds up a grading.
    """

    def __init__(self, descriptor: int = 2, beat_s: float = BEAT_S) -> None:
        self._descriptor, self._beat_s = descriptor, beat_s
        self._doing = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(self._beat_s)

    def say(self, doing: str) -> None:
        """Let the next line say so; the first is written at once.

        What a submission can end together with the container must be known before.
        """
        first, self._doing = not self._doing, doing[:MOST_TEXT]
        if first:
            self._write()

    def _beat(self) -> None:
        with contextlib.suppress(OSError):  # the host hung up
            while not self._ended.wait(self._beat_s):
                if self._doing:
                    self._write()

    def _write(self) -> None:
        line = Line(doing=self._doing, memory_bytes=held_bytes())
        os.write(self._descriptor, MARK + line.model_dump_json().encode() + b"\n")


def held_bytes() -> int:
    """Return the memory of this container that cannot be dropped; 0 if not known."""
    for path, names in zip(_STAT, _HELD, strict=True):
        if path.is_file():
            pairs = (line.split() for line in path.read_text("ascii").splitlines())
            return sum(int(value) for name, value in pairs if name in names)
    return 0


class Listener:
    """The host's side: takes lines out of a stream that is cut anywhere.

    Attributes:
        last: the last line that was understood.
    """

    def __init__(self, progress: Callable[[str], None] = lambda _: None) -> None:
        self.last = Line(doing="", memory_bytes=0)
        self._progress = progress
        self._line = bytearray()
        self._inside = False

    def hear(self, chunk: bytes) -> bytes:
        """Take what arrived; return what of it is no line of ours."""
        rest = bytearray()
        while chunk:
            if self._inside:
                part, end, chunk = chunk.partition(b"\n")
                self._line += part[: LONGEST - len(self._line)]
                if end:
                    self._understand()
            else:
                part, mark, chunk = chunk.partition(MARK)
                rest += part
                self._inside = bool(mark)
        return bytes(rest)

    def _understand(self) -> None:
        text, self._line, self._inside = bytes(self._line), bytearray(), False
        try:
            line = Line.model_validate_json(text)
        except ValidationError:
            return
        shown = "".join(c if c.isprintable() else "?" for c in line.doing)
        known = self.last.doing
        self.last = Line(doing=shown, memory_bytes=line.memory_bytes)
        if shown != known:
            self._progress(shown)
