"""Projects in a real sandbox: honest ones are reproduced, the others are told."""

from __future__ import annotations

import hashlib
import importlib.util
import io
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from grader.config import Home, load_course
from grader.intake import Handed
from grader.models.capstone import Budget, Capstone, Data, Metric
from grader.models.course import Course, ProjectLimits
from grader.models.outcome import (
    Crashed,
    Limit,
    LimitExceeded,
    Mismatch,
    NotImplementedYet,
    ProtocolViolation,
    Raised,
)
from grader.models.project import (
    ClaimMissed,
    ClaimNotJudged,
    ClaimReported,
    ClaimReproduced,
    Project,
)
from grader.models.submission import SourceFile, Submission
from grader.pipeline import reference_files
from grader.projects import ProjectJob, declare, reproduce
from grader.rounds import demo_round
from grader.sandbox import choose

HOME: Final = Home(Path(__file__).resolve().parents[2])
EXAMPLE: Final = HOME.reference / "capstone_project"
SCRIPT: Final = (EXAMPLE / "entry" / "project.py").read_text(encoding="utf8")
REFERENCE: Final = reference_files(HOME.reference / "tinytorch")
WHOLE: Final = load_course(HOME.course_file)
ONE_DRAW: Final = Course(**(dict(WHOLE) | {"projects": ProjectLimits(total_cpu_s=6)}))
EMPTY: Final = (SourceFile(path="tinytorch/__init__.py", data=b""),)

# A model of nothing, for scripts that are about something else.
BARE: Final = """
import numpy as np
def build(tt, rng): return {}
def train(tt, model, data, budget, log): yield
def predict(tt, model, x): return np.zeros((len(x), 10))
"""
# Looks wherever a process can look for arrays as long as the question.
SEEKS: Final = """
import gc, os, sys
def found(x):
    frame = sys._getframe()
    while frame is not None:
        yield from list(frame.f_locals.values())
        frame = frame.f_back
    for thing in gc.get_objects():
        yield thing
        yield from (getattr(thing, "__dict__", None) or {}).values()
def predict(tt, model, x):
    for place in ("/proc/self/environ", "/proc/%d/mem" % os.getppid(), "labels.npy"):
        try:
            open(place, "rb").read(1)
        except OSError:
            pass
    for thing in found(x):
        if isinstance(thing, np.ndarray) and thing.dtype.kind == "i":
            if thing.shape == (len(x),):
                return np.eye(10)[thing]
    return np.zeros((len(x), 10))
"""
FORGES: Final = """
import os, sys
def train(tt, model, data, budget, log):
    log(loss=0.0, metric=1.0)
    for line in ('{"metric": 1.0}', "accuracy 100.0 %", "PASSED"):
        print(line)
        print(line, file=sys.stderr)
    yield
"""


def example(**changes: Any) -> Capstone:
    found = declare((EXAMPLE / "capstone.toml").read_bytes(), WHOLE.projects)
    assert isinstance(found, Capstone)
    return Capstone(**(dict(found) | changes))


def run(
    script: str = SCRIPT,
    *,
    course: Course = ONE_DRAW,
    package: tuple[SourceFile, ...] = EMPTY,
    own_data: tuple[str, bytes] | None = None,
    **changes: Any,
) -> Project:
    files = {"capstone.toml": b"", "entry/project.py": script.encode()}
    if own_data is not None:
        files[f"entry/{own_data[0]}"] = own_data[1]
        changes["data"] = own(*own_data)
    declared = example(**changes)
    submission = Submission(label="test", digest="sha256:" + "0" * 64, files=package)
    shipped = (HOME.milestones / "data",)
    job = ProjectJob(course, demo_round(), choose("auto"), shipped)
    return reproduce(Handed(submission, files), declared, job)


def own(name: str, data: bytes) -> Data:
    return Data(
        file=f"entry/{name}",
        source="made for a test",
        licence="CC0",
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
    )


@pytest.fixture(scope="module")
def honest() -> Project:
    """The example of the staff, with all its draws."""
    return run(course=WHOLE, package=REFERENCE)


def test_the_example_is_reproduced_with_an_interval_over_draws(honest: Project) -> None:
    assert honest.claim == ClaimReproduced()
    found = honest.reproduction
    assert found is not None
    assert (found.over, found.draws) == ("draws", 5)
    assert found.low < found.value < found.high
    assert found.value >= honest.capstone.metric.claimed * 0.99


def test_curve_and_cost_are_measured_from_outside(honest: Project) -> None:
    for draw in honest.draws:
        times = [point.cpu_s for point in draw.curve]
        assert len(times) == 12
        assert times == sorted(times)
        assert times[0] > 0
        assert draw.curve[-1].metric is not None
        assert draw.curve[-1].metric > 0.8
        assert draw.usage is not None
        assert times[-1] <= draw.usage.cpu_s <= honest.capstone.budget.cpu_s * 1.15
        assert draw.usage.peak_rss_bytes > 2**20


def test_draws_have_splits_of_their_own(honest: Project) -> None:
    assert len({draw.metric for draw in honest.draws}) > 1
    assert {draw.examples for draw in honest.draws} == {honest.data.held_out}


def test_a_false_claim_is_told_by_how_much() -> None:
    found = run(BARE, metric=Metric(name="accuracy", claimed=0.99))

    assert isinstance(found.claim, ClaimMissed)
    assert found.reproduction is not None
    assert found.claim.by == pytest.approx(0.99 - found.reproduction.value)


def test_labels_are_nowhere_in_the_process() -> None:
    found = run(BARE + SEEKS, metric=Metric(name="accuracy", claimed=0.9))

    assert isinstance(found.claim, ClaimMissed)
    assert found.reproduction is not None
    assert found.reproduction.value < 0.25


