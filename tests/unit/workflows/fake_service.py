"""A service as the contract has it, for one submission."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "tt_" + "x" * 43


@dataclass
class Service:
    """Answers by path; a list is used up from the front, its last answer stays."""

    answers: dict[str, list[tuple[int, Any]]]
    headers: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)  # path, Authorization
    address: str = ""

    def answer(self, path: str) -> tuple[int, Any]:
        left = self.answers.get(path, [(404, {"title": "there is no such page"})])
        return left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def serving(service: Service) -> Iterator[Service]:
    """Run a service on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            service.seen.append((self.path, self.headers.get("Authorization", "")))
            status, body = service.answer(self.path.removeprefix("/api/v1/"))
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            kind = "json" if status < 400 else "problem+json"
            self.send_header("Content-Type", f"application/{kind}")
            for name, value in service.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    service.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
