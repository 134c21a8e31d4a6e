"""The Docker engine: reach it, ask it, and turn its failures into ours."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
import uuid
from collections.abc import Iterator
from typing import Final

import docker
import docker.errors
import psutil
import requests.exceptions
from docker import DockerClient

from grader.errors import InconclusiveError, SandboxUnavailableError

OWNER_LABEL: Final = "tinytorch.grader.owner"
ENGINE_ERRORS: Final = (
    docker.errors.DockerException,
    requests.exceptions.RequestException,
    OSError,
)
_PAUSE_S: Final = 0.5
_LOCAL: Final = "unix:///var/run/docker.sock"
_NOT_FOUND, _CONFLICT = 404, 409
_API_TIMEOUT_S: Final = 60  # creating a container on a loaded engine takes seconds
_log = logging.getLogger(__name__)
# Containers of this process that could not be removed, since the engine was gone.
_left: Final[set[str]] = set()


class ContainerLostError(InconclusiveError):
    """A container or its engine went away in the middle; another may do better."""


def connect(patience_s: float = 0.0) -> DockerClient:
    """Return a client for the engine that DOCKER_HOST names, or the local one.

    Args:
        patience_s: how long an engine that does not answer is waited for.

    Raises:
        SandboxUnavailableError: none answers.
    """
    until = time.monotonic() + patience_s
    while True:
        try:
            return _connect()
        except SandboxUnavailableError:
            if time.monotonic() > until:
                raise
        time.sleep(_PAUSE_S)


def _connect() -> DockerClient:
    try:
        knock()
        client = docker.from_env(timeout=_API_TIMEOUT_S)  # asks for the version
    except ENGINE_ERRORS as exc:
        msg = f"no Docker engine answers: {reason(exc)}"
        hint = "start Docker, or grade with another --sandbox; see grader doctor"
        raise SandboxUnavailableError(msg, hint=hint) from exc
    return client


def knock() -> None:
    """Fail early where nobody listens: there docker-py forgets to close its socket."""
    kind, _, path = os.environ.get("DOCKER_HOST", _LOCAL).partition("://")
    if kind == "unix":
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(path)


def available(image: str | None = None) -> str | None:
    """Return why grading in containers cannot work here; None if it can."""
    try:
        with contextlib.closing(connect()) as client:
            if image is not None:
                image_id(image, client)
    except SandboxUnavailableError as exc:
        return exc.message
    return None


def image_id(image: str, client: DockerClient) -> str:
    """Return the digest of `image`, the same for the same content.

    Raises:
        SandboxUnavailableError: the engine lacks it or does not answer.
    """
    with before_start(image):
        return str(client.images.get(image).id)


def remove_orphans(client: DockerClient) -> int:
    """Remove containers of gradings on this host that are no more; return how many."""
    with before_start(""):
        # One request, that others may remove containers meanwhile does not disturb.
        found = client.api.containers(all=True, filters={"label": OWNER_LABEL})
    orphans = {one["Id"] for one in found if _orphaned(one["Labels"][OWNER_LABEL])}
    return sum([remove(client, name) for name in orphans | _left])


def _orphaned(owned_by: str) -> bool:
    host, _, process = owned_by.rpartition("/")
    return host == _host() and not _alive(process)


def remove(client: DockerClient, name: str) -> bool:
    """Remove a container if it is there; what fails now is for `remove_orphans`."""
    try:
        knock()
        client.api.remove_container(name, force=True, v=True)
    except docker.errors.APIError as exc:
        if exc.status_code not in {_NOT_FOUND, _CONFLICT}:  # somebody was, or is, at it
            return _leave(name, exc)
        _left.discard(name)
        return False
    except ENGINE_ERRORS as exc:
        return _leave(name, exc)
    _left.discard(name)
    return True


def _leave(name: str, exc: Exception) -> bool:
    _left.add(name)
    _log.warning("container %s could not be removed now: %s", name, reason(exc))
    return False


@contextlib.contextmanager
def before_start(image: str) -> Iterator[None]:
    """Nothing ran yet: a refusal of the engine means there is no wall.

    Raises:
        SandboxUnavailableError: the engine refuses, or lacks the image.
        ContainerLostError: it has gone away.
    """
    try:
        yield
    except docker.errors.ImageNotFound as exc:
        msg = f"the engine has no image {image!r}"
        raise SandboxUnavailableError(msg, hint="make image") from exc
    except ENGINE_ERRORS as exc:
        if not isinstance(exc, docker.errors.APIError) or not _answers():
            raise _lost(exc) from exc
        msg = f"no container can start: {reason(exc)}"
        raise SandboxUnavailableError(msg, hint="see the engine's log") from exc


@contextlib.contextmanager
def after_start() -> Iterator[None]:
    """A grading was under way: a failure of the engine is not the submission's.

    Raises:
        ContainerLostError: the engine, or the container, has gone away.
    """
    try:
        yield
    except docker.errors.NotFound as exc:
        msg = "the container was lost during a grading: somebody removed it"
        raise ContainerLostError(msg, hint="grade again") from exc
    except ENGINE_ERRORS as exc:
        raise _lost(exc) from exc


def _lost(exc: Exception) -> ContainerLostError:
    msg = f"the Docker engine was lost during a grading: {reason(exc)}"
    return ContainerLostError(msg, hint="grade again when it answers")


def _answers() -> bool:
    try:
        _connect().close()
    except SandboxUnavailableError:
        return False
    return True


def reason(exc: Exception) -> str:
    """Return the innermost words: those of the engine or the system."""
    if isinstance(exc, docker.errors.APIError) and exc.explanation:
        return str(exc.explanation)
    while isinstance(cause := exc.__cause__ or exc.__context__, Exception):
        exc = cause
    return getattr(exc, "strerror", None) or str(exc)


def owner() -> str:
    """Name this process so that nobody mistakes a later one of the same id for it."""
    own = psutil.Process()
    return f"{_host()}/{own.pid}-{own.create_time():.2f}"


def _host() -> str:
    """Return a name that two hosts of one engine do not share, even if badly named."""
    return f"{socket.gethostname()}-{uuid.getnode():012x}"


def _alive(process: str) -> bool:
    pid, _, started = process.partition("-")
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" == started
    except (psutil.NoSuchProcess, ValueError):
        return False
