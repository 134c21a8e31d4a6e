"""How answers are compared, and what is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader.checks.checklib import CheckFailure
from grader.measuring.tasks import (
    Texts,
    check_weights,
    cut,
    first_weights,
    rows_alike,
    typical,
)
from grader.models.course import Workload

WANT = np.array([[1, 2, 4], [0, 0, 0]], np.float32)
TEXTS = Workload(name="t", script="s", needs=(), shape=(2,), ids=3, tolerance=1e-3)


class Truth:
    """Knows the logits of a text: those of its last id, by a table."""

    table = np.array([[0, 1, 0.9995], [5, 0, 0], [0, 0, 3]], np.float32)

    def excused(self, ask: Any) -> Any:
        return ask(self)

    def explain(self, texts: Any) -> Any:
        return self.table[texts]

    def writes(self, prompts: Any, choice: int = -1) -> Any:
        """Return three tokens after each prompt, and logits."""
        tokens = np.zeros((len(prompts), 3), np.int64)
        logits = np.zeros((len(prompts), 3, 3), np.float32)
        last = prompts[:, -1]
        for i in range(3):
            logits[:, i] = self.table[last]
            best = logits[:, i].argmax(axis=-1)
            last = np.where(last == 0, choice, best) if choice >= 0 else best
            tokens[:, i] = last
        return tokens, logits


def compared(got: Any) -> Any:
    truth: Any = Truth()
    prompts = np.array([[1, 0], [2, 1]])
    return Texts(TEXTS).compare(got, truth.writes(prompts), prompts, truth)


def test_answers_within_the_tolerance_are_alike() -> None:
    seen = rows_alike(WANT * np.float32(1.0005), WANT, 1e-3, "f()")

    assert (seen.checked, seen.mismatched, seen.failure) == (2, 0, None)


@pytest.mark.parametrize(
    ("got", "what", "wrong"),
    [
        (WANT + np.float32([[0.01, 0, 0], [0, 0, 0]]), "value", 1),
        (WANT + np.float32(np.nan), "value", 2),
        (WANT + np.float32([[0], [1e-6]]), "value", 1),
        (WANT.astype(np.float64), "dtype", 2),
        (WANT.tolist(), "dtype", 2),
        (WANT[:1], "shape", 2),
        (np.float32(1), "dtype", 2),
    ],
)
def test_answers_that_differ_are_counted_and_told(
    got: Any, what: str, wrong: int
) -> None:
    seen = rows_alike(got, WANT, 1e-3, "f()")

    assert seen.mismatched == wrong
    assert seen.failure is not None
    assert seen.failure.what == what
    assert str(seen.failure).count("\n") < 6


def test_a_text_may_be_another_where_two_tokens_are_as_likely() -> None:
    truth, prompts = Truth(), np.array([[1, 0], [2, 1]])

    likeliest, other = truth.writes(prompts), truth.writes(prompts, choice=1)

    assert not np.array_equal(truth.writes(prompts, choice=2)[0], other[0])
    assert compared(likeliest).failure is None
    assert compared(other).failure is None
    assert compared(other).checked == 6


def test_a_token_that_is_not_the_likeliest_is_refused() -> None:
    tokens, logits = Truth().writes(np.array([[1, 0], [2, 1]]), choice=0)

    assert compared((tokens, logits)).failure is not None


def test_logits_of_another_text_are_refused() -> None:
    tokens, logits = Truth().writes(np.array([[1, 0], [2, 1]]))
    logits[1, 2] += np.float32([0.1, 0.1, 0.1])

    seen = compared((tokens, logits))

    assert seen.mismatched == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda t, _: t,
        lambda t, x: (t[:1], x),
        lambda t, x: (t.astype(np.float32), x),
        lambda t, x: (t + 3, x),
        lambda t, x: (t - 3, x),
        lambda t, x: (t, x.astype(np.float64)),
        lambda t, x: (t, x * np.float32(np.inf)),
        lambda t, x: (t, x[..., :2]),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_is_no_text_is_refused(change: Any) -> None:
    tokens, logits = Truth().writes(np.array([[1, 0], [2, 1]]))

    with pytest.raises(CheckFailure):
        compared(change(tokens, logits))


@pytest.mark.parametrize(("size", "parts"), [(1, (1,)), (3, (1, 1, 1)), (8, (1,) * 8)])
def test_a_small_batch_has_fewer_parts(size: int, parts: tuple[int, ...]) -> None:
    assert cut(size) == parts


@pytest.mark.parametrize("size", [9, 100, 2603])
def test_parts_are_of_one_size_and_none_is_lost(size: int) -> None:
    assert sum(cut(size)) == size
    assert max(cut(size)) - min(cut(size)) <= 1


def test_first_weights_follow_from_seed_and_name() -> None:
    own = {
        "fc.weight": np.zeros((8, 4), np.float32),
        "fc.bias": np.ones(4, np.float32),
        "norm.gamma": np.zeros(4, np.float32),
        "conv.weight": np.zeros((2, 3, 5, 5), np.float32),
    }

    made, again, other = (first_weights(own, seed) for seed in (1, 1, 2))

    assert {k: v.shape for k, v in made.items()} == {k: v.shape for k, v in own.items()}
    assert all(np.array_equal(made[k], again[k]) for k in own)
    assert not np.array_equal(made["fc.weight"], other["fc.weight"])
    assert not made["fc.bias"].any()
    assert made["norm.gamma"].all()
    assert np.abs(made["conv.weight"]).max() <= (6 / 75) ** 0.5


def test_a_model_of_another_shape_is_refused() -> None:
    wanted = {"fc.weight": np.zeros((8, 4), np.float32)}

    check_weights(wanted, wanted)
    for own in ({}, {"fc.weight": np.zeros((4, 8), np.float32)}):
        with pytest.raises(CheckFailure, match=r"fc\.weight"):
            check_weights(own, wanted)


def test_one_training_that_went_astray_is_no_cheat_and_all_of_them_are() -> None:
    assert typical([], 0.02) is None
    assert typical([0.0] * 21 + [0.3] * 19, 0.02) is None

    failure = typical([0.03] * 40, 0.02)

    assert failure is not None
    assert "40 trainings" in failure.got
