"""What goes wrong, as `application/problem+json` (RFC 9457): what, and what to do."""

from __future__ import annotations

import logging
import math
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from grader.errors import GraderError, InconclusiveError, StoreError
from grader.reports.display import one_line

MEDIA: Final = "application/problem+json"
BUSY_S: Final = 30  # until somebody should ask again
_log = logging.getLogger(__name__)


class ProblemBody(BaseModel):
    """What a caller is told."""

    model_config = ConfigDict(
        title="Problem",
        json_schema_extra={
            "example": {
                "type": "about:blank",
                "title": "this token was revoked",
                "status": 401,
                "code": "token_revoked",
                "hint": "ask your instructor for a new one",
            }
        },
    )
    type: str = "about:blank"
    title: str = Field(description="What happened, in one sentence.")
    status: int
    code: str = Field(description="The same for all problems of a kind.")
    hint: str = Field(description="What to do about it.")


class Problem(Exception):
    """An answer that is no success."""

    def __init__(
        self, status: int, code: str, title: str, hint: str, retry_s: float = 0.0
    ) -> None:
        super().__init__(title)
        self.status, self.code = status, code
        self.title, self.hint = title, hint
        self.retry_s = retry_s

    def response(self) -> JSONResponse:
        """Return it as it goes out."""
        body = ProblemBody(
            title=one_line(self.title),
            status=self.status,
            code=self.code,
            hint=one_line(self.hint),
        )
        headers = {"Cache-Control": "no-store"}
        if self.retry_s:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_s)))
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(
            body.model_dump(), self.status, headers=headers, media_type=MEDIA
        )


def not_found(what: str = "there is no such submission") -> Problem:
    """Return what is said of things that are not there, or are another student's."""
    return Problem(404, "not_found", what, "look at your own list of submissions")


def busy(why: str) -> Problem:
    """Return what is said while nothing can be taken in; nothing was lost."""
    hint = "nothing was taken in; send it again in a moment"
    return Problem(503, "busy", why, hint, BUSY_S)


def told(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Return what the OpenAPI document says of answers with these codes."""
    return {
        code: {
            "description": _WORDS[code],
            "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for code in codes
    }


_WORDS: Final = {
    400: "damaged: the digest is missing, or not that of what came",
    401: "token_missing, token_unknown, token_expired or token_revoked",
    403: "not_yours: the bundle names another student, or this is for students alone",
    404: "not_found or round_unknown",
    409: "round_open: details are shown when the round is over",
    413: "too_large",
    422: "rejected, with what is wrong with the submission",
    429: "rate_limited; Retry-After says when",
    503: "busy; Retry-After says when",
}


def handle_problems(app: FastAPI) -> None:
    """Let everything that goes wrong end in a problem."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(GraderError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)


def _problem(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, Problem)  # noqa: S101 -- it is registered for it
    return exc.response()


def _ours(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, GraderError)  # noqa: S101 -- it is registered for it
    if isinstance(exc, StoreError | InconclusiveError):
        _log.error("%s; %s", exc.message, exc.hint)  # paths are not for callers
        return busy("the service cannot reach its store just now").response()
    return _bug(_, exc)


def _invalid(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)  # noqa: S101 -- as above
    where = ".".join(map(str, exc.errors()[0]["loc"]))
    title = f"{where} is not as it should be"
    return Problem(400, "invalid", title, "see /openapi.json").response()


def _http(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)  # noqa: S101 -- as above
    if exc.status_code == 404:
        problem = Problem(
            404, "not_found", "there is nothing here", "see /openapi.json"
        )
    elif exc.status_code == 405:
        title = "this cannot be done here"
        problem = Problem(405, "method_not_allowed", title, "see /openapi.json")
    else:
        code = "invalid" if exc.status_code < 500 else "bug"
        problem = Problem(exc.status_code, code, str(exc.detail), "see /openapi.json")
    response = problem.response()
    for name, value in (exc.headers or {}).items():
        response.headers[name] = value
    return response


def _bug(request: Request, exc: Exception) -> JSONResponse:
    _log.error("%s %s", request.method, request.url.path, exc_info=exc)
    title = "the service made a mistake; it is in its log"
    return Problem(500, "bug", title, "try again, then tell your instructor").response()
