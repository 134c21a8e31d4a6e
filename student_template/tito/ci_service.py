"""Read from the course's service: answers are capped, redirects are not followed."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from tito.ci_text import line
from tito.course import FILE
from tito.errors import TitoError

TOKEN, TOKEN_FILE = "TINYTORCH_TOKEN", ".tinytorch/token"
MOST_BYTES = 32 << 20
TIMEOUT_S = 30.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class ServiceError(TitoError):
    """The service said no.

    Attributes:
        status: of HTTP; 0: there was no answer.
        code: of the contract, "round_open".
    """

    def __init__(self, status: int, code: str, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Service:
    """Where the course takes submissions, and who asks."""

    address: str  # "https://grader.example.org"
    token: str

    def get(self, path: str) -> Any:
        """Return the JSON behind `/api/v1/<path>`.

        Raises:
            ServiceError: it cannot be had.
        """
        request = urllib.request.Request(  # noqa: S310 -- `address` checks the scheme
            f"{self.address}/api/v1/{path}",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        try:
            with _OPENER.open(request, timeout=TIMEOUT_S) as answer:
                return json.loads(_capped(answer.read(MOST_BYTES + 1)))
        except urllib.error.HTTPError as error:
            raise _refused(error) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise _unusable(f"there was no answer: {line(str(reason))}") from None
        except (ValueError, RecursionError):
            raise _unusable("its answer cannot be read") from None


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect would take the token elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Stay)


def service(project: Path, to: str = "") -> Service:
    """Return the service that the course names.

    Args:
        to: an address that is used instead.

    Raises:
        TitoError: there is none, or there is no token.
    """
    address = _address(to or _configured(project))
    return Service(address, _token(project))


def _configured(project: Path) -> str:
    try:
        facts = json.loads((project / FILE).read_text(encoding="utf-8"))
        return str(facts["submit"]["to"])
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return ""


def _address(to: str) -> str:
    try:
        parts = urllib.parse.urlsplit(to)
        plain = parts.scheme == "http" and parts.hostname in LOOPBACK
        good = bool(parts.hostname) and (parts.scheme == "https" or plain)
    except ValueError:
        good = False
    if not good:
        raise TitoError(
            f"{line(to)} is no service" if to else "this course has no service",
            "Results are fetched over https, from the address in tito/course.json.",
        )
    return to.rstrip("/")


def _token(project: Path) -> str:
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        try:
            token = (project / TOKEN_FILE).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            token = ""
    if not (token.isascii() and token.isprintable() and token):
        raise TitoError(
            "there is no token, or it is none",
            f"Put it into the secret {TOKEN} of this repository, or into {TOKEN_FILE}.",
        )
    return token


def _capped(data: bytes) -> bytes:
    if len(data) > MOST_BYTES:
        raise ValueError
    return data


def _refused(error: urllib.error.HTTPError) -> ServiceError:
    """Return what the service says; it need not be the service that answers."""
    try:
        problem = json.loads(error.read(1 << 16))
    except (OSError, ValueError, RecursionError, HTTPException):
        problem = {}
    said = problem if isinstance(problem, dict) else {}
    words = {
        key: line(str(said.get(key, "")), 400) for key in ("title", "hint", "code")
    }
    return ServiceError(
        error.code,
        words["code"],
        words["title"] or f"the service answered with status {error.code}",
        words["hint"] or "Try again later; if it stays so, tell your course.",
    )


def _unusable(why: str) -> ServiceError:
    hint = "What was handed in is safe; try again later."
    return ServiceError(0, "", f"the service cannot be asked: {why}", hint)
