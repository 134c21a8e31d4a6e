"""Every mutant of the reference fails the checks that it was made to fail."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
MUTANTS = ROOT / "reference/mutants"
Results = dict[str, dict[str, Any]]


def _tool() -> Any:
    found = importlib.util.spec_from_file_location("mutants", MUTANTS / "apply.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module  # dataclasses look their module up
    found.loader.exec_module(module)
    return module


TOOL = _tool()
PACKAGES = TOOL.load()
TYPICAL = PACKAGES["typical_mistakes"]
SINGLE = [edits[0] for edits in PACKAGES.values() if edits is not TYPICAL]


def job(folder: Path, edits: tuple[Any, ...]) -> dict[str, Any]:
    """Return what to run: the listed checks; for a student's package, all checks."""
    listed = {c for edit in edits for c in edit.catches}
    return {"folder": str(folder), "only": sorted(listed) if len(edits) == 1 else []}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Results]:
    """Run the hidden checks on every wrong package: name -> what became of them."""
    home = tmp_path_factory.mktemp("mutants")
    for name, edits in PACKAGES.items():
        TOOL.write(edits, home / name)
    jobs = [job(home / name, edits) for name, edits in PACKAGES.items()]
    (home / "jobs").write_text(json.dumps(jobs), encoding="utf-8")
    ours = {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    ours |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, str(MUTANTS / "run.py"), str(home / "jobs")],
        env=os.environ | ours,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {
        name: json.loads((home / name / "results.json").read_text(encoding="utf-8"))
        for name in PACKAGES
    }


def failed(results: Results) -> set[str]:
    return {name for name, result in results.items() if result["failed"]}


def blocked(results: Results) -> set[str]:
    """Return the failed checks that need a failed check, a whole family included."""
    bad = failed(results)

    def fails(need: str) -> bool:
        """A need names a check, a family of parametrized ones, or a module."""
        return any(n == need or n.startswith((f"{need}_", f"{need}::")) for n in bad)

    return {name for name in bad if any(fails(n) for n in results[name]["needs"])}


@pytest.mark.parametrize("edit", SINGLE, ids=lambda edit: edit.name)
def test_a_mutant_fails_the_checks_made_for_it(
    edit: Any, results: dict[str, Results]
) -> None:
    found = results[edit.name]

    assert edit.catches
    assert set(edit.catches) - failed(found) == set()
    if edit.mistake:
        assert found[edit.catches[0]]["mistake"] == edit.mistake


@pytest.mark.parametrize("edit", TYPICAL, ids=lambda edit: edit.name)
def test_a_typical_mistake_is_named(edit: Any, results: dict[str, Results]) -> None:
    found = results["typical_mistakes"]

    assert set(edit.catches) - failed(found) == set()
    assert found[edit.catches[0]]["mistake"] == edit.mistake


def test_typical_mistakes_lose_what_is_listed_and_what_builds_on_it(
    results: dict[str, Results],
) -> None:
    found = results["typical_mistakes"]
    listed = {check for edit in TYPICAL for check in edit.catches}

    assert failed(found) - blocked(found) - listed == set()


def test_names_are_unique_and_there_are_enough() -> None:
    names = [edit.name for edit in (*SINGLE, *TYPICAL)]

    assert len(names) == len(set(names))
    assert len(SINGLE) >= 80


def test_an_edit_must_fit_exactly_once() -> None:
    edit = TOOL.Edit("twice", "tensor.py", "a", "b", "for this test", ("x::y",))

    with pytest.raises(ValueError, match="occurs 2 times"):
        TOOL.changed("a + a", edit)
    with pytest.raises(ValueError, match="occurs 0 times"):
        TOOL.changed("c", edit)


def test_the_command_line_writes_a_package(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert TOOL.main(["sgd_uphill", str(tmp_path)]) == 0
    assert "p.data += lr * g" in (tmp_path / "tinytorch/optimizers.py").read_text()
    assert TOOL.main(["sgd_uphill", str(tmp_path)]) == 1
    assert "exists" in capsys.readouterr().err
    assert TOOL.main(["nothing", str(tmp_path)]) == 2
    assert TOOL.main([]) == 2
    assert TOOL.main(["--list"]) == 0
    assert "typical_mistakes" in capsys.readouterr().out
