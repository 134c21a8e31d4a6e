"""Run in a subprocess: execute a script as the grader does, print what it did.

Arguments: the script, and the name of the function that builds its model.
"""

from __future__ import annotations

import inspect
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import tinytorch as tt

SHAPES: dict[str, tuple[int, ...]] = {
    "mlp_digits.py": (8, 8),
    "mlp_mnist.py": (28, 28),
    "cnn_digits.py": (8, 8),
    "lecun_cifar10.py": (3, 32, 32),
}


def toy_data(name: str) -> dict[str, Any]:
    """Return inputs whose class stands in their first corner, easy to learn."""
    rng = np.random.default_rng(0)
    shape = SHAPES.get(name, (2,))
    y = rng.integers(0, 10 if name in SHAPES else 2, 320)
    x = rng.random((320, *shape), dtype=np.float32) / 10
    if name in SHAPES:
        x.reshape(320, -1)[np.arange(320), y] += 1
    else:
        x[:, 0] += y
    return {"x": x, "y": y.astype(np.int64)}


def weights(model: dict[str, Any]) -> dict[str, Any]:
    """Return copies of the weights by layer; pooling has none."""
    return {k: v.weight.data.copy() for k, v in model.items() if hasattr(v, "weight")}


def main(path: Path, build: str) -> None:
    milestone = types.ModuleType("milestone")
    exec(compile(path.read_text(), "milestone", "exec"), milestone.__dict__)  # noqa: S102
    data = toy_data(path.name)
    np.random.seed(0)  # noqa: NPY002
    model = getattr(milestone, build)(tt, np.random.default_rng(0))
    before = weights(model)
    logged: list[list[str]] = []
    run = milestone.train(
        tt, model, data, {"epochs": 3, "seed": 0}, lambda **f: logged.append(sorted(f))
    )
    lazy = all(np.array_equal(before[k], w) for k, w in weights(model).items())
    slices = sum(1 for _ in run)
    out = milestone.predict(tt, model, data["x"])
    as_bytes = np.round(data["x"] / 1.1 * 255).astype(np.uint8)
    facts = {
        "layers": {k: type(v).__name__ for k, v in model.items()},
        "is_generator": inspect.isgenerator(run),
        "nothing_before_first_slice": lazy,
        "slices": slices,
        "logged": logged,
        "dtype": out.dtype.name,
        "shape": out.shape,
        "finite": bool(np.isfinite(out).all()),
        "takes_bytes": path.name not in SHAPES
        or milestone.predict(tt, model, as_bytes).shape == out.shape,
        "trained": all(
            not np.array_equal(before[k], w) for k, w in weights(model).items()
        ),
        "float32": all(
            p.data.dtype == np.float32 for v in model.values() for p in v.parameters()
        ),
    }
    sys.stdout.write(json.dumps(facts))


main(Path(sys.argv[1]), sys.argv[2])
