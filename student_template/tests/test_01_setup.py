"""Module 01: what machine is this?"""

from __future__ import annotations

import os
import platform

import numpy as np
from checklib import holds

CALL = "system_info()"


def test_1_1_system_info_has_five_keys(tt):
    keys = {"python_version", "numpy_version", "platform", "cpu_count", "memory_bytes"}
    missing = keys - set(tt.system_info())
    holds(not missing, call=CALL, expected="five keys", got=f"no {sorted(missing)}")


def test_1_1_versions_are_true(tt):
    info = tt.system_info()
    for key, true in (
        ("python_version", platform.python_version()),
        ("numpy_version", np.__version__),
    ):
        holds(info[key] == true, call=f"{CALL}[{key!r}]", expected=true, got=info[key])


def test_1_1_platform_names_the_system(tt):
    got, system = tt.system_info()["platform"], platform.system()
    expected = f"a text with {system} in it"
    found = system.lower() in got.lower()
    holds(found, call=f"{CALL}['platform']", expected=expected, got=got)


def test_1_1_cpu_count_is_a_whole_number(tt):
    got, most = tt.system_info()["cpu_count"], os.cpu_count() or 1
    call, expected = f"{CALL}['cpu_count']", f"a whole number from 1 to {most}"
    holds(isinstance(got, int) and 1 <= got <= most, call=call, expected=expected)


def test_1_1_memory_is_in_bytes(tt):
    got = tt.system_info()["memory_bytes"]
    call, expected = f"{CALL}['memory_bytes']", "a whole number of bytes"
    holds(isinstance(got, int), call=call, expected=expected, got=got)
    holds(got > 10**8, call=call, expected="more than 100 million", got=f"{got}")
