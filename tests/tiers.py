"""Run tests in a tier of the sandbox that this checkout itself would not choose.

    python tests/tiers.py uid [pytest arguments]           as root, without bubblewrap
    python tests/tiers.py namespaces [pytest arguments]    as an ordinary user

Root has no ordinary user's view, and its interpreter may lie where others cannot read.
So the tests run in a copy of this checkout that others can enter, with the system's
Python of the same version, the packages installed here and a /tmp of its own. Needs
root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
NOBODY: Final = 65534
PARTS: Final = ("grader", "reference", "milestones", "course.toml")
TEST_PARTS: Final = (*PARTS, "tests", "student_template", "pyproject.toml")
SYSTEM_PYTHON: Final = Path("/usr/bin/python3")
TESTS: Final = (
    "tests/integration/test_limits.py",
    "tests/integration/test_runner.py",
    "tests/integration/test_sandbox.py",
    "tests/adversarial",
)


def problem() -> str:
    """Return why no such copy can be made here; empty if one can."""
    if os.geteuid() != 0:
        return "only root can make a copy for another user"
    if missing := [p for p in ("setpriv", "unshare") if shutil.which(p) is None]:
        return f"no {missing[0]}"
    show = "import sys; print('%d.%d' % sys.version_info[:2])"
    command = [str(SYSTEM_PYTHON), "-c", show]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = done.stdout.strip()
    return "" if found == wanted else f"{SYSTEM_PYTHON} is {found}, not {wanted}"


def copy_checkout(folder: Path, parts: tuple[str, ...], *, owner: int) -> Path:
    """Copy `parts` of this checkout to folder/course, owned by `owner`; return it."""
    course = folder / "course"
    course.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__", ".mypy_cache", ".ruff_cache")
    for part in parts:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, course / part, ignore=ignored)
        else:
            shutil.copy(source, course / part)
    (course / "reference").chmod(0o700)
    if owner:
        subprocess.run(["chown", "-R", str(owner), str(course)], check=True)
    for parent in [folder, *folder.parents]:
        if parent.stat().st_uid == 0 and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    return course


def copy_python(folder: Path, course: Path) -> Path:
    """Make folder/venv, which any user can run, and return its interpreter."""
    venv = folder / "venv"
    make = [str(SYSTEM_PYTHON), "-m", "venv", "--without-pip", str(venv)]
    subprocess.run(make, check=True, capture_output=True)
    packages = next(p for p in sys.path if p.endswith("site-packages"))
    target = next(venv.glob("lib/python*/site-packages"))
    subprocess.run(["cp", "-r", f"{packages}/.", str(target)], check=True)
    for pth in target.glob("*.pth"):
        pth.unlink()  # an editable install would lead back into this checkout
    for path in target.glob("__editable__*"):
        path.unlink()
    (target / "course.pth").write_text(f"{course}\n")
    return venv / "bin" / "python"


def with_own_tmp() -> list[str]:
    """Return what a command must begin with to find an empty /tmp."""
    mount = 'mount -t tmpfs -o mode=1777 tmpfs /tmp && exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount, "sh"]


def as_user(user: int) -> list[str]:
    """Return what a command must begin with to run as `user`."""
    who = str(user)
    return ["setpriv", "--reuid", who, "--regid", who, "--clear-groups"] if user else []


def path_without(folder: Path, name: str) -> str:
    """Return a search path with every program of today's but one."""
    links = folder / "bin"
    links.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for program in sorted(Path(place).glob("*")):
            if program.name != name and not (links / program.name).is_symlink():
                (links / program.name).symlink_to(program)
    return str(links)


def _with_tests(given: list[str]) -> list[str]:
    """Return pytest's arguments; all of TESTS where none is named."""
    named = any(argument.startswith("tests/") for argument in given)
    return given if named else [*given, *TESTS]


def main(arguments: list[str]) -> int:
    """Run the command line; return pytest's exit code."""
    tier, *given = arguments or [""]
    if tier not in ("uid", "namespaces"):
        sys.stderr.write(__doc__ or "")
        return 2
    if why := problem():
        sys.stderr.write(f"tiers: {why}\n")
        return 4
    user = NOBODY if tier == "namespaces" else 0
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        course = copy_checkout(folder, TEST_PARTS, owner=user)
        python = copy_python(folder, course)
        path = path_without(folder, "bwrap") if tier == "uid" else os.environ["PATH"]
        ours = {"PATH": path, "HOME": str(course), "ADVERSARIAL_SANDBOX": tier}
        pytest = [str(python), "-m", "pytest", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*with_own_tmp(), *as_user(user), *pytest, *_with_tests(given)],
            cwd=course,
            env=os.environ | ours | {"OPENBLAS_NUM_THREADS": "1"},
            check=False,
        )
    return done.returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
