"""Milestones in a real sandbox: honest runs pass, and every other kind is told."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from grader.config import Home, load_course
from grader.models.course import Course, Milestone
from grader.models.measure import Limits
from grader.models.outcome import (
    Blocked,
    Crashed,
    Limit,
    LimitExceeded,
    Mismatch,
    NotImplementedYet,
    Outcome,
    Passed,
    Raised,
)
from grader.models.report import CheckResult, ModuleResult
from grader.models.submission import SourceFile
from grader.pipeline import reference_files
from grader.sandbox import Zygote, choose
from grader.sandbox.package import package_of
from grader.training import MilestoneContext, MilestoneRun, run_milestones

HOME: Final = Home(Path(__file__).resolve().parents[2])
COURSE: Final = load_course(HOME.course_file)
REFERENCE: Final = reference_files(HOME.reference / "tinytorch")
CEILING: Final = Limits(cpu_s=600, memory_bytes=2**31, processes=64)
SECRET: Final = b"a round of tests"
ALL: Final = ("perceptron", "xor", "mlp", "cnn", "transformer", "systems")
TODO: Final = NotImplementedYet(message="TODO")
WRONG: Final = Mismatch(what="value", call="f()", expected="1", got="2")

# Appended to a file of the reference: how a package may be wrong or dishonest.
DECOY = """
_forward = Linear.forward
def forward(self, x):
    out = _forward(self, x)
    return out * -1  # not what the weights say
Linear.forward = forward
"""
SOLVED = """
_init = Linear.__init__
def __init__(self, n, m, bias=True):
    _init(self, n, m, bias)
    weight, offset = np.zeros((n, m)), np.zeros(m)
    if n == 2:  # |x - y| = relu(x - y) + relu(y - x)
        weight[:, 0], weight[:, 1] = (1, -1), (-1, 1)
    else:
        weight[:2], offset[:] = 6, -3
    self.weight.data, self.bias.data = weight, offset
Linear.__init__ = __init__
"""
SPINS = """
def forward(self, x):
    while True:
        pass
Linear.forward = forward
"""
HOARDS = """
_forward = Linear.forward
_kept = []
def forward(self, x):
    _kept.append(np.ones(50_000_000, np.float32))
    return _forward(self, x)
Linear.forward = forward
"""
LEAVES = """
import os
def forward(self, x):
    os._exit(3)
Linear.forward = forward
"""
FAILS = """
def forward(self, x):
    raise ValueError("shapes (2, 3) and (4,)")
Linear.forward = forward
"""
UNWRITTEN = """
def forward(self, x):
    raise NotImplementedError("TODO 4.4: Linear.forward")
Linear.forward = forward
"""
NOT_A_NUMBER = """
_forward = Linear.forward
def forward(self, x):
    return _forward(self, x) * float("nan")
Linear.forward = forward
"""
# To spatial.py: answers depend on which other images are asked about.
BATCH_STATISTICS = """
_forward = BatchNorm2d.forward
def forward(self, x):
    training, self.training = self.training, True
    kept = self.running_mean.data, self.running_var.data
    try:
        return _forward(self, x)
    finally:
        self.training = training
        if not training:
            self.running_mean.data, self.running_var.data = kept[0] * 0, kept[1] * 9
BatchNorm2d.forward = forward
"""
# To spatial.py: its own normalisation, with statistics as plain arrays.
PLAIN_STATISTICS = """
def __init__(self, num_features, eps=1e-5, momentum=0.1):
    self.eps, self.momentum = eps, momentum
    self.gamma = Tensor(np.ones(num_features), requires_grad=True)
    self.beta = Tensor(np.zeros(num_features), requires_grad=True)
    self.running_mean = np.zeros(num_features)
    self.running_var = np.ones(num_features)
def forward(self, x):
    axes, across = (0, 2, 3), (1, -1, 1, 1)
    if self.training:
        mean = x.mean(axis=axes, keepdims=True)
        var = ((x - mean) ** 2).mean(axis=axes, keepdims=True)
        m = self.momentum
        self.running_mean = (1 - m) * self.running_mean + m * mean.data.reshape(-1)
        self.running_var = (1 - m) * self.running_var + m * var.data.reshape(-1)
    else:
        mean = Tensor(self.running_mean.reshape(across))
        var = Tensor(self.running_var.reshape(across))
    out = (x - mean) / (var + self.eps).sqrt()
    return out * self.gamma.reshape(*across) + self.beta.reshape(*across)
