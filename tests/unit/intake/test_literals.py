"""Trained weights in a source file are noted; ordinary code is not."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from grader.intake.literals import data_lines

ROOT = Path(__file__).resolve().parents[3]
BYTES = np.random.default_rng(0).bytes(4000)
PACKED = base64.b85encode(BYTES).decode()
ROWS = [PACKED[i : i + 76] for i in range(0, 5000, 76)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"import x\nW = {PACKED!r}\n", 2),
        ("W = (\n" + "\n".join(f"    {row!r}" for row in ROWS) + "\n)", 2),
        ('W = """\n' + "\n".join(ROWS) + '\n"""', 2),
        ("W = [\n" + "    [0.25, -1.5e-3, 0.125],\n" * 40 + "]", 2),
    ],
    ids=["one line", "strings", "one string", "numbers"],
)
def test_data_is_found_where_it_begins(text: str, line: int) -> None:
    assert data_lines(text) == line


@pytest.mark.parametrize(
    "path",
    sorted(ROOT.glob("reference/tinytorch/*.py"))
    + sorted(ROOT.glob("student_template/tinytorch/*.py")),
    ids=lambda path: f"{path.parent.parent.name}/{path.name}",
)
def test_honest_code_has_none(path: Path) -> None:
    assert data_lines(path.read_text(encoding="utf8")) == 0


def test_a_long_file_costs_little() -> None:
    assert data_lines(("a " * 30 + "\n") * 30_000) == 0
    assert data_lines("1" * 3_000_000) == 1
