"""The staff's pages: the queue, the class, a student, and regrade sets."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from grader import overview, records, regrades
from grader.batch.regrade import RegradeState, sets_of
from grader.errors import StoreError
from grader.exports.gradebook import Choice, gradebook
from grader.service.answers import answers
from grader.service.pages import look
from grader.service.pages.desk import (
    GROUPS,
    SHOWN,
    Known,
    desk,
    moves,
    reasons_in,
)
from grader.service.pages.forms import Form
from grader.service.pages.frame import PageRoute, Staff, go, page
from grader.service.problems import Problem
from grader.service.site import Site, site_of
from grader.store import Export
from grader.store.jobs import State
from grader.store.received import Standing

router = APIRouter(route_class=PageRoute, include_in_schema=False)
RECENT: Final = 30
AGAIN: Final[dict[str, tuple[State, ...]]] = {
    "failed": ("failed",),
    "unclear": ("unclear",),
}


@router.get("/staff")
def queue(request: Request, who: Staff) -> Response:
    """Show what waits, what failed, what came, and regrade sets."""
    site = site_of(request)
    inbox = site.store.inbox
    found = {state: inbox.latest(SHOWN, [state]) for state, _, _ in GROUPS}
    found["waiting"].sort(key=lambda one: one.ahead)
    known = Known(
        counts=inbox.counts(),
        found=found,
        recent=inbox.latest(RECENT),
        reasons=_reasons(site, found["unclear"]),
        people=site.store.people.all(),
        sets=list(_sets(site).values()),
    )
    return page(
        request,
        "staff.html.j2",
        name=who.name,
        desk=desk(known),
        trouble=site.trouble,
        workers=site.workers,
    )


@router.post("/staff/again")
def again(request: Request, who: Staff, form: Form) -> Response:  # noqa: ARG001
    """Let what failed for our reasons be graded again: one submission, or a state."""
    site = site_of(request)
    states = AGAIN.get(form.get("state", ""))
    if states is None:
        raise Problem(400, "invalid", "there is no such group", "go back")
    wanted = form.get("id", "")
    there = site.store.inbox.keys(states)
    keys = [key for key, one in there.items() if wanted in ("", one.id)]
    site.store.jobs.again(keys, states)
    return go(request, "/staff")


@router.get("/staff/students")
def students(request: Request, who: Staff) -> Response:
    """List everybody with the mark and the last submission."""
    site = site_of(request)
    people, export = site.store.people.all(), site.store.export()
    here = site.settings.round
    marks = {}
    if any(one.summary.round == here for one in export.results):
        choice = Choice(round=here, profile=site.settings.grade.profile)
        book = gradebook(export, choice, people)
        marks = {one.student: one for one in book.rows}
    last: dict[str, Standing] = {}
    names = sorted({*people, *marks})
    for one in site.store.inbox.standing(students=names):
        last.setdefault(one.received.student, one)
    shown = {
        name: look.row(site, one)
        for name, one in zip(last, answers(site, list(last.values())), strict=True)
    }
    return page(
        request,
        "students.html.j2",
        name=who.name,
        here=here,
        students=names,
        people=people,
        marks=marks,
        last=shown,
    )


@router.get("/staff/students/{student}")
def student(
    request: Request,
    who: Staff,
    student: str,
    round: str = "",  # noqa: A002
) -> Response:
    """Show what a student sees, details of open rounds included."""
    site = site_of(request)
    found = site.store.inbox.standing(students=[student])
    person = site.store.people.get(student)
    feedback = look.results(site, student, round=round[:64], staff=True)
    if person is None and feedback is None and not found:
        raise Problem(404, "not_found", "nothing is known of such a student", "")
    return page(
        request,
        "student.html.j2",
        name=who.name,
        student=student,
        person=person,
        submissions=look.rows(site, answers(site, found)),
        page=feedback,
    )


@router.get("/staff/overview")
def whole_class(request: Request, who: Staff) -> Response:  # noqa: ARG001
    """Show how the class stands: the page of `grader overview`."""
    site = site_of(request)
    needs = {module.name: module.needs for module in site.course.modules}
    taught = overview.Taught(needs, site.store.people.all() or None)
    choice = Choice(site.settings.round, site.settings.grade.profile)
    made, _ = overview.overview(site.store.export(), choice, site.store.report, taught)
    root = site.settings.root_path
    pages = {"Queue": f"{root}/staff", "Students": f"{root}/staff/students"}
    return HTMLResponse(overview.to_html(made, pages))


@router.get("/staff/regrades/{name}")
def regrade(request: Request, who: Staff, name: str) -> Response:
    """Show what a regrade set would change, or has changed."""
    site = site_of(request)
    sets = _sets(site)
    if name not in sets:
        raise Problem(404, "not_found", "there is no such regrade set", "")
    found = regrades.preview(_place(site), name)
    return page(
        request,
        "regrade.html.j2",
        name=who.name,
        set=sets[name],
        moves=moves(found),
        summed=regrades.summed(found),
    )


@router.post("/staff/regrades/{name}/apply")
def apply(request: Request, who: Staff, name: str, form: Form) -> Response:
    """Let the results of a set count."""
    partly = form.get("partly", "") == "yes"
    place = _place(site_of(request))
    reason = form.get("reason", "")[:4000]
    regrades.apply_regrade(place, name, by=who.name, reason=reason, partly=partly)
    return go(request, "/staff")


@router.post("/staff/regrades/{name}/cancel")
def cancel(request: Request, who: Staff, name: str, form: Form) -> Response:
    """End a set without any effect."""
    place = _place(site_of(request))
    reason = form.get("reason", "")[:4000]
    regrades.cancel_regrade(place, name, by=who.name, reason=reason)
    return go(request, "/staff")


def _sets(site: Site) -> dict[str, RegradeState]:
    """Return all regrade sets by name; the whole export would take seconds."""
    events = site.store.events(kinds=("regrade",))
    return sets_of(Export(events=events, results=()))


def _place(site: Site) -> records.Place:
    settings = site.settings
    return records.Place(settings.grade.course, settings.store, settings.url)


def _reasons(site: Site, found: list[Standing]) -> dict[str, tuple[str, ...]]:
    """Return why parts could not be judged, by id of the submission."""
    told: dict[str, tuple[str, ...]] = {}
    for one in found:
        if one.document is None:
            continue
        try:
            told[one.received.id] = reasons_in(site.store.report(one.document))
        except StoreError as exc:
            told[one.received.id] = (exc.message,)
    return told
