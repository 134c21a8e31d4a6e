"""Load milestone scripts the way the grader does: source text, run as a module."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
SCRIPTS: Final = {
    "perceptron_trained": ("01_1957_perceptron", "clouds"),
    "xor_crisis": ("02_1969_xor_crisis", "xor"),
    "xor_solved": ("02_1969_xor_crisis", "xor"),
    "mlp_digits": ("03_1986_mlp_revival", "digits"),
    "mlp_mnist": ("03_1986_mlp_revival", "mnist"),
    "cnn_digits": ("04_1998_cnn_revolution", "digits"),
    "lecun_cifar10": ("04_1998_cnn_revolution", "cifar10"),
}


def load_script(name: str) -> Any:
    """Return the script `name` of SCRIPTS as a module called "milestone"."""
    path = ROOT / "milestones" / SCRIPTS[name][0] / f"{name}.py"
    module = types.ModuleType("milestone")
    sys.modules["milestone"] = module
    exec(compile(path.read_text(), str(path), "exec"), module.__dict__)  # noqa: S102
    return module
