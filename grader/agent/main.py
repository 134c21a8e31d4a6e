"""The three kinds of process: zygote, group, check."""

from __future__ import annotations

import contextlib
import gc
import importlib
import itertools
import json
import os
import random
import shutil
import socket
import struct
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder
from typing import Any

import numpy as np

from .confine import (
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    close_all_but,
    close_mounts,
    confine,
    die_with_parent,
    limit,
    prctl,
    purge,
    redirect,
)
from .frames import read_frame, write_frame
from .interpreter import Interpreter
from .package import Namespace, install

REHEARSALS = 20
STATUS = struct.Struct("!I")
# What packages of the course import; numpy loads its own parts lazily.
WARM = [
    *("numpy.random", "numpy.linalg", "numpy.fft", "numpy.lib.stride_tricks"),
    *("numpy.lib.format", "numpy.ma", "abc", "collections", "contextlib", "copy"),
    *("dataclasses", "enum", "functools", "inspect", "math", "platform", "re", "time"),
    *("traceback", "tracemalloc", "typing", "warnings", "zipfile"),
]


def zygote(control: socket.socket, scratch: str = "", size_bytes: int = 0) -> None:
    """Fork groups until the judge hangs up; never runs student code.

    Args:
        scratch: the only place that stays writable, a file system of `size_bytes`.
    """
    if scratch:
        close_mounts(scratch, size_bytes)
    prctl(PR_SET_DUMPABLE, 0)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    for name in WARM:
        importlib.import_module(name)
    rehearse()
    forget_installed()
    np.random.seed(0)  # noqa: NPY002 -- set up once, before the forks
    _ = np.ones((8, 8), np.float32) @ np.ones((8, 8), np.float32)  # BLAS set-up, once
    gc.collect()
    gc.freeze()  # children share these pages; a collection must not touch them
    control.send(b'{"ready": true}')
    uids: set[int] = set()
    while True:
        try:
            order, descriptors = receive(control)
        except EOFError:  # the judge is gone, perhaps killed: leave nothing behind
            for uid in uids:
                purge(uid, [])
            os._exit(0)
        reap()
        uids |= {order["rule"]["uid"]} - {0} if "rule" in order else set()
        if order["do"] == "purge":
            purge(order["uid"], order["folders"])
        elif order["do"] == "group":
            fork_group(order, descriptors)
        reap()
        control.send(b'{"done": true}')


def rehearse() -> None:
    """Answer requests on objects of our own.

    Python rewrites code while it is young, and fills caches; what is done here is not
    done again in every check, each time on a copy of its page.
    """
    ours, theirs = socket.socketpair()
    interpreter = Interpreter(Rehearsal(), "rehearsal")
    here, thing = {"h": 0}, {"h": 1}
    data = [np.ones((2, 3), np.float32)]
    given = {"l": [1, 0.5, "a", None, {"t": [2]}, {"d": [["k", {"f": "nan"}]]}]}
    with ours, theirs:
        for _ in range(REHEARSALS):
            interpreter.objects = {0: interpreter.objects[0]}
            interpreter.ids = itertools.count(1)
            for op, name, args, arrays in (
                ("get", "made", [here], []),
                ("call", "made", [here, {"a": 0}], data),
                ("operator", "add", [thing, thing], []),
                ("get", "data", [thing], []),
                ("set", "data", [thing, {"a": 0}], data),
                ("call", "given", [thing, given], []),
                ("call", "wrong", [thing], []),
            ):
                request = {"n": 1, "op": op, "name": name, "args": args, "kwargs": {}}
                write_frame(ours, request, arrays)
                write_frame(theirs, *interpreter.answer(read_frame(theirs)))
                ours.recv(1 << 16)


class Rehearsal:
    """What is asked in the rehearsal."""

    def __init__(self, data: object = None) -> None:
        self.data = data

    def __add__(self, other: Any) -> Rehearsal:
        return Rehearsal(self.data + other.data)

    def made(self, data: object) -> Rehearsal:
        return Rehearsal(data)

    def given(self, value: object) -> object:
        return value

    def wrong(self) -> None:
        raise ValueError("wrong")


