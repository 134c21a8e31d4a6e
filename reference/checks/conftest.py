"""Run the hidden checks in-process, where `tt` is simply the module.

For authors of checks and for the comparison of both runners; the grader itself never
uses this file. The package under test is the reference unless TINYTORCH_PACKAGE names
the folder that holds another one; `oracle` is then the reference loaded beside it.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

REFERENCE = Path(__file__).resolve().parents[1]


def _load(folder: Path) -> ModuleType:
    """Import the package in `folder` apart from any copy imported before."""
    for name in [m for m in sys.modules if m.split(".")[0] == "tinytorch"]:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    package = importlib.import_module("tinytorch")
    for name in dir(package):  # lazy names resolve while this copy is the imported one
        if not name.startswith("_") and hasattr(package, name):
            setattr(package, name, getattr(package, name))
    sys.path.remove(str(folder))
    return package


_oracle = _load(REFERENCE)
_folder = os.environ.get("TINYTORCH_PACKAGE")
_package = _load(Path(_folder)) if _folder else _oracle


@pytest.fixture
def tt() -> ModuleType:
    np.random.seed(0)
    return _package


@pytest.fixture
def oracle() -> ModuleType:
    return _oracle


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    seed = hashlib.sha256(request.node.nodeid.encode()).digest()
    return np.random.default_rng(int.from_bytes(seed[:8], "big"))


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every check a folder to write in, as the sandbox does."""
    monkeypatch.chdir(tmp_path)
