"""One worker of a batch: lease, grade, end, until nothing is left.

Started as `python -m grader.batch.worker` with its orders as JSON on standard input.
It dies with the process that started it, and its sandboxes with it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from grader.batch.orders import Orders
from grader.batch.work import BEAT_S, told
from grader.config import find_home, load_course
from grader.container.host import PATIENCE_S
from grader.errors import (
    GraderError,
    SandboxUnavailableError,
    SubmissionRejectedError,
)
from grader.grading import GradeOptions, grade_submission
from grader.intake import open_submission
from grader.store import Store
from grader.store.jobs import Job, Jobs

PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Work until no key is free."""
    # A coordinator that is killed must not leave workers behind.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the coordinator's
    orders = Orders.model_validate_json(sys.stdin.buffer.read())
    if os.getppid() != orders.coordinator:
        return  # it was killed before we asked to die with it
    store = Store.open(Path(orders.store), url=orders.url)
    jobs, keys = store.jobs, list(orders.sources)
    patience_s = PATIENCE_S
    package = load_course(find_home(Path(orders.course)).course_file).package
    while (job := jobs.lease(keys, orders.owner)) is not None:
        options = replace(orders.options(), student=job.student, patience_s=patience_s)
        with _held(jobs, job, orders.owner):
            if not _one(store, job, orders, options, package):
                patience_s = 0.0  # was waited for once: thousands would take days
    store.close()


def _one(
    store: Store, job: Job, orders: Orders, options: GradeOptions, package: str
) -> bool:
    """Grade one submission and end its work, whatever happens.

    Returns:
        False if no sandbox could be had for it.
    """
    jobs = store.jobs
    try:
        source = orders.sources[job.key]
        submission = open_submission(source, package=package, student=job.student)
        store.keep_source(submission, package)
        report = grade_submission(submission, options)
    except SubmissionRejectedError as exc:
        jobs.refuse(job.key, orders.owner, told(exc))
    except GraderError as exc:
        jobs.fail(job.key, orders.owner, told(exc))
        return not isinstance(exc, SandboxUnavailableError)
    else:
        jobs.accept(job.key, orders.owner, report)
    return True


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
