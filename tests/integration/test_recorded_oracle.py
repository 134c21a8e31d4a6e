"""Recorded answers in real sandboxes: the same verdicts, and no process of the oracle.

A suite is run on packages that are right, unfinished and wrong in ways that make a
check ask the reference something else than it was asked when it was recorded.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from grader import pipeline, rounds
from grader.checks.oracle import Oracle, Recorder
from grader.checks.recording import Exchange, Recording, unseal
from grader.checks.runner import SuiteRunner
from grader.checks.suites import Check, load_suites
from grader.config import Home, load_course
from grader.models.course import Course, CourseLimits, Module, Symbol
from grader.models.outcome import (
    Inconclusive,
    Mismatch,
    NotImplementedYet,
    Outcome,
    Passed,
)
from grader.models.report import GradeReport
from grader.models.submission import SourceFile, Submission
from grader.sandbox import Channel, LateZygote, Wall, Zygote, choose
from grader.sandbox.package import package_of

ROOT: Final = Path(__file__).resolve().parents[2]
SECRET: Final = b"a round of tests"
SOURCE: Final = """
import numpy as np

memory = []


class Tensor:
    def __init__(self, data):
        self.data = np.asarray(data, np.float32)

    def scaled(self, by):
        return Tensor(self.data * np.float32(by))

    def __add__(self, other):
        return Tensor(self.data + other.data)

    def mean(self):
        return float(self.data.mean())


def pick():
    return int(np.random.randint(1000))


def remember(x):
    memory.append(x)
    return len(memory)


def refuse(x):
    raise ValueError(f"not {x}")
"""
SUITE: Final = """
from grader.checks import holds, same
from grader.checks.remote import cpu_s, remote_source


def test_fixed_inputs(tt, oracle, rng):
    a, b = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    same(tt.Tensor(a) + tt.Tensor(b), oracle.Tensor(a) + oracle.Tensor(b), call="+")


def test_a_students_value_is_given(tt, oracle, rng):
    x = rng.normal(size=4)
    kept = oracle.Tensor(x)
    by = tt.Tensor(x).mean()
    expected = kept.scaled(by)
    same(tt.Tensor(x).scaled(by), expected, call="scaled by the mean")
    same(tt.Tensor(x), kept, call="the same")


def test_a_students_value_chooses(tt, oracle):
    number = tt.pick()
    for _ in range(number % 5):
        oracle.pick()
    holds(oracle.remember(number) == 1, call="remember", expected="1")


def test_the_reference_remembers_nothing(oracle):
    holds(oracle.remember(1) == 1, call="remember", expected="1")


def test_sent_as_source(tt, oracle, rng):
    def twice(tt, x):
        return (tt.Tensor(x) + tt.Tensor(x)).data

    x = rng.normal(size=3)
    same(remote_source(tt, twice, x=x), remote_source(oracle, twice, x=x), call="x + x")


def test_times(tt, oracle):
    before = cpu_s(oracle)
    oracle.pick()
    same(tt.Tensor([1]), oracle.Tensor([1]), call="Tensor")
    holds(cpu_s(oracle) >= before, call="cpu_s", expected="more")


def test_a_value_that_breaks_the_check(tt, oracle):
    same(tt.Tensor([tt.pick() + 1]), [tt.pick() * 0 + oracle.pick() + 1], call="pick")
