"""The labels of an image: written before it is built, read before it is used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import grader
from grader.config import Home
from grader.errors import ConfigError
from grader.image.contents import PARTS, Contents, contents_of

PREFIX: Final = "tinytorch.grader."
_OPEN: Final = "org.opencontainers.image."
_NUMPY: Final = re.compile(r"^numpy==(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Build:
    """What is known of a build beside the checkout; empty: not known, no label."""

    target: Literal["engine", "staff"] = "staff"
    base: str = ""  # its name
    base_id: str = ""  # digest of its configuration, as the Docker engine names it
    revision: str = ""
    source: str = ""


def labels_for(home: Home, build: Build) -> dict[str, str]:
    """Return the labels of an image that is built from the checkout `home`, sorted.

    Raises:
        ConfigError: the course or the lock file cannot be read.
    """
    course = home if build.target == "staff" else None
    contents = contents_of(course, home.folder / "grader")
    labels = {
        f"{_OPEN}title": "tinytorch-grader",
        f"{_OPEN}version": grader.__version__,
        f"{_OPEN}licenses": "MIT",
        f"{_OPEN}source": build.source,
        f"{_OPEN}revision": build.revision,
        f"{_OPEN}base.name": build.base,
        f"{PREFIX}base": build.base_id,
        f"{PREFIX}target": build.target,
        f"{PREFIX}numpy": _numpy(home),
        **{f"{PREFIX}{part}": contents.of(part) for part in PARTS},
    }
    return {name: labels[name] for name in sorted(labels) if labels[name]}


def _numpy(home: Home) -> str:
    lock = home.folder / "requirements.lock"
    try:
        found = _NUMPY.search(lock.read_text(encoding="utf8"))
    except OSError as exc:
        msg = f"{lock}: {exc.strerror}"
        raise ConfigError(msg, hint="images are built in the checkout") from exc
    if found is None:
        msg = f"{lock} pins no numpy"
        raise ConfigError(msg, hint="make lock")
    return found.group(1)


def contents_in(labels: Mapping[str, str]) -> Contents:
    """Return what an image says that it holds."""
    return Contents(**{part: labels.get(PREFIX + part, "") for part in PARTS})
