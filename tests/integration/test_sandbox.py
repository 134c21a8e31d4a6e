"""The wall around a grading: what may start, and what survives a death of ours."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from grader.checks.remote import Session
from grader.config import find_home, load_course
from grader.errors import SandboxUnavailableError
from grader.models.measure import Isolation, Limits
from grader.models.outcome import Inconclusive, Passed
from grader.models.report import CheckResult
from grader.models.submission import SourceFile, Submission
from grader.pipeline import Job, digest_of, grade, reference_files
from grader.rounds import demo_round
from grader.sandbox import Channel, Died, Package, Wall, Zygote, choose, wall
from grader.sandbox.group import Group
from grader.sandbox.uids import Lease

ROOT = Path(__file__).resolve().parents[2]
OPEN_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108
GONE_S = 3.0  # for the kernel to take a namespace apart on a busy host
unreadable = wall._readable_problem(())  # Python, for a user without rights
readable_only = pytest.mark.skipif(bool(unreadable), reason=unreadable)
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can switch uids")
PLAIN_UID = Wall(Isolation(tier="uid"), bubblewrap=False, switch_uid=True, nest=False)


def reference() -> Submission:
    files = reference_files(ROOT / "reference" / "tinytorch")
    return Submission(label="reference", digest=digest_of(files), files=files)


def job(progress: Callable[[str], None] = lambda _: None) -> Job:
    home = find_home(ROOT)
    return Job(
        home=home,
        course=load_course(home.course_file),
        round=demo_round(),
        profile="quick",
        wall=choose("auto"),
        modules=("setup",),
        milestones=(),
        progress=progress,
    )


def checks_of(work: Job) -> list[CheckResult]:
    report = grade(reference(), work)
    return [c for m in report.verdict.modules for c in m.checks]


def package(source: bytes, *names: str) -> Package:
    return Package(
        name="small",
        files=(SourceFile(path="small/__init__.py", data=source),),
        symbols=dict.fromkeys(names, ("small",)),
    )


@pytest.fixture
def zygotes(monkeypatch: pytest.MonkeyPatch) -> list[Zygote]:
    """Return the list of all sandboxes that are started; the submission's is first."""
    started: list[Zygote] = []
    enter = Zygote.__enter__

    def noted(self: Zygote) -> Zygote:
        started.append(self)
        return enter(self)

    monkeypatch.setattr(Zygote, "__enter__", noted)
    return started


def end(zygote: Zygote) -> None:
    """Kill a sandbox from outside, as an operator or the kernel might."""
    kill(zygote.tree.pids())


def kill(pids: set[int]) -> None:
    """Kill processes; one may be gone already, as the death of another takes it."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


# --- something of ours dies


def test_a_killed_sandbox_is_started_again(zygotes: list[Zygote]) -> None:
    killed: list[str] = []

    def kill_once(text: str) -> None:
        if "::" in text and not killed:
            killed.append(text)
            end(zygotes[0])

    results = checks_of(job(kill_once))

    assert killed
    assert {type(c.outcome) for c in results} == {Passed}


def test_a_sandbox_that_dies_every_time_is_inconclusive(
    zygotes: list[Zygote], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    check = Group.check

    def kill_first(self: Group, limits: Limits, *, seed: int) -> object:
        student = zygotes[0] if zygotes else None
        if self._zygote is student and student.package.code:  # not while compiling
            tries.append(seed)
            end(student)
        return check(self, limits, seed=seed)

    monkeypatch.setattr(Group, "check", kill_first)

    results = checks_of(job())

    assert {type(c.outcome) for c in results} == {Inconclusive}
    assert len(tries) == 3 * len(results)


def test_a_dead_group_is_replaced(zygotes: list[Zygote]) -> None:
    killed: list[int] = []

    def kill_group(text: str) -> None:
        if text.endswith("platform_names_the_system"):
            student = zygotes[0]
            killed.extend(student.tree.pids() - student.own)
            kill({*killed})
            time.sleep(0.05)

    results = checks_of(job(kill_group))

    assert killed
    kinds = {c.id.split("::")[1]: c.outcome.kind for c in results}
    assert kinds.pop("platform_names_the_system") in {"passed", "crashed"}
    assert set(kinds.values()) == {"passed"}


JUDGE = """
import sys
sys.path.insert(0, sys.argv[1])
from grader.models.measure import Isolation, Limits
from grader.models.submission import SourceFile
from grader.sandbox import Package, Wall, Zygote, choose

source = b'''
import ctypes
import signal

PR_SET_PDEATHSIG = 1


def stay():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0)
    for number in set(signal.Signals) - {9, 19}:
        signal.signal(number, signal.SIG_IGN)


def spin():
    stay()
    while True:
        pass


stay()
'''
files = (SourceFile(path="small/__init__.py", data=source),)
symbols = {"stay": ("small",), "spin": ("small",)}
package = Package(name="small", files=files, symbols=symbols)
wall = choose("auto")
if sys.argv[2] == "plain":
    wall = Wall(Isolation(tier="uid"), False, True, False)
