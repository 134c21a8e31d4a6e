"""The open division on sides that only pretend to learn."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader import datasets
from grader.checks.checklib import CheckFailure
from grader.config import find_home, load_course
from grader.measuring.own import MOST_SLICES, OwnLearning
from grader.measuring.rounds import Entrants, Rounds
from grader.measuring.side import Launching, Side, Timed, VoidError
from grader.models.course import CompetitionEvent, Workload
from grader.models.measure import Limits
from grader.sandbox import Package

ROOT = Path(__file__).resolve().parents[3]
SLICES = 4
WORK = Workload(
    name="w", script="s", needs=(), slices=SLICES, tolerance=0.1, open="entry/own.py"
)
NONE = Package("p", (), {})
CPU_S = 0.01


@pytest.fixture(scope="module")
def data() -> datasets.DataSet:
    roots = [ROOT / "milestones" / "data"]
    return datasets.load("digits", root=roots, profile="quick", seed=3, compact=True)


@dataclass
class Learner:
    """Trains in `slices` slices and answers what it is told to answer."""

    role: str
    answers: Callable[[Any], Any]
    slices: int = SLICES
    handed: list[Any] = field(default_factory=list)

    @property
    def bench(self) -> Any:
        return self

    def begin(self, seed: int) -> None:
        self.left = self.slices
        self.handed.append(seed)

    def start(self, x: Any, y: Any) -> None:
        self.handed += [x, y]

    def learn(self, slices: int) -> int:
        done = min(slices, self.left)
        self.left -= done
        return done

    def predict(self, x: Any) -> Any:
        self.handed.append(x)
        return self.answers(x)

    def peak_rss_bytes(self) -> int:
        return 1000 + len(self.role)

    @contextmanager
    def ours(self) -> Any:
        with Side.ours(self):  # type: ignore[arg-type]
            yield

    def timed(self, ask: Any) -> Any:
        before = getattr(self, "left", 0)
        value = ask(self)
        spent_s = CPU_S * max(0, before - getattr(self, "left", 0))
        return Timed(spent_s, 0.0, 2 * CPU_S), value


def share(right: float, data: datasets.DataSet) -> Callable[[Any], Any]:
    """Return answers of which the first `right` are those of the labels."""

    def answers(x: Any) -> Any:
        found = np.zeros((len(x), data.classes), np.float32)
        classes = (data.test_y + (np.arange(len(x)) >= right * len(x))) % data.classes
        found[np.arange(len(x)), classes] = 1
        return found

    return answers


def ran(data: datasets.DataSet, **changed: Any) -> tuple[Any, Any, Any, OwnLearning]:
    """Measure one training; return pair, what was seen, all sides, the task."""
    task = OwnLearning(WORK, data)
    sides: dict[Any, Any] = {
        r: Learner(r, share(0.9, data)) for r in ("reference", "student", "canary")
    }
    for name, value in changed.items():
        setattr(sides["student"], name, value)
    wall: Any = None
    rng = np.random.default_rng(1)
    rounds = Rounds(wall, Entrants(NONE, NONE), task, wall, rng)
    pair, seen = rounds.round(sides, SLICES)
    return pair, seen, sides, task


@pytest.mark.parametrize("slices", [0, 1, SLICES, 3 * SLICES, MOST_SLICES])
def test_all_slices_count_however_many_there_are(
    data: datasets.DataSet, slices: int
) -> None:
    pair, seen, sides, _ = ran(data, slices=slices)

    assert seen.failure is None
    assert sides["student"].left == 0
    assert pair.student.cpu_s == pytest.approx(max(CPU_S * slices, 1e-9))
    assert pair.reference.cpu_s == pytest.approx(CPU_S * SLICES)


def test_answers_are_held_against_labels_and_not_against_each_other(
    data: datasets.DataSet,
) -> None:
    pair, seen, _, task = ran(data, answers=share(0.98, data))

    assert (pair.checked, pair.mismatched, seen.failure) == (0, 0, None)
    assert seen.quality is not None
    assert seen.quality.student == pytest.approx(0.98, abs=0.002)
    assert seen.quality.reference == pytest.approx(0.9, abs=0.002)
    assert task.peaks == {"reference": 1009, "student": 1007, "canary": 1006}


def test_no_label_of_the_private_split_is_handed_over(data: datasets.DataSet) -> None:
    _, _, sides, _ = ran(data)

    seed, x, y, unseen = sides["student"].handed
    assert isinstance(seed, int)
    assert x is data.train_x
    assert y is data.train_y
    assert unseen.shape == data.test_x.shape
    # Moved a little, so that no image is found in a table of known ones.
    assert not np.any(np.all(unseen == data.test_x, axis=(1, 2)))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"slices": MOST_SLICES + 1}, "an end after at most 255 slices"),
        ({"learn": lambda _: "one"}, "how many slices"),
        ({"learn": lambda _: -1}, "how many slices"),
        ({"answers": lambda x: np.zeros((len(x), 3), np.float32)}, "(450, 10)"),
        ({"answers": lambda _: np.zeros((9, 10), np.float32)}, "(450, 10)"),
        ({"answers": lambda x: np.full((len(x), 10), np.nan, np.float32)}, "finite"),
    ],
)
def test_what_is_no_training_or_no_answer_is_refused(
    data: datasets.DataSet, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(CheckFailure) as caught:
        ran(data, **changed)

    assert said in str(caught.value)


def test_a_reference_that_answers_nonsense_is_our_fault(data: datasets.DataSet) -> None:
    task = OwnLearning(WORK, data)
    side: Any = Learner("canary", share(1, data))

    with pytest.raises(VoidError):
        task.after(side, np.zeros((1, 1), np.float32), SLICES + 1)


@pytest.mark.parametrize("own", ["own = 1", ""])
def test_a_script_of_ones_own_goes_to_its_side_alone(own: str) -> None:
    wall: Any = None
    limits = Limits()
    given = Launching("given", "build_fast", 1, 7, [], limits, core=None)
    entrants = Entrants(NONE, NONE, scripts={"student": own})
    rounds = Rounds(wall, entrants, wall, given, np.random.default_rng(1))

    assert rounds._scripted(given, "canary") == given
    mine = rounds._scripted(given, "student")
    assert (mine.script, mine.build) == (own, "build")


def test_only_a_training_can_be_open() -> None:
    with pytest.raises(ValueError, match="only workloads of the training event"):
        CompetitionEvent(name="latency", workloads=(WORK,))


def test_the_courses_training_is_open_and_the_template_has_its_script() -> None:
    course = load_course(find_home(ROOT).course_file)

    found = {w.open for e in course.events for w in e.workloads if w.open}

    assert found == {"entry/open_mlp.py"}
    assert all((ROOT / "student_template" / path).is_file() for path in found)
