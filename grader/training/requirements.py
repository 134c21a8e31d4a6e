"""Conditions of a milestone, each with what was measured against it."""

from __future__ import annotations

from typing import Final

from grader.models.outcome import Mismatch, Outcome, Passed
from grader.training.attempt import MARGIN, Attempt, Condition

SAME_ANSWERS: Final = "same answers from these parameters on the reference"
AGREEING: Final = 0.95  # share of answers that the reference must give too

_HINTS: Final = {
    "accuracy": "run the script alone and watch the loss: does it fall every epoch?",
    "nats": "run the script alone and watch the loss: does it fall every epoch?",
    "truth": "all four corners must be right; look at the one that is not",
    "same": "the layers must compute from `weight` and `bias`, and from nothing else",
    "words": "train longer, or look at samples: are they words, or only letters?",
    "longest": "a model that repeats itself has seen too few different texts",
    "int8:": "one byte a weight, on disk and in memory; see module 16",
    "pruned:": "fine-tune after pruning, and keep pruned weights at zero",
    "KV": "with the cache one new token is one forward pass of one token; module 18",
}


def _percent(share: float) -> str:
    """Return a share in percent, without a minus before zero."""
    return f"{round(share, 4) + 0.0:.2%}"


def at_least(name: str, got: float, bound: float) -> Condition:
    """Return a share that must be `bound` or more; what is missing to 1 is its size."""
    return Condition(
        name=name,
        bound=f">= {bound:.1%}",
        got=_percent(got),
        met=got >= bound,
        near=1 - got <= MARGIN * (1 - bound),
    )


def at_most(name: str, got: float, bound: float) -> Condition:
    """Return a share that must be `bound` or less."""
    return Condition(
        name=name,
        bound=f"<= {bound:.1%}",
        got=_percent(got),
        met=got <= bound,
        near=got <= MARGIN * bound,
    )


def number_at_least(name: str, got: float, bound: float, unit: str = "") -> Condition:
    """Return a number that must be `bound` or more."""
    return Condition(
        name=name,
        bound=f">= {bound:g}{unit}",
        got=f"{got:.3g}{unit}",
        met=got >= bound,
        near=MARGIN * got >= bound,
    )


def number_at_most(name: str, got: float, bound: float, unit: str = "") -> Condition:
    """Return a number that must be `bound` or less."""
    return Condition(
        name=name,
        bound=f"<= {bound:g}{unit}",
        got=f"{got:.4g}{unit}",
        met=got <= bound,
        near=got <= MARGIN * bound,
    )


def barely_missed(needed: list[Condition]) -> bool:
    """Return whether something is not met, and nothing by far."""
    missed = [condition for condition in needed if not condition.met]
    return bool(missed) and all(condition.near for condition in missed)


def verdict(attempt: Attempt, needed: list[Condition]) -> Outcome:
    """Return the first condition that is not met as a mismatch, or that all are."""
    for requirement in needed:
        if not requirement.met:
            return Mismatch(
                what="value",
                call=f"milestone {attempt.name}: {requirement.name}",
                expected=requirement.bound,
                got=requirement.got,
                hint=_HINTS.get(requirement.name.split(" ")[0], ""),
            )
    return Passed()
