"""A student's own pages: what was handed in, how it stands, and the feedback."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from grader.marks.words import clock, policy_words
from grader.service.answers import answers, names_of, standing_of
from grader.service.pages import look
from grader.service.pages.frame import PageRoute, Student, page
from grader.service.site import site_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)
SHOWN: Final = 20  # submissions in the list


@router.get("/me")
def me(request: Request, who: Student, round: str = "") -> Response:  # noqa: A002
    """Show all that is one's own, the newest round first."""
    site = site_of(request)
    found = site.store.inbox.standing(students=names_of(site, who.name))
    shown = look.rows(site, answers(site, found[:SHOWN]))
    waiting = next((one for one in shown if one.waits), None)
    feedback = look.results(site, who.name, round=round[:64])
    here = site.settings.round
    person = site.spoken.person(who.name, here)
    return page(
        request,
        "me.html.j2",
        follow=waiting is not None,
        name=look.name_of(site, who.name),
        submissions=shown,
        more=max(0, len(found) - SHOWN),
        waiting=waiting,
        events=look.follow_path(request, waiting.answer) if waiting else "",
        page=feedback,
        rounds=sorted({one.received.round for one in found}),
        here=here,
        due=clock(person.due_at) if person.due_at else "",
        policy=policy_words(person.said.policy),
        left=site.store.inbox.left(who.name, site.settings.per_hour),
        per_hour=site.settings.per_hour,
    )


@router.get("/me/submissions/{id_}")
def submission(request: Request, who: Student, id_: str) -> Response:
    """Show one submission: what became of it, and what was found."""
    site = site_of(request)
    standing = standing_of(site, who, id_)
    (answer,) = answers(site, [standing])
    received = standing.received
    feedback = None
    if standing.document:
        feedback = look.results(
            site, who.name, round=received.round, submission=received.digest
        )
    shown = look.row(site, answer)
    return page(
        request,
        "submission.html.j2",
        follow=shown.waits,
        one=shown,
        events=look.follow_path(request, answer) if shown.waits else "",
        page=feedback,
    )
