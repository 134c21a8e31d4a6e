"""The Docker engine: reach it, ask it, and turn its failures into ours."""

from __future__ import annotations

import contextlib
import os
import socket
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
_LOCAL: Final = "unix:///var/run/docker.sock"
_API_TIMEOUT_S: Final = 60  # creating a container on a loaded engine takes seconds


def connect() -> DockerClient:
    """Return a client for the engine that DOCKER_HOST names, or the local one.

    Raises:
        SandboxUnavailableError: none answers.
    """
    try:
        _knock()
        client = docker.from_env(timeout=_API_TIMEOUT_S)  # asks for the version
    except ENGINE_ERRORS as exc:
        msg = f"no Docker engine answers: {reason(exc)}"
        hint = "start Docker, or grade with another --sandbox; see grader doctor"
        raise SandboxUnavailableError(msg, hint=hint) from exc
    return client


def _knock() -> None:
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
    host = _host()
    removed = 0
    for container in client.containers.list(all=True, filters={"label": OWNER_LABEL}):
        name, _, process = container.labels[OWNER_LABEL].rpartition("/")
        if name == host and not _alive(process):
            with contextlib.suppress(docker.errors.APIError):  # somebody else was first
                container.remove(force=True, v=True)
                removed += 1
    return removed


@contextlib.contextmanager
def before_start(image: str) -> Iterator[None]:
    """Nothing ran yet: every failure of the engine means there is no wall."""
    try:
        yield
    except docker.errors.ImageNotFound as exc:
        msg = f"the engine has no image {image!r}"
        raise SandboxUnavailableError(msg, hint="make image") from exc
    except ENGINE_ERRORS as exc:
        msg = f"no container can start: {reason(exc)}"
        raise SandboxUnavailableError(msg, hint="see the engine's log") from exc


@contextlib.contextmanager
def after_start() -> Iterator[None]:
    """A grading was under way: a failure of the engine is not the submission's."""
    try:
        yield
    except ENGINE_ERRORS as exc:
        msg = f"the Docker engine was lost during a grading: {reason(exc)}"
        raise InconclusiveError(msg, hint="grade again") from exc


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
