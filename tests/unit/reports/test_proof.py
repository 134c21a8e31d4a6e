"""A validation as text: what a person reads before they trust a suite."""

from __future__ import annotations

from typing import Any

from grader.models.validation import ModuleProof, MutantResult, ValidationReport
from grader.reports import to_proof_table


def mutant(**changes: Any) -> MutantResult:
    given = {
        "name": "m",
        "kind": "operator",
        "module": "losses",
        "place": "losses.py:92 MSELoss.forward",
        "old": "return slope, -slope",
        "new": "return slope, (slope)",
    }
    return MutantResult.model_validate(given | changes)


def report(**changes: Any) -> ValidationReport:
    proof = ModuleProof(
        module="losses",
        checks=14,
        named=7,
        named_killed=7,
        operators=73,
        operators_killed=72,
        equivalents=1,
    )
    given = {
        "course": "tinytorch",
        "suites": "sha256:" + "0" * 64,
        "reference": "sha256:" + "1" * 64,
        "engine": "0.1.0",
        "tier": "uid",
        "rounds": 3,
        "sampled": False,
        "checks": 14,
        "modules": (proof,),
        "survivors": (),
        "equivalents": (),
        "declared": 6,
        "diagnosed": 6,
        "empty_passed": 0,
        "template_passed": 0,
    }
    return ValidationReport.model_validate(given | changes)


def test_a_proof_counts_and_says_that_it_holds() -> None:
    text = to_proof_table(report())

    assert "14 checks, reference over 3 rounds, behind uid" in text
    assert "72/73" in text
    assert "98.8%" in text
    assert "empty package: 0 of 14 checks passed" in text
    assert "untouched template: 0 of 14, all TODO" in text
    assert "6 of 6 named mutants" in text
    assert text.endswith("proven: no false alarm, no idle check, every bar met\n")


def test_a_survivor_is_shown_as_the_line_before_and_after() -> None:
    text = to_proof_table(report(survivors=(mutant(), mutant(new="x" * 200))))

    assert "survived: 2" in text
    assert "losses.py:92 MSELoss.forward" in text
    assert "    - return slope, -slope" in text
    assert "    + return slope, (slope)" in text


def test_many_survivors_are_counted_not_listed() -> None:
    text = to_proof_table(report(survivors=(mutant(),) * 100))

    assert text.count("MSELoss.forward") == 60
    assert "and 40 more, in --format json" in text


def test_what_is_missing_is_said() -> None:
    text = to_proof_table(report(problems=("losses::x fails on no wrong package",)))

    assert "not proven:\n  losses::x fails on no wrong package" in text


def test_a_sample_is_not_called_a_proof() -> None:
    text = to_proof_table(report(sampled=True))

    assert "(not all mutants)" in text
    assert "proven: no false alarm" not in text
    assert text.endswith("without all mutants that is no proof\n")


def test_every_line_fits_a_terminal() -> None:
    long = mutant(old="a" * 300, new="b" * 300)

    lines = to_proof_table(report(survivors=(long,))).splitlines()

    assert max(map(len, lines)) <= 80
