"""Every hidden check says what it tests, where the student can read it."""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from types import ModuleType
from typing import Any

import pytest
from checks_suites import ROOT, SUITES, reference

from grader.checks.suites import Check, load_suites
from grader.models.course import Course

COURSE = Course.model_validate_json(
    json.dumps(tomllib.loads((ROOT / "course.toml").read_text(encoding="utf-8")))
)
CHECKS = load_suites(SUITES, COURSE).checks


@pytest.fixture(scope="module")
def oracle() -> ModuleType:
    return reference()


def words(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def docstring(package: Any, symbol: str) -> str:
    """Return the docstring of "Tensor.matmul", read from the reference."""
    found = package
    for part in symbol.split("."):
        found = getattr(found, part)
    return inspect.getdoc(found) or ""


def test_ids_are_unique() -> None:
    ids = [check.id for check in CHECKS]

    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.id)
def test_check_tests_a_sentence_of_a_docstring(
    check: Check, oracle: ModuleType
) -> None:
    symbol, sentence = check.marks.spec

    assert len(words(sentence).split()) >= 3, "too little to be a sentence"
    assert words(sentence) in words(docstring(oracle, symbol))


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.id)
def test_check_names_a_task_of_its_module(check: Check) -> None:
    tasks = {task.number for task in COURSE.module(check.module).tasks}

    assert check.marks.task in tasks


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.id)
def test_title_fits_on_a_line(check: Check) -> None:
    assert 8 <= len(check.title) <= 80


def test_every_task_has_hidden_checks_and_a_public_example() -> None:
    tasks = {task.number for module in COURSE.modules for task in module.tasks}
    hidden = {check.marks.task for check in CHECKS}
    folder = ROOT / "student_template" / "tests"
    texts = [p.read_text(encoding="utf-8") for p in folder.glob("test_*.py")]
    named = re.findall(r"^def test_(\d+)_(\d+)_", "\n".join(texts), re.MULTILINE)
    public = {f"{module}.{task}" for module, task in named}

    assert len(CHECKS) >= 300
    assert tasks == hidden
    assert tasks <= public
