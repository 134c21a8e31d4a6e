"""The reference as `tt`, imported apart from any other package called tinytorch."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

REFERENCE = Path(__file__).resolve().parents[3] / "reference"


def _loaded() -> dict[str, ModuleType]:
    return {n: m for n, m in sys.modules.items() if n.split(".")[0] == "tinytorch"}


@pytest.fixture(scope="session")
def tt() -> ModuleType:
    others = _loaded()
    for name in others:
        del sys.modules[name]
    sys.path.insert(0, str(REFERENCE))
    found = importlib.import_module("tinytorch")
    for name in dir(found):  # lazy names resolve while this copy is the imported one
        getattr(found, name, None)
    sys.path.remove(str(REFERENCE))
    for name in _loaded():
        del sys.modules[name]
    sys.modules.update(others)
    return found
