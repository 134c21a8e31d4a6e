from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from grader_command import REFERENCE, TEMPLATE, Done, Grader, copied


@pytest.fixture(scope="session")
def grader(tmp_path_factory: pytest.TempPathFactory) -> Grader:
    """The command, with two rounds to grade in."""
    return Grader.with_rounds(tmp_path_factory.mktemp("state"), "one", "two")


@pytest.fixture(scope="session")
def reference(grader: Grader) -> Done:
    return grader.grade(REFERENCE)


@pytest.fixture(scope="session")
def template(grader: Grader) -> Done:
    return grader.grade(TEMPLATE)


@pytest.fixture(scope="session")
def mistaken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package with the mistakes of `typical_mistakes.toml`."""
    folder = tmp_path_factory.mktemp("typical")
    maker = REFERENCE / "mutants" / "apply.py"
    command = [sys.executable, str(maker), "typical_mistakes", str(folder / "package")]
    subprocess.run(command, check=True)
    return folder / "package"


@pytest.fixture(scope="session")
def mistakes(grader: Grader, mistaken: Path) -> Done:
    return grader.grade(mistaken)


@pytest.fixture(scope="session")
def half_done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Modules 01 to 06 as they should be, the others untouched."""
    modules = ("setup", "tensor", "activations", "layers", "losses", "autograd")
    sources = [f"{name}.py" for name in (*modules, "base", "kernels", "rowwise")]
    files = {n: (REFERENCE / "tinytorch" / n).read_bytes() for n in sources}
    return copied(TEMPLATE, tmp_path_factory.mktemp("half"), files)
