"""`grader serve` as a process, and a student who hands in over HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from grader_command import ROOT, copied

from grader.intake import open_submission, pack

START_S: Final = 60
API: Final = "/api/v1"


class Service:
    """One running service, in a process group of its own."""

    def __init__(self, state: Path, *options: str) -> None:
        self.state = state
        command = [sys.executable, "-m", "grader.cli.main", "serve", "--port", "0"]
        self.process = subprocess.Popen(
            [*command, *options],
            cwd=ROOT,
            env=os.environ | {"GRADER_STATE": str(state), "GRADER_DEBUG": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), "it did not start"

    def kill(self) -> None:
        """Let the power fail."""
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """Ask it to end; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=START_S)

    def ask(
        self, path: str, token: str, data: bytes | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Return status and answer."""
        with self.opened(path, token, data) as answer:
            return answer.status, json.loads(answer.read())

    def opened(self, path: str, token: str = "", data: bytes | None = None) -> Any:
        """Return an answer to be read, whatever its status."""
        headers = {"Authorization": f"Bearer {token}"}
        if data is not None:
            digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
            headers["Repr-Digest"] = f"sha-256=:{digest}:"
        where = self.url + path
        request = urllib.request.Request(where, data, headers)  # noqa: S310 -- http
        try:
            return urllib.request.urlopen(request, timeout=START_S)  # noqa: S310
        except urllib.error.HTTPError as refused:
            return refused

    def hand_in(self, token: str, data: bytes) -> dict[str, Any]:
        """Hand in; return the answer."""
        status, answer = self.ask(f"{API}/submissions", token, data)
        assert status in {200, 201}, answer
        return answer

    def states(self, token: str, id_: str) -> Iterator[str]:
        """Follow a submission to its end."""
        with self.opened(f"{API}/submissions/{id_}/events", token) as answer:
            for line in answer:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])["state"]


Start = Callable[..., Service]


@contextmanager
def services(state: Path, *always: str) -> Iterator[Start]:
    """Start services on free ports when asked; what is left of them is killed."""
    started: list[Service] = []

    def begin(*options: str) -> Service:
        started.append(Service(state, *always, *options))
        return started[-1]

    try:
        yield begin
    finally:
        for service in started:
            service.kill()
            assert service.process.stdout is not None
            service.process.stdout.close()


def bundle_of(source: Path, target: Path, student: str, more: str = "") -> bytes:
    """Return the package in a folder as a bundle, with a file more that says `more`."""
    made = copied(source, target, {"more.py": f"# {more}\n".encode()})
    return pack(open_submission(str(made), student=student))


def until(true: Callable[[], bool], *, within_s: float = START_S) -> None:
    """Wait until something is so."""
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
