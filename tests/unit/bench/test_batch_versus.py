"""bench/batch/versus.py: its class, otter's test files, accounts and figures."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.checks.suites import load_suites
from grader.config import find_home, load_course

BATCH = Path(__file__).parents[3] / "bench" / "batch"
OURS = ("versus", "figures", "run", "sides", "timed", "otter_side", "otter_harness")


@pytest.fixture(scope="module")
def bench() -> Iterator[SimpleNamespace]:
    """The scripts, imported as Python does beside the one that is run."""
    sys.path.insert(0, str(BATCH))
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in OURS})
    sys.path.remove(str(BATCH))
    for name in OURS:
        del sys.modules[name]


@pytest.fixture(scope="module")
def nodes(bench: SimpleNamespace) -> Any:
    return bench.otter_side.collect()


def test_every_second_submission_is_compared_and_the_hostile_stand_apart(
    bench: SimpleNamespace, tmp_path: Path
) -> None:
    kinds = bench.versus.choose(tmp_path, 10, seed=0)
    assert Counter(kinds.values()) == {"complete": 4, "partial": 3, "wrong": 3}
    compared = {path.name for path in (tmp_path / "compared").iterdir()}
    assert compared == set(kinds)
    for name, text in bench.run.HOSTILE.items():
        written = tmp_path / "hostile" / name / "tinytorch" / "setup.py"
        assert written.read_text() == text
    hostile = {path.name for path in (tmp_path / "hostile").iterdir()}
    assert hostile == {*bench.run.HOSTILE, "claims"}


def test_the_checks_are_those_that_the_grader_runs(nodes: Any) -> None:
    home = find_home(BATCH)
    suites = load_suites(home.suites, load_course(home.course_file))
    found = Counter(node.file.split("_", 2)[2] for node in nodes)
    assert found == Counter(check.module for check in suites.checks)


def test_otters_cases_call_every_check_with_its_parameters(
    bench: SimpleNamespace, nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases: list[Callable[[object], None]] = []
    called: list[tuple[object, str, dict[str, Any]]] = []
    fakes = {"otter": ModuleType("otter"), "otter.test_files": ModuleType("files")}
    fakes["otter.test_files"].__dict__["test_case"] = lambda **_: cases.append
    fakes["otter_harness"] = ModuleType("otter_harness")
    fakes["otter_harness"].__dict__["check"] = lambda *asked: called.append(asked)
    for name, module in fakes.items():
        monkeypatch.setitem(sys.modules, name, module)
    bench.otter_side.write_tests(nodes, tmp_path / "tests")
    points = 0
    for file in sorted((tmp_path / "tests").glob("*.py")):
        scope: dict[str, Any] = {}
        exec(file.read_text(), scope)  # noqa: S102 -- as otter does
        points += scope["points"]
        assert scope["OK_FORMAT"] is False
    package = object()
    for case in cases:
        case(package)
    assert called == [(package, node.id, node.given) for node in nodes]
    assert points == len(nodes)


@pytest.fixture
def reference() -> Iterator[ModuleType]:
    """The reference, imported under its name as a submission is."""
    others = {n: sys.modules.pop(n) for n in list(sys.modules) if _ours(n)}
    folder = str(BATCH.parents[1] / "reference")
    sys.path.insert(0, folder)
    yield importlib.import_module("tinytorch")
    sys.path.remove(folder)
    for name in [n for n in sys.modules if _ours(n)]:
        del sys.modules[name]
    sys.modules.update(others)


def _ours(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] == "tinytorch"


class Doubled:
    """A tensor in double precision; hidden checks know tensors by this name."""

    def __init__(self, data: Any) -> None:
        self.data = np.asarray(data, dtype=np.float64)


Doubled.__name__ = "Tensor"


def test_a_case_holds_on_the_reference_and_not_on_a_wrong_package(
    bench: SimpleNamespace, nodes: Any, reference: ModuleType
) -> None:
    node = next(n for n in nodes if n.id.endswith("::test_data_is_float32"))
    before = Path.cwd()
    bench.otter_harness.check(reference, node.id, node.given)
    assert sys.modules["tinytorch"] is reference
    wrong = SimpleNamespace(Tensor=Doubled)
    with pytest.raises(AssertionError, match="float32"):
        bench.otter_harness.check(wrong, node.id, node.given)
    with pytest.raises(AssertionError, match="cannot be imported"):
        bench.otter_harness.check(None, node.id, node.given)
    assert Path.cwd() == before


def in_a_process(program: str) -> Any:
    """Run a program beside the scripts: it adopts orphans, which pytest must not."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": f"{BATCH}:{BATCH.parents[1]}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


RUN = """
import json, os, sys
from pathlib import Path
from timed import timed
def run(command, timeout_s):
    done = timed(command, cwd=Path("/"), env=os.environ, timeout_s=timeout_s)
    left = not os.path.exists("/proc/%s" % done.stdout) if done.stdout else None
    print(json.dumps([done.exit_code, done.cpu_s, done.killed, left]))
"""