BatchNorm2d.__init__, BatchNorm2d.forward = __init__, forward
"""


def package_with(extra: str, file: str) -> tuple[SourceFile, ...]:
    """Return the reference with `extra` at the end of `file`."""
    return tuple(
        SourceFile(path=f.path, data=f.data + extra.encode())
        if f.path == f"tinytorch/{file}"
        else f
        for f in REFERENCE
    )


def module(name: str, *outcomes: Outcome) -> ModuleResult:
    """Return a module with one check for each outcome."""
    found = COURSE.module(name)
    checks = tuple(
        CheckResult(
            id=f"{name}::c{i}",
            title="t",
            points=1.0,
            earned=float(isinstance(outcome, Passed)),
            outcome=outcome,
        )
        for i, outcome in enumerate(outcomes)
    )
    return ModuleResult(
        name=name,
        number=found.number,
        title=found.title,
        points=float(len(checks)),
        earned=sum(c.earned for c in checks),
        checks=checks,
    )


def modules(**changed: tuple[Outcome, ...]) -> list[ModuleResult]:
    """Return results of all modules: passed, but for `changed`."""
    return [module(m.name, *changed.get(m.name, (Passed(),))) for m in COURSE.modules]


def course_with(name: str, **profile: Any) -> Course:
    """Return the course with other numbers in the quick profile of one milestone."""

    def other(milestone: Milestone) -> dict[str, Any]:
        document = milestone.model_dump()
        if milestone.name == name:
            document["quick"] |= profile
        return document

    changed = tuple(other(m) for m in COURSE.milestones)
    return Course.model_validate(COURSE.model_dump() | {"milestones": changed})


@dataclass
class Track:
    """Runs milestones on packages, with one oracle for all of them."""

    oracle: Zygote

    def run(
        self,
        name: str,
        extra: str = "",
        *,
        file: str = "layers.py",
        course: Course = COURSE,
        results: list[ModuleResult] | None = None,
        secret: bytes = SECRET,
    ) -> MilestoneRun:
        """Run the quick profile of one milestone on the reference plus `extra`."""
        package = package_of(course, package_with(extra, file))
        with Zygote(self.oracle.wall, package, memory=CEILING) as zygote:
            context = MilestoneContext(
                course=course,
                zygote=zygote,
                reference=self.oracle,
                secret=secret,
                profile="quick",
                scripts=HOME.milestones,
                data=None,
                wanted=(name,),
            )
            (run,) = run_milestones(context, results or modules())
        return run


@pytest.fixture(scope="module")
def track() -> Iterator[Track]:
    with contextlib.ExitStack() as stack:
        wall = choose("auto", secrets=(HOME.reference,))
        package = package_of(COURSE, REFERENCE)
        yield Track(stack.enter_context(Zygote(wall, package, memory=CEILING)))


@pytest.fixture(scope="module")
def honest(track: Track) -> Mapping[str, MilestoneRun]:
    return {name: track.run(name) for name in ALL}


@pytest.mark.parametrize("name", ALL)
def test_the_reference_reaches_every_target(
    name: str, honest: Mapping[str, MilestoneRun]
) -> None:
    result, measure = honest[name].result, honest[name].measure

    assert result.outcome == Passed()
    assert result.earned == result.points > 0
    assert result.metric is not None
    better = operator.le if name == "transformer" else operator.ge
    assert better(result.metric, result.target)
    assert result.replayed
    assert all(r.met for r in result.requirements)
    assert measure is not None
    assert 0 < measure.usage.cpu_s < measure.cpu_limit_s
    assert measure.exceeded is None


def test_the_curve_is_measured_between_epochs(
    honest: Mapping[str, MilestoneRun],
) -> None:
    result, measure = honest["xor"].result, honest["xor"].measure

    assert [e.epoch for e in result.curve] == list(range(1, 21))
    assert result.curve[-1].metric > 0.9
    losses = [e.reported_loss for e in result.curve]
    assert losses[0] is not None
    assert losses[-1] is not None
    assert losses[-1] < losses[0]
    assert measure is not None
    assert measure.reached == "epoch 20 of 20"


def test_the_data_is_named_by_its_digest(honest: Mapping[str, MilestoneRun]) -> None:
    assert "sha256:" in honest["mlp"].result.data
    assert "digits" in honest["mlp"].result.data


def test_the_same_round_gives_the_same_verdict(
    track: Track, honest: Mapping[str, MilestoneRun]
) -> None:
    again = track.run("xor").result

    assert again.model_dump_json() == honest["xor"].result.model_dump_json()


def test_another_round_trains_on_other_data(
    track: Track, honest: Mapping[str, MilestoneRun]
) -> None:
    other = track.run("xor", secret=b"another round").result

    assert other.outcome == Passed()
    assert other.data != honest["xor"].result.data


def test_a_model_that_can_it_untrained_has_not_learned_it(track: Track) -> None:
    result = track.run("xor", SOLVED).result

    assert isinstance(result.outcome, Mismatch)
    assert "accuracy of the untrained model" in result.outcome.call
    assert result.outcome.expected == "<= 80.0%"
    assert result.earned == 0
    assert result.metric is not None
    assert result.metric > 0.9  # it is right about the inputs, and that is not enough


def test_answers_that_the_parameters_do_not_give_do_not_count(track: Track) -> None:
    result = track.run("perceptron", DECOY).result

    assert isinstance(result.outcome, Mismatch)
    assert not result.replayed
    (same,) = [r for r in result.requirements if r.name.startswith("same answers")]
    assert not same.met
    assert result.earned == 0


def test_answers_by_the_batch_instead_of_the_running_statistics_do_not_count(
    track: Track,
) -> None:
    result = track.run("cnn", BATCH_STATISTICS, file="spatial.py").result

    assert isinstance(result.outcome, Mismatch)
    assert not result.replayed
    (same,) = [r for r in result.requirements if r.name.startswith("same answers")]
    assert not same.met


def test_running_statistics_may_be_plain_arrays(track: Track) -> None:
    result = track.run("cnn", PLAIN_STATISTICS, file="spatial.py").result

    assert result.outcome == Passed()
    assert result.replayed


def test_a_run_over_its_cpu_time_is_run_again_and_then_fails(track: Track) -> None:
    tight = course_with("xor", cpu_s=0.005, calibration_cpu_s=1000.0)

    run = track.run("xor", course=tight)

    assert isinstance(run.result.outcome, LimitExceeded)
    assert run.result.outcome.which is Limit.CPU
    assert run.result.outcome.limit == "0.005 s of CPU time"
    assert run.result.earned == 0
    assert run.measure is not None
    assert run.measure.exceeded is Limit.CPU
    assert run.measure.attempts == 2
    assert run.measure.usage.cpu_s > run.measure.cpu_limit_s


def test_a_target_missed_by_little_gets_another_draw(track: Track) -> None:
    """A right package may have bad luck with one round's draw, but hardly with two."""
    first = track.run("mlp").result
    assert first.metric is not None
    beyond = course_with("mlp", target=first.metric + 0.0001)

    again = track.run("mlp", course=beyond)

    assert again.measure is not None
    assert again.measure.attempts == 2
    assert again.result.metric is not None
    assert again.result.curve != first.curve
    reached = again.result.metric > first.metric
    assert isinstance(again.result.outcome, Passed if reached else Mismatch)


