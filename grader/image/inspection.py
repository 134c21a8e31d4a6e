"""An image as it lies in the engine, held against this checkout."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any, Literal

from docker import DockerClient
from pydantic import ValidationError

from grader.config import Home
from grader.image.contents import PARTS, Contents, Part, contents_of
from grader.image.doctor import DOCTOR, Doctor
from grader.image.labels import contents_in
from grader.models.base import Model
from grader.sandbox.docker import ContainerLimits, connect, grade_in_container
from grader.sandbox.engine import before_start

DEADLINE_S = 120.0

# "mislabelled": what is inside is not what the label says.
Standing = Literal["same", "differs", "mislabelled", "not labelled", "not there"]


class Label(Model):
    """One label of an image."""

    name: str
    value: str


class Compared(Model):
    """One part of a grading: in the image, and on this host; digests."""

    part: Part
    label: str
    inside: str  # empty if the doctor did not answer
    here: str
    standing: Standing


class ImageReport(Model):
    """Everything that `grader image inspect` knows."""

    name: str
    id: str
    size_bytes: int
    created: datetime
    architecture: str  # "linux/amd64"
    labels: tuple[Label, ...]
    parts: tuple[Compared, ...]
    inside: Doctor | None
    problem: str  # why the doctor inside did not answer


def inspect_image(name: str, home: Home) -> ImageReport:
    """Look at an image and into a container of it, hardened as one that grades.

    Raises:
        SandboxUnavailableError: no engine answers, or it lacks the image.
        ConfigError: the course of this host cannot be read.
        InconclusiveError: the engine was lost on the way.
    """
    with contextlib.closing(connect()) as client:
        with before_start(name):
            facts: dict[str, Any] = client.images.get(name).attrs
        inside, problem = _ask(name, client)
    held = inside.contents if inside else None
    labels: dict[str, str] = facts["Config"]["Labels"] or {}
    return ImageReport(
        name=name,
        id=facts["Id"],
        size_bytes=facts["Size"],
        created=datetime.fromisoformat(facts["Created"]),
        architecture=f"{facts['Os']}/{facts['Architecture']}",
        labels=tuple(Label(name=k, value=labels[k]) for k in sorted(labels)),
        parts=compare(contents_in(labels), held, contents_of(home)),
        inside=inside,
        problem=problem,
    )


def _ask(name: str, client: DockerClient) -> tuple[Doctor | None, str]:
    limits = ContainerLimits(deadline_s=DEADLINE_S)
    answer = grade_in_container(DOCTOR, image=name, limits=limits, client=client)
    if not isinstance(answer, bytes):
        last = (answer.stderr.strip().splitlines() or ["no answer"])[-1]
        return None, f"exit code {answer.exit_code}: {last[:200]}"
    try:
        return Doctor.model_validate_json(answer), ""
    except ValidationError:
        return None, "it speaks another version"


def compare(
    label: Contents, inside: Contents | None, here: Contents
) -> tuple[Compared, ...]:
    """Return the verdict on every part."""
    compared = []
    for part in PARTS:
        said, ours = label.of(part), here.of(part)
        found = inside.of(part) if inside else None
        standing = _standing(said, found, ours) if label.engine else "not labelled"
        row = Compared(
            part=part, label=said, inside=found or "", here=ours, standing=standing
        )
        compared.append(row)
    return tuple(compared)


def _standing(label: str, inside: str | None, here: str) -> Standing:
    """Compare one part; `inside` is None where nobody could look."""
    if inside is not None and inside != label:
        return "mislabelled"
    if not label:
        return "not there"
    return "same" if label == here else "differs"
