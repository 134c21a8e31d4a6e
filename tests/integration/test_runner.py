"""Checks in a real sandbox: each way to end has its outcome, and the next one runs."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

import pytest

from grader.checks.oracle import Oracle
from grader.checks.runner import Ran, SuiteRunner
from grader.checks.suites import load_suites
from grader.models.course import Course, CourseLimits, Module, Symbol
from grader.models.measure import Limits
from grader.models.outcome import (
    Crashed,
    Inconclusive,
    Limit,
    LimitExceeded,
    Mismatch,
    NotImplementedYet,
    Passed,
    Raised,
)
from grader.models.submission import SourceFile
from grader.sandbox import Zygote, choose
from grader.sandbox.package import package_of

CEILING: Final = Limits(cpu_s=600, memory_bytes=2**31, processes=64)
SECRET: Final = b"a round of tests"
# The right package; the submission is the same with `CHANGES` after it.
SOURCE: Final = """
import os
import numpy as np

shared = []


class Tensor:
    __array_ufunc__ = None

    def __init__(self, data):
        self.data = np.asarray(data, np.float32)

    def _with(self, f, other):
        return Tensor(f(self.data, getattr(other, "data", other)))

    def __add__(self, other): return self._with(np.add, other)
    def __sub__(self, other): return self._with(np.subtract, other)
    def __mul__(self, other): return self._with(np.multiply, other)
    def __truediv__(self, other): return self._with(np.divide, other)
    def __pow__(self, other): return self._with(np.power, other)
    def __matmul__(self, other): return self._with(np.matmul, other)
    def __radd__(self, other): return Tensor(other) + self
    def __rsub__(self, other): return Tensor(other) - self
    def __rmul__(self, other): return Tensor(other) * self
    def __rtruediv__(self, other): return Tensor(other) / self
    def __rpow__(self, other): return Tensor(other) ** self
    def __rmatmul__(self, other): return Tensor(other) @ self
    def __neg__(self): return Tensor(-self.data)
    def __getitem__(self, key): return Tensor(self.data[key])
    def __setitem__(self, key, value): self.data[key] = value
    def __len__(self): return len(self.data)
    def __iter__(self): return iter(self.data)


class Guard:
    state = "new"

    def __enter__(self):
        self.state = "open"
        return self

    def __exit__(self, *_):
        self.state = "closed"


def number(): return 3
def draw(): return float(np.random.rand())
def count():
    shared.append(1)
    return len(shared)
def do(what): pass
"""
CHANGES: Final = """
import signal


def number(): return None


def do(what):
    if what == "stub":
        raise NotImplementedError("TODO 2.1: do")
    if what == "raise":
        raise ValueError(f"no {object()}")
    if what == "stop":
        raise StopIteration
    if what == "exit":
        os._exit(7)
    if what == "leave":
        raise SystemExit(0)
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    while what == "spin":
        pass
    if what == "hoard":
        return float(np.ones(200_000_000, np.float32).sum())
    if what == "flood":
        print("x" * 3_000_000)
    if what == "talk":
        print("\\x1b[31mhello\\x00")


del Guard.__exit__
"""
SUITE: Final = """
import operator

import numpy as np
import pytest

from grader.checks import cpu_limit, holds, raises, same, set_data
from grader.checks.remote import remote_source

DRAWN = []


@pytest.mark.parametrize(
    "name", ["add", "sub", "mul", "truediv", "pow", "matmul"]
)
def test_operator(tt, oracle, rng, name):
    f = getattr(operator, name)
    a, b = (rng.uniform(1, 2, (3, 3)).astype(np.float32) for _ in range(2))
    for left, right in ((True, True), (True, False), (False, True)):
        x, y = (tt.Tensor(a) if left else a), (tt.Tensor(b) if right else b)
        u, v = (oracle.Tensor(a) if left else a), (oracle.Tensor(b) if right else b)
        same(f(x, y), f(u, v), call=name)


