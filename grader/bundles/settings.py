"""What a bundle is to grade; written outside, read inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

import grader
from grader.errors import ConfigError
from grader.models.base import Model, ModuleName, Profile
from grader.rounds import NAME

AGAIN: Final = "make the bundle again and install it"
FILE: Final = "settings.json"
Product = Literal["gradescope", "prairielearn", "autolab"]


class Settings(Model):
    """One assignment of another product."""

    schema_version: Literal[1] = 1
    product: Product
    round: Annotated[str, Field(pattern=NAME)]
    profile: Profile
    modules: tuple[ModuleName, ...]  # empty: all
    milestones: tuple[ModuleName, ...] | None  # None: all
    # Wall time that a grading may take; below the product's own limit, at which a
    # product may give a zero that is nobody's fault.
    deadline_s: Annotated[float, Field(gt=0)]
    engine: str


def read_settings(folder: Path) -> Settings:
    """Return the settings in `folder`.

    Raises:
        ConfigError: they are missing, or of another version of the grader.
    """
    path = folder / FILE
    try:
        found = Settings.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as exc:
        msg = f"{path} cannot be read"
        raise ConfigError(msg, hint=AGAIN) from exc
    if found.engine != grader.__version__:
        msg = f"the bundle is of grader {found.engine}, its image {grader.__version__}"
        raise ConfigError(msg, hint=AGAIN)
    return found
