"""One door to every data set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from grader.datasets import generated, images
from grader.datasets.dataset import DataSet, Profile
from grader.errors import ConfigError

DATA_VARIABLE: Final = "TINYTORCH_DATA"
NAMES: Final = ("clouds", "xor", "digits", "mnist")


def load(
    name: str,
    *,
    root: Path | None = None,
    profile: Profile = "full",
    seed: int = 0,
    compact: bool = False,
) -> DataSet:
    """Load or make the data set called `name`.

    Args:
        name: clouds, xor, digits or mnist.
        root: the data folder; None means the one TINYTORCH_DATA names.
        profile: quick draws a part of MNIST; nothing else depends on it.
        seed: the round's seed: makes clouds and xor, splits digits, draws quick MNIST.
        compact: leave images as uint8, a quarter of the memory of float32.

    Raises:
        ConfigError: no such data set, or its files are missing or malformed.
    """
    root = root or _root_from_environment()
    match name:
        case "clouds":
            return generated.clouds(seed)
        case "xor":
            return generated.xor(seed)
        case "digits":
            return images.digits(root, seed=seed, compact=compact)
        case "mnist" if root is not None:
            return images.mnist(root, profile=profile, seed=seed, compact=compact)
        case "mnist":
            message = "MNIST is needed and no data folder is known"
            hint = f"run `grader data fetch mnist`, or set {DATA_VARIABLE}"
            raise ConfigError(message, hint=hint)
        case _:
            message = f"there is no data set called {name!r}"
            raise ConfigError(message, hint=f"known: {', '.join(NAMES)}")


def _root_from_environment() -> Path | None:
    value = os.environ.get(DATA_VARIABLE, "")
    return Path(value) if value else None
