"""Hidden checks of module 01: what machine is this?

Student code and judge share one host and one interpreter, so its facts are known here.
"""

from __future__ import annotations

import os
import platform

import numpy as np

from grader.checks import holds, needs, points, spec, task, type_name
from grader.checks.remote import remote_source

KEYS = ("python_version", "numpy_version", "platform", "cpu_count", "memory_bytes")
COMPLETE = "setup::system_info_has_all_keys"


@task("1.1")
@spec("system_info", "A dict with exactly or at least these keys:")
def test_system_info_has_all_keys(tt):
    """system_info() returns a dict with the five keys."""
    info = tt.system_info()
    call = "system_info()"
    holds(isinstance(info, dict), call=call, expected="a dict", got=type_name(info))
    missing = [k for k in KEYS if k not in info]
    holds(
        not missing,
        call=call,
        expected=f"keys {', '.join(KEYS)}",
        got=f"no {' and no '.join(missing)}",
    )


@points(2)
@needs(COMPLETE)
@task("1.1")
@spec(
    "system_info",
    'numpy_version: text such as "2.4.6", of the numpy that is imported.',
)
def test_versions_are_those_in_use(tt):
    """Python's and numpy's version are true."""
    info = tt.system_info()
    true = {"python_version": platform.python_version()}
    true["numpy_version"] = np.__version__
    for key, version in true.items():
        got = info[key]
        holds(
            isinstance(got, str) and got.split()[:1] == [version],
            call=f'system_info()["{key}"]',
            expected=f'"{version}"',
            got=f'"{got}"' if isinstance(got, str) else got,
            hint="The modules platform and numpy know their versions.",
        )


@needs(COMPLETE)
@task("1.1")
@spec("system_info", "platform: text that contains the system's name")
def test_platform_names_the_system(tt):
    """The platform names the operating system."""
    got = tt.system_info()["platform"]
    system = platform.system()  # "Linux"; sys.platform says "linux"
    holds(
        isinstance(got, str) and system.lower() in got.lower(),
        call='system_info()["platform"]',
        expected=f'a text with "{system}" in it',
        got=f'"{got}"' if isinstance(got, str) else got,
        hint="platform.platform() gives it.",
    )


def _processors(_tt):
    """Return how many processors there are, and how many this process may use."""
    import os  # noqa: PLC0415 -- this function is sent to another process

    return [os.cpu_count(), len(os.sched_getaffinity(0))]


@needs(COMPLETE)
@task("1.1")
@spec("system_info", "cpu_count: processors of the machine, a whole number from 1 on.")
def test_cpu_count_is_plausible(tt):
    """cpu_count is a whole number of the machine's processors."""
    got = tt.system_info()["cpu_count"]
    most = os.cpu_count() or 1
    true = {most, *remote_source(tt, _processors)}  # a sandbox may be shown fewer
    holds(
        type(got) is int and 1 <= got <= most and got in true,
        call='system_info()["cpu_count"]',
        expected=f"the whole number {most}",
        got=str(got) if isinstance(got, int | float) else got,
        hint="os.cpu_count() knows.",
    )


@needs(COMPLETE)
@task("1.1")
@spec("system_info", "memory_bytes: memory of the machine in bytes, a whole number.")
def test_memory_is_given_in_bytes(tt):
    """memory_bytes is the machine's memory, in bytes."""
    got = tt.system_info()["memory_bytes"]
    true = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    mistakes = {1024: "KiB", 1000: "kB", 2**20: "MiB", 10**6: "MB", 2**30: "GiB"}
    number = got if type(got) in (int, float) and got > 0 else 0
    unit = [
        u for n, u in mistakes.items() if number and abs(number * n / true - 1) < 0.05
    ]
    holds(
        type(got) is int and 2**26 <= got <= true,  # a sandbox may be given less
        call='system_info()["memory_bytes"]',
        expected=f"whole bytes, at most {true}",
        got=f"{got} ({unit[0]}?)" if unit else str(got) if number else got,
        hint="os.sysconf: pages times page size.",
    )
