"""Grade one request in a hardened container: the outer wall.

Theory of operation: a container is created without network, mounts or log, its streams
are attached, and only then it starts. The request (one tar) goes to its standard input,
the result (one JSON document) comes from its standard output; nothing here looks into
either. Whatever happens, the container is removed; one that survived because the
grader itself was killed is found by its label and removed by `remove_orphans`.
"""

from __future__ import annotations

import contextlib
import logging
import time
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

import docker
import docker.errors
from docker import DockerClient
from docker.models.containers import Container
from docker.types import LogConfig, Ulimit
from pydantic import Field

from grader.errors import InconclusiveError
from grader.models.base import Model
from grader.models.measure import Isolation
from grader.sandbox.attach import Attachment, Demultiplexer, exchange
from grader.sandbox.engine import (
    ENGINE_ERRORS,
    OWNER_LABEL,
    after_start,
    available,
    before_start,
    connect,
    image_id,
    owner,
    reason,
    remove_orphans,
)

__all__ = [
    "CAPABILITIES",
    "ISOLATION",
    "OWNER_LABEL",
    "ContainerDied",
    "ContainerLimits",
    "available",
    "connect",
    "container_options",
    "grade_in_container",
    "image_id",
    "remove_orphans",
]

ISOLATION: Final = Isolation(
    tier="docker",
    features=(
        "container",
        "no-network",
        "read-only-root",
        "capabilities",
        "no-new-privileges",
        "memory",
        "pids",
        "one-cpu",
    ),
)
CAPABILITIES: Final = ("SETUID", "SETGID", "KILL")
_KILLED: Final = 137  # 128 + SIGKILL
_STOP_GRACE_S: Final = 10.0
_SETTLE_S: Final = 1.0
_log = logging.getLogger(__name__)


class ContainerLimits(Model):
    """What one container may use; the judge inside has stricter ones per check."""

    memory_bytes: int = Field(default=3 * 2**30, gt=0)  # and no swap beside it
    processes: int = Field(default=256, gt=0)
    cpus: float = Field(default=1.0, gt=0)
    tmp_bytes: int = Field(default=512 * 2**20, gt=0)  # counts as memory when filled
    tmp_inodes: int = Field(default=65_536, gt=0)
    deadline_s: float = Field(default=1800.0, gt=0)  # a backstop: the judge has its own
    stdout_bytes: int = Field(default=32 * 2**20, gt=0)
    stderr_bytes: int = Field(default=64 * 2**10, gt=0)


class ContainerDied(Model):
    """The container ended without a result; whose fault that is, the caller decides."""

    oom: bool  # the kernel's out-of-memory killer acted in its control group
    timed_out: bool  # we killed it at the deadline
    exit_code: int | None
    stderr: str  # the end of it, as the container wrote it: data, to be cleaned
    wall_s: float


def grade_in_container(
    request_tar: bytes,
    *,
    image: str,
    limits: ContainerLimits | None = None,
    client: DockerClient | None = None,
    environment: Mapping[str, str] | None = None,
) -> bytes | ContainerDied:
    """Run `image` on `request_tar` and return what it wrote to standard output.

    Args:
        request_tar: sent as it is; the input ends after it.
        image: a name or id that the engine has; nothing is ever pulled.
        limits: the defaults of `ContainerLimits` if left out.
        client: for one thread at a time; a new one is made and closed if left out.
        environment: added to the image's own; never a secret.

    Raises:
        SandboxUnavailableError: no engine answers, or it lacks the image.
        InconclusiveError: the engine was lost on the way, or the output has no end.
    """
    limits = limits or ContainerLimits()
    with contextlib.ExitStack() as stack:
        engine = client or stack.enter_context(contextlib.closing(connect()))
        options = container_options(limits) | {
            "image": image,
            "environment": dict(environment or {}),
        }
        return stack.enter_context(_Run(engine, options, limits)).result(request_tar)


