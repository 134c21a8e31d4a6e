"""What an answer pack leaves unjudged: named mutants, with a pack and with reference.

    python -m bench.hosts.packs --sample 4 --out bench/hosts/packs.json

Every fourth mutant is graded on the modules that see it, twice. Compared are kinds of
outcomes: times and random numbers of a mutant stand in messages and differ in any two
gradings. A check is judged as before, or inconclusive with the pack, or blocked by one
that is; anything else is an error.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from grader.config import Home, load_course
from grader.intake.bundle import digest_of
from grader.models.outcome import Blocked, Inconclusive, Outcome, Passed
from grader.models.report import GradeReport
from grader.models.submission import Submission
from grader.packs import build_pack, opened
from grader.pipeline import Job, grade, reference_files
from grader.rounds import Round
from grader.sandbox import choose
from grader.validation.mutants import Mutant, Source, select

ROOT: Final = Path(__file__).resolve().parents[2]
ROUND: Final = Round(
    name="bench",
    kind="feedback",
    secret_hex="5e" * 32,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def main() -> int:
    """Grade, count, print; exit 1 where a pack changes what is judged."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=4, help="every so many-th")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    home = Home(ROOT)
    course = load_course(home.course_file)
    wall = choose("auto", secrets=(home.reference,))
    job = Job(home, course, ROUND, "quick", wall, milestones=())
    files = reference_files(home.reference / course.package)
    mutants = select(
        Source(course, files), home.mutants, modules=(), kinds=("named",), sample=0
    )
    with tempfile.TemporaryDirectory() as folder:
        pack = build_pack(job, Path(folder, "bench.pack")).path
        rows = [compared(job, pack, mutant) for mutant in mutants[:: given.sample]]
    result = summed(rows)
    print(json.dumps(result, indent=1))
    if given.out:
        given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")
    return int(bool(result["different"]))


def compared(job: Job, pack: Path, mutant: Mutant) -> dict[str, Any]:
    """Grade one mutant twice; return how its checks differ."""
    submission = Submission(
        label=mutant.name, digest=digest_of(mutant.files), files=mutant.files
    )
    chosen = replace(job, modules=tuple(sorted(mutant.modules)))
    known = outcomes(grade(submission, chosen))
    with opened(pack) as used:
        packed = replace(chosen, home=used.home, course=used.course, pack=used.answers)
        with_pack = outcomes(grade(submission, packed))
    differing = {k for k in known if known[k].kind != with_pack[k].kind}
    unclear = {k for k in differing if isinstance(with_pack[k], Inconclusive)}
    blocked = {k for k in differing if waits_for(with_pack[k], unclear)}
    print(f"{mutant.name}: {len(unclear)} of {len(known)} unclear", file=sys.stderr)
    return {
        "mutant": mutant.name,
        "checks": len(known),
        "inconclusive": sorted(unclear),
        "blocked": len(blocked),
        "different": sorted(differing - unclear - blocked),
        "seen": any(wrong(outcome) for outcome in with_pack.values()),
    }


def waits_for(outcome: Outcome, checks: set[str]) -> bool:
    """Return whether a check is blocked by one of `checks`."""
    return isinstance(outcome, Blocked) and bool(checks & set(outcome.by))


def wrong(outcome: Outcome) -> bool:
    """Return whether a check was judged, and fails."""
    return not isinstance(outcome, Passed | Inconclusive)


def outcomes(report: GradeReport) -> dict[str, Any]:
    """Return the outcome of every check."""
    return {c.id: c.outcome for m in report.verdict.modules for c in m.checks}


def summed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the counts, and the names that are not zero."""
    unclear = {
        row["mutant"]: row["inconclusive"] for row in rows if row["inconclusive"]
    }
    return {
        "mutants": len(rows),
        "checks": sum(row["checks"] for row in rows),
        "mutants_with_inconclusive_checks": len(unclear),
        "inconclusive_checks": sum(map(len, unclear.values())),
        "blocked_by_these": sum(row["blocked"] for row in rows),
        "mutants_still_seen": sum(row["seen"] for row in rows),
        "inconclusive": unclear,
        "different": {r["mutant"]: r["different"] for r in rows if r["different"]},
    }


if __name__ == "__main__":
    sys.exit(main())
