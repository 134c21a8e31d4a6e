"""Regrading gives an attempt another result, not a later place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from reports.samples import digest, report

from grader.batch.regrade import changes, chosen
from grader.models.report import GradeReport
from grader.store import Store
from grader.store.attempts import attempts
from grader.store.events import RegradeSet
from grader.store.jobs import Wanted

FIRST, SECOND = digest("first try"), digest("second try")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store")
    yield opened
    opened.close()


def result(submission: str, earned: float, minutes: int) -> GradeReport:
    made = report("ann", modules=(), milestones=(), minutes=minutes)
    verdict = dict(made.verdict) | {"submission": submission, "earned": earned}
    changed = dict(made) | {"verdict": type(made.verdict).model_validate(verdict)}
    return GradeReport.model_validate(changed)


def regraded(store: Store, graded: GradeReport, key: str = "sha256:job") -> str:
    store.jobs.want([Wanted(key, "kept", "ann", "fix")])
    store.jobs.lease([key], "me")
    assert store.jobs.accept(key, "me", graded)
    (job,) = store.jobs.rows([key])
    return job.document or ""


def apply(store: Store, *documents: str) -> None:
    ending = RegradeSet(name="fix", state="applied", round="one", by="me")
    store.end_regrade(ending, [("ann", each) for each in documents])


def test_a_regraded_attempt_keeps_its_place(store: Store) -> None:
    store.add_report(result(FIRST, 3.0, 0))
    last = store.add_report(result(SECOND, 5.0, 1))
    apply(store, regraded(store, result(FIRST, 9.0, 2)))

    found = attempts(store.export())

    assert [g.summary.earned for g in found] == [3.0, 9.0, 5.0]
    assert found[-1].stored.digest == last
    assert found[0].attempt == found[1].attempt != found[2].attempt


def test_a_result_of_a_set_counts_only_once_it_is_applied(store: Store) -> None:
    store.add_report(result(FIRST, 3.0, 0))
    document = regraded(store, result(FIRST, 9.0, 2))
    assert [g.summary.earned for g in attempts(store.export())] == [3.0]

    apply(store, document)

    assert [g.summary.earned for g in attempts(store.export())] == [3.0, 9.0]


def test_each_attempt_is_chosen_once_by_its_latest_valid_result(store: Store) -> None:
    old = store.add_report(result(FIRST, 3.0, 0))
    store.add_report(result(FIRST, 4.0, 1))
    gone = store.add_report(result(SECOND, 5.0, 2))
    store.withdraw(gone, by="me", reason="a test")
    one = store.reports()[0].report.verdict

    found = chosen(store.export(), one.round, one.profile)

    assert [g.summary.earned for g in found] == [4.0]
    assert old != found[0].stored.digest


def test_a_change_is_held_against_what_counted(store: Store) -> None:
    store.add_report(result(FIRST, 3.0, 0))
    store.add_report(result(FIRST, 4.0, 1))
    regraded(store, result(FIRST, 9.0, 2))

    (change,) = changes(store.export(), store.jobs.of_set("fix"), store)

    assert change.old is not None
    assert (change.old.earned, change.by) == (4.0, 5.0)


def test_a_set_ends_once(store: Store) -> None:
    store.add_report(result(FIRST, 3.0, 0))
    document = regraded(store, result(FIRST, 9.0, 2))
    apply(store, document)

    with pytest.raises(Exception, match="has ended already"):
        apply(store, document)
    assert len(attempts(store.export())) == 2
