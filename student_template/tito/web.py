"""One question to a server: asked patiently, and answered under limits.

Nothing is ever followed to another place, so a token goes to the host that was named
and to no other.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from tito import __version__
from tito.errors import LaterError
from tito.line import CertificateError, Server, connect, explained
from tito.screen import say

ANSWER_S = 60.0  # a whole answer
MOST_BYTES = 1 << 20
DELAYS_S = (1.0, 2.0, 4.0)  # between tries
MOST_WAIT_S = 60.0  # who asks for more is asked again by you
AGAIN = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        """The media type, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def wait_s(self) -> float | None:
        """What Retry-After asks for, in seconds."""
        return _retry_after(self.headers.get("retry-after", ""))


@dataclass(frozen=True)
class Question:
    """What is asked; one that may be asked twice."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)  # the token is among them
    body: bytes | None = None
    most_bytes: int = MOST_BYTES  # of the answer


class TooLargeError(LaterError):
    """The answer is larger than any that was asked for."""


def ask(to: Server, question: Question, delays_s: Sequence[float] = DELAYS_S) -> Reply:
    """Ask until there is an answer, a few times, and return it, whatever it is.

    Raises:
        LaterError: no whole answer came.
    """
    for delay_s in delays_s:
        try:
            reply = _once(to, question)
        except CertificateError:
            raise
        except LaterError as error:
            why, wait_s = error.message, delay_s
        else:
            wait_s = max(delay_s, reply.wait_s or 0.0)
            if reply.status not in AGAIN or wait_s > MOST_WAIT_S:
                return reply
            why = f"{to.host} is busy (it answers {reply.status})"
        say(f"waiting  {why}; again in {wait_s:.0f} s")
        time.sleep(wait_s)
    return _once(to, question)


def lines(to: Server, question: Question) -> Iterator[str]:
    """Yield the lines of an endless answer; nothing if it is not an event stream.

    Raises:
        LaterError: the connection broke.
    """
    try:
        with closing(connect(to)) as connection:
            answer = _send(connection, to, question)
            kind = answer.headers.get_content_type()
            if answer.status != http.HTTPStatus.OK or kind != "text/event-stream":
                return
            while line := answer.readline(MOST_BYTES):
                yield line.decode("utf-8", "replace").rstrip("\r\n")
    except (OSError, http.client.HTTPException) as error:
        raise explained(to, error) from None


def _once(to: Server, question: Question) -> Reply:
    try:
        with closing(connect(to)) as connection:
            answer = _send(connection, to, question)
            body = _body(to, answer, question.most_bytes)
            return Reply(answer.status, _headers(answer), body)
    except (OSError, http.client.HTTPException) as error:
        raise explained(to, error) from None


def _send(
    connection: http.client.HTTPConnection, to: Server, question: Question
) -> http.client.HTTPResponse:
    own = {"User-Agent": f"tito/{__version__}", "Connection": "close"}
    headers = {**own, **question.headers}
    connection.connect()
    # A server may answer before it has read all, and hang up; its answer counts.
    with suppress(BrokenPipeError, ConnectionResetError):
        path = to.path + question.path
        connection.request(question.method, path, question.body, headers)
    return connection.getresponse()


def _headers(answer: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.getheaders()}


def _body(to: Server, answer: http.client.HTTPResponse, most_bytes: int) -> bytes:
    """Read a whole answer, under limits of size and time."""
    until = time.monotonic() + ANSWER_S
    said = answer.headers.get("content-length", "")
    wanted = int(said) if said.isdecimal() and said.isascii() else None
    found = b""
    while wanted is None or len(found) < wanted:
        piece = answer.read1(1 << 16)
        if not piece:
            break
        found += piece
        if len(found) > most_bytes:
            raise TooLargeError(
                f"{to.url} cannot be reached: it does not answer as a web server does "
                f"(more than {most_bytes >> 20} MiB)",
                "Is the address right? Nothing here has to be changed.",
            )
        if time.monotonic() > until:
            raise TimeoutError
    if wanted is not None and len(found) < wanted:
        raise http.client.IncompleteRead(found, wanted - len(found))
    return found


def _retry_after(text: str) -> float | None:
    if text.isdecimal() and text.isascii():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return None
    return max(0.0, when - time.time())
