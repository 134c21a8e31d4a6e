"""Sessions in real sandboxes, as small as they can be, on the reference."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
import pytest

from grader import competing
from grader.competing import CompeteOptions, Keep
from grader.competing.bench import make_bench
from grader.errors import (
    SandboxUnavailableError,
    SubmissionRejectedError,
    UsageError,
)
from grader.intake import open_submission
from grader.measuring.memory import Peaks
from grader.measuring.rounds import Entrants
from grader.measuring.side import Launching
from grader.models.course import Workload
from grader.models.outcome import Mismatch, NotImplementedYet, Raised
from grader.models.session import Session
from grader.store import Store
from grader.store.events import Measured as MeasuredEvent

ROOT: Final = Path(__file__).resolve().parents[2]
REFERENCE: Final = str(ROOT / "reference")
AGENT: Final = "import socket, sys"  # what the process of a sandbox begins with
LAZY = """
_epoch = Trainer.train_epoch
def train_epoch(self, loader, accumulation_steps=1):
    few = [batch for n, batch in enumerate(loader) if n % 19]
    return _epoch(self, few, accumulation_steps)
Trainer.train_epoch = train_epoch
"""


def options(event: str, **more: Any) -> CompeteOptions:
    known: dict[str, Any] = {"launches": 1, "pairs": 1, "requeues": 0}
    return CompeteOptions(course=ROOT, **({"events": (event,)} | known | more))


def only(found: Any) -> Any:
    (one,) = found
    return one


def sandboxed() -> set[int]:
    """Return the living processes of sandboxes; browsers and services come and go."""
    found = set()
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            words = " ".join(child.cmdline())  # of a dead one there are none
            if "bwrap" in words or AGENT in words:
                found.add(child.pid)
    return found


def nothing_is_left(before: set[int]) -> bool:
    """Return whether what was killed is gone; that takes the kernel a moment."""
    deadline = time.monotonic() + 10
    while sandboxed() - before and time.monotonic() < deadline:
        time.sleep(0.05)
    return not sandboxed() - before


def changed(folder: Path, name: str, more: str) -> str:
    shutil.copytree(ROOT / "reference" / "tinytorch", folder / "tinytorch")
    with (folder / "tinytorch" / name).open("a") as file:
        file.write(more)
    return str(folder)


@pytest.fixture
def store(tmp_path: Path) -> Callable[[], Store]:
    return lambda: Store.open(tmp_path / "store")


def test_a_training_is_measured_and_recorded(store: Callable[[], Store]) -> None:
    before = sandboxed()
    keep = Keep(store, "ada")

    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(
            lambda: only(competing.record(REFERENCE, keep, options("training")))
        )
        seen: set[int] = set()
        while not work.done():
            seen |= sandboxed() - before
            time.sleep(0.1)
        made = work.result()

    assert len(seen) >= 6  # three zygotes and what they forked: they can be seen
    session: Session = made.last
    assert session.outcome.kind == "passed"
    (pair,) = session.launches[0].pairs
    assert pair.checked == 450  # the private split
    assert pair.mismatched == 0
    (quality,) = session.quality
    assert quality.student == quality.reference > 0.9
    assert session.plan.batch_size == 6
    assert session.curve
    opened = store()
    (event,) = [e for e in opened.export().events if e.student == "ada"]
    opened.close()
    assert isinstance(event.payload, MeasuredEvent)
    assert made.documents == (event.document,)
    assert nothing_is_left(before)


def own(folder: Path) -> str:
    """Return the reference with the template's example of the open division."""
    shutil.copytree(ROOT / "reference" / "tinytorch", folder / "tinytorch")
    (folder / "entry").mkdir()
    script = ROOT / "student_template" / "entry" / "open_mlp.py"
    shutil.copy(script, folder / "entry")
    return str(folder)


def test_a_training_of_ones_own_is_measured_and_recorded(
    store: Callable[[], Store], tmp_path: Path
) -> None:
    given, keep = options("training", division="open"), Keep(store, "ada")

    made = only(competing.record(own(tmp_path / "own"), keep, given))

    session: Session = made.last
    assert (session.division, session.outcome.kind) == ("open", "passed")
    assert (session.plan.warm_ups, session.plan.pairs) == (0, 1)
    (pair,) = session.launches[0].pairs
    assert (pair.checked, pair.mismatched) == (0, 0)
    (quality,) = session.quality
    assert min(quality.student, quality.reference) > 0.9
    assert quality.student != quality.reference
    (run,) = session.memory
    assert run.student_peak_bytes > run.import_peak_bytes
    assert [gate.name for gate in made.gates] == ["accuracy"]
    opened = store()
    (event,) = [e for e in opened.export().events if e.student == "ada"]
    assert isinstance(event.payload, MeasuredEvent)
    assert event.payload.division == "open"
    assert opened.sessions.read(event.document or "") == session
    opened.close()


