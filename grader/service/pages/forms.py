"""Forms that only our own pages can send, and the cookies that go with them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from grader.service.access import COOKIE
from grader.service.problems import Problem
from grader.service.site import site_of
from grader.store.access import Role, Who

BEFORE: Final = "tinytorch_form"  # the cookie of forms before anybody is signed in
FIELD: Final = "form"
MOST_BYTES: Final = 16 << 10
MOST_FIELDS: Final = 20
LASTS: Final[dict[Role, timedelta]] = {
    "student": timedelta(days=14),
    "staff": timedelta(hours=12),
}


def secret_of(request: Request) -> str:
    """Return the browser's secret that forms are bound to; empty if it has none."""
    return request.cookies.get(COOKIE, "") or request.cookies.get(BEFORE, "")


def token_for(secret: str) -> str:
    """Return what a form carries, which nobody can know who has not the cookie."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()


def new_secret() -> str:
    """Return a secret for a browser that has none."""
    return secrets.token_urlsafe(32)


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form that one of our pages has sent.

    Raises:
        Problem: it is from elsewhere, too large, or no form.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {
        *("same-origin", "none")
    }:
        raise _forged()
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > MOST_BYTES:
            raise Problem(413, "too_large", "this form is too large", "shorten it")
    try:
        text = data.decode("ascii")
        fields = dict(parse_qsl(text, True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise Problem(400, "invalid", "this is no form", "use the page") from None
    secret = secret_of(request)
    carried = fields.pop(FIELD, "").encode()
    if not secret or not hmac.compare_digest(carried, token_for(secret).encode()):
        raise _forged()
    return fields


Form = Annotated[dict[str, str], Depends(form_of)]


def _forged() -> Problem:
    title = "this form is old, or not from this site"
    return Problem(403, "forged", title, "go back, load the page again, and repeat")


def keep_cookie(request: Request, response: Response, name: str, value: str) -> None:
    """Let the browser keep a secret until it is closed."""
    _set(request, response, name, value, None)


def keep_session(request: Request, response: Response, secret: str, who: Who) -> None:
    """Let the browser keep a session."""
    _set(request, response, COOKIE, secret, LASTS[who.role])
    response.delete_cookie(BEFORE, path=path_of(request))


def _set(
    request: Request, response: Response, name: str, value: str, lasts: timedelta | None
) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(lasts.total_seconds()) if lasts else None,
        path=path_of(request),
        secure=site_of(request).settings.secure,
        httponly=True,
        samesite="lax",
    )


def path_of(request: Request) -> str:
    """Return where the service begins, for cookies."""
    return site_of(request).settings.root_path or "/"
