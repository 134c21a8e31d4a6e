"""The scripts of the closed division, in-process on the reference."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parents[3] / "milestones" / "tinymlperf"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tinymlperf_{name}", FOLDER / name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def size(model: dict[str, Any]) -> int:
    return sum(p.data.size for x in model.values() for p in x.parameters())


@pytest.mark.parametrize(
    ("name", "shape", "parameters"),
    [("mlp.py", (784,), 109_386), ("cnn.py", (3, 32, 32), 1_105_098)],
)
def test_rows_are_answered_one_by_one_as_they_are_together(
    tt: Any, name: str, shape: tuple[int, ...], parameters: int
) -> None:
    run, rng = script(name), np.random.default_rng(1)
    model = run.build(tt, rng)
    x = rng.random((3, *shape), np.float32)

    answers = run.predict(tt, model, x)

    assert size(model) == parameters
    assert answers.dtype == np.float32
    net = run.network(tt, model)
    np.testing.assert_allclose(answers, net(tt.Tensor(x)).data, atol=1e-4)
    pixels = (255 * x).astype(np.uint8)
    fraction = pixels / np.float32(255)
    np.testing.assert_array_equal(
        run.predict(tt, model, pixels), run.predict(tt, model, fraction)
    )


def test_a_slice_of_training_is_a_step(tt: Any) -> None:
    run, rng = script("cnn.py"), np.random.default_rng(1)
    model = run.build(tt, rng)
    data = {"x": rng.random((33, 3, 32, 32), np.float32), "y": np.arange(33) % 10}
    losses: list[dict[str, float]] = []

    def log(**told: float) -> None:
        losses.append(told)

    steps = run.train(tt, model, data, {}, log)

    before = model["fc2"].weight.data.copy()
    next(steps)
    assert np.any(model["fc2"].weight.data != before)
    assert len([*steps, 1]) == 2
    assert len(losses) == 2


def test_each_token_is_the_likeliest_and_logits_are_those_of_the_text(tt: Any) -> None:
    run, rng = script("gpt.py"), np.random.default_rng(1)
    model = run.build(tt, rng)
    prompts = rng.integers(0, run.VOCABULARY, (2, 8))

    tokens, logits = run.predict(tt, model, prompts)

    assert tokens.shape == (2, run.WRITTEN)
    np.testing.assert_array_equal(logits.argmax(axis=-1), tokens)
    assert len(set(tokens[0].tolist())) > 5  # a text, not one token again and again
    texts = np.concatenate([prompts, tokens], axis=1)[:, :-1]
    explained = run.explain(tt, model, texts)[:, 7:]
    np.testing.assert_allclose(logits, explained, atol=1e-3)
    # All weights are among the named leaf layers, so that all sides get the same.
    leaves = {id(p) for k, x in model.items() if k != "gpt" for p in x.parameters()}
    assert leaves == {id(p) for p in model["gpt"].parameters()}
