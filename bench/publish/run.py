"""Build the board of thousands of public entries: cold, warm, and after one change.

Run from the root:
    python bench/publish/run.py --entries 1000 --sessions 100 --out results.json
Method: README.md beside this file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
GRADER: Final = (sys.executable, "-m", "grader.cli.main")
sys.path[:0] = [str(ROOT / "bench" / "store"), str(Path(__file__).parent)]

from browser import read_in_browser  # noqa: E402
from made import Source, results, students  # noqa: E402
from sessions import entered  # noqa: E402

from grader.config import load_course  # noqa: E402
from grader.publish import SiteSettings, build, write_site  # noqa: E402
from grader.publish.build import SUMS  # noqa: E402
from grader.publish.rules import CompetitionRules, EventRules  # noqa: E402
from grader.store import Store, VisibilitySet  # noqa: E402

SEED: Final = 0
RULES: Final = CompetitionRules((EventRules("latency", {"cnn": 1.0}),))
NOW: Final = datetime(2026, 12, 1, tzinfo=UTC)


def graded(folder: Path, source: str) -> bytes:
    """Grade one of our packages on all hidden suites and return the report."""
    env = os.environ | {"GRADER_STATE": str(folder / "state")}
    if not (folder / "state").exists():
        (folder / "state").mkdir()
        subprocess.run(
            [*GRADER, "round", "new", "bench"], cwd=ROOT, env=env, check=True
        )
    options = ("--round", "bench", "--no-milestones", "--format", "json")
    command = (*GRADER, "grade", source, *options)
    return subprocess.run(command, cwd=ROOT, env=env, stdout=-1, check=True).stdout


def fill(folder: Path, entries: int, sessions: int) -> None:
    """Fill a store: one result each, some with a session of the competition."""
    source = Source.read(
        load_course(ROOT / "course.toml"),
        graded(folder, "student_template"),
        graded(folder, "reference"),
        ROOT / "reference" / "mutants",
    )
    with closing(Store.open(folder / "store")) as store:
        people = students(entries, 1, SEED)
        for number, who in enumerate(people):
            (report,) = results(source, who, 1, SEED)
            store.add_report(report)
            if number < sessions:
                submission = report.verdict.submission
                store.sessions.add(who.id, entered(number, submission))
        shown = VisibilitySet(visibility="alias", by="bench")
        store.record_all([(who.id, shown) for who in people])


def change(folder: Path) -> None:
    """Let one more student hide: a withdrawal, the smallest change there is."""
    with closing(Store.open(folder / "store")) as store:
        shown = {
            e.student: e.payload.visibility
            for e in store.export().events
            if isinstance(e.payload, VisibilitySet)
        }
        first = min(who for who, how in shown.items() if how != "hidden")
        store.set_visibility(first, "hidden", by="bench")


def once(folder: Path, cache: Path | None) -> dict[str, Any]:
    """Build and write the site in this process; return what it took."""
    took: dict[str, Any] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        wall, cpu = time.perf_counter(), _cpu_s()
        found = work()
        took[f"{name}_cpu_s"] = round(_cpu_s() - cpu, 2)
        took[f"{name}_wall_s"] = round(time.perf_counter() - wall, 2)
        return found

    how = SiteSettings(
        b"sixteen bytes or more", ROOT / "leaderboard", 5, NOW, RULES, cache
    )
    with closing(Store.open(folder / "store")) as store:
        export = timed("export", store.export)
        files = timed(
            "build", lambda: build(export, store.runs, how, store.sessions.read)
        )
    timed("write", lambda: write_site(files, folder / "site"))
    took["total_cpu_s"] = round(_cpu_s(), 2)  # imports included
    took["peak_rss_mib"] = round(
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    )
    took["files"] = len(files)
    took["site_mib"] = round(sum(map(len, files.values())) / 2**20, 1)
    # Equal for every build of one store: the digest of all digests.
    took["sums"] = hashlib.sha256(files[SUMS]).hexdigest()[:16]
    pages = [len(c) for p, c in files.items() if p.parts[0] == "entry"]
    took["entry_page_kib"] = round(statistics.median(pages) / 1024, 1)
    took["index_kib"] = round(
        next(len(c) for p, c in files.items() if str(p) == "index.html") / 1024, 1
    )
    return took


def _cpu_s() -> float:
    """CPU seconds of this process and of the ones it waited for."""
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(who) for who in both]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _in_new_process(folder: Path, *words: str) -> dict[str, Any]:
    command = (sys.executable, __file__, "--child", str(folder), *words)
    env = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=env, stdout=-1, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Fill a store, then build its site in fresh processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1000)
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="Keep the store here.")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", type=Path)
    parser.add_argument("--cache", action="store_true")
    asked = parser.parse_args()
    if asked.child:
        cache = asked.child / "cache" if asked.cache else None
        print(json.dumps(once(asked.child, cache)))
        return
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "entries": asked.entries,
        "sessions": asked.sessions,
    }
    with tempfile.TemporaryDirectory(prefix="bench-publish-") as name:
        folder = asked.folder or Path(name)
        if not (folder / "store").exists():
            folder.mkdir(parents=True, exist_ok=True)
            fill(folder, asked.entries, asked.sessions)
        found["without a cache"] = _in_new_process(folder)
        print(json.dumps(found["without a cache"]), flush=True)
        found["cold"] = _in_new_process(folder, "--cache")
        found["warm"] = [_in_new_process(folder, "--cache") for _ in range(3)]
        found["browser"] = read_in_browser(folder / "site")
        cached = folder / "cache" / "publish.db"
        found["cache_mib"] = round(cached.stat().st_size / 2**20, 1)
        change(folder)
        found["one hides"] = _in_new_process(folder, "--cache")
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
