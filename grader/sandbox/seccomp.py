"""The system calls that student code may not make, as a seccomp program.

A deny list with EPERM, in force before a submission's first line: the kernel's attack
surface, every way to new sockets, other processes' memory, namespaces and mounts, and
to memory that no resident set shows (memfd, shared mappings). `clone3` answers ENOSYS,
so that the C library falls back to `clone`, whose flags can be seen.
"""

from __future__ import annotations

import errno
import platform
import struct
from typing import Final, NamedTuple

CLONE_NEWUSER: Final = 0x10000000
MAP_SHARED: Final = 0x01
_ARGUMENT_0, _ARGUMENT_3 = 16, 40  # low words, little endian
_LOAD, _EQUAL, _BITS, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000

# Numbers by machine: (audit architecture, clone, clone3, denied calls).
_X86_64: Final = {
    "memfd_create": 319,
    "memfd_secret": 447,
    "socket": 41,
    "connect": 42,
    "accept": 43,
    "bind": 49,
    "listen": 50,
    "accept4": 288,
    "ptrace": 101,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "process_madvise": 440,
    "pidfd_getfd": 438,
    "keyctl": 250,
    "add_key": 248,
    "request_key": 249,
    "bpf": 321,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "unshare": 272,
    "setns": 308,
    "mount": 165,
    "umount2": 166,
    "chroot": 161,
    "pivot_root": 155,
    "fsopen": 430,
    "fsmount": 432,
    "move_mount": 429,
    "open_tree": 428,
    "mount_setattr": 442,
    "perf_event_open": 298,
    "userfaultfd": 323,
    "kexec_load": 246,
    "init_module": 175,
    "finit_module": 313,
    "delete_module": 176,
    "open_by_handle_at": 304,
    "shmget": 29,
    "semget": 64,
    "msgget": 68,
    "mq_open": 240,
    "swapon": 167,
    "reboot": 169,
    "settimeofday": 164,
    "clock_settime": 227,
    "acct": 163,
}
_AARCH64: Final = {
    "memfd_create": 279,
    "memfd_secret": 447,
    "socket": 198,
    "connect": 203,
    "accept": 202,
    "bind": 200,
    "listen": 201,
    "accept4": 242,
    "ptrace": 117,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "process_madvise": 440,
    "pidfd_getfd": 438,
    "keyctl": 219,
    "add_key": 217,
    "request_key": 218,
    "bpf": 280,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "unshare": 97,
    "setns": 268,
    "mount": 40,
    "umount2": 39,
    "chroot": 51,
    "pivot_root": 41,
    "fsopen": 430,
    "fsmount": 432,
    "move_mount": 429,
    "open_tree": 428,
    "mount_setattr": 442,
    "perf_event_open": 241,
    "userfaultfd": 282,
    "kexec_load": 104,
    "init_module": 105,
    "finit_module": 273,
    "delete_module": 106,
    "open_by_handle_at": 265,
    "shmget": 194,
    "semget": 190,
    "msgget": 186,
    "mq_open": 180,
    "swapon": 224,
    "reboot": 142,
    "settimeofday": 170,
    "clock_settime": 112,
    "acct": 89,
}


class _Machine(NamedTuple):
    """Numbers that differ by processor."""

    architecture: int  # as the audit system calls it
    clone: int
    clone3: int
    mmap: int
    denied: dict[str, int]


_MACHINES: Final = {
    "x86_64": _Machine(0xC000003E, 56, 435, 9, _X86_64),
    "aarch64": _Machine(0xC00000B7, 220, 435, 222, _AARCH64),
}


def program(machine: str = "") -> bytes:
    """Return the program for `machine` (default: this one); empty if unknown."""
    known = _MACHINES.get(machine or platform.machine())
    if known is None:
        return b""
    code = _preamble(known)
    code += _refuse_where(known.clone, _ARGUMENT_0, CLONE_NEWUSER)
    code += _refuse_where(known.mmap, _ARGUMENT_3, MAP_SHARED)
    for number in sorted(set(known.denied.values())):
        code += _answer_to(number, errno.EPERM)
    return b"".join([*code, _step(_RETURN, _ALLOW)])


def _preamble(known: _Machine) -> list[bytes]:
    """Refuse foreign calling conventions, then load the number of the call."""
    return [
        _step(_LOAD, 4),  # architecture
        _step(_EQUAL, known.architecture, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, 0),  # number of the call
        _step(_AT_LEAST, 0x40000000, 0, 1),  # the x32 twins of every call
        _step(_RETURN, _ERRNO | errno.EPERM),
        *_answer_to(known.clone3, errno.ENOSYS),
    ]


def _answer_to(number: int, error: int) -> list[bytes]:
    return [_step(_EQUAL, number, 0, 1), _step(_RETURN, _ERRNO | error)]


def _refuse_where(number: int, argument: int, bits: int) -> list[bytes]:
    """Refuse a call that has any of `bits` in an argument; allow it otherwise."""
    return [
        _step(_EQUAL, number, 0, 4),
        _step(_LOAD, argument),
        _step(_BITS, bits, 0, 1),
        _step(_RETURN, _ERRNO | errno.EPERM),
        _step(_RETURN, _ALLOW),
    ]


def _step(code: int, k: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, k)
