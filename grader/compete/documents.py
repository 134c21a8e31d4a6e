"""Sessions as documents: canonical JSON of bounded size, named by its digest."""

from __future__ import annotations

import hashlib
from typing import Final

from pydantic import ValidationError

from grader.errors import StoreError
from grader.models.session import Session

# Twice the largest session: 16 launches x 64 pairs and a long curve, some 400 kB.
MAX_SESSION_BYTES: Final = 2**20


def to_bytes(session: Session) -> bytes:
    """Return the canonical document of a session.

    Raises:
        StoreError: it is larger than any session has reason to be.
    """
    data = session.model_dump_json().encode()
    if len(data) > MAX_SESSION_BYTES:
        msg = f"a session of {len(data)} bytes exceeds {MAX_SESSION_BYTES}"
        raise StoreError(msg, hint="Cap the texts of its outcome before keeping it.")
    return data


def digest(data: bytes) -> str:
    """Return the name of a document: "sha256:..." over its bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def from_bytes(data: bytes) -> Session:
    """Return the session of a document.

    Raises:
        StoreError: the document is too large, no session, or not as `to_bytes` writes
            it, so that the same session would have two digests.
    """
    if len(data) > MAX_SESSION_BYTES:
        msg = f"a session document of {len(data)} bytes exceeds {MAX_SESSION_BYTES}"
        raise StoreError(msg, hint="It was not written by this grader.")
    try:
        session = Session.model_validate_json(data)
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        msg = f"not a session document: {where}: {first['msg']}"
        raise StoreError(msg, hint="It is damaged or of a newer version.") from exc
    if to_bytes(session) != data:
        msg = "the session document is not in canonical form"
        raise StoreError(msg, hint="Restore it from a backup; do not edit it.")
    return session
