"""A real Dask scheduler and workers: processes that share no folder with the batch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Self

from distributed import Client
from grader_command import ROOT, Grader

INNER: Final = "uid" if os.geteuid() == 0 else "namespaces"
FAULTS: Final = Path(__file__).with_name("dask_faults.py")
START_S: Final = 60.0
_PARTS: Final = ("reference", "milestones", "course.toml")


def copy_course(target: Path) -> Path:
    """Copy what a worker needs of this course to the folder `target`; return it."""
    target.mkdir(parents=True)
    for part in _PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, target / part)
    (target / "reference").chmod(0o700)
    return target


def wait_for(what: Callable[[], object], of: str) -> None:
    """Wait until `what` returns something true."""
    end = time.monotonic() + START_S
    while not what():
        assert time.monotonic() < end, f"waited in vain for {of}"
        time.sleep(0.05)


def _address(file: Path) -> str:
    """Return what a scheduler has written; empty while it is not there, or half."""
    try:
        return str(json.loads(file.read_text())["address"])
    except (FileNotFoundError, json.JSONDecodeError):
        return ""


class DaskCluster:
    """One scheduler and its workers; a context manager that ends them all."""

    def __init__(
        self, folder: Path, *, within: Mapping[str, list[str]] | None = None
    ) -> None:
        self.folder, self._within = folder, within or {}
        folder.mkdir(parents=True)
        self.course = copy_course(folder / "course")
        self.variables: dict[str, str] = {}
        self.host = "127.0.0.1"
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            process.kill()
        for process in self._running:
            process.wait()

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        """Start a scheduler and learn its address."""
        file = self.folder / f"scheduler-{len(self._running)}.json"
        where = ["--host", self.host, "--port", "0", "--no-dashboard"]
        process = self._start(
            "scheduler", [*where, "--scheduler-file", str(file)], self.folder, {}
        )
        wait_for(lambda: bool(_address(file)), "the scheduler")
        self.address = _address(file)
        return process

    def start_worker(
        self,
        *,
        course: Path | None = None,
        threads: int = 1,
        nanny: bool = False,
        place: str = "worker",
        **faults: str,
    ) -> subprocess.Popen[bytes]:
        """Start a worker in its course; `faults` are those of `dask_faults`."""
        options = ["--nthreads", str(threads), "--no-dashboard"]
        options += ["--nanny" if nanny else "--no-nanny"]
        options += ["--local-directory", str(self.folder / "scratch")]
        variables = {f"FAULT_{name.upper()}": value for name, value in faults.items()}
        if faults:
            options += ["--preload", str(FAULTS)]
        return self._start(
            place, [self.address, *options], course or self.course, variables
        )

    def _start(
        self, place: str, options: list[str], cwd: Path, variables: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        kind = "scheduler" if place == "scheduler" else "worker"
        env = {k: v for k, v in os.environ.items() if k != "TINYTORCH_DATA"}
        env |= {"GRADER_STATE": str(self.folder / "no-state"), **self.variables}
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}"]
        log = self.folder / f"{place}-{len(self._running)}.log"
        with log.open("wb") as err:
            process = subprocess.Popen(
                [*self._within.get(place, []), *command, *options],
                cwd=cwd,
                env=env | variables,
                stdout=err,
                stderr=err,
            )
        self._running.append(process)
        return process

    def retire_all(self) -> None:
        """Send all workers away, as a cluster that shrinks."""
        with Client(self.address, set_as_default=False) as client:
            client.retire_workers(list(client.processing()))

    def options(self, inner: str = INNER) -> list[str]:
        """Return the options of a batch on this cluster."""
        return ["--executor", "dask", "--inner", inner, "--scheduler", self.address]


def start_batch(
    grader: Grader, *arguments: str | Path, within: tuple[str, ...] = (), **more: str
) -> subprocess.Popen[str]:
    """Start `grader batch` and do not wait for it."""
    env = os.environ | {"GRADER_STATE": str(grader.state)} | more
    env.pop("TINYTORCH_DATA", None)
    command = [sys.executable, "-m", "grader.cli.main", "batch", *map(str, arguments)]
    return subprocess.Popen(
        [*within, *command],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
