"""Run a service: one process that serves, its workers, and an orderly end."""

from __future__ import annotations

import ipaddress
import logging
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

import uvicorn

from grader.errors import ConfigError
from grader.service import pages
from grader.service.app import create_app
from grader.service.foreman import Foreman
from grader.service.site import Settings, open_site

GRACE_S: Final = 20  # for uploads on their way when the service is told to end
BACKLOG: Final = 2048  # connections that wait while a class hands in at once


@dataclass(frozen=True)
class Listen:
    """Where a service listens.

    Attributes:
        port: 0: any that is free.
        proxies: addresses of proxies whose word on who asks is believed; empty: nobody.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    proxies: str = ""

    @property
    def loopback(self) -> bool:
        """Whether nobody elsewhere can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def serve(settings: Settings, listen: Listen, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        ready: is told the address once there is one.

    Raises:
        GraderError: the course, the store or the address is not usable.
    """
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    site = open_site(settings)
    try:
        with _bound(listen) as taken:
            app = create_app(site, pages.ROUTERS)
            server = _Server(_config(app, listen), site.closing.set)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, _heard)
            foreman = Foreman(site)
            foreman.start()
            try:
                ready(_address(listen, taken))
                server.run(sockets=[taken])
            finally:
                site.closing.set()
                foreman.stop()
    finally:
        site.store.close()


def _bound(listen: Listen) -> socket.socket:
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with ExitStack() as kept:
            made = kept.enter_context(socket.socket(family, kind, number))
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            made.listen(BACKLOG)
            kept.pop_all()
    except OSError as exc:
        msg = f"nothing can listen at {listen.host}, port {listen.port}: {exc.strerror}"
        raise ConfigError(msg, hint="choose another --port; 0 is any free one") from exc
    return made


def _address(listen: Listen, taken: socket.socket) -> str:
    host = f"[{listen.host}]" if ":" in listen.host else listen.host
    return f"http://{host}:{taken.getsockname()[1]}"


def _config(app: Any, listen: Listen) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # the proxy keeps one
        proxy_headers=bool(listen.proxies),
        forwarded_allow_ips=listen.proxies or None,
        server_header=False,
        date_header=True,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_S,
        ws="none",
    )


class _Server(uvicorn.Server):
    """Refuses uploads as soon as it is told to end, and finishes what runs."""

    def __init__(self, config: uvicorn.Config, closing: Callable[[], None]) -> None:
        super().__init__(config)
        self._closing = closing

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Hear SIGTERM or SIGINT."""
        self._closing()
        super().handle_exit(sig, frame)


def _heard(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: uvicorn repeats a signal after it has ended because of it."""
