"""Tests import the template's `tito`, which is a distribution of its own."""

from __future__ import annotations

import sys
from pathlib import Path

TEMPLATE = str(Path(__file__).resolve().parents[3] / "student_template")
sys.path.insert(0, TEMPLATE)

import tito  # noqa: E402, F401 -- from now on it is found wherever it is imported

sys.path.remove(TEMPLATE)  # `tinytorch` stands there too; other tests have theirs
