"""Kill parts of a batch at random moments; the results must not show it.

Run from the root, as root:
    python -m bench.batch.chaos --out bench/batch/chaos.json
Method: README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

from bench.batch.private_engine import PrivateEngine
from bench.batch.run import ROOT, make_class
from grader.container.host import IMAGE_VARIABLE, SUBMISSION_LABEL, image_name
from grader.models.report import GradeReport
from grader.store import GradedAt, Store, has_inconclusive

# Complete, partial, with one mistake, hostile: of a class of twenty.
CHOSEN: Final = (0, 1, 2, 8, 9, 10, 11, 14, 15, 16, 17, 19)
MODULES: Final = ("setup", "activations")
VICTIMS: Final = {
    "local": ("coordinator", "worker"),
    "docker": ("coordinator", "worker", "container", "daemon"),
}
PAUSE_S: Final = (0.5, 5.0)  # between two kills
SEEN_S: Final = 10.0  # how long a victim of the wanted kind is waited for
GONE_S: Final = 20.0
MOST_RUNS: Final = 100  # of one pass; more means that it never ends


@dataclass
class Arena:
    """Where one experiment happens, and what it has been through."""

    folder: Path
    executor: str
    engine: PrivateEngine | None
    modules: tuple[str, ...] = MODULES
    chosen: tuple[int, ...] = CHOSEN
    chance: random.Random = field(default_factory=random.Random)
    hits: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    retries: int = 0  # runs that had to ask for what was set aside

    @property
    def scratch(self) -> Path:
        """The folder that every process of ours takes for /tmp."""
        return self.folder / "tmp"

    def start(self, state: Path, *more: str) -> subprocess.Popen[bytes]:
        """Start `grader batch` on the class."""
        env = os.environ | {
            "GRADER_STATE": str(state),
            "TMPDIR": str(self.scratch),
            "OPENBLAS_NUM_THREADS": "1",
            IMAGE_VARIABLE: image_name(),
        }
        if self.engine:
            env["DOCKER_HOST"] = self.engine.address
        command = [sys.executable, "-m", "grader.cli.main", "batch", *more]
        command += [str(self.folder / "class"), "--round", "chaos", "--no-milestones"]
        command += ["--jobs", "2", "--executor", self.executor, "--format", "json"]
        for name in self.modules:
            command += ["--only", name]
        self.runs += 1
        log = (self.folder / "log").open("ab")
        with log:
            return subprocess.Popen(
                command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=log
            )

    def kill(self, kind: str, batch: subprocess.Popen[bytes]) -> bool:
        """Kill one victim of that kind; False if none was there."""
        find: dict[str, Callable[[], list[Any]]] = {
            "coordinator": lambda: [batch.pid],
            "worker": lambda: workers(batch.pid),
            "container": self.containers,
            "daemon": lambda: [self.engine],
        }
        end = time.monotonic() + SEEN_S
        while batch.poll() is None and time.monotonic() < end:
            if there := find[kind]():
                return self._strike(kind, self.chance.choice(there))
            time.sleep(0.05)
        return False

    def _strike(self, kind: str, victim: Any) -> bool:
        if kind == "container":
            assert self.engine
            return not self.engine.docker("kill", victim, check=False).returncode
        if kind == "daemon":
            victim.kill()
            time.sleep(self.chance.uniform(0.0, 2.0))
            victim.start()
            return True
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def containers(self, *more: str) -> list[str]:
        """Return the containers of gradings that run, or all with `--all`."""
        if not self.engine:
            return []
        label = f"label={SUBMISSION_LABEL}"
        return self.engine.docker("ps", "-q", "--filter", label, *more).stdout.split()


def workers(of: int) -> list[int]:
    """Return the workers that a coordinator has."""
    try:
        children = psutil.Process(of).children()
        return [c.pid for c in children if "grader.batch.worker" in c.cmdline()]
    except psutil.Error:
        return []


def disturbed(arena: Arena, state: Path, kills: int) -> None:
    """Run a batch to its end, killing on the way until `kills` have hit."""
    more: tuple[str, ...] = ()
    for _ in range(MOST_RUNS):
        batch = arena.start(state, *more)
        while batch.poll() is None and sum(arena.hits.values()) < kills:
            time.sleep(arena.chance.uniform(*PAUSE_S))
            kind = arena.chance.choice(VICTIMS[arena.executor])
            arena.hits[kind] += arena.kill(kind, batch)
        code = batch.wait()
        if code == 0:
            return
        # 5: something was lost three times; a person would ask for it again.
        more = ("--retry", "failed", "--retry", "inconclusive") if code == 5 else ()
        arena.retries += code == 5
        # 4: the daemon was gone when the batch began; it says so and does nothing.
        expected = {-signal.SIGKILL, 5} | ({4} if arena.engine else set())
        assert code in expected, (arena.folder / "log").read_text()[-800:]
    msg = f"not finished after {MOST_RUNS} runs"
    raise AssertionError(msg)


def verdicts(state: Path) -> dict[str, str]:
    """Return the verdict of each student as bytes would be compared."""
    return {s: reports[-1].verdict.model_dump_json() for s, reports in told(state)}


def told(state: Path) -> list[tuple[str, list[GradeReport]]]:
    """Return the results that count of each student: those without anything open."""
    store = Store.open(state / "store")
    try:
        documents = {r.digest: r.report for r in store.reports()}
        events = [e for e in store.events() if isinstance(e.payload, GradedAt)]
    finally:
        store.close()
    found: dict[str, list[GradeReport]] = {}
    for event in events:
        report = documents[event.document or ""]
        if not has_inconclusive(report):
            found.setdefault(event.student, []).append(report)
    return sorted(found.items())


def faults(arena: Arena, state: Path, expected: dict[str, str]) -> dict[str, Any]:
    """Return all that a disturbed batch shows of it; empty: nothing."""
    found = verdicts(state)
    counts = {student: len(reports) for student, reports in told(state)}
    with closing(sqlite3.connect(state / "store" / "events.db")) as tables:
        jobs = tables.execute("SELECT student, state, owner FROM jobs").fetchall()
    shown = {
        "verdicts differ": [s for s in expected if found.get(s) != expected[s]],
        "not one result": {s: counts.get(s) for s in expected if counts.get(s) != 1},
        "strangers": sorted(set(found) - set(expected)),
        "not ended": [job for job in jobs if job[1] != "graded"],
        "containers": arena.containers("--all"),
        "processes": survivors(arena.folder),
        "scratch": sorted(p.name for p in arena.scratch.iterdir()),
        "half-written": sorted(p.name for p in state.rglob(".new-*")),
    }
    return {name: what for name, what in shown.items() if what}


def survivors(folder: Path) -> list[str]:
    """Return what still runs of the graders and sandboxes of this experiment."""
    end = time.monotonic() + GONE_S
    while (there := _running(folder)) and time.monotonic() < end:
        time.sleep(0.2)
    return there


def _running(folder: Path) -> list[str]:
    """Find graders by their environment, sandboxes by their scratch or lost parent."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = " ".join(process.cmdline())
            named = str(folder) in words + " ".join(process.environ().values())
            lost = process.ppid() == 1 and str(ROOT / "grader") in words
            if (named or lost) and process.pid != os.getpid():
                found.append(f"{process.pid} {words[:80]}")
    return found