def container_options(limits: ContainerLimits) -> dict[str, Any]:
    """Return the wall as the engine's options: everything but image and command."""
    memory = limits.memory_bytes
    tmpfs = f"rw,nosuid,nodev,noexec,mode=1777,size={limits.tmp_bytes}"
    return {
        "name": f"tinytorch-grader-{uuid.uuid4().hex}",
        "labels": {OWNER_LABEL: owner()},
        "hostname": "grader",
        "user": "0:0",
        "stdin_open": True,
        "network_mode": "none",
        "ipc_mode": "none",
        "read_only": True,
        "tmpfs": {"/tmp": f"{tmpfs},nr_inodes={limits.tmp_inodes}"},  # noqa: S108
        "mem_limit": memory,
        "memswap_limit": memory,  # equal: no swap
        "pids_limit": limits.processes,
        "nano_cpus": round(limits.cpus * 1e9),
        "ulimits": [Ulimit(name="core", soft=0, hard=0)],
        "cap_drop": ["ALL"],
        "cap_add": list(CAPABILITIES),
        "security_opt": ["no-new-privileges:true"],
        "log_config": LogConfig(type=LogConfig.types.NONE),
        "healthcheck": {"test": ["NONE"]},
    }


class _Run:
    """One container from its creation to its removal."""

    def __init__(
        self, client: DockerClient, options: dict[str, Any], limits: ContainerLimits
    ) -> None:
        self._client = client
        self._options = options
        self._name: str = options["name"]
        self._limits = limits
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        # By name, and from now on: an interrupt may come before creation has answered.
        self._open.callback(self._remove)
        try:
            with before_start(self._options["image"]):
                self._container: Container = self._client.containers.create(
                    **self._options
                )
                self._writer = self._attach("stdin")
                self._reader = self._attach("stdout", "stderr")
                self._container.start()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def result(self, request: bytes) -> bytes | ContainerDied:
        output = Demultiplexer(
            stdout_bytes=self._limits.stdout_bytes,
            stderr_bytes=self._limits.stderr_bytes,
        )
        deadline = self._started + self._limits.deadline_s
        with after_start():
            exchange(request, self._writer, self._reader, output, deadline)
            if output.overflow:
                msg = f"the container wrote more than {self._limits.stdout_bytes} bytes"
                raise InconclusiveError(msg)
            state = self._ended(deadline)
            timed_out = state is None
            if state is None:
                state = self._kill()
        if output.stdout and not timed_out and state["ExitCode"] == 0:
            return bytes(output.stdout)
        return ContainerDied(
            oom=bool(state.get("OOMKilled")),
            timed_out=timed_out,
            exit_code=state.get("ExitCode"),
            stderr=output.stderr.decode("utf8", "replace"),
            wall_s=time.monotonic() - self._started,
        )

    def _attach(self, *streams: str) -> Attachment:
        wanted = {"stream": 1, **dict.fromkeys(streams, 1)}
        raw = self._client.api.attach_socket(self._name, params=wanted)
        attachment = Attachment(raw)
        self._open.callback(attachment.close)
        return attachment

    def _ended(
        self, deadline: float, settle_s: float = _SETTLE_S
    ) -> dict[str, Any] | None:
        """Return the engine's record of the end; None if there is none in time."""
        pause = 0.005
        settled = None
        while True:
            state: dict[str, Any]
            state = self._client.api.inspect_container(self._name)["State"]
            now = time.monotonic()
            if not state["Running"]:
                # The out-of-memory event may arrive just after that of the end.
                settled = settled or now + settle_s
                if state["ExitCode"] != _KILLED or state["OOMKilled"] or now >= settled:
                    return state
            elif now > deadline:
                return None
            time.sleep(pause)
            pause = min(pause * 2, 0.25)

    def _kill(self) -> dict[str, Any]:
        # Hang up first: the engine waits for readers that do not read.
        self._reader.close()
        with contextlib.suppress(docker.errors.APIError):  # it ended by itself
            self._container.kill()
        return self._ended(time.monotonic() + _STOP_GRACE_S, settle_s=0) or {}

    def _remove(self) -> None:
        try:
            self._client.api.remove_container(self._name, force=True, v=True)
        except docker.errors.NotFound:
            pass
        except ENGINE_ERRORS as exc:
            _log.warning(
                "container %s could not be removed: %s", self._name, reason(exc)
            )
