"""What the service refuses, as one sentence and what to do: a table by its codes."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from tito.errors import LaterError, RefusedError, TitoError
from tito.line import Server
from tito.screen import seconds
from tito.web import Reply

SHOWN = 300  # characters of a text of the service's
ASK_ANEW = "Ask your course for a new one, then: tito login"
LATER = "Nothing here has to be changed; tito submit --queued hands in what is kept."


class UntoldError(TitoError):
    """Graded, and the details are told when the round is over."""


SENTENCES: dict[str, tuple[type[TitoError], str, str]] = {
    "token_missing": (TitoError, "the service did not get your token", "tito login"),
    "token_unknown": (TitoError, "the service does not know your token", ASK_ANEW),
    "token_expired": (TitoError, "your token has expired", ASK_ANEW),
    "token_revoked": (TitoError, "your token was withdrawn", ASK_ANEW),
    "not_yours": (
        RefusedError,
        "the token belongs to somebody else than the bundle's student",
        "Is the id in .student (or STUDENT) yours? Is the token? See: tito login",
    ),
    "not_found": (
        TitoError,
        "the service knows no submission of yours by that id",
        "`tito status` without an id shows the latest.",
    ),
    "invalid": (  # an id that cannot be one, above all
        TitoError,
        "the service cannot make sense of that",
        "Is the id right? `tito status` without one shows the latest.",
    ),
    "round_unknown": (
        RefusedError,
        "the service has no round of that name",
        "Leave out --round (and ROUND) for the round that runs now.",
    ),
    "round_open": (
        UntoldError,
        "details are told when the round is over",
        "Points are told before: tito status",
    ),
    "damaged": (
        LaterError,
        "the bundle was damaged on the way",
        f"Something between here and there changes what is sent. {LATER}",
    ),
    "too_large": (
        RefusedError,
        "the bundle is larger than the service takes",
        "Hand in source only: no data and no weights in Python files.",
    ),
    "rate_limited": (LaterError, "you handed in very often", LATER),
    "busy": (LaterError, "the service takes nothing at the moment", LATER),
}


def problem(to: Server, reply: Reply) -> TitoError:
    """Return the error that an answer stands for."""
    facts = _facts(reply)
    code = facts.get("code")
    title, hint = text(facts.get("title")), text(facts.get("hint"))
    if code == "rejected":  # in the words of intake, which looked at every file
        why = title or "the service rejects the package"
        return RefusedError(why, hint or "Put it right and hand in again.")
    if isinstance(code, str) and code in SENTENCES:
        kind, sentence, todo = SENTENCES[code]
        return kind(sentence + _when(reply), todo)
    if 300 <= reply.status < 400:
        return _elsewhere(to, reply)
    if reply.status >= 500 or reply.status == 429:
        return LaterError(f"{to.host} is in trouble (it answers {reply.status})", LATER)
    if title:
        return TitoError(f"{to.host}: {title}", hint or "Ask your course.")
    return TitoError(
        f"what answers at {to.url} is not the course's service ({reply.status})",
        "Is the address right? It is SUBMIT_TO, --to, or tito/course.json.",
    )


def text(value: Any) -> str:
    """Return a text of the service's as one short line."""
    return " ".join(value.split())[:SHOWN] if isinstance(value, str) else ""


def _facts(reply: Reply) -> dict[str, Any]:
    if reply.kind != "application/problem+json":
        return {}
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _when(reply: Reply) -> str:
    wait_s = reply.wait_s
    return "" if wait_s is None else f"; it asks you to wait {seconds(wait_s)}"


def _elsewhere(to: Server, reply: Reply) -> TitoError:
    try:
        where = urlsplit(reply.headers.get("location", "")).hostname or to.host
    except ValueError:
        where = "an odd place"
    return TitoError(
        f"{to.host} sends us on to {text(where)}; your token did not go there",
        "If the service has moved, your course tells you its new address: --to",
    )
