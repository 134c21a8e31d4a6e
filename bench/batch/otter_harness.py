"""Call a hidden check where the submission runs: one case of an otter test file.

Imported by otter's test files in the process of the submission. Names, seeds and
folders are those of reference/checks/conftest.py, so that a check does the same work
here and in plain pytest.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import inspect
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

REFERENCE: Final = Path(__file__).resolve().parents[2] / "reference"


def check(tt: ModuleType | None, node: str, given: dict[str, Any]) -> None:
    """Run one hidden check on the submission; it raises where the check does not hold.

    Args:
        tt: the submission's package; None where importing it failed.
        node: the check as pytest names it, which also seeds its random numbers.
        given: its parameters.
    """
    assert tt is not None, "tinytorch cannot be imported"
    path, name = node.split("::")
    function = getattr(_suite(Path(path).stem), name.split("[")[0])
    seed = hashlib.sha256(node.encode()).digest()
    fixtures = {
        "tt": tt,
        "oracle": _oracle(),
        "rng": np.random.default_rng(int.from_bytes(seed[:8], "big")),
    }
    wanted = inspect.signature(function).parameters
    given = given | {n: fixtures[n] for n in wanted if n in fixtures}
    np.random.seed(0)  # noqa: NPY002 -- submissions draw from it
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        function(**given)


@cache
def _suite(name: str) -> ModuleType:
    sys.path.insert(0, str(REFERENCE / "checks"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(REFERENCE / "checks"))


@cache
def _oracle() -> ModuleType:
    """Import the reference beside the submission, which keeps the package's name."""
    submitted = _taken_out()
    sys.path.insert(0, str(REFERENCE))
    try:
        package = importlib.import_module("tinytorch")
        for name in dir(package):  # lazy names resolve while this copy is imported
            if not name.startswith("_") and hasattr(package, name):
                setattr(package, name, getattr(package, name))
        return package
    finally:
        sys.path.remove(str(REFERENCE))
        _taken_out()
        sys.modules.update(submitted)


def _taken_out() -> dict[str, ModuleType]:
    names = [n for n in sys.modules if n.split(".")[0] == "tinytorch"]
    return {n: sys.modules.pop(n) for n in names}
