"""A line to a server: where it is, certificates always checked, and what went wrong.

Over plain HTTP nothing goes further than to this very machine.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import os
import ssl
import sys
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from tito.errors import LaterError, TitoError

SILENCE_S = 30.0  # for connecting, and between two pieces of an answer


@dataclass(frozen=True)
class Server:
    """Where a service is: scheme, host, port, and the path that it stands below."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme]
        port = "" if self.port == usual else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


class CertificateError(LaterError):
    """The server cannot prove that it is the one that was named."""


def server(address: str) -> Server:
    """Read the address of a service.

    Raises:
        TitoError: it is none, or a token would go over the line in the open.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    extra = parts.query or parts.fragment or parts.username or parts.password
    if not host or extra or not address.isprintable() or " " in address:
        raise TitoError(
            "this is no address of a service",
            "It looks like https://grader.example.org, without anything behind it.",
        )
    if parts.scheme != "https" and not _is_here(host):
        raise TitoError(
            f"{parts.scheme}://{host} is not encrypted; nothing was sent",
            f"Everybody on the way could read your token. Try https://{host}",
        )
    usual = 443 if parts.scheme == "https" else 80
    return Server(parts.scheme, host, port or usual, parts.path.rstrip("/"))


def connect(to: Server) -> http.client.HTTPConnection:
    """Return a connection that is not open yet, by a proxy where one is configured."""
    if to.scheme == "http":  # to this machine: never by a proxy
        return http.client.HTTPConnection(to.host, to.port, timeout=SILENCE_S)
    # Certificates of the system, or of SSL_CERT_FILE and SSL_CERT_DIR.
    context = ssl.create_default_context()
    proxy = "" if proxy_bypass(to.host) else getproxies().get("https", "")
    if not proxy:
        return http.client.HTTPSConnection(
            to.host, to.port, timeout=SILENCE_S, context=context
        )
    via = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    connection = http.client.HTTPSConnection(
        via.hostname or "", via.port or 80, timeout=SILENCE_S, context=context
    )
    who = f"{unquote(via.username or '')}:{unquote(via.password or '')}"
    basic = {"Proxy-Authorization": f"Basic {base64.b64encode(who.encode()).decode()}"}
    connection.set_tunnel(to.host, to.port, basic if via.username else {})
    return connection


def explained(to: Server, error: Exception) -> LaterError:
    """Return what a failed try means to people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return CertificateError(
            f"{to.host} cannot prove that it is the course's service: "
            f"{error.verify_message}",
            _certificate_hint(),
        )
    return LaterError(
        f"{to.url} cannot be reached: {_reason(error)}",
        "Are you online? Is the address right? Nothing here has to be changed.",
    )


def _certificate_hint() -> str:
    named = os.environ.get("SSL_CERT_FILE", "")
    if named and not os.path.isfile(named):  # noqa: PTH113 -- as OpenSSL looks
        return "SSL_CERT_FILE names a file that is not there; nothing was sent."
    if sys.platform == "darwin":  # Python of python.org comes without certificates
        return (
            "Nothing was sent. On macOS, run once `Install Certificates.command` in "
            "Python's folder in Applications; and is the clock right?"
        )
    return (
        "Nothing was sent. A network that wants you to sign in first does this, and a "
        "wrong clock; a course with certificates of its own gives you a file for "
        "SSL_CERT_FILE=..."
    )


def _reason(error: Exception) -> str:
    match error:
        case OSError() if type(error).__name__ == "gaierror":
            return "its name is not known here"
        case ssl.SSLError():
            return "what answers there does not speak HTTPS"
        case TimeoutError():
            return "no answer came in time"
        case ConnectionRefusedError():
            return "nothing answers there"
        case http.client.RemoteDisconnected() | ConnectionError():
            return "the connection broke"
        case http.client.IncompleteRead():
            return "the answer was cut off"
        case OSError():
            return error.strerror or str(error) or "the line is down"
    return f"it does not answer as a web server does ({type(error).__name__})"


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
