"""Submissions that the service takes in: each once, with its work and its time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from reports.samples import report

from grader.store import Store
from grader.store.events import Submitted
from grader.store.jobs import Wanted
from grader.store.received import TooManyError
from store.arrivals import START, Clock, sent

MANY = 99


def test_row_work_and_time_are_written_together(store: Store) -> None:
    new = sent("ann")

    assert store.inbox.receive(new, "label", MANY) == (new.id, True)

    (standing,) = store.inbox.standing(ids=[new.id])
    assert (standing.received, standing.state) == (new, "waiting")
    assert [job.label for job in store.jobs.rows([new.key])] == ["label"]
    (event,) = store.events()
    assert event.student == "ann"
    assert event.payload == Submitted(
        round="one", submission=new.digest, at=START, told_by="received"
    )


def test_the_same_again_is_the_first(store: Store) -> None:
    store.inbox.receive(sent("ann"), "label", MANY)

    again = sent("ann", id_="s-another", at=START + timedelta(hours=9))

    assert store.inbox.receive(again, "label", MANY) == ("s-ann-0", False)
    assert len(store.events()) == 1


def test_the_same_from_another_student_or_in_another_round_is_new(
    store: Store,
) -> None:
    store.inbox.receive(sent("ann"), "label", MANY)
    other = replace(sent("ann", id_="s-x"), round="two", key="sha256:x")

    assert store.inbox.receive(sent("ben"), "label", MANY)[1]
    assert store.inbox.receive(other, "label", MANY)[1]


def test_nothing_is_written_where_the_event_cannot_be(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("grader.store.received.Inbox._event", fail)

    with pytest.raises(KeyboardInterrupt):
        store.inbox.receive(sent("ann"), "label", MANY)

    assert store.inbox.standing(students=["ann"]) == []
    assert store.jobs.rows([sent("ann").key]) == []


def test_work_that_a_batch_has_done_already_is_not_asked_for_again(
    store: Store,
) -> None:
    new = sent("ann")
    store.jobs.want([Wanted(new.key, "batch", "ann")])
    store.jobs.lease([new.key], "worker")
    store.jobs.refuse(new.key, "worker", "no archive")

    store.inbox.receive(new, "label", MANY)

    (standing,) = store.inbox.standing(students=["ann"])
    assert (standing.state, standing.message) == ("refused", "no archive")


def test_who_waits_before(store: Store, clock: Clock) -> None:
    for name in ("ann", "ben", "cem"):
        clock.forward(seconds=1)
        store.inbox.receive(sent(name, at=clock.now), "label", MANY)
    store.jobs.lease_received("worker")

    ahead = {
        s.received.student: (s.state, s.ahead)
        for s in store.inbox.standing(students=["ann", "ben", "cem"])
    }

    assert ahead == {
        "ann": ("leased", 0),
        "ben": ("waiting", 0),
        "cem": ("waiting", 1),
    }


def test_more_than_so_many_an_hour_are_refused_until_one_is_old(
    store: Store, clock: Clock
) -> None:
    for number in range(2):
        store.inbox.receive(sent("ann", number, at=clock.now), "label", 2)
        clock.forward(minutes=10)

    with pytest.raises(TooManyError) as refused:
        store.inbox.receive(sent("ann", 7, at=clock.now), "label", 2)
    assert refused.value.again_at == START + timedelta(hours=1)
    assert store.inbox.left("ann", 2) == 0

    assert store.inbox.receive(sent("ben", 7, at=clock.now), "label", 2)[1]
    assert store.inbox.receive(sent("ann", 0), "label", 2) == ("s-ann-0", False)
    clock.now = refused.value.again_at
    assert store.inbox.receive(sent("ann", 7, at=clock.now), "label", 2)[1]


@pytest.mark.parametrize("how", ["failed", "unclear"])
def test_what_failed_for_our_reasons_does_not_count(store: Store, how: str) -> None:
    store.inbox.receive(sent("ann"), "label", 1)
    job = store.jobs.lease_received("worker")
    assert job is not None
    if how == "failed":
        store.jobs.fail(job.key, "worker", "no sandbox")
    else:
        assert store.jobs.accept(job.key, "worker", report("ann"))  # in part unclear

    assert store.inbox.left("ann", 1) == 1
    assert store.inbox.receive(sent("ann", 1), "label", 1)[1]


def test_only_what_was_taken_in_is_leased(store: Store) -> None:
    store.jobs.want([Wanted("sha256:batch", "batch", "zoe")])
    store.inbox.receive(sent("ann"), "label", MANY)

    job = store.jobs.lease_received("worker")
    assert job is not None
    assert job.student == "ann"
    assert store.jobs.lease_received("worker") is None


def test_waiting_work_goes_under_another_key(store: Store) -> None:
    new = sent("ann")
    store.inbox.receive(new, "label", MANY)

    assert store.inbox.rekey(new.key, "sha256:new")

    (standing,) = store.inbox.standing(ids=[new.id])
    assert (standing.received.key, standing.state) == ("sha256:new", "waiting")
    assert store.jobs.rows([new.key]) == []
    assert not store.inbox.rekey(new.key, "sha256:newer")


def test_work_that_is_there_under_the_other_key_is_what_counts(store: Store) -> None:
    new = sent("ann")
    store.inbox.receive(new, "label", MANY)
    store.jobs.want([Wanted("sha256:new", "batch", "ann")])
    store.jobs.lease(["sha256:new"], "worker")

    assert store.inbox.rekey(new.key, "sha256:new")

    (standing,) = store.inbox.standing(ids=[new.id])
    assert standing.state == "leased"


def test_work_in_hand_keeps_its_key(store: Store) -> None:
    new = sent("ann")
    store.inbox.receive(new, "label", MANY)
    store.jobs.lease_received("worker")

    assert not store.inbox.rekey(new.key, "sha256:new")

    assert store.inbox.of_key(new.key) == new
    assert list(store.inbox.keys(["leased"])) == [new.key]
    assert store.inbox.counts() == {"leased": 1}
