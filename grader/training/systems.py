"""Models made smaller and faster, judged by what is saved, kept and saved again.

All is measured outside: bytes of what the script hands over to be saved, answers of a
new process that got nothing but those, zeros among the parameters, CPU time of the
process that writes text.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from grader.checks.checklib import CheckFailure
from grader.datasets import shifted
from grader.training.attempt import Condition
from grader.training.classes import Classes, accuracy, agreed_accuracy, classes_of
from grader.training.driver import Arrays, Driver
from grader.training.exam import Exam
from grader.training.replay import same_shape
from grader.training.requirements import (
    AGREEING,
    SAME_ANSWERS,
    at_least,
    at_most,
    number_at_least,
)

TOKENS: Final = 128
PROMPT: Final = 8
IN_MEMORY: Final = 1.1  # bytes of arrays a byte saved: scales may be held apart
REPEATS: Final = 3
TRIES: Final = 3
VOCABULARY: Final = 32  # prompts use ids below that

Times = dict[bool, list[float]]


class Systems(Classes):
    """A classifier that keeps its accuracy with fewer bytes and fewer weights."""

    def judge(self, exam: Exam) -> Arrays | None:
        """Judge the trained model, what is saved of it, pruning and the KV cache."""
        super().judge(exam)
        exam.trained.stage = "quantizing the model"
        saved = exam.driver.quantized()
        self._size(exam, saved)
        exam.trained.stage = "pruning the model"
        self._pruned(exam)
        exam.trained.stage = "writing with the KV cache"
        self._cache(exam)
        exam.trained.stage = "loading what was saved in a new process"
        return saved

    def _size(self, exam: Exam, saved: Arrays) -> None:
        before = sum(p.nbytes for p in exam.driver.parameters().values())
        after = sum(array.nbytes for array in saved.values())
        name = f"int8: {before:,} bytes of parameters, {after:,} saved"
        bound = exam.attempt.profile.bounds["times_smaller"]
        times = before / max(1, after)
        exam.trained.requirements.append(number_at_least(name, times, bound, " times"))

    def _pruned(self, exam: Exam) -> None:
        bounds, trained = exam.attempt.profile.bounds, exam.trained
        exam.driver.prune()
        for _ in exam.driver.slices():
            pass
        zeros, weights = zeros_of(exam.driver.parameters())
        unseen = shifted(exam.attempt.data.test_x, exam.attempt.seed)
        right, same, _ = agreed_accuracy(exam, unseen)
        lost = (trained.metric or 0.0) - right
        trained.requirements += [
            _sparse(zeros, weights, bounds["sparsity"]),
            at_most("pruned: accuracy lost", lost, bounds["pruned_accuracy_lost"]),
            at_least(f"pruned: {SAME_ANSWERS}", same, AGREEING),
        ]

    def _cache(self, exam: Exam) -> None:
        """Compare both ways of writing; near the bound, or under it, again."""
        exam.driver.decoder()
        rng = np.random.default_rng(exam.attempt.seed)
        bound = exam.attempt.profile.bounds["cache_speedup"]
        times: Times = {True: [], False: []}
        same, speedup = True, 0.0
        for _ in range(TRIES):
            for _ in range(REPEATS):
                same = _both_ways(exam, rng, times) and same
            speedup = min(times[False]) / max(min(times[True]), 1e-9)
            if speedup >= bound:
                break
        exam.trained.facts["KV cache: times less CPU time"] = round(speedup, 2)
        name = f"KV cache: same {TOKENS} tokens as without"
        exam.trained.requirements += [
            at_least(name, float(same), 1.0),
            _faster(speedup, bound),
        ]

    def judge_loaded(self, driver: Driver, saved: Arrays, exam: Exam) -> None:
        """Judge the saved model in a process that knows nothing else."""
        trained, bounds = exam.trained, exam.attempt.profile.bounds
        held = driver.load(saved)
        data = exam.attempt.data
        unseen = shifted(data.test_x, exam.attempt.seed)
        outputs = driver.predict_loaded(unseen)
        again = exam.replay.predict_saved(saved, unseen)
        same_shape(outputs, again)
        same = float(np.mean(classes_of(outputs) == classes_of(again)))
        lost = (trained.metric or 0.0) - accuracy(outputs, data.test_y)
        share = held / max(1, sum(array.nbytes for array in saved.values()))
        trained.requirements += [
            at_most("int8: accuracy lost, loaded anew", lost, bounds["accuracy_lost"]),
            at_least(f"int8: {SAME_ANSWERS}", same, AGREEING),
            at_most("int8: bytes held in memory, of those saved", share, IN_MEMORY),
        ]


def _both_ways(exam: Exam, rng: np.random.Generator, times: Times) -> bool:
    """Write one text with the cache and without; return whether they are the same.

    The cached way comes first: a package that remembers texts makes only the other
    way faster.
    """
    prompt = [int(i) for i in rng.integers(1, VOCABULARY, PROMPT)]
    texts = []
    for cached in (True, False):
        before_s = exam.spent_s()
        texts.append(exam.driver.decode(prompt, TOKENS, cached=cached))
        times[cached].append(exam.spent_s() - before_s)
    for text in texts:
        if len(text) != TOKENS:
            call = f"decode(prompt of {PROMPT} ids, {TOKENS})"
            expected, got = f"{TOKENS} new ids", f"{len(text)}"
            raise CheckFailure("value", call=call, expected=expected, got=got)
    return texts[0] == texts[1]


def _faster(speedup: float, bound: float) -> Condition:
    """Return the condition without the number: a verdict is the same in every run."""
    met = speedup >= bound
    return Condition(
        name="KV cache: times less CPU time",
        bound=f">= {bound:g}",
        got=f"{bound:g} or more" if met else f"less than {bound:g}",
        met=met,
    )


def zeros_of(parameters: dict[str, NDArray[np.float32]]) -> tuple[int, int]:
    """Return how many weights are zero, of how many, among those with two axes up."""
    weights = [p for p in parameters.values() if p.ndim >= 2]
    return sum(int(np.sum(w == 0)) for w in weights), sum(w.size for w in weights)


def _sparse(zeros: int, weights: int, bound: float) -> Condition:
    """Return the condition; a share of whole weights is exact to one of them."""
    share = at_least("pruned: weights that are zero", zeros / max(1, weights), bound)
    met = zeros + 1 >= bound * weights
    return Condition(**dict(share) | {"met": met})
