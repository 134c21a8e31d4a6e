"""A service that speaks contract v1 on loopback, and misbehaves when told to.

It looks at everything that a client has to get right, and keeps what it was asked.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import ssl
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "tt_" + "A" * 43
BASE = "/api/v1"


@dataclass
class Asked:
    """One request, as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Misbehave = Callable[["Handler"], bool]


@dataclass
class Pretended:
    """What the service knows, and what it does wrong.

    Attributes:
        moods: what is done instead of an answer, one for each request to come.
        events: the states that the event stream tells, in order.
    """

    url: str = ""
    student: str = "ada"
    asked: list[Asked] = field(default_factory=list)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    moods: list[Misbehave] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    has_events: bool = True

    def change(self, **facts: Any) -> None:
        """Let the latest submission be so from now on."""
        next(reversed(self.rows.values())).update(facts)

    @property
    def posts(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.method == "POST"]


class Handler(BaseHTTPRequestHandler):
    """Answers; `self.server.state` is what it knows."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_words: object) -> None:
        """Say nothing."""

    @property
    def state(self) -> Pretended:
        return self.server.state  # type: ignore[attr-defined]

    def do_POST(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        length = int(self.headers.get("content-length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(length)
        self.state.asked.append(Asked(self.command, self.path, headers, body))
        if self.state.moods and self.state.moods.pop(0)(self):
            return
        if headers.get("authorization") != f"Bearer {TOKEN}":
            self.problem(401, "token_unknown")
        elif self.command == "POST":
            self._take(headers, body)
        else:
            self._tell(urlsplit(self.path).path.removeprefix(BASE))

    def _take(self, headers: dict[str, str], body: bytes) -> None:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        if headers.get("repr-digest") != f"sha-256=:{digest}:":
            return self.problem(400, "damaged")
        with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as tar:
            handle = tar.extractfile("manifest.json")
            assert handle is not None
            manifest = json.loads(handle.read())
        if manifest["student"] != self.state.student:
            return self.problem(403, "not_yours")
        round_ = parse_qs(urlsplit(self.path).query).get("round", ["week-1"])[0]
        if round_ == "nowhere":
            return self.problem(404, "round_unknown")
        key = hashlib.sha256(f"{round_}{manifest['digest']}".encode()).hexdigest()
        id_ = f"s-{key[:12].upper()}"
        new = id_ not in self.state.rows
        if new:
            self.state.rows[id_] = row(id_, manifest, round_)
        return self.send(201 if new else 200, self.state.rows[id_] | {"new": new})

    def _tell(self, path: str) -> None:
        rows = self.state.rows
        _, _, rest = path.partition("/submissions")
        id_ = rest.strip("/").partition("/")[0]
        if path == "/me":
            me = {"student": self.state.student, "name": "Ada L.", "team": []}
            self.send(200, me | {"round": "week-1", "due_at": "2026-11-30T12:00:00Z"})
        elif path == "/submissions":
            self.send(200, {"submissions": list(reversed(rows.values()))})
        elif id_ not in rows:
            self.problem(404, "not_found")
        elif rest.endswith("/events"):
            self._stream(rows[id_])
        else:
            self.send(200, rows[id_])

    def _stream(self, facts: dict[str, Any]) -> None:
        if not self.state.has_events:
            return self.problem(404, "not_found")
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        for change in [{}, *self.state.events]:
            facts.update(change)
            text = f": here\n\nevent: state\ndata: {json.dumps(facts)}\n\n"
            self.wfile.write(text.encode())
            self.wfile.flush()
        self.close_connection = True
        return None

    def problem(
        self, status: int, code: str, *, title: str = "", **headers: str
    ) -> None:
        facts = {"type": "about:blank", "status": status, "code": code}
        facts |= {"title": title or code, "hint": "a hint of the service"}
        self.send(status, facts, kind="application/problem+json", **headers)

    def send(
        self,
        status: int,
        facts: Any,
        *,
        kind: str = "application/json",
        **headers: str,
    ) -> None:
        body = json.dumps(facts).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def row(id_: str, manifest: dict[str, Any], round_: str) -> dict[str, Any]:
    """Return what the service says of a submission that it just got."""
    return {
        "id": id_,
        "student": manifest["student"],
        "round": round_,
        "digest": manifest["digest"],
        "received_at": "2026-11-24T00:10:00Z",
        "new": True,
        "late_s": 0,
        "state": "waiting",
        "ahead": 3,
        "message": "",
        "notes": [],
        "earned": None,
        "points": None,
        "page": f"/me/submissions/{id_}",
    }


# Moods: each does something instead of an answer and returns whether it did


def problem(status: int, code: str, *, title: str = "", **headers: str) -> Misbehave:
    """Refuse, as the contract says."""

    def do(handler: Handler) -> bool:
        handler.problem(status, code, title=title, **headers)
        return True

    return do


def cut(handler: Handler) -> bool:
    """Hang up without an answer."""
    handler.close_connection = True
    return True


def cut_after(handler: Handler) -> bool:
    """Take it and hang up before the acknowledgement arrives."""
    real, handler.wfile = handler.wfile, io.BytesIO()  # type: ignore[assignment]
    handler._take(handler.state.asked[-1].headers, handler.state.asked[-1].body)
    handler.wfile = real
    handler.close_connection = True
    return True


def truncated(handler: Handler) -> bool:
    """Promise more than comes."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"id": "s-1"')
    handler.close_connection = True
    return True


def says(text: bytes, status: int = 200, kind: str = "application/json") -> Misbehave:
    """Answer something else."""

    def do(handler: Handler) -> bool:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)
        return True

    return do


def redirect(to: str, status: int = 307) -> Misbehave:
    """Send on to another place."""

    def do(handler: Handler) -> bool:
        handler.send(status, {}, Location=to)
        return True

    return do


class Quiet(ThreadingHTTPServer):
    """Clients that hang up are what is tested; nothing is printed about them."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextlib.contextmanager
def pretend(context: ssl.SSLContext | None = None) -> Iterator[Pretended]:
    """Run the service for a while, encrypted if there is a context."""
    server = Quiet(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    server.daemon_threads = True
    server.block_on_close = False
    state = Pretended(url=f"http://127.0.0.1:{server.server_address[1]}")
    server.state = state  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
