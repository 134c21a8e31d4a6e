"""One door to every data set."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from grader.datasets import cifar, generated, images, text
from grader.datasets.dataset import DataSet, Profile
from grader.errors import ConfigError

DATA_VARIABLE: Final = "TINYTORCH_DATA"
NAMES: Final = (
    *("clouds", "xor", "digits", "mnist", "cifar10"),
    *("sonnets", "shakespeare"),
)
# Data sets that no checkout has, with what people call them.
_FETCHED: Final = {
    "mnist": "MNIST",
    "cifar10": "CIFAR-10",
    "shakespeare": "tiny Shakespeare",
}


def load(
    name: str,
    *,
    root: Path | Sequence[Path] | None = None,
    profile: Profile = "full",
    seed: int = 0,
    compact: bool = False,
) -> DataSet:
    """Load or make the data set called `name`.

    Args:
        name: clouds, xor, digits, mnist, cifar10, sonnets or shakespeare.
        root: the data folder, or several, looked through in order; None means the
            one TINYTORCH_DATA names. Without any, the digits of a checkout are found.
        profile: quick draws a part of MNIST and CIFAR-10; nothing else depends on it.
        seed: the round's seed: makes clouds and xor, splits digits and sonnets, draws
            quick parts, and moves the windows of a text.
        compact: leave images as uint8, a quarter of the memory of float32.

    Raises:
        ConfigError: no such data set, or its files are missing or malformed.
    """
    roots = _roots(root)
    match name:
        case "clouds":
            return generated.clouds(seed)
        case "xor":
            return generated.xor(seed)
        case "digits":
            return images.digits(roots, seed=seed, compact=compact)
        case "mnist" if roots:
            return images.mnist(roots, profile=profile, seed=seed, compact=compact)
        case "cifar10" if roots:
            return cifar.cifar10(roots, profile=profile, seed=seed, compact=compact)
        case "sonnets":
            return text.sonnets(roots, seed=seed)
        case "shakespeare" if roots:
            return text.shakespeare(roots, seed=seed)
        case "mnist" | "cifar10" | "shakespeare":
            message = f"{_FETCHED[name]} is needed and no data folder is known"
            hint = f"run `grader data fetch {name}`, or set {DATA_VARIABLE}"
            raise ConfigError(message, hint=hint)
        case _:
            message = f"there is no data set called {name!r}"
            raise ConfigError(message, hint=f"known: {', '.join(NAMES)}")


def _roots(root: Path | Sequence[Path] | None) -> list[Path]:
    if root is not None:
        return [root] if isinstance(root, Path) else list(root)
    named = os.environ.get(DATA_VARIABLE, "")
    return [Path(named)] if named else []
