"""A Docker daemon of one's own, to be killed without disturbing anybody.

It has its own data, state, socket and network namespace: without the last, a daemon
without a bridge would take away the bridge of the host's engine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil

START_S: Final = 60.0
STOP_S: Final = 30.0
PROGRAMS: Final = ("dockerd", "containerd", "docker", "unshare")


def problem() -> str:
    """Return why no daemon can be started here; empty if one can."""
    if os.geteuid() != 0:
        return "only root can start a Docker daemon"
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"there is no {missing[0]}" if missing else ""


class PrivateEngine:
    """A daemon that lives as long as the context."""

    def __init__(self) -> None:
        # Not below a long temporary folder: addresses of sockets are short.
        self.folder = Path(tempfile.mkdtemp(prefix="engine-", dir="/tmp"))
        self.address = f"unix://{self.folder}/sock"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        (self.folder / "config.json").write_text("{}")
        try:
            self.start()
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

    def start(self) -> None:
        """Start it, or start it again; return when it answers."""
        at = self.folder
        # Of one that was killed; where nobody reaps the dead, their ids look alive.
        for left in (at / "pid", at / "exec" / "containerd" / "containerd.pid"):
            left.unlink(missing_ok=True)
        options = {
            "--config-file": at / "config.json",
            "--data-root": at / "data",
            "--exec-root": at / "exec",
            "--pidfile": at / "pid",
            "--host": self.address,
            "--bridge": "none",
        }
        off = ("iptables", "ip6tables", "ip-forward", "ip-masq")
        command = ["unshare", "--net", "dockerd", *(f"--{name}=false" for name in off)]
        for name, value in options.items():
            command += [name, str(value)]
        with (at / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._await()

    def _await(self) -> None:
        assert self._process is not None
        end = time.monotonic() + START_S
        while self.docker("version", check=False).returncode:
            if time.monotonic() > end or self._process.poll() is not None:
                said = (self.folder / "log").read_text(errors="replace")[-500:]
                msg = f"the daemon did not start: {said}"
                raise RuntimeError(msg)
            time.sleep(0.1)

    def docker(
        self, *arguments: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run one command of the `docker` program on it."""
        return subprocess.run(
            ["docker", "--host", self.address, *arguments],
            capture_output=True,
            text=True,
            check=check,
        )

    def load(self, image: str) -> None:
        """Copy an image from the host's engine."""
        command = ["docker", "--host", self.address, "load", "--quiet"]
        with subprocess.Popen(
            ["docker", "save", image], stdout=subprocess.PIPE
        ) as save:
            load = subprocess.run(
                command, check=False, stdin=save.stdout, capture_output=True
            )
        load.check_returncode()
        assert save.returncode == 0

    def kill(self) -> None:
        """SIGKILL the daemon; containers live on without it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Ask the daemon to end, which ends its containers."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(STOP_S)

    def close(self) -> None:
        """End everything and remove it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.stop()
        self.kill()
        for process in self._remains():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            place = line.split()[1]
            if place.startswith(f"{self.folder}/"):
                subprocess.run(["umount", "--lazy", place], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _remains(self) -> list[psutil.Process]:
        """Return shims and containerd, which name our folder in their arguments."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if any(f"{self.folder}/" in word for word in process.cmdline()):
                    found.append(process)
        return [process for process in found if process.pid != os.getpid()]
