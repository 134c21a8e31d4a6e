"""What a pack says about itself; everything in it is held against this."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from grader.models.base import CheckId, Digest, Model
from grader.rounds import Round

# course.toml, the suites, the recorded answers.
FILE_NAME = r"^(course\.toml|answers|checks/test_\d\d_[a-z0-9_]{1,60}\.py)$"


class PackFile(Model):
    """One file of a pack."""

    name: Annotated[str, Field(pattern=FILE_NAME)]
    size: Annotated[int, Field(ge=0)]  # bytes
    digest: Digest


class MadeOn(Model):
    """What computed a pack's questions; elsewhere a last bit may differ."""

    cpu: str
    python: str
    numpy: str


class Manifest(Model):
    """The facts of a pack; the digest of the pack is that of this, as JSON."""

    schema_version: Literal[1] = 1
    course: str
    round: Round
    engine: str  # version of the grader
    agent: Digest  # of what asks the questions
    suites: Digest
    reference: Digest
    made_on: MadeOn
    proven: tuple[CheckId, ...]  # the reference passes these
    unanswered: tuple[CheckId, ...]  # always inconclusive with this pack
    files: Annotated[tuple[PackFile, ...], Field(max_length=200)]
