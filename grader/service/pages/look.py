"""What pages show of submissions and of a person's results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from starlette.requests import Request

from grader.errors import UsageError
from grader.feedback import Asked, Feedback, feedback
from grader.marks.words import clock
from grader.service.answers import names_of
from grader.service.models import Answer, Stand
from grader.service.site import Site

STYLES: Final[dict[Stand, str]] = {
    "waiting": "todo",
    "grading": "todo",
    "graded": "passed",
    "inconclusive": "unjudged",
    "rejected": "failed",
    "failed": "unjudged",
}
WORDS: Final[dict[Stand, str]] = {
    "waiting": "waiting",
    "grading": "being graded",
    "graded": "graded",
    "inconclusive": "not judged yet",
    "rejected": "rejected",
    "failed": "not judged yet",
}
WAITING: Final = ("waiting", "grading")


class Row(NamedTuple):
    """One submission in a list."""

    answer: Answer
    at: str
    style: str
    word: str
    ahead: str  # "2 before it"; empty
    waits: bool


def row(site: Site, one: Answer) -> Row:
    """Return a submission as shown."""
    due = site.spoken.person(one.student, one.round).due_at
    ahead = f"{one.ahead} before it" if one.ahead else "next in line"
    return Row(
        answer=one,
        at=clock(one.received_at.replace(microsecond=0, second=0), like=due),
        style=STYLES[one.state],
        word=WORDS[one.state],
        ahead=ahead if one.state == "waiting" else "",
        waits=one.state in WAITING,
    )


def rows(site: Site, found: Sequence[Answer]) -> list[Row]:
    """Return submissions as shown."""
    return [row(site, one) for one in found]


def results(site: Site, student: str, **asked: Any) -> Feedback | None:
    """Return what somebody's page shows; None if nothing was graded there."""
    known = site.store.people.get(student)
    folder = site.course.package.replace(".", "/")
    files = {m.name: f"{folder}/{m.file}" for m in site.course.modules}
    wanted = Asked(
        student=student,
        now=site.now(),
        name=known.full_name if known else "",
        files=files,
        **asked,
    )
    export = site.store.export_of(names_of(site, student))
    try:
        return feedback(export, site.store.report, wanted)
    except UsageError:
        return None


def name_of(site: Site, student: str) -> str:
    """Return what somebody is called."""
    known = site.store.people.get(student)
    return known.full_name if known and known.full_name else student


def follow_path(request: Request, one: Answer) -> str:
    """Return where the changes of a submission can be listened to."""
    root: str = request.app.state.site.settings.root_path
    return f"{root}/api/v1/submissions/{one.id}/events"
