"""Which wall stands around a zygote: what this host offers and what was asked for.

Tiers, strongest first: "docker" (grading itself runs in our container), "uid" (root
gives every group a user of its own), "namespaces" (bubblewrap as an ordinary user),
"none" (asked for). Root also uses bubblewrap where it works, for its mounts and net.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from grader.errors import SandboxUnavailableError
from grader.models.measure import Isolation
from grader.sandbox import seccomp
from grader.sandbox.scratch import Scratch

AGENT: Final = Path(__file__).resolve().parents[1] / "agent"
# The agent's folder is on the path for one import: nothing beside it must be found.
START: Final = """
import socket, sys
sys.path.insert(0, sys.argv[1])
from agent.main import zygote
sys.path.pop(0)
zygote(socket.socket(fileno=int(sys.argv[2])), sys.argv[3], int(sys.argv[4]))
"""
PROBE: Final = """
import sys
sys.path.insert(0, sys.argv[1])
from agent.confine import close_mounts
close_mounts(sys.argv[2], 4096)
"""
SCRATCH_BYTES: Final = 128 * 2**20
IN_CONTAINER: Final = "GRADER_CONTAINER"  # set by our image alone
CHOICES: Final = ("auto", "docker", "uid", "namespaces", "none")


@dataclass(frozen=True)
class Wall:
    """How a zygote is started and what its groups give up."""

    isolation: Isolation
    bubblewrap: bool
    switch_uid: bool
    nest: bool  # own user and pid namespace per group
    own_mounts: bool = False  # the zygote makes all but its scratch read-only

    def command(self, descriptor: int, scratch: str) -> list[str]:
        """Return the command that starts the zygote on an inherited socket."""
        python = [sys.executable, "-s", "-P", "-B", "-c", START]
        mounts = [scratch if self.own_mounts else "", str(SCRATCH_BYTES)]
        if not self.bubblewrap:
            return [*python, str(AGENT.parent), str(descriptor), *mounts]
        return [*_bubblewrap(), *python, "/opt", str(descriptor), *mounts]


def choose(requested: str, *, secrets: tuple[Path, ...] = ()) -> Wall:
    """Return the wall for `requested` ("auto" takes the strongest there is).

    Args:
        secrets: what no unprivileged user may read, where only uids stand between.

    Raises:
        SandboxUnavailableError: this host cannot build it.
    """
    if requested == "none":
        return Wall(Isolation(tier="none"), False, False, False)
    reasons = survey(secrets)
    wanted = ("uid", "namespaces") if requested == "auto" else (requested,)
    for tier in wanted:
        if not reasons.get(tier, f"there is no tier {tier!r}"):
            return _build(tier)
    tier = wanted[0] if os.geteuid() == 0 else wanted[-1]
    msg = f"no sandbox can start here: {reasons.get(tier, 'unknown tier')}"
    raise SandboxUnavailableError(msg, hint=_hint())


def survey(secrets: tuple[Path, ...] = ()) -> dict[str, str]:
    """Return why each tier cannot be used; an empty text means that it can."""
    wrap = bubblewrap_problem()
    root = os.geteuid() == 0
    uid = "" if root else "only root can give submissions a user of their own"
    if root and wrap:
        uid = _readable_problem(secrets) or _tools_problem()
    return {"uid": uid, "namespaces": wrap or ("root uses tier uid" if root else "")}


def _hint() -> str:
    return (
        "install bubblewrap, run as root, or use Docker (`--sandbox docker`); "
        "`grader doctor` says what is missing; "
        "`--sandbox none` only for code that you trust"
    )


def _build(tier: str) -> Wall:
    wrap = not bubblewrap_problem()
    mounts = tier == "uid" and not wrap and not mounts_problem()
    features = ["fresh-uid"] if tier == "uid" else ["user-namespace"]
    if wrap:
        features += ["mount-namespace", "network-namespace", "pid-namespace"]
    if mounts:
        features += ["mount-namespace"]
    if seccomp.program():
        features.append("seccomp")
    contained = os.environ.get(IN_CONTAINER) and tier == "uid"
    isolation = Isolation.model_validate(
        {"tier": "docker" if contained else tier, "features": tuple(features)}
    )
    return Wall(isolation, wrap, tier == "uid", tier == "namespaces", mounts)


@cache
def bubblewrap_problem() -> str:
    """Return why bubblewrap does not work here; empty if it does."""
    if shutil.which("bwrap") is None:
        return "bubblewrap (`bwrap`) is not installed"
    probe = [*_bubblewrap(), sys.executable, "-c", "import os; os.getpid()"]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode == 0:
        return ""
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return f"bubblewrap cannot start: {lines[-1][:200]}"


@cache
def mounts_problem() -> str:
    """Return why root cannot have mounts of its own (a container); empty if it can."""
    with closing(Scratch()) as scratch:
        probe = [sys.executable, "-s", "-P", "-B", "-c", PROBE]
        probe += [str(AGENT.parent), scratch.path]
        done = subprocess.run(probe, capture_output=True, text=True, check=False)  # noqa: S603
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return lines[-1][:200] if done.returncode else ""


def _tools_problem() -> str:
    """Return which program is missing that removes what a submission leaves."""
    missing = [name for name in ("find", "rm") if shutil.which(name) is None]
    return f"`{missing[0]}` is not installed" if missing else ""


def _bubblewrap() -> list[str]:
    """Return a bubblewrap command that shows Python and numpy, and nothing else."""
    root = os.geteuid() == 0
    command = ["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc"]
    command += ["--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox"]
    command += ["--die-with-parent", "--as-pid-1"]
    if root:
        command += ["--cap-drop", "ALL"]
        for right in ("CAP_SETUID", "CAP_SETGID", "CAP_KILL"):
            command += ["--cap-add", right]
    else:
        command += ["--unshare-user"]
    command += ["--proc", "/proc", "--dev", "/dev"]
    command += ["--perms", "1777", "--size", str(SCRATCH_BYTES), "--tmpfs", "/tmp"]  # noqa: S108
    command += ["--perms", "0555", "--size", "4096", "--tmpfs", "/dev/shm"]  # noqa: S108
    for path in ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache"):
        command += ["--ro-bind-try", path, path]
    for prefix in sorted({sys.base_prefix, sys.prefix}):
        if not Path(prefix).is_relative_to("/usr"):
            for parent in reversed(Path(prefix).parents[:-1]):  # 0700 by itself
                if parent == Path("/tmp"):  # noqa: S108 -- is there already
                    continue
                command += ["--perms", "0755", "--dir", str(parent)]
            command += ["--ro-bind", prefix, prefix]
    command += ["--perms", "0755", "--dir", "/opt"]
    command += ["--ro-bind", str(AGENT), "/opt/agent"]
    for place in ("/", "/dev", "/dev/shm"):  # noqa: S108 -- an ordinary user owns them
        command += ["--remount-ro", place]
    return [*command, "--chdir", "/tmp", "--"]  # noqa: S108


def _readable_problem(secrets: tuple[Path, ...]) -> str:
    """Return what plain uids would not protect, or what they could not run."""
    for secret in secrets:
        if secret.exists() and _open_to_all(secret):
            return f"every user can read {secret}; run `chmod 700 {secret}`"
    for prefix in {sys.prefix, sys.base_prefix}:
        if not _open_to_all(Path(prefix)):
            return f"an unprivileged user cannot run Python from {prefix}"
    return ""


def _open_to_all(path: Path) -> bool:
    """Return whether an unrelated user can enter `path`, or read it as a file."""
    if path.is_file() and not path.stat().st_mode & 0o004:
        return False
    return all(p.stat().st_mode & 0o001 for p in [path, *path.parents] if p.is_dir())
