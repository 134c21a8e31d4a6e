"""`capstone.toml`: what is wrong with it is told in one sentence, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.models.capstone import Capstone
from grader.models.course import ProjectLimits
from grader.projects import declare, declared_files

LIMITS = ProjectLimits()
ROOT = Path(__file__).resolve().parents[3]
GOOD = """\
title = "Digits"
summary = "One layer."
task = "Tell digits apart."

[script]
file = "entry/project.py"

[data]
set = "digits"

[metric]
name = "accuracy"
claimed = 0.9

[budget]
cpu_s = 5
memory_bytes = 67_108_864
"""
OWN = f"""\
file = "entry/flowers.csv"
source = "grown in my garden"
licence = "CC0"
sha256 = "{"a" * 64}"
size_bytes = 100
"""


def problems(text: str) -> list[str]:
    found = declare(text.encode(), LIMITS)
    assert not isinstance(found, Capstone)
    return [str(problem) for problem in found]


def test_a_good_declaration_is_read() -> None:
    found = declare(GOOD.encode(), LIMITS)

    assert isinstance(found, Capstone)
    assert found.script.build == "build"
    assert found.metric.higher_is_better
    assert declared_files(GOOD.encode(), LIMITS) == {"entry/project.py": 256 * 1024}


def test_own_data_are_read_too() -> None:
    text = GOOD.replace('set = "digits"', OWN)

    assert declared_files(text.encode(), LIMITS)["entry/flowers.csv"] == 8 * 2**20


def test_the_example_of_the_staff_is_right() -> None:
    text = (ROOT / "reference/capstone_project/capstone.toml").read_bytes()

    assert isinstance(declare(text, LIMITS), Capstone)


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('title = "Digits"\n', "", "capstone.toml: `title` is missing."),
        ("Digits", "D" * 81, "capstone.toml:1: `title` is too long: "),
        ('"Digits"', '"Di\\u202egits"', "capstone.toml:1: `title` must be one line"),
        ('"Digits"', '"Di\\ngits"', "capstone.toml:1: `title` must be one line"),
        ('"Digits"', '" "', "capstone.toml:1: `title` must not be empty."),
        ('"Digits"', "3", "capstone.toml:1: `title`: input should be a valid string."),
        ('title = "Digits"', "title = Digits", "capstone.toml:1: it is not TOML: "),
        (
            "entry/project.py",
            "../project.py",
            "capstone.toml:6: `script.file` must be a Python file directly in entry/",
        ),
        ("entry/project.py", "/etc/passwd", "capstone.toml:6: `script.file` must be"),
        (
            'set = "digits"',
            'set = "digits"\nlicense = "MIT"',
            "capstone.toml:10: `data.license` is not known; did you mean `licence`?",
        ),
        ('set = "digits"', "", "capstone.toml:8: `data`: name either `set`"),
        ('set = "digits"', 'set = "cats"', "`data.set` must be a data set of the"),
        ('set = "digits"', OWN.replace("CC0", ""), ":11: `data.licence` must not be"),
        (
            'set = "digits"',
            OWN.replace("flowers.csv", "a/../../b.csv"),
            ":9: `data.file` must be a .npz, .csv or .txt file directly in entry/",
        ),
        (
            'set = "digits"',
            'file = "entry/a.csv"',
            "`data`: your own data also needs source, licence, sha256, size_bytes.",
        ),
        ("0.9", "97", ":11: `metric`: an accuracy lies between 0 and 1; write 0.97"),
        ("0.9", "nan", ":13: `metric.claimed`: "),
        ('"accuracy"', '"beauty"', ":11: `metric`: a metric of your own needs better"),
        (
            'name = "accuracy"',
            'name = "accuracy"\nbetter = "lower"',
            "`metric`: of accuracy, higher is better.",
        ),
        ('"digits"', '"sonnets"', "capstone.toml: accuracy needs examples with answ"),
        (
            '"accuracy"',
            '"nats per token"',
            "capstone.toml: nats per token is measured on a text",
        ),
        (
            "cpu_s = 5",
            "cpu_s = 61",
            ":16: `budget.cpu_s` is more than the course allows: at most 60 s.",
        ),
        ("67_108_864", "1_000_000_000_000", ":17: `budget.memory_bytes` is more"),
        ("[budget]", "[bugdet]", "`budget` is missing."),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(
    was: str, becomes: str, said: str
) -> None:
    assert was in GOOD

    found = problems(GOOD.replace(was, becomes))

    assert any(said in problem for problem in found), found
    assert all(problem.count("\n") == 0 for problem in found)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = problems(GOOD.replace("Digits", "").replace("0.9", '"much"'))

    assert len(found) == 2


@pytest.mark.parametrize("data", [b"\xff", b"[" * 20_000, b"a = " + b"[" * 20_000])
def test_what_is_no_text_or_far_too_deep_is_told_too(data: bytes) -> None:
    (problem,) = declare(data, LIMITS)

    assert str(problem).startswith("capstone.toml")
    assert declared_files(data, LIMITS) == {}
