"""Where hostile submissions are graded: a course full of canaries, and a look around.

A case is a folder: `submission/tinytorch/` is laid over the reference, the untouched
template or nothing, `expect.toml` says what must come of it.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

from grader.config import Home, load_course
from grader.intake import open_submission
from grader.models.course import Course
from grader.models.report import CheckResult, GradeReport, MilestoneResult
from grader.pipeline import Job, grade
from grader.rounds import Round, demo_round
from grader.sandbox import choose, uids

ROOT: Final = Path(__file__).resolve().parents[2]
CASES: Final = Path(__file__).parent / "cases"
SHARED: Final = Path(__file__).parent / "shared" / "frames.py"
SHORT_SUITE: Final = Path(__file__).parent / "suite"
BASES: Final = {"reference": ROOT / "reference", "template": ROOT / "student_template"}
SANDBOX: Final = os.environ.get("ADVERSARIAL_SANDBOX", "auto")
PR_SET_CHILD_SUBREAPER: Final = 36
WORLD_WRITABLE: Final = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108
GONE_S: Final = 5.0  # for the kernel to take a killed namespace apart
# Spies look for secrets of this run, of all its workers; a log may hold older ones.
_RUN_ID: Final = os.environ.get("PYTEST_XDIST_TESTRUNUID", os.urandom(16).hex())
RUN: Final = _RUN_ID[:8].encode()
SCRATCH: Final = "tinytorch-scratch-*"


@dataclass(frozen=True)
class Case:
    """One `expect.toml`."""

    name: str
    why: str
    base: str  # "reference", "template" or "none": what the overlay is laid over
    max_points: float
    max_wall_s: float
    append: bool = False  # overlay files are added to the end of the base's
    frames: bool = False  # the package gets `shared/frames.py` as `_frames`
    suite: str = "full"  # "short": one check that calls system_info() twice
    modules: tuple[str, ...] = ("setup",)
    milestones: tuple[str, ...] = ()
    min_points: float = 0.0  # what honest parts of the submission still earn
    outcome: tuple[str, ...] = ()  # of every check that did not pass
    limit: tuple[str, ...] = ()  # where the outcome is limit_exceeded
    milestone: tuple[str, ...] = ()  # outcome of the milestones
    max_epochs: int = 1000  # of a learning curve in the report
    max_judge_mib: int = 200  # what the judge's peak memory may grow by
    markers: tuple[str, ...] = ()  # in the output of checks: the attack ran
    forbidden: tuple[str, ...] = ()  # must be nowhere in what leaves
    injection: bool = False  # look at every surface of the report
    machine: str = ""  # the attack names system calls of this machine
    needs: str = ""  # "bubblewrap": the wall that this attack is about
    hole: str = ""  # not defended yet; the case must fail until it is
    limits: dict[str, Any] = field(default_factory=dict)
    load: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the case is."""
        return CASES / self.name


def load_case(folder: Path) -> Case:
    """Return the case in `folder`; an unknown or missing key raises."""
    said = tomllib.loads((folder / "expect.toml").read_text(encoding="utf8"))
    for key in ("outcome", "limit", "milestone"):
        if isinstance(said.get(key), str):
            said[key] = [said[key]]
    values: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in said.items()
    }
    case = Case(name=folder.name, **values)
    if not (case.markers or case.outcome or case.milestone):
        msg = f"{case.name}: nothing in expect.toml proves that the attack ran"
        raise ValueError(msg)
    return case


def cases() -> list[Case]:
    """Return all cases, by name."""
    return [load_case(f.parent) for f in sorted(CASES.glob("*/expect.toml"))]