with Zygote(wall, package, memory=Limits()) as zygote:
    group = zygote.group((), Limits())
    channel = group.check(Limits(cpu_s=100, wall_s=100), seed=0)
    from grader.checks.remote import Session

    tt = Session(channel, set(), trusted=False).namespace()
    tt.stay()
    print(*zygote.tree.pids(), flush=True)
    tt.spin()
"""


@pytest.mark.parametrize(
    "kind", ["strongest", pytest.param("plain", marks=[root_only])]
)
def test_nothing_survives_a_killed_judge(kind: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", JUDGE, str(ROOT), kind]
    judge = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert judge.stdout is not None
    pids = [int(word) for word in judge.stdout.readline().split()]
    tree = [psutil.Process(pid) for pid in pids]
    assert len(tree) >= 3  # zygote, group and check
    time.sleep(0.1)  # until it spins

    judge.kill()
    judge.wait()
    judge.stdout.close()
    _, alive = psutil.wait_procs(tree, timeout=GONE_S)

    left = [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]
    for process in left:
        process.kill()
    assert left == []


# --- user ids


@root_only
def test_leases_of_two_processes_are_disjoint() -> None:
    source = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from grader.sandbox.uids import Lease\n"
        "lease = Lease()\n"
        "print([lease.next() for _ in range(100)], flush=True)\n"
        "sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    theirs = set(json.loads(other.stdout.readline()))
    lease = Lease()
    ours = {lease.next() for _ in range(100)}
    lease.close()
    other.communicate("")

    assert len(ours) == len(theirs) == 64
    assert not ours & theirs


@root_only
def test_two_sandboxes_run_as_different_users() -> None:
    small = package(b"def well():\n    return 42\n", "well")
    with (
        Zygote(choose("auto"), small, memory=Limits()) as one,
        Zygote(choose("auto"), small, memory=Limits()) as two,
    ):
        users = []
        for zygote in (one, two):
            group = zygote.group((), Limits())
            fresh = zygote.tree.pids() - zygote.own
            users.append({psutil.Process(p).uids().real for p in fresh})
            group.close()

    assert all(user >= 700_000 for found in users for user in found)
    assert len(users[0]) == len(users[1]) == 1
    assert users[0] != users[1]


def test_every_group_of_one_sandbox_has_a_user_of_its_own() -> None:
    if not choose("auto").switch_uid:
        pytest.skip("this tier has one user")
    small = package(b"def well():\n    return 42\n", "well")
    users = []
    with Zygote(choose("auto"), small, memory=Limits()) as zygote:
        for _ in range(2):
            group = zygote.group((), Limits())
            fresh = zygote.tree.pids() - zygote.own
            users.append({psutil.Process(p).uids().real for p in fresh})
            group.close()

    assert not users[0] & users[1]


# --- files


@root_only
@readable_only
def test_files_of_a_group_are_gone_before_the_next_one() -> None:
    name = f"adversarial-{os.getpid()}"
    source = f"""
import os


def drop():
    made = []
    for folder in (*{OPEN_FOLDERS}, os.path.dirname(os.getcwd())):
        try:
            os.mkdir(f"{{folder}}/{name}")
            made.append(folder)
        except OSError:
            continue
    return made
"""
    with Zygote(PLAIN_UID, package(source.encode(), "drop"), memory=Limits()) as zygote:
        made = []
        for _ in range(2):
            group = zygote.group((), Limits())
            made.append(_call(group.check(Limits(), seed=0), "drop"))
            group.finish()
            group.close()
        places = [f"{folder}/{name}" for folder in (*OPEN_FOLDERS, zygote.scratch)]
        left = [place for place in places if os.path.lexists(place)]

    assert OPEN_FOLDERS[0] in made[0]
    assert made[0] == made[1]
    assert left == []


LITTER = """
import os


def drop():
    places = (".", "..", "/tmp", "/var/tmp", "/dev/shm", "/run/lock")
    made = []
    for place in places:
        try:
            with open(f"{place}/litter-of-a-check", "x") as file:
                file.write("1")
            made.append(place)
        except OSError:
            continue
    return made
"""


def test_a_check_finds_no_file_of_the_one_before() -> None:
    wall = choose("auto")
    with Zygote(wall, package(LITTER.encode(), "drop"), memory=Limits()) as zygote:
        group = zygote.group((), Limits())
        made = []
        for _ in range(2):
            made.append(_call(group.check(Limits(), seed=0), "drop"))
            group.finish()
        group.close()

    assert {".", ".."} <= set(made[0])
    assert made[0] == made[1]
    if wall.own_mounts:
        assert made[0] == [".", ".."]
    if wall.bubblewrap:
        assert made[0] == [".", "..", "/tmp"][: len(made[0])]  # noqa: S108


def test_a_check_has_no_capabilities_in_any_namespace() -> None:
    source = b"""
