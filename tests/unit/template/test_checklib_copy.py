from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_checklib_of_the_template_is_the_one_of_the_engine() -> None:
    shipped = ROOT / "student_template/tests/checklib.py"
    engine = ROOT / "grader/checks/checklib.py"

    assert shipped.read_bytes() == engine.read_bytes()
