"""Module 01: setup. What machine is this?

You will build:

    1.1  system_info      facts about the machine      about 7 lines

Run `make test-01`.
"""
# ruff: noqa: F401 -- the imports are for what you will write

from __future__ import annotations

import os
import platform
from typing import Any

import numpy as np


def system_info() -> dict[str, Any]:
    """Return facts about the interpreter and the machine, as they truly are.

    Returns:
        A dict with exactly or at least these keys:
        python_version: text such as "3.11.7", of the running interpreter.
        numpy_version: text such as "2.4.6", of the numpy that is imported.
        platform: text that contains the system's name ("Linux", "Darwin").
        cpu_count: processors of the machine, a whole number from 1 on.
        memory_bytes: memory of the machine in bytes, a whole number.

    Example:
        >>> sorted(system_info())[:3]
        ['cpu_count', 'memory_bytes', 'numpy_version']
    """
    # TODO(1.1): about 7 lines.
    raise NotImplementedError("TODO 1.1: system_info")
