"""What all pages share: templates, style sheet, headers, and what goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import Depends
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import ChoiceLoader, Environment, PackageLoader
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from grader.errors import GraderError, UsageError
from grader.feedback.html import css_of_feedback, loader
from grader.reports import units
from grader.reports.html import environment, policy
from grader.service.access import signed_in
from grader.service.pages import forms
from grader.service.problems import Problem, busy
from grader.service.site import site_of
from grader.store.access import Who

SEE_OTHER: Final = 303
_log = logging.getLogger(__name__)


class ElsewhereError(Exception):
    """Whoever asks is to look somewhere else."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class PageRoute(APIRoute):
    """A route whose problems are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with what goes wrong told to people."""
        original = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await original(request)
            except ElsewhereError as exc:
                return go(request, exc.path)
            except Problem as exc:
                return _told(request, exc)
            except UsageError as exc:
                return _told(request, Problem(409, "usage", exc.message, exc.hint))
            except RequestValidationError:
                problem = Problem(400, "invalid", "this address is not right", "")
                return _told(request, problem)
            except GraderError as exc:
                _log.error("%s; %s", exc.message, exc.hint)
                why = "the service cannot reach its results just now"
                return _told(request, busy(why))

        return handler


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    follow: bool = False,
    **shown: Any,
) -> HTMLResponse:
    """Return a page.

    Args:
        follow: it shows something that waits, and is to change by itself.
        shown: what its template needs; texts are cleaned and escaped there.
    """
    site, css = site_of(request), _css()
    script = _script() if follow else Markup()
    secret = forms.secret_of(request)
    fresh = "" if secret else forms.new_secret()
    html = _templates().get_template(template)
    text = html.render(
        css=css,
        script=script,
        root=site.settings.root_path,
        board=site.settings.board is not None,
        title=site.course.title,
        who=signed_in(site, request),
        form_field=forms.FIELD,
        form_token=forms.token_for(secret or fresh),
        **shown,
    )
    response = HTMLResponse(text, status)
    response.headers["Content-Security-Policy"] = policy(
        style=css, script=script, served=True
    )
    if fresh:
        forms.keep_cookie(request, response, forms.BEFORE, fresh)
    return response


def go(request: Request, path: str) -> RedirectResponse:
    """Return what sends a browser to another page of ours."""
    root = site_of(request).settings.root_path
    return RedirectResponse(root + path, SEE_OTHER)


def student(request: Request) -> Who:
    """Return the student who looks; others are sent to where they belong."""
    who = anybody(request)
    if who.role != "student":
        raise ElsewhereError("/staff")
    return who


def staff(request: Request) -> Who:
    """Return who of the staff looks.

    Raises:
        Problem: it is a student; the page is not there for them.
    """
    who = anybody(request)
    if who.role != "staff":
        raise Problem(404, "not_found", "there is nothing here", "")
    return who


def anybody(request: Request) -> Who:
    """Return who looks; who is not signed in is asked to."""
    who = signed_in(site_of(request), request)
    if who is None:
        wanted = request.scope["path"].removeprefix(site_of(request).settings.root_path)
        back = f"?next={quote(wanted)}" if request.method == "GET" else ""
        raise ElsewhereError(f"/sign-in{back}")
    return who


Student = Annotated[Who, Depends(student)]
Staff = Annotated[Who, Depends(staff)]


def _told(request: Request, problem: Problem) -> Response:
    response = page(request, "problem.html.j2", status=problem.status, problem=problem)
    if problem.retry_s:
        response.headers["Retry-After"] = str(round(problem.retry_s) + 1)
    return response


@cache
def _templates() -> Environment:
    own = PackageLoader("grader.service.pages")
    made = environment(ChoiceLoader([own, loader()]))
    made.filters.update(points=units.points, path=lambda text: quote(text, safe=""))
    return made


@cache
def _css() -> Markup:
    return css_of_feedback() + _text("pages.css")


@cache
def _script() -> Markup:
    return _text("follow.js")


def _text(name: str) -> Markup:
    text = (files("grader.service.pages") / "templates" / name).read_text("utf-8")
    return Markup(text)  # noqa: S704 -- ships with the package
