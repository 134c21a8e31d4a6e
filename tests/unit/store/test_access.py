"""Tokens, links and sessions: told once, kept as hashes, ended for good."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from grader.roster import Person
from grader.store import Store
from grader.store.access import KEPT, Who, new_secret
from store.arrivals import Clock

ANN = Who("student", "ann")
HOUR = timedelta(hours=1)


def state(store: Store, token: str, clock: Clock) -> str:
    found = store.access.find("token", token)
    return found.state(clock.now) if found else "unknown"


def test_a_token_is_kept_as_a_hash_alone(store: Store, tmp_path: Path) -> None:
    token = store.access.issue("token", ANN)

    assert re.fullmatch(r"tt_[A-Za-z0-9_-]{43}", token)
    kept = (tmp_path / "store" / "events.db").read_bytes()
    assert token.encode() not in kept
    assert token[3:].encode() not in kept
    found = store.access.find("token", token)
    assert found is not None
    assert found.who == ANN


def test_a_token_expires_and_is_revoked(store: Store, clock: Clock) -> None:
    short, long = (
        store.access.issue("token", ANN, HOUR),
        store.access.issue("token", ANN),
    )
    assert state(store, short, clock) == state(store, long, clock) == "valid"

    clock.forward(hours=1)
    assert (state(store, short, clock), state(store, long, clock)) == (
        "expired",
        "valid",
    )

    assert store.access.revoke(ANN) == 2
    assert state(store, long, clock) == "ended"
    assert store.access.revoke(ANN) == 0


def test_who_is_called_like_a_student_is_another(store: Store, clock: Clock) -> None:
    token = store.access.issue("token", Who("staff", "ann"))

    store.access.revoke(ANN)

    assert state(store, token, clock) == "valid"


@pytest.mark.parametrize("guess", ["", "tt_", "tt_" + "A" * 43, "x" * 10_000, "\x00"])
def test_a_guess_is_unknown(store: Store, clock: Clock, guess: str) -> None:
    store.access.issue("token", ANN)

    assert state(store, guess, clock) == "unknown"


def test_a_session_is_no_token(store: Store, clock: Clock) -> None:
    assert state(store, store.access.issue("session", ANN), clock) == "unknown"


def test_a_link_is_good_once(store: Store, clock: Clock) -> None:
    link = store.access.issue("link", ANN, HOUR)

    session, who = store.access.redeem(link, HOUR) or ("", None)

    assert who == ANN
    assert store.access.redeem(link, HOUR) is None
    found = store.access.find("session", session)
    assert found is not None
    assert found.state(clock.now) == "valid"
    assert store.access.end(session)
    assert not store.access.end(session)


@pytest.mark.parametrize("what", ["old", "revoked", "a token", "unknown"])
def test_a_void_link_opens_nothing(store: Store, clock: Clock, what: str) -> None:
    kind = "token" if what == "a token" else "link"
    link = store.access.issue(kind, ANN, HOUR)
    if what == "old":
        clock.forward(hours=2)
    elif what == "revoked":
        store.access.revoke(ANN)
    elif what == "unknown":
        link = new_secret("link")

    assert store.access.redeem(link, HOUR) is None
    assert store.access.all("session") == []


def test_of_many_who_use_a_link_at_once_one_is_let_in(store: Store) -> None:
    link = store.access.issue("link", ANN, HOUR)
    opened: list[bool] = []

    def use() -> None:
        opened.append(store.access.redeem(link, HOUR) is not None)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(opened) == [False] * 5 + [True]


def test_old_sessions_are_tidied_and_tokens_are_not(store: Store, clock: Clock) -> None:
    for kind in ("token", "link", "session"):
        store.access.issue(kind, ANN, HOUR)
    store.access.issue("session", ANN, 100 * KEPT)
    clock.now += KEPT + 2 * HOUR

    assert store.access.tidy() == 2

    assert len(store.access.all("token")) == len(store.access.all("session")) == 1


def test_people_are_put_and_nobody_is_taken_out(store: Store) -> None:
    ann, ben = Person("ann", name="Ann"), Person("ben", email="ben@example.edu")
    assert store.people.put([ben, ann]).new == ("ben", "ann")

    again = store.people.put([Person("ann", name="Ann B."), Person("cem")])

    assert (again.new, again.changed, again.missing) == (("cem",), ("ann",), ("ben",))
    assert list(store.people.all()) == ["ann", "ben", "cem"]
    assert store.people.get("ben") == ben
    assert store.people.get("eve") is None
    assert store.people.put([]).missing == ("ann", "ben", "cem")
