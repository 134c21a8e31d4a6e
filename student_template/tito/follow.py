"""`tito status`: where a submission is, and, if wanted, until it is graded."""

from __future__ import annotations

import time
from pathlib import Path

from tito import receipts, waiting
from tito.errors import FAILED, NOT_YET, LaterError, TitoError
from tito.line import server
from tito.parcel import Receipt, moment, now
from tito.roads import destination
from tito.screen import say
from tito.send import say_kept
from tito.service import FINAL, GRADED, ID, REJECTED, Answer, Service, answer
from tito.tell import lines, points, state, what
from tito.tokens import find

POLL_S, POLL_MOST_S = 5.0, 30.0  # between questions where events cannot be had


def status(project: Path, id_: str, *, wait: bool, limit_s: float) -> int:
    """Tell where a submission is; return the exit code.

    Args:
        id_: empty: the latest.
        wait: until it is graded, at most `limit_s`.

    Raises:
        TitoError: nothing was handed in yet, or the service says no.
    """
    waits, _damaged = waiting.everything(project)
    say_kept(waits)
    known = receipts.load(project, id_) if id_ else receipts.latest(project)
    if known is not None and not known.answer:
        return _told_by_receipt(known)
    if known is None and id_ and not ID.fullmatch(id_):
        raise TitoError(f"there is no receipt of {id_!r} here", LATEST)
    service = _service(project, known)
    try:
        seen = _ask(service, known, id_)
    except LaterError as error:
        if known is None:
            raise
        error.show()
        return _told_by_receipt(known)
    known = _note(project, known, seen, service)
    say(f"id       {seen.id}, {what(known)}")
    for line in lines(seen):
        say(line)
    if wait and seen.state not in FINAL:
        seen = _wait(service, seen, limit_s)
        receipts.answered(project, known, seen.facts())
    return _code(seen.state)


LATEST = "`tito status` without an id shows the latest; tito submit hands in."


def _service(project: Path, known: Receipt | None) -> Service:
    known = known or receipts.latest(project)
    to = known.to if known is not None else destination("", project)
    if not to.startswith(("https://", "http://")):
        raise TitoError(
            "nothing was handed in from here yet", "make submit, or tito submit"
        )
    return Service(server(to), find(project))


def _ask(service: Service, known: Receipt | None, id_: str) -> Answer:
    if id_ or known is not None:
        return service.state(id_ or known.id)
    found = service.latest()
    if found is None:
        raise TitoError("the service has nothing of yours yet", "tito submit")
    return found


def _note(
    project: Path, known: Receipt | None, seen: Answer, service: Service
) -> Receipt:
    """Note the answer, also of something that was handed in from elsewhere."""
    if known is None:
        who = (seen.student, seen.round_, seen.digest, seen.received_at)
        known = Receipt(seen.id, service.to.url, *who, now(), place=seen.page)
    return receipts.answered(project, known, seen.facts())


def _told_by_receipt(known: Receipt) -> int:
    say(f"id       {known.id}, {what(known)}")
    say(f"sent     {moment(known.handed_in_at)}, to {known.to}")
    if not known.answer:
        say("state    handed in; how it is graded and told, your course decides")
        return NOT_YET
    last = answer(known.answer)
    for line in lines(last):
        say(line)
    say(f"as of    {moment(known.asked_at)}: this is what the receipt says")
    return _code(last.state)


def _code(word: str) -> int:
    return {GRADED: 0, REJECTED: FAILED}.get(word, NOT_YET)


def _wait(service: Service, seen: Answer, limit_s: float) -> Answer:
    """Follow until there is a final state; say each change."""
    until = time.monotonic() + limit_s
    poll_s = POLL_S
    while seen.state not in FINAL and time.monotonic() < until:
        try:
            for new in service.events(seen.id):
                seen = _told(seen, new)
                if seen.state in FINAL or time.monotonic() > until:
                    return seen
            time.sleep(min(poll_s, max(0.0, until - time.monotonic())))
            seen = _told(seen, service.state(seen.id))
        except LaterError as error:  # it may be back before the time is over
            say(f"waiting  {error.message}")
            time.sleep(min(poll_s, max(0.0, until - time.monotonic())))
        poll_s = min(POLL_MOST_S, poll_s * 1.5)
    if seen.state not in FINAL:
        say("waited   long enough; later: tito status --wait")
    return seen


def _told(old: Answer, new: Answer) -> Answer:
    if state(old) != state(new):
        say(f"state    {state(new)}")
        for name, text in (("message", new.message), ("points", points(new))):
            if text:
                say(f"{name:<8} {text}")
    return new
