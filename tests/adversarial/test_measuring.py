"""Entries that cheat in the competition gain nothing.

What counts is asserted on counted CPU against that of the honest reference beside it,
with room for a busy host: an attack that worked would count next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import measured
import pytest
from measured import Track

from grader.checks.judge import judge
from grader.measuring.side import LAUNCH_LIMITS
from grader.models.outcome import LimitExceeded, Raised
from grader.sandbox import Ending, StudentError

# An attack that works leaves a few percent; noise of a busy host is below a half.
WORKED = 0.5

# Wraps the code that the judge has sent, from inside the submission: nothing there is
# out of its reach.
WRAP = """
import sys

def prepare():
    bench = sys.modules["driver"].Bench
    global give, answer
    give, answer = bench.give, bench.answer
    bench.give, bench.answer = own_give, own_answer
"""
BETWEEN = (
    WRAP
    + """
def own_give(self, *arrays):
    give(self, *arrays)
    self.ready = answer(self)

def own_answer(self):
    return self.ready
"""
)
CACHED = """
_work, _known, HITS = work, {}, [0]

def work(row):
    key = row.tobytes()
    if key in _known:
        HITS[0] += 1
        return _known[key]
    _known[key] = _work(row)
    return _known[key]
"""
FIRST_IS_FREE = """
_work, _seen = work, [0]

def work(row):
    _seen[0] += 1
    return _work(row) if _seen[0] > BATCH else row * 0
""".replace("BATCH", str(measured.SIZE))
CLOCKS = """
import time

for name in ("time", "perf_counter", "process_time", "monotonic", "thread_time"):
    setattr(time, name, lambda: 0.0)
    setattr(time, name + "_ns", lambda: 0)
try:
    time.clock_settime(time.CLOCK_REALTIME, 0)
    SET = True
except OSError:
    SET = False
time.clock_gettime = lambda _: 0.0
"""
# One after the other, each ended by its error.
FORBIDDEN = """
import os, threading

def _child(row):
    os.fork()

def _thread(row):
    threading.Thread(target=print).start()

def _disk(row):
    with open("cache", "wb") as file:
        file.write(row.tobytes())

def _memory_file(row):
    os.write(os.memfd_create("cache"), row.tobytes())

_left = [_child, _thread, _disk, _memory_file]

def work(row):
    return _left.pop(0)(row)
"""
AT_IMPORT = """
import threading, time
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
"""
# The process that imported the package waits beside the one that is asked; a timer
# brings its own code to life there.
BESIDE = """
import signal, time

def _burn(*_):
    end = time.process_time() + 0.008
    while time.process_time() < end:
        pass

signal.signal(signal.SIGALRM, _burn)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.04)
"""
# Works while others are timed, to slow the canary or the reference down.
SKEWS = """
import signal, time

def _burn(*_):
    end = time.process_time() + 0.008
    while time.process_time() < end:
        pass

def prepare():
    signal.signal(signal.SIGALRM, _burn)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.04)
"""
# One after the other, each for a batch.
WRONG = """
import time

_work, _asked = work, [0]

def _half(row):
    return _work(row.astype(np.float16)).astype(np.float16).astype(np.float32)

def _fewer(row):
    for _ in range(39):
        row = np.tanh(row @ M)
    return row

def _sleeps(row):
    time.sleep(0.001)
    return row

def _another_kind(row):
    return _work(row).astype(np.float64)

def work(row):
    kind = [_half, _fewer, _sleeps, _another_kind][_asked[0] // BATCH]
    _asked[0] += 1
    return kind(row)
""".replace("BATCH", str(measured.SIZE))


@pytest.fixture(scope="module")
def track() -> Iterator[Track]:
    with measured.opened() as opened:
        yield opened


def test_the_honest_entry_is_as_fast_as_itself(track: Track) -> None:
    with track.entered("") as entered:
        ratio, seen = entered.counted(pairs=5)

    assert 0.6 < ratio < 1.6
    assert [one.failure for one in seen] == [None] * 5


@pytest.mark.parametrize("attack", [CACHED, CLOCKS], ids=["cached", "clocks"])
def test_work_is_counted_whatever_is_remembered_or_told(
    track: Track, attack: str
) -> None:
    with track.entered(attack) as entered:
        ratio, seen = entered.counted()
        package = entered.sides["student"].session.namespace()
        if attack is CACHED:
            assert list(package.HITS) == [0]
        else:
            assert package.SET is False

    assert ratio > WORKED
    assert all(one.failure is None for one in seen)


def test_work_done_before_the_request_is_counted_as_if_done_in_it(
    track: Track,
) -> None:
    with track.entered(BETWEEN) as entered:
        student = entered.sides["student"]
        task, inputs = entered.rounds.task, None
        ratio, seen = entered.counted()
        inputs = task.inputs(measured.SIZE, entered.rounds.rng)
        task.give(student, inputs)
        timed, _ = student.timed(task.ask)

    assert timed.cpu_s < 0.2 * timed.between_s  # the attack ran
    assert ratio > WORKED
    assert all(one.failure is None for one in seen)


@pytest.mark.parametrize("attack", [BESIDE, SKEWS], ids=["group", "check"])
def test_working_while_others_are_timed_costs_whoever_does_it(
    track: Track, attack: str
) -> None:
    with track.entered(attack) as entered:
        ratio, _ = entered.counted()

    assert ratio > 1.2  # the honest package does no more than the reference


def test_every_answer_is_compared(track: Track) -> None:
    with track.entered(WRONG) as entered:
        found = [entered.round() for _ in range(4)]

    assert [pair.mismatched for pair, _ in found] == [measured.SIZE] * 4
    assert [seen.failure.what for _, seen in found if seen.failure] == [
        *("value", "value", "value", "dtype")
    ]


def test_the_warm_up_is_compared_too(track: Track) -> None:
    with track.entered(FIRST_IS_FREE) as entered:
        (_, first), (_, second) = entered.round(), entered.round()

    assert first.failure is not None
    assert second.failure is None


def test_helpers_cannot_be_started_and_files_not_be_written(track: Track) -> None:
    outcomes = []
    with track.entered(FORBIDDEN) as entered:
        for _ in range(4):
            with pytest.raises(StudentError) as caught:
                entered.round()
            outcomes.append(
                judge(
                    caught.value,
                    how="",
                    call="",
                    limits=LAUNCH_LIMITS,
                    holds=lambda: False,
                )
            )

    child, thread, disk, memory_file = outcomes
    for helper in (child, thread):
        assert isinstance(helper, LimitExceeded)
        assert helper.which == "processes"
    for kept in (disk, memory_file):
        assert isinstance(kept, Raised)
    assert isinstance(disk, Raised)
    assert "File too large" in disk.message


def test_a_thread_of_the_import_ends_the_launch(track: Track) -> None:
    with pytest.raises(Ending), track.entered(AT_IMPORT):
        pass
