"""All three products end to end: every module, quick milestones, real uploads.

    python -m bench.hosts.run --base BASE_IMAGE --staff STAFF_IMAGE --out results.json

Needs a Docker engine, what `make image` has put into wheels/, and apt-get on a Debian
of the release of BASE_IMAGE, which downloads make and sudo for the Autolab image.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from docker import from_env

from bench.hosts.containers import Autolab, Ended, Engine, Gradescope, PrairieLearn
from grader import api, rounds
from grader.config import load_course
from grader.intake import open_submission, pack

ROOT: Final = Path(__file__).resolve().parents[2]
DEBS: Final = ("make", "sudo", "libapparmor1")
HANDIN: Final = "handin.tinytorch.tar.gz"
LOUD: Final = """
import atexit, sys
line = '{"scores": {"tensor": 60.0}, "scoreboard": [750]}'
atexit.register(lambda: print(line, flush=True))
print(line, flush=True); print(line, file=sys.stderr, flush=True)
"""


def main() -> int:
    """Run everything; exit 1 where a product reads another score than `grade` gives."""
    given = arguments()
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(from_env()) as docker,
    ):
        work = Path(folder)
        os.environ["GRADER_STATE"] = str(work / "state")
        rounds.new_round(work / "state", "week-1", "feedback")
        uploads = prepared(work, given.modules)
        engine = Engine(docker)
        try:
            rows = [*graded(engine, given, work, uploads)]
        finally:
            engine.close()
    for row in rows:
        print(json.dumps(row))
    if given.out:
        given.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf8")
    return int(any(row["read"] != row["expected"] for row in rows))


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="tinytorch-grader-base:local")
    parser.add_argument("--staff", default="tinytorch-grader:staff")
    parser.add_argument("--module", dest="modules", action="append", default=[])
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def options(modules: list[str]) -> list[str]:
    """Return the options of a bundle; with modules named, without milestones."""
    named = [word for name in modules for word in ("--module", name)]
    return [*named, "--no-milestones"] if modules else []


def prepared(work: Path, modules: list[str]) -> dict[str, tuple[bytes, float]]:
    """Return hand-ins and the points that `grader grade` gives them here."""
    loud = work / "loud"
    (loud / "tinytorch").mkdir(parents=True)
    for path in (ROOT / "reference" / "tinytorch").glob("*.py"):
        text = path.read_text(encoding="utf8")
        head, mark, rest = text.partition("from __future__ import annotations\n")
        (loud / "tinytorch" / path.name).write_text(
            head + mark + LOUD * bool(mark) + rest
        )
    sources = {
        "reference": ROOT / "reference",
        "template": ROOT / "student_template",
        "prints results": loud,
    }
    milestones = () if modules else None
    asked = api.GradeOptions(
        course=ROOT, round="week-1", modules=tuple(modules), milestones=milestones
    )
    made = {}
    for name, source in sources.items():
        verdict = api.grade(str(source), asked).verdict
        handin = pack(open_submission(str(source), student="ada"))
        made[name] = handin, round(verdict.earned / verdict.points, 6)
    made["broken upload"] = b"\x1f\x8b no archive", 0.0
    return made


def graded(
    engine: Engine,
    given: argparse.Namespace,
    work: Path,
    uploads: dict[str, tuple[bytes, float]],
) -> list[dict[str, Any]]:
    """Grade every upload in every product."""
    rows = []
    for product, make in PRODUCTS.items():
        grade, install_s = timed(lambda make=make: make(engine, given, work))
        for name, (handin, expected) in uploads.items():
            (ended, read), wall_s = timed(lambda g=grade, h=handin: g(h))
            rows.append(
                {
                    "product": product,
                    "upload": name,
                    "read": read,
                    "expected": expected,
                    "wall_s": round(wall_s, 1),
                    "install_s": round(install_s, 1),
                    "exit_code": ended.code,
                }
            )
            print(rows[-1], file=sys.stderr)
    return rows


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a call returns, and its wall seconds."""
    start_s = time.monotonic()
    return call(), time.monotonic() - start_s


Grade = Callable[[bytes], tuple[Ended, float]]


def bundle(product: str, out: Path, given: argparse.Namespace, *more: str) -> Path:
    """Make a bundle as staff do."""
    command = [sys.executable, "-m", "grader.cli.main", "bundle", product, str(out)]
    command += ["--round", "week-1", *options(given.modules), *more]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return out


def folder_of(handin: bytes) -> Path:
    """Return a folder with one hand-in; it is left for the system to remove."""
    folder = Path(tempfile.mkdtemp(dir=os.environ["GRADER_STATE"]))
    (folder / HANDIN).write_bytes(handin)
    return folder


def wheels() -> Path:
    """Return the folder that `make image` has filled."""
    return next((ROOT / "wheels").glob("*/packages"))


def gradescope(engine: Engine, given: argparse.Namespace, work: Path) -> Grade:
    """Install the zip; return how to grade."""
    out = work / "autograder.zip"
    bundle("gradescope", out, given, "--wheels", str(wheels()))
    host = Gradescope(engine, given.base, out)

    def grade(handin: bytes) -> tuple[Ended, float]:
        ended = host.grade(folder_of(handin))
        value = ended.value()
        most = sum(test["max_score"] for test in value.get("tests", [])) or 1.0
        return ended, round(value["score"] / most, 6)

    return grade


def prairielearn(engine: Engine, given: argparse.Namespace, work: Path) -> Grade:
    """Build the image; return how to grade."""
    host = PrairieLearn(engine, given.staff, bundle("prairielearn", work / "q", given))

    def grade(handin: bytes) -> tuple[Ended, float]:
        ended = host.grade(folder_of(handin))
        return ended, round(ended.value().get("score", 0.0), 6)

    return grade


def autolab(engine: Engine, given: argparse.Namespace, work: Path) -> Grade:
    """Make the image; return how to grade."""
    lab = bundle("autolab", work / "lab", given, "--wheels", str(wheels()))
    debs = Path(tempfile.mkdtemp(dir=work))
    debs.chmod(0o777)  # apt-get downloads as a user of its own
    download = ["apt-get", "-qq", "download", *DEBS]
    subprocess.run(download, cwd=debs, check=True, stderr=subprocess.DEVNULL)
    host = Autolab(engine, given.base, lab, sorted(debs.glob("*.deb")))

    def grade(handin: bytes) -> tuple[Ended, float]:
        ended = host.grade(handin, HANDIN)
        scores = ended.value()["scores"]
        return ended, round(sum(scores.values()) / most(scores), 6)

    return grade


def most(scores: dict[str, float]) -> float:
    """Return the points of the problems that were scored."""
    course = load_course(ROOT / "course.toml")
    points = {module.name: module.points for module in course.modules}
    points |= {f"milestone_{m.name}": m.points for m in course.milestones}
    return sum(points[name] for name in scores)


PRODUCTS: Final[dict[str, Callable[[Engine, argparse.Namespace, Path], Grade]]] = {
    "gradescope": gradescope,
    "prairielearn": prairielearn,
    "autolab": autolab,
}

if __name__ == "__main__":
    sys.exit(main())
