"""Where the board is, and what it says: over the line, in a folder, or as it was last.

Of every board that came over the line the last copy is kept in `.tinytorch/board/`.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tito import course, notes
from tito.errors import LaterError, TitoError
from tito.line import Server, server
from tito.parcel import now
from tito.problems import text
from tito.roads import destination
from tito.web import Question, TooLargeError, ask

SCHEMA_VERSION = 1
MOST_BYTES = 16 << 20
DELAYS_S = (1.0,)  # what was read last is better than a long wait
FOLDER = "board"
WHERE = "--from, LEADERBOARD, or `board` in tito/course.json"


@dataclass(frozen=True)
class Board:
    """What a place says.

    Attributes:
        points: the content of data/v1/leaderboard.json.
        events: that of data/v1/competition.json; empty: there is no competition.
        copied_at: when the copy was made that this is; empty: it is what is there now.
        why: why it is a copy.
    """

    points: dict[str, Any]
    events: dict[str, Any]
    copied_at: str = ""
    why: str = ""


def place_of(given: str, project: Path) -> str:
    """Return where the board is: as given, as the course says, or at its service.

    Raises:
        TitoError: nobody says it.
    """
    facts = notes.read_json(project / course.FILE) or {}
    told = given or text(facts.get("board"))
    if not told:
        to = destination("", project)
        told = to if to.startswith("https://") else ""
    if not told:
        raise TitoError(
            "nobody has said where the board is", f"Ask your course; then: {WHERE}"
        )
    return told


def read(place: str, project: Path) -> Board:
    """Return what the board says; what it said last where it cannot be reached.

    Raises:
        TitoError: it cannot be read, or it is no board that this `tito` knows.
    """
    if not place.startswith(("https://", "http://")):
        return _of_folder(Path(place))
    to = server(place)
    try:
        found = _of_server(to)
    except TooLargeError as error:
        raise TitoError(error.message, error.hint) from None  # a copy would hide it
    except LaterError as error:
        copy = _copy(project, place)
        if copy is None:
            raise
        return Board(*copy, why=error.message)
    _keep(project, place, found)
    return found


def _of_folder(folder: Path) -> Board:
    def file(name: str, *, needed: bool) -> dict[str, Any]:
        path = folder / "data" / "v1" / f"{name}.json"
        try:
            with path.open("rb") as handle:
                data = handle.read(MOST_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            if needed:
                raise TitoError(f"there is no board in {folder}", WHERE) from None
            return {}
        if len(data) > MOST_BYTES:
            raise TitoError(
                f"{path} is larger than {MOST_BYTES >> 20} MiB", "Is it a board?"
            )
        return _checked(data, str(path))

    return Board(file("leaderboard", needed=True), file("competition", needed=False))


def _of_server(to: Server) -> Board:
    def page(name: str, *, needed: bool) -> dict[str, Any]:
        path = f"/data/v1/{name}.json"
        headers = {"Accept": "application/json"}
        question = Question("GET", path, headers, most_bytes=MOST_BYTES)
        reply = ask(to, question, DELAYS_S)
        if reply.status == HTTPStatus.OK:
            return _checked(reply.body, to.url + path)
        if reply.status == HTTPStatus.NOT_FOUND and not needed:
            return {}
        raise _refused(to, reply.status, reply.headers.get("location", ""))

    return Board(page("leaderboard", needed=True), page("competition", needed=False))


def _refused(to: Server, status: int, location: str) -> TitoError:
    if status == HTTPStatus.NOT_FOUND:
        return TitoError(
            f"there is no board at {to.url}", f"Is the address right? It is {WHERE}."
        )
    if 300 <= status < 400:
        try:
            where = urlsplit(location).hostname or to.host
        except ValueError:
            where = "an odd place"
        return TitoError(
            f"{to.host} sends us on to {text(where)}",
            "If the board has moved, name its new address: --from https://...",
        )
    if status >= 500 or status == HTTPStatus.TOO_MANY_REQUESTS:
        return LaterError(
            f"{to.host} is in trouble (it answers {status})", "Try again later."
        )
    return TitoError(f"{to.url} answers {status}", f"Is the address right? {WHERE}")


def _checked(data: bytes, name: str) -> dict[str, Any]:
    """Return the content of a file of the board.

    Raises:
        TitoError: it is none, or of another version.
    """
    try:
        facts = json.loads(data)
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict) or not isinstance(facts.get("boards"), list):
        raise TitoError(
            f"{name} is no board of a course",
            "Is the address right? Does the network want you to sign in first?",
        )
    version = facts.get("schema_version")
    if version != SCHEMA_VERSION:
        raise TitoError(
            f"the board is of version {text(str(version))}, and this tito reads "
            f"{SCHEMA_VERSION}",
            "Take tito from the newest release of the course's repository.",
        )
    return facts


def _file(project: Path, place: str) -> Path:
    name = hashlib.sha256(place.encode()).hexdigest()[:16]
    return project / notes.FOLDER / FOLDER / f"{name}.json"


def _keep(project: Path, place: str, found: Board) -> None:
    """Keep a copy; that there is no place for one is no reason to stop."""
    facts = {"at": now(), "points": found.points, "events": found.events}
    with suppress(OSError):
        notes.folder(project, FOLDER)
        notes.write(_file(project, place), json.dumps(facts).encode())


def _copy(
    project: Path, place: str
) -> tuple[dict[str, Any], dict[str, Any], str] | None:
    try:
        facts = json.loads(_file(project, place).read_bytes())
        points, events, at = facts["points"], facts["events"], facts["at"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None
    good = isinstance(points, dict) and isinstance(events, dict)
    return (points, events, at) if good and isinstance(at, str) else None
