"""Which road: that of `--to` or SUBMIT_TO, else what the course says, else none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tito import course
from tito.deliver import Folder
from tito.errors import TitoError
from tito.line import server
from tito.notes import read_json
from tito.parcel import Road
from tito.road_git import GitRoad
from tito.road_service import ServiceRoad

LOCAL = "submissions"  # where a bundle goes when nothing else is said
GIT = re.compile(r"git(:(?P<remote>[A-Za-z0-9][A-Za-z0-9._/-]*))?")


def destination(given: str, project: Path) -> str:
    """Return where to hand in to; empty: nobody said.

    Raises:
        TitoError: `tito/course.json` says it in a way that is none.
    """
    to, remote = _configured(project)
    to = given or to
    return f"git:{remote}" if to == "git" else to


def _configured(project: Path) -> tuple[str, str]:
    """Return where the course collects from, and the remote of git."""
    facts: Any = (read_json(project / course.FILE) or {}).get("submit", {})
    try:
        to, remote = facts.get("to", ""), facts.get("remote", "origin")
    except AttributeError:
        to = remote = None
    if not isinstance(to, str) or not isinstance(remote, str):
        raise TitoError(f"{course.FILE} is damaged: submit", course.RESTORE)
    return to, remote


def road(to: str, project: Path) -> Road:
    """Return the road to a destination.

    Raises:
        TitoError: there is no such road.
    """
    if to.startswith(("https://", "http://")):
        return ServiceRoad(project, server(to))
    if found := GIT.fullmatch(to):
        return GitRoad(project, found["remote"] or "origin")
    if "://" in to:
        raise TitoError(
            f"cannot hand in to {to.partition('://')[0]}://",
            "Give the address of a service (https://...), git, or a folder.",
        )
    if to:
        return Folder(Path(to))
    return Folder(project / LOCAL, own=True)
