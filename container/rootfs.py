"""Gather what the image needs into a folder; everything else stays behind.

usage: python3 rootfs.py system|engine|course OUT

Runs in a build stage, as root, with the base image's own Python and nothing beside it.
`system`: Python, the packages of /opt/grader, `find`, `rm`, and the shared libraries
that these load. `engine`: the grader. `course`: course.toml, milestones, suites and
reference. No package manager, shell or compiler gets in, because nothing is copied that
is not named here.

The same input gives the same tree: times are SOURCE_DATE_EPOCH, the owner is root, no
set-user-id bit is kept, and bytecode does not name the time of its source.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

VENV = Path("/opt/grader")
COURSE = Path("/srv/course")
SOURCE = Path("/build/course")
# What removes the files that submissions leave; the sandbox looks for both.
PROGRAMS = ("find", "rm")
# Loaded by name when a thread ends: no program lists it.
LOADED_LATE = ("libgcc_s.so.1",)
# Of the standard library: its own tests, graphics, installers, parts for compilers.
UNUSED_LIBRARY = {
    "test", "tests", "idle_test", "idlelib", "tkinter", "turtledemo", "turtle.py",
    "ensurepip", "site-packages", "dist-packages", "__pycache__",
}  # fmt: skip
UNUSED_EXTENSIONS = ("_tkinter", "_test", "_ctypes_test", "xxlimited", "xxsubtype")
UNUSED_PACKAGES = {
    "pip", "setuptools", "pkg_resources", "_distutils_hack", "__pycache__", "tests",
    "distutils-precedence.pth", "RECORD", "REQUESTED", "direct_url.json",
}  # fmt: skip
UNUSED_SUFFIXES = {".a", ".lib", ".c", ".h", ".pyx", ".pxd", ".pxi", ".pyi", ".pyc"}
ENGINE = ("grader", "tinytorch_grader-")
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/sbin/nologin\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    # The container engine mounts its own over these.
    "etc/hosts": "",
    "etc/hostname": "",
    "etc/resolv.conf": "",
}
FOLDERS = {
    "root": 0o700, "srv/course": 0o755, "var/tmp": 0o755, "tmp": 0o1777,
    "dev": 0o755, "proc": 0o555, "sys": 0o555,
}  # fmt: skip


class Tree:
    """A root file system that is being filled from the running one."""

    def __init__(self, out: Path) -> None:
        self.out = out
        out.mkdir(parents=True)

    def place(self, path: Path) -> Path:
        """Return where `path` belongs: links among its folders are followed."""
        return self.out / path.parent.resolve().relative_to("/") / path.name

    def add(self, path: Path) -> None:
        """Copy a file; of a link, the link and what it leads to."""
        target = self.place(path)
        if os.path.lexists(target):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target, follow_symlinks=False)
        if path.is_symlink() and path.exists():
            original = path.parent / path.readlink()
            if original.is_dir():
                self.add_all(original, lambda _: True)
            else:
                self.add(original)

    def add_all(self, folder: Path, wanted: Callable[[Path], bool]) -> None:
        """Copy the files below `folder`; an unwanted folder is not looked into."""
        for path in sorted(folder.iterdir()):
            if not wanted(path):
                continue
            if path.is_dir() and not path.is_symlink():
                self.add_all(path, wanted)
            else:
                self.add(path)

    def write(self, name: str, text: str) -> None:
        """Write a small file."""
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf8")

    def folder(self, name: str, mode: int) -> None:
        """Make a folder."""
        path = self.out / name
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)

    def files(self) -> Iterator[Path]:
        """Yield every regular file."""
        for folder, _, names in os.walk(self.out):
            paths = (Path(folder, name) for name in names)
            yield from (p for p in paths if p.is_file() and not p.is_symlink())


def system(tree: Tree) -> None:
    """Python, packages, two programs and their libraries."""
    for link in ("bin", "sbin", "lib", "lib32", "lib64"):  # a merged /usr
        top = Path("/", link)
        if top.is_symlink():
            (tree.out / link).symlink_to(top.readlink())
    for name in PROGRAMS:
        program = shutil.which(name)
        if program is None:
            sys.exit(f"rootfs: the base image has no `{name}`")
        tree.add(Path(program))
    interpreter(tree)
    tree.add_all(packages(), wanted_package)
    libraries(tree)
    for name, text in FILES.items():
        tree.write(name, text)
    for name in ("/etc/os-release", "/etc/ld.so.conf"):
        if Path(name).exists():
            tree.add(Path(name))
    if Path("/etc/ld.so.conf.d").is_dir():
        tree.add_all(Path("/etc/ld.so.conf.d"), lambda _: True)
    run("ldconfig", "-r", str(tree.out))
    shutil.rmtree(tree.out / "var/cache", ignore_errors=True)  # names inodes
    for name, mode in FOLDERS.items():
        tree.folder(name, mode)
    compiled(tree)
    settle(tree)


def interpreter(tree: Tree) -> None:
    """Copy Python, wherever the base has it, and the virtual environment around it."""
    tree.add(VENV / "pyvenv.cfg")
    for name in ("python", f"python3.{sys.version_info.minor}"):
        tree.add(VENV / "bin" / name)
    tree.add_all(Path(sysconfig.get_path("stdlib")), wanted_library)


def wanted_library(path: Path) -> bool:
    """Return whether a part of the standard library is copied."""
    name = path.name
    if name in UNUSED_LIBRARY or name.startswith(("config-", "EXTERNALLY")):
        return False
    if path.parent.name == "lib-dynload":
        return not name.startswith(UNUSED_EXTENSIONS)
    return path.suffix not in UNUSED_SUFFIXES


def wanted_package(path: Path) -> bool:
    """Return whether a part of a package is copied."""
    name = path.name
    if name.startswith((*ENGINE, "pip-", "setuptools-")) and path.parent == packages():
        return False
    return name not in UNUSED_PACKAGES and path.suffix not in UNUSED_SUFFIXES


def packages() -> Path:
    """Return the folder of installed packages."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return VENV / "lib" / version / "site-packages"