def test_in_the_open_each_side_of_a_duel_has_its_own_script(tmp_path: Path) -> None:
    bench = make_bench(options("training", division="open"), lambda _: None)
    both = [own(tmp_path / name) for name in ("ada", "grace")]
    (tmp_path / "grace" / "entry" / "open_mlp.py").write_text("# hers")
    ada, grace = (open_submission(one, scripts=bench.scripts) for one in both)
    ((event, workload),) = bench.pairs()

    entry, duel, other = (
        bench.order(event, workload, them, lambda _: ())
        for them in ((ada,), (ada, grace), (grace,))
    )

    assert set(entry.entrants.scripts) == {"student"}
    scripts = duel.entrants.scripts
    assert scripts["reference"] == scripts["canary"] == "# hers"
    assert scripts["student"] == entry.entrants.scripts["student"] != "# hers"
    assert duel.entrants.truth is bench.reference
    assert "def build" in duel.script  # what the truth runs: staff's own
    assert ada.digest == grace.digest  # of the package, as it is graded
    assert entry.digests.data != other.digests.data  # of the scripts too


def test_a_training_that_skips_batches_has_learned_something_else(
    tmp_path: Path,
) -> None:
    source = changed(tmp_path, "training.py", LAZY)

    made = only(competing.run(source, options("training")))

    assert isinstance(made.last.outcome, Mismatch)
    assert made.last.outcome.call == "what the trained model answers"
    assert made.speed is None


def test_two_entries_are_measured_against_each_other() -> None:
    made = only(competing.head_to_head(REFERENCE, REFERENCE, options("generation")))

    session: Session = made.last
    assert session.kind == "head-to-head"
    assert session.outcome.kind == "passed"
    assert session.launches[0].pairs[0].checked == 48 * session.plan.batch_size
    assert session.digests.submission == session.digests.reference
    assert not made.wins


def test_what_is_not_written_or_does_not_import_is_told(tmp_path: Path) -> None:
    broken = changed(tmp_path, "activations.py", "\nraise ValueError('no')\n")

    found = [
        only(competing.run(source, options("training"))).last.outcome
        for source in (str(ROOT / "student_template"), broken)
    ]

    assert isinstance(found[0], NotImplementedYet)
    assert isinstance(found[1], Raised)
    assert "activations.py" in found[1].where


def test_ctrl_c_leaves_nothing_behind_and_nothing_is_stored(
    store: Callable[[], Store],
) -> None:
    before, keep = sandboxed(), Keep(store, "ada")

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    two = options("training", events=("training", "generation"))
    made = only(competing.record(REFERENCE, keep, two, interrupt))

    assert competing.was_interrupted(made.last)
    assert made.documents == ()
    assert nothing_is_left(before)
    opened = store()
    assert not opened.export().events
    opened.close()


def test_peaks_of_reference_and_student_are_those_of_the_same_training() -> None:
    bench = make_bench(options("memory"), lambda _: None)
    known = only(w for e, w in bench.pairs() if e.name == "memory")
    workload = Workload(**(known.model_dump() | {"examples": 32, "slices": 1}))
    script = (ROOT / "milestones" / workload.script).read_text()
    order = bench.order(
        only(e for e, _ in bench.pairs()),
        workload,
        (open_submission(REFERENCE),),
        lambda _: (),
    )
    launching = Launching(
        script, "build", 1, 7, order.preload, order.load_limits, core=None
    )
    entrants = Entrants(bench.reference, bench.reference)
    peaks = Peaks(bench.wall, entrants, workload, launching, np.random.default_rng(1))

    run, _ = peaks.run()

    weights = 3 * 4 * 1_105_098  # with the two arrays that Adam keeps
    reference = run.reference_peak_bytes - run.import_peak_bytes
    student = run.student_peak_bytes - run.import_peak_bytes
    assert reference > weights
    assert student == pytest.approx(reference, rel=0.1)


def test_what_is_not_open_is_refused_in_one_sentence() -> None:
    for event in ("latency", "memory", "generation"):
        given = options(event, division="open")
        with pytest.raises(UsageError, match=f"{event} is measured in the closed"):
            only(competing.run(REFERENCE, given))
    both = options("training", events=("training", "latency"), division="open")
    with pytest.raises(UsageError, match="closed division only") as caught:
        only(competing.run(REFERENCE, both))
    assert caught.value.hint == "open: training"
    with pytest.raises(SubmissionRejectedError, match=r"no entry/open_mlp\.py"):
        only(competing.run(REFERENCE, options("training", division="open")))


def test_what_cannot_be_measured_is_refused(store: Callable[[], Store]) -> None:
    with pytest.raises(UsageError, match="no event 'capstone'"):
        only(competing.run(REFERENCE, options("capstone")))
    with pytest.raises(UsageError, match="no event that was named"):
        only(competing.run(REFERENCE, options("latency", workloads=("gpt",))))
    with pytest.raises(UsageError, match="nobody is named"):
        only(competing.record(REFERENCE, Keep(store, ""), options("latency")))
    keep = Keep(store, "ada", "ada")
    with pytest.raises(UsageError, match="two people"):
        only(competing.head_to_head(REFERENCE, REFERENCE, options("latency"), keep))
    bare = options("latency", sandbox="none")
    with pytest.raises(SandboxUnavailableError, match="not stored"):
        only(competing.record(REFERENCE, Keep(store, "ada"), bare))
