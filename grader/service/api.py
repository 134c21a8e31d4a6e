"""The API of students' programs, version 1."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from grader.models.report import GradeReport
from grader.service.access import Here, Reader, Sender
from grader.service.answers import (
    answers,
    details_shown,
    names_of,
    results_of,
    standing_of,
)
from grader.service.intake import receive
from grader.service.models import Answer, Answers, Bounds, Me
from grader.service.problems import Problem, not_found, told
from grader.service.watching import Watch, stream

router = APIRouter(prefix="/api/v1", tags=["submissions"])
Id = Annotated[
    str, Path(alias="id", pattern="^s-[A-Z2-7]{12}$", examples=["s-7Q2M4KXA3BCD"])
]
Round = Annotated[
    str,
    Query(alias="round", max_length=64, description="Default: the service's own."),
]
UPLOAD: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": "Repr-Digest",
            "in": "header",
            "required": True,
            "description": "SHA-256 of the body, as RFC 9530 writes it.",
            "schema": {"type": "string", "pattern": "^sha-256=:[A-Za-z0-9+/]{43}=:$"},
            "example": "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
        }
    ],
    "requestBody": {
        "required": True,
        "description": "The bundle that `make submit` writes.",
        "content": {
            "application/gzip": {"schema": {"type": "string", "format": "binary"}}
        },
    },
}


@router.post(
    "/submissions",
    status_code=201,
    response_model=Answer,
    summary="Hand in",
    responses={
        200: {"model": Answer, "description": "It had been handed in before."},
        **told(400, 401, 403, 404, 413, 422, 429, 503),
    },
    openapi_extra=UPLOAD,
)
async def hand_in(
    site: Here,
    who: Sender,
    request: Request,
    response: Response,
    round_: Round = "",
) -> Answer:
    """Take a submission in.

    The same files from the same student in the same round are the same submission:
    sending them again is safe, and is answered with what was answered first.
    """
    answer = await receive(site, who, request, round_)
    response.status_code = 201 if answer.new else 200
    return answer


@router.get("/submissions", summary="All of one's own", responses=told(401, 429, 503))
def listed(site: Here, who: Reader) -> Answers:
    """Return one's own submissions and those of one's teams, the newest first."""
    if who.role == "staff":
        return Answers(submissions=[])
    found = site.store.inbox.standing(students=names_of(site, who.name))
    return Answers(submissions=answers(site, found))


@router.get(
    "/submissions/{id}",
    summary="How one stands",
    responses=told(400, 401, 404, 429, 503),
)
def one(site: Here, who: Reader, id_: Id) -> Answer:
    """Return a submission as it stands."""
    return answers(site, [standing_of(site, who, id_)])[0]


@router.get(
    "/submissions/{id}/events",
    summary="How one stands, at each change",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events `state`, each with a submission as JSON; the stream "
            "ends after one that waits for nothing more.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **told(400, 401, 404, 429, 503),
    },
)
async def events(
    site: Here, who: Reader, id_: Id, request: Request
) -> StreamingResponse:
    """Follow a submission by server-sent events."""
    await run_in_threadpool(standing_of, site, who, id_)
    watch: Watch = request.app.state.watch
    watch.follow(who.name, id_)
    return StreamingResponse(
        stream(watch, site, who, id_),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.get(
    "/submissions/{id}/report",
    summary="The whole report",
    response_class=Response,
    responses={
        200: {"model": GradeReport, "description": "What was found, check by check."},
        **told(400, 401, 404, 409, 429, 503),
    },
)
def report(site: Here, who: Reader, id_: Id) -> Response:
    """Return the report of the result that counts."""
    standing = standing_of(site, who, id_)
    result = results_of(site, [standing]).get(standing.received.id)
    if result is None:
        raise not_found("it has not been graded so far")
    if not details_shown(site, who, result.summary):
        title = "this round is not over: what was found is told when it is"
        raise Problem(409, "round_open", title, "the points stand with the submission")
    data = site.store.report(result.stored.digest).model_dump_json()
    return Response(data, media_type="application/json")


@router.get("/me", summary="Who one is", responses=told(401, 403, 429, 503))
def me(site: Here, who: Reader) -> Me:
    """Return who asks, with the date and the limits that hold for them."""
    if who.role == "staff":
        raise Problem(403, "not_yours", "staff are no students", "see the staff's page")
    known, round_ = site.store.people.get(who.name), site.settings.round
    person = site.spoken.person(who.name, round_)
    team = min(person.teams, default="")
    per_hour = site.settings.per_hour
    return Me(
        student=who.name,
        name=known.full_name if known else "",
        team=list(person.said.teams.get(team, ())),
        round=round_,
        due_at=person.due_at,
        limits=Bounds(
            bytes=site.settings.upload_bytes,
            per_hour=per_hour,
            left=site.store.inbox.left(who.name, per_hour),
        ),
    )