"""
# The last check draws twice; the oracle once: right only where both are constant.
PACKAGES: Final = {
    "right": SOURCE,
    "nothing": "",
    "other mean": SOURCE + "\nTensor.mean = lambda self: float(self.data.sum())\n",
    "other pick": SOURCE + "\ndef pick(): return 4\n",
    "third pick": SOURCE + "\ndef pick(): return 3\n",
    "no number": SOURCE + "\ndef pick(): return None\n",
    "raises": SOURCE + "\nTensor.scaled = lambda self, by: refuse(by)\n",
    "text": SOURCE + "\nTensor.mean = lambda self: 'mean'\n",
    "not a number": SOURCE + "\nTensor.mean = lambda self: float('nan')\n",
}


def course() -> Course:
    names = ("Tensor", "pick", "remember", "refuse")
    symbols = tuple(Symbol(name=n, paths=("tinytorch.tensor",)) for n in names)
    module = Module(
        number="02",
        name="tensor",
        title="Tensor",
        points=10.0,
        file="tensor.py",
        symbols=symbols,
    )
    return Course(
        name="c",
        title="t",
        package="tinytorch",
        limits=CourseLimits(),
        modules=(module,),
        milestones=(),
    )


def files(text: str) -> tuple[SourceFile, ...]:
    return (SourceFile(path="tinytorch/tensor.py", data=text.encode()),)


@dataclass(frozen=True)
class Stand:
    """One suite, what the reference was asked in it, and a wall."""

    wall: Wall
    checks: tuple[Check, ...]
    recording: Recording

    def run(self, text: str, recording: Recording) -> tuple[list[str], bool]:
        """Return all outcomes, and whether the oracle was started."""
        truth, package = (package_of(course(), files(t)) for t in (SOURCE, text))
        memory = pipeline.CEILING
        with (
            LateZygote(self.wall, truth, memory=memory) as late,
            Zygote(self.wall, package, memory=memory) as zygote,
            closing(Oracle(late, recording)) as oracle,
        ):
            ran = SuiteRunner(course(), zygote, oracle, SECRET).run(self.checks)
            started = late.started
        return [f"{r.check.id} {r.outcome!r}" for r in ran], started

    def only(self, *names: str) -> Stand:
        checks = tuple(c for c in self.checks if c.id.split("::")[1] in names)
        return replace(self, checks=checks)


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Stand:
    folder = tmp_path_factory.mktemp("suite")
    (folder / "test_02_tensor.py").write_text(SUITE, encoding="utf8")
    checks = load_suites(folder, course()).checks
    wall, truth = choose("auto"), package_of(course(), files(SOURCE))
    with (
        Zygote(wall, truth, memory=pipeline.CEILING) as zygote,
        Zygote(wall, truth, memory=pipeline.CEILING) as asked,
        closing(Recorder(asked)) as recorder,
    ):
        SuiteRunner(course(), zygote, recorder, SECRET).run(checks)
    made = {name: tuple(x) for name, x in recorder.made.items()}
    return Stand(wall, checks, made)


@pytest.fixture(scope="module")
def live(stand: Stand) -> Mapping[str, list[str]]:
    return {name: stand.run(text, {})[0] for name, text in PACKAGES.items()}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_recording_changes_no_verdict(
    name: str, stand: Stand, live: Mapping[str, list[str]]
) -> None:
    assert stand.run(PACKAGES[name], stand.recording)[0] == live[name]


@pytest.mark.parametrize("seed", range(6))
def test_a_recording_that_ends_or_errs_anywhere_changes_no_verdict(
    seed: int, stand: Stand, live: Mapping[str, list[str]]
) -> None:
    """Cut at random, and with requests that nobody makes."""
    rng = np.random.default_rng(seed)
    other = bytes(32)
    changed: dict[str, tuple[Exchange, ...]] = {}
    for check, exchanges in stand.recording.items():
        end = int(rng.integers(len(exchanges) + 1))
        kept = list(exchanges[:end])
        if kept and rng.random() < 0.5:
            at = int(rng.integers(len(kept)))
            kept[at] = kept[at]._replace(asked=other)
        changed[check] = tuple(kept)
    for name in ("right", "other mean", "third pick"):
        assert stand.run(PACKAGES[name], changed)[0] == live[name]


def test_what_was_asked_before_starts_no_oracle(stand: Stand) -> None:
    quick = stand.only("fixed_inputs", "a_students_value_is_given", "sent_as_source")

    outcomes, started = quick.run(SOURCE, stand.recording)

    assert [o.split(" ", 1)[1] for o in outcomes] == [repr(Passed())] * 3
    assert not started


def test_a_value_of_the_students_starts_one(stand: Stand) -> None:
    one = stand.only("a_students_value_is_given")

    assert one.run(PACKAGES["other mean"], stand.recording)[1]


def test_nothing_a_student_returns_enters_the_recording(stand: Stand) -> None:
    before = repr(stand.recording)

    stand.run(PACKAGES["other pick"], stand.recording)

    assert repr(stand.recording) == before


def test_answers_that_are_not_the_references_are_noticed(stand: Stand) -> None:
    """A wrong recording is dropped as soon as a process can contradict it."""
    one = stand.only("a_students_value_is_given")
    (exchanges,) = (stand.recording[c.id] for c in one.checks)
    lies = [e._replace(body=bytes(len(e.body))) if e.body else e for e in exchanges]
    lies[1] = lies[1]._replace(text=lies[1].text.replace(b'"n":2', b'"n": 2'))
    recording = {one.checks[0].id: tuple(lies)}

    got, _ = one.run(PACKAGES["other mean"], recording)

    assert got == one.run(PACKAGES["other mean"], {})[0]
    assert "Mismatch" not in got[0]


def test_a_reference_that_dies_is_asked_again(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its death is ours: the check is repeated, and the student loses nothing."""
    killed: list[int] = []
    fresh = Oracle._fresh

    def dying(self: Oracle) -> Channel:
        channel = fresh(self)
        if len(killed) < 2:
            assert self._group is not None
            zygote = self._group._zygote
            pids = zygote.tree.scan() - (zygote.own if killed else set())
            killed.append(len(pids))
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
        return channel

    monkeypatch.setattr(Oracle, "_fresh", dying)

    got, _ = stand.only("fixed_inputs").run(SOURCE, {})

    assert len(killed) == 2
    assert got == ["tensor::fixed_inputs Passed(kind='passed')"]


