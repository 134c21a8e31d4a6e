"""What the store knows of a student, or of everybody, as lines to read."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from grader.errors import UsageError
from grader.models.base import Model
from grader.models.summary import ResultSummary
from grader.store import Event, Export
from grader.store.attempts import attempts
from grader.store.events import (
    Chosen,
    Commented,
    Extended,
    Forgotten,
    GradedAt,
    Overridden,
    Payload,
    PolicySet,
    ProjectApproved,
    ProjectRun,
    RegradeSet,
    Submitted,
    TeamSet,
    VisibilitySet,
    Withdrawn,
)

SHORTEST: Final = 6  # characters of a digest that may name a result


class Line(Model):
    """One thing that happened."""

    at: datetime
    student: str
    kind: str
    round: str
    what: str
    document: str | None


def timeline(export: Export, student: str = "", round_: str = "") -> list[Line]:
    """Return what happened, oldest first; of one student, one round, or all.

    Raises:
        UsageError: nothing is known of the student.
    """
    results = {one.digest: one.summary for one in export.results}
    if student and not any(event.student == student for event in export.events):
        msg = f"nothing is kept of {student!r}"
        raise UsageError(msg, hint="grader history shows everybody")
    lines = [
        _line(event, results)
        for event in export.events
        if not student or event.student == student
    ]
    return [line for line in lines if not round_ or line.round == round_]


def _line(event: Event, results: dict[str, ResultSummary]) -> Line:
    result = results.get(event.document or "")
    round_ = getattr(event.payload, "round", "") or (result.round if result else "")
    return Line(
        at=event.at,
        student=event.student,
        kind=event.payload.kind,
        round=round_,
        what=_words(event.payload, result),
        document=event.document,
    )


def _words(payload: Payload, result: ResultSummary | None) -> str:
    match payload:
        case GradedAt() if result is not None:
            return _graded(payload, result)
        case GradedAt():
            return "graded"
        case VisibilitySet():
            shown = f" as {payload.name}" if payload.name else ""
            return f"public: {payload.visibility}{shown}, said by {payload.by}"
        case Withdrawn():
            return f"withdrawn by {payload.by}: {payload.reason}"
        case Submitted():
            return f"handed in {_moment(payload.at)}, by the {payload.told_by}"
        case PolicySet():
            due = _moment(payload.due_at) if payload.due_at else "no due date"
            return f"policy by {payload.by}: {due}, keeps the {payload.keep}"
        case Extended():
            return f"extended to {_moment(payload.due_at)} by {payload.by}"
        case _:
            return _staff_words(payload)


def _staff_words(payload: Payload) -> str:
    match payload:
        case Chosen():
            return f"{'' if payload.chosen else 'no longer '}chosen by {payload.by}"
        case Overridden():
            part = payload.part or "total"
            points = "as judged" if payload.points is None else f"{payload.points:g}"
            return f"{part} set to {points} by {payload.by}: {payload.reason}"
        case Commented():
            return f"comment by {payload.by}: {payload.text}"
        case TeamSet():
            return f"team of {', '.join(payload.members) or 'nobody'}, by {payload.by}"
        case RegradeSet():
            reason = f": {payload.reason}" if payload.reason else ""
            return f"regrade {payload.name} {payload.state} by {payload.by}{reason}"
        case Forgotten():
            return f"a person was erased by {payload.by}: {payload.results} results"
        case ProjectRun():
            return f"project {payload.title}: {payload.state}"
        case ProjectApproved():
            said = "approved" if payload.approved else "no longer approved"
            return f"project {said} by {payload.by}: {payload.reason}"
        case _:
            return payload.kind


def _graded(payload: GradedAt, result: ResultSummary) -> str:
    points = f"{result.earned:.2f} of {result.points:g}"
    told = points if result.judged else "not judged (our side)"
    regrade = f", regrade {payload.regrade}" if payload.regrade else ""
    return f"{told}, {result.profile}, {result.tier}{regrade}"


def _moment(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="minutes")


def find_result(export: Export, wanted: str, round_: str = "") -> str:
    """Return the digest that `wanted` means: a student's latest, or (part of) a digest.

    Raises:
        UsageError: there is none, or more than one.
    """
    found = [
        one.stored.digest
        for one in attempts(export)
        if one.student == wanted
        and not one.withdrawn
        and round_ in ("", one.summary.round)
    ]
    if found:
        return found[-1]
    name = wanted.removeprefix("sha256:")
    alike = [
        one.digest
        for one in export.results
        if len(name) >= SHORTEST and one.digest.removeprefix("sha256:").startswith(name)
    ]
    if len(alike) == 1:
        return alike[0]
    if alike:
        msg = f"{wanted!r} is the beginning of {len(alike)} results"
        raise UsageError(msg, hint="give more of it")
    msg = f"no result of {wanted!r} is stored"
    raise UsageError(msg, hint="name a student, or a digest as grader history shows it")
