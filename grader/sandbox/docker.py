"""Grade one request in a hardened container: the outer wall.

Theory of operation: a container is created without network, mounts or log, its streams
are attached, and only then it starts. The request (one tar) goes to its standard input,
the result (one JSON document) comes from its standard output; nothing here looks into
either. Whatever happens, the container is removed; one that survived because the
grader itself was killed, or the engine had gone, is removed by `remove_orphans`.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

import docker
import docker.errors
from docker import DockerClient
from docker.models.containers import Container
from docker.types import LogConfig, Ulimit

from grader.errors import InconclusiveError
from grader.models.base import Model
from grader.models.measure import ContainerLimits, Isolation
from grader.sandbox.attach import Attachment, Demultiplexer, exchange
from grader.sandbox.engine import (
    OWNER_LABEL,
    ContainerLostError,
    after_start,
    available,
    before_start,
    connect,
    image_id,
    knock,
    owner,
    remove,
    remove_orphans,
)
from grader.sandbox.lines import Line, Listener

__all__ = [
    "CAPABILITIES",
    "ISOLATION",
    "OWNER_LABEL",
    "ContainerDied",
    "ContainerLimits",
    "ContainerLostError",
    "Extras",
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
_AT_LIMIT: Final = 0.95  # of its memory, by the last reading
_LATE_S: Final = 1.0  # between the end and the engine's record of who asked for it


@dataclass(frozen=True)
class Extras:
    """What goes with a request; never a secret.

    Attributes:
        environment: added to the image's own.
        labels: added to the one by which an orphan is known.
        progress: told what the container says it is doing.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    progress: Callable[[str], None] = lambda _: None


class ContainerDied(Model):
    """The container ended without a result; whose fault that is, the caller decides."""

    oom: bool  # the kernel ended it at the limit of its control group
    timed_out: bool  # we killed it at the deadline
    killed: bool = False  # somebody else did
    doing: str = ""  # what it last said; empty: nothing of the request ran yet
    exit_code: int | None
    stderr: str  # the end of it, as the container wrote it: data, to be cleaned
    wall_s: float


def grade_in_container(
    request_tar: bytes,
    *,
    image: str,
    limits: ContainerLimits | None = None,
    client: DockerClient | None = None,
    extras: Extras | None = None,
) -> bytes | ContainerDied:
    """Run `image` on `request_tar` and return what it wrote to standard output.

    Args:
        request_tar: sent as it is; the input ends after it.
        image: a name or id that the engine has; nothing is ever pulled.
        limits: the defaults of `ContainerLimits` if left out.
        client: for one thread at a time; a new one is made and closed if left out.
        extras: what else the container is given, and who hears what it says.

    Raises:
        SandboxUnavailableError: no engine answers, or it lacks the image.
        ContainerLostError: the engine or the container was lost on the way.
        InconclusiveError: the output has no end.
    """
    limits, extras = limits or ContainerLimits(), extras or Extras()
    with contextlib.ExitStack() as stack:
        engine = client or stack.enter_context(contextlib.closing(connect()))
        options = container_options(limits) | {
            "image": image,
            "environment": dict(extras.environment),
        }
        options["labels"] |= extras.labels
        run = stack.enter_context(_Run(engine, options, limits))
        return run.result(request_tar, Listener(extras.progress))


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
        self._open.callback(remove, self._client, self._name)
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

    def result(self, request: bytes, listener: Listener) -> bytes | ContainerDied:
        output = Demultiplexer(
            stdout_bytes=self._limits.stdout_bytes,
            stderr_bytes=self._limits.stderr_bytes,
            hear=listener.hear,
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
            ended = not timed_out and state["ExitCode"] == _KILLED
            oom = ended and self._out_of_memory(state, listener.last)
        return ContainerDied(
            oom=oom,
            timed_out=timed_out,
            killed=ended and not oom,
            doing=listener.last.doing,
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
            knock()
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

    def _out_of_memory(self, state: dict[str, Any], last: Line) -> bool:
        """Return whether the kernel ended it at its own limit of memory.

        The counter alone would also accuse a container in which a check's process was
        ended by the kernel earlier, and which somebody killed later.
        """
        at_limit = last.memory_bytes >= _AT_LIMIT * self._limits.memory_bytes
        return (bool(state["OOMKilled"]) or at_limit) and not self._asked_for(state)

    def _asked_for(self, state: dict[str, Any]) -> bool:
        """Return whether the engine was asked to end it; by whom, it does not know."""
        start, end = (
            datetime.fromisoformat(state[name]).timestamp()
            for name in ("StartedAt", "FinishedAt")
        )
        asked = self._client.api.events(
            since=int(start),
            until=int(end + _LATE_S) + 1,
            filters={"container": self._name, "event": "kill"},
            decode=True,
        )
        return any(True for _ in asked)