def test_the_time_of_orphans_is_counted() -> None:
    burns = "import os, time\\nif os.fork(): os._exit(3)\\n"
    burns += "os.setsid()\\nwhile time.process_time() < 0.3: pass"
    code, cpu_s, killed, _ = in_a_process(
        RUN + f'run([sys.executable, "-c", "{burns}"], 30)'
    )
    assert code == 3
    assert cpu_s > 0.3
    assert killed == 0


def test_a_timeout_leaves_no_process() -> None:
    hides = "setsid sh -c 'echo -n $$; exec sleep 60' & sleep 60"
    code, _, killed, gone = in_a_process(RUN + f'run(["sh", "-c", "{hides}"], 0.5)')
    assert code is None
    assert killed == 1
    assert gone


def test_figures_compare_only_what_every_tool_finished(bench: SimpleNamespace) -> None:
    def graded(cost_s: float, passed: int | None = 9) -> Any:
        return bench.timed.Graded(2 * cost_s, cost_s, passed, passed is None)

    rounds = [
        {
            "ours_local": {"a": graded(4.0 + turn), "b": graded(6.0)},
            "pytest": {"a": graded(2.0), "b": graded(30.0, None)},
        }
        for turn in (0, 1, 2)
    ]
    found = bench.figures.summary(rounds)
    assert found["ended"] == ["a"]
    assert found["tools"]["pytest"]["timeouts"] == 1
    assert found["tools"]["pytest"]["submissions_a_minute"] == pytest.approx(1.875)
    assert found["tools"]["pytest"]["submissions_a_minute_ended"] == 15
    assert found["tools"]["ours_local"]["cpu_s_each_ended"] == 5
    assert found["tools"]["ours_local"]["submissions_a_cpu_minute_ended"] == 12
    assert found["ratios"]["ours_local / pytest"]["cpu_s_each_ended"] == 2.5
    kinds = {"a": "complete", "b": "wrong"}
    rows = bench.figures.rows(rounds, kinds)
    assert [row["kind"] for row in rows] == ["complete", "wrong"]
    assert rows[1]["pytest"]["passed"] == [None, None, None]
    assert rows[1]["pytest"]["timeouts"] == 3
    assert json.dumps([found, rows], allow_nan=False)


def test_figures_stand_where_no_submission_was_finished_by_all(
    bench: SimpleNamespace,
) -> None:
    never = bench.timed.Graded(60.0, 50.0, None, True)
    found = bench.figures.summary([{"ours_local": {"a": never}, "otter": {"a": never}}])
    assert found["ended"] == []
    assert "cpu_s_each_ended" not in found["tools"]["otter"]
    assert json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(("inside", "cpu_s"), [(True, [4.0, 3.0]), (False, [8.0, 7.0])])
def test_what_a_batch_takes_beyond_its_gradings_is_shared(
    bench: SimpleNamespace, inside: bool, cpu_s: list[float]
) -> None:
    done = bench.timed.Timed(12.0, 7.0 if inside else 10.0, 0, 0, "", "")
    kinds = ["passed", "mismatch", "passed"]
    checks = [{"outcome": {"kind": kind}} for kind in kinds]
    verdict = {"modules": [{"checks": checks}]}
    own = {"a": {"wall_s": 6.0, "cpu_s": 3.0}, "b": {"wall_s": 4.0, "cpu_s": 2.0}}
    reports = {n: {"verdict": verdict, "measurements": m} for n, m in own.items()}
    found = bench.sides.shared(done, reports, inside=inside)
    assert [found[n].wall_s for n in "ab"] == [7.0, 5.0]
    assert [found[n].cpu_s for n in "ab"] == cpu_s
    assert found["a"].passed == 2


@pytest.mark.parametrize(
    ("output", "passed"),
    [
        ("...\n466 passed in 3.23s\n", 466),
        ("F..\nFAILED x - AssertionError\n65 failed, 401 passed in 9.01s\n", 401),
        ("466 failed in 9.01s\n", 0),
        ("466 errors in 0.50s\n", 0),
        ("........", None),
        ("", None),
    ],
)
def test_the_number_that_pytest_tells(
    bench: SimpleNamespace, output: str, passed: int | None
) -> None:
    assert bench.sides.passed_of(output) == passed


def test_otters_points_are_checks(bench: SimpleNamespace) -> None:
    tests = [{"name": "Public Tests"}, {"score": 4.999999}, {"score": 46.0}]
    assert bench.otter_side.passed_of({"tests": tests}) == 51


def test_a_missing_otter_is_said(
    bench: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = bench.versus.otter_state(tmp_path / "bin" / "otter")
    assert state["measured"] is False
    assert "README.md" in state["why"]
    assert str(tmp_path) in capsys.readouterr().err
