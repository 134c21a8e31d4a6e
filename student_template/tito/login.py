"""`tito login`: store your token, once it was tried."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tito import notes, tokens
from tito.errors import LaterError, TitoError
from tito.line import server
from tito.parcel import moment
from tito.problems import text
from tito.roads import destination
from tito.screen import say
from tito.service import Service

MOST = 1000  # characters of a line that could hold a token


def login(project: Path, to: str) -> None:
    """Read a token from the terminal, without showing it, or from standard input.

    Raises:
        TitoError: it is none, or the service does not take it; it is not stored then.
    """
    if sys.stdin.isatty():
        given = click.prompt("Token (it is not shown)", hide_input=True, err=True)
    else:
        given = sys.stdin.readline(MOST)
    token = tokens.check(given.strip(), "what was given is")
    place = destination(to, project)
    if place.startswith(("https://", "http://")):
        _try(project, Service(server(place), token))
    else:
        say("note     no service is known here, so the token was not tried")
    tokens.store(project, token)
    say(f"stored   {tokens.FILE}; only you can read it, and git leaves it out")


def _try(project: Path, service: Service) -> None:
    try:
        me = service.me()
    except LaterError as error:
        say(f"note     not tried: {error.message}", "yellow")
        return
    student, name = text(me.get("student")), text(me.get("name"))
    if not student:
        raise TitoError(
            f"what {service.to.url} answers is not what the course's service would",
            "Is the address right?",
        )
    say(f"hello    {name or student}, student {student}")
    if round_ := text(me.get("round")):
        due = text(me.get("due_at"))
        say(f"round    {round_}" + (f", due {moment(due)}" if due else ""))
    _remember(project, student)


def _remember(project: Path, student: str) -> None:
    """Write `.student` where there is none; say if it is somebody else's."""
    path = project / ".student"
    try:
        there = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        there = ""
    if not there:
        notes.write(path, f"{student}\n".encode())
        say(f"student  {student}, noted in .student")
    elif there != student:
        say(f"warning  .student says {there}, the token is of {student}", "yellow")