def libraries(tree: Tree) -> None:
    """Copy the shared libraries that anything in the tree loads."""
    wanted: set[Path] = set()
    for binary in filter(is_elf, tree.files()):
        wanted |= loaded(Path("/", binary.relative_to(tree.out)))
    wanted |= {late(name, wanted) for name in LOADED_LATE}
    for library in sorted(wanted):
        tree.add(library)


def is_elf(path: Path) -> bool:
    """Return whether `path` is a program or shared library."""
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def loaded(binary: Path) -> set[Path]:
    """Return what the loader would load for `binary`."""
    lines = run("ldd", str(binary)).splitlines()
    found = set()
    for line in lines:
        if "not found" in line:
            sys.exit(f"rootfs: {binary} needs a library: {line.strip()}")
        words = line.replace("=>", " ").split()
        found |= {Path(word) for word in words if word.startswith("/")}
    return found


def late(name: str, near: set[Path]) -> Path:
    """Return the path of a library that is loaded by name."""
    for folder in sorted({path.parent for path in near}):
        if (folder / name).exists():
            return folder / name
    sys.exit(f"rootfs: the base image has no {name}")


def engine(tree: Tree) -> None:
    """The grader's own package and command."""
    tree.add(VENV / "bin" / "grader")
    for path in sorted(packages().iterdir()):
        if path.name.startswith(ENGINE):
            tree.add_all(path, lambda p: p.name not in UNUSED_PACKAGES)
    compiled(tree)
    settle(tree)


def course(tree: Tree) -> None:
    """The course; suites and reference are root's alone."""
    target = tree.out / COURSE.relative_to("/")
    for path in sorted(SOURCE.rglob("*")):
        name = path.relative_to(SOURCE)
        if path.is_file() and wanted_of_course(name):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target / name)
    compiled(tree, "srv/course/reference/checks")  # a third less time to collect them
    settle(tree)
    for path in (target / "reference", *(target / "reference").rglob("*")):
        path.chmod(path.stat().st_mode & 0o700)


def wanted_of_course(name: Path) -> bool:
    """Return whether a file is the course's, and not the trace of a run."""
    if any(part.startswith((".", "__pycache__")) for part in name.parts):
        return False
    if name.parts[0] == "milestones":
        return name.suffix == ".py" or name.parts[1] == "data"
    return True


def compiled(tree: Tree, below: str = "") -> None:
    """Compile what is below a folder: the image is read-only, bases may have none.

    The bytecode is believed without a look at its source, which cannot change.
    """
    options = ["-q", "-j", "1", "--invalidation-mode", "unchecked-hash"]
    paths = ["-s", str(tree.out), "-p", "/", str(tree.out / below)]
    run(sys.executable, "-m", "compileall", *options, *paths, PYTHONHASHSEED="0")


def settle(tree: Tree) -> None:
    """Give everything one owner, one time, plain modes."""
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    for folder, names, files in os.walk(tree.out, topdown=False):
        for path in [*(Path(folder, n) for n in (*names, *files)), Path(folder)]:
            mode = path.lstat().st_mode
            os.lchown(path, 0, 0)
            if not stat.S_ISLNK(mode):
                path.chmod(plain(path, tree.out, mode))
            os.utime(path, (epoch, epoch), follow_symlinks=False)


def plain(path: Path, out: Path, mode: int) -> int:
    """Return the mode of a file: that of the owner, without writing, for everybody."""
    fixed = FOLDERS.get(path.relative_to(out).as_posix())
    if fixed is not None:
        return fixed
    run_or_enter = 0o111 if mode & 0o100 else 0
    return 0o644 | run_or_enter


def run(*command: str, **environment: str) -> str:
    """Run a program of the base image; return what it prints."""
    settings = os.environ | environment
    done = subprocess.run(command, capture_output=True, text=True, env=settings)
    if done.returncode != 0:
        sys.exit(f"rootfs: {command[0]}: {(done.stdout + done.stderr).strip()[-500:]}")
    return done.stdout


if __name__ == "__main__":
    parts = {"system": system, "engine": engine, "course": course}
    parts[sys.argv[1]](Tree(Path(sys.argv[2])))
