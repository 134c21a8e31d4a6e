"""One worker: lease, grade, end, until nothing is left.

Started as `python -m grader.batch.worker` with its orders as JSON on standard input.
It dies with the process that started it, and its sandboxes with it.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from grader.batch.orders import Orders
from grader.batch.work import BEAT_S, LOOK_S, told
from grader.config import find_home, load_course
from grader.container.host import PATIENCE_S
from grader.errors import (
    GraderError,
    SandboxUnavailableError,
    StoreError,
    SubmissionRejectedError,
)
from grader.grading import GradeOptions, grade_submission, record_oracle
from grader.intake import open_submission
from grader.models.submission import Submission
from grader.store import Store
from grader.store.jobs import Job, Jobs

PR_SET_PDEATHSIG: Final = 1
LINGER_S: Final = 60.0  # that a worker of the service waits: starting takes seconds
_log = logging.getLogger(__name__)


def main() -> None:
    """Work until no key is free."""
    # A coordinator that is killed must not leave workers behind.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the coordinator's
    orders = Orders.model_validate_json(sys.stdin.buffer.read())
    if os.getppid() != orders.coordinator:
        return  # it was killed before we asked to die with it
    store = Store.open(Path(orders.store), url=orders.url)
    if orders.record:
        _record(orders)
    package = load_course(find_home(Path(orders.course)).course_file).package
    options = replace(orders.options(), patience_s=PATIENCE_S)
    while (job := _next(store.jobs, orders)) is not None:
        with _held(store.jobs, job, orders.owner):
            sandboxed = _one(store, job, orders, options, package)
        # An engine is waited for once: thousands would take days.
        options = replace(options, patience_s=PATIENCE_S if sandboxed else 0.0)
    store.close()


def _record(orders: Orders) -> None:
    try:
        record_oracle(orders.options())
    except GraderError as exc:  # what is not recorded is asked live
        _log.warning("the oracle's answers are not recorded: %s", exc.message)


def _next(jobs: Jobs, orders: Orders) -> Job | None:
    """Lease the next work; what the service takes in is waited for a while."""
    if not orders.received:
        return jobs.lease(list(orders.sources), orders.owner)
    until = time.monotonic() + LINGER_S
    while (job := jobs.lease_received(orders.owner)) is None:
        if time.monotonic() >= until:
            return None
        time.sleep(LOOK_S)
    return job


def _one(
    store: Store, job: Job, orders: Orders, options: GradeOptions, package: str
) -> bool:
    """Grade one submission and end its work, whatever happens.

    Returns:
        False if no sandbox could be had for it.
    """
    jobs = store.jobs
    try:
        submission = _opened(store, job, orders, package)
        store.keep_source(submission, package)
        round_ = submission.round if orders.received else options.round
        options = replace(options, student=job.student, round=round_)
        report = grade_submission(submission, options)
    except SubmissionRejectedError as exc:
        jobs.refuse(job.key, orders.owner, told(exc))
    except GraderError as exc:
        jobs.fail(job.key, orders.owner, told(exc))
        return not isinstance(exc, SandboxUnavailableError)
    else:
        jobs.accept(job.key, orders.owner, report)
    return True


def _opened(store: Store, job: Job, orders: Orders, package: str) -> Submission:
    """Open a submission where it is; one that the service took in is in the store.

    Raises:
        GraderError: it is refused, or its files were not kept.
    """
    if not orders.received:
        source = orders.sources[job.key]
        return open_submission(source, package=package, student=job.student)
    received = store.inbox.of_key(job.key)
    path = store.source(received.digest) if received else None
    if received is None or path is None:
        msg = "the files of this submission were not kept"
        raise StoreError(msg, hint="restore `sources` of the store from a backup")
    opened = open_submission(str(path), package=package, student=job.student)
    # The bundle is without names and notes: it may be somebody else's, too.
    known = {"label": received.id, "round": received.round, "notes": received.notes}
    return Submission.model_validate(dict(opened) | known)


@contextmanager
def _held(jobs: Jobs, job: Job, owner: str) -> Iterator[None]:
    """Renew the lease from a thread, for gradings that take longer."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT_S):
            if not jobs.renew(job.key, owner):
                return

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


if __name__ == "__main__":
    main()
