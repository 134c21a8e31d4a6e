"""Machine-made changes: one place each, of the students' code only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from grader.validation.operators import changes

REFERENCE = Path(__file__).resolve().parents[3] / "reference" / "tinytorch"
SOURCE = '''"""Module text with 1 + 1."""
LIMIT = 5


def area(a: int, b: int = 2) -> int:
    """Return a * b, never a + b."""
    if a < 0 and b is not None:
        raise ValueError(f"{a + 1} is bad")
    total = 0.5
    total += a * b
    return -total


class Box:
    def given(self):
        """Given: not the student's."""
        return 1 + 2

    def __repr__(self):
        return 1 + 2

    def fill(self, x):
        self.x = x.sum(axis=1, keepdims=True)
        print(self.x)
        return np.maximum(x, 1e-12)
'''


def new_lines(function: str) -> set[str]:
    return {c.new for c in changes("box.py", SOURCE) if c.function == function}


@pytest.mark.parametrize(
    "line",
    [
        "if (a <= 0) and b is not None:",
        "if ((a < 0) or (b is not None)):",
        "if a < 0 and (b is None):",
        "if a < 1 and b is not None:",
        "total = 1.0",
        "total -= a * b",
        "total = a * b",
        "total += (a / b)",
        "return (total)",
        "def area(a: int, b: int = 3) -> int:",
    ],
)
def test_arithmetic_comparisons_constants_and_defaults_change(line: str) -> None:
    assert line in new_lines("area")


@pytest.mark.parametrize(
    "line",
    [
        "self.x = x.mean(axis=1, keepdims=True)",
        "self.x = x.sum(keepdims=True)",
        "self.x = x.sum(axis=1)",
        "self.x = x.sum(axis=1, keepdims=False)",
        "self.x = x.sum(axis=2, keepdims=True)",
        "pass",
        "return np.minimum(x, 1e-12)",
        "return np.maximum(x, 0.1)",
    ],
)
def test_calls_arguments_and_statements_change(line: str) -> None:
    assert line in new_lines("Box.fill")


def test_given_code_texts_errors_and_annotations_stay() -> None:
    made = changes("box.py", SOURCE)

    assert {c.function for c in made} == {"area", "Box.fill"}
    for change in made:
        assert '"""Return a * b, never a + b."""' in change.text
        assert "{a + 1} is bad" in change.text
        assert "LIMIT = 5" in change.text
        assert "a: int" in change.text


def test_every_change_of_the_reference_parses_and_differs() -> None:
    for path in sorted(REFERENCE.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        made = changes(path.name, text)
        for change in made:
            ast.parse(change.text)
            assert change.text != text
        assert len({c.text for c in made}) == len(made)
