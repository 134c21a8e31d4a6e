"""A preload of `dask worker` that makes it fail in the way its environment names.

FAULT_ENGINE    the version of the engine that it claims to be
FAULT_KILLER    SIGKILL to itself when it grades this student
FAULT_SLEEPER   sleeps when it grades this student ("*": anybody), and makes the file
FAULT_BEGAN     as soon as it does
FAULT_BUG       an exception when it grades this student
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import grader
from grader.batch import remote_task
from grader.container.request import unpack
from grader.models.report import GradeReport

SLEEP_S = 240.0  # longer than any batch of these tests
# Dask loads a preload twice.
real = getattr(remote_task._graded, "real", remote_task._graded)


def graded(request: bytes, inner: remote_task.Inner) -> GradeReport:
    student = unpack(request, Path(os.devnull))[0].student
    if student == os.environ.get("FAULT_KILLER"):
        os.kill(os.getpid(), signal.SIGKILL)
    if student == os.environ.get("FAULT_BUG"):
        raise ZeroDivisionError(student)
    if os.environ.get("FAULT_SLEEPER") in (student, "*"):
        Path(os.environ["FAULT_BEGAN"]).touch()
        time.sleep(SLEEP_S)
    return real(request, inner)


graded.real = real  # type: ignore[attr-defined]
remote_task._graded = graded
grader.__version__ = os.environ.get("FAULT_ENGINE", grader.__version__)
