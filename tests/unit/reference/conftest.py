"""The reference as `tt`, imported apart from any other package called tinytorch."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

REFERENCE = Path(__file__).resolve().parents[3] / "reference"


@pytest.fixture(scope="session")
def package() -> ModuleType:
    others = {n: m for n, m in sys.modules.items() if n.split(".")[0] == "tinytorch"}
    for name in others:
        del sys.modules[name]
    sys.path.insert(0, str(REFERENCE))
    found = importlib.import_module("tinytorch")
    for name in dir(found):  # lazy names resolve while this copy is the imported one
        getattr(found, name, None)
    sys.path.remove(str(REFERENCE))
    for name in [n for n in sys.modules if n.split(".")[0] == "tinytorch"]:
        del sys.modules[name]
    sys.modules.update(others)
    return found


@pytest.fixture
def tt(package: ModuleType) -> ModuleType:
    np.random.seed(0)  # noqa: NPY002 -- the course's layers draw from there
    return package


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)
