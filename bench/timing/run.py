"""Measured sessions of code against itself, and against itself with more to do.

    python -m bench.timing.run --sessions 30 --to sessions.jsonl
    python -m bench.timing.run --sessions 30 --load 2 --to sessions.jsonl
    python -m bench.timing.report sessions.jsonl --out bench/timing/results.json

Appends a line a session and can be stopped and continued at any time; README.md has the
method.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.timing.cases import CASES, loaded, slower
from grader.competing import CompeteOptions
from grader.competing.bench import Bench, make_bench
from grader.intake import open_submission
from grader.measuring.rounds import Entrants, Rounds
from grader.measuring.session import Order, measure
from grader.measuring.side import LAUNCH_LIMITS, Launching, Role, Side, compiled
from grader.measuring.tasks import task_of
from grader.models.session import Session
from grader.models.submission import Submission
from grader.sandbox import Zygote

ROOT: Final = Path(__file__).resolve().parents[2]
SETTLE_S: Final = 20.0  # for other work to be really there
SIDES: Final[tuple[Role, ...]] = ("reference", "student", "canary")


def main() -> None:
    """Measure, and append each session to the file."""
    arguments = _arguments()
    options = CompeteOptions(
        course=ROOT,
        events=(arguments.event,),
        workloads=(arguments.workload,),
        requeues=0,
    )
    bench = make_bench(options, lambda _: None)
    until = time.monotonic() + 60 * arguments.minutes
    with loaded(arguments.load):
        time.sleep(SETTLE_S if arguments.load else 0)
        for number in range(arguments.sessions):
            if time.monotonic() > until:
                break
            case = _next(arguments)
            row = one(bench, case, arguments)
            with arguments.to.open("a", encoding="utf8") as file:
                file.write(json.dumps(row) + "\n")
            print(f"{number + 1}: {_line(row)}", file=sys.stderr)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=1e6)
    parser.add_argument("--load", type=int, default=0, help="busy processes beside it")
    parser.add_argument("--to", type=Path, default=Path("sessions.jsonl"))
    parser.add_argument("--event", default="latency")
    parser.add_argument("--workload", default="mlp")
    parser.add_argument("--case", choices=CASES, help="only this one")
    parser.add_argument("--no-block", action="store_true", help="no block design")
    return parser.parse_args()


def _next(arguments: argparse.Namespace) -> str:
    """Return the case with the fewest sessions; `identical` comes twice as often."""
    if arguments.case:
        return str(arguments.case)
    lines = []
    if arguments.to.exists():
        lines = [json.loads(x) for x in arguments.to.read_text().splitlines()]
    made = Counter(x["case"] for x in lines if x["load"] == arguments.load)
    return min(CASES, key=lambda case: made[case] / (2 if case == "identical" else 1))


def one(bench: Bench, case: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure one session, and the same entry in a block design beside it."""
    ((event, workload),) = bench.pairs()
    known = open_submission(str(ROOT / "reference"), package=bench.course.package)
    changed = Submission(
        label=case, digest=known.digest, files=slower(known.files, CASES[case])
    )
    order = bench.order(event, workload, (changed,), lambda _: ())
    started = time.monotonic()
    session = measure(order)
    took_s = time.monotonic() - started
    row = {
        "case": case,
        "load": arguments.load,
        "event": event.name,
        "workload": workload.name,
        "host_class": session.conditions.host_class,
        "started_at": session.started_at.isoformat(),
        "load_before": session.conditions.load_before,
        "took_s": round(took_s, 1),
        "outcome": session.outcome.kind,
        "voids": [void.reason for void in session.voids],
        "seed": session.plan.seed,
        "batch_size": session.plan.batch_size,
        "cpu_s": times(session, "cpu_s"),
        "wall_s": times(session, "wall_s"),
    }
    if not arguments.no_block:
        row["block_cpu_s"] = block(order, session.plan.batch_size)
    return row


def times(session: Session, clock: str) -> dict[str, list[list[float]]]:
    """Return times of all batches by side. Shapes: each (launches, pairs)."""
    return {
        side: [
            [round(getattr(getattr(pair, side), clock), 6) for pair in launch.pairs]
            for launch in session.launches
        ]
        for side in SIDES
    }


def block(order: Order, size: int) -> dict[str, list[float]]:
    """Time all batches of the reference first, then all of the entry's."""
    packages = order.entrants.packages()
    count = order.launches * order.pairs
    found = {}
    for role in SIDES[:2]:
        package = compiled(order.wall, packages[role], order.load_limits)
        launching = Launching(
            script=order.script,
            build=order.build,
            epochs=order.epochs,
            seed=7,
            preload=order.preload,
            load_limits=order.load_limits,
            core=None,
        )
        task = task_of(order.event, order.workload, order.data)
        rng = np.random.default_rng(secrets.randbits(62))
        entrants = Entrants(package, package)
        rounds = Rounds(order.wall, entrants, task, launching, rng)
        with ExitStack() as stack:
            zygote = Zygote(order.wall, package, memory=LAUNCH_LIMITS)
            side = stack.enter_context(Side(role, zygote, launching))
            task.launched(side, [])
            spent = [rounds.cost_s(side, size) for _ in range(count + 1)]
        found[role] = [round(x, 6) for x in spent[1:]]
    return found


def _line(row: dict[str, Any]) -> str:
    s, r = (np.log(np.array(row["cpu_s"][side])) for side in ("student", "reference"))
    ratio = f"{np.exp(np.median(r - s)):.4f}" if s.size else "nothing"
    voids = ", ".join(row["voids"]) or "counts"
    return f"{row['case']}, load {row['load']}: {ratio}, {voids}, {row['took_s']} s"


if __name__ == "__main__":
    main()
