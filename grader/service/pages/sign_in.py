"""Sign in by the token, or by a link that works once; and out."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Final

from fastapi import APIRouter, BackgroundTasks, Request
from starlette.responses import Response

from grader.errors import GraderError
from grader.roster import Person
from grader.service.access import COOKIE, holder, signed_in
from grader.service.pages import forms
from grader.service.pages.forms import LASTS, Form
from grader.service.pages.frame import PageRoute, go, page
from grader.service.problems import Problem
from grader.service.site import Site, site_of
from grader.store.access import Who

router = APIRouter(route_class=PageRoute, include_in_schema=False)
LINK_LASTS: Final = timedelta(hours=1)
# Where somebody may be sent after signing in: our own pages alone.
_OWN: Final = re.compile(r"/(me|staff)(/[A-Za-z0-9._~@+-]+){0,3}")
_log = logging.getLogger(__name__)


@router.get("/sign-in")
def ask(request: Request, link: str = "", next: str = "") -> Response:  # noqa: A002
    """Ask for a token, or whether a link is to be used now.

    Looking at a link does not use it up: programs that look through mails follow links.
    """
    site = site_of(request)
    if link:
        return page(request, "link.html.j2", link=link)
    who = signed_in(site, request)
    if who is not None:
        return go(request, _home(who))
    return _asked(request, next)


@router.post("/sign-in")
def by_token(request: Request, form: Form) -> Response:
    """Sign in by the token of `make submit`."""
    site, back = site_of(request), form.get("next", "")
    token = form.get("token", "").strip()
    address = request.client.host if request.client else ""
    try:
        who = holder(site, token, address)
    except Problem as exc:
        return _asked(request, back, problem=exc)
    secret = site.store.access.issue("session", who, LASTS[who.role])
    return _signed_in(request, secret, who, back)


@router.post("/sign-in/link")
def by_link(request: Request, form: Form) -> Response:
    """Use a link up."""
    site, link = site_of(request), form.get("link", "")
    done = site.store.access.redeem(link[:256], LASTS["student"])
    if done is None:
        title = "this link was used already, or is too old"
        hint = "ask for another one, or use your token"
        return _asked(request, problem=Problem(401, "link_void", title, hint))
    return _signed_in(request, *done)


@router.post("/sign-in/mail")
def by_mail(request: Request, form: Form, later: BackgroundTasks) -> Response:
    """Send a link to an address of the roster; nobody learns whether it is there."""
    site = site_of(request)
    address = form.get("email", "").strip()
    if site.settings.post is None or not site.settings.address:
        raise Problem(404, "not_found", "this service sends no mails", "")
    later.add_task(_send, site, address)
    return page(request, "sent.html.j2", email=address)


@router.post("/sign-out")
def out(request: Request, form: Form) -> Response:  # noqa: ARG001 -- it is checked
    """End the session of this browser."""
    secret = request.cookies.get(COOKIE, "")
    if secret:
        site_of(request).store.access.end(secret)
    response = go(request, "/sign-in")
    response.delete_cookie(COOKIE, path=forms.path_of(request))
    return response


def _asked(
    request: Request, back: str = "", problem: Problem | None = None
) -> Response:
    settings = site_of(request).settings
    return page(
        request,
        "sign_in.html.j2",
        status=problem.status if problem else 200,
        problem=problem,
        next=back if _OWN.fullmatch(back) else "",
        mails=settings.post is not None and bool(settings.address),
    )


def _signed_in(request: Request, secret: str, who: Who, back: str = "") -> Response:
    own = _OWN.fullmatch(back) is not None
    fits = own and back.startswith("/staff") == (who.role == "staff")
    response = go(request, back if fits else _home(who))
    forms.keep_session(request, response, secret, who)
    return response


def _home(who: Who) -> str:
    return "/staff" if who.role == "staff" else "/me"


def _send(site: Site, address: str) -> None:
    """Send links to all people with this address; what goes wrong is in the log."""
    now, wanted = site.now(), address.casefold()
    if not wanted or site.mails.wait(wanted, now):
        return
    site.mails.count(wanted, now)
    try:
        found = [
            person
            for person in site.store.people.all().values()
            if person.email.strip().casefold() == wanted
        ]
        for person in found:
            _send_to(site, person)
    except (GraderError, OSError, ValueError) as exc:
        _log.error("no link was sent: %s", exc)


def _send_to(site: Site, person: Person) -> None:
    post, settings = site.settings.post, site.settings
    if post is None:
        return
    link = site.store.access.issue("link", Who("student", person.student), LINK_LASTS)
    text = (
        f"Hello {person.full_name or person.student},\n\n"
        f"this link signs you in at {site.course.title}, once, within an hour:\n\n"
        f"{settings.address.rstrip('/')}/sign-in?link={link}\n\n"
        "If you did not ask for it, there is nothing to do.\n"
    )
    post.send(person.email.strip(), f"Your link to {site.course.title}", text)
