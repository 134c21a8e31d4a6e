"""What this machine has: data sets, the image, sandboxes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grader import datasets
from grader.config import find_home, state_folder
from grader.container.host import IMAGE, IMAGE_VARIABLE
from grader.errors import SandboxUnavailableError
from grader.image.inspection import ImageReport
from grader.image.inspection import inspect_image as look_into
from grader.image.labels import Build, labels_for
from grader.models.measure import Limits
from grader.sandbox import Package, Zygote, choose, survey
from grader.sandbox.docker import available as docker_problem


def fetch_data(
    names: tuple[str, ...],
    source: Path | None,
    course: Path | None,
    progress: Callable[[str, int, int | None], None],
) -> list[Path]:
    """Download or copy data sets into the course's data folder."""
    target = state_folder(find_home(course)) / "data"
    fetched = datasets.fetch(names, target, source=source, progress=progress)
    return [f.path for f in fetched]


def inspect_image(name: str = "", course: Path | None = None) -> ImageReport:
    """Look into an image, by default the one that gradings use.

    Raises:
        GraderError: the engine lacks it, or the course cannot be read.
    """
    chosen = name or os.environ.get(IMAGE_VARIABLE, IMAGE)
    return look_into(chosen, find_home(course))


def image_labels(course: Path | None = None, **build: Any) -> dict[str, str]:
    """Return the labels of an image of this checkout; `build`: fields of `Build`.

    Raises:
        ConfigError: the course or the lock file cannot be read.
    """
    return labels_for(find_home(course), Build(**build))


def diagnosis(course: Path | None = None) -> list[str]:
    """Say of each sandbox whether it works here, and what this host would use."""
    home = find_home(course)
    secrets = (home.reference, state_folder(home))
    problems = {"docker": docker_problem() or ""} | survey(secrets)
    lines = [f"{tier:<12}{problem or 'works'}" for tier, problem in problems.items()]
    try:
        wall = choose("auto", secrets=secrets)
    except SandboxUnavailableError as exc:
        return [*lines, f"{'auto':<12}{exc.message}", f"{'':<12}{exc.hint}"]
    with Zygote(wall, Package("nothing", (), {}), memory=Limits()):
        features = ", ".join(wall.isolation.features)
        return [*lines, f"{'auto':<12}{wall.isolation.tier} ({features}): starts"]
