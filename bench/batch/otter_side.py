"""otter-grader's side of the comparison: its test files, its zip, one `otter run`.

otter is no dependency: it lives in a virtual environment of its own (README.md).
"""

from __future__ import annotations

import ast
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from timed import Graded, timed

ROOT: Final = Path(__file__).resolve().parents[2]
CHECKS: Final = ROOT / "reference" / "checks"
OTTER: Final = Path(tempfile.gettempdir()) / "otter-venv" / "bin" / "otter"
HEAD: Final = '''"""{count} hidden checks as cases of one otter test file."""

from otter.test_files import test_case
from otter_harness import check

OK_FORMAT = False

name = "{name}"
points = {count}
'''
CASE: Final = """

@test_case(name={node!r})
def case_{number}(tt):
    check(tt, {node!r}, {given!r})
"""


class Node(NamedTuple):
    """One hidden check as pytest collects it."""

    id: str
    file: str  # "test_02_tensor"
    given: dict[str, Any]  # its parameters


class _Collector:
    """A pytest plugin that keeps what was collected."""

    items: Sequence[pytest.Item] = ()

    @pytest.hookimpl
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = session.items


def collect() -> list[Node]:
    """Return all hidden checks, named as plain pytest names them."""
    collector = _Collector()
    options = ["-c", os.devnull, f"--rootdir={ROOT}", "--noconftest", "--collect-only"]
    options += ["-p", "no:cacheprovider", "-p", "no:terminal"]
    options += ["--import-mode=importlib", "--assert=plain"]
    code = pytest.main([*options, str(CHECKS)], plugins=[collector])
    assert code == pytest.ExitCode.OK, f"pytest cannot collect {CHECKS}: {code!r}"
    return [Node(i.nodeid, i.path.stem, _parameters(i)) for i in collector.items]


def _parameters(item: pytest.Item) -> dict[str, Any]:
    """Return the parameters of a check, which stand in otter's test file as text."""
    callspec = getattr(item, "callspec", None)
    given = dict(callspec.params) if callspec else {}
    assert ast.literal_eval(repr(given)) == given, f"{item.nodeid}: not literals"
    return given


def write_tests(nodes: Sequence[Node], folder: Path) -> None:
    """Write one otter test file a module, one case and one point a check."""
    folder.mkdir(parents=True)
    for file in sorted({n.file for n in nodes}):
        mine = [n for n in nodes if n.file == file]
        name = file.removeprefix("test_")
        text = HEAD.format(count=len(mine), name=name)
        for number, node in enumerate(mine):
            text += CASE.format(node=node.id, number=number, given=node.given)
        (folder / f"{name}.py").write_text(text)


def generate(otter: Path, nodes: Sequence[Node], folder: Path) -> Path:
    """Have otter pack the test files; return the autograder's zip file."""
    write_tests(nodes, folder / "tests")
    zipped = folder / "autograder.zip"
    command: list[str | Path] = [otter, "generate", "-t", folder / "tests"]
    command += ["-o", zipped, "--no-config", "--no-requirements", "--no-environment"]
    done = timed(command, cwd=folder, env=os.environ, timeout_s=120)
    assert done.exit_code == 0, done.stderr
    return zipped


def run(
    otter: Path, zipped: Path, submission: Path, scratch: Path, timeout_s: float
) -> Graded:
    """Grade one submission with `otter run`."""
    out = Path(tempfile.mkdtemp(dir=scratch))
    script = out / "submission.py"
    script.write_text("import tinytorch as tt\n")
    done = timed(
        [otter, "run", "-a", zipped, "-o", out, "--no-logo", script],
        cwd=out,
        env=_environment(submission),
        timeout_s=timeout_s,
    )
    results = out / "results.json"
    if not results.exists():
        return done.graded(None)
    return done.graded(passed_of(json.loads(results.read_text())))


def passed_of(results: Mapping[str, Any]) -> int:
    """Return the points of otter's results, which are one a check."""
    points: float = sum(test.get("score", 0.0) for test in results["tests"])
    return round(points)


def _environment(submission: Path) -> dict[str, str]:
    """Return where the package, the harness and `grader.checks` are found."""
    paths = [submission, Path(__file__).parent, ROOT]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "OPENBLAS_NUM_THREADS": "1",
    }


def version(otter: Path) -> dict[str, str]:
    """Return the versions of otter and numpy in otter's environment."""
    program = "from importlib.metadata import version as v; import json; "
    program += "print(json.dumps({n: v(n) for n in ('otter-grader', 'numpy')}))"
    python = otter.with_name("python")
    done = timed([python, "-c", program], cwd=ROOT, env=os.environ, timeout_s=60)
    assert done.exit_code == 0, done.stderr
    versions: dict[str, str] = json.loads(done.stdout)
    return versions
