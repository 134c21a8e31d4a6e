"""Read an upload, hold it against its digest, and make a submission of it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from starlette.requests import ClientDisconnect, Request

from grader.errors import SubmissionRejectedError
from grader.intake import open_bytes
from grader.intake.limits import MIB
from grader.models.submission import Submission
from grader.service.problems import Problem, busy

PATIENCE_S: Final = 300.0  # for one upload; the largest takes a minute at 7 Mbit/s
IN_MEMORY_BYTES: Final = MIB  # a bundle has some 100 kB; what is larger goes to disk
_DIGEST: Final = re.compile(r"(?:^|,)\s*sha-256\s*=\s*:([A-Za-z0-9+/]{43}=):\s*(?:,|$)")
AGAIN: Final = "send it again"


def wanted_digest(request: Request) -> bytes:
    """Return the SHA-256 that the sender names (RFC 9530).

    Raises:
        Problem: none is named.
    """
    found = _DIGEST.search(request.headers.get("repr-digest", ""))
    if found is None:
        title = "the header Repr-Digest with the sha-256 of the upload is missing"
        hint = "update tito, or send `Repr-Digest: sha-256=:BASE64:`"
        raise Problem(400, "damaged", title, hint)
    try:
        return base64.b64decode(found[1], validate=True)
    except binascii.Error as exc:  # pragma: no cover -- the pattern allows base64 alone
        raise Problem(400, "damaged", "Repr-Digest is no base64", AGAIN) from exc


async def spool(request: Request, into: IO[bytes], most: int, digest: bytes) -> int:
    """Write a request's body to `into`; return its bytes.

    What the sender says of its length is not believed.

    Raises:
        Problem: it is too large, cut off, slow, or not what the digest says.
    """
    total, size = hashlib.sha256(), 0
    try:
        async with asyncio.timeout(PATIENCE_S):
            async for chunk in _body(request):
                size += len(chunk)
                if size > most:
                    raise too_large(most)
                total.update(chunk)
                _write(into, chunk)
    except TimeoutError:
        title = f"the upload took more than {PATIENCE_S:.0f} s"
        raise Problem(400, "damaged", title, f"{AGAIN} on a better line") from None
    except ClientDisconnect:
        raise Problem(400, "damaged", "the upload was cut off", AGAIN) from None
    if not hmac.compare_digest(total.digest(), digest):
        title = "what came is not what was sent: its digest is another"
        raise Problem(400, "damaged", title, AGAIN)
    return size


def _write(into: IO[bytes], chunk: bytes) -> None:
    with room():
        into.write(chunk)


@contextmanager
def room() -> Iterator[None]:
    """Turn a full or broken disk into an answer.

    Raises:
        Problem: it is.
    """
    try:
        yield
    except OSError as exc:
        raise busy("the service has no room just now") from exc


async def _body(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        yield chunk


def too_large(most: int) -> Problem:
    """Return what is said of an upload that is."""
    title = f"the upload is larger than {most / MIB:g} MiB"
    hint = "a submission is source code: leave data, .venv and .git out of it"
    return Problem(413, "too_large", title, hint)


def scratch(folder: Path | None) -> IO[bytes]:
    """Return a file for one upload that nobody else sees."""
    with room():
        return tempfile.SpooledTemporaryFile(
            IN_MEMORY_BYTES, dir=str(folder) if folder else None
        )


def opened(data: bytes, id_: str, package: str) -> Submission:
    """Take in what came.

    Raises:
        Problem: it is no submission, with what intake says.
    """
    try:
        return open_bytes(data, label=id_, package=package)
    except SubmissionRejectedError as exc:
        raise Problem(422, "rejected", exc.message, exc.hint) from exc


def new_id() -> str:
    """Return an id for a submission; 60 bits, so that none comes twice."""
    return "s-" + base64.b32encode(secrets.token_bytes(8)).decode()[:12]
