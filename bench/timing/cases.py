"""What is measured: the reference as an entry, and the same with more to do."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Iterator
from typing import Final

import numpy as np

from grader.models.submission import SourceFile

# Of how many answers of the network one is computed twice; 0: the code as it was. A
# batch has thousands, so every pair meets it. To count them takes 2 to 3 % of a batch,
# and a tenth of a batch is not the network: README.md has what each case came to.
CASES: Final = {"identical": 0, "5 %": 40, "10 %": 13}
TWICE: Final = """

from itertools import cycle

_forward, _turn = Sequential.forward, cycle([True] + [False] * {others}).__next__

def _some_twice(self, x):
    if _turn():
        _forward(self, x)
    return _forward(self, x)

Sequential.forward = _some_twice
"""
FILE: Final = "tinytorch/layers.py"
LOAD_NICE: Final = 19  # as what is measured


def slower(files: tuple[SourceFile, ...], every: int) -> tuple[SourceFile, ...]:
    """Return the package that computes one of `every` answers twice; 0: as it was."""
    more = TWICE.format(others=every - 1).encode() if every else b""
    return tuple(
        SourceFile(path=f.path, data=f.data + more) if f.path == FILE else f
        for f in files
    )


@contextlib.contextmanager
def loaded(processes: int) -> Iterator[None]:
    """Keep the host busy with `processes` that others might run."""
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_work, daemon=True) for _ in range(processes)]
    for other in others:
        other.start()
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.join()


def _work() -> None:
    """Take turns between arithmetic, memory, the interpreter and pauses."""
    os.nice(LOAD_NICE)
    rng = np.random.default_rng()
    small, large = rng.random((200, 200)), rng.random(4_000_000)
    while True:
        match rng.integers(0, 4):
            case 0:
                for _ in range(int(rng.integers(5, 200))):
                    small = np.tanh(small @ small.T / 200)
            case 1:
                for _ in range(int(rng.integers(1, 30))):
                    large[:-1] = large[1:]
            case 2:
                sum(i * i for i in range(int(rng.integers(10_000, 2_000_000))))
            case _:
                time.sleep(float(rng.exponential(0.1)))
