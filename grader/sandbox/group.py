"""One module's group: the package imported once, a pristine process a check."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from grader.models.measure import Limits, Usage
from grader.models.outcome import Limit
from grader.models.submission import SourceFile
from grader.sandbox.channel import Channel
from grader.sandbox.endings import Died, Ending, LimitHit, SandboxLost
from grader.sandbox.tree import threads
from grader.wire.framing import request_frame

if TYPE_CHECKING:  # a zygote makes groups, so the import goes the other way
    from grader.sandbox.zygote import Zygote

STATUS: Final = struct.Struct("!I")
HANG_UP_S: Final = 1.0  # for a check to see that we hung up, and to die


class Finished(NamedTuple):
    """What is known of a check once it is over."""

    usage: Usage
    printed: str
    how: str  # "exit code 0", "signal 11 (SIGSEGV)"
    over: LimitHit | None  # a limit that only the end shows to be passed
    idle_s: float  # slept of its own accord


def _how(status: int | None) -> str:
    if status is None:
        return "it did not end by itself"
    if not 0 <= status < 2**16:
        return "it says nonsense about its end"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = {s.value: s.name for s in signal.Signals}.get(number, "unknown")
        return f"signal {number} ({name})"
    return f"exit code {os.WEXITSTATUS(status)}"


class Group:
    """One module's view of the package: imported once, forked for every check."""

    def __init__(self, zygote: Zygote, uid: int, ceiling: Limits) -> None:
        self._zygote, self._uid = zygote, uid
        self.meter = zygote.meter()
        self._before = zygote.tree.scan()  # the zygote, and groups beside this one
        self._channel: Channel | None = None
        self._members: frozenset[int] = frozenset()
        self._expected = 2 if zygote.wall.nest else 1  # with the parent of a namespace
        self._control, control = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET
        )
        self._stream, stream = socket.socketpair()
        self._output, output = os.pipe()
        order = {"do": "group", "rule": zygote.rule(uid, ceiling)}
        try:
            with control, stream:
                descriptors = [control.fileno(), stream.fileno(), output]
                zygote.command(order, descriptors)
        except SandboxLost:
            self._release()
            raise
        finally:
            os.close(output)
        self._idle = zygote.tree.scan()
        self.alive = True

    def load(self, preload: Iterable[str], limits: Limits) -> None:
        """Send the package and wait until it is imported."""
        channel = Channel(self._stream, self._output, limits, self.meter)
        self.meter.start(limits, self._before)
        package = self._zygote.package
        arrays: list[np.ndarray] = []
        header = {
            "package": package.name,
            "symbols": package.symbols,
            "setup_calls": package.setup_calls,
            "preload": [*preload],
            "files": [_entry(f, package.code, arrays) for f in package.files],
        }
        try:
            channel.send(request_frame(header, arrays))
            channel.read_frame()
        except Ending as exc:
            told = channel.printed.decode(errors="replace").strip().splitlines()
            msg = f"the sandbox could not give up its rights: {told[-1:]}"
            raise SandboxLost(msg) from exc
        channel.read_frame()
        self._idle = self._zygote.tree.scan()
        self._members = frozenset(self._idle - self._before)
        living = self._zygote.tree.living(set(self._members))
        if len(living) > self._expected or self._helped():
            raise LimitHit(Limit.PROCESSES, "none left running by an import")

    def _helped(self) -> bool:
        """Return whether the group runs threads beside the one that forks checks."""
        return sum(map(threads, self._members)) > self._expected

    def check(self, limits: Limits, *, seed: int) -> Channel:
        """Fork a pristine process for one check and return the channel to it."""
        ours, theirs = socket.socketpair()
        output, printed = os.pipe()
        order = {
            "seed": seed,
            "rule": self._zygote.rule(self._uid, limits),
            "package": self._zygote.package.name,
        }
        channel = Channel(ours, output, limits, self.meter)
        self.meter.start(limits, self._idle, self._members)
        try:
            with theirs:
                descriptors = [theirs.fileno(), printed]
                socket.send_fds(
                    self._control, [json.dumps(order).encode()], descriptors
                )
        except OSError as exc:
            channel.close()
            msg = "the process that imported the package ended"
            raise Died(msg) from exc
        finally:
            os.close(printed)
        self._channel = channel
        return channel

    def finish(self, *, kill: bool = False) -> Finished:
        """End the check; a group that cannot go on is closed.

        Args:
            kill: do not wait for the check to see that we hung up.
        """
        channel, self._channel = self._channel, None
        if channel is None:
            msg = "no check is running"
            raise RuntimeError(msg)
        usage = self.meter.finish()
        over, idle_s = self.meter.over(usage), self.meter.idle_s(usage)
        channel.hang_up()
        status = None if kill else self._status()
        tree = self._zygote.tree
        strays = bool(tree.living(tree.pids() - self._idle)) or self._helped()
        if strays and status is not None:
            over = LimitHit(Limit.PROCESSES, "none left running after the check")
        try:
            channel.drain()
        except LimitHit as hit:
            over = over or hit
        if strays or status is None:
            self.close()
        printed = channel.printed.decode(errors="replace")
        channel.close()
        return Finished(usage, printed, _how(status), over, idle_s)

    def _status(self) -> int | None:
        """Return how the check ended, as its group tells it; None: it does not."""
        self._control.settimeout(HANG_UP_S)
        try:
            answer = self._control.recv(64)
        except OSError:
            return None
        return STATUS.unpack(answer)[0] if len(answer) == STATUS.size else None

    def close(self) -> None:
        """Kill the group and all it started."""
        if not self.alive:
            return
        self.alive = False
        try:
            self._zygote.clear(self._uid, self._before)
        finally:
            self._release()

    def _release(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        self._control.close()
        self._stream.close()
        os.close(self._output)


def _entry(
    file: SourceFile, code: dict[str, bytes], arrays: list[np.ndarray]
) -> tuple[str, int, int | None]:
    """Return path and the places of source and code among `arrays`."""
    arrays.append(np.frombuffer(file.data, np.uint8))
    source = len(arrays) - 1
    blob = code.get(file.path)
    if blob is None:
        return file.path, source, None
    arrays.append(np.frombuffer(blob, np.uint8))
    return file.path, source, source + 1