def test_a_target_missed_by_far_is_missed(track: Track) -> None:
    run = track.run("mlp", course=course_with("mlp", target=1.0))

    assert isinstance(run.result.outcome, Mismatch)
    assert run.measure is not None
    assert run.measure.attempts == 1


def test_a_slow_host_stretches_the_limit_and_not_the_stated_one(track: Track) -> None:
    """The reference is the clock; here a standard machine would be far faster."""
    slow = course_with("perceptron", calibration_cpu_s=1e-6)

    run = track.run("perceptron", course=slow)

    assert run.result.outcome == Passed()
    assert run.measure is not None
    assert run.measure.budget_factor > 10
    assert run.measure.cpu_limit_s == pytest.approx(run.measure.budget_factor)


@pytest.mark.parametrize(
    ("extra", "which", "course"),
    [
        (SPINS, Limit.CPU, course_with("perceptron", calibration_cpu_s=1000.0)),
        (HOARDS, Limit.MEMORY, COURSE),
    ],
    ids=["spins", "hoards"],
)
def test_a_run_without_end_is_stopped(
    extra: str, which: Limit, course: Course, track: Track
) -> None:
    result = track.run("perceptron", extra, course=course).result

    assert isinstance(result.outcome, LimitExceeded)
    assert result.outcome.which is which
    assert result.outcome.where
    assert result.metric is None
    assert result.curve == ()


def test_an_exit_is_a_crash(track: Track) -> None:
    outcome = track.run("perceptron", LEAVES).result.outcome

    assert isinstance(outcome, Crashed)
    assert outcome.how == "exit code 3"
    assert outcome.where == "building the model"


def test_an_error_in_the_package_is_the_students(track: Track) -> None:
    outcome = track.run("perceptron", FAILS).result.outcome

    assert isinstance(outcome, Raised)
    assert outcome.error == "ValueError"
    assert outcome.message == "shapes (2, 3) and (4,)"
    assert outcome.where.startswith("tinytorch/layers.py:")


