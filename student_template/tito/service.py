"""The course's service: hand in, ask for the state, follow it; version 1 of its API."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

from tito.errors import LaterError
from tito.line import Server
from tito.problems import problem, text
from tito.web import DELAYS_S, MOST_BYTES, Question, ask, lines

BASE = "/api/v1"
REPORT_BYTES = 32 << 20  # a report has every check and every curve
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
GRADED, REJECTED = "graded", "rejected"
FINAL = (GRADED, REJECTED)


@dataclass(frozen=True)
class Answer:
    """What the service says about one submission.

    Attributes:
        late_s: after the due date that holds for you; 0: in time.
        state: waiting, grading, graded, inconclusive, rejected or failed.
        ahead: how many wait before it.
        page: its address in a browser; empty if none was told.
    """

    id: str
    student: str
    round_: str
    digest: str
    received_at: str
    new: bool
    late_s: float
    state: str
    ahead: int
    message: str
    notes: tuple[str, ...]
    earned: float | None
    points: float | None
    page: str

    def facts(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self) | {"notes": list(self.notes)}


def answer(facts: Any, page_base: str = "") -> Answer:
    """Read what the service says, or what a receipt kept of it.

    Raises:
        ValueError: it is not that.
    """
    id_ = facts.get("id") if isinstance(facts, dict) else None
    if not isinstance(id_, str) or not ID.fullmatch(id_):
        raise ValueError("no submission")
    page = text(facts.get("page"))
    notes = facts.get("notes")
    return Answer(
        id=id_,
        student=text(facts.get("student")),
        round_=text(facts.get("round", facts.get("round_"))),
        digest=text(facts.get("digest")),
        received_at=text(facts.get("received_at")),
        new=facts.get("new") is True,
        late_s=_number(facts.get("late_s")) or 0.0,
        state=text(facts.get("state")),
        ahead=int(_number(facts.get("ahead")) or 0),
        message=text(facts.get("message")),
        notes=tuple(map(text, notes)) if isinstance(notes, list | tuple) else (),
        earned=_number(facts.get("earned")),
        points=_number(facts.get("points")),
        page=page_base + page if page.startswith("/") else page,
    )


def _number(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if number and -1e12 < value < 1e12 else None


class Service:
    """The service, asked with one token.

    Args:
        delays_s: before each further try, where the service is busy or away.
    """

    def __init__(
        self, to: Server, token: str, delays_s: Sequence[float] = DELAYS_S
    ) -> None:
        self.to, self._delays_s = to, delays_s
        self._headers = {"Authorization": f"Bearer {token}"}

    def submit(self, data: bytes, *, round_: str, digest: str) -> Answer:
        """Hand in a bundle; return what was acknowledged.

        Raises:
            TitoError: it was not taken.
        """
        query = f"?round={quote(round_, safe='')}" if round_ else ""
        sum_ = base64.b64encode(hashlib.sha256(data).digest()).decode()
        headers = {
            "Content-Type": "application/gzip",
            "Repr-Digest": f"sha-256=:{sum_}:",
        }
        found = self._answer("POST", f"/submissions{query}", headers, data)
        if found.digest != digest:
            raise LaterError(
                "the service acknowledged something else than what was sent",
                "Tell your course; the bundle is kept here.",
            )
        return found

    def state(self, id_: str) -> Answer:
        """Return where a submission is."""
        return self._answer("GET", f"/submissions/{quote(id_, safe='')}")

    def latest(self, digest: str = "") -> Answer | None:
        """Return your latest submission, or the latest of exactly this package."""
        rows = self._json("GET", "/submissions").get("submissions")
        found = map(self._read, rows if isinstance(rows, list) else [])
        return next((row for row in found if digest in ("", row.digest)), None)

    def report(self, id_: str) -> dict[str, Any]:
        """Return all that came of a submission.

        Raises:
            UntoldError: its details are told when the round is over.
        """
        path = f"/submissions/{quote(id_, safe='')}/report"
        return self._json("GET", path, most_bytes=REPORT_BYTES)

    def me(self) -> dict[str, Any]:
        """Return whose token it is."""
        return self._json("GET", "/me")

    def events(self, id_: str) -> Iterator[Answer]:
        """Yield the state at once and at each change, until the service has no more.

        Raises:
            LaterError: the connection broke.
        """
        path = f"{BASE}/submissions/{quote(id_, safe='')}/events"
        data: list[str] = []
        for line in lines(self.to, Question("GET", path, self._headers)):
            if line.startswith("data:"):
                data.append(line.removeprefix("data:"))
            elif not line and data:
                yield self._read(_load("\n".join(data).encode()))
                data = []

    def _answer(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        return self._read(self._json(method, path, headers, body))

    def _json(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> dict[str, Any]:
        own = {**self._headers, "Accept": "application/json", **(headers or {})}
        question = Question(method, BASE + path, own, body, most_bytes)
        reply = ask(self.to, question, self._delays_s)
        if reply.status not in (200, 201):
            raise problem(self.to, reply)
        found = _load(reply.body)
        if not isinstance(found, dict):
            raise self._odd()
        return found

    def _read(self, facts: Any) -> Answer:
        try:
            return answer(facts, self.to.url)
        except ValueError:
            raise self._odd() from None

    def _odd(self) -> LaterError:
        return LaterError(
            f"what {self.to.url} answers is not what the course's service would",
            "Is the address right? Does the network want you to sign in first?",
        )


def _load(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
