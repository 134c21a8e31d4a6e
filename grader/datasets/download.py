"""One file over HTTPS, resumed where an earlier attempt stopped."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

from grader.datasets.published import PublishedFile

_BLOCK: Final = 1 << 16
_TIMEOUT_S: Final = 30.0
_ATTEMPTS: Final = 4
_LOOPBACK: Final = {"127.0.0.1", "localhost", "::1"}

_TRANSIENT: Final = (urllib.error.URLError, http.client.HTTPException, TimeoutError)


class DownloadError(Exception):
    """This mirror gave up; private to the package, `fetch` turns it into an error."""


def download(
    url: str,
    part: Path,
    file: PublishedFile,
    progress: Callable[[str, int, int | None], None],
) -> None:
    """Complete `part` from `url`, going on after what it already holds.

    Raises:
        DownloadError: the mirror refuses, is out of reach, or sends too much.
        OSError: `part` cannot be written.
    """
    _require_safe(url)
    reason = "no answer"
    for _ in range(_ATTEMPTS):
        try:
            if _attempt(url, part, file, progress):
                return
            reason = "the connection ended early"
        except urllib.error.HTTPError as exc:
            exc.close()
            if exc.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                message = f"{url} answers {exc.code} {exc.reason}"
                raise DownloadError(message) from exc
            part.unlink(missing_ok=True)
            reason = "the part file was longer than the file"
        except _TRANSIENT as exc:
            reason = str(getattr(exc, "reason", exc)) or type(exc).__name__
    message = f"{url}: {reason}"
    raise DownloadError(message)


def _require_safe(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if parts.scheme != "https" and not local:
        message = f"{url} is not an https address"
        raise DownloadError(message)


def _attempt(
    url: str,
    part: Path,
    file: PublishedFile,
    progress: Callable[[str, int, int | None], None],
) -> bool:
    """Ask once; return whether everything announced has arrived."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url)  # noqa: S310 - checked by _require_safe
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
        if not _continues(answer, have):
            have = 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length and length.isdigit() else None
        with part.open("ab" if have else "wb") as out:
            while block := _receive(answer):
                out.write(block)
                have += len(block)
                if have > file.max_bytes:
                    break
                progress(file.filename, have, total)
    if have > file.max_bytes:
        part.unlink()
        message = f"{url} sends more than {file.max_bytes} bytes"
        raise DownloadError(message)
    return total is None or have == total


def _continues(answer: http.client.HTTPResponse, have: int) -> bool:
    """Whether the answer goes on where we stopped, instead of starting over."""
    wanted = f"bytes {have}-"
    return answer.status == http.HTTPStatus.PARTIAL_CONTENT and answer.headers.get(
        "Content-Range", ""
    ).startswith(wanted)


def _receive(answer: http.client.HTTPResponse) -> bytes:
    """Read a block; a network fault is told apart from a fault of our disk."""
    try:
        return answer.read(_BLOCK)
    except OSError as exc:
        raise urllib.error.URLError(exc) from exc
