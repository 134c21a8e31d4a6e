"""Where students hand in, as `tito/course.json` tells their `tito`."""

from __future__ import annotations

import ipaddress
import json
import re
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from grader.errors import ConfigError

NONE: Final = "none"  # takes the place away that a repository was given
_GIT: Final = re.compile(r"git(?::([A-Za-z0-9][A-Za-z0-9._/-]{0,99}))?")
_HINT: Final = (
    "https://grader.example.org, git, git:REMOTE, the whole path of a folder, or none"
)


def submit_place(word: str) -> dict[str, str]:
    """Return what `tito/course.json` says for a word of the command line.

    Returns:
        Nothing for "none" and for no word.

    Raises:
        ConfigError: it is no place that students can hand in to.
    """
    if word in ("", NONE):
        return {}
    if match := _GIT.fullmatch(word):
        return {"to": "git", "remote": match[1] or "origin"}
    if "://" in word:
        return {"to": _service(word)}
    if not PurePosixPath(word).is_absolute() or not word.isprintable():
        msg = f"submit: {word!r} is no place to hand in to"
        raise ConfigError(msg, hint=_HINT)
    return {"to": word}


def submit_in(data: bytes) -> dict[str, str]:
    """Return the place that a `tito/course.json` has.

    Raises:
        ConfigError: it is damaged.
    """
    try:
        facts = json.loads(data).get("submit", {})
        to, remote = facts.get("to", ""), facts.get("remote", "origin")
        return submit_place(f"git:{remote}" if to == "git" else to)
    except (ValueError, AttributeError, TypeError, RecursionError) as exc:
        msg = "the repository's record of where to hand in is damaged"
        raise ConfigError(msg, hint="name it anew: --submit") from exc


def _service(word: str) -> str:
    """Return the address of a service, without a slash at its end."""
    try:
        parts = urlsplit(word)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    extra = parts.query or parts.fragment or parts.username or parts.password
    if not host or extra or not word.isprintable() or " " in word:
        msg = "submit: this is no address of a service"
        raise ConfigError(msg, hint=_HINT)
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(host)):
        msg = f"submit: {parts.scheme}://{host} is not encrypted"
        raise ConfigError(msg, hint="students' tokens go there; use https://")
    return word.rstrip("/")


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
