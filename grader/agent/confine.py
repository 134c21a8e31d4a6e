"""Give up rights: what stands between student code and everything else."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 36, 38
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = 0x08000000, 0x10000000, 0x20000000
CLONE_NEWNS = 0x00020000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1 << 5, 1 << 12, 1 << 14, 1 << 18
KEPT = {"nosuid": MS_NOSUID, "nodev": MS_NODEV, "noexec": MS_NOEXEC}
OPEN_FOLDERS = ("/", "/tmp", "/var/tmp", "/dev/shm", "/run/lock")  # noqa: S108
PURGE_CPU_S = 5  # removes a hundred thousand files; more is left to the sandbox's end


def prctl(option: int, value: int) -> None:
    """Set a property of this process; OSError where the kernel refuses."""
    _checked(LIBC.prctl(option, value, 0, 0, 0), "prctl")


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def limit(rule: dict[str, Any]) -> None:
    """Set the kernel's limits, which stand behind the judge's meter."""
    # Not by Path: every object touched in a fresh fork costs a copied page.
    descriptor = os.open("/proc/self/statm", os.O_RDONLY)
    pages = int(os.read(descriptor, 64).split()[0])
    os.close(descriptor)
    room = pages * resource.getpagesize() + 4 * rule["memory_bytes"]
    for what, most in (
        (resource.RLIMIT_CPU, int(rule["cpu_s"]) + 2),
        (resource.RLIMIT_AS, room),
        (resource.RLIMIT_FSIZE, rule["file_bytes"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        _lower(what, most)


def _lower(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _enter_own_namespaces() -> None:
    """Continue as process 1 of nested user, pid and ipc namespaces."""
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWIPC
    _checked(LIBC.unshare(flags), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        os._exit(0)


def _drop_capabilities() -> None:
    """Give up what the owner of a new user namespace may do inside it, and the rest."""
    header = struct.pack("Ii", 0x20080522, 0)  # version 3, this process
    nothing = bytes(24)
    _checked(LIBC.capset(header, nothing), "capset")


def _install_filter(program: bytes) -> None:
    """Load a seccomp program; needs no_new_privs and no rights."""
    code = ctypes.create_string_buffer(program, len(program))
    fprog = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    pointer = ctypes.create_string_buffer(fprog, len(fprog))
    _checked(LIBC.prctl(PR_SET_SECCOMP, 2, pointer, 0, 0), "seccomp")


def _become(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    if os.getresuid() != (uid, uid, uid) or os.getgroups():
        msg = "rights were not given up"
        raise OSError(msg)


def confine(rule: dict[str, Any]) -> None:
    """Give up every right that student code must not have; raises if one stays."""
    os.setsid()
    os.umask(0o077)
    if os.geteuid() != 0:
        prctl(PR_SET_DUMPABLE, 1)  # the zygote is not; its own /proc files are root's
    Path("/proc/self/oom_score_adj").write_text("1000")
    os.nice(19)
    if rule["uid"]:
        _become(rule["uid"])
    if rule["nest"]:
        _enter_own_namespaces()
    if rule["uid"] or rule["nest"]:
        _drop_capabilities()
    die_with_parent()
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    if rule["uid"] or rule["nest"]:
        # The group, its parent in a nested namespace, one check: no task beside them.
        # Set before the first line of a submission, so that no line of it can undo it.
        _lower(resource.RLIMIT_NPROC, 2 + bool(rule["nest"]))
    if rule["filter"]:
        _install_filter(bytes.fromhex(rule["filter"]))


def close_mounts(scratch: str, size_bytes: int) -> None:
    """Make every file system read-only here, but for a new one at `scratch`.

    Needs CAP_SYS_ADMIN. OSError where a place stays writable that others may write to.
    """
    _checked(LIBC.unshare(CLONE_NEWNS), "unshare")
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place, options = line.split()[4:6]
        place = place.encode().decode("unicode_escape")  # a space is \040 there
        if place == "/proc" or place.startswith("/proc/"):
            continue  # not a place for files, and its own rights protect it
        flags = sum(KEPT.get(option, 0) for option in options.split(","))
        with contextlib.suppress(OSError):  # covered by another; tested below
            _mount(None, place, None, MS_REMOUNT | MS_BIND | MS_RDONLY | flags)
    options = f"mode=1777,size={size_bytes},nr_inodes=65536"
    _mount("tmpfs", scratch, "tmpfs", MS_NOSUID | MS_NODEV, options)
    for folder in filter(os.path.isdir, OPEN_FOLDERS):
        if os.access(folder, os.W_OK):
            msg = f"{folder} stays writable"
            raise OSError(msg)


def _mount(
    source: str | None, place: str, kind: str | None, flags: int, options: str = ""
) -> None:
    texts = (text.encode() if text else None for text in (source, place, kind))
    flags_word = ctypes.c_ulong(flags)
    done = LIBC.mount(*texts, flags_word, options.encode() if options else None)
    _checked(done, f"mount {place}")


def close_all_but(keep: set[int]) -> None:
    """Close every descriptor but standard streams and `keep`."""
    lower = 3
    for descriptor in sorted(keep):
        os.closerange(lower, descriptor)
        lower = descriptor + 1
    os.closerange(lower, 1 << 16)


def redirect(output: int) -> None:
    """Take standard input from nowhere, send standard output and error to a pipe."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(null)
    os.close(output)


def purge(uid: int, folders: list[str]) -> None:
    """Kill everything that runs as `uid` and remove its files from open folders.

    Done by helpers that become that user themselves, so that they can do no more.
    """
    _as_user(uid, lambda: os.kill(-1, signal.SIGKILL))
    there = [f for f in folders if Path(f).is_dir() and _holds(f)]
    if there:
        _as_user(uid, lambda: _wipe(uid, there))


def _as_user(uid: int, work: Callable[[], None]) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            _lower(resource.RLIMIT_CPU, PURGE_CPU_S)
            _become(uid)
            work()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def _holds(folder: str) -> bool:
    """Return whether there is anything in `folder`."""
    with os.scandir(folder) as entries:
        return any(entries)


def _wipe(uid: int, folders: list[str]) -> None:
    """Become `find`, which removes trees of any depth and number."""
    rule = ["-xdev", "-mindepth", "1", "-uid", str(uid), "-delete"]
    os.execvp("find", ["find", *folders, *rule])  # noqa: S606, S607
