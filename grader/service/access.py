"""Who asks: by token, or in a browser by the cookie of a session."""

from __future__ import annotations

import logging
from typing import Annotated, Final

from fastapi import Depends
from starlette.requests import Request

from grader.service.problems import Problem
from grader.service.site import Site, site_of
from grader.store.access import Credential, Kind, Who

COOKIE: Final = "tinytorch_session"
LONGEST: Final = 256  # of what may be a token at all
ASK: Final = "ask your instructor for a token"
_log = logging.getLogger(__name__)


def signed_in(site: Site, request: Request) -> Who | None:
    """Return whose session a browser's cookie is; None if there is no valid one."""
    secret = request.cookies.get(COOKIE, "")
    found = _found(site, "session", secret) if secret else None
    if found is None or found.state(site.now()) != "valid":
        return None
    return found.who


def holder(site: Site, token: str, address: str) -> Who:
    """Return whom a token lets in.

    A valid token is let in whatever else came from its address: a whole class may
    share one.

    Raises:
        Problem: it is unknown, revoked or expired, or there were too many such.
    """
    now = site.now()
    found = _found(site, "token", token)
    state = found.state(now) if found else "unknown"
    if found and state == "valid":
        return found.who
    wait_s = site.guesses.wait(address, now)
    if wait_s:
        title = "too many wrong tokens came from your address"
        hint = "wait, and look whether the token is copied whole"
        raise Problem(429, "rate_limited", title, hint, wait_s)
    _log.warning("a token that is %s, from %s", state, address or "nowhere")
    site.guesses.count(address, now)
    raise Problem(401, *_REFUSED[state])


def _found(site: Site, kind: Kind, secret: str) -> Credential | None:
    if len(secret) > LONGEST or not secret.isascii():
        return None
    return site.store.access.find(kind, secret)


_REFUSED: Final = {
    "unknown": (
        "token_unknown",
        "this token is not known here",
        f"is it copied whole? else {ASK}",
    ),
    "expired": ("token_expired", "this token has expired", f"{ASK} that holds"),
    "ended": (
        "token_revoked",
        "this token was revoked",
        f"there may be a newer one; else {ASK}",
    ),
}


def by_token(request: Request) -> Who:
    """Return who sends a request that changes something: by token alone.

    A browser sends its cookie with whatever page it is lured to; no page can set this
    header.

    Raises:
        Problem: there is no token, or it lets nobody in.
    """
    site = site_of(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        title = "there is no token in the request"
        hint = (
            "`Authorization: Bearer TOKEN`; set TINYTORCH_TOKEN, or keep the token in "
        )
        raise Problem(401, "token_missing", title, f"{hint}.tinytorch/token")
    address = request.client.host if request.client else ""
    return holder(site, token.strip(), address)


def by_any(request: Request) -> Who:
    """Return who only looks: by token, or by the cookie of a session.

    Raises:
        Problem: there is neither.
    """
    if "authorization" not in request.headers:
        who = signed_in(site_of(request), request)
        if who is not None:
            return who
    return by_token(request)


Sender = Annotated[Who, Depends(by_token)]
Reader = Annotated[Who, Depends(by_any)]
Here = Annotated[Site, Depends(site_of)]