def test_the_search_for_labels_finds_what_is_there(tmp_path: Path) -> None:
    """The control of the test above: beside the labels, the search is always right."""
    place = tmp_path / "seeks.py"
    place.write_text(BARE + SEEKS)
    spec = importlib.util.spec_from_file_location("seeks", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    labels = np.arange(1237) % 10

    found = module.predict(None, {}, np.zeros((1237, 8, 8)))

    assert np.array_equal(np.argmax(found, axis=1), labels)


def test_what_a_script_says_of_itself_is_no_measurement() -> None:
    found = run(BARE + FORGES, metric=Metric(name="accuracy", claimed=1.0))

    assert isinstance(found.claim, ClaimMissed)
    (draw,) = found.draws
    assert draw.reported is None
    assert draw.metric is not None
    assert draw.metric < 0.25


def test_a_metric_of_its_own_is_only_ever_reported() -> None:
    beauty = Metric(name="beauty", better="higher", claimed=0.5)

    found = run(BARE + FORGES, metric=beauty)

    assert found.claim == ClaimReported()
    assert found.reproduction is None
    assert [draw.reported for draw in found.draws] == [1.0]
    assert found.draws[0].metric is None


def test_an_error_is_told_with_its_line_in_the_script() -> None:
    found = run(BARE + "def train(tt, *_):\n    yield\n    return 1 / 0\n")

    outcome = found.draws[0].outcome
    assert isinstance(outcome, Raised)
    line = BARE.count("\n") + 3
    assert outcome.where == f"entry/project.py:{line}, in train"
    assert isinstance(found.claim, ClaimNotJudged)
    assert "ZeroDivisionError" in found.claim.reason


def test_a_script_that_does_not_parse_is_told_with_its_line() -> None:
    outcome = run("x = 1\ndef build(:\n").draws[0].outcome

    assert isinstance(outcome, Raised)
    assert outcome.where.startswith("entry/project.py:2")


def test_a_package_that_is_not_written_yet_is_a_todo() -> None:
    outcome = run("def build(tt, rng): return tt.Linear(1, 1)").draws[0].outcome

    assert isinstance(outcome, NotImplementedYet)


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("def train(*_):\n    while True: yield", ProtocolViolation, "did not end"),
        ("def predict(tt, m, x): return np.zeros((3, 10))", Mismatch, "k)"),
        ("def predict(tt, m, x): return np.zeros((len(x), 9))", Mismatch, ", 10)"),
        (
            "def predict(tt, m, x): return np.full((len(x), 10), np.nan)",
            Mismatch,
            "nan",
        ),
        ("import os\ndef predict(tt, m, x): os._exit(0)", Crashed, "exit code 0"),
    ],
)
def test_whatever_else_goes_wrong_is_an_outcome(
    code: str, kind: type, said: str
) -> None:
    found = run(BARE + code)

    outcome = found.draws[0].outcome
    assert isinstance(outcome, kind)
    assert said in outcome.model_dump_json()
    assert found.reproduction is None


def test_what_costs_more_than_its_budget_is_ended() -> None:
    spins = BARE + "def train(*_):\n    while True: pass\n    yield\n"
    little = Budget(cpu_s=0.3, memory_bytes=64 * 2**20)

    found = run(spins, budget=little)

    outcome = found.draws[0].outcome
    assert isinstance(outcome, LimitExceeded)
    assert outcome.which is Limit.CPU
    assert outcome.limit == "0.3 s of CPU time, its own budget"
    assert isinstance(found.claim, ClaimNotJudged)


def test_what_takes_more_memory_than_its_budget_is_ended() -> None:
    hoards = BARE + "def train(*_):\n    yield np.ones(10**8)\n"

    outcome = run(hoards).draws[0].outcome

    assert isinstance(outcome, LimitExceeded)
    assert outcome.which is Limit.MEMORY


def test_numbers_of_a_table_of_its_own_are_learned() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2)).astype(np.float32)
    stream = io.BytesIO()
    np.savez(stream, x=x, y=x @ [2.0, -1.0] + 0.1 * rng.normal(size=300))  # type: ignore[arg-type]
    script = """
import numpy as np
def build(tt, rng): return {}
def train(tt, model, data, budget, log):
    model["w"] = np.linalg.lstsq(data["x"], data["y"], rcond=None)[0]
def predict(tt, model, x): return x @ model["w"]
"""
    error = Metric(name="mean squared error", claimed=0.012)

    found = run(script, own_data=("a.npz", stream.getvalue()), metric=error)

    assert found.claim == ClaimReproduced()
    assert found.data.own


def test_a_text_of_its_own_is_read_ahead_one_character() -> None:
    text = ("the cat sat on the mat and the dog sat on the log. " * 200).encode()
    script = """
import numpy as np
def build(tt, rng): return {}
def train(tt, model, data, budget, log):
    k = len(data["alphabet"])
    model["table"] = np.full((k, k), 0.01)
    np.add.at(model["table"], (data["x"][:-1], data["x"][1:]), 1)
    yield
def predict(tt, model, x):
    return np.log(model["table"][x[:, -1]])
"""
    nats = Metric(name="nats per token", claimed=1.2)

    found = run(script, own_data=("a.txt", text), metric=nats)

    assert found.reproduction is not None
    assert 0.3 < found.reproduction.value < 1.2
    assert found.claim == ClaimReproduced()


def test_nothing_of_the_grader_can_be_imported() -> None:
    outcome = run("import grader").draws[0].outcome

    assert isinstance(outcome, Raised)
    assert outcome.error == "ModuleNotFoundError"