def build(case: Case, folder: Path) -> Path:
    """Lay the case over its base in `folder` and return it."""
    package = folder / "tinytorch"
    if case.base != "none":
        shutil.copytree(
            BASES[case.base] / "tinytorch",
            package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    overlay = case.folder / "submission"
    for source in sorted(p for p in overlay.rglob("*") if p.is_file()):
        target = folder / source.relative_to(overlay)
        target.parent.mkdir(parents=True, exist_ok=True)
        before = target.read_bytes() if case.append and target.exists() else b""
        target.write_bytes(before + source.read_bytes().replace(b"CANARY_RUN", RUN))
    if case.frames:
        shutil.copy(SHARED, package / "_frames.py")
    return folder


@dataclass
class Canaries:
    """Secrets planted where a submission must not reach.

    They are not part of what a failed test prints: logs are files, and are met.
    """

    texts: dict[str, str] = field(default_factory=dict, repr=False)

    def plant(self, place: str) -> str:
        """Return a fresh secret for `place`."""
        self.texts[place] = f"canary{RUN.decode()}{os.urandom(9).hex()}"
        return self.texts[place]

    def found_in(self, text: str) -> list[str]:
        """Return the places whose secret is in `text`, plain, reversed or in hex."""
        return [
            place
            for place, secret in self.texts.items()
            if any(
                form in text for form in (secret, secret[::-1], secret.encode().hex())
            )
        ]


@dataclass(frozen=True)
class Arena:
    """A course of its own in a private folder, with canaries."""

    homes: dict[str, Home]  # by suite
    course: Course
    round: Round
    canaries: Canaries
    folder: Path


@contextmanager
def arena(folder: Path) -> Iterator[Arena]:
    """Make a copy of the course with a secret in every place worth reading."""
    canaries = Canaries()
    home = Home(folder / "home")
    home.folder.mkdir(mode=0o700)
    shutil.copy(ROOT / "course.toml", home.course_file)
    for name in ("reference", "milestones"):
        shutil.copytree(ROOT / name, home.folder / name)
    note = home.reference / "answers.txt"
    note.write_text(canaries.plant("reference"), encoding="utf8")
    for part in (*(home.reference / "tinytorch").glob("*.py"), *home.suites.iterdir()):
        if part.suffix == ".py":
            secret = canaries.plant(f"source of {part.stem}")
            with part.open("a", encoding="utf8") as file:
                file.write(f"\nCANARY = {secret!r}\n")
    short = Home(folder / "short")
    shutil.copytree(home.folder, short.folder)
    shutil.rmtree(short.suites)
    shutil.copytree(SHORT_SUITE, short.suites)
    neighbour = folder / "other-student" / "tinytorch"
    neighbour.mkdir(parents=True)
    text = canaries.plant("another submission")
    (neighbour / "tensor.py").write_text(text, encoding="utf8")
    secret = canaries.plant("round").encode().ljust(32, b".").hex()
    os.environ["GRADER_TEST_TOKEN"] = canaries.plant("environment")
    try:
        yield Arena(
            homes={"full": home, "short": short},
            course=load_course(home.course_file),
            round=demo_round().model_copy(update={"secret_hex": secret}),
            canaries=canaries,
            folder=folder,
        )
    finally:
        del os.environ["GRADER_TEST_TOKEN"]


def tightened(course: Course, case: Case) -> Course:
    """Return the course with the case's smaller limits."""
    limits = course.limits.model_copy(
        update={
            "check": course.limits.check.model_copy(update=case.limits),
            "load": course.limits.load.model_copy(update=case.load),
        }
    )
    return course.model_copy(update={"limits": limits})


def fight(case: Case, place: Arena, folder: Path, sandbox: str = SANDBOX) -> Battle:
    """Grade the case and note what is left on the host."""
    submission = open_submission(str(build(case, folder)), student="mallory")
    submission = submission.model_copy(update={"label": "submission"})
    job = Job(
        home=place.homes[case.suite],
        course=tightened(place.course, case),
        round=place.round,
        profile="quick",
        wall=choose(sandbox),
        data=ROOT / "milestones" / "data",
        modules=case.modules,
        milestones=case.milestones,
    )
    start, before_kib = time.monotonic(), _peak_kib()
    with watched() as host:
        report = grade(submission, job)
        wall_s = time.monotonic() - start
    return Battle(report, host, wall_s, (_peak_kib() - before_kib) // 1024)


def _peak_kib() -> int:
    """Return the judge's highest resident set size since the last call."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return int(text.split("VmHWM:")[1].split()[0])


@dataclass
class Host:
    """What one grading used and left behind."""

    uids: set[int] = field(default_factory=set)
    processes: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Battle:
    """A graded case."""

    report: GradeReport
    host: Host
    wall_s: float
    judge_mib: int  # growth of the judge's peak memory

    @property
    def checks(self) -> list[CheckResult]:
        """All checks that were run."""
        return [c for m in self.report.verdict.modules for c in m.checks]

    @property
    def milestones(self) -> tuple[MilestoneResult, ...]:
        """All milestones that were run."""
        return self.report.verdict.milestones

    @property
    def output(self) -> str:
        """All that the submission printed, as the report has it."""
        return "\n".join(c.output for c in self.checks)


@contextmanager
def watched() -> Iterator[Host]:
    """Note user ids that are leased inside, and what of them is left afterwards.

    Orphans fall to this process (a subreaper), so none can hide from `children`.
    """
    host = Host()
    lease = uids.Lease.next

    def noted(self: uids.Lease) -> int:
        uid = lease(self)
        host.uids.add(uid)
        return uid

    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    there = {*_files()}
    uids.Lease.next = noted  # type: ignore[method-assign]
    try:
        yield host
    finally:
        uids.Lease.next = lease  # type: ignore[method-assign]
        end = time.monotonic() + GONE_S
        while (left := [*_processes(host.uids, before)]) and time.monotonic() < end:
            time.sleep(0.02)
        host.processes = left
        host.files = [str(path) for path in {*_files()} - there if _ours(path, host)]


def _processes(leased: set[int], before: set[int]) -> Iterator[str]:
    ours = {p.pid for p in psutil.Process().children(recursive=True)} - before
    for process in psutil.process_iter(["uids", "status", "name"]):
        info = process.info
        if info["status"] == psutil.STATUS_ZOMBIE:
            continue
        if process.pid in ours or (info["uids"] and info["uids"].real in leased):
            yield f"{process.pid} {info['name']} uid {info['uids']}"


def _files() -> Iterator[Path]:
    """Yield what lies where everybody may write."""
    for folder in WORLD_WRITABLE:
        yield from Path(folder).iterdir()
        for scratch in Path(folder).glob(SCRATCH):
            with suppress(FileNotFoundError):  # another worker's, just removed
                yield from [*scratch.iterdir()]


def _ours(path: Path, host: Host) -> bool:
    """Return whether this grading left `path`: by a leased user or by our name.

    Where all have one user, a folder that another living grader holds is not left.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    if path.match(SCRATCH) and found.st_uid == os.geteuid() and not host.uids:
        return not _held_by_another(found.st_ino)
    return found.st_uid in host.uids


def _held_by_another(inode: int) -> bool:
    """Return whether another process has a lock on the file with this number."""
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.replace("-> ", "").split()
        if fields[5].split(":")[-1] == str(inode) and fields[4] != str(os.getpid()):
            return True
    return False
