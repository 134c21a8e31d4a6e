"""Fill a store with thousands of results and time what looks at all of them.

Run from the root:
    python bench/store/run.py --rebuild --out bench/store/results.json
Method: README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import made

from grader.config import load_course
from grader.store import Store, VisibilitySet

ROOT: Final = Path(__file__).resolve().parents[2]
GRADER: Final = (sys.executable, "-m", "grader.cli.main")
SEED: Final = 0


def graded(folder: Path, source: str) -> bytes:
    """Grade one of our packages on all hidden suites and return the report."""
    options = ("--round", "bench", "--no-milestones", "--format", "json")
    command = (*GRADER, "grade", source, *options)
    env = _env(folder)
    return subprocess.run(command, cwd=ROOT, env=env, stdout=-1, check=True).stdout


def fill(folder: Path, students: int, attempts: int) -> dict[str, Any]:
    """Fill the store through `Store.add_report`; return counts and times."""
    (folder / "state").mkdir(exist_ok=True)
    env = _env(folder)
    subprocess.run([*GRADER, "round", "new", "bench"], cwd=ROOT, env=env, check=True)
    source = made.Source.read(
        load_course(ROOT / "course.toml"),
        graded(folder, "student_template"),
        graded(folder, "reference"),
        ROOT / "reference" / "mutants",
    )
    people = made.students(students, attempts, SEED)
    store = Store.open(folder / "state" / "store")
    making_s = adding_s = 0.0
    for who in people:
        started = time.perf_counter()
        reports = list(made.results(source, who, attempts, SEED))
        between = time.perf_counter()
        for report in reports:
            store.add_report(report)
        making_s += between - started
        adding_s += time.perf_counter() - between
    shown = VisibilitySet(visibility="alias", by="bench")
    store.record_all([(who.id, shown) for who in people])
    store.close()
    lines = [f"{who.id},{who.name}" for who in people]
    (folder / "roster.csv").write_text("\n".join(["student,name", *lines, ""]))
    results = students * attempts
    kept = folder / "state" / "store"
    return {
        "results": results,
        "making_ms_each": round(1000 * making_s / results, 2),
        "add_report_s": round(adding_s, 1),
        "add_report_ms_each": round(1000 * adding_s / results, 2),
        "documents_mib": _mebibytes(kept / "results"),
        "tables_mib": round((kept / "events.db").stat().st_size / 2**20, 1),
    }


def looks(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return the commands that look at a whole store, by name."""
    round_ = ("--round", "bench")
    roster = ("--roster", str(folder / "roster.csv"))
    overview = ("overview", *round_, *roster)
    return {
        "export csv": ("export", "csv", *round_, *roster),
        "overview table": overview,
        "overview html": (*overview, "--format", "html"),
        "overview csv": (*overview, "--format", "csv"),
        "publish": ("publish", "--to", str(folder / "site")),
    }


def timed(folder: Path, words: tuple[str, ...]) -> dict[str, Any]:
    """Run one command in a fresh process; its output goes to a file."""
    env = _env(folder)
    out = folder / "output"
    started = time.perf_counter()
    with out.open("wb") as file:
        process = subprocess.Popen([*GRADER, *words], cwd=ROOT, env=env, stdout=file)
        _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - started
    code = os.waitstatus_to_exitcode(status)
    process.returncode = code
    assert code == 0, words
    return {
        "wall_s": round(wall_s, 2),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_rss_mib": round(usage.ru_maxrss / 1024),
        "output_kib": round(out.stat().st_size / 1024, 1),
    }


def forget_summaries(folder: Path) -> None:
    """Make the store one that an older grader filled: without summaries."""
    path = folder / "state" / "store" / "events.db"
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM summaries")
    connection.close()


def _mebibytes(folder: Path) -> float:
    return round(sum(p.stat().st_size for p in folder.rglob("*.json")) / 2**20, 1)


def _env(folder: Path) -> dict[str, str]:
    return os.environ | {
        "GRADER_STATE": str(folder / "state"),
        "OPENBLAS_NUM_THREADS": "1",
    }


def main() -> None:
    """Fill, then run every command `--repeats` times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=500)
    parser.add_argument("--attempts", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rebuild", action="store_true", help="without summaries, too")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-store-") as name:
        folder = Path(name)
        found: dict[str, Any] = {
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "students": asked.students,
            "attempts": asked.attempts,
            "fill": fill(folder, asked.students, asked.attempts),
        }
        print(json.dumps(found), flush=True)
        for what, words in looks(folder).items():
            found[what] = [timed(folder, words) for _ in range(asked.repeats)]
            print(what, found[what], flush=True)
        if asked.rebuild:
            forget_summaries(folder)
            words = looks(folder)["export csv"]
            found["export csv, summaries made anew"] = [timed(folder, words)]
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
