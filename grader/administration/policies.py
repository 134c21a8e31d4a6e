"""Rounds and the policies that turn their results into marks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from grader.administration.desk import Desk, Place, desk, made
from grader.config import find_home, state_folder
from grader.errors import UsageError
from grader.marks import said_of, words
from grader.marks.attempts import counting
from grader.models.base import Model
from grader.rounds import (
    Round,
    RoundKind,
    load_round,
    new_round,
    round_file,
    round_names,
)
from grader.store.events import PolicySet

__all__ = [
    "RoundRow",
    "Terms",
    "list_rounds",
    "make_round",
    "secret_file",
    "set_policy",
]


@dataclass(frozen=True)
class Terms:
    """A policy as a command line writes it; what is None stays as it is."""

    due: str | None = None  # "2026-12-01T23:59+01:00", or "none"
    grace: str | None = None  # "15m"
    late: str | None = None  # "10%/day"
    cap: str | None = None  # "50%"
    closes: str | None = None  # "7d", or "never"
    keep: Literal["best", "last"] | None = None
    of: Literal["earned", "possible"] | None = None

    @property
    def said(self) -> bool:
        """Whether they say anything."""
        return any(value is not None for value in vars(self).values())


class RoundRow(Model):
    """One round as `grader round list` shows it; never its secret."""

    name: str
    kind: RoundKind | None  # None: it has neither secret nor results
    created_at: datetime | None  # None: it has no secret here
    due_at: datetime | None
    policy: str  # in words
    results: int  # that count
    students: int


def make_round(
    place: Place, name: str, kind: RoundKind, terms: Terms, by: str
) -> tuple[Round, PolicySet | None]:
    """Make a round with a fresh secret, and its policy if any terms are given.

    Raises:
        GraderError: the name is taken, a term is not clear, or nobody stands for it.
    """
    if not terms.said:  # which needs no store
        return new_round(state_folder(find_home(place.course)), name, kind), None
    with desk(place) as at:
        policy = changed(PolicySet(round=name, by="nobody"), terms, by)
        made_round = new_round(at.state, name, kind)
        at.store.record("", policy)
        return made_round, policy


def secret_file(place: Place, name: str) -> Path:
    """Return where the secret of a round is kept."""
    return round_file(state_folder(find_home(place.course)), name)


def set_policy(place: Place, name: str, terms: Terms, by: str) -> PolicySet:
    """Append a new policy of a round: the one that holds, changed.

    Raises:
        GraderError: there is no such round, or a term is not clear.
    """
    with desk(place) as at:
        round_ = at.round(name)
        if not terms.said:
            msg = "nothing would change"
            raise UsageError(msg, hint="grader round set week-1 --due ... --by ...")
        policy = changed(at.said(round_).policy, terms, by)
        at.store.record("", policy)
        return policy


def list_rounds(place: Place) -> list[RoundRow]:
    """Return all rounds that have a secret or results.

    Raises:
        GraderError: the store or a round cannot be read.
    """
    with desk(place) as at:
        return list(_rows(at))


def _rows(at: Desk) -> Iterator[RoundRow]:
    secret = set(round_names(at.state))
    graded = counting(at.export)
    for name in at.rounds:
        kept = load_round(at.state, name) if name in secret else None
        results = [r.summary for _, r in graded if r.summary.round == name]
        policy = said_of(at.export, name).policy
        yield RoundRow(
            name=name,
            kind=kept.kind if kept else results[-1].round_kind if results else None,
            created_at=kept.created_at if kept else None,
            due_at=policy.due_at,
            policy=words.policy_words(policy),
            results=len(results),
            students=len({one.student for one in results} - {""}),
        )


def changed(before: PolicySet, terms: Terms, by: str) -> PolicySet:
    """Return a policy with `terms` in place of what it said.

    Raises:
        UsageError: a term is not clear, or nobody stands for it.
    """
    if not by.strip():
        raise UsageError("who sets this policy?", hint='`--by "A. Teacher"`')
    found: dict[str, Any] = {"by": by}
    for name, (key, read) in _READ.items():
        text = getattr(terms, name)
        if text is not None:
            found[key] = _term(name, text, read)
    return made(lambda: PolicySet(**dict(before) | found))


def _term(name: str, text: str, read: Callable[[str], Any]) -> Any:
    if text in _OFF.get(name, ()):
        return None
    try:
        return read(text)
    except words.UnclearError as exc:
        raise UsageError(f"`--{name}` {exc}", hint=exc.hint) from exc


_READ: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "due": ("due_at", words.moment),
    "grace": ("grace_s", words.span_s),
    "late": ("per_day", words.share_a_day),
    "cap": ("most", words.share),
    "closes": ("closes_after_days", words.whole_days),
    "keep": ("keep", str),
    "of": ("of", str),
}
_OFF: Final = {"due": ("none", "never"), "closes": ("none", "never")}