def test_times_are_not_recorded(stand: Stand) -> None:
    (exchanges,) = (x for name, x in stand.recording.items() if "times" in name)

    assert len(exchanges) == 1  # the seed, before the clock was read
    assert stand.only("times").run(SOURCE, stand.recording)[1]


def test_the_small_suite_tells_wrong_from_right(live: Mapping[str, list[str]]) -> None:
    """The comparison above would hold for a suite in which nothing happens."""
    seen = {name: " ".join(outcomes) for name, outcomes in live.items()}

    assert Mismatch.__name__ in seen["other mean"] + seen["no number"]
    assert NotImplementedYet.__name__ in seen["nothing"]
    assert Inconclusive.__name__ in seen["text"]
    assert len(set(seen.values())) >= 6


# The course's own suites

HOME: Final = Home(ROOT)


@pytest.fixture(scope="module")
def made() -> tuple[pipeline.Job, bytes]:
    wanted = load_course(HOME.course_file)
    job = pipeline.Job(
        HOME, wanted, rounds.demo_round(), "quick", choose("auto"), milestones=()
    )
    data, wrong = pipeline.record_answers(job)
    assert wrong == ()
    return job, data


def submission(name: str) -> Submission:
    folder = HOME.template if name == "template" else HOME.reference
    sources = pipeline.reference_files(folder / "tinytorch")
    if name == "wrong":
        sources = tuple(
            SourceFile(path=f.path, data=f.data.replace(b"np.float32", b"np.float64"))
            for f in sources
        )
    return Submission(label=name, digest=f"sha256:{'0' * 64}", files=sources)


def outcomes(report: GradeReport) -> dict[str, Outcome]:
    return {c.id: c.outcome for m in report.verdict.modules for c in m.checks}


@pytest.mark.parametrize("name", ["reference", "template", "wrong"])
def test_a_recording_changes_no_verdict_of_the_course(
    name: str, made: tuple[pipeline.Job, bytes]
) -> None:
    job, data = made
    asked: list[bytes] = []

    def answers(basis: bytes) -> Recording:
        asked.append(basis)
        return unseal(data, basis, job.round.secret)

    one = replace(job, modules=("tensor", "activations", "attention"))
    live = pipeline.grade(submission(name), one)
    recorded = pipeline.grade(submission(name), replace(one, answers=answers))

    assert len(asked) == 1
    assert outcomes(recorded) == outcomes(live)
    assert recorded.verdict.model_dump_json() == live.verdict.model_dump_json()
    kinds = {c.outcome.kind for m in live.verdict.modules for c in m.checks}
    assert (kinds == {"passed"}) == (name == "reference")
