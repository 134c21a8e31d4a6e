"""Tests import the template's `tito`, which is a distribution of its own.

Public checks run in a pytest of their own. A student has no plugins; to load ours costs
three times of what such a run takes without.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TEMPLATE = str(Path(__file__).resolve().parents[3] / "student_template")
sys.path.insert(0, TEMPLATE)

import tito  # noqa: E402, F401 -- from now on it is found wherever it is imported

sys.path.remove(TEMPLATE)  # `tinytorch` stands there too; other tests have theirs


@pytest.fixture(scope="session", autouse=True)
def as_a_student_has_it() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        yield
