"""Each limit has a verdict of its own, in time, and nothing survives it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator

import pytest

from grader.checks.remote import Session
from grader.models.measure import Isolation, Limits
from grader.models.outcome import Limit
from grader.models.submission import SourceFile
from grader.sandbox import Died, LimitHit, Package, StudentError, Wall, Zygote, choose
from grader.sandbox.wall import _readable_problem

CEILING = Limits(cpu_s=60, memory_bytes=2**31, processes=64)
LATE_S = 1.0
SOURCE = b"""
import mmap
import os
import signal
import threading
import time

import numpy as np


def spin():
    while True:
        pass


def deaf_spin():
    for number in set(signal.Signals) - {9, 19}:
        signal.signal(number, signal.SIG_IGN)
    spin()


def wait():
    time.sleep(600)


def stop():
    os.kill(os.getpid(), signal.SIGSTOP)


def eat():
    return int(np.ones(2**26).sum())


def nibble():
    kept = []
    while True:
        kept.append(np.ones(2**18))
        time.sleep(0.005)


def flood():
    while True:
        os.write(1, bytes(8192))


def breed():
    while True:
        os.fork()


def leave():
    os._exit(0)


def crash():
    os.abort()


def well():
    return 42
"""


def plain_uid() -> Wall:
    """Return the wall of a root without bubblewrap."""
    return Wall(Isolation(tier="uid"), bubblewrap=False, switch_uid=True, nest=False)


def uid_problem() -> str:
    """Return why plain user ids cannot be tested here; empty if they can."""
    return _readable_problem(()) if os.geteuid() == 0 else "only root switches uids"


@pytest.fixture(scope="module", params=["strongest", "uid without bubblewrap"])
def zygote(request: pytest.FixtureRequest) -> Iterator[Zygote]:
    if request.param == "strongest":
        wall = choose("auto")
    elif problem := uid_problem():
        if "uid" in os.environ.get("GRADER_REQUIRE", ""):
            pytest.fail(problem)
        pytest.skip(problem)
    else:
        wall = plain_uid()
    names = re.findall(r"^def (\w+)", SOURCE.decode(), re.MULTILINE)
    package = Package(
        name="small",
        files=(SourceFile(path="small/__init__.py", data=SOURCE),),
        symbols=dict.fromkeys(names, ("small",)),
    )
    with Zygote(wall, package, memory=CEILING) as made:
        yield made


def attempt(
    zygote: Zygote, name: str, limits: Limits
) -> tuple[Exception | None, float]:
    """Call one function; return how it ended and the seconds that this took.

    Afterwards nothing runs in the sandbox that did not run before.
    """
    before = zygote.tree.living(zygote.tree.pids())
    group = zygote.group((), Limits())
    ended: Exception | None = None
    start = time.monotonic()
    channel = group.check(limits, seed=0)
    tt = Session(channel, set(), trusted=False).namespace()
    try:
        getattr(tt, name)()
    except (LimitHit, Died, StudentError) as exc:
        ended = exc
    done = group.finish(kill=isinstance(ended, LimitHit))
    took_s = time.monotonic() - start
    group.close()
    assert zygote.tree.living(zygote.tree.pids()) == before
    assert done.usage.cpu_s < limits.cpu_s + LATE_S
    return ended, took_s


@pytest.mark.parametrize(
    ("name", "limits", "which", "after_s"),
    [
        ("spin", Limits(cpu_s=0.3, wall_s=30), Limit.CPU, None),
        ("deaf_spin", Limits(cpu_s=0.3, wall_s=30), Limit.CPU, None),
        ("wait", Limits(wall_s=0.5), Limit.WALL, 0.5),
        ("stop", Limits(wall_s=0.5), Limit.WALL, 0.5),
        ("eat", Limits(memory_bytes=2**26, wall_s=30), Limit.MEMORY, None),
        ("nibble", Limits(memory_bytes=2**26, wall_s=30), Limit.MEMORY, None),
        ("flood", Limits(output_bytes=2**16, wall_s=30), Limit.OUTPUT, None),
    ],
    ids=["spin", "deaf_spin", "wait", "stop", "eat", "nibble", "flood"],
)
def test_limit_has_its_own_verdict_in_time(
    zygote: Zygote, name: str, limits: Limits, which: Limit, after_s: float | None
) -> None:
    ended, took_s = attempt(zygote, name, limits)

    if isinstance(ended, StudentError):  # the kernel was faster than the meter
        assert which is Limit.MEMORY
        assert ended.class_names[0] in {"MemoryError", "_ArrayMemoryError"}
    else:
        assert isinstance(ended, LimitHit)
        assert ended.which is which
    if after_s is not None:
        assert after_s <= took_s < after_s + LATE_S


def test_forking_ends_at_the_limit_of_processes(zygote: Zygote) -> None:
    ended, _ = attempt(zygote, "breed", Limits(cpu_s=2, wall_s=30))

    if isinstance(ended, StudentError):
        assert ended.class_names[0] in {"BlockingIOError", "PermissionError"}
    else:
        assert isinstance(ended, LimitHit)
        assert ended.which is Limit.PROCESSES


@pytest.mark.parametrize("name", ["leave", "crash"])
def test_ending_early_is_a_death(zygote: Zygote, name: str) -> None:
    ended, _ = attempt(zygote, name, Limits())

    assert isinstance(ended, Died)


def test_a_check_after_all_that_is_well(zygote: Zygote) -> None:
    ended, _ = attempt(zygote, "well", Limits())

    assert ended is None


def test_peak_memory_is_measured_between_samples(zygote: Zygote) -> None:
    group = zygote.group((), Limits())
    channel = group.check(Limits(cpu_s=30, wall_s=60, memory_bytes=2**30), seed=0)

    total = Session(channel, set(), trusted=False).namespace().eat()
    used = group.finish().usage
    group.close()

    assert total == 2**26
    assert 2**29 <= used.peak_rss_bytes < 2**29 + 2**27


def test_a_limit_passed_between_samples_is_passed(zygote: Zygote) -> None:
    """However busy the judge's host is: it need not have looked in time."""
    group = zygote.group((), Limits())
    limits = Limits(cpu_s=30, wall_s=60, memory_bytes=2**28)
    channel = group.check(limits, seed=0)
    channel._due = time.monotonic() + 60

    Session(channel, set(), trusted=False).namespace().eat()
    over = group.finish().over
    group.close()

    assert over is not None
    assert over.which == Limit.MEMORY


def test_a_run_within_its_limits_passes_none(zygote: Zygote) -> None:
    group = zygote.group((), Limits())
    channel = group.check(Limits(), seed=0)

    Session(channel, set(), trusted=False).namespace().well()
    over = group.finish().over
    group.close()

    assert over is None
