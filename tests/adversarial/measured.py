"""A small package that works hard, measured: reference and canary start only once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np

from grader.measuring.rounds import Entrants, Rounds
from grader.measuring.side import LAUNCH_LIMITS, Launching, Role, Side
from grader.measuring.tasks import Answers, Compared
from grader.models.course import Workload
from grader.models.measure import Limits
from grader.models.session import Pair
from grader.models.submission import SourceFile
from grader.sandbox import Package, Wall, Zygote, choose

SANDBOX: Final = os.environ.get("ADVERSARIAL_SANDBOX", "auto")
WIDTH: Final = 160
SIZE: Final = 64  # rows of a batch: some 20 ms
WORKLOAD: Final = Workload(
    name="work", script="none.py", needs=(), shape=(WIDTH,), tolerance=1e-4
)
SCRIPT: Final = """
import numpy as np

def build(tt, rng):
    tt.prepare()
    return {}

def predict(tt, model, x):
    return np.stack([tt.work(row / np.float32(255)) for row in x])
"""
HONEST: Final = f"""
import numpy as np

M = np.random.default_rng(1).standard_normal(({WIDTH}, {WIDTH})).astype(np.float32)
M /= np.float32({WIDTH}) ** np.float32(0.5)

def prepare():
    pass

def work(row):
    for _ in range(40):
        row = np.tanh(row @ M)
    return row
"""


def package(more: str = "") -> Package:
    """Return the honest package with `more` at its end."""
    file = SourceFile(path="tinytorch/__init__.py", data=(HONEST + more).encode())
    names = ("work", "prepare")
    return Package("tinytorch", (file,), dict.fromkeys(names, ("tinytorch",)))


def launching() -> Launching:
    """Return how every side is launched."""
    return Launching(
        script=SCRIPT,
        build="build",
        epochs=1,
        seed=7,
        preload=["work"],
        load_limits=Limits(),
        core=None,
    )


@dataclass
class Track:
    """Reference and canary, started once, and a place for who is measured."""

    wall: Wall
    trusted: dict[Role, Side]

    @contextmanager
    def entered(self, more: str) -> Iterator[Entered]:
        """Start the package of somebody who has added `more`."""
        entrants = Entrants(student=package(more), reference=package())
        rng = np.random.default_rng(3)
        rounds = Rounds(self.wall, entrants, Answers(WORKLOAD), launching(), rng)
        zygote = Zygote(self.wall, entrants.student, memory=LAUNCH_LIMITS)
        with Side("student", zygote, launching()) as side:
            yield Entered(rounds, {**self.trusted, "student": side})


@dataclass
class Entered:
    """All three sides."""

    rounds: Rounds
    sides: dict[Role, Side]

    def round(self) -> tuple[Pair, Compared]:
        """Measure one pair."""
        return self.rounds.round(self.sides, SIZE)

    def counted(self, pairs: int = 3) -> tuple[float, list[Compared]]:
        """Return the student's CPU over the reference's, the first pair left out."""
        found = [self.round() for _ in range(pairs + 1)][1:]
        student = sum(pair.student.cpu_s for pair, _ in found)
        reference = sum(pair.reference.cpu_s for pair, _ in found)
        return student / reference, [seen for _, seen in found]


@contextmanager
def opened() -> Iterator[Track]:
    """Start reference and canary."""
    wall = choose(SANDBOX)
    with ExitStack() as stack:
        trusted: dict[Role, Side] = {}
        for role in ("reference", "canary"):
            zygote = Zygote(wall, package(), memory=LAUNCH_LIMITS)
            trusted[role] = stack.enter_context(Side(role, zygote, launching()))
        yield Track(wall, trusted)
