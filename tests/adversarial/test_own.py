"""Scripts of one's own that cheat in the open division gain nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import measured
import numpy as np
import pytest

from grader import datasets
from grader.measuring.own import OwnLearning
from grader.measuring.rounds import Entrants, Rounds, WrongError
from grader.measuring.side import Launching
from grader.models.course import Workload
from grader.models.measure import Limits
from grader.models.session import Pair, SeedResult, SessionPlan
from grader.sandbox import StudentError, Wall, choose

ROOT: Final = Path(__file__).resolve().parents[2]
SLICES: Final = 4
WORK: Final = Workload(name="w", script="s", needs=(), slices=SLICES, tolerance=0.1)
PLAN: Final = SessionPlan(launches=1, pairs=1, warm_ups=0, batch_size=SLICES, seed=1)
HONEST: Final = """
import numpy as np

def work(times):
    m = np.random.default_rng(1).standard_normal((120, 120))
    for _ in range(times):
        m = np.tanh(m @ m / 120)
    return m

def build(tt, rng):
    return {}

def train(tt, model, data, budget, log):
    for _ in range(4):
        work(60)
        yield

def predict(tt, model, x):
    return np.zeros((len(x), 10), np.float32)
"""
# The same work where it might not be looked for.
IN_BUILD: Final = """
def build(tt, rng):
    work(240)
    return {}

def train(tt, model, data, budget, log):
    yield
"""
WHEN_CALLED: Final = """
def train(tt, model, data, budget, log):
    work(240)
    return iter(())
"""
IN_PREDICT: Final = """
def train(tt, model, data, budget, log):
    return iter(())

def predict(tt, model, x):
    work(240)
    return np.zeros((len(x), 10), np.float32)
"""
BETWEEN: Final = """
import signal

def train(tt, model, data, budget, log):
    signal.signal(signal.SIGALRM, lambda *_: work(60))
    for _ in range(4):
        signal.setitimer(signal.ITIMER_REAL, 0.005)
        yield
"""
# Says by its answers what it has found of an earlier training: class 1 is nothing.
KEEPS: Final = """
import builtins, os

SHARED = builtins.kept = getattr(builtins, "kept", bytearray(1))

def train(tt, model, data, budget, log):
    model["old"] = SHARED[0] or os.path.exists("/tmp/kept")
    SHARED[0] = 1
    for place in ("/tmp/kept", "/dev/shm/kept"):
        try:
            os.mkdir(place)
        except OSError:
            pass
    yield

def predict(tt, model, x):
    found = np.zeros((len(x), 10), np.float32)
    found[:, 2 if model["old"] else 1] = 1
    return found
"""


@pytest.fixture(scope="module")
def wall() -> Wall:
    return choose(measured.SANDBOX)


@pytest.fixture(scope="module")
def data() -> datasets.DataSet:
    roots = [ROOT / "milestones" / "data"]
    return datasets.load("digits", root=roots, profile="quick", seed=3, compact=True)


def launched(
    wall: Wall, data: datasets.DataSet, more: str, times: int = 1
) -> list[tuple[Pair, SeedResult]]:
    """Measure trainings of a script with `more` at its end, each in its own launch."""
    package = measured.package()
    entrants = Entrants(package, package, scripts={"student": HONEST + more})
    limits = Limits()
    launching = Launching(HONEST, "build", SLICES, 7, ["work"], limits, core=None)
    rng = np.random.default_rng(3)
    rounds = Rounds(wall, entrants, OwnLearning(WORK, data), launching, rng)
    done: list[Any] = [rounds.launch(PLAN) for _ in range(times)]
    return [(one.pairs[0], one.quality[0]) for one in done]


@pytest.mark.parametrize(
    "moved",
    [IN_BUILD, WHEN_CALLED, IN_PREDICT, BETWEEN],
    ids=["build", "called", "predict", "between"],
)
def test_work_is_counted_wherever_a_script_puts_it(
    wall: Wall, data: datasets.DataSet, moved: str
) -> None:
    ((pair, _),) = launched(wall, data, moved)

    assert pair.student.cpu_s > 0.5 * pair.reference.cpu_s


def test_nothing_is_kept_from_one_training_to_the_next(
    wall: Wall, data: datasets.DataSet
) -> None:
    found = launched(wall, data, KEEPS, times=2)

    fresh = float(np.mean(data.test_y == 1))
    assert [quality.student for _, quality in found] == [fresh, fresh]
    assert fresh != float(np.mean(data.test_y == 2))


def test_what_is_installed_beside_numpy_is_not_found(
    wall: Wall, data: datasets.DataSet
) -> None:
    with pytest.raises(WrongError, match="No module named 'psutil'") as caught:
        launched(wall, data, "import psutil")

    assert isinstance(caught.value.cause, StudentError)