def forget_installed() -> None:
    """Leave the standard library to be imported, and what is imported already.

    A package is written with numpy and nothing else; what is installed beside the
    grader, the grader itself included, must not be found.
    """
    standard = os.path.dirname(os.__file__)  # noqa: PTH120
    sys.path[:] = [standard, f"{standard}/lib-dynload"]
    own = (BuiltinImporter, FrozenImporter, PathFinder)
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder in own]


def receive(control: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Return an order and its descriptors; EOFError when the judge is gone."""
    data, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 4)
    if not data:
        raise EOFError
    return json.loads(data), descriptors


def reap() -> None:
    """Collect orphans, which would keep their uids busy."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def fork_group(order: dict[str, Any], descriptors: list[int]) -> None:
    """Fork the process that imports one submission for one module."""
    if os.fork() == 0:
        try:
            group(order["rule"], *descriptors)
        except EOFError:
            os._exit(0)
        except BaseException:
            tell()
        finally:
            os._exit(70)
    for descriptor in descriptors:
        os.close(descriptor)


def tell() -> None:
    """Print the current exception where the judge reads output."""
    sys.excepthook(*sys.exc_info())
    sys.stderr.flush()


def group(rule: dict[str, Any], control_fd: int, stream_fd: int, output: int) -> None:
    """Import one submission, then fork a process a check."""
    redirect(output)
    close_all_but({control_fd, stream_fd})
    confine(rule)
    control, stream = socket.socket(fileno=control_fd), socket.socket(fileno=stream_fd)
    config = read_frame(stream)
    limit(rule)
    os.chdir(rule["scratch"])
    write_frame(stream, {"confined": True}, [])  # from here, a death is the student's
    namespace = install(config)
    write_frame(stream, {"loaded": True}, [])
    stream.close()
    gc.collect()
    gc.freeze()
    while True:
        order, descriptors = receive(control)
        fork_check(control, order, descriptors, namespace)


def fork_check(
    control: socket.socket,
    order: dict[str, Any],
    descriptors: list[int],
    namespace: Namespace,
) -> None:
    """Fork a pristine process, wait for its end and tell the judge how it was."""
    sock_fd, output = descriptors
    pid = os.fork()
    if pid == 0:
        try:
            die_with_parent()
            os.setsid()
            redirect(output)
            close_all_but({sock_fd})
            check(socket.socket(fileno=sock_fd), order, namespace)
        except (EOFError, ConnectionError):
            os._exit(0)  # the judge has what it wanted
        except BaseException:
            tell()
        finally:
            os._exit(70)
    os.close(sock_fd)
    os.close(output)
    status = os.waitpid(pid, 0)[1]
    empty(order["rule"]["scratch"])
    control.send(STATUS.pack(status))


def empty(scratch: str) -> None:
    """Remove what a check left; what lies deeper than Python's stack ends later."""
    for name in os.listdir(scratch):  # noqa: PTH208 -- see `check`
        path = f"{scratch}/{name}"
        for remove in (os.rmdir, os.unlink, shutil.rmtree):
            with contextlib.suppress(OSError, RecursionError):
                remove(path)
                break


def check(sock: socket.socket, order: dict[str, Any], namespace: Namespace) -> None:
    """Serve one check until the judge hangs up."""
    rule, seed = order["rule"], order["seed"]
    limit(rule)
    scratch = f"{rule['scratch']}/check-{os.urandom(8).hex()}"
    os.mkdir(scratch, 0o700)  # noqa: PTH102 -- as few touched pages as can be
    os.chdir(scratch)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 -- what packages draw from
    interpreter = Interpreter(namespace, order["package"])
    while True:
        header, arrays = interpreter.answer(read_frame(sock))
        sys.stdout.flush()
        write_frame(sock, header, arrays)