def test_sequence(tt):
    x = tt.Tensor([1, 2, 3])
    x[0] = 5
    same(x[0:2], [5.0, 2.0], call="x[0:2]")
    same(-x, [-5.0, -2.0, -3.0], call="-x")
    holds(len(x) == 3 and list(x)[2] == 3, call="list(x)", expected="[5, 2, 3]")


def test_arrays_are_ours_to_read_only(tt):
    x = tt.Tensor([1, 2])
    with pytest.raises(ValueError):
        x.data[0] = 9
    set_data(x, np.array([4.0, 4.0]))
    same(x, [4.0, 4.0], call="x")


def test_source(tt):
    def inside(tt, values):
        class Mine(tt.Tensor):
            pass
        return float(np.sum(Mine(values).data))

    holds(remote_source(tt, inside, values=[1.0, 2.5]) == 3.5, call="f", expected="3")


def test_with(tt):
    with tt.Guard() as guard:
        holds(guard.state == "open", call="with", expected="open")
    holds(guard.state == "closed", call="with", expected="closed")


def test_missing_name(tt):
    tt.Nothing


def test_value_that_breaks_the_check(tt):
    tt.number() + 1


def test_check_that_is_broken(tt):
    1 / 0


def test_oracle_that_fails(oracle):
    oracle.Tensor("words")


def test_two_packages_do_not_mix(tt, oracle):
    tt.Tensor([1]) + oracle.Tensor([1])


@pytest.mark.parametrize("what", ["first", "second"])
def test_every_check_starts_afresh(tt, what):
    holds(tt.count() == 1, call="count()", expected="1")


def test_random(tt, rng):
    DRAWN.append((tt.draw(), float(rng.random())))


@pytest.mark.parametrize(
    "what",
    ["stub", "raise", "stop", "exit", "leave", "crash", "hoard", "flood", "talk"],
)
def test_do(tt, what):
    tt.do(what)


@cpu_limit(0.5)
def test_do_spin(tt):
    tt.do("spin")


def test_no_error_counts_as_the_right_one(tt):
    raises(RuntimeError, tt.do, "stub", call="do()")


def test_after_all_that(tt):
    same(tt.Tensor([1]) + 1, [2.0], call="1 + 1")
