"""What a student reads when something that a milestone needs is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from milestones.missing import MODULES

ROOT = Path(__file__).parents[3]
PERCEPTRON = ROOT / "milestones/01_1957_perceptron/perceptron_trained.py"
XOR = ROOT / "milestones/02_1969_xor_crisis/xor_solved.py"
DIGITS = ROOT / "milestones/03_1986_mlp_revival/mlp_digits.py"
CNN = ROOT / "milestones/04_1998_cnn_revolution/cnn_digits.py"


def run(script: Path, *paths: Path) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    return subprocess.run(
        [sys.executable, script.name],
        cwd=script.parent,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the reference for a test to break."""
    shutil.copytree(ROOT / "reference" / "tinytorch", tmp_path / "tinytorch")
    return tmp_path


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_unwritten_stub_is_named_with_its_module_and_task(package: Path) -> None:
    replace(
        package / "tinytorch" / "layers.py",
        "flat = rows(x.data)",
        'raise NotImplementedError("TODO 4.4: Linear.forward")',
    )

    done = run(PERCEPTRON, ROOT, package)

    assert done.returncode == 1
    assert done.stderr == "needs module 04 layers: TODO 4.4 Linear.forward\n"


@pytest.mark.parametrize(
    ("script", "file", "says"),
    [
        (XOR, "autograd.py", "needs module 06 autograd: tinytorch.autograd is not"),
        (DIGITS, "training.py", "needs module 08 training: Trainer is not there yet\n"),
        (PERCEPTRON, "layers.py", "needs module 04 layers: Linear is not there yet\n"),
        (CNN, "spatial.py", "needs module 09 spatial: Conv2d is not there yet\n"),
    ],
    ids=["autograd", "training", "layers", "spatial"],
)
def test_module_that_does_not_exist_yet_is_named(
    package: Path, script: Path, file: str, says: str
) -> None:
    (package / "tinytorch" / file).unlink()

    done = run(script, ROOT, package)

    assert done.returncode == 1
    assert done.stderr.startswith(says)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("script", "last"),
    [(PERCEPTRON, "layers"), (XOR, "autograd"), (DIGITS, "training")],
    ids=["01", "02", "03"],
)
def test_script_needs_none_of_the_later_modules(
    package: Path, script: Path, last: str
) -> None:
    later = list(MODULES.values())
    for name in later[later.index(last) + 1 :]:
        # The reference keeps gradients of all its operations in one place.
        if name != "autograd":
            (package / "tinytorch" / f"{name}.py").unlink()
    (package / "tinytorch" / "dataloader.py").unlink()

    done = run(script, ROOT, package)

    assert done.returncode == 0, done.stderr
    assert "systems report" in done.stdout


def test_package_that_is_not_installed_is_named_with_the_remedy() -> None:
    done = run(PERCEPTRON, ROOT)

    assert done.returncode == 1
    assert "tinytorch is not installed here: run `make setup`" in done.stderr


def test_helpers_that_are_not_installed_are_named_with_the_remedy() -> None:
    done = run(PERCEPTRON, ROOT / "reference")

    assert done.returncode == 1
    assert done.stderr == "milestones is not installed here: run `make setup` first\n"


def test_mistake_in_the_students_code_keeps_its_traceback(package: Path) -> None:
    replace(
        package / "tinytorch" / "layers.py",
        "flat = rows(x.data)",
        "flat = rowss(x.data)",
    )

    done = run(PERCEPTRON, ROOT, package)

    assert "Traceback" in done.stderr
    assert "rowss" in done.stderr
