"""When the submissions of a batch were handed in, as its roster tells.

The committer's date of a git commit is no such time: who commits sets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from grader.batch.sources import Entry
from grader.errors import InconclusiveError, SubmissionRejectedError
from grader.intake import open_submission
from grader.store import Store
from grader.store.events import Submitted


def digests_of(entries: Iterable[Entry], package: str) -> dict[str, str]:
    """Return the submissions that are told a time of and lie on this host, by student.

    What has to be fetched is not fetched for this: its digest is known from its result.
    One that cannot be read has no digest; grading it says why.
    """
    found: dict[str, str] = {}
    for entry in entries:
        if entry.submitted_at is None or not Path(entry.source).exists():
            continue
        try:
            opened = open_submission(
                entry.source, package=package, student=entry.student
            )
        except (SubmissionRejectedError, InconclusiveError):
            continue
        found[entry.student] = opened.digest
    return found


def tell_times(
    store: Store, round_: str, entries: Iterable[Entry], digests: Mapping[str, str]
) -> int:
    """Record what the store was not told so far; return how many times that were.

    Args:
        digests: of the submission of each student.

    Raises:
        StoreError: they cannot be written.
    """
    told = {
        (e.student, e.payload.round, e.payload.submission, e.payload.at)
        for e in store.events()
        if isinstance(e.payload, Submitted)
    }
    fresh = [
        (
            entry.student,
            Submitted(
                round=round_,
                submission=digests[entry.student],
                at=entry.submitted_at,
                told_by="roster",
            ),
        )
        for entry in entries
        if entry.submitted_at is not None and entry.student in digests
        if (entry.student, round_, digests[entry.student], entry.submitted_at)
        not in told
    ]
    store.record_all(fresh)
    return len(fresh)
