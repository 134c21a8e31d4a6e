"""What tests may need of the host, and what happens when it lacks it.

A test marked with the name of a backend, such as `docker`, is skipped without it.
Names in GRADER_REQUIRE (comma-separated) must be there: then the same test fails
instead, so that CI cannot turn green by lacking what it should test.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from grader.sandbox.docker import available

IMAGE: Final = os.environ.get("GRADER_IMAGE", "tinytorch-grader:staff")
NOBODY: Final = "65534"


@cache
def _docker_problem() -> str:
    return available(IMAGE) or ""


@cache
def _namespaces_problem() -> str:
    """Root can always make namespaces; what counts is what an ordinary user can."""
    if shutil.which("bwrap") is None:
        return "bubblewrap (`bwrap`) is not installed"
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    probe = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"]
    command = [*user, *probe] if os.geteuid() == 0 else probe
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"bubblewrap: {done.stderr.strip()}"


@cache
def _browser_problem() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    return "" if any(map(shutil.which, names)) else "there is no Chromium"


def postgresql_binaries() -> Path | None:
    """Return the folder of the newest PostgreSQL server that is installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


@cache
def _postgresql_problem() -> str:
    return "" if postgresql_binaries() else "there is no PostgreSQL server"


@cache
def _hosts_problem() -> str:
    """Network namespaces with a cable between them stand for separate hosts."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return "network namespaces need root and iproute2"
    name = f"probe-{os.getpid()}"
    cable = ["ip", "link", "add", f"p{os.getpid()}", "netns", name, "type", "veth"]
    probe = [["ip", "netns", "add", name], cable, ["ip", "netns", "del", name]]
    done = [
        subprocess.run(c, capture_output=True, text=True, check=False) for c in probe
    ]
    failed = [d.stderr.strip() for d in done if d.returncode != 0]
    return f"network namespaces: {failed[0]}" if failed else ""


BACKENDS: Final[dict[str, Callable[[], str]]] = {
    "docker": _docker_problem,
    "namespaces": _namespaces_problem,
    "browser": _browser_problem,
    "postgresql": _postgresql_problem,
    "hosts": _hosts_problem,
}


def require(backend: str) -> None:
    """Skip the running test if `backend` is missing; fail it if CI promised it."""
    problem = BACKENDS[backend]()
    if not problem:
        return
    if backend in os.environ.get("GRADER_REQUIRE", "").split(","):
        pytest.fail(f"GRADER_REQUIRE names {backend!r}: {problem}", pytrace=False)
    pytest.skip(f"no {backend}: {problem}")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a misspelt requirement, which would require nothing; hear Ctrl-C.

    A shell starts background jobs with SIGINT ignored, and commands that tests start
    and interrupt would inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    named = set(filter(None, os.environ.get("GRADER_REQUIRE", "").split(",")))
    if unknown := named - BACKENDS.keys():
        msg = f"GRADER_REQUIRE: {min(unknown)!r}; known: {', '.join(BACKENDS)}"
        raise pytest.UsageError(msg)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for backend in BACKENDS:
        if item.get_closest_marker(backend):
            require(backend)


@pytest.fixture(scope="session")
def postgresql_server() -> Path:
    """Return the folder of the server's programs, or skip as a marked test would."""
    require("postgresql")
    found = postgresql_binaries()
    assert found is not None
    return found


@pytest.fixture(scope="session")
def image() -> str:
    """Return the name of the image under test."""
    return IMAGE
