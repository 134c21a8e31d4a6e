"""Every mistake a hidden check names is told apart from the right answer."""

from __future__ import annotations

from itertools import groupby
from types import ModuleType
from typing import Any

import pytest
from checks_suites import SUITES, checks, reference

from grader.checks import CheckFailure, is_tensor, same, value

NUMBERS = sorted(path.name.split("_")[1] for path in SUITES.glob("test_*.py"))
CHECKS = {
    fn: list(variants)
    for number in NUMBERS
    for fn, variants in groupby(checks(number), key=lambda check: check.fn)
}


@pytest.fixture(scope="module")
def oracle() -> ModuleType:
    return reference()


class Spy:
    """Stands in for `same`: tries each named mistake in place of the right answer."""

    def __init__(self, package: ModuleType) -> None:
        self.package = package
        self.told: dict[str, bool] = {}

    def __call__(self, got: Any, expected: Any, **how: Any) -> None:
        for name, wrong in (how.get("misconceptions") or {}).items():
            told = self.recognised(name, wrong, got, expected, how)
            self.told[name] = self.told.get(name, False) or told
        same(got, expected, **how)

    def recognised(
        self, name: str, wrong: Any, got: Any, expected: Any, how: dict[str, Any]
    ) -> bool:
        try:
            answer = value(wrong() if callable(wrong) else wrong)
        except ValueError:  # shapes for which the mistake has no answer
            return False
        try:
            same(
                self.package.Tensor(answer) if is_tensor(got) else answer,
                expected,
                **how,
            )
        except CheckFailure as failure:
            return failure.misconception == name
        return False


@pytest.mark.parametrize("fn", CHECKS, ids=lambda fn: fn.__name__)
@pytest.mark.parametrize("seed", range(3), ids=lambda s: f"seed{s}")
def test_each_named_mistake_is_told_apart(
    fn: Any, seed: int, oracle: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least once, where a check has several calls or variants."""
    spy = Spy(oracle)
    for check in CHECKS[fn]:
        monkeypatch.setattr(check.module, "same", spy, raising=False)
        check.run(oracle, oracle, seed)

    assert [name for name, told in spy.told.items() if not told] == []
