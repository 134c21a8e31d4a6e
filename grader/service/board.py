"""The leaderboard: published into a folder after results, and served from it."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from grader.service.site import Settings

FRESH_S: Final = 60
_log = logging.getLogger(__name__)


class _Board(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        if any(part.startswith(".") for part in Path(path).parts if part != "."):
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = f"public, max-age={FRESH_S}"
        return response


def files(folder: Path) -> StaticFiles:
    """Return what serves a published board; the folder may come later."""
    return _Board(directory=folder, html=True, check_dir=False)


class Publisher:
    """Publishes in a process of its own, so that nobody waits for it; one at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running: subprocess.Popen[bytes] | None = None
        self._due_at = float("-inf")
        self._wanted = True  # what came while the service was down

    def want(self) -> None:
        """Ask for a new board: there are results that it lacks."""
        self._wanted = True

    def look(self) -> None:
        """Begin when it is time, and end what has ended."""
        if self._settings.board is None:
            return
        if self._running is not None:
            if self._running.poll() is None:
                return
            if self._running.returncode != 0:
                _log.error("the board was not published; what it said stands above")
            self._running = None
        if self._wanted and time.monotonic() >= self._due_at:
            self._wanted = False
            self._due_at = time.monotonic() + self._settings.board_every_s
            self._running = subprocess.Popen(  # noqa: S603 -- our own program
                _command(self._settings), stdout=subprocess.DEVNULL
            )

    def stop(self) -> None:
        """End what is running; the old board stays."""
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            self._running = None


def _command(settings: Settings) -> list[str]:
    command = [sys.executable, "-m", "grader.cli.main", "publish"]
    command += ["--to", str(settings.board), "--store", str(settings.store)]
    if settings.url:
        command += ["--store-url", settings.url]
    if settings.grade.course is not None:
        command += ["--course", str(settings.grade.course)]
    return command
