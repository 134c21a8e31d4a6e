"""Start a zygote, its groups and their checks; end them without remains."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import numpy as np
import psutil

from grader.errors import SandboxUnavailableError
from grader.models.measure import Limits, Usage
from grader.models.outcome import Limit
from grader.models.submission import SourceFile
from grader.sandbox import seccomp
from grader.sandbox.channel import Channel
from grader.sandbox.endings import Died, Ending, LimitHit, SandboxLost, StudentError
from grader.sandbox.meter import Meter
from grader.sandbox.package import Package
from grader.sandbox.tree import Tree, threads
from grader.sandbox.uids import SCRATCH_PREFIX, Lease, sweep
from grader.sandbox.wall import Wall
from grader.wire.framing import request_frame

READY_S: Final = 20.0  # a cold disk reads numpy in about 5 s
OPEN_FOLDERS: Final = ("/tmp", "/dev/shm", "/var/tmp")
STATUS: Final = struct.Struct("!I")
CLEAR_S: Final = 1.0
PURGE_S: Final = 60.0  # walks open folders of a host that may have many files
HANG_UP_S: Final = 1.0  # for a check to see that we hung up, and to die
# ruff: noqa: S108 -- these paths are the sandbox's own
ENVIRONMENT: Final = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUTF8": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


class Zygote:
    """One clean process that forks groups; a context manager."""

    def __init__(self, wall: Wall, package: Package, *, memory: Limits) -> None:
        self.wall, self.package = wall, package
        self._ceiling = memory  # kernel limits of groups: the largest of all runs
        self._scratch = ""
        self._lease: Lease | None = None

    def __enter__(self) -> Self:
        if self.wall.switch_uid:
            self._lease = Lease()
            if not self._own_files:
                sweep(self._lease.block)
        if not self.wall.bubblewrap:
            self._scratch = tempfile.mkdtemp(prefix=SCRATCH_PREFIX)
            Path(self._scratch).chmod(0o1777)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 -- our own agent
                self.wall.command(theirs.fileno(), self._scratch),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=ENVIRONMENT,
                start_new_session=True,
            )
        try:
            self._await("ready")
            self.tree = Tree(self._process.pid)
            self.own = self.tree.scan()
            # Pages that a fork shares with the zygote; libraries count when touched.
            memory = [psutil.Process(p).memory_info() for p in self.own]
            self._baseline = max(m.rss - m.shared for m in memory)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill the whole tree and remove the scratch folder."""
        if hasattr(self, "tree"):
            self._kill_all_but(self.own)
        self._control.close()
        self._process.kill()
        self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()
        if self._scratch:
            # Not by Python: a tree may be deeper than its stack.
            remove = ["rm", "-rf", "--", self._scratch]
            subprocess.run(remove, capture_output=True, check=False)  # noqa: S603
        if self._lease:
            self._lease.close()

    def restart(self) -> None:
        """Start anew after the sandbox was lost; what was compiled is kept."""
        self.close()
        self.__enter__()

    def command(
        self,
        order: dict[str, Any],
        descriptors: Iterable[int] = (),
        *,
        within_s: float = READY_S,
    ) -> None:
        """Give the zygote one order and wait until it is done."""
        try:
            socket.send_fds(self._control, [json.dumps(order).encode()], [*descriptors])
        except OSError as exc:
            msg = "the sandbox ended"
            raise SandboxLost(msg) from exc
        self._await("done", within_s)

    def _await(self, word: str, within_s: float = READY_S) -> None:
        self._control.settimeout(within_s)
        try:
            answer = self._control.recv(4096)
        except (TimeoutError, ConnectionError):
            answer = b""
        if word.encode() not in answer:
            text = ""
            if self._process.poll() is not None and self._process.stderr:
                text = self._process.stderr.read().decode(errors="replace")
            last = (text.strip().splitlines() or ["no answer"])[-1][:200]
            if word == "ready":
                msg = f"the sandbox did not start: {last}"
                raise SandboxUnavailableError(msg, hint="`grader doctor` tests it")
            msg = f"the sandbox ended: {last}"
            raise SandboxLost(msg)

    @property
    def _own_files(self) -> bool:
        """Return whether nothing of the host can be written from inside."""
        return self.wall.bubblewrap or self.wall.own_mounts

    @property
    def scratch(self) -> str:
        """The folder for files of checks, as the sandbox sees it."""
        return self._scratch or "/tmp"

    def rule(self, uid: int, limits: Limits) -> dict[str, Any]:
        """Return what a group or check must submit to."""
        bare = self.wall.isolation.tier == "none"
        return {
            "uid": uid,
            "nest": self.wall.nest,
            "filter": "" if bare else _FILTER,
            "scratch": self.scratch,
            "cpu_s": limits.cpu_s,
            "memory_bytes": limits.memory_bytes,
        }

    def meter(self) -> Meter:
        """Return a meter of this tree."""
        return Meter(self.tree, self._baseline)

    def cpu_s(self) -> float:
        """Return the CPU seconds of the whole tree so far, all that ended included."""
        return self.meter().cpu_s(self.tree.pids())

    def clear(self, uid: int, keep: set[int]) -> None:
        """End what runs as `uid` (0: has no user of its own) and all but `keep`.

        Raises:
            SandboxLost: the zygote is gone, or something survives; ours, and the run
                must not go on.
        """
        if self._process.poll() is not None:
            msg = "the sandbox ended"
            raise SandboxLost(msg)
        if uid:
            folders = [self.scratch, *([] if self._own_files else OPEN_FOLDERS)]
            order = {"do": "purge", "uid": uid, "folders": folders}
            self.command(order, within_s=PURGE_S)
        else:
            self.command({"do": "ping"})
        self._kill_all_but(keep)

    def _kill_all_but(self, keep: set[int]) -> None:
        if not self.tree.kill(keep, within_s=CLEAR_S):
            msg = "a process of the submission could not be killed"
            raise SandboxLost(msg)

    def group(self, preload: Iterable[str], load_limits: Limits) -> Group:
        """Fork a group that has imported the package.

        Raises:
            Ending: importing hit a limit or ended the process.
        """
        uid = self._lease.next() if self._lease else 0
        group = Group(self, uid, self._ceiling)
        try:
            group.load(preload, load_limits)
        except BaseException:
            group.close()
            raise
        return group

    def compile(self, limits: Limits) -> None:
        """Compile the package once, in a sandboxed process of its own."""
        bare = replace(self.package, files=(), code={}, setup_calls=())
        full, self.package = self.package, bare
        try:
            with closing(self.group((), limits)) as group:
                code = _compiled(group.check(limits, seed=0), full.files)
        except (Ending, StudentError, TypeError, ValueError):
            code = {}  # importing meets the same trouble and reports it in its place
        self.package = replace(full, code=code)


def _compiled(channel: Channel, files: tuple[SourceFile, ...]) -> dict[str, bytes]:
    sources = [(f.path, np.frombuffer(f.data, np.uint8)) for f in files]
    blobs = channel.ask("compile", sources)
    return {
        file.path: blob.tobytes()
        for file, blob in zip(files, blobs, strict=True)
        if isinstance(blob, np.ndarray)
    }


class Finished(NamedTuple):
    """What is known of a check once it is over."""

    usage: Usage
    printed: str
    how: str  # "exit code 0", "signal 11 (SIGSEGV)"
    left_processes: bool
    flooded: bool  # printed more than it may


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
        channel.hang_up()
        status = None if kill else self._status()
        tree = self._zygote.tree
        strays = bool(tree.living(tree.pids() - self._idle)) or self._helped()
        flooded = False
        try:
            channel.drain()
        except LimitHit:
            flooded = True
        left = strays and status is not None
        if strays or status is None:
            self.close()
        printed = channel.printed.decode(errors="replace")
        channel.close()
        return Finished(usage, printed, _how(status), left, flooded)

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


_FILTER: Final = seccomp.program().hex()