def rights():
    lines = open("/proc/self/status").read().splitlines()
    return dict(line.split() for line in lines if line.startswith("Cap"))
"""
    with Zygote(choose("auto"), package(source, "rights"), memory=Limits()) as zygote:
        group = zygote.group((), Limits())
        found = _call(group.check(Limits(), seed=0), "rights")
        group.finish()
        group.close()

    for kind in ("CapInh:", "CapPrm:", "CapEff:", "CapAmb:"):
        assert int(found[kind], 16) == 0, kind


def test_only_numpy_and_the_standard_library_can_be_imported() -> None:
    source = b"""
def imported():
    found = []
    for name in ("numpy.polynomial", "json", "sqlite3", "pytest", "pydantic", "grader"):
        try:
            __import__(name)
            found.append(name)
        except ImportError:
            pass
    return found
"""
    with Zygote(choose("auto"), package(source, "imported"), memory=Limits()) as zygote:
        group = zygote.group((), Limits())
        found = _call(group.check(Limits(), seed=0), "imported")
        group.finish()
        group.close()

    assert found[:2] == ["numpy.polynomial", "json"]
    assert set(found[2:]) <= {"sqlite3"}


def _call(channel: Channel, name: str) -> Any:
    return getattr(Session(channel, set(), trusted=False).namespace(), name)()


# --- which wall


@pytest.fixture
def no_bubblewrap(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[pytest.MonkeyPatch]:
    wall.bubblewrap_problem.cache_clear()
    for name in ("find", "rm"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", str(tmp_path))
    yield monkeypatch
    monkeypatch.undo()
    wall.bubblewrap_problem.cache_clear()


@pytest.mark.parametrize("wanted", ["auto", "uid", "namespaces"])
def test_an_ordinary_user_without_bubblewrap_gets_no_sandbox(
    no_bubblewrap: pytest.MonkeyPatch, wanted: str
) -> None:
    no_bubblewrap.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(SandboxUnavailableError) as refused:
        choose(wanted)

    assert "no sandbox can start here" in str(refused.value)
    assert "--sandbox none" in (refused.value.hint or "")


def test_nobody_is_graded_without_a_wall_unless_asked(
    no_bubblewrap: pytest.MonkeyPatch,
) -> None:
    no_bubblewrap.setattr(os, "geteuid", lambda: 1000)

    asked = choose("none")

    assert asked.isolation.tier == "none"
    assert not asked.isolation.features


def test_root_without_bubblewrap_needs_closed_secrets(
    no_bubblewrap: pytest.MonkeyPatch,
) -> None:
    secret = Path(OPEN_FOLDERS[0]) / f"adversarial-open-{os.getpid()}"
    secret.mkdir(mode=0o755)
    no_bubblewrap.setattr(os, "geteuid", lambda: 0)
    no_bubblewrap.setattr(sys, "prefix", "/usr")
    no_bubblewrap.setattr(sys, "base_prefix", "/usr")

    try:
        with pytest.raises(SandboxUnavailableError) as refused:
            choose("uid", secrets=(secret,))
        secret.chmod(0o700)
        allowed = choose("uid", secrets=(secret,))
    finally:
        secret.rmdir()

    assert f"chmod 700 {secret}" in str(refused.value)
    assert allowed.isolation.tier == "uid"
    assert not allowed.bubblewrap


def test_root_without_find_gets_no_sandbox(
    no_bubblewrap: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    no_bubblewrap.setattr(os, "geteuid", lambda: 0)
    no_bubblewrap.setattr(sys, "prefix", "/usr")
    no_bubblewrap.setattr(sys, "base_prefix", "/usr")
    (tmp_path / "find").unlink()

    with pytest.raises(SandboxUnavailableError) as refused:
        choose("uid")

    assert "`find` is not installed" in str(refused.value)


def test_an_unknown_tier_is_refused() -> None:
    with pytest.raises(SandboxUnavailableError):
        choose("wishes")


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
def test_the_report_names_the_wall() -> None:
    report = grade(reference(), job())

    isolation = report.measurements.isolation
    assert isolation.tier == ("uid" if os.geteuid() == 0 else "namespaces")
    assert {"mount-namespace", "network-namespace", "pid-namespace"} <= set(
        isolation.features
    )


# --- a check that was started is not started twice


def test_a_check_in_a_dead_group_says_so() -> None:
    small = package(b"def well():\n    return 42\n", "well")
    with Zygote(choose("auto"), small, memory=Limits()) as zygote:
        group = zygote.group((), Limits())
        kill(zygote.tree.pids() - zygote.own)
        deadline = time.monotonic() + GONE_S
        while zygote.tree.living(zygote.tree.pids()) - zygote.own:
            assert time.monotonic() < deadline
            time.sleep(0.01)

        with pytest.raises(Died):
            _call(group.check(Limits(), seed=0), "well")

        group.close()
