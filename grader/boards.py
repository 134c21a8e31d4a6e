"""What staff decide about public boards: freeze, reveal, withdraw."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from grader.errors import UsageError
from grader.history import SHORTEST
from grader.store import Export, Store, Withdrawn
from grader.store.events import BoardFrozen, GradedAt, Measured

COMPETITION: Final = "tinymlperf"


class Standing(NamedTuple):
    """One board: whether it is frozen, since when, and who said so last."""

    board: str
    frozen: bool
    at: datetime | None
    by: str


def standings(export: Export, rounds: Iterable[str] = ()) -> list[Standing]:
    """Return all boards: of each round, and of the competition.

    Args:
        rounds: those of the course; the others are the store's.
    """
    known: dict[str, Standing] = {}
    names = [*rounds, *(result.summary.round for result in export.results)]
    for name in dict.fromkeys([*names, COMPETITION]):
        known[name] = Standing(name, frozen=False, at=None, by="")
    for event in export.events:
        match event.payload:
            case BoardFrozen(board=board, frozen=frozen, by=by):
                known[board] = Standing(board, frozen, event.at, by)
            case _:
                pass
    return list(known.values())


def freeze(
    store: Store, board: str, rounds: Iterable[str] = (), *, frozen: bool, by: str
) -> None:
    """Freeze a board as it is now, or reveal what came since.

    Raises:
        UsageError: there is no such board, or it is so already.
    """
    known = {one.board: one for one in standings(store.export(), rounds)}
    if board not in known:
        msg = f"there is no board {board!r}"
        raise UsageError(msg, hint=f"Boards: {', '.join(known)}.")
    was = known[board]
    if was.frozen == frozen:
        since = f" since {was.at:%Y-%m-%d %H:%M} UTC" if was.at and frozen else ""
        msg = f"the board {board!r} is {'frozen' if frozen else 'not frozen'}{since}"
        raise UsageError(msg, hint="`grader board status` lists all boards.")
    store.record("", BoardFrozen(board=board, frozen=frozen, by=by))


def withdraw(store: Store, wanted: str, *, by: str, reason: str) -> str:
    """Let a result or a session no longer count; return its digest.

    It stays in the history, and the board keeps a line that says so.

    Args:
        wanted: a digest, or the beginning of one, as `grader history` shows it.

    Raises:
        UsageError: there is no such result or session, more than one, or it is
            withdrawn already.
    """
    events = store.export().events
    name = wanted.removeprefix("sha256:")
    owners = {
        event.document: event.student
        for event in events
        if event.document and isinstance(event.payload, GradedAt | Measured)
    }
    alike = [d for d in owners if d.removeprefix("sha256:").startswith(name)]
    if len(name) < SHORTEST or not alike:
        msg = f"no result or session {wanted!r} is stored"
        raise UsageError(msg, hint="Name a digest as `grader history` shows it.")
    if len(alike) > 1:
        msg = f"{wanted!r} is the beginning of {len(alike)} digests"
        raise UsageError(msg, hint="Give more of it.")
    (digest,) = alike
    if any(e.document == digest and isinstance(e.payload, Withdrawn) for e in events):
        raise UsageError(f"{digest} is withdrawn already", hint="Nothing was changed.")
    store.record(owners[digest], Withdrawn(by=by, reason=reason), document=digest)
    return digest
