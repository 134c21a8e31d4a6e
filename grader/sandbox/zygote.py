"""Start a zygote, its groups and their checks; end them without remains."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import psutil

from grader.errors import SandboxUnavailableError
from grader.models.measure import Limits
from grader.models.submission import SourceFile
from grader.sandbox import seccomp
from grader.sandbox.channel import Channel
from grader.sandbox.endings import Ending, SandboxLost, StudentError
from grader.sandbox.group import Group
from grader.sandbox.meter import Meter
from grader.sandbox.package import Package
from grader.sandbox.scratch import Scratch
from grader.sandbox.tree import Tree, peak_rss_bytes
from grader.sandbox.uids import Lease, sweep
from grader.sandbox.wall import Wall

READY_S: Final = 20.0  # a cold disk reads numpy in about 5 s
OPEN_FOLDERS: Final = ("/tmp", "/dev/shm", "/var/tmp")
CLEAR_S: Final = 1.0
PURGE_S: Final = 60.0  # walks open folders of a host that may have many files
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
        self._folder: Scratch | None = None
        self._lease: Lease | None = None

    def __enter__(self) -> Self:
        if self.wall.switch_uid:
            self._lease = Lease()
            if not self._own_files:
                sweep(self._lease.block)
        if not self.wall.bubblewrap:
            self._folder = Scratch()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 -- our own agent
                self.wall.command(theirs.fileno(), self._own_folder),
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
        if self._folder:
            self._folder.close()
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
        return self._own_folder or "/tmp"

    @property
    def _own_folder(self) -> str:
        return self._folder.path if self._folder else ""

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
            "file_bytes": limits.file_bytes,
        }

    def meter(self) -> Meter:
        """Return a meter of this tree."""
        return Meter(self.tree, self._baseline)

    def cpu_s(self) -> float:
        """Return the CPU seconds of the whole tree so far, all that ended included."""
        return self.meter().cpu_s(self.tree.pids())

    def peak_rss_bytes(self) -> int:
        """Return the high-water marks of all processes now in the tree, summed."""
        return sum(map(peak_rss_bytes, self.tree.pids()))

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


_FILTER: Final = seccomp.program().hex()