def experiment(arena: Arena, kills: int) -> dict[str, Any]:
    """Grade undisturbed, then disturbed until all kills have hit; return the record."""
    (arena.folder / "class").mkdir()
    arena.scratch.mkdir()
    arena.scratch.chmod(0o1777)
    make_class(arena.folder / "all", 20, seed=0)
    for number in arena.chosen:
        name = f"s{number:03d}"
        shutil.move(arena.folder / "all" / name, arena.folder / "class" / name)
    calm = arena.folder / "calm"
    new = [sys.executable, "-m", "grader.cli.main", "round", "new", "chaos"]
    env = os.environ | {"GRADER_STATE": str(calm)}
    subprocess.run(new, cwd=ROOT, env=env, check=True, stderr=subprocess.DEVNULL)
    started = time.monotonic()
    assert arena.start(calm).wait() == 0, (arena.folder / "log").read_text()[-800:]
    calm_s = time.monotonic() - started
    expected = verdicts(calm)
    assert len(expected) == len(arena.chosen)
    shown, passes = faults(arena, calm, expected), 0
    assert not shown, shown
    started = time.monotonic()
    while sum(arena.hits.values()) < kills:
        passes += 1
        state = arena.folder / f"state-{passes}"
        shutil.copytree(calm / "rounds", state / "rounds")
        disturbed(arena, state, kills)
        shown = faults(arena, state, expected)
        assert not shown, shown
        print(f"{arena.executor}, pass {passes}: {dict(arena.hits)}", flush=True)
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load_after": os.getloadavg()[0],
        "executor": arena.executor,
        "submissions": len(arena.chosen),
        "modules": list(arena.modules),
        "kills": dict(sorted(arena.hits.items())),
        "batches_finished": passes,
        "commands_run": arena.runs - 1,
        "commands_with_retry": arena.retries,
        "undisturbed_s": calm_s,
        "disturbed_s": time.monotonic() - started,
        "faults": shown,
    }


def run(executor: str, kills: int, seed: int) -> dict[str, Any]:
    """Make an arena, experiment in it, remove it."""
    with ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-"))
        folder = Path(name)
        folder.chmod(0o755)
        engine = None
        if executor == "docker":
            engine = stack.enter_context(PrivateEngine())
            engine.load(image_name())
        chance = random.Random(seed)  # noqa: S311 -- which victim, and when
        arena = Arena(folder, executor, engine, chance=chance)
        return experiment(arena, kills) | {"seed": seed}


def main() -> None:
    """Run the experiment for each executor; fail at the first fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executor", nargs="+", default=["local", "docker"])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a file whose others are kept")
    asked = parser.parse_args()
    for executor in asked.executor:
        record = run(executor, asked.kills, asked.seed)
        print(json.dumps(record), flush=True)
        if asked.out:
            known = json.loads(asked.out.read_text()) if asked.out.exists() else {}
            text = json.dumps(known | {executor: record}, indent=1)
            asked.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
