"""Send what waits, oldest first, and say what became of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tito import notes, receipts, waiting
from tito.errors import FAILED, KEPT, LaterError, RefusedError, TitoError
from tito.package import KIB
from tito.parcel import Parcel, Receipt, Road, moment
from tito.roads import road
from tito.screen import say
from tito.service import FINAL, answer
from tito.tell import lines, what
from tito.waiting import Kept

AGAIN = (
    "next     as soon as you are online: tito submit --queued\n"
    "         What counts is when it arrives there, not when it was packed."
)


def hand_over(project: Path, way: Road, parcel: Parcel, *, chosen: bool) -> int:
    """Hand in one parcel, after what waits; return the exit code.

    Raises:
        TitoError: it was not handed in, and is not kept.
    """
    if way.keeps:
        return send_all(project, waiting.keep(project, parcel))
    got = way.hand_in(parcel)
    _note(project, got)
    say(f"digest   {parcel.digest}")
    say(f"bundle   {got.place}, {len(parcel.data) / KIB:.1f} KiB")
    say(f"next     {_folder_next(chosen=chosen, new=got.new)}")
    return 0


def send_early(project: Path) -> None:
    """Send what waits before anything else is looked at; a problem is told later."""
    found, _damaged = waiting.everything(project)
    with _interruption(found):
        for kept in found:
            try:
                got = road(kept.parcel.to, project).hand_in(kept.parcel)
            except TitoError as error:
                say(f"note     {what(kept.parcel)} waits: {error.message}")
                return
            _done(project, kept, got)


def send_all(project: Path, mine: Kept | None = None, *, to: str = "") -> int:
    """Send all that waits; return the exit code.

    A place that cannot be reached keeps all that is meant for it: what was packed first
    arrives first.

    Args:
        mine: what was packed just now; told in full.
        to: where to send everything; empty: where each was meant to go.
    """
    found, damaged = waiting.everything(project)
    closed: set[str] = set()
    code = 0
    with _interruption(found):
        for kept in found:
            place = to or kept.parcel.to
            if place in closed:
                code = code or KEPT
                continue
            problem = _send(project, kept, place, mine)
            code = code or problem
            if problem and kept.folder.exists():
                closed.add(place)
    for folder in damaged:
        say(f"warning  {folder} is damaged and was left as it is", "yellow")
    left, _damaged = waiting.everything(project)
    say_kept(left)
    return code


def _send(project: Path, kept: Kept, place: str, mine: Kept | None) -> int:
    own = mine is not None and kept.folder == mine.folder
    try:
        got = road(place, project).hand_in(replace(kept.parcel, to=place))
    except RefusedError as error:
        aside = waiting.set_aside(project, kept).relative_to(project)
        say(f"refused  {what(kept.parcel)}; it now lies in {aside}")
        error.show()
        return FAILED
    except LaterError as error:
        error.show()
        return KEPT
    except TitoError as error:
        error.show()
        return FAILED
    _done(project, kept, got, tell=not own)
    if own:
        _show_mine(kept.parcel, got, place)
    return 0


def _done(project: Path, kept: Kept, got: Receipt, *, tell: bool = True) -> None:
    _note(project, got)
    waiting.drop(kept)
    if tell:
        again = "" if got.new else " (it had arrived before)"
        say(f"sent     {what(kept.parcel)}: {got.id}{again}{_arrived(got)}")


def _note(project: Path, got: Receipt) -> None:
    """Write the receipt; it was handed in even if there is no place for that."""
    try:
        receipts.save(project, got)
    except OSError as error:
        why = error.strerror or error
        say(f"warning  it is handed in, but the receipt has no place: {why}", "yellow")


@contextmanager
def _interruption(found: list[Kept]) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        say_kept([kept for kept in found if kept.folder.exists()])
        raise


def say_kept(left: list[Kept]) -> None:
    """Say what is not handed in yet, and what to do."""
    for kept in left:
        say(f"kept     {what(kept.parcel)}: not handed in yet, to {kept.parcel.to}")
    if left:
        say(AGAIN)


def _show_mine(parcel: Parcel, got: Receipt, place: str) -> None:
    say(f"digest   {parcel.digest}")
    say(f"sent     to {place}, {len(parcel.data) / KIB:.1f} KiB")
    if not got.new:
        say("again    exactly this was handed in before")
    say(f"id       {got.id}")
    if got.answer:
        for line in lines(answer(got.answer)):
            say(line)
    say(f"receipt  {notes.FOLDER}/{receipts.FOLDER}/{receipts.file(got.id)}")
    say(f"next     {_next(got)}")


def _next(got: Receipt) -> str:
    if not got.answer:
        return "nothing: your course collects it from the remote"
    if answer(got.answer).state in FINAL:
        return "nothing: it is handed in; hand in again whenever you have more"
    return "tito status --wait"


def _arrived(got: Receipt) -> str:
    if not got.answer:
        return ""
    return f", received {moment(answer(got.answer).received_at)}"


def _folder_next(*, chosen: bool, new: bool) -> str:
    if not chosen:
        return "no SUBMIT_TO was given: upload the file above as your course says"
    if not new:
        return "nothing: exactly this was handed in before"
    return "nothing: it is handed in; hand in again whenever you have more"
