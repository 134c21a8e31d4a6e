"""Call hidden checks one at a time, in-process, on any package."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
SUITES = ROOT / "reference/checks"


class Check(NamedTuple):
    """One hidden check with the arguments pytest would parametrize it with."""

    id: str
    module: ModuleType
    fn: Callable[..., None]
    arguments: dict[str, Any]

    def run(self, package: Any, oracle: Any, seed: int = 0) -> None:
        """Run the check; it raises what it raises."""
        np.random.seed(0)  # noqa: NPY002 -- what the runners do before each check
        fixtures = {"tt": package, "oracle": oracle, "rng": np.random.default_rng(seed)}
        wanted = inspect.signature(self.fn).parameters
        given = {k: v for k, v in fixtures.items() if k in wanted}
        self.fn(**given, **self.arguments)


def reference() -> ModuleType:
    """Import the reference, all its lazy names resolved."""
    folder = str(ROOT / "reference")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module("tinytorch")


def checks(number: str) -> list[Check]:
    """Return the checks of the suite with this number, "02"."""
    (path,) = SUITES.glob(f"test_{number}_*.py")
    name = f"hidden_{path.stem}"
    found = importlib.util.spec_from_file_location(name, path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    suite = path.stem.split("_", 2)[2]
    return [
        Check(f"{suite}::{name.removeprefix('test_')}{ending}", module, fn, arguments)
        for name, fn in vars(module).items()
        if name.startswith("test_") and callable(fn)
        for ending, arguments in _variants(fn)
    ]


def _variants(fn: Callable[..., None]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the id's ending and the arguments of each parametrized variant."""
    marks = [m for m in getattr(fn, "pytestmark", []) if m.name == "parametrize"]
    axes = [[(mark.args[0], v) for v in mark.args[1]] for mark in marks]
    for chosen in itertools.product(*axes):
        yield "".join(f"_{v}" for _, v in chosen).lower(), dict(chosen)
