"""The job table: leases, one accepted result, and what ends its worker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from reports.samples import good, report

from grader.store import Store
from grader.store.jobs import LEASE, MOST_ATTEMPTS, Jobs, Wanted

START = datetime(2026, 3, 1, tzinfo=UTC)
KEYS = ["sha256:a", "sha256:b"]


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store", now=clock)
    yield opened
    opened.close()


@pytest.fixture
def jobs(store: Store) -> Jobs:
    store.jobs.want([Wanted(key, f"work/{key}", "ann") for key in KEYS])
    return store.jobs


def states(jobs: Jobs) -> list[str]:
    return [job.state for job in jobs.rows(KEYS)]


def test_wanting_twice_adds_nothing(jobs: Jobs) -> None:
    jobs.want([Wanted(KEYS[0], "elsewhere", "ann")])

    assert [job.label for job in jobs.rows(KEYS)] == [f"work/{key}" for key in KEYS]


def test_each_work_is_leased_once(jobs: Jobs) -> None:
    leased = [jobs.lease(KEYS, owner) for owner in ("one", "two", "three")]

    assert [job and job.key for job in leased] == [*KEYS, None]
    assert states(jobs) == ["leased", "leased"]


def test_many_workers_never_hold_the_same(store: Store) -> None:
    keys = [f"sha256:{i}" for i in range(40)]
    store.jobs.want([Wanted(key, key, "ann") for key in keys])
    taken: list[str] = []

    def work(owner: str) -> None:
        while (job := store.jobs.lease(keys, owner)) is not None:
            taken.append(job.key)

    threads = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == sorted(keys)


def test_a_result_counts_once(store: Store, jobs: Jobs) -> None:
    result = report(modules=good())
    jobs.lease(KEYS, "one")

    assert jobs.accept(KEYS[0], "one", result)
    assert not jobs.accept(KEYS[0], "one", result)
    assert states(jobs) == ["graded", "waiting"]
    assert len(store.events()) == 1
    assert store.reports()[0].report == result
    assert jobs.rows(KEYS)[0].document == store.reports()[0].digest


def test_a_lease_that_ran_out_is_given_to_another(
    store: Store, jobs: Jobs, clock: Clock
) -> None:
    jobs.lease(KEYS[:1], "slow")
    clock.now += LEASE + timedelta(seconds=1)
    taken = jobs.lease(KEYS[:1], "quick")

    assert taken is not None
    assert not jobs.accept(KEYS[0], "slow", report(modules=good()))
    assert store.events() == ()
    assert jobs.accept(KEYS[0], "quick", report(modules=good()))
    assert len(store.events()) == 1


def test_a_lease_can_be_renewed_by_its_holder_alone(jobs: Jobs, clock: Clock) -> None:
    jobs.lease(KEYS[:1], "one")
    clock.now += LEASE / 2

    assert jobs.renew(KEYS[0], "one")
    assert not jobs.renew(KEYS[0], "two")
    clock.now += LEASE * 0.75
    assert jobs.lease(KEYS[:1], "two") is None


def test_what_ends_its_worker_three_times_is_set_aside_alone(jobs: Jobs) -> None:
    for attempt in range(MOST_ATTEMPTS):
        owner = f"worker {attempt}"
        job = jobs.lease(KEYS[:1], owner)
        assert job is not None
        assert jobs.release(owner, died=True) == 1

    assert jobs.release("nobody", died=True) == 0
    assert jobs.lease(KEYS[:1], "next") is None
    assert states(jobs) == ["failed", "waiting"]
    assert "three times" in jobs.rows(KEYS[:1])[0].message


def test_a_worker_that_was_stopped_is_not_blamed(jobs: Jobs) -> None:
    for attempt in range(5):
        jobs.lease(KEYS[:1], f"worker {attempt}")
        jobs.release(f"worker {attempt}")

    assert states(jobs) == ["waiting", "waiting"]


def test_inconclusive_waits_to_be_asked_for_again(store: Store, jobs: Jobs) -> None:
    jobs.lease(KEYS, "one")
    jobs.accept(KEYS[0], "one", report())

    assert states(jobs) == ["unclear", "waiting"]
    assert jobs.again(KEYS, ["unclear"]) == 1
    assert states(jobs) == ["waiting", "waiting"]
    assert len(store.events()) == 1  # nothing is forgotten


def test_what_is_refused_or_fails_says_why(jobs: Jobs) -> None:
    jobs.lease(KEYS, "one")
    jobs.lease(KEYS, "two")
    jobs.refuse(KEYS[0], "one", "no folder tinytorch/")
    jobs.fail(KEYS[1], "two", "no wall")

    assert [(j.state, j.message) for j in jobs.rows(KEYS)] == [
        ("refused", "no folder tinytorch/"),
        ("failed", "no wall"),
    ]


def test_owners_are_those_who_hold_something(jobs: Jobs) -> None:
    jobs.lease(KEYS, "one")
    jobs.lease(KEYS, "two")
    jobs.refuse(KEYS[0], "one", "")

    assert jobs.owners(KEYS) == {"two"}