"""


def course_with(**limits: Any) -> Course:
    names = ("Tensor", "Guard", "Nothing", "number", "draw", "count", "do")
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
        limits=CourseLimits(**limits),
        modules=(module,),
        milestones=(),
    )


def package(text: str) -> tuple[SourceFile, ...]:
    data = textwrap.dedent(text).encode()
    return (SourceFile(path="tinytorch/tensor.py", data=data),)


class Stand:
    """Runs one suite on packages, with one oracle."""

    def __init__(self, oracle: Zygote, suite: Path) -> None:
        self.oracle, self.suite = oracle, suite

    def run(
        self,
        text: str,
        *names: str,
        course: Course | None = None,
        secret: bytes = SECRET,
    ) -> dict[str, Ran]:
        """Return what became of the checks called `names`, or of all."""
        chosen = course or course_with()
        checks = load_suites(self.suite, chosen).checks
        wanted = [c for c in checks if not names or c.id.split("::")[1] in names]
        files = package_of(chosen, package(text))
        with (
            Zygote(self.oracle.wall, files, memory=CEILING) as zygote,
            closing(Oracle(self.oracle)) as oracle,
        ):
            zygote.compile(chosen.limits.load)
            ran = SuiteRunner(chosen, zygote, oracle, secret).run(wanted)
        return {r.check.id.split("::")[1]: r for r in ran}

    def drawn(self, secret: bytes) -> tuple[float, float]:
        """Return the random numbers of one run: the student's and the check's."""
        chosen = course_with()
        (check,) = (
            c for c in load_suites(self.suite, chosen).checks if "random" in c.id
        )
        files = package_of(chosen, package(SOURCE))
        with (
            Zygote(self.oracle.wall, files, memory=CEILING) as zygote,
            closing(Oracle(self.oracle)) as oracle,
        ):
            (ran,) = SuiteRunner(chosen, zygote, oracle, secret).run([check])
        assert ran.outcome == Passed()
        found: tuple[float, float] = check.function.__globals__["DRAWN"].pop()
        return found


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("suite")
    (folder / "test_02_tensor.py").write_text(SUITE, encoding="utf8")
    with ExitStack() as stack:
        truth = package_of(course_with(), package(SOURCE))
        oracle = stack.enter_context(Zygote(choose("auto"), truth, memory=CEILING))
        yield Stand(oracle, folder)


@pytest.fixture(scope="module")
def ran(stand: Stand) -> Mapping[str, Ran]:
    return stand.run(SOURCE + CHANGES)


@pytest.mark.parametrize(
    "name",
    [
        *(f"operator_{n}" for n in ("add", "sub", "mul", "truediv", "pow", "matmul")),
        "sequence",
        "arrays_are_ours_to_read_only",
        "source",
        "every_check_starts_afresh_first",
        "every_check_starts_afresh_second",
        "random",
        "after_all_that",
    ],
)
def test_what_is_right_passes_beside_what_is_wrong(
    name: str, ran: Mapping[str, Ran]
) -> None:
    assert ran[name].outcome == Passed()
    assert ran[name].measure.cpu_s > 0


def test_every_check_has_exactly_one_result(
    stand: Stand, ran: Mapping[str, Ran]
) -> None:
    checks = load_suites(stand.suite, course_with()).checks

    assert list(ran) == [c.id.split("::")[1] for c in checks]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("do_stub", "TODO 2.1: do"),
        ("missing_name", "tinytorch.tensor has no Nothing yet"),
        ("no_error_counts_as_the_right_one", "TODO 2.1: do"),
    ],
)
def test_what_is_missing_is_todo(
    name: str, message: str, ran: Mapping[str, Ran]
) -> None:
    assert ran[name].outcome == NotImplementedYet(message=message)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("do_raise", "ValueError"),
        ("do_stop", "StopIteration"),
        ("do_leave", "SystemExit"),
    ],
)
def test_an_error_is_the_students(
    name: str, error: str, ran: Mapping[str, Ran]
) -> None:
    outcome = ran[name].outcome

    assert isinstance(outcome, Raised)
    assert outcome.error == error
    assert outcome.where.startswith("tinytorch/tensor.py:")
    assert outcome.where.endswith("in do")
    assert outcome.call == "tt.do(...)"


def test_an_address_does_not_reach_the_verdict(ran: Mapping[str, Ran]) -> None:
    outcome = ran["do_raise"].outcome

    assert isinstance(outcome, Raised)
    assert outcome.message == "no <object object at 0x...>"


@pytest.mark.parametrize(
    ("name", "how"),
    [("do_exit", "exit code 7"), ("do_crash", "signal 11 (SIGSEGV)")],
)
def test_a_death_is_told(name: str, how: str, ran: Mapping[str, Ran]) -> None:
    assert ran[name].outcome == Crashed(how=how, where="tt.do(...)")


@pytest.mark.parametrize(
    ("name", "which"),
    [
        ("do_spin", Limit.CPU),
        ("do_hoard", Limit.MEMORY),
        ("do_flood", Limit.OUTPUT),
    ],
)
def test_a_limit_is_told(name: str, which: Limit, ran: Mapping[str, Ran]) -> None:
    outcome = ran[name].outcome

    assert isinstance(outcome, LimitExceeded)
    assert outcome.which is which


def test_a_limit_of_one_check_is_its_own(ran: Mapping[str, Ran]) -> None:
    outcome = ran["do_spin"].outcome

    assert isinstance(outcome, LimitExceeded)
    assert outcome.limit == "0.5 s of CPU time"


def test_what_was_printed_is_kept_and_cleaned(ran: Mapping[str, Ran]) -> None:
    assert ran["do_talk"].outcome == Passed()
    text = ran["do_talk"].printed.replace("\N{REPLACEMENT CHARACTER}", "")
    assert text == "[31mhello\n"
    assert len(ran["do_flood"].printed) <= 2000


def test_a_value_that_breaks_the_check_is_a_mismatch(ran: Mapping[str, Ran]) -> None:
    """The check passes on the reference, so the value is to blame."""
    outcome = ran["value_that_breaks_the_check"].outcome

    assert isinstance(outcome, Mismatch)
    assert "TypeError" in outcome.got


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("check_that_is_broken", "the check itself failed: ZeroDivisionError"),
        ("oracle_that_fails", "the reference raised ValueError"),
        ("two_packages_do_not_mix", "of one package was given to the other"),
    ],
)
def test_a_check_that_is_wrong_itself_is_ours(
    name: str, reason: str, ran: Mapping[str, Ran]
) -> None:
    outcome = ran[name].outcome

    assert isinstance(outcome, Inconclusive)
    assert reason in outcome.reason


def test_a_context_that_cannot_be_left_is_the_students(
    ran: Mapping[str, Ran],
) -> None:
    outcome = ran["with"].outcome

    assert isinstance(outcome, Raised)
    assert outcome.error == "AttributeError"


def test_a_context_is_entered_and_left(stand: Stand) -> None:
    assert stand.run(SOURCE, "with")["with"].outcome == Passed()


def test_random_numbers_belong_to_the_round(stand: Stand) -> None:
    first, again, other = (stand.drawn(s) for s in (SECRET, SECRET, b"another"))

    assert first == again
    assert first[0] != other[0]
    assert first[1] != other[1]


def test_the_module_has_a_limit_of_its_own(stand: Stand) -> None:
    course = course_with(suite_cpu_s=0.2)

    ran = stand.run(SOURCE + CHANGES, "do_spin", "after_all_that", course=course)

    late = ran["after_all_that"].outcome
    assert isinstance(late, LimitExceeded)
    assert late.which is Limit.SUITE_CPU
    assert late.limit == "0.2 s of CPU time"


@pytest.mark.parametrize("end", ["", "os._exit(0)"])
def test_who_sleeps_through_a_module_uses_up_its_time(stand: Stand, end: str) -> None:
    """Or a package could sleep until the container's deadline, which is our fault."""
    sleeps = f"def do(what):\n    import time\n    time.sleep(3.5)\n    {end}\n"
    course = course_with(suite_cpu_s=3.0)

    ran = stand.run(SOURCE + sleeps, "do_spin", "after_all_that", course=course)

    late = ran["after_all_that"].outcome
    assert isinstance(late, LimitExceeded)
    assert late.which is Limit.SUITE_CPU


def test_the_judge_s_own_time_is_nobody_s_waiting(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host on which the judge gets no CPU must not cost a submission its time."""
    called = SuiteRunner._call

    def slow(*arguments: Any) -> None:
        ends = time.process_time() + 3.5
        while time.process_time() < ends:
            pass
        called(*arguments)

    monkeypatch.setattr(SuiteRunner, "_call", slow)
    course = course_with(suite_cpu_s=3.0)

    ran = stand.run(SOURCE, "do_spin", "after_all_that", course=course)

    assert isinstance(ran["after_all_that"].outcome, Passed)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("import os\nos._exit(0)\n", Crashed),
        ("while True:\n    pass\n", LimitExceeded),
        ("def broken(:\n", Raised),
        ("import torch\n", Raised),
        ("", NotImplementedYet),
    ],
    ids=["exit", "spin", "syntax", "torch", "empty"],
)
def test_trouble_at_import_is_the_outcome_of_every_check(
    text: str, kind: type[Any], stand: Stand
) -> None:
    course = course_with(load=Limits(cpu_s=1.0))

    ran = stand.run(text, "sequence", "source", "after_all_that", course=course)

    assert len(ran) == 3
    assert {type(r.outcome) for r in ran.values()} == {kind}
