"""A class hands in before a deadline, and the service is killed in the middle.

    python bench/service/load.py --out bench/service/results.json

Everything is real: `grader serve` with two workers as a process of its own, a student a
thread, HTTP over loopback. Exits 1 unless every acknowledged submission was graded
exactly once.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from student import Student, bundles

from grader.host import describe_host
from grader.rounds import new_round
from grader.store import Store
from grader.store.access import Who
from grader.store.events import PolicySet
from grader.store.jobs import ENDED

ROOT = Path(__file__).resolve().parents[2]
ROUND = "load"
GIVE_UP_S = 1800.0  # for the queue to drain


@dataclass
class Service:
    """A service that is started again on the same port."""

    state: Path
    port: int
    options: list[str]
    started: list[float] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        began = time.monotonic()
        command = [sys.executable, "-m", "grader.cli.main", "serve"]
        command += ["--port", str(self.port), "--round", ROUND, *self.options]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"GRADER_STATE": str(self.state)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline().startswith("http://"), "did not start"
        self.started.append(time.monotonic() - began)

    def kill(self) -> None:
        """Let the power fail: SIGKILL to the service; its workers die with it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """End it in order; return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def prepare(state: Path, names: list[str], due_at: datetime) -> dict[str, str]:
    """Make the round, its due date, and a token for everybody."""
    new_round(state, ROUND, "feedback")
    with closing(Store.open(state / "store")) as store:
        policy = PolicySet(round=ROUND, due_at=due_at, per_day=0.1, by="bench")
        store.record("", policy)
        return {n: store.access.issue("token", Who("student", n)) for n in names}


def rush(count: int, window_s: float, seed: int) -> list[float]:
    """Return when students begin: twice as many a second at the end as on average."""
    rng = random.Random(seed)  # noqa: S311 -- no secret
    return sorted(window_s * rng.random() ** 0.5 for _ in range(count))


def run(given: argparse.Namespace, state: Path) -> dict[str, Any]:
    """Let the class hand in; return what was measured."""
    names = [f"s{number:04d}" for number in range(given.students)]
    due_at = datetime.now(UTC) + timedelta(seconds=given.window_s + given.slack_s)
    tokens = prepare(state, names, due_at)
    sent = bundles(ROOT / "reference", names)
    only = [word for name in given.only for word in ("--only", name)]
    options = ["--jobs", str(given.jobs), *only, "--no-milestones"]
    service = Service(state, free_port(), options)
    service.start()
    url = f"http://127.0.0.1:{service.port}"
    students = [Student(n, url, tokens[n], sent[n]) for n in names]
    starts = rush(given.students, given.window_s, given.seed)
    began = time.monotonic()
    threads = [
        threading.Thread(target=student.hand_in_at, args=(began + at,))
        for student, at in zip(students, starts, strict=True)
    ]
    for thread in threads:
        thread.start()
    killed_at_s = None
    if given.kill_at:
        time.sleep(max(0.0, began + given.kill_at * given.window_s - time.monotonic()))
        killed_at_s = time.monotonic() - began
        service.kill()
        service.start()
    for thread in threads:
        thread.join()
    rushed_s = time.monotonic() - began
    drained_s = drain(state, began)
    code = service.end()
    found = judge(state, students)
    return {
        "students": given.students,
        "window_s": given.window_s,
        "workers": given.jobs,
        "only": given.only,
        "killed_at_s": killed_at_s,
        "service_start_s": service.started,
        "service_exit_code": code,
        "last_acknowledged_s": rushed_s,
        "queue_empty_s": drained_s,
        "drain_after_deadline_s": drained_s - given.window_s - given.slack_s,
        **found,
    }


def drain(state: Path, began: float) -> float:
    """Wait until nothing waits; return the seconds since the rush began."""
    with closing(Store.open(state / "store")) as store:
        while time.monotonic() < began + GIVE_UP_S:
            counts = store.inbox.counts()
            if sum(counts.get(s, 0) for s in ENDED) == sum(counts.values()):
                return time.monotonic() - began
            time.sleep(0.5)
    sys.exit("the queue did not drain")


def judge(state: Path, students: list[Student]) -> dict[str, Any]:
    """Hold what students were told against what the store has."""
    with closing(Store.open(state / "store")) as store:
        results = Counter(e.student for e in store.events(kinds=("graded",)))
        rows = store.inbox.standing(students=[s.name for s in students])
    there = {row.received.student: row for row in rows}
    acknowledged = [s for s in students if s.id]
    once = [
        s
        for s in acknowledged
        if s.name in there
        and there[s.name].received.id == s.id
        and there[s.name].state == "graded"
        and results[s.name] == 1
    ]
    tries = sorted(s.answered_s for s in acknowledged)
    whole = sorted(s.whole_s for s in acknowledged)
    return {
        "acknowledged": len(acknowledged),
        "graded_exactly_once": len(once),
        "submissions_in_store": len(rows),
        "results_in_store": sum(results.values()),
        "late": sum(s.late_s > 0 for s in acknowledged),
        "sent_again": sum(s.tries > 1 for s in acknowledged),
        "problems": dict(Counter(p for s in students for p in s.problems)),
        "upload_bytes": len(students[0].data),
        "acknowledgement_s": quantiles(tries),
        "with_repeats_s": quantiles(whole),
    }


def quantiles(values: list[float]) -> dict[str, float]:
    """Return quantiles of sorted values, each a value that was measured."""
    last = len(values) - 1
    found = {f"p{q}": values[round(last * q / 100)] for q in (50, 90, 99)}
    return {**found, "max": values[-1]}


def main() -> int:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=300)
    parser.add_argument("--window-s", type=float, default=300.0)
    parser.add_argument("--slack-s", type=float, default=10.0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=["setup", "tensor"])
    parser.add_argument("--kill-at", type=float, default=0.5, help="0: never")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    before = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        measured = run(given, Path(folder) / "state")
    host = describe_host().model_dump()
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "host": host,
        "load_before": before,
        "load_after": os.getloadavg(),
        **measured,
    }
    text = json.dumps(document, indent=1) + "\n"
    print(text)
    if given.out:
        given.out.write_text(text, encoding="utf8")
    whole = measured["acknowledged"] == measured["graded_exactly_once"]
    return 0 if whole and measured["acknowledged"] == given.students else 1


if __name__ == "__main__":
    sys.exit(main())
