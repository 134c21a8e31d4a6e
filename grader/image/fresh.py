"""Refuse to grade with an image of another course, or of yesterday's."""

from __future__ import annotations

from docker import DockerClient

from grader.config import Home
from grader.errors import ConfigError
from grader.image.contents import PARTS, contents_of
from grader.image.labels import contents_in
from grader.sandbox.engine import before_start


def require_current(image: str, client: DockerClient, home: Home) -> None:
    """Check that an image holds what the checkout has.

    The host says what is graded and which key a result is stored under, so another
    course or engine inside would be recorded under a wrong name.

    Raises:
        ConfigError: a part differs, or the image does not say what it holds.
        SandboxUnavailableError: the engine lacks it or does not answer.
    """
    with before_start(image):
        held = contents_in(client.images.get(image).labels)
    ours = contents_of(home)
    if not held.engine:
        msg = f"the image {image!r} does not say what it holds"
        raise ConfigError(msg, hint=how_to_build(image))
    differing = [part for part in PARTS if held.of(part) != ours.of(part)]
    if differing:
        msg = (
            f"the image {image!r} has another {' and '.join(differing)} than this host"
        )
        raise ConfigError(msg, hint=how_to_build(image))


def how_to_build(image: str) -> str:
    """Return the command that makes an image of this checkout."""
    return f"build it anew: make image IMAGE={image}"