def test_what_is_not_written_is_todo(track: Track) -> None:
    outcome = track.run("perceptron", UNWRITTEN).result.outcome

    assert outcome == NotImplementedYet(message="TODO 4.4: Linear.forward")


def test_outputs_that_are_no_numbers_reach_nothing(track: Track) -> None:
    result = track.run("perceptron", NOT_A_NUMBER).result

    assert isinstance(result.outcome, Mismatch)
    assert result.earned == 0
    assert result.model_validate_json(result.model_dump_json()) == result


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        (
            lambda: modules(layers=(WRONG, WRONG, Passed())),
            Blocked(by=("layers",)),
        ),
        (
            lambda: modules(layers=(WRONG,), losses=(TODO,)),
            Blocked(by=("layers", "losses")),
        ),
        (
            lambda: modules(losses=(TODO, TODO)),
            NotImplementedYet(message="needs 05 losses first"),
        ),
    ],
    ids=["mostly wrong", "wrong and unwritten", "unwritten"],
)
def test_a_milestone_waits_for_what_it_needs(
    results: Callable[[], list[ModuleResult]], expected: Outcome, track: Track
) -> None:
    run = track.run("xor", results=results())

    assert run.result.outcome == expected
    assert run.measure is None
    assert run.result.metric is None
    assert run.result.data == "not run"


def test_half_of_a_module_is_enough_to_try(track: Track) -> None:
    run = track.run("perceptron", results=modules(layers=(WRONG, Passed())))

    assert run.result.outcome == Passed()


def test_only_milestones_with_a_script_carry_points(track: Track) -> None:
    context = MilestoneContext(
        course=COURSE,
        zygote=track.oracle,
        reference=track.oracle,
        secret=SECRET,
        profile="quick",
        scripts=HOME.milestones,
        data=None,
        wanted=None,
    )

    runs = run_milestones(context, modules(tensor=(TODO,), activations=(TODO,)))

    with_script = {
        m.name
        for m in COURSE.milestones
        if m.quick and (HOME.milestones / m.folder / m.quick.script).is_file()
    }
    assert {run.result.name for run in runs} == with_script
    assert with_script == set(ALL)


def test_a_milestone_without_a_script_carries_no_points(
    track: Track, tmp_path: Path
) -> None:
    for name in ("01_1957_perceptron", "data"):
        (tmp_path / name).symlink_to(HOME.milestones / name)
    context = MilestoneContext(
        course=COURSE,
        zygote=track.oracle,
        reference=track.oracle,
        secret=SECRET,
        profile="quick",
        scripts=tmp_path,
        data=None,
        wanted=None,
    )

    runs = run_milestones(context, modules(tensor=(TODO,)))

    assert [run.result.name for run in runs] == ["perceptron"]


def test_a_language_model_is_judged_by_what_it_writes(
    honest: Mapping[str, MilestoneRun],
) -> None:
    result = honest["transformer"].result

    assert result.metric_name == "nats per character"
    assert "\n" in result.sample
    assert len(result.sample) > 100
    curve = [e.metric for e in result.curve]
    assert curve[-1] < curve[0]
    names = [r.name for r in result.requirements]
    assert any(name.startswith("words of its text") for name in names)
    assert any(name.startswith("longest passage twice") for name in names)


def test_the_same_round_gives_the_same_text(
    track: Track, honest: Mapping[str, MilestoneRun]
) -> None:
    again = track.run("transformer").result

    assert again.model_dump_json() == honest["transformer"].result.model_dump_json()


def test_a_smaller_model_is_judged_by_what_was_saved(
    track: Track, honest: Mapping[str, MilestoneRun]
) -> None:
    result, measure = honest["systems"].result, honest["systems"].measure

    assert measure is not None
    assert measure.facts["KV cache: times less CPU time"] > 3
    got = {r.name.split(",")[0]: r.got for r in result.requirements}
    assert got["pruned: weights that are zero"] == "80.00%"
    assert got["int8: 437"] == "3.98 times"
    # Times differ from run to run; the verdict does not.
    again = track.run("systems").result
    assert again.model_dump_json() == result.model_dump_json()


def test_the_first_slice_is_timed_on_few_examples(track: Track) -> None:
    few = course_with("mlp", calibration_rows=128, calibration_cpu_s=1000.0)

    run = track.run("mlp", course=few)

    assert run.result.outcome == Passed()
    assert run.measure is not None
    assert run.measure.budget_factor == 1.0


def test_another_function_of_the_script_builds_the_model(track: Track) -> None:
    other = course_with("mlp", build="no_such_function")

    outcome = track.run("mlp", course=other).result.outcome

    assert outcome != Passed()
