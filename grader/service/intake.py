"""Take one submission in: durable before it is acknowledged, and once."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from grader.models.submission import Submission
from grader.service import uploads
from grader.service.answers import SINCE, answers, owner_of
from grader.service.models import Answer
from grader.service.problems import Problem, busy
from grader.service.site import Site
from grader.store.access import Who
from grader.store.received import Received, Standing, TooManyError


@dataclass(frozen=True)
class Arrival:
    """An upload that has arrived whole."""

    sender: str
    round: str  # as the request names it
    at: datetime  # of the request's head: the digest there settles the content
    size_bytes: int


async def receive(site: Site, who: Who, request: Request, round_: str) -> Answer:
    """Take in the submission that a request carries.

    Raises:
        Problem: it is not taken in; nothing of it is kept.
    """
    at = site.now()
    await run_in_threadpool(_willing, site, who, round_)
    digest = uploads.wanted_digest(request)
    most = site.settings.upload_bytes
    if int(request.headers.get("content-length") or 0) > most:
        raise uploads.too_large(most)
    with uploads.scratch(site.settings.scratch) as file:
        size = await uploads.spool(request, file, most, digest)
        arrival = Arrival(who.name, round_, at, size)
        return await run_in_threadpool(_taken, site, arrival, file)


def _willing(site: Site, who: Who, round_: str) -> None:
    """Refuse what need not be read first.

    Raises:
        Problem: nothing is taken in now, or not from them, or not for this round.
    """
    if site.closing.is_set():
        raise busy("the service is about to end or to start anew")
    if shutil.disk_usage(site.settings.store).free < site.settings.free_bytes:
        raise busy("the service has no room just now")
    if who.role != "student":
        title = "a token of staff hands nothing in"
        raise Problem(403, "not_yours", title, "use a token of a student of the roster")
    if round_:
        _known(site, round_)
    now = site.now()
    wait_s = site.tries.wait(who.name, now)
    if wait_s:
        title = "you send far more than can be graded"
        raise Problem(429, "rate_limited", title, "wait a while", wait_s)
    site.tries.count(who.name, now)


def _known(site: Site, round_: str) -> None:
    rounds = site.rounds
    if round_ not in rounds:
        title = f"there is no round {round_!r}"
        hint = f"rounds: {', '.join(rounds)}; without one it is {site.settings.round}"
        raise Problem(404, "round_unknown", title, hint)


def _taken(site: Site, arrival: Arrival, file: IO[bytes]) -> Answer:
    """Make a submission of an upload and write it down; a repeat is the first.

    Raises:
        Problem: it is not taken in.
    """
    with site.intakes:  # each holds an upload in memory
        file.seek(0)
        data, id_ = file.read(), uploads.new_id()
        submission = uploads.opened(data, id_, site.course.package)
        del data
        round_ = arrival.round or submission.round or site.settings.round
        _known(site, round_)
        owner, notes = owner_of(site, arrival.sender, round_)
        _theirs(site, arrival.sender, owner, submission, round_)
        new = Received(
            id=id_,
            student=owner,
            sender=arrival.sender,
            round=round_,
            digest=submission.digest,
            received_at=arrival.at,
            key=site.bases.key(round_, owner, submission.digest),
            size_bytes=arrival.size_bytes,
            notes=(*submission.notes, *notes),
        )
        return _told(site, *_written(site, new, submission))


def _written(site: Site, new: Received, submission: Submission) -> tuple[str, bool]:
    """Keep the files, then the row with its work; return the id, and whether new."""
    inbox, per_hour = site.store.inbox, site.settings.per_hour
    known = inbox.known(new)
    if known is None and inbox.left(new.sender, per_hour):
        site.store.keep_source(submission, site.course.package)
    try:
        return inbox.receive(new, new.id, per_hour)
    except TooManyError as exc:
        title = f"you may hand in {per_hour} times an hour, and have"
        hint = "look at what the last one was told; gradings that we failed are free"
        wait_s = (exc.again_at - site.now()).total_seconds()
        raise Problem(429, "rate_limited", title, hint, wait_s) from exc


def _theirs(
    site: Site, sender: str, owner: str, submission: Submission, round_: str
) -> None:
    """Refuse a bundle that names somebody else.

    Raises:
        Problem: it does.
    """
    members = site.spoken.of(round_).teams.get(owner, ())
    if submission.student not in {"", sender, owner, *members}:
        title = f"the bundle is of {submission.student!r}, and your token is not"
        hint = "whose token is it? if it is yours, put your id into .student"
        raise Problem(403, "not_yours", title, hint)


def _told(site: Site, id_: str, new: bool) -> Answer:
    (standing,) = site.store.inbox.standing(ids=[id_])
    (answer,) = answers(site, [standing], id_ if new else "")
    if not new and not _newest(site, standing):
        answer.notes.append(SINCE)
    return answer


def _newest(site: Site, one: Standing) -> bool:
    """Return whether nothing else was handed in after this."""
    mine = site.store.inbox.standing(students=[one.received.student])
    theirs = [s.received for s in mine if s.received.round == one.received.round]
    return theirs[0].id == one.received.id
